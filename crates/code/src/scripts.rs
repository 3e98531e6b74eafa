//! Scripts in the place of a model: what a run's conversation has come to goes to a worker, and what
//! the worker says comes back as calls or as the end.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use largestack_ports::BoxFuture;
use largestack_ports::command::{Command, CommandFailure, CommandLimits, Commands, Ended, Sandbox};
use largestack_ports::model::{self, CallContext, Model, ReplyStream};
use largestack_ports::vault::Sensitive;
use largestack_types::call::Call;
use largestack_types::errors::{Code, Coded, LargestackError, Result};
use largestack_types::id::CallId;
use largestack_types::json::Json;
use largestack_types::label::{Label, Origin};
use largestack_types::part::{Arguments, Body, Part, PartId, ToolCall};
use largestack_types::reply::{FinishReason, Reply};

use crate::history;
use crate::limits::CodeLimits;
use crate::outcome::{self, Mistake, Outcome};
use crate::request::{Language, Request};
use crate::worker::VERB;

/// Bytes of memory that a worker may have beside the script's: itself, its stack, and what the system
/// reserves and never uses.
const OWN_MEMORY: u64 = 1 << 30;
/// Bytes beside the script's output: names, arguments of calls, the document around them.
const OWN_OUTPUT: usize = 1 << 20;
/// Bytes of each file, of which a script has none.
const OWN_FILE: u64 = 64 << 10;
/// What a worker may take beside the script's time, on a machine that has much to do.
const GRACE: Duration = Duration::from_secs(5);

/// What performs scripts, as a model.
#[derive(Clone)]
pub struct Scripts {
    commands: Arc<dyn Commands>,
    worker: PathBuf,
    languages: Vec<Language>,
    limits: CodeLimits,
    sandbox: Sandbox,
}

/// A script that nobody could perform: nothing of it has happened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The process could not be had.
    #[error(transparent)]
    Process(#[from] CommandFailure),
    /// What it was to be told is not to be understood.
    #[error("{0}")]
    Input(String),
    /// What it said is not to be understood.
    #[error("the process of a script said nothing that is understood: {said}")]
    Worker {
        /// The end of what it complained about.
        said: String,
    },
}

impl Coded for Failure {
    fn code(&self) -> Code {
        match self {
            Self::Process(failure) => failure.code(),
            Self::Input(_) => Code::Input,
            Self::Worker { .. } => Code::Sandbox,
        }
    }

    fn message(&self) -> String {
        self.to_string()
    }
}

impl Scripts {
    /// Scripts of these languages, performed by a program that calls [`worked`](crate::worked), each
    /// confined to nothing.
    pub fn new(
        commands: Arc<dyn Commands>,
        worker: impl Into<PathBuf>,
        languages: impl Into<Vec<Language>>,
        limits: CodeLimits,
    ) -> Self {
        let (worker, languages) = (worker.into(), languages.into());
        Self { commands, worker, languages, limits, sandbox: Sandbox::default() }
    }

    /// Performs a script up to its next calls, or to its end. Dropping the future ends the process.
    pub async fn perform(&self, request: &Request) -> std::result::Result<Outcome, Failure> {
        if !self.languages.contains(&request.language) {
            let known: Vec<_> = self.languages.iter().map(|language| language.name()).collect();
            let (name, known) = (request.language.name(), known.join(", "));
            return Ok(ended(format!("scripts in {name} are not performed here: {known}")));
        }
        let input =
            serde_json::to_vec(request).map_err(|error| Failure::Input(error.to_string()))?;
        let limits = request.limits;
        let running = self.commands.run(self.command(input.into(), limits));
        let Ok(ran) = tokio::time::timeout(limits.time + GRACE, running).await else {
            return Ok(ended(format!(
                "the script was stopped: it ran for more than {:?}",
                limits.time
            )));
        };
        match ran {
            Ok(said) => Self::understood(&said, limits),
            Err(CommandFailure::TooMuch(most)) => {
                Ok(ended(format!("the script was stopped: it said more than {most} bytes")))
            }
            Err(failure) => Err(failure.into()),
        }
    }

    fn command(&self, input: Bytes, limits: CodeLimits) -> Command {
        let variable = |name: &str, value: &str| (name.to_owned(), Sensitive::new(value));
        Command {
            program: self.worker.clone(),
            arguments: vec![VERB.to_owned()],
            folder: None,
            // The same everywhere, and nothing set aside that the script would lack.
            environment: vec![variable("TZ", "UTC"), variable("MALLOC_ARENA_MAX", "1")],
            input,
            limits: CommandLimits {
                output: limits.output.saturating_mul(8).saturating_add(OWN_OUTPUT),
                processor: Some(limits.time + Duration::from_secs(1)),
                memory: Some(limits.memory.saturating_add(OWN_MEMORY)),
                processes: 8,
                // What confines it reports into a file, by the same limit.
                file: OWN_FILE,
                open_files: 32,
                ..CommandLimits::default()
            },
            sandbox: self.sandbox.clone(),
        }
    }

    fn understood(said: &Ended, limits: CodeLimits) -> std::result::Result<Outcome, Failure> {
        let complaint = String::from_utf8_lossy(&said.errors);
        if said.code == Some(0) {
            return serde_json::from_slice(&said.output)
                .map_err(|error| Failure::Worker { said: error.to_string() });
        }
        if let Some(why) = ended_by(said, &complaint, limits) {
            return Ok(ended(format!("the script was stopped: {why}")));
        }
        Err(Failure::Worker { said: complaint.trim().to_owned() })
    }
}

/// Why the system ended a worker, where its script was the reason.
fn ended_by(said: &Ended, complaint: &str, limits: CodeLimits) -> Option<String> {
    // signal(7): 4 and 7 come of memory that is not there as 11 does; 9 and 24 of processor time.
    let memory =
        || format!("it needed more than {} bytes of memory, or recursed too deep", limits.memory);
    match said.signal? {
        4 | 6 | 7 | 11 if complaint.contains("panicked") => {
            Some("its interpreter failed at it".to_owned())
        }
        4 | 6 | 7 | 11 => Some(memory()),
        9 | 24 => Some(format!("it ran for more than {:?}", limits.time)),
        _ => None,
    }
}

fn ended(why: String) -> Outcome {
    Outcome::Ended(outcome::Ended { error: Some(Mistake::of(why)), ..outcome::Ended::default() })
}

impl Model for Scripts {
    fn call<'a>(&'a self, _: &'a CallContext, call: Call) -> BoxFuture<'a, Result<ReplyStream>> {
        Box::pin(async move {
            let most = self.limits.answers;
            if history::returned(&call) > most {
                let why =
                    format!("the script was stopped: its calls returned more than {most} bytes");
                return whole(ended(why), &call);
            }
            let request = history::request(&call, self.limits).map_err(Failure::Input);
            let outcome = match request {
                Ok(request) => self.perform(&request).await,
                Err(failure) => Err(failure),
            };
            let outcome = outcome.map_err(|failure| LargestackError::from_coded(&failure))?;
            whole(outcome, &call)
        })
    }
}

fn whole(outcome: Outcome, call: &Call) -> Result<ReplyStream> {
    let reply = reply(outcome, call)?;
    Ok(model::whole(model::Answer { reply, ..model::Answer::default() }))
}

/// What a worker said as a reply. Ids and labels are given by whoever records it.
fn reply(outcome: Outcome, call: &Call) -> Result<Reply> {
    let unwritable =
        |error: serde_json::Error| LargestackError::other(Code::Tool, error.to_string());
    let (bodies, finish_reason) = match outcome {
        Outcome::Calls(wanted) => {
            let before: usize =
                call.messages.iter().map(|message| message.tool_calls().count()).sum();
            let calls = (before + 1..).zip(wanted).map(|(number, wanted)| {
                Ok(Body::ToolCall(ToolCall {
                    call: CallId::default(),
                    provider_id: format!("call_{number}").into(),
                    name: wanted.tool.into(),
                    arguments: Arguments::Json(Json::of(&wanted.arguments)?),
                }))
            });
            let calls = calls.collect::<std::result::Result<Vec<_>, _>>().map_err(unwritable)?;
            (calls, FinishReason::ToolCalls)
        }
        Outcome::Ended(ended) => {
            let words = serde_json::to_string(&ended).map_err(unwritable)?;
            (vec![Body::Text(words.into())], FinishReason::Stop)
        }
    };
    let label = Label::from_origin(Origin::Agent);
    let parts = (0..).zip(bodies);
    let parts =
        parts.map(|(index, body)| Part { id: PartId::new(0, index), label, body, native: None });
    Ok(Reply { parts: parts.collect(), finish_reason, ..Reply::default() })
}
