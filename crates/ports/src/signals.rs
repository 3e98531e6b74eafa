//! Events from outside that runs wait for. They belong to the store and not to a process: an event is
//! kept before anybody acts on it, also where no run waits for it yet, and whoever drives the run then
//! or later, in whatever process, finds it.
//!
//! An event is for a whole tree of runs, and is heard once: by the first call that waits for its name.
//! The same event twice, which is one with the same id, is one event. What is decided here is written
//! once, in [`Inbox`], as a value; stores are held to it by their tests.

use std::sync::Arc;

use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::{EffectId, RunId};
use largestack_types::json::Json;
use largestack_types::scope::Scope;
use largestack_types::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::BoxFuture;

mod inbox;

pub use inbox::Inbox;

/// Bytes of an event's name, at most.
pub const MOST_NAME: usize = 100;
/// Bytes of an event's id, at most.
pub const MOST_ID: usize = 200;
/// Bytes of the name of who sends an event, at most.
pub const MOST_BY: usize = 200;
/// Bytes of the JSON that an event brings, at most.
pub const MOST_DATA: usize = 64 * 1024;
/// Events that wait unheard for one tree of runs, at most.
pub const MOST_UNHEARD: usize = 100;
/// Events of one tree of runs that are remembered, heard or not, at most: by them the same event is
/// known again.
pub const MOST_REMEMBERED: usize = 1_000;

/// An event, as somebody says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// Which: the same id again is the same event.
    pub id: Arc<str>,
    /// What runs wait for it by.
    pub name: Arc<str>,
    /// What it brings.
    pub data: Json,
    /// Who says so: a principal, or the name of the key that it was signed with.
    pub by: Arc<str>,
}

impl Signal {
    /// `LARGESTACK_SIGNAL` where it is larger than an event may be, or has no name.
    pub fn check(&self) -> Result<()> {
        let wrong = |detail: String| {
            let advice = "Send less, and say where the rest is: a model reads all of it";
            Err(LargestackError::with_advice(Code::Signal, detail, advice))
        };
        let spelt = |what: &str, text: &str, most: usize| match text {
            "" => Err(format!("an event has {what}")),
            text if text.len() > most => Err(format!(
                "{what} of {} bytes is more than the {most} that it may be",
                text.len()
            )),
            text if text.chars().any(char::is_control) => {
                Err(format!("{what} with control characters is none"))
            }
            _ => Ok(()),
        };
        let all = spelt("a name", &self.name, MOST_NAME)
            .and(spelt("an id", &self.id, MOST_ID))
            .and(spelt("a sender", &self.by, MOST_BY));
        if let Err(detail) = all {
            return wrong(detail);
        }
        let bytes = self.data.as_str().len();
        if bytes > MOST_DATA {
            return wrong(format!(
                "an event of {bytes} bytes is more than the {MOST_DATA} it may be"
            ));
        }
        Ok(())
    }
}

/// What became of an event that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sent {
    /// It is kept until a run hears it.
    Kept,
    /// It was there already: nothing has changed.
    Known,
}

/// An event, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The event.
    pub signal: Signal,
    /// When it came, by the store's clock.
    pub received: Timestamp,
    /// The call that has heard it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard_by: Option<(RunId, EffectId)>,
}

/// A call that waits for an event.
#[derive(Clone, Copy, Debug)]
pub struct Waiting<'a> {
    /// The run at the top of the tree.
    pub root: RunId,
    /// The run and the effect that wait.
    pub by: (RunId, EffectId),
    /// The event's name.
    pub name: &'a str,
    /// What came later is not for this call.
    pub until: Option<Timestamp>,
}

/// Events from outside, where runs and those who send them meet. A tenant sees its own only.
pub trait Signals: Send + Sync + 'static {
    /// Keeps an event for a tree of runs; durable when this returns. `LARGESTACK_SIGNAL` where the
    /// event is too large or too many wait already.
    fn send<'a>(
        &'a self,
        scope: &'a Scope,
        root: RunId,
        signal: Signal,
    ) -> BoxFuture<'a, Result<Sent>>;

    /// Gives a call the oldest event of its name that nobody has heard, for good: durable when this
    /// returns. A call that asks again is given the same one, so that a process which died before it
    /// had recorded what it was given loses nothing and hears nothing twice.
    fn take<'a>(
        &'a self,
        scope: &'a Scope,
        waiting: Waiting<'a>,
    ) -> BoxFuture<'a, Result<Option<Kept>>>;

    /// What is kept for a tree of runs, in the order in which it came.
    fn kept<'a>(&'a self, scope: &'a Scope, root: RunId) -> BoxFuture<'a, Result<Vec<Kept>>>;
}

/// The error of an inbox without room.
pub fn full(root: RunId, heard: bool) -> LargestackError {
    let detail = if heard {
        format!("{MOST_REMEMBERED} events have come for {root}, and no more may")
    } else {
        format!("{MOST_UNHEARD} events wait for {root} to hear them, and no more may")
    };
    LargestackError::with_advice(
        Code::Signal,
        detail,
        format!("See what it waits for: largestack trace {root}"),
    )
}

/// The error of a journal that keeps no events.
pub fn none_here() -> LargestackError {
    LargestackError::with_advice(
        Code::Config,
        "what keeps this run keeps no events from outside",
        "Runs in memory, in files and in Postgres do; one that Restate drives is told there",
    )
}
