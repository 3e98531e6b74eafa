//! `run`: answers with sources, in every form of output.

use std::path::Path;

use serde_json::Value;

use crate::place::{Place, copy};

const QUESTION: &str = "How long may I keep a book?";

#[test]
fn an_answer_comes_with_its_sources_and_one_line_of_facts() {
    let place = Place::with_library();
    let done = place.run(&["run", "library", QUESTION]).expect(0);
    insta::assert_snapshot!(place.redacted(&format!("{}---\n{}", done.out, done.err)));
}

#[test]
fn the_second_run_indexes_nothing_and_a_changed_document_alone_is_read_anew() {
    let place = Place::with_library();
    place.run(&["run", "library", QUESTION]).expect(0);
    let again = place.run(&["run", "library", QUESTION]).expect(0);
    assert!(!again.err.contains("Indexed"), "{}", again.err);
    place.write("library/docs/borrowing.md", "# Borrowing\n\nBooks may be kept for nine weeks.\n");
    let changed = place.run(&["run", "library", QUESTION]).expect(0);
    assert!(changed.err.contains("Indexed 1 document, 2 unchanged"), "{}", changed.err);
    assert!(changed.out.contains("nine weeks"), "{}", changed.out);
    std::fs::remove_file(place.path("library/docs/membership.md")).unwrap();
    let removed = place.run(&["run", "library", QUESTION]).expect(0);
    assert!(removed.err.contains("1 removed"), "{}", removed.err);
}

#[test]
fn one_json_document_holds_the_whole_result() {
    let place = Place::with_library();
    let done = place.run(&["run", "library", QUESTION, "--json"]).expect(0);
    let document = done.json();
    assert_eq!(document["status"], "completed");
    assert_eq!(document["offline"], true);
    assert!(document["answer"].as_str().unwrap().contains("four weeks"), "{document}");
    assert_eq!(document["citations"][0]["source"], "library/docs/borrowing.md");
    insta::assert_snapshot!(place.redacted(&done.out));
}

#[test]
fn events_are_lines_of_facts_in_order_with_deltas_between() {
    let place = Place::with_library();
    let done = place.run(&["run", "library", QUESTION, "--events"]).expect(0);
    let lines: Vec<Value> =
        done.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let facts: Vec<&Value> = lines.iter().filter(|line| line.get("seq").is_some()).collect();
    for (seq, fact) in (1..).zip(&facts) {
        assert_eq!(fact["seq"], seq);
        assert_eq!((&fact["v"], &fact["tenant"]), (&1.into(), &"local".into()));
    }
    assert_eq!(facts.first().unwrap()["kind"], "run_started");
    assert_eq!(facts.last().unwrap()["kind"], "run_finished");
    let deltas = lines.iter().filter(|line| line["kind"] == "delta");
    let text: String = deltas.filter_map(|delta| delta["data"]["text"].as_str()).collect();
    assert!(text.contains("four weeks"), "{text}");
}

#[test]
fn the_question_may_come_from_standard_input_and_the_agent_from_here() {
    let place = Place::with_library();
    let piped = place.pipe(QUESTION.as_bytes(), &["run", "library", "-", "-q"]).expect(0);
    assert!(piped.out.contains("four weeks"), "{}", piped.out);
    assert_eq!(piped.err, "");
    let here = place.run_in("library", &["run", QUESTION]).expect(0);
    assert!(here.out.contains("[1] docs/borrowing.md:"), "{}", here.out);
    let file = place.run(&["run", "library/agent.yaml", QUESTION, "--no-stream"]).expect(0);
    assert!(file.out.starts_with("Books may be kept for four weeks"), "{}", file.out);
}

#[test]
fn the_state_goes_where_it_is_told_and_nothing_else_is_written() {
    let place = Place::with_library();
    place.run(&["run", "library", QUESTION, "--state", "elsewhere"]).expect(0);
    assert!(place.path("elsewhere/state.db").is_file());
    assert!(!place.path("library/.largestack").exists());
    assert!(!place.path("home").exists());
    let list = place.run(&["trace", "--state", "elsewhere", "--json"]).expect(0).json();
    assert_eq!(list["runs"].as_array().unwrap().len(), 1);
}

#[test]
fn what_the_documents_do_not_answer_is_said_to_be_unanswered() {
    let place = Place::with_library();
    let done =
        place.run(&["run", "library", "Who won the football world cup?", "--json"]).expect(0);
    assert_eq!(done.json()["citations"].as_array().unwrap().len(), 0, "{}", done.out);
}

#[test]
fn secrets_stay_out_of_the_journal_and_its_traces() {
    let place = Place::with_library();
    let secret = concat!("sk-", "proj-abcdefghijklmnopqrstuvwxyz0123456789ABCD");
    let question = format!("My key is {secret}. How long may I keep a book?");
    place.run(&["run", "library", &question]).expect(0);
    for arguments in [
        &["trace", "library", "last"][..],
        &["trace", "library", "last", "--whole"],
        &["trace", "library", "last", "--json"],
        &["trace", "library"],
        &["replay", "library", "last", "--at", "1"],
        &["doctor", "library"],
    ] {
        let done = place.run(arguments).expect(0);
        assert!(!done.out.contains(secret) && !done.err.contains(secret), "{arguments:?}");
    }
    let shown = place.run(&["trace", "library", "last"]).expect(0);
    assert!(shown.out.contains("guard: "), "{}", shown.out);
}

#[test]
fn the_handbook_of_the_readme_answers_the_question_of_the_readme() {
    let place = Place::new();
    let handbook = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/handbook");
    copy(&handbook, &place.path("handbook"));
    let question = "How long do I have to return an item, and who pays the postage?";
    let done = place.run(&["run", "handbook", question, "--json"]).expect(0);
    let document = done.json();
    assert_eq!(document["status"], "completed");
    let citations = document["citations"].as_array().unwrap();
    let source = |citation: &Value| citation["source"].as_str().unwrap().to_owned();
    assert!(
        citations.iter().any(|c| source(c) == "handbook/docs/customer/returns.md"),
        "{document}"
    );
    assert!(document["answer"].as_str().unwrap().contains("30 days"), "{document}");
}
