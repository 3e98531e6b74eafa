//! Who waits for a commit.

use std::task::Waker;

/// Where a waiter was put, so that polling it again does not add it again.
pub(crate) type Place = Option<(u64, usize)>;

/// Barriers that wait, each for its ticket.
#[derive(Default)]
pub(crate) struct Waiters {
    waiting: Vec<(u64, Waker)>,
    /// Changes whenever places do.
    generation: u64,
}

impl Waiters {
    /// How many wait.
    pub(crate) const fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Remembers whom to wake when `ticket` is committed; `place` is as the last time left it.
    pub(crate) fn remember(&mut self, ticket: u64, waker: &Waker, place: &mut Place) {
        let known = place.filter(|(generation, _)| *generation == self.generation);
        if let Some((_, slot)) = known.and_then(|(_, at)| self.waiting.get_mut(at)) {
            slot.clone_from(waker);
            return;
        }
        *place = Some((self.generation, self.waiting.len()));
        self.waiting.push((ticket, waker.clone()));
    }

    /// Takes out whoever waits for `ticket` or an earlier one.
    pub(crate) fn up_to(&mut self, ticket: u64) -> Vec<Waker> {
        self.generation += 1;
        let covered = self.waiting.extract_if(.., |(wanted, _)| *wanted <= ticket);
        covered.map(|(_, waker)| waker).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiter_is_kept_once_and_taken_out_with_its_ticket() {
        let (mut waiters, waker) = (Waiters::default(), Waker::noop());
        let (mut first, mut second) = (None, None);
        for _ in 0..3 {
            waiters.remember(5, waker, &mut first);
            waiters.remember(2, waker, &mut second);
        }
        assert_eq!(waiters.len(), 2);
        assert_eq!(waiters.up_to(1).len(), 0);
        assert_eq!(waiters.up_to(4).len(), 1);
        assert_eq!(waiters.len(), 1);
        assert_eq!(waiters.up_to(5).len(), 1);
    }
}
