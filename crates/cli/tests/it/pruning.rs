//! `prune`: runs that need not be kept any longer.

use crate::place::Place;

const QUESTION: &str = "How long may I keep a book?";

fn runs(place: &Place) -> Vec<String> {
    let list = place.run(&["trace", "library", "--json"]).expect(0).json();
    let runs = list["runs"].as_array().unwrap();
    runs.iter().map(|run| run["run"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn old_runs_go_with_what_nothing_refers_to_and_what_they_cost_stays() {
    let place = Place::with_library();
    for _ in 0..3 {
        place.run(&["run", "library", QUESTION]).expect(0);
    }
    let before = runs(&place);
    let would = place.run(&["prune", "library", "--keep", "1", "--dry-run"]).expect(0).out;
    assert!(would.starts_with("Would remove 2 runs with "), "{would}");
    assert_eq!(runs(&place), before);
    let young = place.run(&["prune", "library", "--older-than", "1h", "--json"]).expect(0).json();
    assert_eq!((&young["runs"], &young["dry_run"]), (&0.into(), &false.into()));
    let done = place.run(&["prune", "library", "--keep", "1", "--json"]).expect(0).json();
    assert_eq!((&done["runs"], &done["kept"]["open"]), (&2.into(), &0.into()));
    assert!(done["bytes"].as_u64().unwrap() > 1_000, "{done}");
    assert_eq!(runs(&place), before[..1]);
    // The definition is the newest run's as well.
    place.run(&["replay", "library", "last"]).expect(0);
    let costs = place.run(&["cost", "library", "--json"]).expect(0).json();
    assert_eq!(costs["total"]["calls"], 6);
    place.run(&["run", "library", QUESTION]).expect(0);
}

#[test]
fn a_run_that_was_forked_stays_as_long_as_its_fork() {
    let place = Place::with_library();
    place.run(&["run", "library", QUESTION]).expect(0);
    place.run(&["fork", "library", "last", "--at", "3"]).expect(0);
    let before = runs(&place);
    let done = place.run(&["prune", "library", "--keep", "1"]).expect(0).out;
    assert!(done.contains("Stayed: 1 that was forked by a run that stays"), "{done}");
    assert_eq!(runs(&place), before);
}

#[test]
fn the_project_says_how_long_runs_are_kept_and_nothing_goes_unsaid() {
    let place = Place::with_library();
    place.run(&["run", "library", QUESTION]).expect(0);
    place.run(&["run", "library", QUESTION]).expect(0);
    let refused = place.run(&["prune", "library"]).expect(2);
    assert!(refused.err.contains("nothing says which runs may go"), "{}", refused.err);
    place.write("library/largestack.yaml", "retention:\n  keep: 1\n");
    place.run(&["prune", "library"]).expect(0);
    assert_eq!(runs(&place).len(), 1);
    let wrong = place.run(&["prune", "library", "--older-than", "soon"]);
    assert_ne!(wrong.code, 0);
    assert!(wrong.err.contains("write it like 30d"), "{}", wrong.err);
}

#[test]
fn a_limit_that_is_typed_leaves_the_projects_other_limit_in_force() {
    let place = Place::with_library();
    for _ in 0..3 {
        place.run(&["run", "library", QUESTION]).expect(0);
    }
    let would = |typed: &[&str]| {
        let args = [&["prune", "library", "--dry-run", "--json"], typed].concat();
        place.run(&args).expect(0).json()["runs"].as_u64().unwrap()
    };
    place.write("library/largestack.yaml", "retention:\n  older_than: 1h\n");
    assert_eq!(would(&["--keep", "1"]), 0, "none is an hour old");
    assert_eq!(would(&["--keep", "1", "--older-than", "0s"]), 2);
    place.write("library/largestack.yaml", "retention:\n  keep: 2\n");
    assert_eq!(would(&["--older-than", "0s"]), 1, "two stay");
    assert_eq!(would(&["--older-than", "0s", "--keep", "0"]), 3);
}

#[test]
fn a_run_that_is_over_keeps_its_conversation_and_its_cost_and_says_that_events_are_gone() {
    let place = Place::with_library();
    place.run(&["run", "library", QUESTION]).expect(0);
    let run = place.last_run("library");
    let json = |arguments: &[&str]| {
        let all = [arguments, &["library", run.as_str(), "--json"]].concat();
        place.run(&all).expect(0).json()
    };
    let (trace, replay) = (json(&["trace"]), json(&["replay"]));
    let last = trace["run"]["events"].as_u64().unwrap();
    let cost = place.run(&["cost", "library"]).expect(0).out;
    let look = ["prune", "library", "--compact", "--older-than", "0s"];
    let would = place.run(&[&look[..], &["--dry-run"]].concat()).expect(0).out;
    assert!(would.starts_with("Would compact 1 run: "), "{would}");
    assert_eq!(json(&["trace"]), trace, "nothing was done");
    let done = place.run(&[&look[..], &["--json"]].concat()).expect(0).json();
    let compacted = &done["compacted"];
    assert_eq!((&compacted["runs"], &compacted["events"]), (&1.into(), &(last - 3).into()));
    assert!(compacted["bytes"].as_u64().unwrap() > 0, "{done}");
    let again = place.run(&look).expect(0).out;
    assert!(again.contains("Stayed: 1 that is as small as it gets."), "{again}");

    // What it came to, what it cost and where it stood at its end are as before.
    let short = json(&["trace"]);
    assert_eq!(short["run"], trace["run"]);
    let shown = place.run(&["trace", "library", &run]).expect(0).out;
    let gone = format!("compacted: {} events stood here and were given up", last - 2);
    assert!(shown.contains(&gone), "{shown}");
    assert_eq!(place.run(&["cost", "library"]).expect(0).out, cost);
    let states = |replay: &serde_json::Value| replay["states"].as_array().unwrap().clone();
    let (before, after) = (states(&replay), states(&json(&["replay"])));
    assert_eq!((after.len(), after.last()), (3, before.last()));
    let at = |seq: u64| place.run(&["replay", "library", &run, "--at", &seq.to_string()]);
    let refused = at(3).expect(2).err;
    assert!(refused.contains("event 3 was given up when the run was compacted"), "{refused}");
    assert!(at(last - 1).expect(0).out.contains("may be kept"), "the conversation stands");

    // A fork begins at its end, and not where nobody knows any more how it stood.
    let refused = place.run(&["fork", "library", &run, "--at", "3"]).expect(2).err;
    assert!(refused.contains("event 3 of"), "{refused}");
    let input = "--set=input=What does a lost book cost?";
    let end = last.to_string();
    let fork = place.run(&["fork", "library", &run, "--at", &end, input, "--json"]);
    assert_eq!(fork.expect(0).json()["status"], "completed");
    let fork = place.last_run("library");
    assert_ne!(fork, run);
    let shown = place.run(&["replay", "library", &fork, "--json"]).expect(0).json();
    assert_eq!(shown["states"][1]["event"], "compacted", "{shown}");
    let none = place.run(&[&look[..], &["--json"]].concat()).expect(0).json();
    assert_eq!(none["compacted"]["runs"], 0, "a fork has its own events: {none}");
}

#[test]
fn runs_that_cannot_be_compacted_are_counted_and_the_exit_code_says_so() {
    let place = Place::with_library();
    for _ in 0..2 {
        place.run(&["run", "library", QUESTION]).expect(0);
    }
    let compact = ["prune", "library", "--compact", "--older-than", "0s"];
    let lock = std::fs::File::create(place.path("library/.largestack/prune.lock")).unwrap();
    lock.lock().unwrap();
    let busy = place.run(&[&compact[..], &["--json"]].concat()).expect(8).json();
    let compacted = &busy["compacted"];
    assert_eq!((&compacted["runs"], &compacted["failed"]), (&0.into(), &2.into()), "{busy}");
    assert!(compacted["first_failed"]["run"].is_string(), "{busy}");
    let busy = place.run(&compact).expect(8);
    assert!(busy.out.contains("Compacted 0 runs: "), "{}", busy.out);
    assert!(busy.out.contains("Failed: 2 runs, the first "), "{}", busy.out);
    assert!(busy.err.contains("LARGESTACK_STORE"), "{}", busy.err);
    drop(lock);
    assert!(place.run(&compact).expect(0).out.starts_with("Compacted 2 runs: "));
}

#[test]
fn the_project_says_after_what_time_runs_are_compacted() {
    let place = Place::with_library();
    place.run(&["run", "library", QUESTION]).expect(0);
    place.write("library/largestack.yaml", "retention:\n  compact_after: 1h\n");
    let done = place.run(&["prune", "library"]).expect(0).out;
    assert!(done.starts_with("Compacted 0 runs"), "{done}");
    place.write("library/largestack.yaml", "retention:\n  compact_after: 1ms\n  keep: 5\n");
    let done = place.run(&["prune", "library"]).expect(0).out;
    assert!(done.contains("Removed 0 runs") && done.contains("Compacted 1 run: "), "{done}");
    // What is typed is about removing, unless it says otherwise.
    let done = place.run(&["prune", "library", "--keep", "1"]).expect(0).out;
    assert!(!done.contains("Compacted"), "{done}");
}
