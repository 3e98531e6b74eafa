//! Files answer one question: those that grow past the limits say so or are split.

use super::Problem;
use super::settings::{self, Settings};
use crate::Outcome;
use crate::repo::Repo;

#[expect(clippy::unnecessary_wraps, reason = "the shape of a check")]
pub(super) fn check(repo: &Repo, settings: &Settings) -> Outcome<Vec<Problem>> {
    let sizes = &settings.sizes;
    let mut problems = Vec::new();
    let mut excused = Vec::new();
    for file in repo.production() {
        let lines = file.source().production_lines();
        if lines <= sizes.warn {
            continue;
        }
        if sizes.exceptions.contains_key(&file.path) {
            excused.push(&file.path);
            continue;
        }
        let what = format!("{lines} lines before its tests; the limit is {}", sizes.fail);
        problems.push(Problem { warning: lines <= sizes.fail, ..Problem::of(&file.path, what) });
    }
    for path in sizes.exceptions.keys().filter(|path| !excused.contains(path)) {
        let what = format!("the exception for `{path}` is not needed any more");
        problems.push(Problem::of(settings::FILE, what));
    }
    Ok(problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(lines: usize, exceptions: &str) -> (usize, usize) {
        let settings = format!("sizes = {{ warn = 4, fail = 5, exceptions = {{ {exceptions} }} }}");
        let text = format!("{}#[cfg(test)]\nmod t {{\n\n\n\n\n}}\n", "a;\n".repeat(lines));
        let repo = Repo::of(&[("crates/a/src/lib.rs", &text)]);
        let found = check(&repo, &Settings::of(&settings)).unwrap();
        let warnings = found.iter().filter(|problem| problem.warning).count();
        (warnings, found.len() - warnings)
    }

    #[test]
    fn both_limits_hold_on_both_sides_and_tests_do_not_count() {
        assert_eq!(problems(4, ""), (0, 0));
        assert_eq!(problems(5, ""), (1, 0));
        assert_eq!(problems(6, ""), (0, 1));
    }

    #[test]
    fn an_exception_excuses_what_needs_it_and_must_be_needed() {
        let exception = "'crates/a/src/lib.rs' = 'a flat table'";
        assert_eq!(problems(6, exception), (0, 0));
        assert_eq!(problems(4, exception), (0, 1));
    }
}
