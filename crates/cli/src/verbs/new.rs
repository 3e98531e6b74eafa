//! `largestack new`: a project that runs as it is.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use largestack_types::errors::{Code, LargestackError, Result};
use serde::Serialize;

use crate::exit;
use crate::failure::{Outcome, unwritten};
use crate::screen::Screen;

/// What a project begins as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Template {
    /// An agent with a page of notes that it can search
    Agent,
    /// An agent that answers from a folder of documents, with sources
    Rag,
}

/// Makes a new project.
#[derive(Debug, Args)]
pub(crate) struct New {
    /// The folder to make; its last part names the agent
    name: PathBuf,
    /// What to begin with
    #[arg(long, value_enum, default_value = "agent")]
    template: Template,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Serialize)]
struct Document {
    name: String,
    folder: String,
    files: Vec<&'static str>,
    next: String,
}

/// A file of a template and its text, in which `{{name}}` is the agent's name.
type Page = (&'static str, &'static str);

const AGENT: &[Page] = &[
    ("agent.yaml", include_str!("../../templates/agent/agent.yaml")),
    ("notes/about.md", include_str!("../../templates/agent/notes/about.md")),
    ("README.md", include_str!("../../templates/agent/README.md")),
    (".gitignore", include_str!("../../templates/gitignore")),
];

const RAG: &[Page] = &[
    ("agent.yaml", include_str!("../../templates/rag/agent.yaml")),
    ("docs/opening-hours.md", include_str!("../../templates/rag/docs/opening-hours.md")),
    ("docs/membership.md", include_str!("../../templates/rag/docs/membership.md")),
    ("docs/borrowing.md", include_str!("../../templates/rag/docs/borrowing.md")),
    ("README.md", include_str!("../../templates/rag/README.md")),
    (".gitignore", include_str!("../../templates/gitignore")),
];

impl Template {
    const fn pages(self) -> &'static [Page] {
        match self {
            Self::Agent => AGENT,
            Self::Rag => RAG,
        }
    }

    /// A question that the template's own pages answer.
    const fn question(self) -> &'static str {
        match self {
            Self::Agent => "How do I change what you know?",
            Self::Rag => "How long may I keep a book?",
        }
    }
}

impl New {
    pub(crate) fn perform(&self, screen: &mut Screen) -> Outcome {
        let name = name_of(&self.name)?;
        refuse_what_is_there(&self.name)?;
        for (path, text) in self.template.pages() {
            write(&self.name.join(path), &text.replace("{{name}}", &name))?;
        }
        let folder = self.name.display().to_string();
        let next = format!("largestack run {folder} \"{}\"", self.template.question());
        let files = self.template.pages().iter().map(|(path, _)| *path).collect();
        let document = Document { name, folder, files, next };
        if self.json {
            screen.json(&document)?;
        } else {
            let files = document.files.join("\n  ");
            let Document { folder, next, .. } = document;
            screen.print(&format!("{folder}\n  {files}\n\nNext: {next}\n"))?;
        }
        Ok(exit::DONE)
    }
}

fn name_of(folder: &Path) -> Result<String> {
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = name.unwrap_or_default();
    let fits = (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if fits {
        return Ok(name);
    }
    Err(LargestackError::with_advice(
        Code::Input,
        format!("`{name}` cannot name an agent: 1 to 64 of letters, digits, `-` and `_`"),
        "Choose another name, e.g. my-agent",
    ))
}

fn refuse_what_is_there(folder: &Path) -> Result<()> {
    let is_empty = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(_) => !folder.exists(),
    };
    if is_empty {
        return Ok(());
    }
    Err(LargestackError::with_advice(
        Code::Conflict,
        format!("{} exists and is not an empty folder", folder.display()),
        "Choose another name; nothing was changed",
    ))
}

fn write(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .map_err(|error| unwritten(path, &error))
}
