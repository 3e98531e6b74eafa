//! Following a run: a subscription that may begin anywhere and end whenever it likes.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::Stream;
use futures::stream::BoxStream;
use largestack_engine::Recorded;
use largestack_ports::clock::Clock;
use largestack_ports::journal::Journal;
use largestack_types::delta::Delta;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::RunId;
use largestack_types::scope::Scope;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::log::{Log, Next};
use crate::event::RunEvent;

/// How often the journal of a run that another process drives is looked at, where nobody tells that
/// it has grown.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// A place in what a run says. The default is its beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// The last fact that is known; 0 for none.
    pub seq: u64,
    /// How much is known of what the model call under way has said: text counts its bytes,
    /// everything else 1.
    #[serde(default)]
    pub live: u64,
}

/// Something a follower hears.
#[derive(Clone, Debug, PartialEq)]
pub struct Followed {
    /// Where one is after it: following from here goes on with what comes next.
    pub at: Position,
    /// What it is. Pieces of text that were said before one asked may come in one.
    pub event: RunEvent,
}

/// A subscription to a run. Ends when the run does, or waits for somebody; dropping it changes
/// nothing. One that falls far behind hears every fact, but not the pieces of replies that have
/// been superseded by theirs.
#[must_use = "nothing is heard unless it is polled"]
pub struct Follower(BoxStream<'static, Result<Followed>>);

impl Follower {
    pub(super) fn new(source: Source, at: Position) -> Self {
        let place = Place { source, at, read: VecDeque::new() };
        Self(Box::pin(futures::stream::unfold(Some(place), |place| async {
            let mut place = place?;
            match place.step().await {
                Ok(Some(followed)) => Some((Ok(followed), Some(place))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        })))
    }

    /// Only the words of the answer, piece by piece, and none of runs below. Those of an attempt that
    /// was abandoned stay said: [`RunEvent::AttemptAbandoned`] is what tells.
    pub fn text(self) -> impl Stream<Item = Result<String>> + Send {
        use futures::StreamExt as _;
        self.filter_map(|heard| {
            std::future::ready(match heard {
                Ok(Followed {
                    event: RunEvent::Delta { delta: Delta::Text { text }, .. }, ..
                }) => Some(Ok(text)),
                Ok(_) => None,
                Err(error) => Some(Err(error)),
            })
        })
    }
}

impl std::fmt::Debug for Follower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follower").finish_non_exhaustive()
    }
}

impl Stream for Follower {
    type Item = Result<Followed>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

/// Where a follower hears from.
pub(super) struct Source {
    pub(super) scope: Scope,
    pub(super) run: RunId,
    pub(super) journal: Arc<dyn Journal>,
    pub(super) clock: Arc<dyn Clock>,
    /// The log of a run that this process drives.
    pub(super) live: Option<(Arc<Log>, watch::Receiver<()>)>,
}

struct Place {
    source: Source,
    at: Position,
    read: VecDeque<Recorded>,
}

impl Place {
    async fn step(&mut self) -> Result<Option<Followed>> {
        loop {
            let Some((log, changed)) = &mut self.source.live else { return self.stored().await };
            changed.borrow_and_update();
            match log.next(self.at) {
                Next::Event(event, at) => {
                    self.at = at;
                    return Ok(Some(Followed { at, event }));
                }
                Next::Over => return Ok(None),
                Next::Elsewhere => return self.missing().await.map(Some),
                // The log keeps the sender: it does not go away before its reader.
                Next::Wait => {
                    let _ = changed.changed().await;
                }
            }
        }
    }

    /// A fact that is older than what the log holds.
    async fn missing(&mut self) -> Result<Followed> {
        if let Some(fact) = self.take() {
            return Ok(fact);
        }
        // It was appended before the log let go of it, and may be on its way still.
        self.source.journal.durable().await?;
        self.read().await?;
        self.take().ok_or_else(|| {
            let detail = format!("{} lacks facts after {}", self.source.run, self.at.seq);
            LargestackError::other(Code::Journal, detail)
        })
    }

    /// The next fact of a run that this process does not drive.
    async fn stored(&mut self) -> Result<Option<Followed>> {
        loop {
            if let Some(fact) = self.take() {
                return Ok(Some(fact));
            }
            // Asked for before the look, so that nothing falls between the two.
            let told = self.source.journal.told(self.source.run);
            let standing = self.source.journal.run(&self.source.scope, self.source.run).await?;
            self.read().await?;
            if !self.read.is_empty() {
                continue;
            }
            let Some(summary) = standing else { return Ok(None) };
            let waits = summary.status != largestack_engine::Status::Running;
            if waits && summary.seq <= self.at.seq {
                return Ok(None);
            }
            let _first = futures::future::select(told, self.source.clock.sleep(LOOK_AGAIN)).await;
        }
    }

    async fn read(&mut self) -> Result<()> {
        let Source { scope, run, journal, .. } = &self.source;
        self.read = journal.read(scope, *run, self.at.seq).await?.into();
        Ok(())
    }

    fn take(&mut self) -> Option<Followed> {
        while self.read.front().is_some_and(|fact| fact.seq <= self.at.seq) {
            self.read.pop_front();
        }
        let fact = self.read.pop_front()?;
        self.at = self.at.past(&fact);
        Some(Followed { at: self.at, event: RunEvent::Fact(fact) })
    }
}
