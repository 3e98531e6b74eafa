//! `new`: each template is made and runs as it is.

use crate::place::Place;

#[test]
fn every_template_runs_offline_as_it_says() {
    for template in ["agent", "rag"] {
        let place = Place::new();
        let made = place.run(&["new", "first", "--template", template, "--json"]).expect(0).json();
        for file in made["files"].as_array().unwrap() {
            let text = place.read(&format!("first/{}", file.as_str().unwrap()));
            assert!(!text.contains("{{"), "{file}");
        }
        let next = made["next"].as_str().unwrap();
        let question = next.split('"').nth(1).unwrap();
        let done = place.run(&["run", "first", question, "--json"]).expect(0).json();
        assert_eq!(done["status"], "completed", "{template}");
        assert_eq!(done["agent"], "first");
        assert!(!done["citations"].as_array().unwrap().is_empty(), "{template}: {done}");
        place.run(&["doctor", "first"]).expect(0);
        place.run(&["config", "explain", "first"]).expect(0);
    }
}

#[test]
fn a_new_project_says_what_was_made_and_what_to_do_next() {
    let place = Place::new();
    let done = place.run(&["new", "shop-help", "--template", "rag"]).expect(0);
    insta::assert_snapshot!(done.out);
}

#[test]
fn what_is_there_is_never_overwritten() {
    let place = Place::new();
    place.write("mine/notes.txt", "mine");
    let refused = place.run(&["new", "mine"]).expect(6);
    assert!(refused.err.contains("LARGESTACK_CONFLICT"), "{}", refused.err);
    assert!(!place.path("mine/agent.yaml").exists());
    std::fs::create_dir(place.path("empty")).unwrap();
    place.run(&["new", "empty"]).expect(0);
    place.run(&["new", "has space"]).expect(2);
    place.run(&["new", &"a".repeat(64)]).expect(0);
    place.run(&["new", &"a".repeat(65)]).expect(2);
}
