//! What is kept for trees of runs, as a value: which event is new, whose it is, and when there is no
//! room. The journal in memory keeps one; stores are compared with it.

use std::collections::BTreeMap;

use largestack_types::errors::Result;
use largestack_types::id::RunId;
use largestack_types::time::Timestamp;

use super::{Kept, MOST_REMEMBERED, MOST_UNHEARD, Sent, Signal, Waiting, full};

/// The events of a tenant, by the tree that they are for.
#[derive(Clone, Debug, Default)]
pub struct Inbox {
    trees: BTreeMap<RunId, Vec<Kept>>,
}

impl Inbox {
    /// Keeps an event that has come now.
    pub fn send(&mut self, now: Timestamp, root: RunId, signal: Signal) -> Result<Sent> {
        signal.check()?;
        let kept = self.trees.entry(root).or_default();
        if kept.iter().any(|kept| kept.signal.id == signal.id) {
            return Ok(Sent::Known);
        }
        if kept.iter().filter(|kept| kept.heard_by.is_none()).count() >= MOST_UNHEARD {
            return Err(full(root, false));
        }
        if kept.len() >= MOST_REMEMBERED {
            return Err(full(root, true));
        }
        kept.push(Kept { signal, received: now, heard_by: None });
        Ok(Sent::Kept)
    }

    /// The event that a call is given: the one that it was given before, else the oldest of its name
    /// that nobody has heard.
    pub fn take(&mut self, waiting: Waiting<'_>) -> Option<Kept> {
        let Waiting { root, by, name, until } = waiting;
        let kept = self.trees.get_mut(&root)?;
        if let Some(again) = kept.iter().find(|kept| kept.heard_by == Some(by)) {
            return Some(again.clone());
        }
        let in_time = |kept: &Kept| until.is_none_or(|until| kept.received <= until);
        let fits = |kept: &&mut Kept| {
            kept.heard_by.is_none() && *kept.signal.name == *name && in_time(kept)
        };
        let found = kept.iter_mut().find(fits)?;
        found.heard_by = Some(by);
        Some(found.clone())
    }

    /// What is kept for a tree.
    pub fn kept(&self, root: RunId) -> Vec<Kept> {
        self.trees.get(&root).cloned().unwrap_or_default()
    }

    /// Forgets a tree.
    pub fn forget(&mut self, root: RunId) {
        self.trees.remove(&root);
    }
}

#[cfg(test)]
mod tests {
    use largestack_types::errors::{Code, Coded as _};
    use largestack_types::id::EffectId;
    use largestack_types::json::Json;

    use super::*;
    use crate::signals::{MOST_BY, MOST_DATA, MOST_ID, MOST_NAME};

    fn signal(id: &str, name: &str) -> Signal {
        let data = Json::parse("{}").unwrap();
        Signal { id: id.into(), name: name.into(), data, by: "ann".into() }
    }

    const ROOT: RunId = RunId::from_u128(1);

    fn waiting(effect: u32, name: &str, until: Option<i64>) -> Waiting<'_> {
        let by = (ROOT, EffectId::new(effect));
        Waiting { root: ROOT, by, name, until: until.map(Timestamp::from_micros) }
    }

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    #[test]
    fn an_event_is_heard_once_and_the_one_who_asks_again_is_given_the_same() {
        let mut inbox = Inbox::default();
        assert_eq!(inbox.send(at(1), ROOT, signal("a", "paid")).unwrap(), Sent::Kept);
        assert_eq!(inbox.send(at(2), ROOT, signal("a", "paid")).unwrap(), Sent::Known);
        assert_eq!(inbox.send(at(3), ROOT, signal("b", "paid")).unwrap(), Sent::Kept);
        let first = inbox.take(waiting(4, "paid", None)).unwrap();
        assert_eq!(&*first.signal.id, "a");
        assert_eq!(inbox.take(waiting(4, "paid", None)).unwrap(), first);
        assert_eq!(&*inbox.take(waiting(5, "paid", None)).unwrap().signal.id, "b");
        assert!(inbox.take(waiting(6, "paid", None)).is_none());
        assert!(inbox.take(waiting(6, "sent", None)).is_none());
        // Heard, it is still the same event.
        assert_eq!(inbox.send(at(4), ROOT, signal("a", "paid")).unwrap(), Sent::Known);
    }

    #[test]
    fn what_came_after_the_last_moment_is_left_for_the_next_call() {
        let mut inbox = Inbox::default();
        inbox.send(at(10), ROOT, signal("a", "paid")).unwrap();
        assert!(inbox.take(waiting(4, "paid", Some(9))).is_none());
        assert!(inbox.take(waiting(4, "paid", Some(10))).is_some());
    }

    #[test]
    fn as_many_events_wait_as_may_and_one_more_is_refused_until_one_is_heard() {
        let mut inbox = Inbox::default();
        for number in 0..MOST_UNHEARD {
            inbox.send(at(1), ROOT, signal(&number.to_string(), "paid")).unwrap();
        }
        let refused = inbox.send(at(1), ROOT, signal("more", "paid")).unwrap_err();
        assert_eq!(refused.code(), Code::Signal);
        // Another tree has room of its own.
        inbox.send(at(1), RunId::from_u128(2), signal("more", "paid")).unwrap();
        inbox.take(waiting(4, "paid", None)).unwrap();
        inbox.send(at(1), ROOT, signal("more", "paid")).unwrap();
    }

    #[test]
    fn as_many_events_are_remembered_as_may_be() {
        let mut inbox = Inbox::default();
        for number in 0..MOST_REMEMBERED {
            inbox.send(at(1), ROOT, signal(&number.to_string(), "paid")).unwrap();
            let effect = u32::try_from(number).unwrap() + 1;
            inbox.take(waiting(effect, "paid", None)).unwrap();
        }
        let refused = inbox.send(at(1), ROOT, signal("more", "paid")).unwrap_err();
        assert!(refused.message().contains("1000 events have come"), "{}", refused.message());
    }

    #[test]
    fn an_event_is_as_large_as_it_may_be_and_no_larger() {
        let long = |most: usize| "n".repeat(most);
        let data = |bytes: usize| Json::parse(format!("\"{}\"", long(bytes - 2))).unwrap();
        let (most, by) = (signal(&long(MOST_ID), &long(MOST_NAME)), long(MOST_BY).into());
        let most = Signal { data: data(MOST_DATA), by, ..most };
        most.check().unwrap();
        for wrong in [
            Signal { data: data(MOST_DATA + 1), ..most.clone() },
            Signal { name: long(MOST_NAME + 1).into(), ..most.clone() },
            Signal { id: long(MOST_ID + 1).into(), ..most.clone() },
            Signal { by: long(MOST_BY + 1).into(), ..most.clone() },
            Signal { by: "".into(), ..most.clone() },
            Signal { name: "".into(), ..most.clone() },
            Signal { name: "two\nlines".into(), ..most.clone() },
        ] {
            assert_eq!(wrong.check().unwrap_err().code(), Code::Signal);
        }
    }
}
