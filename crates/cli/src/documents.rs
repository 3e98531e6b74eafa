//! The documents of an agent: which files of its folder they are, and bringing the index up to
//! date with them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use largestack_config::{self as config, Knowledge};
use largestack_knowledge::{File, Progress, Summary, ingest};
use largestack_ports::documents::Documents;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::scope::Scope;

use crate::failure::unreadable;

mod glob;

/// The documents of a folder, in order: their paths relative to it, with `/`.
pub(crate) fn list(knowledge: &Knowledge) -> Result<Vec<String>> {
    let mut found = Vec::new();
    walk(&knowledge.folder, "", &mut |path| {
        let fits = |patterns: &[std::sync::Arc<str>]| patterns.iter().any(|p| glob::fits(p, path));
        if fits(&knowledge.include) && !fits(&knowledge.exclude) {
            found.push(path.to_owned());
        }
    })?;
    found.sort();
    Ok(found)
}

/// Every file below a folder but hidden ones. Links to folders are not followed: they can lead
/// out of the project and in circles.
fn walk(folder: &Path, prefix: &str, take: &mut dyn FnMut(&str)) -> Result<()> {
    let entries = fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| unreadable(folder, &error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let path = format!("{prefix}{name}");
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(&entry.path(), &format!("{path}/"), take)?,
            Ok(kind) if kind.is_symlink() && entry.path().is_dir() => {}
            Ok(_) => take(&path),
            Err(error) => return Err(unreadable(&entry.path(), &error)),
        }
    }
    Ok(())
}

/// Brings the index up to date with the folder; `told` hears of each document.
pub(crate) async fn refresh(
    documents: &dyn Documents,
    scope: &Scope,
    knowledge: &Knowledge,
    (collection, prefix): (&str, &str),
    paths: Vec<String>,
    told: impl FnMut(&Progress),
) -> Result<Summary> {
    let files = paths.into_iter().map(|path| {
        let whole = knowledge.folder.join(&path);
        File { bytes: read(&whole), path: format!("{prefix}{path}") }
    });
    ingest(documents, scope, collection, files, told).await
}

/// Where the documents of a run's agents are. Sources of an agent that another one names begin with
/// its name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Folders {
    own: Option<PathBuf>,
    below: Vec<(String, PathBuf)>,
}

impl Folders {
    /// Those of an agent and of the agents that it and others name.
    pub(crate) fn of<'a>(
        agent: &config::Agent,
        below: impl Iterator<Item = &'a config::Agent>,
    ) -> Self {
        let folder = |agent: &config::Agent| Some(agent.knowledge.as_ref()?.folder.clone());
        let below = below.filter_map(|agent| Some((prefix_of(agent), folder(agent)?))).collect();
        Self { own: folder(agent), below }
    }

    /// Where a cited document is: its path in the folder, after the folder's own.
    pub(crate) fn place(&self, source: &str) -> String {
        if source.contains("://") {
            return source.to_owned();
        }
        let own = self.own.as_ref().map(|folder| folder.join(source));
        let is_own = own.as_ref().is_some_and(|path| path.is_file());
        let below = self.below.iter().filter(|_| !is_own).find_map(|(prefix, folder)| {
            source.strip_prefix(prefix.as_str()).map(|rest| folder.join(rest))
        });
        let Some(path) = below.or(own) else { return source.to_owned() };
        let shown = path.strip_prefix(".").unwrap_or(&path);
        shown.to_string_lossy().replace('\\', "/")
    }
}

/// What the sources of an agent begin with that another one names.
pub(crate) fn prefix_of(agent: &config::Agent) -> String {
    format!("{}/", agent.name)
}

fn read(path: &PathBuf) -> Result<Vec<u8>> {
    let limit = largestack_knowledge::load::MAX_DOCUMENT_BYTES as u64;
    let refused = |error: &io::Error| {
        LargestackError::with_advice(
            Code::Document,
            format!("{} cannot be read: {error}", path.display()),
            "Check its permissions, or exclude it",
        )
    };
    let bytes = fs::metadata(path).map_err(|error| refused(&error))?.len();
    if bytes > limit {
        // Not read at all; the refusal names the size as the reader of documents would.
        let error = largestack_knowledge::Error::TooLarge {
            path: path.display().to_string(),
            bytes,
            limit,
        };
        return Err(LargestackError::from_coded(&error));
    }
    fs::read(path).map_err(|error| refused(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cited_document_is_where_its_agents_documents_are() {
        let own = |folder: &str| Folders { own: Some(folder.into()), below: Vec::new() };
        assert_eq!(own("shop/docs").place("a/b.md"), "shop/docs/a/b.md");
        assert_eq!(own("./docs").place("b.md"), "docs/b.md");
        assert_eq!(own("shop/docs").place("https://example.org/b"), "https://example.org/b");
        assert_eq!(Folders::default().place("b.md"), "b.md");
        let below = vec![("clerk/".to_owned(), PathBuf::from("clerk/docs"))];
        let both = Folders { below, ..own("docs") };
        assert_eq!(both.place("clerk/b.md"), "clerk/docs/b.md");
        assert_eq!(both.place("b.md"), "docs/b.md");
    }

    #[test]
    fn documents_are_what_the_patterns_say_and_nothing_hidden_or_linked() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "text").unwrap();
        };
        for path in
            ["b.md", "a/deep/c.md", "a/d.txt", "e.png", ".hidden.md", ".git/f.md", "old/g.md"]
        {
            write(path);
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(folder.path(), folder.path().join("loop")).unwrap();
        let knowledge = Knowledge {
            folder: folder.path().to_owned(),
            include: vec!["**/*.md".into(), "a/*.txt".into()],
            exclude: vec!["old/**".into()],
            top_k: 8,
            reranker: None,
            on_reranker_failure: largestack_config::OnRerankerFailure::OwnOrder,
        };
        assert_eq!(list(&knowledge).unwrap(), ["a/d.txt", "a/deep/c.md", "b.md"]);
        let gone = Knowledge { folder: folder.path().join("gone"), ..knowledge };
        assert!(list(&gone).is_err());
    }
}
