//! Following a run to its end: showing what happens while it happens, then what it came to.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use largestack_agent::{CancelHandle, Report, RunEvent, RunHandle};
use largestack_config::STATE_FOLDER;
use largestack_engine::event::{Event, ModelReplied};
use largestack_engine::{Envelope, Wait};
use largestack_types::delta::Delta;
use largestack_types::errors::Coded as _;
use largestack_types::id::{EffectId, RunId};
use serde::Serialize;

use crate::compose;
use crate::documents::Folders;
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::render::answer::{facts, sources};
use crate::render::problem;
use crate::render::run_json::{Around, RunDocument};
use crate::render::style::{FAINT, painted};
use crate::render::text::{clean, one_line};
use crate::screen::Screen;
use crate::verbs::doubts::WHAT;

/// How a run is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The answer as text, as it comes or in one piece.
    Text,
    /// One JSON document at the end.
    Json,
    /// A line of JSON for every event.
    Events,
}

/// What is known of a run before it goes.
pub(crate) struct Going<'a> {
    /// The run.
    pub(crate) run: RunId,
    /// How it is shown.
    pub(crate) form: Form,
    /// Whether the answer is shown as it comes.
    pub(crate) live: bool,
    /// Ends it.
    pub(crate) cancel: CancelHandle,
    /// Whether it begins now, so that it is the last one.
    pub(crate) begins: bool,
    /// The agent's name.
    pub(crate) agent: Arc<str>,
    /// Its model.
    pub(crate) model: Arc<str>,
    /// Where what sources name is.
    pub(crate) folders: Folders,
    /// Where the state is.
    pub(crate) state: &'a Path,
    /// The folder of the agent.
    pub(crate) project: &'a Path,
}

impl Going<'_> {
    /// Shows the run while it goes, and says what it came to. What cannot be shown cancels it.
    pub(crate) async fn follow(
        &self,
        run: &RunHandle,
        screen: &mut Screen,
    ) -> Outcome<(Report, Live)> {
        let mut live = Live::default();
        let heard = if self.live { self.hear(run, &mut live, screen).await } else { Ok(()) };
        match &heard {
            Ok(()) => {}
            Err(Failure::ReaderGone) => run.cancel("the reader of the output went away"),
            Err(Failure::Error(error)) => run.cancel(error.message()),
        }
        let report = run.report().await;
        heard?;
        Ok((report?, live))
    }

    async fn hear(&self, run: &RunHandle, live: &mut Live, screen: &mut Screen) -> Outcome<()> {
        let mut follower = run.follow(run.began());
        while let Some(heard) = follower.next().await {
            self.show(&heard?.event, live, screen)?;
        }
        Ok(())
    }

    fn show(&self, event: &RunEvent, live: &mut Live, screen: &mut Screen) -> Outcome<()> {
        match self.form {
            Form::Events => line(self.run, event, screen),
            Form::Json => Ok(()),
            Form::Text => live.show(event, screen),
        }
    }

    /// How other commands name the project.
    pub(crate) fn project(&self) -> String {
        if self.state == self.project.join(STATE_FOLDER) {
            self.project.display().to_string()
        } else {
            format!("--state {}", self.state.display())
        }
    }

    /// Shows what the run came to, and says with what code the command ends.
    pub(crate) fn conclude(
        &self,
        report: &Report,
        live: &Live,
        took: Duration,
        screen: &mut Screen,
    ) -> Outcome {
        let place = |source: &str| self.folders.place(source);
        match self.form {
            Form::Events => {}
            Form::Json => {
                let around = Around {
                    agent: &self.agent,
                    model: &self.model,
                    offline: compose::is_offline(&self.model),
                    took,
                    state: self.state,
                };
                screen.json(&RunDocument::of(report, around, place))?;
            }
            Form::Text => {
                live.close(report, screen)?;
                let sources = sources(&report.citations, place);
                let gap = if sources.is_empty() { "" } else { "\n" };
                let facts = if screen.is_quiet() { String::new() } else { facts(report, took) };
                let silent = report.text.is_empty() && live.shown.is_empty();
                let between = if facts.is_empty() || silent { "" } else { "\n" };
                screen.print(&format!("{gap}{sources}{between}{facts}"))?;
                let project = self.project();
                advise(report, &project, screen);
                let run = if self.begins { "last".to_owned() } else { self.run.to_string() };
                let trace = format!("How it came about: largestack trace {run} {project}");
                screen.note(&painted(FAINT, trace));
            }
        }
        Ok(exit::of_run(report.status, report.error.as_ref()))
    }
}

/// What a person should know of a run that did not simply answer.
fn advise(report: &Report, project: &str, screen: &mut Screen) {
    if let Some(error) = &report.error {
        screen.complain(&problem::text(error));
    }
    for wait in &report.waits {
        let run = report.run;
        screen.complain(&match wait {
            // Who has the question says how it is answered.
            Wait::Approval { .. } => continue,
            Wait::Child { effect, run } => format!(
                "The run {run}, which {effect} started, waits; `largestack trace {run}` shows for \
                 what."
            ),
            Wait::Doubt { effect } => format!(
                "The tool call {effect} was cut off, and nobody knows whether it happened. Check \
                 its effect, then:\n  largestack resume {run} {project} --in-doubt \
                 {WHAT}, or of it alone {effect}={WHAT}|happened=OUTPUT"
            ),
            Wait::Event { name, until, .. } => {
                let until =
                    until.map_or_else(String::new, |until| format!(", until {until} at the most"));
                format!(
                    "The run waits for `{}`{until}. To send it:\n  largestack signal {run} {} \
                     {project}",
                    clean(name),
                    clean(name)
                )
            }
            Wait::Timer { until, .. } => format!(
                "The run waits until {until}. A worker that has it goes on then; else:\n  \
                 largestack resume {run} {project}"
            ),
        });
    }
}

/// What is not a fact, on a line.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line<'a> {
    Delta { run: String, effect: EffectId, offset: u32, data: &'a Delta },
    AttemptAbandoned { run: String, effect: EffectId, model: &'a str },
    Continued { run: String, effect: EffectId, model: &'a str },
}

/// A line for an event; what runs below say carries their id.
pub(crate) fn line(top: RunId, event: &RunEvent, screen: &mut Screen) -> Outcome<()> {
    let (path, event) = event.innermost();
    let id = path.last().map_or(top, |below| below.run);
    let run = id.to_string();
    match event {
        RunEvent::Fact(recorded) => {
            let tenant = compose::scope();
            let sealed = Envelope::seal(tenant.tenant(), id, recorded);
            screen.json_line(&sealed.map_err(|error| Failure::unwritable(&error))?)
        }
        RunEvent::Delta { effect, offset, delta } => {
            screen.json_line(&Line::Delta { run, effect: *effect, offset: *offset, data: delta })
        }
        RunEvent::AttemptAbandoned { effect, model } => {
            screen.json_line(&Line::AttemptAbandoned { run, effect: *effect, model })
        }
        RunEvent::Continued { effect, model } => {
            screen.json_line(&Line::Continued { run, effect: *effect, model })
        }
        // What is innermost is nobody's below.
        RunEvent::Below(_) => Ok(()),
    }
}

/// Shows what a reply calls: deeper in, the deeper the run that it is a reply in.
fn calls(reply: &ModelReplied, depth: usize, screen: &mut Screen) {
    for call in reply.message.tool_calls() {
        let line = one_line(&format!("{} {}", call.name, call.arguments.as_str()), 120);
        screen.note(&painted(FAINT, format!("{} {line}", "·".repeat(depth))));
    }
}

/// The answer as far as it has been shown.
#[derive(Debug, Default)]
pub(crate) struct Live {
    shown: String,
}

impl Live {
    fn show(&mut self, event: &RunEvent, screen: &mut Screen) -> Outcome<()> {
        match event {
            RunEvent::Delta { delta: Delta::Text { text } | Delta::Refusal { text }, .. } => {
                self.shown.push_str(text);
                screen.print(&clean(text))
            }
            RunEvent::AttemptAbandoned { .. } => {
                self.break_line(screen)?;
                screen.note("(The answer so far is void; it is begun again.)");
                Ok(())
            }
            RunEvent::Fact(recorded) => match &*recorded.event {
                Event::ModelReplied(reply) if reply.message.tool_calls().next().is_some() => {
                    self.break_line(screen)?;
                    if screen.shows_progress() {
                        calls(reply, 1, screen);
                    }
                    Ok(())
                }
                Event::TookOver(next) => {
                    self.break_line(screen)?;
                    screen.note(&format!("(The agent failed; {} takes over.)", clean(&next.agent)));
                    Ok(())
                }
                _ => Ok(()),
            },
            RunEvent::Delta { .. } | RunEvent::Continued { .. } => Ok(()),
            RunEvent::Below(_) => {
                let (path, event) = event.innermost();
                if let RunEvent::Fact(recorded) = event
                    && let Event::ModelReplied(reply) = &*recorded.event
                    && screen.shows_progress()
                {
                    calls(reply, path.len() + 1, screen);
                }
                Ok(())
            }
        }
    }

    /// Begins a new line, where something stands on this one: what was said is no answer.
    fn break_line(&mut self, screen: &mut Screen) -> Outcome<()> {
        if !self.shown.is_empty() && !self.shown.ends_with('\n') {
            screen.print("\n")?;
        }
        self.shown.clear();
        Ok(())
    }

    /// Shows the answer, where it was not shown as it came, and ends its line.
    fn close(&self, report: &Report, screen: &mut Screen) -> Outcome<()> {
        let answer = report.text.trim_end();
        let shown = self.shown.trim_end();
        if shown == answer || (answer.is_empty() && shown.is_empty()) {
            let open = !self.shown.is_empty() && !self.shown.ends_with('\n');
            return screen.print(if open { "\n" } else { "" });
        }
        // What was shown is not the answer: a listener that heard nothing, or a guard's change.
        let gap = if self.shown.is_empty() || self.shown.ends_with('\n') { "" } else { "\n" };
        screen.print(&format!("{gap}{}\n", clean(answer)))
    }
}
