//! `largestack config`: every value in use and where it comes from, and an agent's file in one piece.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use largestack_config::{AGENT_FILE, Flags, Inputs, Origin, Source};
use largestack_types::errors::{Code, LargestackError};
use serde::Serialize;

use crate::args::Global;
use crate::compose::OFFER;
use crate::exit;
use crate::failure::Outcome;
use crate::render::style::{FAINT, STRONG, painted};
use crate::render::table::{Flush, Table};
use crate::render::text::one_line;
use crate::screen::Screen;

/// Characters of a value in the table.
const SHOWN: usize = 72;

/// Explains the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Show every value in use and where it comes from
    Explain(Explain),
    /// Write an agent's file out in one piece, for another folder; `${VARIABLES}` stay as they are
    Export(Export),
}

/// Writes an agent's file out.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The agent (a folder with an agent.yaml, or such a file); the current folder unless given
    path: Option<PathBuf>,
    /// The file to write, which must not be there; standard output unless given. Relative paths are
    /// made right for its folder, else for the current one
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Export {
    pub(crate) fn perform(&self, screen: &mut Screen) -> Outcome {
        let environment = crate::keys::environment();
        let flags = Flags::new();
        let inputs = Inputs {
            working_folder: "".as_ref(),
            environment: &environment,
            flags: &flags,
            offer: &OFFER,
        };
        let parent = self.output.as_deref().and_then(Path::parent);
        let folder = parent.filter(|parent| !parent.as_os_str().is_empty());
        let path = self.path.as_deref().unwrap_or(Path::new("."));
        let text = inputs.export(path, folder.unwrap_or(Path::new(".")));
        let text = text.map_err(|error| LargestackError::from_coded(&error))?;
        match &self.output {
            None => screen.print(&text)?,
            Some(file) => written(file, &text)?,
        }
        Ok(exit::DONE)
    }
}

/// Writes a file that is not there yet.
fn written(file: &Path, text: &str) -> Result<(), LargestackError> {
    let new = File::create_new(file).and_then(|mut new| new.write_all(text.as_bytes()));
    new.map_err(|error| {
        LargestackError::other(Code::Input, format!("{} is not written: {error}", file.display()))
    })
}

/// Shows every value in use.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The agent (a folder with an agent.yaml, or such a file); the current folder unless given
    path: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Serialize)]
struct Document {
    agent_file: Option<PathBuf>,
    project_file: Option<PathBuf>,
    values: Vec<Origin>,
}

impl Explain {
    pub(crate) fn perform(&self, global: &Global, screen: &mut Screen) -> Outcome {
        let document = self.read(global)?;
        if self.json {
            screen.json(&document)?;
        } else {
            screen.print(&table(&document.values))?;
        }
        Ok(exit::DONE)
    }

    /// The settings of the agent, or of the project where there is no agent and none was named.
    fn read(&self, global: &Global) -> Result<Document, LargestackError> {
        let environment = crate::keys::environment();
        let mut flags = Flags::new();
        if let Some(state) = &global.state {
            flags = flags.set("state", "--state", state.display().to_string());
        }
        let inputs = Inputs {
            working_folder: "".as_ref(),
            environment: &environment,
            flags: &flags,
            offer: &OFFER,
        };
        let failed = |error: largestack_config::Error| LargestackError::from_coded(&error);
        match &self.path {
            None if !PathBuf::from(AGENT_FILE).is_file() => {
                let settings = inputs.project().map_err(failed)?;
                let project_file = settings.project.file;
                Ok(Document { agent_file: None, project_file, values: settings.origins })
            }
            path => {
                let here = PathBuf::from(".");
                let settings = inputs.agent(path.as_ref().unwrap_or(&here)).map_err(failed)?;
                Ok(Document {
                    agent_file: Some(settings.agent.file),
                    project_file: settings.project.file,
                    values: settings.origins,
                })
            }
        }
    }
}

fn table(values: &[Origin]) -> String {
    let mut table =
        Table::new(&[("key", Flush::Left), ("value", Flush::Left), ("comes from", Flush::Left)]);
    for origin in values {
        let source = one_line(&origin.source.to_string(), 200);
        table.row(vec![origin.key.clone(), one_line(&origin.value, SHOWN), source]);
    }
    table.lines(|row, column, cell| match (column, values.get(row)) {
        (0, _) => painted(STRONG, cell),
        (2, Some(Origin { source: Source::Default, .. })) => painted(FAINT, cell),
        _ => cell,
    })
}
