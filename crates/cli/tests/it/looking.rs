//! `trace`, `replay` and `cost`: what happened, from the journal alone.

use crate::place::Place;

const QUESTION: &str = "How long may I keep a book?";

#[test]
fn a_trace_lists_runs_and_shows_one_as_a_tree() {
    let place = Place::with_library();
    place.run(&["run", "library", QUESTION]).expect(0);
    let list = place.run(&["trace", "library"]).expect(0);
    insta::assert_snapshot!("trace_list", place.redacted(&list.out));
    let tree = place.run(&["trace", "library", "last"]).expect(0);
    insta::assert_snapshot!("trace_tree", place.redacted(&tree.out));
}

#[test]
fn a_trace_as_json_holds_the_steps_and_the_events() {
    let place = Place::with_library();
    place.run(&["run", "library", QUESTION]).expect(0);
    let done = place.run(&["trace", "library", "last", "--json"]).expect(0);
    let document = done.json();
    let events = document["events"].as_array().unwrap();
    assert_eq!(document["run"]["events"], events.len());
    let kinds = |list: &str| -> Vec<String> {
        let list = document[list].as_array().unwrap();
        list.iter().map(|step| step["kind"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(kinds("steps"), ["asked", "model", "tool", "model", "finished"]);
    assert_eq!(kinds("events").last().unwrap(), "run_finished");
    let mut steps = document["steps"].clone();
    // The result is the tool's own business; here only its place matters.
    steps[2]["result"] = "[RESULT]".into();
    let steps = serde_json::to_string_pretty(&steps).unwrap();
    insta::assert_snapshot!(place.redacted(&steps));
}

#[test]
fn a_run_is_named_by_its_id_the_beginning_of_it_or_last() {
    let place = Place::with_library();
    place.run(&["run", "library", QUESTION]).expect(0);
    let run = place.last_run("library");
    for name in [run.as_str(), &run[..20], "last"] {
        let done = place.run(&["trace", "library", name]).expect(0);
        assert!(done.out.starts_with(&run), "{name}: {}", done.out);
    }
    let other = format!("run_{}", "0".repeat(32));
    let absent = place.run(&["trace", "library", &other]).expect(5);
    assert!(absent.err.contains("LARGESTACK_NOT_FOUND"), "{}", absent.err);
    place.run(&["run", "library", QUESTION]).expect(0);
    let twice = place.run(&["trace", "library", "run_0"]).expect(2);
    assert!(twice.err.contains("begins more than one run"), "{}", twice.err);
}

#[test]
fn the_nearest_state_is_found_from_below_and_one_below_is_suggested() {
    let place = Place::with_library();
    place.run(&["run", "library", QUESTION]).expect(0);
    place.run_in("library/docs", &["trace", "last"]).expect(0);
    let above = place.run(&["trace"]).expect(5);
    assert!(above.err.contains("There is one in library"), "{}", above.err);
}

#[test]
fn a_replay_shows_the_state_after_each_event() {
    let place = Place::with_library();
    place.run(&["run", "library", QUESTION]).expect(0);
    let table = place.run(&["replay", "library", "last"]).expect(0);
    insta::assert_snapshot!("replay_table", place.redacted(&table.out));
    let document = place.run(&["replay", "library", "last", "--json"]).expect(0).json();
    let states = document["states"].as_array().unwrap();
    assert_eq!(states.first().unwrap()["phase"], "model");
    assert_eq!(states.last().unwrap()["phase"], "over");
    assert_eq!(states.last().unwrap()["status"], "completed");
    assert_eq!(states.last().unwrap()["turns"], 2);
}

#[test]
fn a_replay_goes_back_to_any_event_and_to_no_other() {
    let place = Place::with_library();
    place.run(&["run", "library", QUESTION]).expect(0);
    let first = place.run(&["replay", "library", "last", "--at", "1", "--json"]).expect(0).json();
    assert_eq!(first["states"].as_array().unwrap().len(), 1);
    assert_eq!(first["states"][0]["ready"][0], "e1 model");
    assert_eq!(first["messages"][1]["parts"][0]["text"], QUESTION);
    let shown = place.run(&["replay", "library", "last", "--at", "1"]).expect(0);
    assert!(shown.out.contains(QUESTION), "{}", shown.out);
    let all = place.run(&["replay", "library", "last", "--json"]).expect(0).json();
    let last = all["states"].as_array().unwrap().len();
    place.run(&["replay", "library", "last", "--at", &last.to_string()]).expect(0);
    for beyond in ["0".to_owned(), (last + 1).to_string()] {
        place.run(&["replay", "library", "last", "--at", &beyond]).expect(2);
    }
    place.run(&["replay", "library"]).expect(2);
}

#[test]
fn costs_are_reported_by_agent_model_and_day() {
    let place = Place::with_library();
    place.run(&["run", "library", QUESTION]).expect(0);
    for by in ["agent", "model", "day"] {
        let done = place.run(&["cost", "library", "--by", by]).expect(0);
        insta::assert_snapshot!(format!("cost_by_{by}"), place.redacted(&done.out));
        let document = place.run(&["cost", "library", "--by", by, "--json"]).expect(0).json();
        assert_eq!(document["by"], by);
        assert_eq!(document["rows"].as_array().unwrap().len(), 1);
        assert_eq!(document["total"]["calls"], 2);
        assert_eq!(document["total"]["cost_usd"], "0.00");
    }
}

#[test]
fn a_reader_that_goes_away_ends_a_command_without_a_word() {
    let place = Place::with_library();
    place.run(&["run", "library", QUESTION]).expect(0);
    for arguments in [&["trace", "library"][..], &["explain"], &["cost", "library", "--json"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = place.command(arguments).stdout(writer).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
    }
}

#[test]
fn a_run_whose_reader_went_away_is_cancelled_and_the_journal_says_so() {
    let place = Place::with_library();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output =
        place.command(&["run", "library", QUESTION, "-q"]).stdout(writer).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let list = place.run(&["trace", "library", "--json"]).expect(0).json();
    // Whether the answer was complete when the first word met no reader is a matter of time.
    let status = list["runs"][0]["status"].as_str().unwrap();
    assert!(matches!(status, "cancelled" | "completed"), "{status}");
}
