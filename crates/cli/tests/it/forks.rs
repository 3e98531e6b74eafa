//! `fork` and `diff`: a run's beginning with another future, and two runs side by side.

use crate::place::Place;

const QUESTION: &str = "How long may I keep a book?";

/// A project whose newest run has asked, searched and answered.
fn with_a_run() -> (Place, String) {
    let place = Place::with_library();
    place.run(&["run", "library", QUESTION]).expect(0);
    let run = place.last_run("library");
    (place, run)
}

#[test]
fn a_fork_goes_on_from_an_event_and_tells_what_it_inherited_from_what_it_paid() {
    let (place, run) = with_a_run();
    let before = place.run(&["trace", "library", &run, "--json"]).expect(0).out;
    let fork = place.run(&["fork", "library", &run, "--at", "3", "--json"]).expect(0).json();
    assert_eq!(fork["status"], "completed");
    assert_ne!(fork["run"], run);
    assert_eq!(
        (&fork["inherited"]["of"], &fork["inherited"]["at"]),
        (&run.as_str().into(), &3.into())
    );
    let calls = place.run(&["cost", "library", "--json"]).expect(0).json();
    // Two calls of the run, and one of the fork: what was before it was paid once.
    assert_eq!(calls["total"]["calls"], 3);
    let shown = place.run(&["trace", "library", fork["run"].as_str().unwrap()]).expect(0).out;
    assert!(shown.contains(&format!("forked from {run} at 3 by")), "{shown}");
    assert_eq!(place.run(&["trace", "library", &run, "--json"]).expect(0).out, before);
}

#[test]
fn a_fork_may_be_asked_something_else_and_a_comparison_says_where_they_part() {
    let (place, run) = with_a_run();
    let other = "--set=input=What does a lost book cost?";
    place.run(&["fork", "library", &run, "--at", "1", other]).expect(0);
    let fork = place.last_run("library");
    let text = place.run(&["diff", &run, &fork, "--project", "library"]).expect(0).out;
    assert!(text.contains("First difference: event 1 here, 2 there (text)"), "{text}");
    let document =
        place.run(&["diff", &run, &fork, "--project", "library", "--json"]).expect(0).json();
    assert_eq!(document["shared_events"], 1);
    assert_eq!(document["left"]["status"], "completed");
    assert!(document["steps"].as_array().unwrap().len() > 3);
    let same = place.run(&["diff", &run, &run, "--project", "library"]).expect(0).out;
    assert!(same.contains("They did the same."), "{same}");
}

#[test]
fn what_cannot_be_set_says_why() {
    let (place, run) = with_a_run();
    let refused = |arguments: &[&str]| {
        let all = [&["fork", "library", run.as_str()], arguments].concat();
        place.run(&all).expect(2).err
    };
    for (arguments, why) in [
        (&["--at", "3", "--set", "tools=none"][..], "`tools` cannot be set in a fork"),
        (&["--at", "3", "--set", "model"], "sets nothing"),
        (&["--at", "3", "--set", "model="], "is set to nothing"),
        (&["--at", "3", "--set", "max_turns=0"], "Give a number of at least 1"),
        (&["--at", "3", "--set", "budget=much"], "Give dollars"),
        (&["--at", "3", "--set", "input=a", "--set", "input=b"], "is set twice"),
        (&["--at", "99"], "there is no event 99"),
        (&["--at", "0"], "there is no event 0"),
    ] {
        let said = refused(arguments);
        assert!(said.contains(why), "{arguments:?}: {said}");
    }
    let events = place.run(&["trace", "library", &run, "--json"]).expect(0).json();
    let last = events["events"].as_array().unwrap().len().to_string();
    let over = refused(&["--at", &last]);
    assert!(over.contains("the run was over there"), "{over}");
}

const NOTES: &str = "name: notes
inputs: {topic: text}
tools:
  note:
    command: [/bin/sh, -c, 'cat >> notes; echo true']
    description: Takes a note.
    parameters: {type: object, properties: {text: {type: string}}}
    writes: [.]
nodes:
  note: {tool: note, with: {text: \"{{ topic }}\"}, then: made}
  made: {set: \"All about {{ topic }}.\", then: again}
  again: {tool: note, with: {text: \"{{ made }}\"}}
answer: made
";

#[cfg(unix)]
#[test]
fn a_workflows_run_is_forked_and_repeats_no_node_that_was_done() {
    let place = Place::new();
    place.write("flow/workflow.yaml", NOTES);
    let run = place.run(&["run", "flow", "bees", "--json"]).expect(0).json();
    let run = run["run"].as_str().unwrap();
    assert_eq!(place.read("flow/notes").matches("text").count(), 2);
    let trace = place.run(&["trace", "flow", run, "--json"]).expect(0).json();
    let events = trace["events"].as_array().unwrap();
    let first = events.iter().find(|event| event["kind"] == "node_finished").unwrap();
    let at = first["seq"].to_string();
    let fork = ["fork", "flow", run, "--at", &at, "--set", "topic=wasps", "--json"];
    let fork = place.run(&fork).expect(0).json();
    assert_eq!(
        (&fork["status"], &fork["answer"]),
        (&"completed".into(), &"All about wasps.".into())
    );
    assert_eq!(fork["inherited"]["of"], run);
    let notes = place.read("flow/notes");
    assert_eq!(notes.matches("text").count(), 3, "the first note was not taken again: {notes}");
    assert!(notes.ends_with("wasps.\"}"), "{notes}");
    let shown = place.run(&["trace", "flow", fork["run"].as_str().unwrap()]).expect(0).out;
    assert!(shown.contains(&format!("forked from {run} at {at} by")), "{shown}");
    let unknown = ["fork", "flow", run, "--at", &at, "--set", "model=openai/o3"];
    let unknown = place.run(&unknown).expect(2).err;
    assert!(unknown.contains("`model` is no key of the workflow `notes`"), "{unknown}");
    let last = events.len().to_string();
    let over = place.run(&["fork", "flow", run, "--at", &last]).expect(2).err;
    assert!(over.contains("coming to its end there"), "{over}");
}
