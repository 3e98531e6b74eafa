//! Conversations: what was said in the runs of a session, of one user of one tenant. Written with the
//! journal, in the same append as the end of a run, and so kept where the journal is.
//!
//! One run at a time speaks in a session: it holds it for as long as it holds its own lease, so that
//! no run misses what another one is about to say, and a process that dies holds nothing.

use std::sync::Arc;
use std::time::Duration;

use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::hash::Hash;
use largestack_types::id::{RunId, SessionId};
use largestack_types::message::Message;
use largestack_types::scope::Scope;
use largestack_types::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::BoxFuture;
use crate::journal::Lease;

/// Bytes that the name of a session may have.
pub const LONGEST_NAME: usize = 200;

/// Which session of a user: by its id, or by a name of the caller's own, of which the id is made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SessionKey {
    id: SessionId,
    name: Option<Arc<str>>,
}

impl SessionKey {
    /// The id. The same name is always the same id; whose session it is says the scope.
    pub const fn id(&self) -> SessionId {
        self.id
    }

    /// The name, where it was named by one.
    pub const fn name(&self) -> Option<&Arc<str>> {
        self.name.as_ref()
    }

    /// Refuses a name that is empty, longer than [`LONGEST_NAME`] or has control characters.
    pub fn check(&self) -> Result<()> {
        let Some(name) = &self.name else { return Ok(()) };
        let fits = (1..=LONGEST_NAME).contains(&name.len())
            && !name.trim().is_empty()
            && !name.chars().any(char::is_control);
        if fits {
            return Ok(());
        }
        let detail = format!("a session's name is text of 1 to {LONGEST_NAME} bytes on one line");
        Err(LargestackError::other(Code::Input, detail))
    }
}

impl From<SessionId> for SessionKey {
    fn from(id: SessionId) -> Self {
        Self { id, name: None }
    }
}

impl From<&str> for SessionKey {
    /// Text of the form of an id is one; anything else is a name.
    fn from(text: &str) -> Self {
        text.parse::<SessionId>().map_or_else(
            |_| {
                let hash = Hash::of_all([b"largestack session name 1".as_slice(), text.as_bytes()]);
                let id = SessionId::from_u128(first_half(&hash));
                Self { id, name: Some(text.into()) }
            },
            Self::from,
        )
    }
}

impl From<String> for SessionKey {
    fn from(text: String) -> Self {
        text.as_str().into()
    }
}

fn first_half(hash: &Hash) -> u128 {
    let (half, _) = hash.as_bytes().split_first_chunk().unwrap_or((&[0; 16], &[]));
    u128::from_be_bytes(*half)
}

/// Where the vault keeps what placeholders of the session stand for: as of a run tree of its own, so
/// that the runs of a session share their placeholders, and forgetting it erases their values.
pub fn vault_root(principal: &str, session: SessionId) -> RunId {
    let parts = [b"largestack session vault 1".as_slice(), principal.as_bytes()];
    let hash = Hash::of_all(parts.into_iter().chain([session.as_bytes().as_slice()]));
    RunId::from_u128(first_half(&hash))
}

/// A session, without what was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// Which one.
    pub id: SessionId,
    /// What its owner calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Arc<str>>,
    /// When it was made.
    pub created: Timestamp,
    /// When something was last said, or it was made.
    pub updated: Timestamp,
    /// How long it is kept after that; `None` for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<Duration>,
    /// Runs that are part of it.
    pub exchanges: u64,
}

impl Session {
    /// A session that is made now.
    pub fn new(key: &SessionKey, ttl: Option<Duration>, now: Timestamp) -> Self {
        let (id, name) = (key.id(), key.name().cloned());
        Self { id, name, created: now, updated: now, ttl, exchanges: 0 }
    }

    /// When it is forgotten; `None` for never.
    pub fn expires(&self) -> Option<Timestamp> {
        self.ttl.map(|ttl| self.updated.plus(ttl))
    }

    /// Whether it is forgotten by then.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires().is_some_and(|end| end <= now)
    }
}

/// What was said in one run of a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// The run.
    pub run: RunId,
    /// When it ended.
    pub at: Timestamp,
    /// The question and what followed; every tool call with its result.
    pub messages: Vec<Arc<Message>>,
}

/// What a model made of the older exchanges of a session. They are kept beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Digest {
    /// The last exchange that it is about; it is about all before, too.
    pub through: RunId,
    /// The summary, with the labels of what it sums up.
    pub message: Arc<Message>,
}

/// A session and what was said in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conversation {
    /// The session.
    pub session: Session,
    /// What was said, oldest first.
    pub exchanges: Vec<Exchange>,
    /// The summary of the older ones, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
}

impl Conversation {
    /// The exchanges that the summary is not about; all of them where there is none.
    pub fn after_digest(&self) -> &[Exchange] {
        let through = self.digest.as_ref().map(|digest| digest.through);
        let at = through.and_then(|run| self.exchanges.iter().position(|e| e.run == run));
        self.exchanges.get(at.map_or(0, |at| at + 1)..).unwrap_or_default()
    }
}

/// What becomes of a session that is not there when a run wants to hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfAbsent {
    /// It is made, to be kept for this long after something was last said; `None` for ever.
    Make(Option<Duration>),
    /// It stays away.
    Leave,
}

/// A session that a run holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// Whether it was made just now.
    pub made: bool,
    /// What was said so far.
    pub said: Conversation,
}

/// What a batch adds to a session, which the run of its lease holds. One that was forgotten in the
/// meantime stays forgotten.
#[derive(Clone, Debug, PartialEq)]
pub struct Remembered {
    /// The session, of the tenant and principal of the lease.
    pub session: SessionId,
    /// What was said; it takes the place of what the same run said before.
    pub exchange: Option<Exchange>,
    /// The summary of what was said before.
    pub digest: Option<Digest>,
}

/// The sessions of a journal. Every call is about those of the scope's tenant and principal; another
/// user's session of the same id or name is another session.
pub trait Sessions: Send + Sync + 'static {
    /// Makes a session. One that exists is a
    /// [`CONFLICT`](largestack_types::errors::Code::Conflict).
    fn create<'a>(
        &'a self,
        scope: &'a Scope,
        key: &'a SessionKey,
        ttl: Option<Duration>,
    ) -> BoxFuture<'a, Result<Session>>;

    /// Takes in a conversation as it is, under its own id. One that exists is a
    /// [`CONFLICT`](largestack_types::errors::Code::Conflict).
    fn take_in<'a>(
        &'a self,
        scope: &'a Scope,
        conversation: Conversation,
    ) -> BoxFuture<'a, Result<Session>>;

    /// Takes a session for the run of the lease, until that lease is given back or its process ends,
    /// and says what was said; `None` where there is none and none is made. Held by another run: a
    /// [`CONFLICT`](largestack_types::errors::Code::Conflict) that names it.
    fn hold<'a>(
        &'a self,
        lease: &'a Lease,
        key: &'a SessionKey,
        absent: IfAbsent,
    ) -> BoxFuture<'a, Result<Option<Held>>>;

    /// The newest, by when something was last said.
    fn list<'a>(&'a self, scope: &'a Scope, limit: usize) -> BoxFuture<'a, Result<Vec<Session>>>;

    /// The session and what was said in it; `None` where there is none or its time is over.
    fn load<'a>(
        &'a self,
        scope: &'a Scope,
        session: SessionId,
    ) -> BoxFuture<'a, Result<Option<Conversation>>>;

    /// Forgets a session and all that was said in it; whether there was one. A form that keeps
    /// placeholders' values as well erases those of [`vault_root`]. While a run speaks in it: a
    /// [`CONFLICT`](largestack_types::errors::Code::Conflict) that names the run, which would seal
    /// more values there afterwards.
    fn delete<'a>(&'a self, scope: &'a Scope, session: SessionId) -> BoxFuture<'a, Result<bool>>;

    /// Forgets the sessions of the tenant whose time is over and in which no run speaks; how many
    /// there were.
    fn prune<'a>(&'a self, scope: &'a Scope) -> BoxFuture<'a, Result<u64>>;
}

/// The error of a session that another run holds.
pub fn held_by(session: SessionId, run: RunId) -> LargestackError {
    LargestackError::with_advice(
        Code::Conflict,
        format!("{run} is speaking in {session}"),
        "Wait until it has ended, or cancel it",
    )
}

/// The error of a session that is there already.
pub fn exists(key: &SessionKey) -> LargestackError {
    let name = key.name().map_or_else(|| key.id().to_string(), |name| format!("`{name}`"));
    LargestackError::other(Code::Conflict, format!("the session {name} exists"))
}
