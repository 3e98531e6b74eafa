//! Questions to people: which calls they are about, how one is asked, and what becomes of its
//! answer when a run is taken up.

use std::collections::BTreeMap;
use std::sync::Arc;

use largestack_engine::Wait;
use largestack_engine::event::{ApprovalAnswered, ApprovalRequested, Event};
use largestack_ports::approvals::{
    Answer, Approval, Question, Right, Standing, Terms, Token, Untrusted,
};
use largestack_ports::tool::Capabilities;
use largestack_types::error::Coded as _;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::{ApprovalId, EffectId, RunId};
use largestack_types::json::Json;
use largestack_types::label::{Label, Origin};
use largestack_types::part::{Arguments, PartId, ToolCall};
use largestack_types::scope::Scope;

use crate::agent::Agent;
use crate::below;
use crate::drive::Drive;
use crate::protect::RunGuard;

/// Which calls of an agent a person has to agree to, and on which terms; beside the tools that
/// say so themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApprovalPolicy {
    /// Calls of tools that do any of these.
    pub capabilities: Capabilities,
    /// On which terms.
    pub terms: Terms,
    /// Tools whose calls are asked about whatever they do, each on terms of its own.
    pub tools: BTreeMap<Arc<str>, Terms>,
}

impl ApprovalPolicy {
    /// On which terms a call of this tool is asked about.
    pub fn terms_of(&self, tool: &str) -> &Terms {
        self.tools.get(tool).unwrap_or(&self.terms)
    }

    /// Terms that nobody could ever meet, and tools that there are not.
    pub(crate) fn problems(&self, known: impl Fn(&str) -> bool) -> Vec<String> {
        let own = self.tools.iter().map(|(tool, terms)| (format!("approvals of `{tool}`"), terms));
        let mut problems: Vec<String> = std::iter::once(("approvals".to_owned(), &self.terms))
            .chain(own)
            .filter_map(|(whose, terms)| terms.problem().map(|why| format!("{whose}: {why}")))
            .collect();
        let unknown = self.tools.keys().filter(|tool| !known(tool));
        problems.extend(unknown.map(|tool| format!("approvals of `{tool}`, which is not a tool")));
        problems
    }
}

/// What a question and its answers need to outlive the process.
pub(crate) fn unavailable() -> LargestackError {
    LargestackError::with_advice(
        Code::Config,
        "approvals need a journal that outlives the process, and this one is in memory",
        "Run with a store, e.g. from the command line, or ask nobody",
    )
}

impl Agent {
    /// The questions of this tenant that wait for an answer, newest first: of this agent and of
    /// every other that shares its store. [`Agent::untrusted`] says which are left out because
    /// somebody has changed them.
    pub async fn pending(&self, scope: &Scope, most: usize) -> Result<Vec<Approval>> {
        let approvals = self.0.runtime.tools.approvals.as_ref().ok_or_else(unavailable)?;
        let now = self.0.runtime.clock.now();
        let mut questions = approvals.list(scope, most).await?.questions;
        questions.retain(|question| question.standing(now) == Standing::Open);
        Ok(questions)
    }

    /// Those among the latest questions of this tenant that are not as they were kept, and what
    /// reading them says: `LARGESTACK_APPROVAL_DENIED`.
    pub async fn untrusted(&self, scope: &Scope, most: usize) -> Result<Vec<Untrusted>> {
        let approvals = self.0.runtime.tools.approvals.as_ref().ok_or_else(unavailable)?;
        Ok(approvals.list(scope, most).await?.untrusted)
    }

    /// The questions that a run waits for, its own and those of the runs below it, in the order of
    /// the calls that wait.
    pub async fn waiting(&self, scope: &Scope, run: RunId) -> Result<Vec<Approval>> {
        let approvals = self.0.runtime.tools.approvals.as_ref().ok_or_else(unavailable)?;
        let mut waiting = Vec::new();
        for id in below::asked(&*self.0.runtime.journal, scope, run).await? {
            waiting.extend(approvals.find(scope, id).await?);
        }
        Ok(waiting)
    }

    /// The run that is taken up once a question is answered: the one at the top of the tree whose
    /// run has asked it.
    pub async fn run_to_resume(&self, scope: &Scope, question: ApprovalId) -> Result<RunId> {
        let none = || LargestackError::other(Code::NotFound, format!("there is no {question}"));
        let question = self.question(scope, question).await?.ok_or_else(none)?.question;
        let summary = self.0.runtime.journal.run(scope, question.run).await?;
        Ok(summary.map_or(question.run, |summary| summary.root))
    }

    /// A question of this tenant with its answers.
    pub async fn question(&self, scope: &Scope, id: ApprovalId) -> Result<Option<Approval>> {
        let approvals = self.0.runtime.tools.approvals.as_ref().ok_or_else(unavailable)?;
        approvals.find(scope, id).await
    }

    /// Hands the right of the scope's principal to answer a question to somebody else. Whoever has
    /// the token answers once, as `to`, by [`Agent::answer_by_token`].
    pub async fn delegate(
        &self,
        scope: &Scope,
        question: ApprovalId,
        to: impl Into<Arc<str>>,
    ) -> Result<Token> {
        let approvals = self.0.runtime.tools.approvals.as_ref().ok_or_else(unavailable)?;
        approvals.delegate(scope, question, scope.principal().into(), to.into()).await
    }

    /// Answers a question by a right that was handed on.
    pub async fn answer_by_token(
        &self,
        scope: &Scope,
        question: ApprovalId,
        token: Token,
        answer: Answer,
    ) -> Result<Approval> {
        let approvals = self.0.runtime.tools.approvals.as_ref().ok_or_else(unavailable)?;
        approvals.answer(scope, question, Right::Token(token), answer).await
    }

    /// Answers a question of a run of this tenant, as the principal of the scope. Whoever takes
    /// the run up afterwards, in whatever process, goes on from there.
    pub async fn answer(
        &self,
        scope: &Scope,
        question: ApprovalId,
        answer: Answer,
    ) -> Result<Approval> {
        let approvals = self.0.runtime.tools.approvals.as_ref().ok_or_else(unavailable)?;
        let right = Right::Principal(scope.principal().into());
        approvals.answer(scope, question, right, answer).await
    }
}

impl Drive {
    /// Keeps a question, then records that the run waits for its answer: a crash between leaves a
    /// question that the resumed run asks again, under the same id.
    pub(crate) async fn ask(
        &mut self,
        effect: EffectId,
        call: &ToolCall,
        (stage, reason): (Arc<str>, Arc<str>),
    ) -> Result<()> {
        let Arguments::Json(arguments) = &call.arguments else { return Ok(()) };
        let runtime = &self.core.runtime;
        let approvals = runtime.tools.approvals.as_ref().filter(|_| runtime.journal.is_durable());
        let approvals = approvals.map(Arc::clone).ok_or_else(unavailable)?;
        let approval = Question::id_of(self.run.id(), effect, &call.name, arguments);
        let question = Question {
            id: approval,
            run: self.run.id(),
            effect,
            agent: Arc::clone(&self.run.definition().agent),
            principal: self.lease.scope.principal().into(),
            tool: Arc::clone(&call.name),
            arguments: arguments.clone(),
            reason: Arc::clone(&reason),
            terms: self.core.approvals.terms_of(&call.name).clone(),
            asked: runtime.clock.now(),
        };
        approvals.ask(&self.lease.scope, question).await?;
        let written = self.run.tool_call(effect).map(|call| &call.arguments);
        let changed = written != Some(&call.arguments);
        let arguments = changed.then(|| arguments.clone());
        let request = ApprovalRequested { effect, approval, reason, stage, arguments };
        self.note(Event::ApprovalRequested(request))
    }

    /// Notes what has become of the questions that the run waits for.
    pub(crate) async fn hear_answers(&mut self, given: Vec<(ApprovalId, Answer)>) -> Result<()> {
        let scope = self.lease.scope.clone();
        let approvals = self.core.runtime.tools.approvals.clone();
        for (id, answer) in given {
            let waits =
                |wait: &Wait| matches!(wait, Wait::Approval { approval, .. } if *approval == id);
            if !self.run.waits().iter().any(waits) && !self.is_asked_below(id).await? {
                let detail = format!("the run does not wait for {id}");
                return Err(LargestackError::other(Code::NotFound, detail));
            }
            let right = Right::Principal(scope.principal().into());
            let approvals = approvals.as_ref().ok_or_else(unavailable)?;
            approvals.answer(&scope, id, right, answer).await?;
        }
        for wait in self.run.waits() {
            let Wait::Approval { effect, approval } = wait else { continue };
            let approvals = approvals.as_ref().ok_or_else(unavailable)?;
            let kept = approvals.find(&scope, approval).await?.ok_or_else(|| {
                LargestackError::other(Code::NotFound, format!("the question {approval} is gone"))
            })?;
            if let Some(event) = self.heard(&kept, effect)? {
                let guard = Arc::clone(&self.guard);
                let event = without_sensitive(&guard, event).await?;
                self.note(Event::ApprovalAnswered(event))?;
            }
        }
        Ok(())
    }

    /// Whether a run below this one has asked this: it hears the answer when it is taken up.
    async fn is_asked_below(&mut self, id: ApprovalId) -> Result<bool> {
        let runtime = &self.core.runtime;
        let approvals = runtime.tools.approvals.as_ref().ok_or_else(unavailable)?;
        let scope = &self.lease.scope;
        let Some(kept) = approvals.find(scope, id).await? else { return Ok(false) };
        let asks = runtime.journal.run(scope, kept.question.run).await?;
        Ok(asks.is_some_and(|asks| asks.run != self.run.id() && asks.root == self.run.id()))
    }

    /// What the run records of a question; nothing while it is open.
    fn heard(&self, kept: &Approval, effect: EffectId) -> Result<Option<ApprovalAnswered>> {
        let id = kept.question.id;
        let about = self.run.tool_call(effect);
        let same = kept.question.run == self.run.id()
            && kept.question.effect == effect
            && about.is_some_and(|call| {
                *call.name == *kept.question.tool
                    && matches!(&call.arguments, Arguments::Json(json) if *json == kept.question.arguments)
            });
        // A hook asks about what it saw: the question is the one that was derived from it.
        let question = &kept.question;
        let (tool, arguments) = (&question.tool, &question.arguments);
        let derived = Question::id_of(self.run.id(), effect, tool, arguments) == id;
        let hooks = self.run.hook_asks(effect) && derived && question.run == self.run.id();
        if !same && !hooks {
            let detail = format!("{id} is about another call than the one that waits");
            return Err(LargestackError::other(Code::ApprovalDenied, detail));
        }
        let answered = match kept.standing(self.core.runtime.clock.now()) {
            // Who drives the run knows that it has not ended.
            Standing::Open | Standing::Withdrawn => return Ok(None),
            Standing::Expired => ApprovalAnswered {
                effect,
                approval: id,
                approved: false,
                by: "expiry".into(),
                note: Some("Not run: nobody answered in time whether it may.".into()),
                choice: "".into(),
                arguments: None,
            },
            Standing::Decided { approved, choice, by, arguments, note } => ApprovalAnswered {
                effect,
                approval: id,
                approved,
                by: by.join(", ").into(),
                note,
                choice,
                arguments,
            },
        };
        Ok(Some(answered))
    }
}

/// An answer without the sensitive values that somebody has written into it: what a guard
/// blocks makes a no of it.
async fn without_sensitive(
    guard: &RunGuard,
    mut said: ApprovalAnswered,
) -> Result<ApprovalAnswered> {
    let (part, label) = (PartId::at(said.effect, 0), Label::from_origin(Origin::User));
    if let Some(note) = &said.note {
        match guard.text(part, "an answer", label, note).await {
            Ok(guarded) => said.note = guarded.text.or(said.note),
            Err(error) if error.code() == Code::Guardrail => {
                said.note = Some(error.message().into());
            }
            Err(error) => return Err(error),
        }
    }
    if let Some(json) = said.arguments.take() {
        match guard.json(part, "an answer", label, json.as_str()).await {
            Ok(guarded) => {
                let text = guarded.text.map_or(Ok(json), |text| Json::parse(&*text));
                said.arguments = Some(text.map_err(|error| {
                    LargestackError::other(Code::Unknown, format!("an answer: {error}"))
                })?);
            }
            Err(error) if error.code() == Code::Guardrail => {
                said.approved = false;
                said.note = Some(error.message().into());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(said)
}
