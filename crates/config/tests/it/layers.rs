//! Variables in files, and files that include others.

use largestack_config::{Flags, Source};

use crate::support::{LEAST, agent, folder, shown};

#[test]
fn a_variable_gives_a_value_of_the_type_that_its_key_takes() {
    let text = "name: a\ninstructions: Help people in ${CITY}.\nlimits: {max_turns: '${TURNS}'}\n\
                tools: ${TOOLS:calculator, current_time}\nbudget: ${BUDGET:0.25}\n";
    let folder = folder([("agent.yaml", text)]);
    let variables = [("CITY", "Bern"), ("TURNS", "7")];
    let settings = agent(folder.path(), &variables, &Flags::new()).unwrap();
    let read = settings.agent;
    assert_eq!(&*read.instructions, "Help people in Bern.");
    assert_eq!(read.limits.max_turns, 7);
    assert_eq!(read.tools.len(), 2);
    assert_eq!(read.limits.budget.unwrap().to_string(), "$0.25");
}

#[test]
fn holes_in_a_file_are_reported_together_with_their_places() {
    let text = "name: a\ninstructions: Hello ${WHO}\nlimits:\n  max_turns: ${TURNS}\n";
    let folder = folder([("agent.yaml", text)]);
    let error = agent(folder.path(), &[], &Flags::new()).unwrap_err();
    let shown = shown(&error, folder.path());
    assert!(
        shown.contains("agent.yaml:2:15: `instructions`: nothing sets the variable WHO"),
        "{shown}"
    );
    assert!(shown.contains("agent.yaml:4:14: `limits.max_turns`: nothing sets the variable TURNS"));
    assert!(shown.contains("${WHO:default}"), "{shown}");
}

#[test]
fn a_file_stands_above_what_it_includes_and_a_later_one_above_an_earlier_one() {
    let folder = folder([
        ("agent.yaml", "include: [shared/first.yaml, shared/second.yaml]\nname: a\nbudget: 1\n"),
        ("shared/first.yaml", "instructions: First.\nbudget: 7\nlimits: {max_turns: 3}\n"),
        (
            "shared/second.yaml",
            "include: third.yaml\nlimits: {max_turns: 4}\nknowledge: docs\n\
          tools: [search_knowledge]\n",
        ),
        ("shared/third.yaml", "description: Third\nknowledge: {top_k: 3}\n"),
        ("shared/docs/a.md", "a"),
    ]);
    let settings = agent(folder.path(), &[], &Flags::new()).unwrap();
    let read = &settings.agent;
    assert_eq!((&*read.instructions, &*read.description), ("First.", "Third"));
    assert_eq!((read.limits.max_turns, read.limits.budget.unwrap().nanos()), (4, 1_000_000_000));
    // A path is relative to the file it stands in.
    let knowledge = read.knowledge.as_ref().unwrap();
    assert_eq!(
        knowledge.folder.canonicalize().unwrap(),
        folder.path().join("shared/docs").canonicalize().unwrap()
    );
    assert_eq!(knowledge.top_k, 3);
    let origin = settings.origins.iter().find(|origin| origin.key == "limits.max_turns").unwrap();
    assert!(matches!(&origin.source, Source::File { path, .. } if path.ends_with("second.yaml")));
}

#[test]
fn what_cannot_be_included_is_reported_where_it_is_named() {
    let refused = |files: &[(&str, &str)]| {
        let folder = folder(files.iter().copied());
        let error = agent(folder.path(), &[], &Flags::new()).unwrap_err();
        shown(&error, folder.path())
    };
    let text = format!("{LEAST}include: missing.yaml\n");
    let missing = refused(&[("agent.yaml", &text)]);
    assert!(missing.contains("agent.yaml:3:10: `include`: there is no file"), "{missing}");
    let text = format!("{LEAST}include: agent.yaml\n");
    assert!(refused(&[("agent.yaml", &text)]).contains("includes itself"));
    let text = format!("{LEAST}include: b.yaml\n");
    let circle = refused(&[("agent.yaml", &text), ("b.yaml", "include: ./agent.yaml\n")]);
    assert!(
        circle.contains("b.yaml:1:10: `include`") && circle.contains("includes itself"),
        "{circle}"
    );
    let unknown = refused(&[("agent.yaml", &text), ("b.yaml", "budgt: 1\n")]);
    assert!(unknown.contains("b.yaml:1:1: unknown key `budgt`"), "{unknown}");
}

#[test]
fn eight_files_may_include_one_another_and_nine_may_not() {
    let chain = |length: usize| {
        let file = |n: usize| if n == 0 { "agent.yaml".to_owned() } else { format!("{n}.yaml") };
        let text = |n: usize| {
            let head = if n == 0 { LEAST } else { "" };
            if n + 1 < length {
                format!("{head}include: {}\n", file(n + 1))
            } else {
                format!("{head}description: Deep\n")
            }
        };
        let files: Vec<_> = (0..length).map(|n| (file(n), text(n))).collect();
        let folder = folder(files.iter().map(|(name, text)| (name.as_str(), text.as_str())));
        agent(folder.path(), &[], &Flags::new())
            .map(|settings| settings.agent.description.to_string())
    };
    assert_eq!(chain(8).unwrap(), "Deep");
    assert!(chain(9).unwrap_err().to_string().contains("more than 8 files"));
}
