//! Who is asked next, and with what: the same call, or one that goes on behind what was delivered.

use std::sync::Arc;

use largestack_engine::event::Leg;
use largestack_ports::model::{Answer, ModelEvent};
use largestack_types::call::Call;
use largestack_types::delta::Delta;
use largestack_types::errors::{
    AllProvidersFailedError, Code, Coded as _, LargestackError, Result,
};
use largestack_types::label::DataClasses;
use largestack_types::money::Money;
use largestack_types::usage::Usage;

use super::content::Bad;
use super::plan::{CannotContinue, OnBreak, Plan};
use super::{Shared, fit};
use crate::fault::{Class, class, refused_as_written, was_not_asked};
use crate::job::Ask;
use crate::layers::continuation::{Delivered, Seam};
use crate::route::{Route, Served};
use crate::routing::{Choice, Pool, Trial};
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
    /// Who may take over: the rest of the pool, then the agent's list.
    models: Vec<Arc<str>>,
    /// The pool's choice, and the attempt that it learns from.
    choice: Option<Choice>,
    trial: Option<Trial>,
    /// As the caller asked it.
    call: Call,
    /// The kinds of data in it, where they decide who may be asked.
    holds: DataClasses,
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
            models: plan.models.clone(),
            holds: plan.held_in(&ask.call),
            plan,
            choice: None,
            trial: None,
            call: ask.call.clone(),
            first: ask.route.clone(),
            ask,
            used: 0,
            asked: 0,
            failed: Vec::new(),
            delivered: Delivered::default(),
            going_on: None,
            booked: Default::default(),
            kept: None,
        }
    }

    /// Asks the model that the caller named, or one of the pool.
    pub(super) fn start(&mut self) -> Result<Went<S::Events>> {
        if let Served::Pool(pool) = &self.first.served {
            self.choose(&pool.clone())?;
        } else if let Some(refused) = self.plan.refused(self.holds, &self.first) {
            // Who may never be told anything is a mistake; who may not be told this is passed over.
            if self.plan.refused(DataClasses::EMPTY, &self.first).is_some() {
                return Err(refused);
            }
            self.failed.push((self.first.name.clone(), refused));
            self.note_failure();
            return self.hand_on(None);
        }
        match self.begin() {
            Ok(events) => Ok(Went::On { events, marker: None }),
            Err(error) => self.go_on(error),
        }
    }

    fn choose(&mut self, pool: &Pool) -> Result<()> {
        let Shared { routes, router, .. } = &*self.shared;
        let refuses = |route: &Route| self.plan.refused(self.holds, route);
        let (job, name) = (&self.ask.job, &self.first.name);
        let choice = router.choose(&job.context, (name, pool), &self.call, routes, refuses);
        job.notes().bill.routed = Some(Box::new(choice.routed.clone()));
        let Some((first, rest)) = choice.order.split_first() else {
            let why: Vec<String> = choice
                .routed
                .considered
                .iter()
                .map(|c| format!("{}: {}", c.model, c.why))
                .collect();
            let detail = format!("no model of {name} can answer the call: {}", why.join("; "));
            let now = self.shared.clock.now();
            let known = pool.models.iter().filter_map(|model| routes.get(model, now).ok());
            if let Some(refused) = all_refused(known.map(|route| refuses(&route))) {
                let advice = "Add a model to the pool that may be told what the call holds, or see \
                              `provider_policy` and `residency` of the agent";
                return Err(LargestackError::with_advice(refused, detail, advice));
            }
            let advice = "Add a model to the pool that takes what the call holds";
            return Err(LargestackError::with_advice(Code::Input, detail, advice));
        };
        self.models.splice(0..0, rest.iter().map(|route| route.name.clone()));
        self.first = first.clone();
        self.ask.route = first.clone();
        self.ask.call.model = first.name.clone();
        self.choice = Some(choice);
        Ok(())
    }

    /// Makes the attempt that is ready.
    fn begin(&mut self) -> Result<S::Events> {
        self.asked += 1;
        let model = &self.ask.route.name;
        self.trial = self.choice.as_ref().and_then(|choice| {
            let chosen = choice.order.iter().any(|route| route.name == *model);
            let (context, pool) = (&self.ask.job.context, &choice.routed.pool);
            chosen.then(|| self.shared.router.watch(context, pool, choice, model))
        });
        let elsewhere = self.trial.is_none() && *model != self.first.name;
        self.ask.job.notes().elsewhere |= elsewhere;
        self.inner.begin(self.ask.clone())
    }

    /// Something was heard of the attempt.
    pub(super) fn heard(&mut self) {
        if let Some(trial) = &mut self.trial {
            trial.heard();
        }
    }

    /// The attempt is over; a pool learns whether it was of use.
    fn tried(&mut self, good: bool) {
        if let Some(trial) = self.trial.take() {
            let cost = self.ask.job.notes().bill.cost;
            trial.end(good, cost.checked_sub(self.booked.1).unwrap_or_default());
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
            self.tried(true);
            return Ok((answer, rest));
        };
        self.tried(false);
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
        let refused_beginning = self.going_on.is_some() && refused_as_written(&error);
        if class(&error) == Class::Final {
            // A wrong request or key says nothing of the model.
            self.trial = None;
        } else {
            self.tried(false);
        }
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
            match self.begin() {
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
        let model = self.models.get(self.used)?.clone();
        self.used += 1;
        let route = self.shared.routes.get(&model, self.shared.clock.now());
        let fitting = route.and_then(|route| {
            match fit::unfit((&self.plan, self.holds), &self.call, &self.first, &route) {
                None => Ok(route),
                Some(unfit) => Err(unfit),
            }
        });
        Some(fitting.map_err(|error| (model, error)))
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
            let usage = notes.bill.usage.since(usage);
            let cost = notes.bill.cost.checked_sub(cost).unwrap_or_default();
            notes.bill.legs.push(Leg { model: model.clone(), usage, cost });
        }
    }
}

/// The code of the refusals, where every route is refused.
fn all_refused(mut refused: impl Iterator<Item = Option<LargestackError>>) -> Option<Code> {
    let first = refused.next()??;
    refused.all(|refused| refused.is_some()).then(|| first.code())
}
