//! How many files a workflow may bring with it: small files that name one another many times over end
//! in an error, soon.

use std::fmt::Write as _;

use tempfile::TempDir;

use crate::support::{folder, shown};
use crate::workflow::{read, with};

/// So many files below the workflow's own, each naming the next so often; the last names none.
fn chain(below: usize, often: usize) -> TempDir {
    let file = |level: usize| match level {
        0 => "workflow.yaml".to_owned(),
        level => format!("w{level}.workflow.yaml"),
    };
    let text = |level: usize| match level {
        last if last == below => "name: w\nnodes: {a: {set: 1}}\n".to_owned(),
        level => repeated(often, &format!("{{workflow: {}}}", file(level + 1))),
    };
    let files: Vec<(String, String)> =
        (0..=below).map(|level| (file(level), text(level))).collect();
    folder(files.iter().map(|(name, text)| (name.as_str(), text.as_str())))
}

/// A workflow with so many nodes, each doing this.
fn repeated(often: usize, work: &str) -> String {
    (0..often).fold("name: w\nnodes:\n".to_owned(), |mut text, number| {
        writeln!(text, "  n{number}: {work}").unwrap();
        text
    })
}

#[test]
fn eight_workflows_may_run_one_another_and_no_ninth() {
    let place = chain(7, 1);
    read(&place).unwrap_or_else(|error| panic!("{error}"));
    let place = chain(8, 1);
    let said = shown(&read(&place).unwrap_err(), place.path());
    assert!(said.contains("more than 8 workflows run one another"), "{said}");
    assert!(said.contains("w7.workflow.yaml:3"), "{said}");
}

#[test]
fn files_that_name_the_next_twice_are_refused_before_all_of_them_are_read() {
    let place = chain(25, 2);
    let said = shown(&read(&place).unwrap_err(), place.path());
    assert_eq!(said.matches("more than 8 workflows run one another").count(), 1, "{said}");
}

#[test]
fn files_are_counted_as_often_as_they_are_read_and_at_most_256_times() {
    let below = |often: usize| {
        with(
            &repeated(often, "{workflow: other.workflow.yaml}"),
            &[("other.workflow.yaml", "name: o\nnodes: {a: {set: 1}}\n")],
        )
    };
    let place = below(255);
    read(&place).unwrap_or_else(|error| panic!("{error}"));
    for often in [256, 300] {
        let place = below(often);
        let said = shown(&read(&place).unwrap_err(), place.path());
        assert_eq!(said.matches("more than 256 files").count(), 1, "{said}");
        assert!(said.contains("workflow.yaml:258"), "{said}");
    }
}

#[test]
fn agents_files_are_counted_too() {
    let with_agents = |count: usize| {
        let (mut agents, mut nodes) = (String::new(), String::new());
        for number in 0..count {
            writeln!(agents, "  a{number}: writer.yaml").unwrap();
            writeln!(nodes, "  n{number}: {{agent: a{number}, prompt: Go.}}").unwrap();
        }
        let text = format!("name: w\nagents:\n{agents}nodes:\n{nodes}");
        with(&text, &[("writer.yaml", "name: writer\ninstructions: Write.\n")])
    };
    let place = with_agents(255);
    read(&place).unwrap_or_else(|error| panic!("{error}"));
    let place = with_agents(256);
    let said = shown(&read(&place).unwrap_err(), place.path());
    assert!(said.contains("more than 256 files"), "{said}");
}
