//! The labelled questions and the folders they are about.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use largestack_knowledge::{File, Knowledge, MemoryDocuments, SearchKnowledge, ingest};
use largestack_types::scope::Scope;
use serde::Deserialize;

use crate::run::block_on;

/// A labelled question.
#[derive(Debug, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the names of the labelled file")]
pub(crate) struct Question {
    pub(crate) id: String,
    pub(crate) folder: String,
    pub(crate) question: String,
    pub(crate) answerable: bool,
    #[serde(default)]
    pub(crate) document: String,
    #[serde(default)]
    pub(crate) answer: Vec<String>,
}

impl Question {
    /// Whether these lines of a document hold one of the labelled answers, white space aside.
    pub(crate) fn answered_by(&self, folder: &Folder, path: &str, lines: (u32, u32)) -> bool {
        let text = std::str::from_utf8(&folder[path]).unwrap();
        let all: Vec<&str> = text.lines().collect();
        let cited = squeeze(&all[lines.0 as usize - 1..lines.1 as usize].join("\n"));
        path == self.document && self.answer.iter().any(|answer| cited.contains(&squeeze(answer)))
    }
}

fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The search tool over a folder.
pub(crate) fn tool(folder: &Folder) -> SearchKnowledge {
    let documents = Arc::new(MemoryDocuments::default());
    let files =
        folder.iter().map(|(path, bytes)| File { path: path.clone(), bytes: Ok(bytes.clone()) });
    let summary = block_on(ingest(&*documents, &Scope::local(), "docs", files, |_| ())).unwrap();
    assert!(summary.problems.is_empty() && summary.ingested > 0, "{summary:?}");
    SearchKnowledge::new(Knowledge::new(documents, "docs"))
}

/// Documents by path.
pub(crate) type Folder = BTreeMap<String, Vec<u8>>;

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/corpora")
}

/// The questions of one file.
pub(crate) fn questions(name: &str) -> Vec<Question> {
    serde_json::from_slice(&std::fs::read(here().join(name)).unwrap()).unwrap()
}

/// A folder by its name in the questions; `None` when the external one is not on this machine.
pub(crate) fn folder(name: &str) -> Option<Folder> {
    match name {
        "handbook" => {
            Some(read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/handbook/docs")))
        }
        "external" => external(),
        _ => Some(read(&here().join(name).join("docs"))),
    }
}

fn read(root: &Path) -> Folder {
    let mut out = Folder::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
                out.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    out
}

#[derive(Deserialize)]
struct External {
    package: String,
    version: String,
    globs: Vec<String>,
}

/// The documents of the package that `external.json` names, where cargo unpacked it.
fn external() -> Option<Folder> {
    let wanted: External =
        serde_json::from_slice(&std::fs::read(here().join("external.json")).unwrap()).unwrap();
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let metadata = cargo_metadata::MetadataCommand::new()
        .manifest_path(manifest)
        .other_options(["--offline".to_owned()])
        .exec()
        .ok()?;
    let package = metadata.packages.iter().find(|package| {
        package.name.as_str() == wanted.package && package.version.to_string() == wanted.version
    })?;
    let root = package.manifest_path.parent()?.as_std_path();
    let all = read(root);
    Some(
        all.into_iter()
            .filter(|(path, _)| wanted.globs.iter().any(|glob| fits(glob, path)))
            .collect(),
    )
}

/// Whether a path fits `a/**/*.md` or is named as it is.
fn fits(glob: &str, path: &str) -> bool {
    glob.split_once("/**/*").map_or(glob == path, |(start, end)| {
        path.starts_with(&format!("{start}/")) && path.ends_with(end)
    })
}
