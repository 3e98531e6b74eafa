//! Tools that are commands: the arguments come as one JSON object on standard input, the result
//! goes as JSON to standard output. What a model says is never part of a command line.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use largestack_ports::command::{Command, CommandFailure, CommandLimits, Commands, Ended, Sandbox};
use largestack_ports::tool::{Capability, ToolContext, ToolFailure, ToolOutput};
use largestack_ports::vault::Sensitive;
use largestack_types::errors::Coded as _;
use largestack_types::json::Json;

use crate::DynamicTool;
use crate::withheld::{Cut, Withheld};

/// What a command's standard output means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CommandAnswer {
    /// A JSON value; a string is the text in it.
    #[default]
    Json,
    /// Text, as it is.
    Text,
}

/// A command that is a tool.
#[derive(Clone, Debug)]
pub struct CommandTool {
    name: Arc<str>,
    description: Arc<str>,
    parameters: Json,
    idempotent: bool,
    answer: CommandAnswer,
    command: Command,
    /// Names of variables whose values are nobody's to read.
    secret: Vec<String>,
}

/// The variable that holds the same text at every attempt of a call, and another for every other.
pub const IDEMPOTENCY_KEY: &str = "IDEMPOTENCY_KEY";

impl CommandTool {
    /// A program that is run for each call, with the schema of what it reads. It gets no arguments,
    /// and of the environment [`IDEMPOTENCY_KEY`] alone.
    pub fn new(
        name: impl Into<Arc<str>>,
        description: impl Into<Arc<str>>,
        parameters: Json,
        program: impl Into<PathBuf>,
    ) -> Self {
        Self {
            name: name.into(),
            description: description.into(),
            parameters,
            idempotent: false,
            answer: CommandAnswer::default(),
            command: Command {
                program: program.into(),
                arguments: Vec::new(),
                folder: None,
                environment: Vec::new(),
                input: Bytes::new(),
                limits: CommandLimits::default(),
                sandbox: Sandbox::default(),
            },
            secret: Vec::new(),
        }
    }

    /// Adds arguments, the same for every call.
    #[must_use]
    pub fn arguments(mut self, arguments: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.command.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// The folder it runs in.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.command.folder = Some(folder.into());
        self
    }

    /// Gives it a variable.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<Arc<str>>) -> Self {
        self.command.environment.push((name.into(), Sensitive::new(value)));
        self
    }

    /// Gives it a variable whose value is taken out of everything that it says, also as JSON, a URL or
    /// base64 spell it.
    #[must_use]
    pub fn secret(mut self, name: impl Into<String>, value: Sensitive) -> Self {
        let name = name.into();
        self.secret.push(name.clone());
        self.command.environment.push((name, value));
        self
    }

    /// What its standard output means.
    #[must_use]
    pub fn answer(mut self, answer: CommandAnswer) -> Self {
        self.answer = answer;
        self
    }

    /// What it may use.
    #[must_use]
    pub fn limits(mut self, limits: CommandLimits) -> Self {
        self.command.limits = limits;
        self
    }

    /// What it may reach beside the system's programs; without a word, to read its own program and its
    /// folder.
    #[must_use]
    pub fn sandbox(mut self, sandbox: Sandbox) -> Self {
        self.command.sandbox = sandbox;
        self
    }

    /// Says that running it twice with one key has the effect of running it once.
    #[must_use]
    pub fn idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = idempotent;
        self
    }

    /// The tool, which may execute.
    pub fn tool(self, commands: Arc<dyn Commands>) -> DynamicTool {
        let (name, description) = (Arc::clone(&self.name), Arc::clone(&self.description));
        let (parameters, idempotent) = (self.parameters.clone(), self.idempotent);
        let itself = Arc::new(self);
        DynamicTool::new(name, description, parameters, move |context, arguments| {
            let (itself, commands) = (Arc::clone(&itself), Arc::clone(&commands));
            async move { itself.run(&*commands, &context, &arguments).await }
        })
        .idempotent(idempotent)
        .capabilities([Capability::Execute])
    }

    async fn run(
        &self,
        commands: &dyn Commands,
        context: &ToolContext,
        arguments: &Json,
    ) -> Result<ToolOutput, ToolFailure> {
        let mut command = self.command.clone();
        let key = Sensitive::new(Arc::clone(&context.idempotency_key));
        command.environment.push((IDEMPOTENCY_KEY.to_owned(), key));
        command.input = Bytes::copy_from_slice(arguments.as_str().as_bytes());
        let withheld = self.withheld();
        // Of standard error the end is kept.
        let complaint = |errors: &[u8]| {
            let full = errors.len() >= self.command.limits.errors;
            withheld.readable(errors, Cut { before: full, after: false })
        };
        let ended = commands.run(command).await.map_err(|error| match &error {
            CommandFailure::Stopped { errors, .. } => told(error.to_string(), &complaint(errors)),
            _ => failure(&error),
        })?;
        if let Some(failed) = failed(&ended, &complaint(&ended.errors)) {
            return Err(failed);
        }
        let output = withheld.readable(&ended.output, Cut::default());
        match self.answer {
            CommandAnswer::Text => Ok(ToolOutput::text(output)),
            CommandAnswer::Json => {
                let value: serde_json::Value = serde_json::from_str(&output).map_err(|error| {
                    ToolFailure::new(format!("the command did not answer with JSON: {error}"))
                })?;
                ToolOutput::json(&value)
            }
        }
    }

    /// The values that are nobody's to read.
    fn withheld(&self) -> Withheld<'_> {
        let secrets = self.command.environment.iter();
        let secrets = secrets.filter(|(name, _)| self.secret.contains(name));
        Withheld::new(secrets.map(|(_, value)| value))
    }
}

pub(crate) fn failure(error: &CommandFailure) -> ToolFailure {
    match error {
        // Nothing has happened, and trying again mends nothing.
        CommandFailure::Unconfined(_) => {
            ToolFailure::new(format!("Denied ({}): {error}", error.code()))
        }
        CommandFailure::NotStarted(_) => ToolFailure::before_anything(error.to_string()),
        _ => ToolFailure::new(error.to_string()),
    }
}

/// What a model reads of a command that says of itself that it failed.
pub(crate) fn failed(ended: &Ended, complaint: &str) -> Option<ToolFailure> {
    let how = match (ended.code, ended.signal) {
        (Some(0), _) => return None,
        (Some(code), _) => format!("the command ended with code {code}"),
        (None, Some(signal)) => format!("the command was ended by signal {signal}"),
        (None, None) => "the command ended, and nobody knows how".to_owned(),
    };
    Some(told(how, complaint))
}

fn told(how: String, complaint: &str) -> ToolFailure {
    let complaint = complaint.trim();
    ToolFailure::new(if complaint.is_empty() { how } else { format!("{how}: {complaint}") })
}

#[cfg(test)]
mod tests;
