//! `largestack check`: every agent and workflow of a project, read as a run would read it, with everything that
//! is wrong and where. It makes no call, leaves nothing behind and needs no key.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use largestack_config::{
    self as config, AGENT_FILE, Flags, Inputs, Settings, Source, WORKFLOW_FILE,
};
use largestack_types::errors::{Code, Coded, LargestackError, Result};
use serde::Serialize;

use crate::args::Global;
use crate::compose::OFFER;
use crate::documents;
use crate::exit;
use crate::failure::{Outcome, unreadable};
use crate::render::style::{BAD, FAINT, GOOD, STRONG, painted};
use crate::render::text::{clean, counted};
use crate::screen::Screen;

mod built;
pub(super) mod workflow;

/// Folders below each other that are looked into.
const DEPTH: usize = 8;

/// Checks the agents and workflows of a project.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// A folder with agents or workflows in or below it, or the file of one; the current folder
    /// unless given
    path: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Serialize)]
struct Document {
    broken: bool,
    agents: Vec<Checked>,
}

/// What was found about one agent.
#[derive(Serialize)]
struct Checked {
    file: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nodes: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    documents: Option<usize>,
    problems: Vec<Wrong>,
}

/// One thing that is wrong.
#[derive(Serialize)]
struct Wrong {
    code: Code,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion: Option<String>,
}

impl Check {
    pub(crate) fn perform(&self, global: &Global, screen: &mut Screen) -> Outcome {
        let path = self.path.clone().unwrap_or_else(|| PathBuf::from("."));
        let files = agents(&path)?;
        let agents: Vec<Checked> = files.into_iter().map(|file| checked(file, global)).collect();
        let broken = agents.iter().any(|agent| !agent.problems.is_empty());
        if self.json {
            screen.json(&Document { broken, agents })?;
        } else {
            screen.print(&text(&agents))?;
        }
        Ok(if broken { exit::BROKEN } else { exit::DONE })
    }
}

/// The agent files that a path means: the file, or all in and below the folder.
fn agents(path: &Path) -> Result<Vec<PathBuf>> {
    let found = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if !found.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    collect(path, DEPTH, &mut files)?;
    files.sort();
    if files.is_empty() {
        return Err(LargestackError::with_advice(
            Code::NotFound,
            format!(
                "there is no {AGENT_FILE} or {WORKFLOW_FILE} in {} or below it",
                path.display()
            ),
            "Name a folder with one, or make a project: largestack new NAME",
        ));
    }
    Ok(files)
}

fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| unreadable(folder, &error))?;
        let name = entry.file_name();
        let kind = entry.file_type().map_err(|error| unreadable(&entry.path(), &error))?;
        if kind.is_dir() {
            let hidden = name.to_string_lossy().starts_with('.') || name == "target";
            if depth > 0 && !hidden {
                collect(&entry.path(), depth - 1, files)?;
            }
        } else if name == AGENT_FILE || is_workflow(&name.to_string_lossy()) {
            let path = entry.path();
            files.push(path.strip_prefix(".").map_or_else(|_| path.clone(), Path::to_owned));
        }
    }
    Ok(())
}

/// Whether a file is a workflow's by its name.
fn is_workflow(name: &str) -> bool {
    name == WORKFLOW_FILE || name.ends_with(".workflow.yaml")
}

fn checked(file: PathBuf, global: &Global) -> Checked {
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
    if config::named(&file) == config::Named::Workflow {
        return match inputs.workflow(&file) {
            Ok(settings) => workflow::sound(file, &settings),
            Err(error) => broken(file, &error),
        };
    }
    match inputs.agent(&file) {
        Ok(settings) => sound(file, &settings),
        Err(error) => broken(file, &error),
    }
}

fn broken(file: PathBuf, error: &config::Error) -> Checked {
    let problems = match error.problems() {
        [] => vec![plain(error)],
        all => all.iter().map(placed).collect(),
    };
    Checked { file, name: None, model: None, nodes: None, documents: None, problems }
}

/// An agent whose settings are good: what they name is looked at, and everything is made that a run
/// makes before it asks anything.
fn sound(file: PathBuf, settings: &Settings<config::Agent>) -> Checked {
    let agent = &settings.agent;
    let mut problems = Vec::new();
    let documents = agent.knowledge.as_ref().and_then(|knowledge| {
        let listed = documents::list(knowledge).and_then(|listed| match listed.len() {
            0 => Err(LargestackError::with_advice(
                Code::Document,
                format!("there are no documents in {}", knowledge.folder.display()),
                "Put files there that fit `knowledge.include`",
            )),
            some => Ok(some),
        });
        let wrong = |error| problems.push(of_key(settings, "knowledge", &error));
        listed.map_err(wrong).ok()
    });
    for (key, error) in built::problems(settings) {
        problems.push(of_key(settings, &key, &error));
    }
    Checked {
        file,
        name: Some(agent.name.to_string()),
        model: Some(agent.model.to_string()),
        nodes: None,
        documents,
        problems,
    }
}

fn plain(error: &dyn Coded) -> Wrong {
    Wrong {
        code: error.code(),
        message: error.message(),
        file: None,
        line: None,
        column: None,
        suggestion: Some(error.suggestion().into_owned()),
    }
}

/// What is wrong with what stands under a key: at the first place of a file that says something of
/// it.
fn of_key(settings: &Settings<config::Agent>, key: &str, error: &dyn Coded) -> Wrong {
    let is_of = |origin: &&config::Origin| {
        let rest = origin.key.strip_prefix(key);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let places = settings.origins.iter().filter(is_of).filter_map(|origin| match &origin.source {
        Source::File { path, line, column } => Some((*line, *column, path)),
        _ => None,
    });
    let wrong = plain(error);
    let Some((line, column, path)) = places.min_by_key(|(line, column, _)| (*line, *column)) else {
        return Wrong { file: Some(settings.agent.file.clone()), ..wrong };
    };
    let message = format!("{}:{line}:{column}: {}", path.display(), wrong.message);
    let file = Some(path.to_path_buf());
    Wrong { message, file, line: Some(line), column: Some(column), ..wrong }
}

fn placed(problem: &config::Problem) -> Wrong {
    let (file, line, column) = match &problem.source {
        Source::File { path, line, column } => {
            (Some(path.to_path_buf()), Some(*line), Some(*column))
        }
        _ => (None, None, None),
    };
    let (message, suggestion) = (problem.message(), problem.advice());
    Wrong { code: Code::Config, message, file, line, column, suggestion }
}

fn text(agents: &[Checked]) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    for agent in agents {
        let file = painted(STRONG, clean(&agent.file.display().to_string()));
        if agent.problems.is_empty() {
            let nodes = agent.nodes.map_or_else(String::new, |number| {
                counted(number.try_into().unwrap_or(u64::MAX), "node")
            });
            let model = agent.model.as_deref().unwrap_or(&nodes);
            let documents = agent.documents.map_or_else(String::new, |number| {
                format!(", {}", counted(number.try_into().unwrap_or(u64::MAX), "document"))
            });
            let _ = writeln!(text, "{}  {file}  {model}{documents}", painted(GOOD, "ok    "));
        } else {
            let _ = writeln!(text, "{}  {file}", painted(BAD, "BROKEN"));
        }
        for wrong in &agent.problems {
            let _ = writeln!(text, "        {}", clean(&wrong.message));
            if let Some(suggestion) = &wrong.suggestion {
                let _ = writeln!(text, "          {}", painted(FAINT, clean(suggestion)));
            }
        }
    }
    let wrong: usize = agents.iter().map(|agent| agent.problems.len()).sum();
    let verdict = match wrong {
        0 => painted(GOOD, "Nothing is wrong.".to_owned()),
        some => {
            let some = some.try_into().unwrap_or(u64::MAX);
            painted(BAD, format!("{} to mend.", counted(some, "problem")))
        }
    };
    let _ = writeln!(text, "\n{verdict}");
    text
}
