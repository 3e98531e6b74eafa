//! Code lives where it is at home: SQL in the store, environment variables in the configuration,
//! I/O out of the pure crates. The rules are data, in `tidy.toml`.

use super::Problem;
use super::settings::{Home, Settings, View};
use crate::Outcome;
use crate::repo::{File, Repo};

#[expect(clippy::unnecessary_wraps, reason = "the shape of a check")]
pub(super) fn check(repo: &Repo, settings: &Settings) -> Outcome<Vec<Problem>> {
    let mut problems = Vec::new();
    for file in repo.production() {
        let source = file.source();
        for home in settings.homes.iter().filter(|home| looks_at(home, file)) {
            let view = match home.view {
                View::Code => &source.code,
                View::Strings => &source.strings,
            };
            for found in home.pattern.find_iter(view) {
                if !source.in_tests(found.start()) {
                    let what = found.as_str().trim();
                    let what = format!("`{what}` ({}): {}", home.name, home.reason);
                    problems.push(Problem::at(&file.path, source.line(found.start()), what));
                }
            }
        }
    }
    Ok(problems)
}

fn looks_at(home: &Home, file: &File) -> bool {
    let under = |prefixes: &[String]| prefixes.iter().any(|prefix| file.path.starts_with(prefix));
    (home.within.is_empty() || under(&home.within)) && !under(&home.allowed_in)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: &str = r#"
        home = [
            { name = "environment", view = "code", pattern = '\benv::var', allowed_in = ["crates/config/"], reason = "one table" },
            { name = "files", view = "code", pattern = '\bstd::fs\b', within = ["crates/wire/"], reason = "pure" },
            { name = "SQL", view = "strings", pattern = '\bINSERT\s+INTO\b', allowed_in = ["crates/store/"], reason = "one crate" },
        ]
    "#;

    fn problems(path: &str, text: &str) -> usize {
        let settings = Settings::of(SETTINGS);
        check(&Repo::of(&[(path, text)]), &settings).unwrap().len()
    }

    #[test]
    fn the_environment_is_read_allowed_in_only() {
        let text = "fn f() { std::env::var(\"X\"); }";
        assert_eq!(problems("crates/config/src/a.rs", text), 0);
        assert_eq!(problems("crates/agent/src/a.rs", text), 1);
        assert_eq!(problems("crates/agent/src/a.rs", "// std::env::var"), 0);
        assert_eq!(
            problems("crates/agent/src/a.rs", "#[cfg(test)] mod t { use std::env::var; }"),
            0
        );
    }

    #[test]
    fn a_rule_for_some_crates_leaves_the_others_alone() {
        assert_eq!(problems("crates/wire/src/a.rs", "use std::fs;"), 1);
        assert_eq!(problems("crates/store/src/a.rs", "use std::fs;"), 0);
    }

    #[test]
    fn sql_is_told_from_prose_by_standing_in_a_string() {
        assert_eq!(problems("crates/agent/src/a.rs", "f(\"INSERT INTO t\")"), 1);
        assert_eq!(problems("crates/store/src/a.rs", "f(\"INSERT INTO t\")"), 0);
        assert_eq!(problems("crates/agent/src/a.rs", "// INSERT INTO t"), 0);
    }
}
