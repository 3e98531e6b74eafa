//! A command behind the launcher: what the launcher is told, and what it reports of how it ended.

use std::path::PathBuf;

use largestack_ports::command::{Command, CommandFailure, CommandLimits, Ended, Sandbox};
use largestack_ports::vault::Sensitive;
use tempfile::TempDir;

use super::{Processes, unconfined};
use crate::confine::plan::{Plan, Report};
use crate::confine::{TEMPORARY, VERB};

/// The variable that says where temporary files go.
const TMPDIR: &str = "TMPDIR";

pub(super) async fn run(
    processes: Processes,
    mut command: Command,
) -> Result<Ended, CommandFailure> {
    let Sandbox::Confined(confinement) = std::mem::replace(&mut command.sandbox, Sandbox::None)
    else {
        return unconfined::run(command).await;
    };
    if command.environment.iter().all(|(name, _)| name != TMPDIR) {
        command.environment.push((TMPDIR.to_owned(), Sensitive::new(TEMPORARY)));
    }
    let (folder, report) = report()?;
    let plan = Plan::of(&command, &confinement, &processes.hidden, report)?;
    launched(&processes, command, &plan, folder).await
}

/// Confines nothing, to see whether it could be.
pub(super) async fn attempt(processes: &Processes) -> Result<(), CommandFailure> {
    let (folder, report) = report()?;
    let command = Command {
        program: PathBuf::new(),
        arguments: Vec::new(),
        folder: None,
        environment: Vec::new(),
        input: bytes::Bytes::new(),
        limits: CommandLimits::default(),
        sandbox: Sandbox::None,
    };
    launched(processes, command, &Plan::trial(report), folder).await.map(|_| ())
}

fn report() -> Result<(TempDir, PathBuf), CommandFailure> {
    let no_place = |error: std::io::Error| {
        CommandFailure::Unconfined(format!("there is no folder for temporary files: {error}"))
    };
    let folder = tempfile::Builder::new().prefix("largestack-").tempdir().map_err(no_place)?;
    let path = folder.path().canonicalize().map_err(no_place)?.join("report");
    std::fs::File::create(&path).map_err(no_place)?;
    Ok((folder, path))
}

async fn launched(
    processes: &Processes,
    mut command: Command,
    plan: &Plan,
    folder: TempDir,
) -> Result<Ended, CommandFailure> {
    let launcher = processes.launcher.clone().ok_or_else(|| {
        let why = "no program has been named that confines (`Processes::confined_by`)";
        CommandFailure::Unconfined(why.to_owned())
    })?;
    command.program = launcher;
    command.folder = None;
    let ours = [VERB.to_owned(), plan.argument()?];
    command.arguments.splice(0..0, ours);
    // They are set inside.
    (command.limits.processor, command.limits.memory) = (None, None);
    let ended = unconfined::run(command).await;
    let said = std::fs::read(&plan.report).unwrap_or_default();
    drop(folder);
    match (Report::read(&said), ended) {
        (Some(Report::Refused(why)), _) => Err(CommandFailure::Unconfined(why)),
        (Some(Report::NotStarted(why)), _) => Err(CommandFailure::NotStarted(why)),
        (_, Err(CommandFailure::NotStarted(why))) => {
            Err(CommandFailure::Unconfined(format!("its launcher: {why}")))
        }
        (_, Err(error)) => Err(error),
        (Some(Report::Ended { code, signal }), Ok(ended)) => Ok(Ended { code, signal, ..ended }),
        (None, Ok(ended)) => Err(CommandFailure::Lost(format!(
            "what confined it ended without a word (code {:?}, signal {:?})",
            ended.code, ended.signal
        ))),
    }
}
