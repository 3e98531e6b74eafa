//! Seeing whether an answer fits: read, mended, held against the schema, looked at by the agent's
//! own stages.

use std::sync::Arc;

use futures::FutureExt as _;
use largestack_engine::event::{EffectStarted, Event, OutputChecked};
use largestack_engine::output::{self, ROOT_KEY};
use largestack_engine::{Effect, OutputRule, Run};
use largestack_types::errors::{LargestackError, Result};
use largestack_types::id::EffectId;
use largestack_types::json::Json;
use largestack_types::label::{Label, Origin};
use largestack_types::message::{Message, Role};
use largestack_types::part::PartId;
use serde_json::Value;

use super::Drive;
use super::land::Landed;
use crate::agent::Core;
use crate::hooks::{self, wrong};
use crate::output::{OutputTurn, feedback};
use crate::protect::RunGuard;
use crate::stage::{StageContext, Verdict};

/// What came of looking at an answer.
#[derive(Default)]
pub(super) struct Checked {
    problems: Vec<String>,
    /// What the model would read, guarded.
    feedback: Option<(Arc<str>, Label)>,
    value: Option<Json>,
    raise: Option<LargestackError>,
}

/// Everything a look needs; owns it all, so that the run stays free to fold.
struct Look {
    core: Arc<Core>,
    context: StageContext,
    answer: Arc<Message>,
    whole: bool,
    rule: OutputRule,
    allowed: Arc<str>,
    turn: OutputTurn,
}

impl Drive {
    pub(super) fn start_check(&mut self, id: EffectId, attempt: u32) -> Result<()> {
        let Some((answer, whole)) = self.run.answer() else { return Ok(()) };
        let Some(rule) = self.run.definition().output else { return Ok(()) };
        let look = Look {
            core: Arc::clone(&self.core),
            context: self.stage_context(id),
            answer: Arc::clone(answer),
            whole,
            rule,
            allowed: Arc::clone(&self.asked_text),
            turn: OutputTurn {
                value: Arc::new(Value::Null),
                sent_back: self.run.sent_back(),
                so_far: self.so_far(),
                deps: Arc::clone(&self.deps),
            },
        };
        self.note(Event::EffectStarted(EffectStarted { effect: id, attempt }))?;
        self.running.push(Effect::Check { id, attempt });
        let checked = async move { Landed::Check { effect: id, result: look.check().await } };
        self.in_flight.push(checked.boxed());
        Ok(())
    }

    pub(super) fn checked(&mut self, effect: EffectId, result: Result<Checked>) -> Result<()> {
        let checked =
            result.unwrap_or_else(|error| Checked { raise: Some(error), ..Checked::default() });
        let may = self.run.may_send_back();
        let feedback = checked.feedback.filter(|_| may).map(|(text, label)| {
            let id = PartId::at(effect, 0);
            Arc::new(Message::of_text(Role::User, id, label, text))
        });
        let (problems, value, raise) = (checked.problems, checked.value, checked.raise);
        self.note(Event::OutputChecked(OutputChecked {
            effect,
            problems,
            feedback,
            value,
            raise,
        }))?;
        self.note_soft_limit()
    }
}

/// The value of an answer that fits, as whoever asked may see it.
pub(super) async fn value_of(run: &Run, guard: &RunGuard, asked: &str) -> Option<Value> {
    let mut value = plain_value(run)?;
    reveal(guard, &mut value, asked);
    Some(value)
}

/// The same with placeholders, as the journal has it.
pub(crate) fn plain_value(run: &Run) -> Option<Value> {
    let value = run.value()?;
    let wrapped = run.definition().output.is_some_and(|rule| rule.wrapped);
    Some(if wrapped { unwrapped(value) } else { value })
}

impl Look {
    async fn check(mut self) -> Result<Checked> {
        let mut value = match self.value() {
            Ok(value) => value,
            Err(unreadable) => return self.refused(vec![unreadable.to_string()]).await,
        };
        reveal(&self.context.guard, &mut value, &self.allowed);
        let problems = self.core.shape.as_ref().map(|shape| shape.problems(&value));
        if let Some(problems) = problems.filter(|problems| !problems.is_empty()) {
            return self.refused(problems).await;
        }
        let mut changed = false;
        self.turn.value = Arc::new(if self.rule.wrapped { unwrapped(value) } else { value });
        let core = Arc::clone(&self.core);
        for stage in &core.pipeline.output {
            match hooks::ask(&**stage, &self.context, &self.turn).await?.verdict {
                Verdict::Continue => {}
                Verdict::Replace(turn) => {
                    self.turn = turn;
                    changed = true;
                }
                Verdict::Retry(hint) | Verdict::Discard(Some(hint)) => {
                    return self.refused(vec![hint.as_ref().to_owned()]).await;
                }
                Verdict::Discard(None) | Verdict::Finish(_) | Verdict::Suspend(_) => {
                    let why = "may only send back, give another value or fail";
                    let raise = Some(wrong(stage.name(), why));
                    return Ok(Checked { raise, ..Checked::default() });
                }
                Verdict::Block(error) => {
                    return Ok(Checked { raise: Some(error), ..Checked::default() });
                }
            }
        }
        let value = if changed { Some(self.recorded().await?) } else { None };
        Ok(Checked { value, ..Checked::default() })
    }

    /// What the answer means: a value of its shape, or its words.
    fn value(&self) -> std::result::Result<Value, output::Unreadable> {
        let Some(shape) = &self.core.shape else {
            return Ok(Value::String(self.answer.text()));
        };
        let mut value = output::read(&self.answer.parts, self.whole)?;
        output::without_needless_nulls(shape.schema(), &mut value);
        Ok(value)
    }

    /// What is wrong, guarded: a hint may quote what the caller gave.
    async fn refused(&self, problems: Vec<String>) -> Result<Checked> {
        let label = self.answer.label().unwrap_or_default();
        let label = label.join(Label::from_origin(Origin::Operator));
        let part = PartId::at(self.context.effect, 0);
        let guard = &self.context.guard;
        let mut safe = Vec::with_capacity(problems.len());
        for problem in problems {
            let guarded =
                guard.text(part, "what is wrong with the answer", label, &problem).await?;
            safe.push(guarded.text.map_or(problem, |text| text.as_ref().to_owned()));
        }
        let feedback = Some((feedback(&safe).into(), label));
        Ok(Checked { problems: safe, feedback, ..Checked::default() })
    }

    /// A value that a stage gave, as the journal may hold it.
    async fn recorded(&self) -> Result<Json> {
        let value = Value::clone(&self.turn.value);
        let value = if self.rule.wrapped { serde_json::json!({ROOT_KEY: value}) } else { value };
        let text = value.to_string();
        let label = self.answer.label().unwrap_or_default();
        let part = PartId::at(self.context.effect, 0);
        let guarded = self.context.guard.json(part, "the answer", label, &text).await?;
        Ok(guarded.text.map_or_else(|| Json::vouched(text), Json::vouched))
    }
}

/// The answer out of the object that it was put into.
fn unwrapped(mut value: Value) -> Value {
    value.get_mut(ROOT_KEY).map_or(Value::Null, Value::take)
}

/// Puts the caller's own values back in place of their placeholders, text by text.
fn reveal(guard: &RunGuard, value: &mut Value, allowed: &str) {
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) if text.contains('<') => *text = guard.reveal(text, allowed),
            Value::Array(items) => open.extend(items.iter_mut()),
            Value::Object(fields) => open.extend(fields.values_mut()),
            _ => {}
        }
    }
}
