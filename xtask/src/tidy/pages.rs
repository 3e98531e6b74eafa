//! Every error code has its page, every page its code, and all pages have one shape, so that the
//! command line can print them.

use largestack_types::error::{Code, Kind};

use super::Problem;
use super::settings::Settings;
use crate::Outcome;
use crate::repo::Repo;

const FOLDER: &str = "docs/errors/";
const HEADINGS: [&str; 4] =
    ["## What it means", "## When it is raised", "## What to do", "## Fields"];

#[expect(clippy::unnecessary_wraps, reason = "the shape of a check")]
pub(super) fn check(repo: &Repo, _: &Settings) -> Outcome<Vec<Problem>> {
    let mut problems = Vec::new();
    for code in Code::ALL {
        let path = format!("{FOLDER}{code}.md");
        match repo.file(&path) {
            Some(file) => problems.extend(judge(*code, &path, &file.text)),
            None => problems.push(Problem::of(&path, "is missing")),
        }
    }
    for file in repo.files.iter().filter(|file| file.path.starts_with(FOLDER)) {
        let name = file.path.trim_start_matches(FOLDER).trim_end_matches(".md");
        if Code::parse(name).is_none() {
            problems.push(Problem::of(&file.path, "is not the page of a code"));
        }
    }
    Ok(problems)
}

/// The line under a page's title.
pub(crate) fn facts(code: Code) -> String {
    let kind = code.kind();
    format!(
        "Kind `{}` · retryable: {} · exit code {} · HTTP status {}",
        kind_name(kind),
        if code.retryable() { "yes" } else { "no" },
        kind.exit_code(),
        kind.http_status()
    )
}

/// A kind's name as it is written, e.g. `not_found`.
pub(crate) fn kind_name(kind: Kind) -> String {
    let mut name = String::new();
    for letter in format!("{kind:?}").chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

fn judge(code: Code, path: &str, text: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut lines = text.lines();
    if lines.next() != Some(&format!("# {code}")) {
        problems.push(Problem::at(path, 1, format!("the title must be `# {code}`")));
    }
    let expected = facts(code);
    if lines.nth(1) != Some(&expected) {
        problems.push(Problem::at(path, 3, format!("the facts must be: {expected}")));
    }
    let headings: Vec<&str> = text.lines().filter(|line| line.starts_with("## ")).collect();
    if headings != HEADINGS {
        problems.push(Problem::of(path, format!("the headings must be: {}", HEADINGS.join(", "))));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(code: Code) -> String {
        format!("# {code}\n\n{}\n\n{}\n", facts(code), HEADINGS.join("\n\nwords\n\n"))
    }

    #[test]
    fn a_page_of_the_common_shape_is_in_order() {
        assert_eq!(judge(Code::NotFound, "p", &page(Code::NotFound)), []);
        assert!(facts(Code::NotFound).starts_with("Kind `not_found` · retryable: no"));
    }

    #[test]
    fn a_page_that_contradicts_the_catalogue_is_found() {
        let text = page(Code::Budget);
        assert_eq!(judge(Code::Loop, "p", &text).len(), 1);
        assert_eq!(judge(Code::RateLimit, "p", &text).len(), 2);
        assert_eq!(judge(Code::Budget, "p", &text.replace("## Fields", "## Field")).len(), 1);
    }

    #[test]
    fn a_page_without_a_code_is_found() {
        let repo = Repo::of(&[("docs/errors/LARGESTACK_OLD.md", "")]);
        let problems = check(&repo, &Settings::default()).unwrap();
        assert_eq!(problems.len(), Code::ALL.len() + 1);
    }
}
