//! The catalogue and the lexical index.

use largestack_ports::documents::{Chunk, CorpusStats, DocumentEntry, Documents};
use largestack_store::Store;
use largestack_types::hash::Hash;
use largestack_types::scope::Scope;

use crate::fixture::{block_on, open, tenant};

fn chunk(ordinal: u32, terms: &str) -> Chunk {
    Chunk {
        ordinal,
        headings: vec!["Top".to_owned(), format!("Part \"{ordinal}\"")],
        lines: (ordinal * 10 + 1, ordinal * 10 + 9),
        bytes: (u64::from(ordinal) * 100, u64::from(ordinal) * 100 + 99),
        text: format!("The words of {terms}."),
        terms: terms.to_owned(),
    }
}

fn entry(path: &str, chunks: u32) -> DocumentEntry {
    DocumentEntry { path: path.to_owned(), hash: Hash::of(path.as_bytes()), chunks }
}

fn put(store: &Store, scope: &Scope, collection: &str, path: &str, texts: &[&str]) {
    let chunks: Vec<Chunk> = (0..).zip(texts).map(|(at, terms)| chunk(at, terms)).collect();
    let entry = entry(path, u32::try_from(chunks.len()).unwrap());
    block_on(Documents::put(store, scope, collection, entry, chunks)).unwrap();
}

fn terms(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

fn found(store: &Store, scope: &Scope, collection: &str, text: &str) -> Vec<(String, u32)> {
    let hits = block_on(store.search(scope, collection, &terms(text), 10)).unwrap();
    hits.into_iter().map(|hit| (hit.path, hit.chunk.ordinal)).collect()
}

fn at(path: &str, ordinal: u32) -> (String, u32) {
    (path.to_owned(), ordinal)
}

#[test]
fn chunks_come_back_whole_and_the_best_first() {
    let (folder, scope) = (tempfile::tempdir().unwrap(), Scope::local());
    let store = open(folder.path());
    put(&store, &scope, "c", "a.md", &["return parcel postage", "opening hours shop", "cake"]);
    put(&store, &scope, "c", "b.md", &["return return return item", "tea", "coffee"]);
    let hits = block_on(store.search(&scope, "c", &terms("return postage"), 10)).unwrap();
    assert_eq!(hits.len(), 2);
    let best = hits.first().unwrap();
    assert_eq!(best.path, "a.md");
    assert_eq!(best.chunk, chunk(0, "return parcel postage"));
    assert!(best.score > hits.last().unwrap().score && hits.last().unwrap().score > 0.0);
    assert_eq!(block_on(store.search(&scope, "c", &terms("return"), 1)).unwrap().len(), 1);
    assert_eq!(block_on(store.search(&scope, "c", &[], 10)).unwrap(), []);
    assert_eq!(found(&store, &scope, "c", "absent"), []);
}

#[test]
fn terms_are_words_whatever_they_are_made_of() {
    let (folder, scope) = (tempfile::tempdir().unwrap(), Scope::local());
    let store = open(folder.path());
    let odd = [
        "c++",
        "max_retries",
        "\"quoted",
        "AND",
        "NEAR(a",
        "भुगतान",
        "naïve",
        "-x",
        "a*",
        "$5.00",
        "col:umn",
    ];
    put(&store, &scope, "c", "other.md", &["plain words here", "with more of them", "नियम पत्र"]);
    for (number, term) in odd.iter().enumerate() {
        put(&store, &scope, "c", &format!("{number}.md"), &[term, "filler"]);
    }
    for (number, term) in odd.iter().enumerate() {
        assert_eq!(found(&store, &scope, "c", term), [at(&format!("{number}.md"), 0)], "{term}");
    }
    for part in ["c", "max", "retries", "quoted", "near", "भ", "naive", "x", "5", "umn"] {
        assert_eq!(found(&store, &scope, "c", part), [], "{part}");
    }
}

#[test]
fn a_document_put_again_replaces_the_former_and_one_removed_is_gone() {
    let (folder, scope) = (tempfile::tempdir().unwrap(), Scope::local());
    let store = open(folder.path());
    put(&store, &scope, "c", "b.md", &["old words", "older words"]);
    put(&store, &scope, "c", "a.md", &["other"]);
    put(&store, &scope, "c", "b.md", &["new"]);
    assert_eq!(found(&store, &scope, "c", "words"), []);
    assert_eq!(found(&store, &scope, "c", "new"), [at("b.md", 0)]);
    let catalogue = || block_on(store.catalogue(&scope, "c")).unwrap();
    assert_eq!(catalogue(), [entry("a.md", 1), entry("b.md", 1)]);
    block_on(store.remove(&scope, "c", "b.md")).unwrap();
    block_on(store.remove(&scope, "c", "never.md")).unwrap();
    block_on(store.remove(&scope, "never", "b.md")).unwrap();
    assert_eq!(catalogue(), [entry("a.md", 1)]);
    assert_eq!(found(&store, &scope, "c", "new"), []);
    drop(store);
    assert_eq!(block_on(open(folder.path()).catalogue(&scope, "c")).unwrap(), [entry("a.md", 1)]);
}

#[test]
fn collections_and_tenants_share_neither_documents_nor_statistics() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let (acme, other) = (tenant("acme"), tenant("other"));
    put(&store, &acme, "c", "a.md", &["common rare", "common", "common"]);
    let alone = block_on(store.search(&acme, "c", &terms("common rare"), 10)).unwrap();
    for number in 0..20 {
        put(&store, &other, "c", &format!("{number}.md"), &["rare rare rare"]);
        put(&store, &acme, "d", &format!("{number}.md"), &["rare rare rare"]);
    }
    assert_eq!(block_on(store.search(&acme, "c", &terms("common rare"), 10)).unwrap(), alone);
    assert_eq!(block_on(store.catalogue(&other, "c")).unwrap().len(), 20);
    assert_eq!(block_on(store.catalogue(&other, "d")).unwrap(), []);
    assert_eq!(found(&store, &other, "d", "rare"), []);
    let stats = |scope, asked| block_on(store.stats(scope, "c", &terms(asked))).unwrap();
    let expected = CorpusStats { chunks: 3, frequencies: vec![1, 3, 0, 1] };
    assert_eq!(stats(&acme, "rare common absent rare"), expected);
    let nothing = CorpusStats { chunks: 0, frequencies: vec![0] };
    assert_eq!(stats(&tenant("third"), "rare"), nothing);
}

#[test]
fn a_store_without_documents_answers_with_none() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    assert_eq!(block_on(store.catalogue(&Scope::local(), "c")).unwrap(), []);
    assert_eq!(found(&store, &Scope::local(), "c", "a"), []);
    let stats = block_on(store.stats(&Scope::local(), "c", &terms("a b"))).unwrap();
    assert_eq!(stats, CorpusStats { chunks: 0, frequencies: vec![0, 0] });
    assert!(!folder.path().join("documents.db").exists());
}
