//! Bringing a collection up to date.

use largestack_knowledge::{File, MemoryDocuments, Progress, Summary, ingest};
use largestack_ports::documents::Documents;
use largestack_types::error::{Code, Coded};
use largestack_types::errors::LargestackError;
use largestack_types::scope::{Scope, TenantId};

use crate::run::block_on;

fn file(path: &str, bytes: &[u8]) -> File {
    File { path: path.into(), bytes: Ok(bytes.to_vec()) }
}

fn run(documents: &MemoryDocuments, files: Vec<File>) -> (Summary, Vec<Progress>) {
    let mut steps = Vec::new();
    let summary = block_on(ingest(documents, &Scope::local(), "docs", files, |step| {
        steps.push(step.clone());
    }))
    .unwrap();
    (summary, steps)
}

fn paths(documents: &MemoryDocuments) -> Vec<String> {
    block_on(documents.catalogue(&Scope::local(), "docs"))
        .unwrap()
        .into_iter()
        .map(|entry| entry.path)
        .collect()
}

#[test]
fn only_what_changed_is_ingested_again_and_what_vanished_is_removed() {
    let documents = MemoryDocuments::default();
    let (first, _) =
        run(&documents, vec![file("a.md", b"# A\n\nOne."), file("b.md", b"# B\n\nTwo.")]);
    assert_eq!((first.ingested, first.unchanged, first.removed, first.chunks), (2, 0, 0, 2));
    let (second, steps) =
        run(&documents, vec![file("a.md", b"# A\n\nOne."), file("c.md", b"# C\n\nThree.")]);
    assert_eq!((second.ingested, second.unchanged, second.removed, second.chunks), (1, 1, 1, 2));
    assert_eq!(
        steps,
        [
            Progress::Unchanged { path: "a.md".into() },
            Progress::Ingested { path: "c.md".into(), chunks: 1 },
            Progress::Removed { path: "b.md".into() },
        ]
    );
    assert_eq!(paths(&documents), ["a.md", "c.md"]);
    let (third, _) =
        run(&documents, vec![file("a.md", b"# A\n\nNew."), file("c.md", b"# C\n\nThree.")]);
    assert_eq!((third.ingested, third.unchanged), (1, 1));
}

#[test]
fn a_document_that_is_not_text_is_reported_with_its_code_and_the_others_are_ingested() {
    let documents = MemoryDocuments::default();
    let (summary, _) =
        run(&documents, vec![file("logo.png", b"\x89PNG\r\n"), file("a.md", b"Text.")]);
    assert_eq!(summary.ingested, 1);
    assert_eq!(summary.problems[0].path, "logo.png");
    assert_eq!(summary.problems[0].error.code(), Code::Document);
    assert!(summary.problems[0].error.message().contains("logo.png"));
}

#[test]
fn a_document_that_turned_into_something_else_is_taken_out_and_one_that_cannot_be_read_is_kept() {
    let documents = MemoryDocuments::default();
    run(&documents, vec![file("a.md", b"Text."), file("b.md", b"More.")]);
    let unreadable = File {
        path: "b.md".into(),
        bytes: Err(LargestackError::other(Code::NotFound, "permission denied")),
    };
    let (summary, _) = run(&documents, vec![file("a.md", b"%PDF-1.7"), unreadable]);
    assert_eq!(summary.problems.len(), 2);
    assert_eq!(paths(&documents), ["b.md"]);
    assert_eq!(summary.chunks, 1);
}

#[test]
fn tenants_and_collections_do_not_see_each_other() {
    let documents = MemoryDocuments::default();
    run(&documents, vec![file("a.md", b"Text.")]);
    let other = Scope::authenticated(TenantId::new("other").unwrap(), "me");
    assert!(block_on(documents.catalogue(&other, "docs")).unwrap().is_empty());
    assert!(block_on(documents.catalogue(&Scope::local(), "doc")).unwrap().is_empty());
    assert!(
        block_on(documents.search(&other, "docs", &["text".to_owned()], 5)).unwrap().is_empty()
    );
    assert_eq!(
        block_on(documents.search(&Scope::local(), "docs", &["text".to_owned()], 5)).unwrap().len(),
        1
    );
}
