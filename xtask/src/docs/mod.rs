//! The generated parts of the docs: tables that stand between `<!-- generated:NAME -->` and
//! `<!-- /generated -->` are made from the code or from recorded measurements, never by hand.

mod tables;

use std::fmt::Write as _;
use std::fs;

use crate::Outcome;
use crate::repo::{File, Repo};

const OPEN: &str = "<!-- generated:";
const CLOSE: &str = "<!-- /generated -->";

/// Writes every generated part, or with `check` only says which are stale; false when some are.
pub(crate) fn task(check: bool) -> Outcome<bool> {
    let repo = Repo::load()?;
    let mut current = true;
    for (file, text) in changes(&repo)? {
        if check {
            println!("{}: stale; run `cargo xtask docs`", file.path);
            current = false;
        } else {
            fs::write(repo.root.join(&file.path), text)?;
            println!("{}: written", file.path);
        }
    }
    Ok(current)
}

/// The pages whose generated parts differ from what they should be, as they should be.
fn changes(repo: &Repo) -> Outcome<Vec<(&File, String)>> {
    let mut changes = Vec::new();
    for page in repo.files.iter().filter(|file| is_page(file)) {
        let text = fill(&page.text, |name| tables::table(name, repo))
            .map_err(|error| format!("{}: {error}", page.path))?;
        if text != page.text {
            changes.push((page, text));
        }
    }
    Ok(changes)
}

/// Pages that may hold generated parts.
fn is_page(file: &File) -> bool {
    file.is_markdown() && (!file.path.contains('/') || file.path.starts_with("docs/"))
}

/// The text with every part between markers replaced.
fn fill(text: &str, mut table: impl FnMut(&str) -> Outcome<String>) -> Outcome<String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(OPEN) {
        let (name, after) = after.split_once(" -->").ok_or("a marker is not closed")?;
        let (_, after) =
            after.split_once(CLOSE).ok_or_else(|| format!("`{name}` has no end marker"))?;
        filled.push_str(before);
        write!(filled, "{OPEN}{name} -->\n{}\n{CLOSE}", table(name)?.trim_end())?;
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_markers_is_replaced_and_nothing_else() {
        let text = "a\n<!-- generated:x -->\nold\n<!-- /generated -->\nb\n";
        let filled = fill(text, |name| Ok(format!("new {name}\n"))).unwrap();
        assert_eq!(filled, "a\n<!-- generated:x -->\nnew x\n<!-- /generated -->\nb\n");
        assert_eq!(fill(&filled, |name| Ok(format!("new {name}"))).unwrap(), filled);
    }

    #[test]
    fn a_marker_without_an_end_is_an_error() {
        assert!(fill("<!-- generated:x -->\nold", |_| Ok(String::new())).is_err());
    }

    #[test]
    fn the_generated_parts_are_current() {
        let repo = Repo::load().unwrap();
        let stale: Vec<&str> =
            changes(&repo).unwrap().into_iter().map(|(file, _)| file.path.as_str()).collect();
        assert!(stale.is_empty(), "stale, run `cargo xtask docs`: {stale:?}");
    }
}
