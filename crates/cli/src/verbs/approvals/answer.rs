//! `largestack approvals answer`: an answer is kept first, then the run that waited goes on.

use std::io::Read as _;
use std::sync::Arc;

use clap::Args;
use largestack_ports::approvals::{self as port, Approval, Right, Standing, Token};
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::json::Json;

use super::super::resume::{Resume, goes_on_there};
use super::Named;
use crate::args::Global;
use crate::compose::{self, blocking, with_runtime};
use crate::exit;
use crate::failure::Outcome;
use crate::render::questions::{QuestionDocument, word};
use crate::render::text::clean;
use crate::restate::{self, Word};
use crate::screen::Screen;
use crate::shared::{For, Shared};

/// Bytes of a token that are read from standard input.
const MOST_TOKEN: u64 = 1_000;

/// Answers a question; the run that waited goes on here, with the worker that has it, or on Restate
/// where that drives it.
#[derive(Debug, Args)]
pub(super) struct Answer {
    #[command(flatten)]
    named: Named,
    /// One of the question's choices
    #[arg(long, value_name = "NAME")]
    choice: Arc<str>,
    /// Who answers. Whoever may write the state is believed
    #[arg(long = "as", value_name = "NAME", default_value = "local")]
    who: Arc<str>,
    /// A token that hands on the right to answer; `-` reads it from standard input
    #[arg(long, value_name = "TOKEN|-", conflicts_with = "who")]
    token: Option<String>,
    /// A word to the model, where the call does not run
    #[arg(long, value_name = "TEXT")]
    reason: Option<Arc<str>>,
    /// What the tool is to be called with instead, where the question lets it be changed
    #[arg(long, value_name = "JSON")]
    arguments: Option<String>,
    /// Only keep the answer; `largestack resume` goes on, also with a run that Restate drives
    #[arg(long)]
    no_resume: bool,
    /// Print one JSON document of the question, and only keep the answer; a run that Restate drives is
    /// told of it all the same
    #[arg(long)]
    pub(super) json: bool,
}

impl Answer {
    pub(super) fn perform(&self, global: &Global, screen: &mut Screen) -> Outcome {
        let (path, name) = self.named.parts()?;
        let (right, said) = (self.right()?, self.said()?);
        let (answered, top, has_worker, engine) = {
            let (_, shared) = Shared::of_project(global, path, For::Writing)?;
            let scope = compose::scope();
            blocking(async {
                let approvals = &*shared.approvals;
                let question = super::find(approvals, name).await?.question;
                // What is below a run is taken up with it.
                let asks = shared.journal.run(&scope, question.run).await?;
                let top = asks.as_ref().map_or(question.run, |asks| asks.root);
                let engine = asks.and_then(|asks| asks.engine);
                // Looked up first: a worker that hears of the answer may have ended the run before
                // anything is read after it.
                let job = match shared.journal.queue() {
                    Some(queue) => queue.find(&scope, top).await?,
                    None => None,
                };
                let has_worker = job.is_some_and(|job| !job.state.is_over());
                let answered = approvals.answer(&scope, question.id, right, said).await?;
                Ok::<_, LargestackError>((answered, top, has_worker, engine))
            })??
        };
        let standing = answered.standing(compose::now());
        let goes_on = matches!(standing, Standing::Decided { .. }) && !self.no_resume;
        let line = line(&answered, &standing);
        if self.json {
            screen.json(&QuestionDocument::of(&answered, compose::now()))?;
        } else if engine.is_some() {
            screen.print(&format!("{line}\n"))?;
        }
        // The answer is kept, whatever becomes of telling so.
        if let Some(engine) = engine.filter(|_| goes_on) {
            let decided = vec![Word::Answered(answered.question.id)];
            let heard = with_runtime(restate::tell(&engine, top, decided))??;
            if !self.json {
                screen.note(&goes_on_there(top, &engine, heard));
            }
            return Ok(exit::DONE);
        }
        if self.json {
            return Ok(exit::DONE);
        }
        if goes_on && has_worker {
            screen.print(&format!("{line}\n"))?;
            screen.note(&format!("A worker goes on with {top}."));
            return Ok(exit::DONE);
        }
        if goes_on {
            // What the run says is what standard output is for.
            screen.note(&line);
            return Resume::of_run().take_up(global, path, &top.to_string(), screen);
        }
        screen.print(&format!("{line}\n"))?;
        Ok(exit::DONE)
    }

    fn right(&self) -> Result<Right> {
        let Some(token) = &self.token else { return Ok(Right::Principal(Arc::clone(&self.who))) };
        let mut text = token.clone();
        if token == "-" {
            text.clear();
            let read = std::io::stdin().lock().take(MOST_TOKEN).read_to_string(&mut text);
            read.map_err(|error| {
                LargestackError::other(Code::Input, format!("no token can be read: {error}"))
            })?;
        }
        let token = Token::parse(&text).ok_or_else(|| {
            LargestackError::with_advice(
                Code::Input,
                "that is no token",
                "A token is the 64 digits that `largestack approvals delegate` printed",
            )
        })?;
        Ok(Right::Token(token))
    }

    fn said(&self) -> Result<port::Answer> {
        let arguments = self.arguments.as_deref().map(Json::parse).transpose();
        let wrong = |error: &dyn std::fmt::Display| {
            LargestackError::with_advice(
                Code::Input,
                format!("--arguments is no JSON object: {error}"),
                "Write all arguments of the call, e.g. '{\"path\": \"a.txt\"}'",
            )
        };
        let arguments = arguments.map_err(|error| wrong(&error))?;
        let object = |json: &Json| json.as_str().trim_start().starts_with('{');
        if arguments.as_ref().is_some_and(|json| !object(json)) {
            return Err(wrong(&"it is another value"));
        }
        let (choice, note) = (Arc::clone(&self.choice), self.reason.clone());
        Ok(port::Answer { choice, arguments, note })
    }
}

/// What has become of the question.
fn line(answered: &Approval, standing: &Standing) -> String {
    let (id, run) = (answered.question.id, answered.question.run);
    if let Standing::Decided { choice, by, .. } = standing {
        let by = by.join(", ");
        return format!(
            "{id}: {} ({}) by {}, for {run}",
            word(standing),
            clean(choice),
            clean(&by)
        );
    }
    let (votes, quorum) = (answered.votes.len(), answered.question.terms.quorum);
    format!("{id}: {votes} of {quorum} have answered; the run goes on waiting")
}
