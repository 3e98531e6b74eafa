//! Single flight: of all who ask the same at once, one asks the provider and the others get what
//! it was told. Who leads and goes away hands over; nobody waits for somebody who is not there.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::channel::oneshot;
use largestack_ports::cache::CachedReply;
use largestack_types::hash::Hash;

/// What becomes of one who waits.
pub(super) enum Turn {
    /// The leader has been answered.
    Answered(Arc<CachedReply>),
    /// The leader has gone: this one asks now.
    Lead(Lead),
    /// The leader has something that is not kept: everybody asks.
    Alone,
}

type Waiting = VecDeque<oneshot::Sender<Turn>>;

/// Calls under way, by key. A key holds its tenant.
#[derive(Default)]
pub(super) struct Flights(Mutex<HashMap<Hash, Waiting>>);

impl Flights {
    fn lock(&self) -> MutexGuard<'_, HashMap<Hash, Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lead, or a place behind whoever has it.
    pub(super) fn join(self: &Arc<Self>, key: Hash) -> Result<Lead, oneshot::Receiver<Turn>> {
        let mut flights = self.lock();
        if let Some(waiting) = flights.get_mut(&key) {
            let (sender, receiver) = oneshot::channel();
            // Who has gone meanwhile must not fill the memory.
            waiting.retain(|sender| !sender.is_canceled());
            waiting.push_back(sender);
            return Err(receiver);
        }
        flights.insert(key, Waiting::new());
        Ok(Lead { flights: self.clone(), key, over: false })
    }
}

/// The right to ask. Dropped without an end, it goes to the next who waits.
pub(super) struct Lead {
    flights: Arc<Flights>,
    key: Hash,
    over: bool,
}

impl Lead {
    /// Ends the flight: everybody gets the reply, or asks alone.
    pub(super) fn end(mut self, reply: Option<&Arc<CachedReply>>) {
        self.over = true;
        let waiting = self.flights.lock().remove(&self.key).unwrap_or_default();
        for sender in waiting {
            let turn = reply.map_or(Turn::Alone, |reply| Turn::Answered(reply.clone()));
            // Who has gone needs no answer.
            let _ = sender.send(turn);
        }
    }

    fn hand_over(&self) {
        loop {
            let next = {
                let mut flights = self.flights.lock();
                let next = flights.get_mut(&self.key).and_then(VecDeque::pop_front);
                if next.is_none() {
                    flights.remove(&self.key);
                }
                next
            };
            let Some(next) = next else { return };
            let lead = Self { flights: self.flights.clone(), key: self.key, over: false };
            match next.send(Turn::Lead(lead)) {
                Ok(()) => return,
                Err(Turn::Lead(mut back)) => back.over = true,
                Err(_) => {}
            }
        }
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        if !self.over {
            self.hand_over();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn key() -> Hash {
        Hash::of(b"call")
    }

    fn waits(flights: &Arc<Flights>) -> oneshot::Receiver<Turn> {
        flights.join(key()).err().unwrap()
    }

    #[test]
    fn one_leads_and_the_others_hear_its_end() {
        let flights = Arc::new(Flights::default());
        let lead = flights.join(key()).ok().unwrap();
        let others = [waits(&flights), waits(&flights)];
        lead.end(None);
        for other in others {
            assert!(matches!(other.now_or_never(), Some(Ok(Turn::Alone))));
        }
        assert!(flights.join(key()).is_ok());
    }

    #[test]
    fn a_leader_who_goes_hands_over_to_one_who_is_still_there() {
        let flights = Arc::new(Flights::default());
        let lead = flights.join(key()).ok().unwrap();
        let gone = waits(&flights);
        let (second, third) = (waits(&flights), waits(&flights));
        drop(gone);
        drop(lead);
        let Some(Ok(Turn::Lead(second))) = second.now_or_never() else { panic!("no lead") };
        // One who was handed the lead and goes before he looks hands it on as well.
        let fourth = waits(&flights);
        drop(second);
        drop(third);
        let Some(Ok(Turn::Lead(fourth))) = fourth.now_or_never() else { panic!("no lead") };
        assert!(flights.join(key()).is_err());
        drop(fourth);
        assert!(flights.join(key()).is_ok());
        assert!(flights.lock().len() <= 1);
    }
}
