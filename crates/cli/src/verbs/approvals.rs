//! `largestack approvals`: the questions that runs wait for a person to answer.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use largestack_engine::Status;
use largestack_ports::approvals::{Approval, Approvals as Port, Listed, Standing, Untrusted};
use largestack_types::errors::{Code, Coded as _, LargestackError, Result};
use largestack_types::id::ApprovalId;
use largestack_types::time::Timestamp;
use serde::Serialize;

use crate::args::Global;
use crate::compose::{self, blocking};
use crate::exit;
use crate::failure::Outcome;
use crate::render::questions::{self, QuestionDocument};
use crate::screen::Screen;
use crate::shared::{For, Shared};

mod answer;
mod delegate;

/// Questions among which a beginning of an id is looked up, and that are listed.
const RECENT: usize = 1_000;

/// The questions that runs wait for a person to answer.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Approvals {
    #[command(subcommand)]
    what: Option<What>,
    /// The project whose questions are listed; the nearest one unless given
    path: Option<PathBuf>,
    /// Also questions that wait for nobody any more
    #[arg(long)]
    all: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show a question whole: which call it is about, and what was said to it
    Show(Show),
    /// Answer a question; once it is decided its run goes on
    Answer(answer::Answer),
    /// Hand on the right to answer a question: prints a token that answers it once
    Delegate(delegate::Delegate),
}

/// Shows a question whole.
#[derive(Debug, Args)]
struct Show {
    #[command(flatten)]
    named: Named,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Which question is meant.
#[derive(Debug, Args)]
struct Named {
    /// A project (the nearest one unless given) and a question: its id, or the beginning of it
    #[arg(value_names = ["PATH", "QUESTION"], num_args = 1..=2, required = true)]
    target: Vec<String>,
}

#[derive(Serialize)]
struct Document {
    state: String,
    questions: Vec<QuestionDocument>,
    untrusted: Vec<UntrustedDocument>,
}

/// A question that is not as it was kept.
#[derive(Serialize)]
struct UntrustedDocument {
    question: String,
    code: &'static str,
    detail: String,
}

impl UntrustedDocument {
    fn of(untrusted: &Untrusted) -> Self {
        let Untrusted { id, error } = untrusted;
        Self { question: id.to_string(), code: error.code().name(), detail: error.message() }
    }
}

impl Approvals {
    pub(crate) fn json(&self) -> bool {
        match &self.what {
            Some(What::Show(show)) => show.json,
            Some(What::Answer(answer)) => answer.json,
            Some(What::Delegate(delegate)) => delegate.json,
            None => self.json,
        }
    }

    pub(crate) fn perform(self, global: &Global, screen: &mut Screen) -> Outcome {
        match self.what {
            Some(What::Show(show)) => show.perform(global, screen),
            Some(What::Answer(answer)) => answer.perform(global, screen),
            Some(What::Delegate(delegate)) => delegate.perform(global, screen),
            None => self.list(global, screen),
        }
    }

    fn list(&self, global: &Global, screen: &mut Screen) -> Outcome {
        let (state, shared) = Shared::of_project(global, self.path.as_deref(), For::Reading)?;
        let now = compose::now();
        let Listed { questions: found, untrusted } = blocking(listed(&shared, now, self.all))??;
        if self.json {
            let questions = found.iter().map(|question| QuestionDocument::of(question, now));
            let state = state.display().to_string();
            let untrusted = untrusted.iter().map(UntrustedDocument::of).collect();
            screen.json(&Document { state, questions: questions.collect(), untrusted })?;
            return Ok(exit::DONE);
        }
        for Untrusted { id, error } in &untrusted {
            screen.note(&format!("{id} cannot be trusted ({}): {error}", error.code().name()));
        }
        if found.is_empty() {
            screen.print("No run waits for an answer.\n")?;
        } else {
            screen.print(&questions::list(&found, now))?;
            if found.iter().any(|question| question.standing(now) == Standing::Expired) {
                screen.note(
                    "Nobody answered the expired ones in time: their calls are denied when their \
                     runs go on, with largestack resume RUN",
                );
            }
        }
        Ok(exit::DONE)
    }
}

/// The questions that a list shows: those that wait for an answer, and those whose time is over
/// while their runs still wait.
async fn listed(shared: &Shared, now: Timestamp, all: bool) -> Result<Listed> {
    let scope = compose::scope();
    let Listed { questions, untrusted } = shared.approvals.list(&scope, RECENT).await?;
    let mut shown = Vec::new();
    for question in questions {
        let waits = match question.standing(now) {
            _ if all => true,
            Standing::Open => true,
            Standing::Expired => {
                let run = shared.journal.run(&scope, question.question.run).await?;
                run.is_some_and(|run| run.status == Status::Suspended)
            }
            _ => false,
        };
        if waits {
            shown.push(question);
        }
    }
    Ok(Listed { questions: shown, untrusted })
}

impl Show {
    fn perform(&self, global: &Global, screen: &mut Screen) -> Outcome {
        let (path, name) = self.named.parts()?;
        let (_, shared) = Shared::of_project(global, path, For::Reading)?;
        let (question, now) = (blocking(find(&*shared.approvals, name))??, compose::now());
        if self.json {
            screen.json(&QuestionDocument::of(&question, now))?;
        } else {
            screen.print(&questions::whole(&question, now))?;
        }
        Ok(exit::DONE)
    }
}

impl Named {
    /// The project, and the question's name.
    fn parts(&self) -> Result<(Option<&Path>, &str)> {
        let is_question = |word: &&String| word.starts_with(ApprovalId::PREFIX);
        let (path, name) = match self.target.as_slice() {
            [name] => (None, Some(name).filter(is_question)),
            [one, other] if is_question(&one) => (Some(other), Some(one)),
            [path, name] => (Some(path), Some(name).filter(is_question)),
            _ => (None, None),
        };
        let name = name.ok_or_else(|| {
            let words = self.target.join(" ");
            LargestackError::with_advice(
                Code::Input,
                format!("`{words}` names no question"),
                "Name one as `largestack approvals` lists them, e.g. apr_0198",
            )
        })?;
        Ok((path.map(Path::new), name))
    }
}

/// The question that is meant.
async fn find(store: &dyn Port, name: &str) -> Result<Approval> {
    let scope = compose::scope();
    let none = || {
        LargestackError::with_advice(
            Code::NotFound,
            format!("there is no question {name}"),
            "`largestack approvals --all` lists them",
        )
    };
    if let Ok(id) = name.parse::<ApprovalId>() {
        return store.find(&scope, id).await?.ok_or_else(none);
    }
    let Listed { questions, untrusted } = store.list(&scope, RECENT).await?;
    let questions = questions.into_iter().map(|approval| (approval.question.id, Ok(approval)));
    let untrusted = untrusted.into_iter().map(|Untrusted { id, error }| (id, Err(error)));
    let fits = |(id, _): &(ApprovalId, Result<Approval>)| id.to_string().starts_with(name);
    let mut fitting = questions.chain(untrusted).filter(fits);
    match (fitting.next(), fitting.next()) {
        (Some((_, question)), None) => question,
        (None, _) => Err(none()),
        (Some((one, _)), Some((other, _))) => Err(LargestackError::with_advice(
            Code::Input,
            format!("{name} begins more than one: {one}, {other}"),
            "Give more of the id",
        )),
    }
}
