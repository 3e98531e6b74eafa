//! What the launcher is told, as one argument, and what it reports, as one file.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::PathBuf;

use largestack_ports::command::{Command, CommandFailure, Confinement};
use serde::{Deserialize, Serialize};

/// Seconds of processor time where nothing else is said.
const PROCESSOR: u64 = 60;
/// Bytes of memory where nothing else is said: runtimes reserve more than they use.
const MEMORY: u64 = 4 << 30;

/// What is to be run, and what it may. Every path is absolute and without links.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// The program; `None` to try whether anything could be confined.
    pub(super) program: Option<PathBuf>,
    /// Where it runs; `None` for its temporary folder.
    pub(super) folder: Option<PathBuf>,
    pub(super) reads: Vec<PathBuf>,
    pub(super) writes: Vec<PathBuf>,
    /// What is empty although it is below something that is granted.
    pub(super) hidden: Vec<PathBuf>,
    pub(super) network: bool,
    /// Seconds.
    pub(super) processor: u64,
    /// Bytes.
    pub(super) memory: u64,
    pub(super) processes: u64,
    /// Bytes.
    pub(super) file: u64,
    pub(super) open_files: u64,
    /// Where the report is written, in a folder of its own.
    pub(crate) report: PathBuf,
}

/// What came of it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Report {
    /// It could not be confined; it was not run.
    Refused(String),
    /// It could be confined; the program could not be started.
    NotStarted(String),
    /// It ran.
    Ended {
        /// Its exit code.
        code: Option<i32>,
        /// The signal that ended it.
        signal: Option<i32>,
    },
}

impl Plan {
    /// The plan for a command; one that names what is not there is refused.
    pub(crate) fn of(
        command: &Command,
        confinement: &Confinement,
        hidden: &[PathBuf],
        report: PathBuf,
    ) -> Result<Self, CommandFailure> {
        let real = |path: &PathBuf| {
            path.canonicalize()
                .map_err(|error| CommandFailure::Unconfined(format!("{}: {error}", path.display())))
        };
        let all = |paths: &[PathBuf]| paths.iter().map(real).collect::<Result<Vec<_>, _>>();
        let program =
            command.program.canonicalize().and_then(|_| std::path::absolute(&command.program));
        let folder = command.folder.as_ref().map(real).transpose()?;
        let limits = command.limits;
        Ok(Self {
            program: Some(program.map_err(|error| CommandFailure::NotStarted(error.to_string()))?),
            reads: all(&confinement.reads)?.into_iter().chain(folder.clone()).collect(),
            folder,
            writes: all(&confinement.writes)?,
            // What is not there now could be there while it runs.
            hidden: all(hidden)?,
            network: confinement.network,
            processor: limits.processor.map_or(PROCESSOR, |time| time.as_secs().max(1)),
            memory: limits.memory.unwrap_or(MEMORY),
            processes: limits.processes.into(),
            file: limits.file,
            open_files: limits.open_files.into(),
            report,
        })
    }

    /// The plan that runs nothing.
    pub(crate) fn trial(report: PathBuf) -> Self {
        Self {
            program: None,
            folder: None,
            reads: Vec::new(),
            writes: Vec::new(),
            hidden: Vec::new(),
            network: false,
            processor: PROCESSOR,
            memory: MEMORY,
            processes: 64,
            file: 1 << 20,
            open_files: 64,
            report,
        }
    }

    /// The plan as an argument; a path that is no Unicode has none.
    pub(crate) fn argument(&self) -> Result<String, CommandFailure> {
        serde_json::to_string(self).map_err(|error| CommandFailure::Unconfined(error.to_string()))
    }

    /// The file that is reported into, opened while it can be.
    pub(super) fn report(&self) -> io::Result<File> {
        File::options().write(true).open(&self.report)
    }
}

pub(super) fn read(argument: &OsStr) -> Option<Plan> {
    serde_json::from_str(argument.to_str()?).ok()
}

impl Report {
    /// Writes it. Who cannot report has nobody left to tell.
    pub(super) fn write(&self, file: &mut File) {
        let text = serde_json::to_vec(self).unwrap_or_default();
        let _ = file.write_all(&text);
    }

    /// What was reported; `None` where the launcher was ended before.
    pub(crate) fn read(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }
}
