//! `largestack sessions`, and runs that go on with one.

use crate::place::Place;

const AGENT: &str = "name: talker\ninstructions: Help.\nmodel: offline/extractive\n\
                     memory: {strategy: window, messages: 4, ttl: 7d}\n";

fn talking() -> Place {
    let place = Place::new();
    place.write("agent.yaml", AGENT);
    for question in ["What is one?", "What is two?", "What is three?"] {
        place.run(&["run", ".", question, "--session", "numbers"]).expect(0);
    }
    place
}

#[test]
fn a_conversation_is_gone_on_with_listed_shown_exported_forgotten_and_taken_in_again() {
    let place = talking();
    let list = place.run(&["sessions"]).expect(0).out;
    assert!(list.contains("numbers") && list.contains("kept until"), "{list}");
    let listed = place.run(&["sessions", "list", "--json"]).expect(0).json();
    assert_eq!(listed["sessions"][0]["runs"], 3);
    let shown = place.run(&["sessions", "show", "numbers"]).expect(0).out;
    assert!(shown.contains("user: What is two?"), "{shown}");
    // The third run was told of the two before it, and no more than four messages of them.
    let trace = place.run(&["run", ".", "And four?", "--session", "numbers", "--events"]);
    let events = trace.expect(0).out;
    assert!(events.contains(r#""told":4"#) && events.contains(r#""held":6"#), "{events}");

    let document = place.run(&["sessions", "export", "numbers"]).expect(0).out;
    place.write("numbers.json", &document);
    assert!(place.run(&["sessions", "import", "numbers.json"]).expect(6).err.contains("exists"));
    let id = listed["sessions"][0]["session"].as_str().unwrap();
    assert!(place.run(&["sessions", "delete", id]).expect(0).out.contains("forgotten"));
    let gone = place.run(&["sessions", "show", "numbers"]).expect(5).err;
    assert!(gone.contains("there is no session numbers"), "{gone}");
    place.run(&["sessions", "delete", "numbers"]).expect(5);
    place.run(&["sessions", "import", "numbers.json"]).expect(0);
    place.run(&["sessions", "rotate-key"]).expect(0);
    assert_eq!(
        place.run(&["sessions", "show", "numbers"]).expect(0).out.matches("user:").count(),
        4
    );
    assert_eq!(place.run(&["sessions", "prune"]).expect(0).out, "Forgotten: 0\n");
    place.write("numbers.json", "{}");
    place.run(&["sessions", "import", "numbers.json"]).expect(2);
}

#[test]
fn a_project_stands_before_the_name_as_everywhere_and_behind_it_where_only_that_is_meant() {
    let place = talking();
    for words in [&["numbers"][..], &[".", "numbers"], &["numbers", "."]] {
        let shown = place.run(&[&["sessions", "show"][..], words].concat()).expect(0).out;
        assert!(shown.contains("user: What is two?"), "{words:?}: {shown}");
    }
    place.write("other/agent.yaml", AGENT);
    place.run_in("other", &["run", ".", "What?", "--session", "numbers"]).expect(0);
    let there = place.run(&["sessions", "show", "other", "numbers"]).expect(0).out;
    assert!(there.contains("user: What?") && !there.contains("two"), "{there}");
}

#[test]
fn sessions_are_listed_shown_and_exported_where_nothing_can_be_written() {
    let place = talking();
    let owners = place.path(".largestack/owners");
    std::fs::remove_dir_all(&owners).unwrap();
    // A file in the folder's place keeps a store from being opened for writing, whoever asks.
    std::fs::write(&owners, "").unwrap();
    assert!(place.run(&["sessions", "list"]).expect(0).out.contains("numbers"));
    assert!(place.run(&["sessions", "show", "numbers"]).expect(0).out.contains("What is two?"));
    assert!(place.run(&["sessions", "export", "numbers"]).expect(0).out.contains("What is two?"));
    place.run(&["sessions", "delete", "numbers"]).expect(8);
}

#[test]
fn a_session_is_taken_in_where_there_is_a_project_and_no_state_yet_and_not_elsewhere() {
    let place = talking();
    let document = place.run(&["sessions", "export", "numbers"]).expect(0).out;
    place.write("fresh/agent.yaml", AGENT);
    place.write("bare/numbers.json", &document);
    place.run(&["sessions", "import", "fresh", "bare/numbers.json"]).expect(0);
    assert!(place.run(&["sessions", "list", "fresh"]).expect(0).out.contains("numbers"));
    let none = place.run(&["sessions", "import", "bare", "bare/numbers.json"]).expect(5);
    assert!(none.err.contains("there is no state in bare"), "{}", none.err);
    assert!(!place.path("bare/.largestack").exists());
    place.run(&["sessions", "import", "bare/numbers.json", "--state", "bare/st"]).expect(0);
}

#[test]
fn times_of_sessions_are_rfc_3339_as_everywhere() {
    let place = talking();
    let listed = place.run(&["sessions", "list", "--json"]).expect(0).json();
    let shown = place.run(&["sessions", "show", "numbers", "--json"]).expect(0).json();
    let time = regex::Regex::new(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$").unwrap();
    for key in ["created", "updated", "expires"] {
        for session in [&listed["sessions"][0], &shown["session"]] {
            assert!(time.is_match(session[key].as_str().unwrap()), "{key}: {session}");
        }
    }
    assert!(time.is_match(shown["exchanges"][2]["at"].as_str().unwrap()), "{shown}");
}
