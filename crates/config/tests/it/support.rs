//! Folders with files, and what the program of these tests offers.

use std::path::Path;

use largestack_config::{Agent, Environment, Error, Flags, Inputs, Offer, Settings};
use largestack_types::error::Coded;
use tempfile::TempDir;

pub(crate) const OFFER: Offer<'static> = Offer {
    tools: &[
        "search_knowledge",
        "current_time",
        "calculator",
        "read_file",
        "web_fetch",
        "web_search",
        "sql_query",
        "shell",
        "code_execute",
    ],
    knowledge_tool: "search_knowledge",
    models: &["offline/extractive"],
    offline_model: "offline/extractive",
};

/// The least an agent can say.
pub(crate) const LEAST: &str = "name: a\ninstructions: Help.\n";

/// A folder with these files. Names with `/` are in folders of their own.
pub(crate) fn folder<'f>(files: impl IntoIterator<Item = (&'f str, &'f str)>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        // Any of them may be a program.
        runnable(&path, true);
    }
    folder
}

/// Whether a file may be run.
#[cfg(unix)]
pub(crate) fn runnable(path: &Path, may: bool) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = if may { 0o755 } else { 0o644 };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
pub(crate) fn runnable(_: &Path, _: bool) {}

/// The agent in a folder, under an environment and flags.
pub(crate) fn agent(
    folder: &Path,
    environment: &[(&str, &str)],
    flags: &Flags,
) -> Result<Settings<Agent>, Error> {
    let environment =
        Environment::of(environment.iter().copied().chain([("LARGESTACK_HOME", "/home/state")]));
    Inputs { working_folder: folder, environment: &environment, flags, offer: &OFFER }
        .agent("agent.yaml".as_ref())
}

/// The project of a folder, under an environment and flags.
pub(crate) fn project(
    folder: &Path,
    environment: &[(&str, &str)],
    flags: &Flags,
) -> Result<Settings<()>, Error> {
    let environment =
        Environment::of(environment.iter().copied().chain([("LARGESTACK_HOME", "/home/state")]));
    Inputs { working_folder: folder, environment: &environment, flags, offer: &OFFER }.project()
}

/// An error as a user sees it, with the folder's name taken out.
pub(crate) fn shown(error: &Error, folder: &Path) -> String {
    let text = format!("{}: {}\n  {}", error.code(), error.message(), error.suggestion());
    let name = format!("{}/", folder.display());
    text.replace(&name, "").replace(&folder.display().to_string(), "FOLDER")
}

/// Why an agent file is refused.
pub(crate) fn refused(text: &str) -> String {
    let folder = folder([("agent.yaml", text), ("docs/a.md", "# A\n")]);
    let error = agent(folder.path(), &[], &Flags::new()).unwrap_err();
    shown(&error, folder.path())
}

/// The agent of a file that is accepted.
pub(crate) fn accepted(text: &str) -> Agent {
    let folder = folder([("agent.yaml", text), ("docs/a.md", "# A\n")]);
    agent(folder.path(), &[], &Flags::new()).unwrap().agent
}
