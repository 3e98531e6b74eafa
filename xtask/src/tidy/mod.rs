//! Architecture checks. Each is a function from the workspace to problems; all of them also run as
//! tests, so that `cargo test --workspace` says when the house is out of order.

mod arrows;
mod homes;
mod links;
mod machine;
mod manifests;
mod marks;
pub(crate) mod pages;
mod promises;
mod purity;
mod scopes;
mod settings;
mod sizes;

use std::fmt;

use crate::Outcome;
use crate::repo::Repo;
use settings::Settings;

/// Something out of order.
#[derive(Debug, PartialEq)]
pub(crate) struct Problem {
    /// Where: a path, with `:line` where a line is meant.
    place: String,
    what: String,
    /// Worth knowing, not worth failing.
    warning: bool,
}

impl Problem {
    fn at(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { place: format!("{path}:{line}"), what: what.into(), warning: false }
    }

    fn of(path: &str, what: impl Into<String>) -> Self {
        Self { place: path.to_owned(), what: what.into(), warning: false }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.warning { "warning: " } else { "" };
        write!(f, "{kind}{}: {}", self.place, self.what)
    }
}

type Check = fn(&Repo, &Settings) -> Outcome<Vec<Problem>>;

/// Every check, by name.
const CHECKS: [(&str, Check); 11] = [
    ("arrows", arrows::check),
    ("purity", purity::check),
    ("manifests", manifests::check),
    ("homes", homes::check),
    ("sizes", sizes::check),
    ("scopes", scopes::check),
    ("pages", pages::check),
    ("promises", promises::check),
    ("marks", marks::check),
    ("links", links::check),
    ("machine", machine::check),
];

/// Runs every check and prints what is out of order; false when something is.
pub(crate) fn task() -> Outcome<bool> {
    let repo = Repo::load()?;
    let settings = Settings::load(&repo)?;
    let mut clean = true;
    for (name, check) in CHECKS {
        let problems = check(&repo, &settings)?;
        let failures = problems.iter().filter(|problem| !problem.warning).count();
        println!("{name}: {}", if failures == 0 { "in order" } else { "out of order" });
        for problem in &problems {
            println!("  {problem}");
        }
        clean &= failures == 0;
    }
    Ok(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_order(name: &str) {
        let repo = Repo::load().unwrap();
        let settings = Settings::load(&repo).unwrap_or_else(|error| panic!("{error}"));
        let (_, check) = CHECKS.into_iter().find(|(check, _)| *check == name).unwrap();
        let problems = check(&repo, &settings).unwrap();
        let failures: Vec<String> =
            problems.iter().filter(|p| !p.warning).map(ToString::to_string).collect();
        assert!(failures.is_empty(), "{name}:\n{}", failures.join("\n"));
    }

    macro_rules! house {
        ($($test:ident: $name:literal,)+) => {
            $(#[test] fn $test() { in_order($name); })+

            #[test]
            fn every_check_runs_as_a_test() {
                assert_eq!(CHECKS.map(|(name, _)| name), [$($name),+]);
            }
        };
    }

    house! {
        crates_depend_downwards_only: "arrows",
        pure_crates_have_pure_dependencies: "purity",
        manifests_inherit_from_the_workspace: "manifests",
        code_lives_where_it_is_at_home: "homes",
        files_answer_one_question: "sizes",
        scopes_are_made_in_named_places: "scopes",
        every_error_code_has_its_page: "pages",
        promises_name_tests_that_exist: "promises",
        nothing_is_left_for_later: "marks",
        links_lead_somewhere: "links",
        no_machine_shows_through: "machine",
    }
}
