//! Questions to people: kept by the store before the run waits for them, heard by whoever takes it
//! up, in whatever process.

use std::sync::Arc;

use largestack_engine::Wait;
use largestack_engine::event::{ApprovalAnswered, ApprovalRequested, Event};
use largestack_engine::graph::MAY_START;
use largestack_ports::approvals::{Answer, Approvals, Choice, Question, Right, Standing, Terms};
use largestack_types::error::Coded as _;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::{ApprovalId, EffectId};
use largestack_types::json::Json;
use largestack_types::label::{Label, Origin};
use largestack_types::scope::Scope;
use serde_json::{Value, json};

use super::Drive;

/// What a question and its answers need to outlive the process.
fn unavailable() -> LargestackError {
    LargestackError::with_advice(
        Code::Config,
        "questions to people need a journal that outlives the process, and this one is in memory",
        "Run with a store, e.g. from the command line, or ask nobody",
    )
}

impl Drive {
    fn approvals(&self) -> Result<Arc<dyn Approvals>> {
        let runtime = &self.core.runtime;
        let approvals = runtime.tools.approvals.as_ref().filter(|_| runtime.journal.is_durable());
        approvals.map(Arc::clone).ok_or_else(unavailable)
    }

    /// Asks whether a task may start.
    pub(super) async fn ask_first(&mut self, effect: EffectId, reason: &str) -> Result<()> {
        let seen = self.run.task(effect).map(|task| match task.item {
            Some(item) => json!({ "item": item }),
            None => task.seen.to_value(),
        });
        let about = seen.unwrap_or(Value::Null);
        let terms = self.core.terms.clone();
        self.put(effect, (reason, MAY_START), (&about, None), terms).await
    }

    /// Asks what a task comes to: the answer is its choice.
    pub(super) async fn ask(
        &mut self,
        effect: EffectId,
        question: &str,
        held: Option<Value>,
    ) -> Result<()> {
        let mut terms = self.core.terms.clone();
        if let Some(task) = self.run.task(effect).filter(|task| !task.node.choices.is_empty()) {
            let choice = |name: &Arc<str>| Choice { name: Arc::clone(name), approves: true };
            terms.choices = task.node.choices.iter().map(choice).collect();
        }
        let about = held.clone().unwrap_or_else(|| json!({ "question": question }));
        self.put(effect, (question, "question"), (&about, held.as_ref()), terms).await
    }

    /// Keeps a question, then records that the task waits for its answer: a crash between leaves a
    /// question that is asked again under the same id.
    async fn put(
        &mut self,
        effect: EffectId,
        (reason, stage): (&str, &str),
        (about, held): (&Value, Option<&Value>),
        terms: Terms,
    ) -> Result<()> {
        let approvals = self.approvals()?;
        let unwritable = |error: serde_json::Error| {
            LargestackError::other(Code::Unknown, format!("a question is no JSON: {error}"))
        };
        let arguments = Json::of(about).map_err(unwritable)?;
        let node = self.run.task(effect).map(|task| Arc::clone(&task.node.name));
        let node = node.unwrap_or_default();
        let id = Question::id_of(self.run.id(), effect, &format!("{node} {stage}"), &arguments);
        let question = Question {
            id,
            run: self.run.id(),
            effect,
            agent: Arc::clone(&self.run.graph().graph().name),
            principal: self.lease.scope.principal().into(),
            tool: node,
            arguments,
            reason: reason.into(),
            terms,
            asked: self.core.runtime.clock.now(),
        };
        approvals.ask(&self.lease.scope, question).await?;
        let arguments = held.map(Json::of).transpose().map_err(unwritable)?;
        self.note(Event::ApprovalRequested(ApprovalRequested {
            effect,
            approval: id,
            reason: reason.into(),
            stage: stage.into(),
            arguments,
        }))?;
        // Whoever answers must find a run that waits for it.
        self.acknowledge().await
    }

    /// Notes what has become of the questions that the run waits for.
    pub(super) async fn hear_answers(&mut self, given: Vec<(ApprovalId, Answer)>) -> Result<()> {
        let scope = self.lease.scope.clone();
        for (id, answer) in given {
            let waits =
                |wait: &Wait| matches!(wait, Wait::Approval { approval, .. } if *approval == id);
            if !self.run.waits().iter().any(waits) && !self.asked_below(&scope, id).await? {
                let detail = format!("the run does not wait for {id}");
                return Err(LargestackError::other(Code::NotFound, detail));
            }
            let right = Right::Principal(scope.principal().into());
            self.approvals()?.answer(&scope, id, right, answer).await?;
        }
        for wait in self.run.waits() {
            let Wait::Approval { effect, approval } = wait else { continue };
            let kept = self.approvals()?.find(&scope, approval).await?.ok_or_else(|| {
                LargestackError::other(Code::NotFound, format!("the question {approval} is gone"))
            })?;
            if kept.question.run != self.run.id() || kept.question.effect != effect {
                let detail = format!("{approval} is about something else than what waits");
                return Err(LargestackError::other(Code::ApprovalDenied, detail));
            }
            let standing = kept.standing(self.core.runtime.clock.now());
            if let Some(mut answered) = heard((effect, approval), standing) {
                answered.note = match answered.note {
                    Some(note) => Some(self.clean_note(effect, &note).await?),
                    None => None,
                };
                self.note(Event::ApprovalAnswered(answered))?;
            }
        }
        Ok(())
    }

    /// Whether a run of the same tree asks this: it hears the answer when it is taken up.
    async fn asked_below(&mut self, scope: &Scope, id: ApprovalId) -> Result<bool> {
        let Ok(approvals) = self.approvals() else { return Ok(false) };
        let Some(kept) = approvals.find(scope, id).await? else { return Ok(false) };
        let below = self.core.runtime.journal.run(scope, kept.question.run).await?;
        Ok(kept.question.run != self.run.id()
            && below.is_some_and(|below| below.root == self.own.root()))
    }

    async fn clean_note(&mut self, effect: EffectId, note: &str) -> Result<Arc<str>> {
        let label = Label::from_origin(Origin::User);
        let value = (Value::String(note.to_owned()), label);
        match self.own.protect(effect, "an answer", value).await {
            Ok(guarded) => Ok(guarded.value.as_str().unwrap_or_default().into()),
            Err(error) if error.code() == Code::Guardrail => Ok(error.message().into()),
            Err(error) => Err(error),
        }
    }
}

/// What the run records of a question; nothing while it is open.
fn heard(
    (effect, approval): (EffectId, ApprovalId),
    standing: Standing,
) -> Option<ApprovalAnswered> {
    match standing {
        // Who drives the run knows that it has not ended.
        Standing::Open | Standing::Withdrawn => None,
        Standing::Expired => Some(ApprovalAnswered {
            effect,
            approval,
            approved: false,
            by: "expiry".into(),
            note: Some("nobody answered in time".into()),
            choice: "".into(),
            arguments: None,
        }),
        Standing::Decided { approved, choice, by, note, .. } => Some(ApprovalAnswered {
            effect,
            approval,
            approved,
            by: by.join(", ").into(),
            note,
            choice,
            arguments: None,
        }),
    }
}
