//! `largestack run`: an agent from its file, asked one thing.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use largestack_agent::{CancelHandle, ResumeOptions, RunHandle, RunOptions};
use largestack_config::{self as config, Flags, Settings};
use largestack_ports::ids::MakeId as _;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::RunId;

use crate::agents;
use crate::args::Global;
use crate::compose::{self, House};
use crate::documents::Folders;
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::follow::{Form, Going};
use crate::interrupt;
use crate::screen::Screen;

use super::Speech;

mod media;
pub(super) mod prepare;
pub(crate) mod question;
mod workflow;

pub(super) use prepare::{bring_flow_up_to_date, bring_up_to_date, prepare};
pub(super) use workflow::input as flow_input;

/// Bytes of a question that are read from standard input. More than an agent takes, so that the
/// agent's own limit speaks.
const MOST_READ: u64 = 64 << 20;

/// Runs an agent or a workflow.
#[derive(Debug, Args)]
#[command(allow_missing_positional = true)]
pub(crate) struct Run {
    /// The agent or workflow: a folder with an agent.yaml or a workflow.yaml, or such a file; the
    /// current folder unless given
    path: Option<PathBuf>,
    /// What to ask, or what a workflow is given; `-` reads it from standard input
    #[arg(value_name = "QUESTION|-")]
    question: String,
    /// The model to use, e.g. openai/gpt-4o-mini or offline/extractive
    #[arg(long, value_name = "PROVIDER/MODEL")]
    model: Option<String>,
    /// Attach a file, or what is at an http(s) address; may be given again
    #[arg(long = "attach", value_name = "FILE|URL")]
    attach: Vec<String>,
    /// Show the answer when it is whole
    #[arg(long)]
    no_stream: bool,
    /// Ask the model also what it was asked before, whatever the agent's `cache` says
    #[arg(long)]
    no_cache: bool,
    /// Go on with a conversation, or begin one under this name; `largestack sessions` lists them
    #[arg(long, value_name = "NAME|ID")]
    session: Option<String>,
    /// What standard output gets
    #[command(flatten)]
    pub(super) output: Output,
}

/// What standard output gets.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Output {
    /// Print one JSON document
    #[arg(long, conflicts_with = "events")]
    json: bool,
    /// Print every event as a line of JSON
    #[arg(long)]
    events: bool,
}

impl Output {
    pub(super) const fn text() -> Self {
        Self { json: false, events: false }
    }

    pub(super) fn form(self) -> Form {
        match self {
            Self { json: true, .. } => Form::Json,
            Self { events: true, .. } => Form::Events,
            _ => Form::Text,
        }
    }

    pub(super) fn speech(self) -> Speech {
        match self.form() {
            Form::Text => Speech::Text,
            Form::Json => Speech::Document,
            Form::Events => Speech::Lines,
        }
    }
}

impl Run {
    pub(crate) fn perform(self, global: &Global, screen: &mut Screen) -> Outcome {
        if self.path.is_none() && looks_like_an_agent(&self.question) {
            return Err(no_question(&self.question).into());
        }
        let mut flags = Flags::new();
        if let Some(model) = &self.model {
            flags = flags.set("model", "--model", model.as_str());
        }
        if self.no_cache {
            flags = flags.set("cache.enabled", "--no-cache", "false");
        }
        if let Some(state) = &global.state {
            flags = flags.set("state", "--state", state.display().to_string());
        }
        let path = self.path.as_deref().unwrap_or(Path::new("."));
        let named = config::named(path);
        if named == config::Named::Both {
            return Err(both(path).into());
        }
        let is_workflow = named == config::Named::Workflow;
        // What is wrong with the file is said before anything is read.
        let settings = if is_workflow { None } else { Some(compose::settings(path, &flags)?) };
        let question = match self.question.as_str() {
            "-" => from_stdin()?,
            question => question.to_owned(),
        };
        let Some(settings) = settings else {
            return self.workflow((path, &flags), &question, screen);
        };
        if question.trim().is_empty() && self.attach.is_empty() {
            return Err(LargestackError::with_advice(
                Code::Input,
                "the question is empty",
                format!("Put it after the path: largestack run {} \"...\"", path.display()),
            )
            .into());
        }
        let asked = self.ask(&settings, question, screen);
        compose::with_runtime(compose::asking(settings.project.models_blocked, asked))?
    }

    async fn ask(
        self,
        settings: &Settings<config::Agent>,
        question: String,
        screen: &mut Screen,
    ) -> Outcome {
        let house = prepare(settings, screen).await?;
        agents::remember(
            &settings.project.state,
            house.agent.definition_hash(),
            &settings.agent.file,
        )?;
        let question = media::attached(settings, question, &self.attach).await?;
        let run = house.ids.run_id(house.clock.now());
        let cancel = CancelHandle::default();
        let options = RunOptions { id: Some(run), cancel: cancel.clone(), ..RunOptions::default() };
        let session = self.session.as_deref().map(Into::into);
        let options = RunOptions { session, ..options };
        let form = self.output.form();
        let live = form == Form::Events || (form == Form::Text && !self.no_stream);
        let folders = house.folders.clone();
        let going = Going { begins: true, folders, ..going(settings, run, form, live, cancel) };
        let scope = compose::scope();
        let options = RunOptions { whole: !going.live, ..options };
        let started = house.runs.start(&house.agent, &scope, question, options);
        finish(&house, &going, started.boxed_local(), screen).await
    }
}

/// What the display knows of a run.
pub(super) fn going(
    settings: &Settings<config::Agent>,
    run: RunId,
    form: Form,
    live: bool,
    cancel: CancelHandle,
) -> Going<'_> {
    Going {
        run,
        form,
        live,
        cancel,
        begins: false,
        agent: settings.agent.name.clone(),
        model: settings.agent.model.clone(),
        folders: Folders::default(),
        state: &settings.project.state,
        project: &settings.agent.folder,
    }
}

/// A run that is being started or taken up.
pub(super) type Beginning<'a> = LocalBoxFuture<'a, Result<RunHandle>>;

/// Sees a run to its end, shows it, and waits for what it left behind. What it asks is put to
/// whoever sits at the terminal.
pub(super) async fn finish(
    house: &House,
    going: &Going<'_>,
    beginning: Beginning<'_>,
    screen: &mut Screen,
) -> Outcome {
    interrupt::cancels(going.cancel.clone());
    let scope = compose::scope();
    let (mut since, mut took) = (house.clock.monotonic(), Duration::ZERO);
    let mut begun = beginning.await;
    loop {
        let done = match begun {
            Ok(run) => going.follow(&run, screen).await,
            Err(error) => Err(error.into()),
        };
        took += house.clock.monotonic().saturating_sub(since);
        house.tasks.finished().await;
        let (report, live) = match done {
            Ok(done) => done,
            // The run was cancelled with it, and nobody is left to be told.
            Err(Failure::ReaderGone) => return Ok(exit::CANCELLED),
            Err(failure) => return Err(failure),
        };
        let open = question::of(house, &report).await?;
        if question::ask(house, going, &open, screen).await? {
            let options =
                ResumeOptions { cancel: going.cancel.clone(), ..ResumeOptions::default() };
            since = house.clock.monotonic();
            begun = house.runs.resume(&house.agent, &scope, report.run, options).await;
            continue;
        }
        let code = going.conclude(&report, &live, took, screen)?;
        question::advise(going, &open, screen);
        return Ok(code);
    }
}

fn looks_like_an_agent(word: &str) -> bool {
    let path = Path::new(word);
    path.join(config::AGENT_FILE).is_file()
        || path.join(config::WORKFLOW_FILE).is_file()
        || (path.is_file() && path.extension().is_some_and(|end| end == "yaml" || end == "yml"))
}

/// The error of a folder that holds both.
pub(super) fn both(path: &Path) -> LargestackError {
    LargestackError::with_advice(
        Code::Input,
        format!("{} holds an agent and a workflow", path.display()),
        format!(
            "Name the file: {} or {}",
            path.join(config::AGENT_FILE).display(),
            path.join(config::WORKFLOW_FILE).display()
        ),
    )
}

fn no_question(path: &str) -> LargestackError {
    let advice = format!("Put it after the path: largestack run {path} \"...\"");
    LargestackError::with_advice(Code::Input, format!("no question for {path}"), advice)
}

pub(super) fn from_stdin() -> Result<String> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(MOST_READ).read_to_end(&mut bytes);
    let wrong = |what: String| {
        LargestackError::with_advice(Code::Input, what, "Send the question as UTF-8 text")
    };
    read.map_err(|error| wrong(format!("standard input cannot be read: {error}")))?;
    String::from_utf8(bytes).map_err(|_| wrong("standard input is not UTF-8 text".to_owned()))
}
