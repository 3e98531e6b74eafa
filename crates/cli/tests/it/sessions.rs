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
    assert_eq!(listed["sessions"][0]["exchanges"], 3);
    let shown = place.run(&["sessions", "show", "numbers"]).expect(0).out;
    assert!(shown.contains("user: What is two?"), "{shown}");
    // The third run was told of the two before it, and no more than four messages of them.
    let trace = place.run(&["run", ".", "And four?", "--session", "numbers", "--events"]);
    let events = trace.expect(0).out;
    assert!(events.contains(r#""told":4"#) && events.contains(r#""held":6"#), "{events}");

    let document = place.run(&["sessions", "export", "numbers"]).expect(0).out;
    place.write("numbers.json", &document);
    assert!(place.run(&["sessions", "import", "numbers.json"]).expect(6).err.contains("exists"));
    let id = listed["sessions"][0]["id"].as_str().unwrap();
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
