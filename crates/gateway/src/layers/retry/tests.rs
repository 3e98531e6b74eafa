use largestack_ports::clock::FakeClock;
use largestack_ports::ids::CountingIds;
use largestack_types::time::Timestamp;

use super::*;

/// Always draws the same.
struct Drawn(u8);

impl Ids for Drawn {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

fn shared(ids: impl Ids, policy: RetryPolicy) -> Shared {
    let clock = Arc::new(FakeClock::at(Timestamp::from_micros(0)));
    let saved = AtomicU32::new(policy.saved * ONE);
    Shared { policy, clock, ids: Arc::new(ids), saved }
}

#[test]
fn waits_double_up_to_the_longest_and_are_drawn_from_their_upper_half() {
    let policy = RetryPolicy::default();
    let waits = |draw| {
        let shared = shared(Drawn(draw), policy);
        [1, 2, 3, 5, 6, 40].map(|failures| shared.wait(failures, None).unwrap().as_millis())
    };
    assert_eq!(waits(0), [250, 500, 1_000, 4_000, 4_000, 4_000]);
    assert_eq!(waits(255), [500, 1_000, 2_000, 8_000, 8_000, 8_000]);
}

#[test]
fn what_the_provider_asks_for_is_honoured_up_to_a_limit() {
    let policy = RetryPolicy::default();
    let wait = |draw, asked| shared(Drawn(draw), policy).wait(1, Some(asked));
    assert_eq!(wait(0, 20), Some(Duration::from_millis(20)));
    assert_eq!(wait(255, 20), Some(Duration::from_millis(22)));
    assert_eq!(wait(0, 30_000), Some(Duration::from_secs(30)));
    assert_eq!(wait(0, 30_001), None);
}

#[test]
fn retries_are_spent_and_earned_back_a_tenth_at_a_time() {
    let policy = RetryPolicy { saved: 2, ..RetryPolicy::default() };
    let shared = shared(CountingIds::default(), policy);
    assert!(shared.spend() && shared.spend() && !shared.spend());
    for _ in 0..9 {
        shared.earn();
    }
    assert!(!shared.spend());
    shared.earn();
    assert!(shared.spend() && !shared.spend());
    for _ in 0..100 {
        shared.earn();
    }
    assert!(shared.spend() && shared.spend() && !shared.spend());
}
