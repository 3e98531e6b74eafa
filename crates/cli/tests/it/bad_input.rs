//! What is wrong with the input or around it: each a coded error, nothing lost.

use std::process::Stdio;

use crate::place::Place;

const QUESTION: &str = "How long may I keep a book?";

/// Changes the library's `agent.yaml` and runs it.
fn run_with(from: &str, to: &str) -> crate::place::Done {
    let place = Place::with_library();
    let file = place.read("library/agent.yaml");
    assert!(file.contains(from), "{from}");
    place.write("library/agent.yaml", file.replace(from, to));
    let done = place.run(&["run", "library", QUESTION]);
    assert!(!place.path("library/.largestack").exists(), "nothing is made for a wrong file");
    done
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_nearest_known_one() {
    let done = run_with("instructions:", "instuctions:").expect(2);
    assert!(done.err.contains("agent.yaml:4"), "{}", done.err);
    assert!(done.err.contains("instructions"), "{}", done.err);
    assert!(done.err.contains("LARGESTACK_CONFIG"), "{}", done.err);
}

#[test]
fn a_tool_that_does_not_exist_is_named_with_the_nearest_one() {
    let done = run_with("- search_knowledge", "- serch_knowledge").expect(2);
    assert!(done.err.contains("serch_knowledge"), "{}", done.err);
    assert!(done.err.contains("search_knowledge"), "{}", done.err);
}

#[test]
fn a_model_that_nobody_serves_is_refused() {
    let done = run_with("model: auto", "model: opnai/gpt-4o").expect(2);
    assert!(done.err.contains("openai/gpt-4o"), "{}", done.err);
    let place = Place::with_library();
    let flag = place.run(&["run", "library", QUESTION, "--model", "nobody/nothing"]).expect(2);
    assert!(flag.err.contains("nobody/nothing"), "{}", flag.err);
}

#[test]
fn a_missing_agent_is_not_found() {
    let place = Place::new();
    let done = place.run(&["run", "nowhere", QUESTION]).expect(5);
    assert!(done.err.contains("nowhere"), "{}", done.err);
    let here = place.run(&["run", QUESTION, "--json"]).expect(5).json();
    assert_eq!(here["code"], "LARGESTACK_NOT_FOUND");
    assert!(here["docs_url"].as_str().unwrap().ends_with("LARGESTACK_NOT_FOUND"));
}

#[test]
fn a_question_must_be_there_and_must_not_be_a_book() {
    let place = Place::with_library();
    let empty = place.run(&["run", "library", "  "]).expect(2);
    assert!(empty.err.contains("the question is empty"), "{}", empty.err);
    let none = place.run(&["run", "library"]).expect(2);
    assert!(none.err.contains("no question"), "{}", none.err);
    let book = vec![b'a'; 10 << 20];
    let long = place.pipe(&book, &["run", "library", "-"]).expect(2);
    assert!(long.err.contains("LARGESTACK_INPUT"), "{}", long.err);
    let binary = place.pipe(b"\xff\xfe", &["run", "library", "-"]).expect(2);
    assert!(binary.err.contains("UTF-8"), "{}", binary.err);
    place.run(&["run", "library", QUESTION]).expect(0);
}

#[test]
fn a_document_that_is_not_text_is_named_and_the_others_are_used() {
    let place = Place::with_library();
    place.write("library/docs/photo.md", b"\x89PNG\r\n\x1a\n\0\0");
    let done = place.run(&["run", "library", QUESTION]).expect(0);
    assert!(done.err.contains("photo.md") && done.err.contains("PNG"), "{}", done.err);
    assert!(done.out.contains("four weeks"), "{}", done.out);
    for document in ["opening-hours", "membership", "borrowing"] {
        std::fs::remove_file(place.path(&format!("library/docs/{document}.md"))).unwrap();
    }
    let alone = place.run(&["run", "library", QUESTION]).expect(2);
    assert!(alone.err.contains("LARGESTACK_DOCUMENT"), "{}", alone.err);
    std::fs::remove_file(place.path("library/docs/photo.md")).unwrap();
    let nothing = place.run(&["run", "library", QUESTION]).expect(2);
    assert!(nothing.err.contains("there are no documents"), "{}", nothing.err);
}

#[test]
fn a_state_folder_that_cannot_be_written_is_a_store_error_that_names_it() {
    let place = Place::with_library();
    place.write("taken", "a file");
    let done = place.run(&["run", "library", QUESTION, "--state", "taken"]).expect(8);
    assert!(done.err.contains("LARGESTACK_STORE") && done.err.contains("taken"), "{}", done.err);
    assert_eq!(place.read("taken"), "a file");
}

#[test]
fn a_state_of_a_newer_version_is_refused_and_left_as_it_is() {
    let newer = include_bytes!("fixtures/newer-state.db");
    let place = Place::with_library();
    place.write("library/.largestack/state.db", newer);
    for arguments in [
        &["run", "library", QUESTION][..],
        &["trace", "library"],
        &["kill", "library", "--reason", "x"],
    ] {
        let done = place.run(arguments).expect(2);
        assert!(done.err.contains("LARGESTACK_JOURNAL_VERSION"), "{arguments:?}: {}", done.err);
    }
    let kept = std::fs::read(place.path("library/.largestack/state.db")).unwrap();
    assert_eq!(kept, newer);
}

#[test]
fn a_file_that_is_no_state_is_refused_and_left_as_it_is() {
    let place = Place::with_library();
    place.write("library/.largestack/state.db", "this is not a database, and long enough to look");
    let done = place.run(&["trace", "library"]).expect(8);
    assert!(done.err.contains("not a Largestack database"), "{}", done.err);
}

#[test]
fn processes_share_one_state() {
    let place = Place::with_library();
    place.run(&["run", "library", QUESTION]).expect(0);
    let children: Vec<_> = (0..4)
        .map(|_| {
            let mut command = place.command(&["run", "library", QUESTION, "-q"]);
            command.stdout(Stdio::piped()).spawn().expect("the binary runs")
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{err}");
    }
    let list = place.run(&["trace", "library", "--json"]).expect(0).json();
    let runs = list["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 5);
    assert!(runs.iter().all(|run| run["status"] == "completed"), "{list}");
}

#[test]
fn a_provider_without_a_key_is_an_error_that_names_the_variable() {
    let place = Place::with_library();
    let arguments = ["run", "library", QUESTION, "--model", "openai/gpt-4o-mini"];
    let done = place.run(&arguments).expect(3);
    assert!(done.err.contains("LARGESTACK_PROVIDER_AUTH"), "{}", done.err);
    assert!(done.err.contains("LARGESTACK_OPENAI_API_KEY"), "{}", done.err);
    let list = place.run(&["trace", "library", "--json"]).expect(0).json();
    assert_eq!(list["runs"][0]["status"], "failed");
}

#[test]
fn wrong_usage_ends_with_two() {
    let place = Place::new();
    place.run(&["frobnicate"]).expect(2);
    place.run(&[]).expect(2);
    place.run(&["cost", "--by", "moon"]).expect(2);
    place.run(&["run", "a", "b", "--json", "--events"]).expect(2);
}
