//! Commands of the operating system, for tools: a program, its arguments one by one, and nothing
//! inherited. There is no shell in between, so nothing in an argument is ever an instruction.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;

use crate::BoxFuture;
use crate::vault::Sensitive;

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
}

impl Default for CommandLimits {
    /// 1 MiB of output, 4 KiB of errors.
    fn default() -> Self {
        Self { output: 1 << 20, errors: 4 << 10, processor: None, memory: None }
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
    /// It said more than it may, and was ended.
    #[error("the command wrote more than {0} bytes")]
    TooMuch(usize),
    /// It ran, and nobody knows how it ended.
    #[error("the command was lost: {0}")]
    Lost(String),
}

/// Runs commands.
pub trait Commands: Send + Sync + 'static {
    /// Runs one to its end. Dropping the future ends the command with every process it has started
    /// and not set free; so does its own end, and too much output.
    fn run(&self, command: Command) -> BoxFuture<'static, Result<Ended, CommandFailure>>;
}
