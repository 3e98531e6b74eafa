//! Where files and state are.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::environment::Environment;
use crate::error::{Error, MAX_FILE_BYTES};

/// The name of an agent's file.
pub const AGENT_FILE: &str = "agent.yaml";
/// The name of a workflow's file.
pub const WORKFLOW_FILE: &str = "workflow.yaml";
/// The name of a project's file.
pub const PROJECT_FILE: &str = "largestack.yaml";
/// The folder that holds a project's state, beside its file.
pub const STATE_FOLDER: &str = ".largestack";

/// The agent file that a path means: the file itself, or `agent.yaml` in a folder.
pub(crate) fn agent_file(path: &Path) -> Result<PathBuf, Error> {
    file_in(path, ("agent file", AGENT_FILE))
}

/// The workflow file that a path means: the file itself, or `workflow.yaml` in a folder.
pub(crate) fn workflow_file(path: &Path) -> Result<PathBuf, Error> {
    file_in(path, ("workflow file", WORKFLOW_FILE))
}

/// What a path names: an agent, unless it is the file of a workflow or a folder with nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// An agent, or something that is to be looked for as one.
    Agent,
    /// A workflow.
    Workflow,
    /// A folder with both.
    Both,
}

/// What a path names. A file is told by its name, `workflow.yaml` or `NAME.workflow.yaml`, else by its
/// keys: only a workflow has `nodes` or a `pattern`.
pub fn named(path: &Path) -> Named {
    if path.is_dir() {
        let holds = |name: &str| path.join(name).is_file();
        return match (holds(AGENT_FILE), holds(WORKFLOW_FILE)) {
            (true, true) => Named::Both,
            (false, true) => Named::Workflow,
            _ => Named::Agent,
        };
    }
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_own = name == WORKFLOW_FILE || name.ends_with(".workflow.yaml");
    let is_told = || {
        let text = read(path).unwrap_or_default();
        let begins = |line: &str| line.starts_with("nodes:") || line.starts_with("pattern:");
        text.lines().any(begins) && !text.lines().any(|line| line.starts_with("instructions:"))
    };
    if is_own || is_told() { Named::Workflow } else { Named::Agent }
}

fn file_in(path: &Path, (what, name): (&'static str, &str)) -> Result<PathBuf, Error> {
    let missing = |path: PathBuf, nearest| Error::NotFound { what, path, nearest };
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => {
            let file = path.join(name);
            if file.is_file() {
                return Ok(file);
            }
            let nearest = nearest_entry(path, name);
            Err(missing(file, nearest))
        }
        Ok(_) => Ok(path.to_owned()),
        Err(error) if is_absence(&error) => {
            let name = path.file_name().and_then(|name| name.to_str());
            let folder = folder_of(path);
            let nearest = name.and_then(|name| nearest_entry(&folder, name));
            Err(missing(path.to_owned(), nearest))
        }
        Err(source) => Err(Error::Unreadable { path: path.to_owned(), source }),
    }
}

/// The project file that governs a folder: in it, or above it in the same repository (a folder
/// with `.git`). Never outside, where somebody else could have put one.
pub(crate) fn project_file(folder: &Path) -> Result<Option<PathBuf>, Error> {
    let unreadable = |source| Error::Unreadable { path: folder.to_owned(), source };
    let whole = std::path::absolute(folder).map_err(unreadable)?;
    let above = whole.ancestors().position(|folder| folder.join(".git").exists()).unwrap_or(0);
    for (level, ancestor) in whole.ancestors().take(above + 1).enumerate() {
        // As the caller wrote it, where that is possible.
        let folder = if level == 0 { folder } else { ancestor };
        let file = folder.join(PROJECT_FILE);
        if file.is_file() {
            return Ok(Some(file));
        }
        let other = folder.join("largestack.yml");
        if other.is_file() {
            let what = "project file";
            return Err(Error::NotFound { what, path: file, nearest: Some(other) });
        }
    }
    Ok(None)
}

/// The text of a configuration file.
pub(crate) fn read(path: &Path) -> Result<String, Error> {
    let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };
    let bytes = fs::metadata(path).map_err(unreadable)?.len();
    if bytes > MAX_FILE_BYTES {
        return Err(Error::TooLarge { path: path.to_owned(), bytes });
    }
    let bytes = fs::read(path).map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = error.as_bytes().iter().take(good).filter(|byte| **byte == b'\n').count() + 1;
        Error::NotText { path: path.to_owned(), line }
    })?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

/// The folder a file is in; `.` where the path does not say.
pub(crate) fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Where the operating system keeps a program's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Platform {
    Xdg,
    Mac,
    Windows,
}

impl Platform {
    /// The one this was built for.
    pub(crate) const fn here() -> Self {
        if cfg!(windows) {
            Self::Windows
        } else if cfg!(target_os = "macos") {
            Self::Mac
        } else {
            Self::Xdg
        }
    }

    /// The folder for state that belongs to no project, and the variable that decided it.
    pub(crate) fn home(self, environment: &Environment) -> Option<(PathBuf, &'static str)> {
        let folder = |name| environment.get(name).map(|value| PathBuf::from(value.expose()));
        if let Some(home) = folder("LARGESTACK_HOME") {
            return Some((home, "LARGESTACK_HOME"));
        }
        let user = || folder("HOME");
        match self {
            // The XDG specification has relative paths ignored.
            Self::Xdg => match folder("XDG_DATA_HOME").filter(|path| path.is_absolute()) {
                Some(data) => Some((data.join("largestack"), "XDG_DATA_HOME")),
                None => user().map(|home| (home.join(".local/share/largestack"), "HOME")),
            },
            Self::Mac => {
                user().map(|home| (home.join("Library/Application Support/largestack"), "HOME"))
            }
            Self::Windows => {
                folder("LOCALAPPDATA").map(|data| (data.join("largestack"), "LOCALAPPDATA"))
            }
        }
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn nearest_entry(folder: &Path, name: &str) -> Option<PathBuf> {
    let names: Vec<String> = fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    crate::spelling::nearest(name, names.iter().map(String::as_str)).map(|near| folder.join(near))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(platform: Platform, pairs: &[(&str, &str)]) -> Option<(String, &'static str)> {
        let environment = Environment::of(pairs.iter().copied());
        platform.home(&environment).map(|(path, by)| (path.display().to_string(), by))
    }

    #[test]
    fn state_without_a_project_lives_where_the_platform_keeps_data() {
        let both = [("HOME", "/home/a"), ("XDG_DATA_HOME", "/data")];
        assert_eq!(home(Platform::Xdg, &both), Some(("/data/largestack".into(), "XDG_DATA_HOME")));
        let relative = [("HOME", "/home/a"), ("XDG_DATA_HOME", "data")];
        let expected = Some(("/home/a/.local/share/largestack".into(), "HOME"));
        assert_eq!(home(Platform::Xdg, &relative), expected);
        let mac = home(Platform::Mac, &both).unwrap().0;
        assert_eq!(mac, "/home/a/Library/Application Support/largestack");
        let windows = home(Platform::Windows, &[("LOCALAPPDATA", "/l")]);
        assert_eq!(windows, Some(("/l/largestack".into(), "LOCALAPPDATA")));
        assert_eq!(home(Platform::Xdg, &[]), None);
    }

    #[test]
    fn the_variable_for_state_wins_on_every_platform() {
        for platform in [Platform::Xdg, Platform::Mac, Platform::Windows] {
            let pairs = [("LARGESTACK_HOME", "/x"), ("HOME", "/h"), ("LOCALAPPDATA", "/l")];
            assert_eq!(home(platform, &pairs), Some(("/x".into(), "LARGESTACK_HOME")));
        }
    }
}
