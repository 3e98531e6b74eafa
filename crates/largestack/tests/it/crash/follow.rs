//! Somebody in another process who follows a run over the ends of those that drive it, and who goes
//! away and comes back again and again with the place of what was heard last.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use futures::StreamExt as _;
use largestack::event::Recorded;
use largestack::{Position, RunEvent, Runs};

use super::fuse::Fuse;
use super::scenes::RUN;
use super::world::Place;

/// Follows until the run has ended, three facts at a time.
pub(super) fn follow(place: Place) -> JoinHandle<Vec<Recorded>> {
    std::thread::spawn(move || {
        let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        tokio.block_on(heard(&place))
    })
}

async fn heard(place: &Place) -> Vec<Recorded> {
    let runs = Runs::new(place.runtime(&[], &Arc::new(Fuse::new(0))).await);
    let (scope, mut at, mut facts) = (place.scope(), Position::default(), Vec::<Recorded>::new());
    for _ in 0..10_000 {
        if facts.last().is_some_and(|last| last.event.kind() == "run_finished") {
            return facts;
        }
        // It may not have begun yet.
        let Ok(follower) = runs.follow(&scope, RUN, at).await else {
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        };
        let some: Vec<_> = follower.take(3).collect().await;
        if some.is_empty() {
            // It waits for somebody.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        for heard in some {
            let heard = heard.unwrap();
            at = heard.at;
            if let RunEvent::Fact(fact) = heard.event {
                facts.push(fact);
            }
        }
    }
    panic!("{RUN} never ends");
}

/// What is on record.
pub(super) fn on_record(place: &Place) -> Vec<Recorded> {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio.block_on(async {
        let runtime = place.runtime(&[], &Arc::new(Fuse::new(0))).await;
        runtime.journal.read(&place.scope(), RUN, 0).await.unwrap()
    })
}
