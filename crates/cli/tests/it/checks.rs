//! `check` and `schema`: what is wrong with a project, before anything of it is run.

use crate::place::Place;

#[test]
fn every_agent_of_a_project_is_checked_and_each_problem_has_its_place() {
    let place = Place::new();
    place.write(
        "p/good/agent.yaml",
        "name: good\ninstructions: Help.\nknowledge: docs\ntools: [search_knowledge]\n",
    );
    place.write("p/good/docs/a.md", "# A\n");
    place.write(
        "p/bad/agent.yaml",
        "name: bad\nbudgt: 1\nlimits: {max_turns: 0}\ninstructions: In ${CITY}.\n",
    );
    place.write("p/.hidden/agent.yaml", "nonsense");
    let done = place.run(&["check", "p"]).expect(1);
    insta::assert_snapshot!(done.out);

    let json = place.run(&["check", "p", "--json"]).expect(1).json();
    assert_eq!(json["broken"], true);
    let [bad, good] = json["agents"].as_array().unwrap().as_slice() else { panic!("{json}") };
    assert_eq!((good["name"].as_str(), good["documents"].as_u64()), (Some("good"), Some(1)));
    assert_eq!(good["problems"], serde_json::json!([]));
    let lines: Vec<_> =
        bad["problems"].as_array().unwrap().iter().map(|p| p["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [2, 3, 4]);
    assert!(!place.path("p/.largestack").exists(), "a check writes nothing");
}

#[test]
fn what_is_sound_is_said_to_be_and_a_template_is() {
    let place = Place::new();
    place.run(&["new", "first", "--template", "rag"]).expect(0);
    let done = place.run(&["check", "first"]).expect(0);
    assert!(done.out.contains("Nothing is wrong."), "{}", done.out);
    place.run_in("first", &["check"]).expect(0);
    place.run(&["check", "first/agent.yaml"]).expect(0);
    let none = place.run(&["check", "."]).expect(0);
    assert!(none.out.contains("first/agent.yaml"), "{}", none.out);
}

#[test]
fn a_folder_without_an_agent_or_documents_is_said_to_be_one() {
    let place = Place::new();
    place.write("empty/notes.txt", "");
    let refused = place.run(&["check", "empty"]);
    assert!(
        refused.code != 0 && refused.err.contains("there is no agent.yaml in empty"),
        "{}",
        refused.err
    );
    place.write(
        "p/agent.yaml",
        "name: a\ninstructions: Help.\nknowledge: docs\ntools: [search_knowledge]\n",
    );
    std::fs::create_dir(place.path("p/docs")).unwrap();
    let done = place.run(&["check", "p"]).expect(1);
    assert!(done.out.contains("there are no documents in p/docs"), "{}", done.out);
}

#[test]
fn a_schema_is_printed_for_each_file_and_for_no_other() {
    let place = Place::new();
    let schema = place.run(&["schema", "agent"]).expect(0).json();
    assert_eq!(
        schema["properties"]["limits"]["properties"]["on_limit"]["enum"],
        serde_json::json!(["finish", "error"])
    );
    let schema = place.run(&["schema", "project"]).expect(0).json();
    assert_eq!(schema["title"], "largestack.yaml");
    place.run(&["schema", "workflow"]).expect(2);
}
