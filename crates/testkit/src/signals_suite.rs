//! The laws of events from outside, wherever they are kept: two processes of one store do what
//! [`Inbox`] does, which has laws of its own. A form runs them all
//! with [`all`].
#![expect(clippy::unwrap_used, reason = "a law that does not hold fails its test")]
#![expect(clippy::indexing_slicing, reason = "a law that does not hold fails its test")]

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use largestack_ports::clock::{Clock as _, FakeClock};
use largestack_ports::signals::{Inbox, MOST_DATA, MOST_UNHEARD, Signal, Signals, Waiting};
use largestack_types::errors::{Code, Coded as _};
use largestack_types::id::{EffectId, RunId};
use largestack_types::json::Json;
use largestack_types::scope::{Scope, TenantId};
use largestack_types::time::Timestamp;

use crate::dice::Dice;

/// Two processes of one store, by one clock.
pub struct Form {
    /// The one.
    pub here: Arc<dyn Signals>,
    /// The other.
    pub there: Arc<dyn Signals>,
    /// Their time, which is the store's.
    pub clock: FakeClock,
    /// Told whenever the clock was moved.
    pub moved: Box<dyn Fn(Timestamp) + Send + Sync>,
}

/// Every law, each over a store of its own.
pub async fn all(forms: &dyn Fn() -> Form) {
    for seed in 0..3 {
        a_store_does_what_the_inbox_does(&forms(), seed).await;
    }
    of_many_calls_that_wait_each_event_is_heard_by_one(&forms()).await;
    there_is_room_for_so_many_and_no_more(&forms()).await;
}

fn tenant(number: i64) -> Scope {
    Scope::authenticated(TenantId::new(&format!("t{number}")).unwrap(), "ann")
}

fn signal(id: &str, name: &str, data: &str) -> Signal {
    let data = Json::parse(data.to_owned()).unwrap();
    Signal { id: id.into(), name: name.into(), data, by: "shop".into() }
}

fn root(number: i64) -> RunId {
    RunId::from_u128(u128::try_from(number).unwrap() + 1)
}

async fn a_store_does_what_the_inbox_does(form: &Form, seed: u64) {
    let mut dice = Dice::new(seed);
    let names = ["paid", "sent", "it's \"odd\" ü"];
    let mut inboxes = [Inbox::default(), Inbox::default()];
    for step in 0..200 {
        let (of, root) = (dice.up_to(1), root(dice.up_to(1)));
        let scope = tenant(of);
        let inbox = &mut inboxes[usize::try_from(of).unwrap()];
        let part = if dice.up_to(1) == 0 { &form.here } else { &form.there };
        let name = names[usize::try_from(dice.up_to(2)).unwrap()];
        match dice.up_to(3) {
            0 | 1 => {
                let id = format!("e{}", dice.up_to(40));
                let sent = signal(&id, name, &format!(r#"{{"step":{step}}}"#));
                let expected = inbox.send(form.clock.now(), root, sent.clone()).unwrap();
                assert_eq!(part.send(&scope, root, sent).await.unwrap(), expected, "{seed} {step}");
            }
            2 => {
                let effect = u32::try_from(dice.up_to(30)).unwrap() + 1;
                let by = (RunId::from_u128(9), EffectId::new(effect));
                let until = (dice.up_to(1) == 0)
                    .then(|| form.clock.now().plus(Duration::from_secs(1)))
                    .map(|at| Timestamp::from_micros(at.micros() - 3_000_000 * dice.up_to(1)));
                let waiting = Waiting { root, by, name, until };
                let taken = part.take(&scope, waiting).await.unwrap();
                assert_eq!(taken, inbox.take(waiting), "{seed} {step}");
            }
            _ => {
                form.clock.advance(Duration::from_secs(1));
                (form.moved)(form.clock.now());
            }
        }
        assert_eq!(part.kept(&scope, root).await.unwrap(), inbox.kept(root), "{seed} {step}");
    }
}

async fn of_many_calls_that_wait_each_event_is_heard_by_one(form: &Form) {
    let scope = tenant(0);
    for number in 0..20 {
        form.here.send(&scope, root(0), signal(&number.to_string(), "paid", "1")).await.unwrap();
    }
    let asks = (1..=30_u32).map(|effect| {
        let part = if effect % 2 == 0 { &form.here } else { &form.there };
        let by = (root(0), EffectId::new(effect));
        part.take(&scope, Waiting { root: root(0), by, name: "paid", until: None })
    });
    let taken = join_all(asks).await.into_iter().filter_map(Result::unwrap);
    let mut ids: Vec<Arc<str>> = taken.map(|kept| kept.signal.id).collect();
    assert_eq!(ids.len(), 20);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 20);
}

async fn there_is_room_for_so_many_and_no_more(form: &Form) {
    let scope = tenant(0);
    let largest = format!("\"{}\"", "x".repeat(MOST_DATA - 2));
    form.here.send(&scope, root(0), signal("large", "paid", &largest)).await.unwrap();
    let larger = format!("\"{}\"", "x".repeat(MOST_DATA - 1));
    let refused = form.here.send(&scope, root(0), signal("larger", "paid", &larger)).await;
    assert_eq!(refused.unwrap_err().code(), Code::Signal);
    // Both at once: room is exact over processes.
    let sends = (0..MOST_UNHEARD + 10).map(|number| {
        let part = if number % 2 == 0 { &form.here } else { &form.there };
        part.send(&scope, root(0), signal(&number.to_string(), "paid", "1"))
    });
    let sent = join_all(sends).await;
    let refused = sent.iter().filter_map(|sent| sent.as_ref().err());
    assert!(refused.clone().all(|error| error.code() == Code::Signal));
    assert_eq!(refused.count(), 11);
    assert_eq!(form.there.kept(&scope, root(0)).await.unwrap().len(), MOST_UNHEARD);
}
