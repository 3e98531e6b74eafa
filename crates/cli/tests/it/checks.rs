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
        refused.code != 0
            && refused.err.contains("there is no agent.yaml or workflow.yaml in empty"),
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
    let schema = place.run(&["schema", "workflow"]).expect(0).json();
    assert_eq!(schema["$defs"]["agent"]["required"], serde_json::json!(["instructions"]));
    place.run(&["schema", "tests"]).expect(2);
}

#[test]
fn nothing_that_a_run_refuses_before_it_asks_passes_a_check_and_each_problem_has_its_place() {
    let place = Place::new();
    let tools = [
        ("parameters: {type: 17}", 8, "is no JSON Schema"),
        ("arguments: {type: objct}", 8, "is no JSON Schema"),
        ("tenant_arguments: {acme: {type: objct}}", 8, "is no JSON Schema"),
    ];
    let command = "command: [cat]\n    description: d\n    ";
    let mut cases: Vec<(String, u64, &str)> = tools
        .iter()
        .map(|(key, line, why)| (format!("tools:\n  one:\n    {command}{key}\n"), *line, *why))
        .collect();
    cases.extend([
        ("output:\n  schema: {type: strin}\n".to_owned(), 5, "is no JSON Schema"),
        ("tools:\n  one: {command: [./none], description: d}\n".to_owned(), 5, "no program"),
        ("tools:\n  one: {command: [./text], description: d}\n".to_owned(), 5, "nobody may run"),
        ("tools:\n  one: {command: [nonesuch-x], description: d}\n".to_owned(), 5, "no program"),
        ("tools:\n  current_time: {zone: Mars/One}\n".to_owned(), 5, "no time zone"),
        (
            "tools:\n  one: {command: [cat], description: d, cache: 1m}\n".to_owned(),
            5,
            "needs an idempotent tool",
        ),
        (
            "tools:\n  svc: {openapi: {document: api.json}}\n  two: {command: [cat], description: d}\n"
                .to_owned(),
            6,
            "two tools are named `two`",
        ),
    ]);
    for (number, (keys, line, why)) in cases.into_iter().enumerate() {
        let folder = format!("p{number}");
        let head = "name: a\ninstructions: Help.\nmodel: offline/extractive\n";
        place.write(&format!("{folder}/agent.yaml"), format!("{head}{keys}"));
        place.write(&format!("{folder}/text"), "no program");
        place.write(
            &format!("{folder}/api.json"),
            r#"{"openapi":"3.1.0","servers":[{"url":"https://x.test"}],
                "paths":{"/a":{"get":{"operationId":"two","responses":{}}}}}"#,
        );
        let run = place.command(&["run", &folder, "Hello?"]).env("PATH", "/usr/bin:/bin").output();
        let refused = crate::place::Done::of(&run.unwrap());
        assert_eq!(refused.code, 2, "{keys}: {} {}", refused.out, refused.err);
        let checked = place
            .command(&["check", &folder, "--json"])
            .env("PATH", "/usr/bin:/bin")
            .output()
            .unwrap();
        let checked = crate::place::Done::of(&checked).expect(1).json();
        let problem = &checked["agents"][0]["problems"][0];
        assert_eq!(problem["line"], line, "{keys}: {checked}");
        assert!(problem["column"].is_u64(), "{checked}");
        assert!(problem["message"].as_str().unwrap().contains(why), "{checked}");
        assert!(refused.err.contains(why), "{keys}: {}", refused.err);
    }
}

#[test]
fn all_problems_of_tools_are_told_together_and_nothing_is_left_behind() {
    let place = Place::new();
    place.write(
        "agent.yaml",
        "name: a\ninstructions: Help.\nmodel: offline/extractive\ntools:\n  \
         current_time: {zone: Mars/One}\n  one:\n    http: {url: \"no address\"}\n    description: d\n",
    );
    let json = place.run(&["check", "--json"]).expect(1).json();
    let problems = json["agents"][0]["problems"].as_array().unwrap();
    let lines: Vec<_> = problems.iter().map(|problem| problem["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [5, 7], "{json}");
    assert!(!place.path(".largestack").exists());
}
