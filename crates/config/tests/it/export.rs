//! An agent's file written out loads to the same agent, wherever it is written for.

use std::fs;
use std::path::Path;

use largestack_config::keys::{KEYS, Place};
use largestack_config::{Agent, Environment, Error, Flags, Inputs};
use proptest::prelude::*;

use crate::every_key::{agent_text, disk, other};
use crate::support::{LEAST, OFFER};

const HOME: (&str, &str) = ("LARGESTACK_HOME", "/home/state");

fn inputs<T>(folder: &Path, variables: &[(&str, &str)], ask: impl FnOnce(Inputs<'_>) -> T) -> T {
    let environment = Environment::of(variables.iter().copied().chain([HOME]));
    let flags = Flags::new();
    let (environment, flags) = (&environment, &flags);
    ask(Inputs { working_folder: folder, environment, flags, offer: &OFFER })
}

fn read(folder: &Path, variables: &[(&str, &str)]) -> Agent {
    let settings = inputs(folder, variables, |inputs| inputs.agent("agent.yaml".as_ref()));
    settings.unwrap().agent
}

fn export(from: &Path, to: &Path, variables: &[(&str, &str)]) -> Result<String, Error> {
    inputs(from, variables, |inputs| inputs.export("agent.yaml".as_ref(), to))
}

/// Writes an agent out for a folder, where it loads (as `export` itself finds out) and is written
/// out to the same text again.
fn there_and_again(from: &Path, to: &Path, variables: &[(&str, &str)], what: &str) -> String {
    fs::create_dir_all(to).unwrap();
    let text = export(from, to, variables).unwrap_or_else(|error| panic!("{what}: {error}"));
    fs::write(to.join("agent.yaml"), &text).unwrap();
    let again = export(to, to, variables).unwrap_or_else(|error| panic!("{what}: {error}\n{text}"));
    assert_eq!(again, text, "{what}");
    text
}

#[test]
fn every_key_of_an_agent_file_is_written_out_and_loads_back_as_the_same_agent() {
    for key in KEYS.iter().filter(|key| key.place == Place::Agent) {
        let (in_file, _) = other(key);
        let base = disk(&[("agent.yaml", &agent_text(key, in_file))]);
        let before = read(base.path(), &[]);
        // For another folder its paths change, and nothing else.
        there_and_again(base.path(), &base.path().join("out/deep"), &[], key.path);
        // For its own it is the same to the last path.
        let text = there_and_again(base.path(), base.path(), &[], key.path);
        assert_eq!(read(base.path(), &[]), before, "{}: {text}", key.path);
    }
}

#[test]
fn variables_stay_as_they_are_written_and_nothing_they_hold_is_written() {
    let base = disk(&[
        (
            "agent.yaml",
            "include: ${MORE}\nname: ${NAME}\ninstructions: |\n  Say $${X} and ${WHO:you}.\n\n  Bye.\n\
             tools: [\"${TOOL}\", search_knowledge]\nknowledge: ${DOCS}/deeper\n",
        ),
        (
            "more/more.yaml",
            "description: 'It is ${WHO:you}: \"really\"'\nlimits:\n  max_turns: ${TURNS:7}\n\
             permissions: {deny: [\"${TOOL}\"]}\n",
        ),
    ]);
    let values = [
        ("MORE", "more/more.yaml"),
        ("NAME", "hidden-name"),
        ("WHO", "hidden-who"),
        ("TOOL", "calculator"),
        ("DOCS", "docs"),
        ("TURNS", "11"),
    ];
    for to in [base.path().join("out"), base.path().to_owned()] {
        let text = there_and_again(base.path(), &to, &values, "variables");
        for (name, value) in values {
            assert!(!text.contains(value), "{name}: {text}");
        }
        for written in ["${NAME}", "Say $${X} and ${WHO:you}.", "${TOOL}", "${TURNS:7}", "${DOCS}"]
        {
            assert!(text.contains(written), "{written}: {text}");
        }
        assert!(!text.contains("include"), "{text}");
        // What a variable says later is what counts, as in the file that was written out.
        let later = values.map(|(name, value)| (name, if name == "TURNS" { "12" } else { value }));
        assert_eq!(read(&to, &later).limits.max_turns, 12);
    }
}

#[test]
fn secrets_of_tools_are_named_and_not_written() {
    let base = disk(&[(
        "agent.yaml",
        "name: a\ninstructions: Help.\ntools:\n  stock:\n    description: Stock.\n    http:\n      \
         url: https://stock.example/\n      headers: {authorization: 'Bearer ${STOCK_API_KEY}'}\n  \
         sql_query: {database: '${DATABASE}'}\n",
    )]);
    let values = [
        ("STOCK_API_KEY", "sk-very-secret"),
        ("DATABASE", "postgres://me:very-secret@db.example/shop"),
    ];
    let text = there_and_again(base.path(), &base.path().join("out"), &values, "secrets");
    assert!(!text.contains("very-secret"), "{text}");
    assert!(text.contains("Bearer ${STOCK_API_KEY}") && text.contains("\"${DATABASE}\""), "{text}");
}

#[test]
fn paths_lead_to_the_same_files_from_another_folder() {
    let base = disk(&[
        (
            "agent.yaml",
            "include: parts/tools.yaml\nname: a\ninstructions: Help.\nknowledge: docs\n\
             media: {folders: [docs, /]}\n",
        ),
        (
            "parts/tools.yaml",
            "tools:\n  search_knowledge: {}\n  read_file: {root: ../docs}\n  helper:\n    \
             description: Helps.\n    agent: ${HELPER}\n  tool:\n    description: Does.\n    \
             command: [./bin/tool, -x]\n",
        ),
        ("parts/bin/tool", ""),
        ("parts/helper/agent.yaml", LEAST),
    ]);
    let values = [("HELPER", "helper")];
    let text = there_and_again(base.path(), &base.path().join("out"), &values, "paths");
    let folder = "folder: \"../parts\"";
    for written in ["../docs", "../parts/${HELPER}", "../parts/bin/tool", folder, "\"/\""] {
        assert!(text.contains(written), "{written}: {text}");
    }
}

#[test]
fn what_cannot_be_written_for_another_folder_is_refused_by_its_name() {
    let base = disk(&[
        (
            "agent.yaml",
            "name: a\ninstructions: Help.\ntools: {shell: {root: ., allow: [./bin/tool]}}\n",
        ),
        ("bin/tool", ""),
        ("out/bin/tool", ""),
    ]);
    there_and_again(base.path(), base.path(), &[], "its own folder");
    let error = export(base.path(), &base.path().join("out"), &[]).unwrap_err().to_string();
    assert!(error.contains("tools.shell"), "{error}");
    fs::write(base.path().join("agent.yaml"), "name: a\ninstuctions: x\n").unwrap();
    assert!(export(base.path(), base.path(), &[]).is_err(), "a wrong one is not written");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn any_text_is_written_so_that_it_is_read_again(
        text in "(\\PC|\n| |\t|:|#|'|\"|\\\\|-|\\$\\{|\\}|é|\u{85}|\u{2028}|\u{7f}){1,40}",
    ) {
        prop_assume!(!text.trim().is_empty());
        let quoted = serde_json::Value::from(text.replace("${", "$${")).to_string();
        let escaped = |c: char| match c {
            '\u{85}' | '\u{2028}' | '\u{7f}' => format!("\\u{:04x}", u32::from(c)),
            c => c.to_string(),
        };
        let quoted: String = quoted.chars().map(escaped).collect();
        let base = disk(&[("agent.yaml", &format!("name: a\ninstructions: {quoted}\n"))]);
        prop_assert_eq!(&*read(base.path(), &[]).instructions, text.as_str());
        let written = there_and_again(base.path(), base.path(), &[], &text);
        prop_assert_eq!(&*read(base.path(), &[]).instructions, text.as_str(), "{}", written);
    }
}
