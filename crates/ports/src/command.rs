//! Commands of the operating system, for tools: a program, its arguments one by one, and nothing
//! inherited. There is no shell in between, so nothing in an argument is ever an instruction.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use largestack_types::errors::{Code, Coded};

use crate::BoxFuture;
use crate::vault::Sensitive;

/// Whether a program is WebAssembly, by what its name ends with: `.wasm`.
pub fn is_wasm(program: &Path) -> bool {
    program.extension().is_some_and(|end| end.eq_ignore_ascii_case("wasm"))
}

/// A program to run.
#[derive(Clone, Debug)]
pub struct Command {
    /// The program's file: absolute, or relative to this process's folder. It is not searched for.
    pub program: PathBuf,
    /// Its arguments, as they are.
    pub arguments: Vec<String>,
    /// The folder it runs in; `None` for this process's.
    pub folder: Option<PathBuf>,
    /// Its whole environment.
    pub environment: Vec<(String, Sensitive)>,
    /// What it reads from its standard input, which then ends.
    pub input: Bytes,
    /// What it may use.
    pub limits: CommandLimits,
    /// What it may reach.
    pub sandbox: Sandbox,
}

/// What a command may reach of the machine it runs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sandbox {
    /// Nothing but the system's programs and what is named; where that cannot be had, it is not run.
    Confined(Confinement),
    /// Whatever this process may.
    None,
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::Confined(Confinement::default())
    }
}

/// What a confined command may reach beside the system's programs, a temporary folder of its own, and
/// the folder that it runs in, which it may read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confinement {
    /// Files and folders that it may read, and programs among them that it may run.
    pub reads: Vec<PathBuf>,
    /// Folders and files that it may change.
    pub writes: Vec<PathBuf>,
    /// Whether it may open connections.
    pub network: bool,
}

/// What a command may use. How long it may take is up to whoever waits: dropping the future ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandLimits {
    /// Bytes of its standard output; one more ends it.
    pub output: usize,
    /// Bytes that are kept of the end of its standard error; the rest is read and thrown away.
    pub errors: usize,
    /// Processor time of each of its processes, in whole seconds; `None` for what this process may.
    pub processor: Option<Duration>,
    /// Bytes of memory of each of its processes; `None` for what this process may.
    pub memory: Option<u64>,
    /// Processes and threads at one time, of a confined command.
    pub processes: u32,
    /// Bytes of each file that a confined command writes, and of all of its temporary ones.
    pub file: u64,
    /// Files that each process of a confined command has open.
    pub open_files: u32,
}

impl Default for CommandLimits {
    /// 1 MiB of output, 4 KiB of errors; 64 processes, files of 256 MiB, 1,024 of them open.
    fn default() -> Self {
        Self {
            output: 1 << 20,
            errors: 4 << 10,
            processor: None,
            memory: None,
            processes: 64,
            file: 256 << 20,
            open_files: 1024,
        }
    }
}

/// How a command ended by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Its standard output.
    pub output: Bytes,
    /// The end of its standard error.
    pub errors: Bytes,
}

/// A command that did not run to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandFailure {
    /// It cannot be started: nothing has happened.
    #[error("the command cannot be started: {0}")]
    NotStarted(String),
    /// It cannot be confined here, and is not run without: nothing has happened.
    #[error("the command cannot be confined: {0}")]
    Unconfined(String),
    /// It said more than it may, and was ended.
    #[error("the command wrote more than {0} bytes")]
    TooMuch(usize),
    /// It ran, did or used what it may not, and was ended.
    #[error("the command was stopped: {why}")]
    Stopped {
        /// Why, without a word of its own.
        why: String,
        /// The end of its standard error.
        errors: Bytes,
    },
    /// It ran, and nobody knows how it ended.
    #[error("the command was lost: {0}")]
    Lost(String),
}

impl Coded for CommandFailure {
    fn code(&self) -> Code {
        match self {
            Self::Unconfined(_) => Code::Sandbox,
            _ => Code::Tool,
        }
    }

    fn message(&self) -> String {
        self.to_string()
    }
}

/// Runs commands.
pub trait Commands: Send + Sync + 'static {
    /// Runs one to its end. Dropping the future ends the command with every process it has started
    /// and not set free; so does its own end, and too much output.
    fn run(&self, command: Command) -> BoxFuture<'static, Result<Ended, CommandFailure>>;
}
