//! The workspace as text: every file of ours, read once. Checks take this instead of the disk, so
//! that their own tests are made of strings.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Outcome;
use crate::source::Source;

/// What is nothing of ours, folder or file: `.git` is a file in a worktree.
const NOT_OURS: [&str; 4] = [".git", ".largestack", "target", "node_modules"];

/// A text file of the workspace.
pub(crate) struct File {
    /// Relative to the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Every text file of the workspace, ordered by path.
pub(crate) struct Repo {
    pub(crate) root: PathBuf,
    pub(crate) files: Vec<File>,
}

impl File {
    pub(crate) fn is_rust(&self) -> bool {
        self.has_extension("rs")
    }

    pub(crate) fn is_markdown(&self) -> bool {
        self.has_extension("md")
    }

    fn has_extension(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|found| found == extension)
    }

    /// Whether the whole file is test code.
    pub(crate) fn is_test(&self) -> bool {
        let folder = |name| self.path.split('/').rev().skip(1).any(|part| part == name);
        self.path.ends_with("/tests.rs") || ["tests", "benches", "examples"].into_iter().any(folder)
    }

    /// The file taken apart into code, strings and comments.
    pub(crate) fn source(&self) -> Source {
        Source::of(&self.text)
    }
}

impl Repo {
    /// Reads the workspace.
    pub(crate) fn load() -> Outcome<Self> {
        let root = root()?.to_owned();
        let mut files = Vec::new();
        collect(&root, &root, &mut files)?;
        files.sort_by(|a: &File, b| a.path.cmp(&b.path));
        Ok(Self { root, files })
    }

    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let file =
            |(path, text): &(&str, &str)| File { path: (*path).into(), text: (*text).into() };
        Self { root: PathBuf::new(), files: files.iter().map(file).collect() }
    }

    pub(crate) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Rust files outside test folders.
    pub(crate) fn production(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.is_rust() && !file.is_test())
    }
}

/// The workspace this task was built in.
pub(crate) fn root() -> Outcome<&'static Path> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(here.parent().ok_or("xtask lies outside a workspace")?)
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<File>) -> Outcome<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if entry.file_name().to_str().is_none_or(|name| NOT_OURS.contains(&name)) {
            continue;
        }
        if kind.is_dir() {
            collect(root, &path, files)?;
        } else if kind.is_file() {
            // What is not UTF-8 is a fixture, not prose or code of ours.
            if let Ok(text) = fs::read_to_string(&path) {
                files.push(File { path: relative(root, &path)?, text });
            }
        }
    }
    Ok(())
}

fn relative(root: &Path, path: &Path) -> Outcome<String> {
    let inside = path.strip_prefix(root)?;
    let parts: Option<Vec<&str>> = inside.iter().map(|part| part.to_str()).collect();
    Ok(parts.ok_or_else(|| format!("{} is not UTF-8", path.display()))?.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_is_found_and_build_output_is_not() {
        let repo = Repo::load().unwrap();
        assert!(repo.file("Cargo.toml").is_some());
        assert!(repo.file("crates/types/src/error.rs").is_some());
        assert!(!repo.files.iter().any(|file| file.path.starts_with("target/")));
    }

    #[test]
    fn test_files_are_told_by_their_place() {
        let is_test = |path: &str| File { path: path.into(), text: String::new() }.is_test();
        assert!(is_test("crates/a/tests/it/main.rs"));
        assert!(is_test("crates/a/src/part/tests.rs"));
        assert!(!is_test("crates/a/src/tests_of_time.rs"));
        assert!(!is_test("crates/a/src/lib.rs"));
    }
}
