//! Links between the Markdown files of the workspace lead to files and headings that exist.

use std::sync::LazyLock;

use regex::Regex;

use super::Problem;
use super::settings::Settings;
use crate::Outcome;
use crate::repo::{File, Repo};
use crate::source::line_of;

#[expect(clippy::unwrap_used, reason = "a constant pattern")]
static LINK: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\]\(([^)\s]+)\)").unwrap());

#[expect(clippy::unnecessary_wraps, reason = "the shape of a check")]
pub(super) fn check(repo: &Repo, settings: &Settings) -> Outcome<Vec<Problem>> {
    let foreign =
        |file: &&File| settings.foreign_links.keys().any(|prefix| file.path.starts_with(prefix));
    let pages = repo.files.iter().filter(|file| file.is_markdown() && !foreign(file));
    Ok(pages.flat_map(|page| judge(repo, page)).collect())
}

fn judge(repo: &Repo, page: &File) -> Vec<Problem> {
    let prose = without_code(&page.text);
    let mut problems = Vec::new();
    for found in LINK.captures_iter(&prose) {
        let Some(target) = found.get(1) else { continue };
        if target.as_str().contains("://") || target.as_str().starts_with("mailto:") {
            continue;
        }
        if let Some(what) = broken(repo, page, target.as_str()) {
            problems.push(Problem::at(&page.path, line_of(&prose, target.start()), what));
        }
    }
    problems
}

fn broken(repo: &Repo, page: &File, target: &str) -> Option<String> {
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = if path.is_empty() { Some(page.path.clone()) } else { resolve(&page.path, path) };
    let Some(path) = path else { return Some(format!("`{target}` leads out of the workspace")) };
    let folder = format!("{path}/");
    let Some(file) = repo.file(&path) else {
        let exists = repo.files.iter().any(|file| file.path.starts_with(&folder));
        return (!exists).then(|| format!("`{target}` leads nowhere"));
    };
    let missing = !anchor.is_empty() && !headings(&file.text).any(|heading| heading == anchor);
    missing.then(|| format!("`{target}` names a heading that is not there"))
}

/// The path that a relative link on a page means.
fn resolve(page: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in link.trim_end_matches('/').split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The anchors of a page's headings, as hosting sites form them.
fn headings(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter(|line| line.starts_with('#')).map(|line| {
        let kept = |letter: char| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_');
        let title = line.trim_start_matches('#').trim().to_lowercase();
        title.chars().filter(|letter| kept(*letter)).collect::<String>().replace(' ', "-")
    })
}

/// The text with code blocks and inline code blanked out.
fn without_code(text: &str) -> String {
    let mut in_block = false;
    let mut prose = String::with_capacity(text.len());
    for line in text.lines() {
        let fence = line.trim_start().starts_with("```");
        if !fence && !in_block {
            for (index, piece) in line.split('`').enumerate() {
                prose.push_str(if index % 2 == 0 { piece } else { "code" });
            }
        }
        in_block ^= fence;
        prose.push('\n');
    }
    prose
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> usize {
        let repo = Repo::of(&[
            ("README.md", "# Hello, you\n"),
            ("docs/a.md", text),
            ("docs/errors/X.md", "# X\n"),
        ]);
        repo.file("docs/a.md").map(|page| judge(&repo, page).len()).unwrap()
    }

    #[test]
    fn links_to_files_folders_and_headings_that_exist_are_in_order() {
        let text = "# Here\n[a](../README.md) [b](errors) [c](./errors/X.md) [d](#here)
            [e](../README.md#hello-you) [f](https://example.com/x)";
        assert_eq!(problems(text), 0);
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        for text in ["[a](README.md)", "[a](errors/Y.md)", "[a](../../x.md)", "[a](#there)"] {
            assert_eq!(problems(text), 1, "{text}");
        }
    }

    #[test]
    fn what_looks_like_a_link_in_code_is_none() {
        assert_eq!(problems("```\n[a](b)\n```\n`[a](b)`"), 0);
    }
}
