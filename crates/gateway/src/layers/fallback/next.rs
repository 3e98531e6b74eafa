//! Who is asked next, and with what: the same call, or one that goes on behind what was delivered.

use std::sync::Arc;

use largestack_engine::event::Leg;
use largestack_ports::model::{Answer, ModelEvent};
use largestack_types::call::Call;
use largestack_types::delta::Delta;
use largestack_types::errors::{AllProvidersFailedError, Code, LargestackError, Result};
use largestack_types::money::Money;
use largestack_types::usage::Usage;

use super::content::Bad;
use super::plan::{CannotContinue, OnBreak, Plan};
use super::{Shared, residency};
use crate::fault::{Class, class, refused_as_written, was_not_asked};
use crate::job::Ask;
use crate::layers::continuation::{Delivered, Seam};
use crate::route::Route;
use crate::routing::demand::Demand;
use crate::step::Step;

/// How a call went on.
pub(super) enum Went<E> {
    /// With another model.
    On { events: E, marker: Option<ModelEvent> },
    /// Not at all, and what there is, is the answer.
    Over(Box<Answer>),
}

/// A call and the list of those who may take over.
pub(super) struct Next<S> {
    inner: S,
    shared: Arc<Shared>,
    plan: Arc<Plan>,
    /// As the caller asked it.
    call: Call,
    /// Where the caller sent it.
    first: Arc<Route>,
    /// As it is asked now.
    ask: Ask,
    used: usize,
    /// Models that were really asked.
    asked: usize,
    failed: Vec<(Arc<str>, LargestackError)>,
    /// What the listener has heard, over all legs.
    pub(super) delivered: Delivered,
    /// While a model goes on behind the delivered words: the seam as it was and as it is, and
    /// what was delivered before.
    going_on: Option<(Seam, Seam, Delivered)>,
    /// What was booked when the leg began.
    booked: (Usage, Money),
    /// A complete reply that was not good enough: better than none.
    kept: Option<Box<Answer>>,
}

impl<S: Step> Next<S> {
    pub(super) fn new(inner: S, shared: Arc<Shared>, plan: Arc<Plan>, ask: Ask) -> Self {
        Self {
            inner,
            shared,
            plan,
            call: ask.call.clone(),
            first: ask.route.clone(),
            ask,
            used: 0,
            asked: 1,
            failed: Vec::new(),
            delivered: Delivered::default(),
            going_on: None,
            booked: Default::default(),
            kept: None,
        }
    }

    /// What the listener hears of a delta.
    pub(super) fn delta(&mut self, delta: Delta) -> Option<Delta> {
        let delta = match (delta, &mut self.going_on) {
            (Delta::Text { text }, Some((_, seam, _))) => {
                let text = seam.take(&text);
                (!text.is_empty()).then_some(Delta::Text { text })?
            }
            (delta, _) => delta,
        };
        self.delivered.take(&delta);
        Some(delta)
    }

    /// A whole reply: the answer and what the listener has not heard of it yet, or how the call
    /// goes on without it.
    #[expect(clippy::type_complexity, reason = "the two ends of a call, each a pair")]
    pub(super) fn judge(
        &mut self,
        mut answer: Box<Answer>,
    ) -> Result<(Box<Answer>, Option<Delta>), Result<Went<S::Events>>> {
        let mut rest = None;
        if let Some((whole, mut seam, before)) = self.going_on.take() {
            let held = seam.rest();
            rest = (!held.is_empty()).then_some(Delta::Text { text: held });
            before.spliced(&mut answer.reply, whole);
        }
        let Some(bad) = Bad::of(self.plan.policy.on_content, &self.call, &answer.reply) else {
            return Ok((answer, rest));
        };
        {
            let mut notes = self.ask.job.notes();
            notes.bill.usage = notes.bill.usage.plus(answer.reply.usage);
        }
        let error = bad.error(&self.ask.route);
        if self.kept.is_none() {
            // Its tokens are on the bill already.
            answer.reply.usage = Usage::default();
            answer.call.flags.push(bad.code().into());
            self.kept = Some(answer);
        }
        self.failed.push((self.ask.route.name.clone(), error));
        self.note_failure();
        Err(self.hand_on(None))
    }

    /// How the call goes on after an error.
    pub(super) fn go_on(&mut self, error: LargestackError) -> Result<Went<S::Events>> {
        let last_text = self.going_on.is_some();
        let refused_beginning = last_text && refused_as_written(&error);
        let over = class(&error) == Class::Final && !refused_beginning;
        // Nobody was told anything yet: the next one may be.
        let over = over && !(self.used > 0 && was_not_asked(&error));
        if over && self.failed.is_empty() {
            return Err(error);
        }
        self.failed.push((self.ask.route.name.clone(), error));
        if over {
            return self.give_up();
        }
        self.note_failure();
        // A model that refuses a beginning although its row says that it takes one.
        let again = refused_beginning.then(|| self.ask.route.clone());
        self.hand_on(again)
    }

    /// Asks the next model that can answer, or one again from the beginning.
    fn hand_on(&mut self, mut again: Option<Arc<Route>>) -> Result<Went<S::Events>> {
        let broke = !self.delivered.is_nothing() && self.kept.is_none();
        match self.plan.policy.on_break {
            OnBreak::Surface if broke => return Ok(Went::Over(self.surface())),
            OnBreak::Fail if broke => return self.give_up(),
            _ => {}
        }
        loop {
            let from_the_start = again.is_some();
            let route = match again.take().map_or_else(|| self.candidate(), |r| Some(Ok(r))) {
                None if broke && self.surfaces() => return Ok(Went::Over(self.surface())),
                None => return self.give_up(),
                Some(Ok(route)) => route,
                Some(Err((model, error))) => {
                    self.failed.push((model, error));
                    self.note_failure();
                    continue;
                }
            };
            let marker = match self.prepare(&route, broke, from_the_start) {
                Ok(marker) => marker,
                Err(CannotContinue::Surface) => return Ok(Went::Over(self.surface())),
                Err(_) => return self.give_up(),
            };
            self.ask.route = route;
            self.asked += 1;
            match self.inner.begin(self.ask.clone()) {
                Ok(events) => return Ok(Went::On { events, marker }),
                Err(error) => {
                    let over = class(&error) == Class::Final && !was_not_asked(&error);
                    self.failed.push((self.ask.route.name.clone(), error));
                    if over {
                        return self.give_up();
                    }
                    self.note_failure();
                }
            }
        }
    }

    /// Makes the call ready for a model, and says what the listener should hear of it.
    fn prepare(
        &mut self,
        route: &Arc<Route>,
        broke: bool,
        from_the_start: bool,
    ) -> Result<Option<ModelEvent>, CannotContinue> {
        let policy = self.plan.policy;
        let model = route.name.clone();
        self.going_on = None;
        if broke && policy.on_break == OnBreak::Continue {
            let prefill = route.profile.prefill;
            let continued =
                (!from_the_start).then(|| self.delivered.continued(&self.call, prefill));
            if let Some((call, seam)) = continued.flatten() {
                self.ask.call = Call { model: model.clone(), ..call };
                self.delivered.void_calls();
                self.going_on = Some((seam.clone(), seam, self.delivered.clone()));
                self.ask.job.notes().flag("continued");
                return Ok(Some(ModelEvent::Continued { model }));
            }
            if policy.cannot_continue != CannotContinue::Restart && self.delivered.has_text() {
                return Err(policy.cannot_continue);
            }
        }
        self.ask.call = Call { model: model.clone(), ..self.call.clone() };
        let heard = !self.delivered.is_nothing();
        self.delivered.void();
        Ok(heard.then_some(ModelEvent::Restarted { model }))
    }

    /// The next of the list, or why it is passed over.
    #[expect(clippy::type_complexity, reason = "a model with its error, as attempts are kept")]
    fn candidate(&mut self) -> Option<Result<Arc<Route>, (Arc<str>, LargestackError)>> {
        let model = self.plan.models.get(self.used)?.clone();
        self.used += 1;
        let route = self.shared.routes.get(&model, self.shared.clock.now());
        let fitting = route.and_then(|route| match self.unfit(&route) {
            None => Ok(route),
            Some(unfit) => Err(unfit),
        });
        Some(fitting.map_err(|error| (model, error)))
    }

    fn unfit(&self, route: &Route) -> Option<LargestackError> {
        if let Some(refused) = residency::refused(&self.plan.residency, route) {
            return Some(refused);
        }
        let demand = Demand::of(&self.call);
        let reason = demand
            .beyond_other(&self.first, route)
            .or_else(|| dearer(self.plan.policy.max_price_factor?, &demand, &self.first, route))?;
        let detail = format!("{} was passed over: {reason}", route.name);
        Some(LargestackError::with_advice(
            Code::Input,
            detail,
            "Name a fallback that can answer the same calls",
        ))
    }

    fn surfaces(&self) -> bool {
        let policy = self.plan.policy;
        policy.on_break == OnBreak::Continue && policy.cannot_continue == CannotContinue::Surface
    }

    /// What was delivered, as the answer.
    fn surface(&mut self) -> Box<Answer> {
        let mut answer = Box::new(Answer { reply: self.delivered.surfaced(), ..Answer::default() });
        answer.call.flags.push("broken_off".into());
        answer
    }

    /// The end without an answer, unless one was kept.
    fn give_up(&mut self) -> Result<Went<S::Events>> {
        if let Some(kept) = self.kept.take() {
            return Ok(Went::Over(kept));
        }
        let mut attempts = std::mem::take(&mut self.failed);
        if self.asked > 1 || attempts.is_empty() {
            return Err(AllProvidersFailedError { attempts }.into());
        }
        // Only one was asked: its own error says more.
        Err(attempts.swap_remove(0).1)
    }

    /// Puts the last failure on the record of the call, with what it cost where words of it stay.
    fn note_failure(&mut self) {
        let Some((model, error)) = self.failed.last() else { return };
        let mut notes = self.ask.job.notes();
        notes.bill.failed_attempts.push((model.clone(), error.clone()));
        let (usage, cost) =
            std::mem::replace(&mut self.booked, (notes.bill.usage, notes.bill.cost));
        if !self.delivered.is_nothing() && notes.bill.cost != cost {
            let usage = since(notes.bill.usage, usage);
            let cost = notes.bill.cost.checked_sub(cost).unwrap_or_default();
            notes.bill.legs.push(Leg { model: model.clone(), usage, cost });
        }
    }
}

/// The counts that have come since.
fn since(now: Usage, then: Usage) -> Usage {
    let less =
        |now: Option<u64>, then: Option<u64>| now.map(|n| n.saturating_sub(then.unwrap_or(0)));
    Usage {
        input_tokens: less(now.input_tokens, then.input_tokens),
        output_tokens: less(now.output_tokens, then.output_tokens),
        cache_read_tokens: less(now.cache_read_tokens, then.cache_read_tokens),
        cache_write_tokens: less(now.cache_write_tokens, then.cache_write_tokens),
        reasoning_tokens: less(now.reasoning_tokens, then.reasoning_tokens),
    }
}

/// Whether a model is dearer than the policy allows, in words.
fn dearer(factor: f64, demand: &Demand, first: &Route, route: &Route) -> Option<String> {
    let worst = |route: &Route| {
        let output = u64::from(route.profile.output_limit(demand.output));
        route.price?.worst_case(demand.input, output).ok()
    };
    let (Some(most), Some(needs)) = (worst(first), worst(route)) else {
        return Some("its price, or the first model's, is not known".to_owned());
    };
    #[expect(clippy::cast_precision_loss, reason = "a factor of a price is a rule of thumb")]
    let within = needs.nanos() as f64 <= most.nanos() as f64 * factor;
    (!within).then(|| format!("it may cost {needs}, more than {factor} times {most}"))
}
