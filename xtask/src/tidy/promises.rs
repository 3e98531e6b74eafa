//! A promise counts only once a test shows it: every test that `PROMISES.md` names exists.

use std::sync::LazyLock;

use regex::Regex;

use super::Problem;
use super::settings::Settings;
use crate::Outcome;
use crate::repo::Repo;

const PAGE: &str = "PROMISES.md";
const NOT_YET: &str = "not yet";

#[expect(clippy::unwrap_used, reason = "a constant pattern")]
static TEST: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"`(\w+)`").unwrap());

#[expect(clippy::unnecessary_wraps, reason = "the shape of a check")]
pub(super) fn check(repo: &Repo, _: &Settings) -> Outcome<Vec<Problem>> {
    let Some(page) = repo.file(PAGE) else { return Ok(vec![Problem::of(PAGE, "is missing")]) };
    let mut problems = Vec::new();
    for (number, line) in (1..).zip(page.text.lines()) {
        for what in judge(repo, line) {
            problems.push(Problem::at(PAGE, number, what));
        }
    }
    Ok(problems)
}

/// What is wrong with the last cell of a row.
fn judge(repo: &Repo, line: &str) -> Vec<String> {
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    let [_, id, _, shown, _] = cells.as_slice() else { return Vec::new() };
    if !id.bytes().any(|byte| byte.is_ascii_digit()) || *shown == NOT_YET {
        return Vec::new();
    }
    let named: Vec<&str> = TEST
        .captures_iter(shown)
        .filter_map(|found| found.get(1))
        .map(|name| name.as_str())
        .collect();
    if named.is_empty() {
        return vec![format!("{id} names neither a test nor `{NOT_YET}`")];
    }
    let exists = |name: &str| {
        let definition = format!("fn {name}(");
        repo.files.iter().any(|file| file.is_rust() && file.text.contains(&definition))
    };
    let missing = named.into_iter().filter(|name| !exists(name));
    missing.map(|name| format!("{id} names the test `{name}`, which does not exist")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(row: &str) -> usize {
        let code = ("crates/a/src/tests.rs", "#[test]\nfn it_holds() {}");
        check(&Repo::of(&[(PAGE, row), code]), &Settings::default()).unwrap().len()
    }

    #[test]
    fn a_promise_names_a_test_that_exists_or_says_not_yet() {
        assert_eq!(problems("| R1 | a thing | not yet |"), 0);
        assert_eq!(problems("| R1 | a thing | a: `it_holds` |"), 0);
        assert_eq!(problems("| id | promise | shown by |\n|---|---|---|"), 0);
    }

    #[test]
    fn a_promise_with_a_missing_test_or_with_words_is_found() {
        assert_eq!(problems("| R1 | a thing | a: `it_held` |"), 1);
        assert_eq!(problems("| R1 | a thing | surely |"), 1);
    }
}
