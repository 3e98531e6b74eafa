//! Who is told that something has changed: processes by a notification of the server, which may be
//! lost, and whoever waits in this one. Telling is no part of a commit: notifications would make all
//! commits of the server wait for each other.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use largestack_types::id::RunId;
use sqlx::PgPool;
use tokio::sync::{Notify, broadcast};
use tokio::time::sleep;

/// How long runs are gathered before others are told of them.
const GATHER: Duration = Duration::from_millis(5);

/// Runs that one notification names: it holds less than 8,000 bytes.
const MOST: usize = 200;

/// What is said of switches.
pub(super) const SWITCHES: &str = "switches";
/// What is said where a worker may find something to do.
pub(super) const WORK: &str = "work";
/// What is said where there are too many to name.
const EVERYTHING: &str = "*";

/// What somebody was told.
#[derive(Clone)]
enum News {
    Runs(Arc<[RunId]>),
    /// A worker may find something to do.
    Work,
    /// Anything may have changed.
    Everything,
}

/// What is to be told, and who listens.
pub(super) struct Told {
    runs: Mutex<BTreeSet<RunId>>,
    some: Notify,
    heard: broadcast::Sender<News>,
    /// Said once: the switches have changed.
    pub(super) switches: Notify,
}

impl Default for Told {
    fn default() -> Self {
        let heard = broadcast::Sender::new(256);
        Self { runs: Mutex::default(), some: Notify::new(), heard, switches: Notify::new() }
    }
}

impl Told {
    fn pending(&self) -> std::sync::MutexGuard<'_, BTreeSet<RunId>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that these runs have grown.
    pub(super) fn say(&self, runs: impl Iterator<Item = RunId>) {
        let mut pending = self.pending();
        let had = !pending.is_empty();
        pending.extend(runs);
        if !had && !pending.is_empty() {
            self.some.notify_one();
        }
    }

    /// Tells other processes, for as long as it is polled.
    pub(super) async fn tell(&self, pool: PgPool, channel: String) {
        loop {
            self.some.notified().await;
            sleep(GATHER).await;
            let runs = std::mem::take(&mut *self.pending());
            let text = if runs.len() > MOST {
                EVERYTHING.to_owned()
            } else {
                let names: Vec<String> =
                    runs.iter().map(|run| hex::encode(run.as_bytes())).collect();
                names.join(" ")
            };
            // One that is lost is made up for by whoever looks by himself.
            let _lost = notify(&pool, &channel, &text).await;
        }
    }

    /// Takes in what another process, or this one, has said.
    pub(super) fn hear(&self, text: &str) {
        if text == SWITCHES {
            self.switches.notify_one();
            return;
        }
        if text == WORK {
            // Nobody needs to listen.
            let _nobody = self.heard.send(News::Work);
            return;
        }
        let run = |name: &str| {
            let mut bytes = [0; 16];
            hex::decode_to_slice(name, &mut bytes).ok()?;
            Some(RunId::from_u128(u128::from_be_bytes(bytes)))
        };
        let runs: Option<Arc<[RunId]>> = text.split(' ').map(run).collect();
        // Nobody needs to listen.
        let _nobody = self.heard.send(runs.map_or(News::Everything, News::Runs));
    }

    /// What was said may have been missed.
    pub(super) fn missed(&self) {
        self.switches.notify_one();
        let _nobody = self.heard.send(News::Everything);
    }

    /// Ends when this run may have grown since.
    pub(super) fn of(&self, run: RunId) -> BoxFuture<'static, ()> {
        let mut heard = self.heard.subscribe();
        async move {
            loop {
                match heard.recv().await {
                    Ok(News::Runs(runs)) if !runs.contains(&run) => {}
                    Ok(News::Work) => {}
                    // Too far behind to know: it may have.
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return,
                    Err(broadcast::error::RecvError::Closed) => {
                        return std::future::pending().await;
                    }
                }
            }
        }
        .boxed()
    }

    /// Ends when a worker may find something to do since.
    pub(super) fn of_work(&self) -> BoxFuture<'static, ()> {
        let mut heard = self.heard.subscribe();
        async move {
            loop {
                match heard.recv().await {
                    Ok(News::Runs(_)) => {}
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return,
                    Err(broadcast::error::RecvError::Closed) => {
                        return std::future::pending().await;
                    }
                }
            }
        }
        .boxed()
    }
}

/// Says something on a channel.
pub(super) async fn notify(pool: &PgPool, channel: &str, text: &str) -> Result<(), sqlx::Error> {
    let notify = sqlx::query("SELECT pg_notify($1, $2)").bind(channel).bind(text);
    notify.execute(pool).await.map(drop)
}
