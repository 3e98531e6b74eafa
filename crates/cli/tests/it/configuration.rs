//! `config`: every value and where it comes from, and an agent's file in one piece.

use crate::place::{Done, Place};

fn source(document: &serde_json::Value, key: &str) -> (String, String) {
    let values = document["values"].as_array().unwrap();
    let value = values.iter().find(|value| value["key"] == key);
    let value = value.unwrap_or_else(|| panic!("{key}: {document}"));
    let text = |field: &str| value[field].as_str().unwrap().to_owned();
    (text("value"), text("source"))
}

#[test]
fn values_come_from_the_file_the_environment_and_defaults() {
    let place = Place::with_library();
    let turns = ("LARGESTACK_LIMITS__MAX_TURNS", "3");
    let document =
        place.run_with(turns, &["config", "explain", "library", "--json"]).expect(0).json();
    let owned = |value: &str, source: &str| (value.to_owned(), source.to_owned());
    assert_eq!(source(&document, "limits.max_turns"), owned("3", "$LARGESTACK_LIMITS__MAX_TURNS"));
    assert!(source(&document, "budget").1.starts_with("library/agent.yaml:"), "{document}");
    assert_eq!(source(&document, "in_doubt"), owned("ask", "default"));
    assert_eq!(source(&document, "model"), owned("offline/extractive", "default"));
}

#[test]
fn a_search_returns_as_many_passages_as_the_file_says_and_no_more_than_it_can() {
    let place = Place::with_library();
    let file = place.read("library/agent.yaml");
    for (top_k, code) in [(1, 0), (20, 0), (21, 2)] {
        let asked = file.replace("top_k: 8\n", &format!("top_k: {top_k}\n"));
        place.write("library/agent.yaml", asked);
        let done = place.run(&["run", "library", "How long may I keep a book?"]).expect(code);
        if code == 0 {
            let trace = place.run(&["trace", "library", "last", "--json"]).expect(0).json();
            let found = trace["steps"][2]["citations"].as_u64().unwrap();
            assert_eq!(found == 1, top_k == 1, "{trace}");
        } else {
            assert!(done.err.contains("21 is not between 1 and 20"), "{}", done.err);
        }
    }
}

#[test]
fn a_key_chooses_the_model_and_is_never_shown() {
    let place = Place::with_library();
    let key = ("OPENAI_API_KEY", "sk-this-is-not-shown");
    for arguments in
        [&["config", "explain", "library"][..], &["config", "explain", "library", "--json"]]
    {
        let done = place.run_with(key, arguments).expect(0);
        assert!(done.out.contains("openai/gpt-4o-mini"), "{}", done.out);
        assert!(done.out.contains("$OPENAI_API_KEY"), "{}", done.out);
        assert!(!done.out.contains("not-shown"), "{}", done.out);
    }
}

#[test]
fn the_table_reads_well() {
    let place = Place::with_library();
    let done = place.run_in("library", &["config", "explain"]).expect(0);
    insta::assert_snapshot!(place.redacted(&done.out));
}

#[test]
fn without_an_agent_the_project_is_explained() {
    let place = Place::new();
    let document = place.run(&["config", "explain", "--json"]).expect(0).json();
    assert_eq!(document["agent_file"], serde_json::Value::Null);
    assert_eq!(source(&document, "home").1, "$HOME");
    place.run(&["config", "explain", "nowhere"]).expect(5);
}

#[test]
fn an_agent_with_state_of_its_own_runs_in_an_empty_environment() {
    let place = Place::with_library();
    let bare = |arguments: &[&str]| {
        let output = place.command(arguments).env_clear().output();
        Done::of(&output.expect("the binary runs"))
    };
    let done = bare(&["run", "library", "How long may I keep a book?"]).expect(0);
    assert!(done.out.contains("borrowing.md"), "{}", done.out);
    bare(&["trace", "library", "last"]).expect(0);
    let document = bare(&["config", "explain", "library", "--json"]).expect(0).json();
    assert_eq!(source(&document, "home"), ("none".to_owned(), "default".to_owned()));
    // Without a project the home is where state would be.
    let done = bare(&["config", "explain"]).expect(2);
    assert!(done.err.contains("Set LARGESTACK_HOME"), "{}", done.err);
}

#[test]
fn no_color_wins_over_what_else_asks_for_colours_but_a_flag() {
    let place = Place::with_library();
    let coloured = |no_color: &str, when: &str| {
        let mut command = place.command(&["config", "explain", "library", "--color", when]);
        let output = command.env("CLICOLOR_FORCE", "1").env("NO_COLOR", no_color).output();
        Done::of(&output.expect("the binary runs")).expect(0).out.contains('\u{1b}')
    };
    assert!(coloured("", "auto"));
    assert!(!coloured("1", "auto"));
    assert!(coloured("1", "always"));
}

#[test]
fn an_agent_is_written_out_in_one_piece_and_is_the_same_from_there() {
    let place = Place::new();
    place.write(
        "a/agent.yaml",
        "include: more.yaml\nname: a\ninstructions: \"Help ${WHO:them}.\"\n\
         model: offline/extractive\nknowledge: docs\ntools: [search_knowledge]\n",
    );
    place.write("a/more.yaml", "description: ${SECRET_WORD}\n");
    place.write("a/docs/hours.md", "# Hours\n\nWe open at nine.\n");
    place.write("b/README", "");
    let run = |arguments: &[&str]| {
        let mut command = place.command(arguments);
        command.env("SECRET_WORD", "xyzzy");
        Done::of(&command.output().expect("the binary runs"))
    };
    run(&["config", "export", "a", "--output", "b/agent.yaml"]).expect(0);
    let written = place.read("b/agent.yaml");
    assert!(!written.contains("xyzzy") && written.contains("${WHO:them}"), "{written}");
    let printed = run(&["config", "export", "a"]).expect(0).out;
    assert!(printed.contains("a/docs"), "for the current folder: {printed}");
    // Nothing is overwritten.
    let again = run(&["config", "export", "a", "--output", "b/agent.yaml"]).expect(2);
    assert!(again.err.contains("b/agent.yaml"), "{}", again.err);
    let hash = |folder: &str| {
        run(&["run", folder, "When do you open?"]).expect(0);
        let trace = run(&["trace", folder, "last", "--json"]).expect(0).out;
        let at = trace.find("\"definition\":").unwrap_or_else(|| panic!("{trace}"));
        trace[at..].split([',', '}']).next().expect("a hash").to_owned()
    };
    assert_eq!(hash("a"), hash("b"), "the same definition");
}
