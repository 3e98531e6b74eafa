//! The laws of rate limits, whatever they are made of. Each function is one law and panics where it
//! does not hold; a form runs them all with [`all`].
#![expect(clippy::unwrap_used, clippy::panic, reason = "a law that does not hold fails its test")]

use std::sync::Arc;
use std::time::Duration;

use largestack_ports::clock::{Clock as _, FakeClock};
use largestack_ports::limits::{LimitKey, LimitKind, Limits, Measure, Rate, Take, Verdict};
use largestack_types::scope::{Scope, TenantId};

use crate::dice::Dice;

/// A form of the limits; its parts are as many processes over the same state.
pub trait Form: Send + Sync + 'static {
    /// One process's side.
    fn part(&self) -> Arc<dyn Limits>;

    /// The time.
    fn clock(&self) -> FakeClock;
}

type Forms<'a> = &'a dyn Fn() -> Box<dyn Form>;

fn key(kind: LimitKind, measure: Measure) -> LimitKey {
    LimitKey::new(&Scope::local(), kind, "a".into(), measure)
}

fn of(rate: Rate, units: u64) -> Take {
    Take { key: key(LimitKind::User, Measure::Requests), rate, units }
}

async fn granted(limits: &dyn Limits, takes: &[Take]) -> bool {
    limits.take(takes).await.unwrap() == Verdict::Granted
}

async fn wait(limits: &dyn Limits, takes: &[Take]) -> Option<Duration> {
    match limits.take(takes).await.unwrap() {
        Verdict::Denied { wait, .. } => wait,
        Verdict::Granted => panic!("granted"),
    }
}

/// Every law, each over a state of its own.
pub async fn all(forms: Forms<'_>) {
    a_burst_is_granted_and_then_one_at_a_time(&*forms()).await;
    the_wait_that_is_named_is_enough_and_less_is_not(&*forms()).await;
    all_limits_or_none(&*forms()).await;
    what_is_unused_comes_back_and_what_is_beyond_is_owed(&*forms()).await;
    more_than_the_burst_is_never_granted(&*forms()).await;
    names_measures_and_tenants_are_counted_apart(&*forms()).await;
    within_any_stretch_no_more_than_burst_and_rate(&*forms()).await;
    many_at_once_take_no_more_than_the_burst(&*forms()).await;
}

async fn a_burst_is_granted_and_then_one_at_a_time(form: &dyn Form) {
    let (limits, clock) = (form.part(), form.clock());
    let take = [of(Rate { per_minute: 60, burst: 3 }, 1)];
    for _ in 0..3 {
        assert!(granted(&*limits, &take).await);
    }
    assert!(!granted(&*limits, &take).await);
    for _ in 0..5 {
        clock.advance(Duration::from_micros(999_999));
        assert!(!granted(&*limits, &take).await);
        clock.advance(Duration::from_micros(1));
        assert!(granted(&*limits, &take).await);
        assert!(!granted(&*limits, &take).await);
    }
    // A pause saves up the burst and no more.
    clock.advance(Duration::from_hours(1));
    for expected in [true, true, true, false] {
        assert_eq!(granted(&*limits, &take).await, expected);
    }
}

async fn the_wait_that_is_named_is_enough_and_less_is_not(form: &dyn Form) {
    let (limits, clock) = (form.part(), form.clock());
    for rate in [Rate::per_minute(7), Rate { per_minute: 1_000, burst: 50 }] {
        let take = [Take { key: key(LimitKind::Model, Measure::InputTokens), rate, units: 5 }];
        while granted(&*limits, &take).await {}
        let named = wait(&*limits, &take).await.unwrap();
        clock.advance(named.saturating_sub(Duration::from_micros(1)));
        assert!(!granted(&*limits, &take).await, "{named:?}");
        // A clock of microseconds reaches the named moment within one.
        clock.advance(Duration::from_micros(2));
        assert!(granted(&*limits, &take).await, "{named:?}");
        clock.advance(Duration::from_hours(2));
    }
}

async fn all_limits_or_none(form: &dyn Form) {
    let limits = form.part();
    let tokens = key(LimitKind::Tenant, Measure::OutputTokens);
    let wide = |units| Take { key: tokens.clone(), rate: Rate::per_minute(100), units };
    let narrow = of(Rate::per_minute(1), 1);
    assert!(granted(&*limits, &[wide(40), narrow.clone()]).await);
    let denied = limits.take(&[wide(40), narrow]).await.unwrap();
    assert!(matches!(denied, Verdict::Denied { at: 1, wait: Some(_) }), "{denied:?}");
    // The 40 that were refused along with it are still there.
    assert!(granted(&*limits, &[wide(60)]).await);
    assert!(!granted(&*limits, &[wide(1)]).await);
    assert!(granted(&*limits, &[]).await);
}

async fn what_is_unused_comes_back_and_what_is_beyond_is_owed(form: &dyn Form) {
    let (limits, clock) = (form.part(), form.clock());
    let rate = Rate::per_minute(600);
    let take = [of(rate, 500)];
    assert!(granted(&*limits, &take).await);
    assert!(!granted(&*limits, &[of(rate, 101)]).await);
    limits.correct(&take, &[20]).await.unwrap();
    let rest = [of(rate, 580)];
    assert!(!granted(&*limits, &[of(rate, 581)]).await);
    assert!(granted(&*limits, &rest).await);
    // Thirty more than was taken: three seconds.
    limits.correct(&rest, &[610]).await.unwrap();
    let one = [of(rate, 1)];
    clock.advance(Duration::from_millis(3_099));
    assert!(!granted(&*limits, &one).await);
    clock.advance(Duration::from_millis(1));
    assert!(granted(&*limits, &one).await);
    // Given back later than it was earned again, it is not granted twice.
    clock.advance(Duration::from_hours(1));
    limits.correct(&one, &[0]).await.unwrap();
    assert!(granted(&*limits, &[of(rate, 600)]).await);
    assert!(!granted(&*limits, &one).await);
}

async fn more_than_the_burst_is_never_granted(form: &dyn Form) {
    let limits = form.part();
    let rate = Rate { per_minute: 1_000, burst: 10 };
    assert_eq!(wait(&*limits, &[of(rate, 11)]).await, None);
    assert!(granted(&*limits, &[of(rate, 10)]).await);
}

async fn names_measures_and_tenants_are_counted_apart(form: &dyn Form) {
    let limits = form.part();
    let other = Scope::authenticated(TenantId::new("other").unwrap(), "ann");
    let keys = [
        key(LimitKind::User, Measure::Requests),
        key(LimitKind::User, Measure::Money),
        key(LimitKind::Provider, Measure::Requests),
        LimitKey::new(&Scope::local(), LimitKind::User, "b".into(), Measure::Requests),
        LimitKey::new(&other, LimitKind::User, "a".into(), Measure::Requests),
    ];
    for expected in [true, false] {
        for key in &keys {
            let take = [Take { key: key.clone(), rate: Rate::per_minute(1), units: 1 }];
            assert_eq!(granted(&*limits, &take).await, expected, "{key}");
        }
    }
}

async fn within_any_stretch_no_more_than_burst_and_rate(form: &dyn Form) {
    let (parts, clock) = ([form.part(), form.part()], form.clock());
    let (rate, mut dice) = (Rate { per_minute: 977, burst: 100 }, Dice::new(1));
    let began = clock.now();
    let mut taken: Vec<(u128, u64)> = Vec::new();
    for _ in 0..150 {
        clock.advance(Duration::from_micros(dice.up_to(3_000_000).unsigned_abs()));
        let units = dice.up_to(60).unsigned_abs();
        let part = if dice.roll() % 2 == 0 { parts.first() } else { parts.last() };
        let take = [of(rate, units)];
        if !granted(&**part.unwrap(), &take).await {
            continue;
        }
        let used = if dice.roll() % 3 == 0 { dice.up_to(60).unsigned_abs() } else { units };
        part.unwrap().correct(&take, &[used.min(units)]).await.unwrap();
        taken.push((clock.now().since(began).as_micros(), used.min(units)));
    }
    for (at, (from, _)) in taken.iter().enumerate() {
        let mut sum = 0;
        for (to, units) in taken.iter().skip(at) {
            sum += u128::from(*units);
            let earned = u128::from(rate.per_minute) * (to - from) / 60_000_000;
            assert!(sum <= u128::from(rate.burst) + earned + 1, "{sum} in {} us", to - from);
        }
    }
    assert!(taken.len() > 50);
}

async fn many_at_once_take_no_more_than_the_burst(form: &dyn Form) {
    let rate = Rate::per_minute(40);
    let tasks = (0..4).map(|_| {
        let part = form.part();
        tokio::runtime::Handle::current().spawn(async move {
            let mut count = 0;
            for _ in 0..25 {
                count += u32::from(granted(&*part, &[of(rate, 1)]).await);
                tokio::task::yield_now().await;
            }
            count
        })
    });
    let counts = futures::future::join_all(tasks).await;
    assert_eq!(counts.into_iter().map(Result::unwrap).sum::<u32>(), 40);
}
