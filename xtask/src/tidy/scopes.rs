//! A scope is made in named places only: whoever can make one can read any tenant's data.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use super::Problem;
use super::settings::{self, Settings};
use crate::Outcome;
use crate::repo::Repo;

#[expect(clippy::unwrap_used, reason = "a constant pattern")]
static MADE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\bScope\s*::\s*(local|authenticated)\b").unwrap());

#[expect(clippy::unnecessary_wraps, reason = "the shape of a check")]
pub(super) fn check(repo: &Repo, settings: &Settings) -> Outcome<Vec<Problem>> {
    let mut problems = Vec::new();
    let mut makers = BTreeSet::new();
    for file in repo.production() {
        let source = file.source();
        for found in MADE.find_iter(&source.code).filter(|at| !source.in_tests(at.start())) {
            let listed = settings.scopes.keys().find(|place| file.path.starts_with(*place));
            makers.extend(listed);
            if listed.is_none() {
                let what = format!("makes a scope (`{}`) and is not on the list", found.as_str());
                problems.push(Problem::at(&file.path, source.line(found.start()), what));
            }
        }
    }
    for place in settings.scopes.keys().filter(|place| !makers.contains(place)) {
        let what = format!("`{place}` is on the list of scopes and makes none");
        problems.push(Problem::of(settings::FILE, what));
    }
    Ok(problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(listed: &str, text: &str) -> usize {
        let settings = format!("scopes = {{ {listed} }}");
        let repo = Repo::of(&[("crates/cli/src/a.rs", text)]);
        check(&repo, &Settings::of(&settings)).unwrap().len()
    }

    #[test]
    fn a_maker_must_be_listed_and_a_listed_one_must_make() {
        let listed = "'crates/cli/src/a.rs' = 'the only user'";
        assert_eq!(problems("", "let s = Scope::local();"), 1);
        assert_eq!(problems("", "x.map(Scope :: authenticated)"), 1);
        assert_eq!(problems(listed, "let s = Scope::local();"), 0);
        assert_eq!(problems(listed, "// Scope::local"), 1);
        assert_eq!(problems("", "#[cfg(test)] mod t { fn f() { Scope::local(); } }"), 0);
    }
}
