//! Where the state of a project is: named, configured, or the nearest one.

use std::fs;
use std::path::{Path, PathBuf};

use largestack_config::{
    AGENT_FILE, Engine, Environment, Flags, Inputs, PROJECT_FILE, Project, Restate, STATE_FOLDER,
    Source,
};
use largestack_types::errors::{Code, LargestackError, Result};

use crate::args::Global;
use crate::compose::OFFER;

/// Folders that a look below goes down.
const DEPTH: usize = 3;
/// Folders that a look below opens.
const MOST: usize = 2_000;

/// The state of a project that has one: named by `--state`, configured, or in the nearest
/// `.largestack`, from `path` or from here upwards.
pub(crate) fn existing(global: &Global, path: Option<&Path>) -> Result<PathBuf> {
    let state = candidate(global, path)?;
    if is_state(&state) || state.is_file() {
        // A file in the folder's place is for the store to refuse by name.
        return Ok(state);
    }
    let shown = state.display();
    let below = below(Path::new("."));
    let advice = match below.as_slice() {
        [] => "Run an agent first: largestack run PATH QUESTION".to_owned(),
        [one] => format!("There is one in {}: name that folder", one.display()),
        [one, ..] => {
            format!("There are {}, one of them in {}: name the folder", below.len(), one.display())
        }
    };
    Err(LargestackError::with_advice(
        Code::NotFound,
        format!("there is no state in {shown}"),
        advice,
    ))
}

/// The state of a project, also of one that has none yet: a folder with an agent or a project file.
pub(crate) fn for_writing(global: &Global, path: Option<&Path>) -> Result<PathBuf> {
    let folder = path.map_or_else(|| Ok(PathBuf::from(".")), folder)?;
    let is_project = [AGENT_FILE, PROJECT_FILE].iter().any(|file| folder.join(file).is_file());
    if is_project || global.state.is_some() {
        return candidate(global, Some(&folder));
    }
    existing(global, path)
}

/// Where the state would be.
pub(crate) fn candidate(global: &Global, path: Option<&Path>) -> Result<PathBuf> {
    if let Some(state) = &global.state {
        return Ok(state.clone());
    }
    let Some(path) = path else {
        return Ok(match configured(Path::new("")) {
            (Some(state), _) => state,
            (None, home) => nearest().or(home).unwrap_or_else(|| PathBuf::from(STATE_FOLDER)),
        });
    };
    let folder = folder(path)?;
    if is_state(&folder) {
        return Ok(folder);
    }
    Ok(configured(&folder).0.unwrap_or_else(|| folder.join(STATE_FOLDER)))
}

/// How another command names the same project, with a space behind; nothing for the nearest one.
pub(crate) fn named(global: &Global, path: Option<&Path>) -> String {
    let path = path.map(|path| format!("{} ", path.display()));
    let state = global.state.as_ref().map(|state| format!("--state {} ", state.display()));
    state.or(path).unwrap_or_default()
}

fn folder(path: &Path) -> Result<PathBuf> {
    let found = fs::metadata(path).map_err(|error| crate::failure::unreadable(path, &error))?;
    if found.is_dir() {
        return Ok(path.to_owned());
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    Ok(parent.map_or_else(|| PathBuf::from("."), Path::to_owned))
}

/// The state that a project file or the environment names, and the one of no project. What is
/// wrong with a configuration must not keep anybody from reading a journal.
fn configured(folder: &Path) -> (Option<PathBuf>, Option<PathBuf>) {
    let environment = Environment::of_process();
    let flags = Flags::new();
    let inputs =
        Inputs { working_folder: folder, environment: &environment, flags: &flags, offer: &OFFER };
    let Ok(settings) = inputs.project() else { return (None, None) };
    let named = settings.project.file.is_some()
        || settings.origins.iter().any(|o| o.key == "state" && o.source != Source::Default);
    let project = settings.project;
    (named.then_some(project.state), project.home)
}

/// The variable with the address of the server that keeps what the project's runs share; of the
/// project that a path or this folder belongs to.
pub(crate) fn server(path: Option<&Path>) -> Result<Option<std::sync::Arc<str>>> {
    Ok(project(path)?.and_then(|project| project.postgres))
}

/// Where Restate is that drives the project's runs, where one does.
pub(crate) fn restate(path: Option<&Path>) -> Result<Option<Restate>> {
    let workers = project(path)?.map(|project| project.workers);
    let driven = workers.filter(|workers| workers.engine == Engine::Restate);
    Ok(driven.map(|workers| workers.restate))
}

/// The project that a path or this folder belongs to, where its configuration can be read.
fn project(path: Option<&Path>) -> Result<Option<Project>> {
    let folder = path.map_or_else(|| Ok(PathBuf::new()), folder)?;
    let environment = Environment::of_process();
    let flags = Flags::new();
    let inputs =
        Inputs { working_folder: &folder, environment: &environment, flags: &flags, offer: &OFFER };
    Ok(inputs.project().ok().map(|settings| settings.project))
}

/// The nearest `.largestack`, here or above.
fn nearest() -> Option<PathBuf> {
    let here = std::path::absolute(".").ok()?;
    let mut states = here.ancestors().map(|folder| folder.join(STATE_FOLDER));
    states.find(|state| is_state(state))
}

/// States of projects below a folder, for advice.
fn below(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut opened) = (Vec::new(), 0);
    let mut level = vec![folder.to_owned()];
    for _ in 0..=DEPTH {
        let mut next = Vec::new();
        for folder in level {
            opened += 1;
            if opened > MOST {
                return found;
            }
            if is_state(&folder.join(STATE_FOLDER)) {
                found
                    .push(folder.strip_prefix(".").map_or_else(|_| folder.clone(), Path::to_owned));
            }
            next.extend(folders(&folder));
        }
        level = next;
    }
    found.sort();
    found
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let visible =
        |name: &std::ffi::OsStr| !name.to_string_lossy().starts_with('.') && name != "target";
    entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter(|entry| visible(&entry.file_name()))
        .map(|entry| entry.path())
        .collect()
}

fn is_state(folder: &Path) -> bool {
    folder.join("state.db").is_file()
}
