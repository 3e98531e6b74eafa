//! Who waits for a limit, and in which order: those whose agents go first, then in turns between
//! tenants and users, for each in the order of arrival. Turns are start-time fair queueing (Goyal,
//! Vin and Cheng, 1996) with every call of the same size.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use largestack_ports::limits::{LimitKey, Take};
use largestack_types::scope::TenantId;
use tokio::sync::Notify;

/// Whose calls take turns with whose.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Flow {
    /// Whether all that go first go before.
    pub(super) last: bool,
    pub(super) tenant: TenantId,
    pub(super) principal: Arc<str>,
}

/// Too many wait already.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

/// First those that go first; then by turn; then by arrival.
type Place = (bool, u64, u64);

#[derive(Default)]
struct Queue {
    waiting: BTreeMap<Place, Arc<Notify>>,
    /// The last turn of each flow.
    turns: HashMap<Flow, u64>,
    /// The turn that is served.
    now: u64,
    arrived: u64,
}

/// Everybody who waits.
#[derive(Default)]
pub(super) struct Line(Mutex<HashMap<LimitKey, Queue>>);

/// A place in a queue; given up when dropped.
pub(super) struct Ticket {
    line: Arc<Line>,
    key: LimitKey,
    place: Place,
    notify: Arc<Notify>,
}

impl Line {
    fn queues(&self) -> MutexGuard<'_, HashMap<LimitKey, Queue>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether somebody waits whom this one would not go before.
    pub(super) fn is_waited_for(&self, key: &LimitKey, flow: &Flow) -> bool {
        let queues = self.queues();
        let queue = queues.get(key);
        queue.is_some_and(|queue| queue.waiting.keys().any(|(last, ..)| *last <= flow.last))
    }

    /// Takes a place in the queue for a limit; a ticket for the same limit is kept.
    pub(super) fn join(
        self: &Arc<Self>,
        held: Option<Ticket>,
        key: &LimitKey,
        flow: &Flow,
        most: usize,
    ) -> Result<Ticket, Full> {
        if let Some(ticket) = held.filter(|ticket| ticket.key == *key) {
            return Ok(ticket);
        }
        let mut queues = self.queues();
        let queue = queues.entry(key.clone()).or_default();
        if queue.waiting.len() >= most {
            return Err(Full);
        }
        let turn = queue.turns.get(flow).map_or(queue.now, |last| queue.now.max(last + 1));
        queue.turns.insert(flow.clone(), turn);
        queue.arrived += 1;
        let place = (flow.last, turn, queue.arrived);
        let notify = Arc::new(Notify::new());
        queue.waiting.insert(place, notify.clone());
        Ok(Ticket { line: self.clone(), key: key.clone(), place, notify })
    }

    /// Wakes whoever waits first for each of these.
    pub(super) fn wake(&self, takes: &[Take]) {
        let queues = self.queues();
        if queues.is_empty() {
            return;
        }
        for queue in takes.iter().filter_map(|take| queues.get(&take.key)) {
            if let Some((_, first)) = queue.waiting.first_key_value() {
                first.notify_one();
            }
        }
    }
}

impl Ticket {
    fn is_first(&self) -> bool {
        let queues = self.line.queues();
        let first = queues.get(&self.key).and_then(|queue| queue.waiting.first_key_value());
        first.is_some_and(|(place, _)| *place == self.place)
    }

    /// Waits until nobody is before this one.
    pub(super) async fn head(&self) {
        while !self.is_first() {
            self.notify.notified().await;
        }
    }

    /// Waits until something has changed.
    pub(super) async fn woken(&self) {
        self.notify.notified().await;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut queues = self.line.queues();
        let Some(queue) = queues.get_mut(&self.key) else { return };
        let was_first = queue.waiting.first_key_value().is_some_and(|(p, _)| *p == self.place);
        queue.waiting.remove(&self.place);
        if was_first {
            queue.now = queue.now.max(self.place.1);
        }
        match queue.waiting.first_key_value() {
            Some((_, first)) => first.notify_one(),
            // Nobody waits, so there are no turns to keep.
            None => drop(queues.remove(&self.key)),
        }
    }
}

#[cfg(test)]
mod tests;
