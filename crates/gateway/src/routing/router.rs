//! Chooses, watches how it goes, and remembers.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use largestack_engine::event::{Considered, Routed};
use largestack_ports::BoxFuture;
use largestack_ports::clock::Clock;
use largestack_ports::model::CallContext;
use largestack_ports::pools::PoolMemory;
use largestack_ports::tasks::Tasks;
use largestack_types::call::Call;
use largestack_types::errors::LargestackError;
use largestack_types::id::RunId;
use largestack_types::scope::{Scope, TenantId};

use super::bandit::Features;
use super::choice::{self, Member};
use super::demand::Demand;
use super::learned::State;
use super::pool::Pool;
use super::random::Lots;
use super::trial::Trial;
use crate::route::{Route, Routes, Served};

/// Pools of tenants that are held in memory at once.
const MAX_STATES: usize = 4_096;
/// Decisions that a caller may still score.
const MAX_SCORABLE: usize = 4_096;

/// Pools by their tenant and name.
type States = HashMap<(TenantId, Arc<str>), Arc<State>>;

/// A decision that may be scored.
struct Scorable {
    tenant: TenantId,
    run: RunId,
    state: Arc<State>,
    pool: Arc<str>,
    model: Arc<str>,
    features: Features,
}

/// Chooses models of pools.
pub(crate) struct Router {
    memory: Option<Arc<dyn PoolMemory>>,
    pub(super) clock: Arc<dyn Clock>,
    tasks: Arc<dyn Tasks>,
    states: Mutex<States>,
    scorable: Mutex<VecDeque<Scorable>>,
}

/// A decision.
pub(crate) struct Choice {
    /// Who is asked, best first; empty when nobody can.
    pub(crate) order: Vec<Arc<Route>>,
    /// For the record of the call.
    pub(crate) routed: Routed,
    pub(super) features: Features,
    pub(super) state: Arc<State>,
}

impl Router {
    pub(crate) fn new(
        memory: Option<Arc<dyn PoolMemory>>,
        clock: Arc<dyn Clock>,
        tasks: Arc<dyn Tasks>,
    ) -> Self {
        let (states, scorable) = Default::default();
        Self { memory, clock, tasks, states, scorable }
    }

    fn state(&self, scope: &Scope, pool: &Arc<str>) -> Arc<State> {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (scope.tenant().clone(), pool.clone());
        if states.len() >= MAX_STATES && !states.contains_key(&key) {
            states.clear();
        }
        states.entry(key).or_default().clone()
    }

    /// Reads what was learned before; `None` when that has been done.
    pub(crate) fn load(&self, scope: &Scope, pool: &Arc<str>) -> Option<BoxFuture<'static, ()>> {
        let memory = self.memory.clone()?;
        let state = self.state(scope, pool);
        if state.lock().loaded {
            return None;
        }
        let (scope, pool) = (scope.clone(), pool.clone());
        Some(Box::pin(async move {
            // What cannot be read is learned again.
            let text = memory.load(&scope, &pool).await.ok().flatten();
            let learned = text.and_then(|text| serde_json::from_str(&text).ok());
            let mut inner = state.lock();
            if !std::mem::replace(&mut inner.loaded, true)
                && let Some(learned) = learned
            {
                inner.learned = learned;
            }
        }))
    }

    /// Saves what is known, behind the caller; one task at a time for each pool.
    fn save(&self, scope: &Scope, pool: &Arc<str>, state: &Arc<State>) {
        let Some(memory) = self.memory.clone() else { return };
        {
            let mut inner = state.lock();
            inner.newer = true;
            if std::mem::replace(&mut inner.saving, true) {
                return;
            }
        }
        let (scope, pool, state) = (scope.clone(), pool.clone(), state.clone());
        self.tasks.spawn(Box::pin(async move {
            loop {
                let text = {
                    let mut inner = state.lock();
                    if !std::mem::take(&mut inner.newer) {
                        inner.saving = false;
                        return;
                    }
                    serde_json::to_string(&inner.learned)
                };
                // What is not saved is learned again.
                if let Ok(text) = text {
                    let _ = memory.save(&scope, &pool, text).await;
                }
            }
        }));
    }

    /// Chooses for a call. `refuses` says why a model may not be asked, beside what it can do.
    pub(crate) fn choose(
        &self,
        context: &CallContext,
        (name, pool): (&Arc<str>, &Pool),
        call: &Call,
        routes: &Routes,
        refuses: impl Fn(&Route) -> Option<LargestackError>,
    ) -> Choice {
        let (demand, now) = (Demand::of(call), self.clock.now());
        let (mut open, mut shut): (Vec<Member>, Vec<Member>) = Default::default();
        let mut passed_over = Vec::new();
        for (place, model) in pool.models.iter().enumerate() {
            let fitting =
                routes.get(model, now).map_err(|error| said(&error)).and_then(
                    |route| match refuses(&route)
                        .map(|error| said(&error))
                        .or_else(|| demand.beyond(&route.profile))
                    {
                        Some(reason) => Err(reason),
                        None => Ok(route),
                    },
                );
            match fitting {
                Ok(route) if self.is_down(&route) => shut.push((place, route)),
                Ok(route) => open.push((place, route)),
                Err(why) => passed_over.push(Considered { model: model.clone(), why }),
            }
        }
        let state = self.state(&context.scope, name);
        let mut lots = Lots::of(context.run, context.effect, name);
        let inner = state.lock();
        let mut order = choice::order(pool, open, &demand, &inner, &mut lots, now);
        drop(inner);
        // Who is spared now is asked only when nobody else is left.
        order.extend(shut.into_iter().map(|(_, route)| (route, "spared: it is down".to_owned())));
        let reasons =
            order.iter().map(|(r, why)| Considered { model: r.name.clone(), why: why.clone() });
        let record = Routed {
            pool: name.clone(),
            strategy: pool.strategy.name().into(),
            considered: reasons.chain(passed_over).collect(),
        };
        let order = order.into_iter().map(|(route, _)| route).collect();
        Choice { order, routed: record, features: Features::of(&demand), state }
    }

    fn is_down(&self, route: &Route) -> bool {
        match &route.served {
            Served::There(there) => there.circuits.is_shut(&*self.clock),
            Served::Here(_) | Served::Pool(_) => false,
        }
    }

    /// Begins to watch an attempt.
    pub(crate) fn watch(
        self: &Arc<Self>,
        context: &CallContext,
        pool: &Arc<str>,
        choice: &Choice,
        model: &Arc<str>,
    ) -> Trial {
        Trial::begin(self.clone(), context, pool.clone(), choice, model.clone())
    }

    /// An attempt has taught something.
    pub(super) fn learned(&self, trial: &Trial) {
        let scorable = Scorable {
            tenant: trial.scope.tenant().clone(),
            run: trial.run,
            state: trial.state.clone(),
            pool: trial.pool.clone(),
            model: trial.model.clone(),
            features: trial.features,
        };
        let mut waiting = self.scorable.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= MAX_SCORABLE {
            waiting.pop_front();
        }
        waiting.push_back(scorable);
        drop(waiting);
        self.save(&trial.scope, &trial.pool, &trial.state);
    }

    /// A caller's judgement of a run: every decision of it learns. Each can be scored once.
    pub(crate) fn score(&self, scope: &Scope, run: RunId, worth: f64) -> usize {
        let mut waiting = self.scorable.lock().unwrap_or_else(PoisonError::into_inner);
        let (scored, rest): (VecDeque<_>, VecDeque<_>) =
            waiting.drain(..).partition(|s| s.run == run && s.tenant == *scope.tenant());
        *waiting = rest;
        drop(waiting);
        for decision in &scored {
            decision.state.lock().learned.score(&decision.model, &decision.features, worth);
            self.save(scope, &decision.pool, &decision.state);
        }
        scored.len()
    }
}

fn said(error: &LargestackError) -> String {
    largestack_types::errors::Coded::message(error)
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Router")
    }
}
