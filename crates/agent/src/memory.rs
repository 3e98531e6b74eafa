//! The memory of a conversation: what a run is told of earlier runs of its session, and what it
//! leaves for later ones. Recalled before the run begins and recorded in its first event, so that a
//! run that is taken up again knows what it knew; remembered in the same append as its end.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use largestack_engine::event::{Older, Recalled};
pub use largestack_engine::history::Window;
use largestack_engine::history::{memorable, repaired};
use largestack_engine::{Run, Status};
use largestack_ports::journal::Lease;
use largestack_ports::sessions::{
    Conversation, Digest, Exchange, Held, IfAbsent, Remembered, SessionKey, Sessions, vault_root,
};
use largestack_ports::tokenizer::Tokenizer;
use largestack_ports::vault::Sensitive;
use largestack_types::duration::show;
use largestack_types::errors::{Code, Coded as _, LargestackError, Result};
use largestack_types::id::SessionId;
use largestack_types::message::Message;
use largestack_types::time::Timestamp;

use crate::runtime::Runtime;

pub(crate) mod given;
mod measure;

pub use measure::ESTIMATE;
pub(crate) use measure::Measure;

/// How long a run waits for its turn in a session, unless it is said.
pub const DEFAULT_PATIENCE: Duration = Duration::from_secs(30);
/// From one look whether a session is free to the next.
const LOOK: Duration = Duration::from_millis(20);

/// How much of a session a run is told, and how long sessions are kept.
#[derive(Clone)]
pub struct Memory {
    window: Window,
    summarise: bool,
    ttl: Option<Duration>,
    patience: Duration,
    tokenizer: Option<Arc<dyn Tokenizer>>,
}

impl Default for Memory {
    fn default() -> Self {
        Self::buffer()
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("window", &self.window)
            .field("summarise", &self.summarise)
            .field("ttl", &self.ttl)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

impl Memory {
    /// All that was said.
    pub const fn buffer() -> Self {
        Self {
            window: Window { messages: None, tokens: None },
            summarise: false,
            ttl: None,
            patience: DEFAULT_PATIENCE,
            tokenizer: None,
        }
    }

    /// The last so many messages, tool calls and results among them.
    pub const fn window(messages: u32) -> Self {
        let mut memory = Self::buffer();
        memory.window.messages = Some(messages);
        memory
    }

    /// The last messages that are no more than so many tokens.
    pub const fn tokens(tokens: u64) -> Self {
        let mut memory = Self::buffer();
        memory.window.tokens = Some(tokens);
        memory
    }

    /// The last messages that are within both bounds of a window.
    pub const fn within(window: Window) -> Self {
        let mut memory = Self::buffer();
        memory.window = window;
        memory
    }

    /// All of it while it is no more than so many tokens; then the model sums up the older part, at
    /// the expense of the run, and the newer part of at most half as many is told as it was said.
    pub const fn summary(tokens: u64) -> Self {
        Self::summary_beyond(Window { messages: None, tokens: Some(tokens) })
    }

    /// The same for whatever is beyond a bound of a window.
    pub const fn summary_beyond(window: Window) -> Self {
        let mut memory = Self::within(window);
        memory.summarise = true;
        memory
    }

    /// How long a session is kept after something was last said; for ever unless it is said. Counts
    /// for sessions that runs of this agent make.
    #[must_use]
    pub const fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// How long a run waits while another one speaks in its session; after that it is a
    /// [`Code::Conflict`], and nothing was asked.
    #[must_use]
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The same with this tokeniser, unless it has one.
    #[must_use]
    pub fn or_tokenizer(mut self, tokenizer: impl FnOnce() -> Arc<dyn Tokenizer>) -> Self {
        self.tokenizer = Some(self.tokenizer.unwrap_or_else(tokenizer));
        self
    }

    /// Who counts tokens; those of models that it does not know are estimated.
    #[must_use]
    pub fn tokenizer(mut self, tokenizer: Arc<dyn Tokenizer>) -> Self {
        self.tokenizer = Some(tokenizer);
        self
    }

    /// Whether somebody of its own counts tokens.
    pub(crate) const fn has_tokenizer(&self) -> bool {
        self.tokenizer.is_some()
    }

    /// As an agent's file says it.
    pub(crate) fn described(&self) -> serde_json::Value {
        let Window { messages, tokens } = self.window;
        let strategy = match (self.summarise, messages, tokens) {
            (true, ..) => "summary",
            (false, None, None) => "buffer",
            (false, None, Some(_)) => "tokens",
            (false, Some(_), _) => "window",
        };
        let none = || serde_json::Value::from("none");
        let mut said = serde_json::Map::new();
        let mut say = |key: &str, value| drop(said.insert(key.to_owned(), value));
        say("strategy", strategy.into());
        if strategy != "buffer" {
            say("messages", messages.map_or_else(none, Into::into));
            say("tokens", tokens.map_or_else(none, Into::into));
        }
        say("wait", show(self.patience).into());
        if let Some(ttl) = self.ttl {
            say("ttl", show(ttl).into());
        }
        said.into()
    }

    /// What of a conversation a run is told, for the model that it asks.
    fn select(&self, said: &Conversation, model: &str) -> (Vec<Arc<Message>>, Recalled) {
        let measure = Measure::of(model, self.tokenizer.as_ref());
        let (held, summarise) = if self.summarise {
            self.with_digest(said, &measure)
        } else {
            (repaired(&flat(&said.exchanges)), None)
        };
        let told = if self.summarise {
            held.as_slice()
        } else {
            self.window.of(&held, |message| measure.message(message))
        };
        let recalled = Recalled {
            held: count(held.len()),
            told: count(told.len()),
            tokens: sum(told, &measure),
            counted_by: measure.name(),
            summarise,
        };
        (told.to_vec(), recalled)
    }

    /// Whether so much is within this part of the window.
    fn fits(&self, messages: usize, tokens: u64, part: u32) -> bool {
        self.window.messages.is_none_or(|most| count(messages) <= most / part)
            && self.window.tokens.is_none_or(|most| tokens <= most / u64::from(part))
    }

    /// The summary and what was said since, and what of it is too much.
    fn with_digest(
        &self,
        said: &Conversation,
        measure: &Measure,
    ) -> (Vec<Arc<Message>>, Option<Older>) {
        let digest = said.digest.iter().map(|digest| Arc::clone(&digest.message));
        let since = said.after_digest();
        let whole: Vec<_> = digest.chain(flat(since)).collect();
        if self.fits(whole.len(), sum(&whole, measure), 1) {
            return (repaired(&whole), None);
        }
        let (mut messages, mut tokens) = (0, 0);
        let newer = since.iter().rev().take_while(|exchange| {
            messages += exchange.messages.len();
            tokens += sum(&exchange.messages, measure);
            self.fits(messages, tokens, 2)
        });
        let older = since.len() - newer.count();
        let Some(last) = older.checked_sub(1).and_then(|at| since.get(at)) else {
            return (repaired(&whole), None);
        };
        let newer = flat(since.get(older..).unwrap_or_default());
        let mut all = repaired(whole.get(..whole.len() - newer.len()).unwrap_or_default());
        let plan = Older { messages: count(all.len()), through: last.run };
        all.extend(repaired(&newer));
        (all, Some(plan))
    }
}

fn flat(exchanges: &[Exchange]) -> Vec<Arc<Message>> {
    exchanges.iter().flat_map(|exchange| &exchange.messages).cloned().collect()
}

fn sum(messages: &[Arc<Message>], measure: &Measure) -> u64 {
    messages.iter().fold(0, |sum, message| sum.saturating_add(measure.message(message)))
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// The sessions of a runtime.
pub(crate) fn sessions(runtime: &Runtime) -> Result<&dyn Sessions> {
    runtime.journal.sessions().ok_or_else(|| {
        LargestackError::other(Code::Config, "the journal of this runtime keeps no sessions")
    })
}

/// What a session tells a new run, and what the placeholders in it stand for.
pub(crate) struct Told {
    pub(crate) messages: Vec<Arc<Message>>,
    pub(crate) recalled: Recalled,
    pub(crate) values: Vec<(String, Sensitive)>,
}

/// Takes the session for the run of this lease, waiting for its turn, and recalls what was said.
pub(crate) async fn recall(
    runtime: &Runtime,
    lease: &Lease,
    key: &SessionKey,
    (memory, model): (&Memory, &str),
) -> Result<Told> {
    let held =
        take_turn(runtime, lease, key, (IfAbsent::Make(memory.ttl), memory.patience)).await?;
    let Some(Held { made, said }) = held else {
        return Err(LargestackError::other(Code::NotFound, format!("{} is gone", key.id())));
    };
    let (scope, root) = (&lease.scope, vault_root(lease.scope.principal(), key.id()));
    let mut values = runtime.vault.all(scope, root).await?;
    if made && !values.is_empty() {
        // What a former session of this name has left is none of its own.
        runtime.vault.erase(scope, root).await?;
        values.clear();
    }
    let (messages, recalled) = memory.select(&said, model);
    Ok(Told { messages, recalled, values })
}

/// Takes the session for a run that is taken up again; whether it is still there.
pub(crate) async fn retake(
    runtime: &Runtime,
    lease: &Lease,
    session: SessionId,
    memory: &Memory,
) -> Result<bool> {
    let hold =
        take_turn(runtime, lease, &session.into(), (IfAbsent::Leave, memory.patience)).await?;
    Ok(hold.is_some())
}

/// Holds the session as soon as nobody else does.
async fn take_turn(
    runtime: &Runtime,
    lease: &Lease,
    key: &SessionKey,
    (absent, patience): (IfAbsent, Duration),
) -> Result<Option<Held>> {
    let sessions = sessions(runtime)?;
    let end = runtime.clock.monotonic().saturating_add(patience);
    loop {
        match sessions.hold(lease, key, absent).await {
            Err(error) if error.code() == Code::Conflict => {
                let left = end.saturating_sub(runtime.clock.monotonic());
                if left.is_zero() {
                    return Err(error);
                }
                runtime.clock.sleep(left.min(LOOK)).await;
            }
            held => return held,
        }
    }
}

/// What a run that ended leaves to its session: nothing where nobody answered.
pub(crate) fn remembered(
    run: &Run,
    session: Option<SessionId>,
    at: Timestamp,
) -> Option<Remembered> {
    let session = session?;
    let answered = run.status() != Status::Failed && run.own_messages().len() > 1;
    let exchange = answered.then(|| {
        let messages = repaired(&memorable(run.own_messages()));
        Exchange { run: run.id(), at, messages }
    });
    let digest = run.digest();
    let digest = digest.map(|(through, message)| Digest { through, message: Arc::clone(message) });
    (exchange.is_some() || digest.is_some()).then_some(Remembered { session, exchange, digest })
}
