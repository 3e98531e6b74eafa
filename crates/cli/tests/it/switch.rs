//! The kill switch and `doctor`.

use crate::place::Place;

const QUESTION: &str = "How long may I keep a book?";

#[test]
fn a_thrown_switch_refuses_runs_until_it_is_lifted() {
    let place = Place::with_library();
    place.run(&["run", "library", QUESTION]).expect(0);
    let thrown = place.run(&["kill", "library", "--reason", "prices are wrong", "--by", "ada"]);
    insta::assert_snapshot!("kill", place.redacted(&thrown.expect(0).out));
    let refused = place.run(&["run", "library", QUESTION]).expect(4);
    assert!(refused.err.contains("LARGESTACK_KILL_SWITCH"), "{}", refused.err);
    assert!(refused.err.contains("by ada: prices are wrong"), "{}", refused.err);
    let doctor = place.run(&["doctor", "library"]).expect(0);
    assert!(doctor.out.contains("by ada: prices are wrong"), "{}", doctor.out);
    let lifted = place.run(&["resume", "library", "--reason", "prices are right"]).expect(0);
    insta::assert_snapshot!("lift", place.redacted(&lifted.out));
    place.run(&["run", "library", QUESTION]).expect(0);
}

#[test]
fn throwing_and_lifting_speak_json_too() {
    let place = Place::with_library();
    place.run(&["run", "library", QUESTION]).expect(0);
    let thrown = place.run(&["kill", "library", "--reason", "a", "--json"]).expect(0).json();
    assert_eq!((&thrown["kill_switch"], &thrown["reason"]), (&"on".into(), &"a".into()));
    let problem = place.run(&["run", "library", QUESTION, "--json"]).expect(4).json();
    assert_eq!(problem["code"], "LARGESTACK_KILL_SWITCH");
    assert_eq!(problem["exit_code"], 4);
    let lifted = place.run(&["resume", "library", "--reason", "b", "--json"]).expect(0).json();
    assert_eq!(lifted["lifted"]["reason"], "a");
    let again = place.run(&["resume", "library", "--reason", "c", "--json"]).expect(0).json();
    assert_eq!(again["lifted"], serde_json::Value::Null);
}

#[test]
fn a_switch_needs_a_reason_in_both_directions() {
    let place = Place::with_library();
    place.run(&["run", "library", QUESTION]).expect(0);
    place.run(&["kill", "library"]).expect(2);
    let nothing = place.run(&["resume", "library"]).expect(2);
    assert!(nothing.err.contains("neither a run nor a reason"), "{}", nothing.err);
    place.run(&["resume", "library", "last", "--reason", "both"]).expect(2);
}

#[test]
fn a_doctor_finds_nothing_broken_in_a_new_project_before_and_after_its_first_run() {
    let place = Place::with_library();
    let before = place.run(&["doctor", "library"]).expect(0);
    assert!(
        before.out.contains("none yet; the first run makes library/.largestack"),
        "{}",
        before.out
    );
    place.run(&["run", "library", QUESTION]).expect(0);
    let after = place.run(&["doctor", "library", "--json"]).expect(0).json();
    assert_eq!(after["broken"], false);
    let finding = |name: &str| {
        let checks = after["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["name"] == name);
        check.unwrap_or_else(|| panic!("{name}: {after}"))["finding"].clone()
    };
    for good in ["agent", "model", "state", "kill switch", "documents"] {
        assert_eq!(finding(good), "ok", "{good}");
    }
    assert_eq!(finding("providers"), "off");
    place.run(&["doctor"]).expect(0);
}

#[test]
fn a_doctor_says_what_is_broken_and_fails() {
    let place = Place::with_library();
    place.write("library/.largestack", "a file in the folder's place");
    let state = place.run(&["doctor", "library"]).expect(1);
    assert!(state.out.contains("BROKEN  state"), "{}", state.out);
    std::fs::remove_file(place.path("library/.largestack")).unwrap();
    let keyless = place.read("library/agent.yaml").replace("model: auto", "model: openai/gpt-4o");
    place.write("library/agent.yaml", keyless);
    let model = place.run(&["doctor", "library"]).expect(1);
    assert!(model.out.contains("LARGESTACK_OPENAI_API_KEY"), "{}", model.out);
    let key = ("OPENAI_API_KEY", "sk-this-is-not-shown");
    let keyed = place.run_with(key, &["doctor", "library"]).expect(0);
    assert!(keyed.out.contains("with the key in OPENAI_API_KEY"), "{}", keyed.out);
    assert!(!keyed.out.contains("not-shown"), "{}", keyed.out);
}
