//! Nothing is left for later: no reminders in code, no tests or examples that do not run, no lint
//! silenced without a reason.

use std::sync::LazyLock;

use regex::Regex;

use super::Problem;
use super::settings::Settings;
use crate::Outcome;
use crate::repo::{File, Repo};
use crate::source::{Source, line_of};

/// Pieces that are put together here, so that this file does not hold what it looks for.
#[expect(clippy::unwrap_used, reason = "a constant pattern")]
static REMINDER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(&format!(r"\b({}DO|{}ME|{}X|{}CK)\b", "TO", "FIX", "XX", "HA")).unwrap()
});

/// A code block that is compiled but not run, or neither.
#[expect(clippy::unwrap_used, reason = "a constant pattern")]
static IDLE_EXAMPLE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?m)^[ \t/!*]*```[a-z0-9,_ ]*\b(ignore|no_run)\b").unwrap());

#[expect(clippy::unwrap_used, reason = "a constant pattern")]
static IDLE_TEST: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"#\[\s*ignore\b").unwrap());

#[expect(clippy::unwrap_used, reason = "a constant pattern")]
static SILENCED: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"#!?\[\s*expect\s*\(").unwrap());

#[expect(clippy::unnecessary_wraps, reason = "the shape of a check")]
pub(super) fn check(repo: &Repo, _: &Settings) -> Outcome<Vec<Problem>> {
    Ok(repo.files.iter().flat_map(judge).collect())
}

fn judge(file: &File) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut report = |at: usize, what: &str| {
        problems.push(Problem::at(&file.path, line_of(&file.text, at), what));
    };
    if file.is_rust() || file.is_markdown() {
        for found in IDLE_EXAMPLE.find_iter(&file.text) {
            report(found.start(), "an example that does not run");
        }
    }
    if !file.is_rust() {
        return problems;
    }
    for found in REMINDER.find_iter(&file.text) {
        report(found.start(), "left for later: do it, or say it where users look");
    }
    let source = file.source();
    for found in IDLE_TEST.find_iter(&source.code) {
        report(found.start(), "a test that does not run");
    }
    for found in SILENCED.find_iter(&source.code) {
        if !has_reason(&source, found.end()) {
            report(found.start(), "a lint silenced without a reason");
        }
    }
    problems
}

/// Whether the attribute whose arguments begin here names a reason.
fn has_reason(source: &Source, from: usize) -> bool {
    let rest = source.code.get(from..).unwrap_or_default();
    let end = rest.find(']').unwrap_or(rest.len());
    rest.get(..end).is_some_and(|arguments| arguments.contains("reason ="))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(path: &str, text: &str) -> usize {
        judge(&File { path: path.into(), text: text.into() }).len()
    }

    #[test]
    fn reminders_are_found_in_comments_and_words_like_them_are_not() {
        assert_eq!(problems("a.rs", &format!("// {}DO: later", "TO")), 1);
        assert_eq!(problems("a.rs", "// a method TODOS, and a HACKNEY carriage"), 0);
    }

    #[test]
    fn tests_and_examples_that_do_not_run_are_found() {
        assert_eq!(problems("a.rs", &format!("#[{}] fn f() {{}}", "ignore")), 1);
        assert_eq!(problems("a.rs", &format!("/// ``{}ignore\n", "`")), 1);
        assert_eq!(problems("a.md", &format!("``{}rust,no_run\n", "`")), 1);
        assert_eq!(problems("a.md", &format!("``{}rust\nignore\n", "`")), 0);
        assert_eq!(problems("a.rs", "\"#[ignore\""), 0);
    }

    #[test]
    fn a_silenced_lint_needs_a_reason() {
        assert_eq!(problems("a.rs", "#[expect(dead_code)]"), 1);
        assert_eq!(problems("a.rs", "#![expect(\n  dead_code,\n  reason = \"why\"\n)]"), 0);
        assert_eq!(problems("a.rs", "// #[expect(dead_code)]"), 0);
    }
}
