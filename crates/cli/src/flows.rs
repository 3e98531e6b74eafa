//! Runs of workflows: shown node by node while they go on, and said at the end as any run is.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use largestack_agent::CancelHandle;
use largestack_config::STATE_FOLDER;
use largestack_engine::Wait;
use largestack_engine::event::CancelReason;
use largestack_engine::graph::Graph;
use largestack_flow::{FlowReport, FlowResume, FlowStream};
use largestack_ports::approvals::Approval;
use largestack_types::id::RunId;

use crate::compose::{self, FlowHouse};
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::follow::Form;
use crate::interrupt;
use crate::render::flow::{FlowDocument, facts};
use crate::render::problem;
use crate::render::style::{FAINT, painted};
use crate::render::text::clean;
use crate::screen::Screen;
use crate::verbs::doubts::WHAT;

mod questions;
mod show;
mod stored;

use show::Shown;
pub(crate) use stored::{Stored, started, stored};

/// What is known of a workflow's run before it goes.
pub(crate) struct Going<'a> {
    /// The run.
    pub(crate) run: RunId,
    /// How it is shown.
    pub(crate) form: Form,
    /// Ends it.
    pub(crate) cancel: CancelHandle,
    /// Whether it begins now, so that it is the last one.
    pub(crate) begins: bool,
    /// Where the state is.
    pub(crate) state: &'a Path,
    /// The folder of the workflow.
    pub(crate) folder: &'a Path,
}

impl Going<'_> {
    /// Sees a run to its end, shows it, and waits for what it left behind. What it asks is put to
    /// whoever sits at the terminal.
    pub(crate) async fn finish(
        &self,
        house: &FlowHouse,
        mut stream: FlowStream,
        screen: &mut Screen,
    ) -> Outcome {
        interrupt::cancels(self.cancel.clone());
        let scope = compose::scope();
        let mut took = Duration::ZERO;
        loop {
            let since = house.clock.monotonic();
            let heard = self.hear(&mut stream, house.workflow.graph(), screen).await;
            if heard.is_err() {
                let why = "the reader of the output went away";
                self.cancel.cancel(CancelReason::Caller, scope.principal(), why);
            }
            let report = stream.finish().await;
            took += house.clock.monotonic().saturating_sub(since);
            house.tasks.finished().await;
            match heard {
                Ok(()) => {}
                // The run was cancelled with it, and nobody is left to be told.
                Err(Failure::ReaderGone) => return Ok(exit::CANCELLED),
                Err(failure) => return Err(failure),
            }
            let report = report?;
            let open = questions::of(house, &report).await?;
            if questions::ask(house, (self.form, &open), screen).await? {
                let options = FlowResume { cancel: self.cancel.clone(), ..FlowResume::default() };
                stream = house.workflow.resume_stream(&scope, report.run, options);
                continue;
            }
            let code = self.conclude(house, &report, took, screen)?;
            self.advise(&open, &report, screen);
            return Ok(code);
        }
    }

    /// Shows what happens until it ends or waits.
    async fn hear(
        &self,
        stream: &mut FlowStream,
        graph: &Arc<Graph>,
        screen: &mut Screen,
    ) -> Outcome<()> {
        let mut shown = Shown::of(self.run, graph);
        while let Some(event) = stream.next().await {
            match self.form {
                Form::Json => {}
                Form::Events => show::lines(self.run, &event, screen)?,
                Form::Text => shown.node(&event, screen),
            }
        }
        Ok(())
    }

    /// Shows what the run came to, and says with what code the command ends.
    fn conclude(
        &self,
        house: &FlowHouse,
        report: &FlowReport,
        took: Duration,
        screen: &mut Screen,
    ) -> Outcome {
        match self.form {
            Form::Events => {}
            Form::Json => {
                let name = &house.workflow.graph().name;
                screen.json(&FlowDocument::of(report, name, (took, self.state)))?;
            }
            Form::Text => {
                let answer = report.text();
                let answer = answer.trim_end();
                if !answer.is_empty() {
                    screen.print(&format!("{}\n", clean(answer)))?;
                }
                if !screen.is_quiet() {
                    let gap = if answer.is_empty() { "" } else { "\n" };
                    screen.print(&format!("{gap}{}", facts(report, took)))?;
                }
                if let Some(error) = &report.error {
                    screen.complain(&problem::text(error));
                }
                let run = if self.begins { "last".to_owned() } else { self.run.to_string() };
                let trace = format!("How it came about: largestack trace {run} {}", self.project());
                screen.note(&painted(FAINT, trace));
            }
        }
        Ok(exit::of_run(report.status, report.error.as_ref()))
    }

    /// How other commands name the project.
    fn project(&self) -> String {
        if self.state == self.folder.join(STATE_FOLDER) {
            self.folder.display().to_string()
        } else {
            format!("--state {}", self.state.display())
        }
    }

    /// Says what a run waits for, and what to do about it.
    fn advise(&self, open: &[Approval], report: &FlowReport, screen: &mut Screen) {
        if self.form != Form::Text {
            return;
        }
        let (project, run) = (self.project(), report.run);
        questions::advise(open, &project, screen);
        for (_, event) in &report.listens {
            let event = clean(event);
            screen.complain(&format!(
                "The run waits for the event `{event}`. When it has come:\n  \
                 largestack resume {run} {project} --event '{event}={{}}'"
            ));
        }
        for wait in &report.waits {
            if let Wait::Doubt { effect } = wait {
                screen.complain(&format!(
                    "The task {effect} was cut off, and nobody knows whether it happened. Check its \
                     effect, then:\n  largestack resume {run} {project} --in-doubt \
                     {WHAT}, or of it alone {effect}={WHAT}|happened=OUTPUT"
                ));
            }
        }
    }
}
