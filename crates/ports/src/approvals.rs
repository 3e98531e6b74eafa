//! Questions to people that a run waits for. They belong to the store and not to a process: a
//! question is kept before its run suspends, an answer before anybody acts on it, and whoever takes
//! the run up later, in whatever process, finds both.
//!
//! An answer counts once. It comes from a principal that the question is for, or with a token that
//! such a principal has handed on: 256 random bits of which only the hash is kept.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use largestack_types::errors::{LargestackError, Result};
use largestack_types::hash::Hash;
use largestack_types::id::{ApprovalId, EffectId, RunId};
use largestack_types::json::Json;
use largestack_types::scope::Scope;
use largestack_types::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::BoxFuture;

mod law;

pub use law::Refused;

/// An answer that may be given, by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What it is called.
    pub name: Arc<str>,
    /// Whether the call then runs.
    pub approves: bool,
}

/// On which terms a question is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Who may answer; nobody named means everybody of the tenant.
    #[serde(default)]
    pub approvers: Vec<Arc<str>>,
    /// How many of them have to agree on the same answer before the call runs; at least 1. One who
    /// says no is enough for it not to run.
    pub quorum: u32,
    /// The answers there are.
    pub choices: Vec<Choice>,
    /// Whether an answer may change the arguments.
    #[serde(default)]
    pub editable: bool,
    /// How long the question stands.
    pub expires_after: Duration,
}

impl Terms {
    /// Why no answer could ever meet them; `None` where one can.
    pub fn problem(&self) -> Option<String> {
        let choices: BTreeSet<&str> = self.choices.iter().map(|choice| &*choice.name).collect();
        let people: BTreeSet<&str> = self.approvers.iter().map(|name| &**name).collect();
        if self.choices.is_empty() {
            return Some("there is no choice".to_owned());
        }
        if choices.len() < self.choices.len() {
            return Some("a choice stands twice".to_owned());
        }
        if choices.contains("") {
            return Some("a choice has no name".to_owned());
        }
        if !self.choices.iter().any(|choice| choice.approves) {
            return Some("no choice lets the call run".to_owned());
        }
        if self.quorum == 0 {
            return Some("`quorum` must be at least 1".to_owned());
        }
        if !people.is_empty() && people.len() < self.quorum as usize {
            let (quorum, people) = (self.quorum, people.len());
            return Some(format!("`quorum` is {quorum}, and only {people} may answer"));
        }
        if self.expires_after.is_zero() {
            return Some("`expires_after` must be longer than nothing".to_owned());
        }
        None
    }
}

/// The answers where nobody says otherwise.
pub const APPROVE: &str = "approve";
/// See [`APPROVE`].
pub const DENY: &str = "deny";

impl Default for Terms {
    /// Anybody of the tenant, one yes or no within seven days, arguments as they are.
    fn default() -> Self {
        Self {
            approvers: Vec::new(),
            quorum: 1,
            choices: vec![
                Choice { name: APPROVE.into(), approves: true },
                Choice { name: DENY.into(), approves: false },
            ],
            editable: false,
            expires_after: Duration::from_hours(7 * 24),
        }
    }
}

/// A question, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Which: derived from what is asked, so that asking again after a crash is the same question.
    pub id: ApprovalId,
    /// The run that waits.
    pub run: RunId,
    /// The call that waits.
    pub effect: EffectId,
    /// The agent.
    pub agent: Arc<str>,
    /// On whose behalf the run acts.
    pub principal: Arc<str>,
    /// The tool.
    pub tool: Arc<str>,
    /// What it would be called with, placeholders in place of sensitive values.
    pub arguments: Json,
    /// Why it is asked.
    pub reason: Arc<str>,
    /// On which terms.
    pub terms: Terms,
    /// When it was asked.
    pub asked: Timestamp,
}

impl Question {
    /// The id of a question about this call with these arguments.
    pub fn id_of(run: RunId, effect: EffectId, tool: &str, arguments: &Json) -> ApprovalId {
        let ordinal = effect.ordinal().to_le_bytes();
        let hash = Hash::of_all([
            b"largestack approval 1".as_slice(),
            run.as_bytes(),
            &ordinal,
            tool.as_bytes(),
            arguments.as_str().as_bytes(),
        ]);
        let mut random = [0; 10];
        for (byte, from) in random.iter_mut().zip(hash.as_bytes()) {
            *byte = *from;
        }
        let mut millis = [0; 8];
        for (byte, from) in millis.iter_mut().skip(2).zip(run.as_bytes()) {
            *byte = *from;
        }
        // The moment is the run's, so that ids sort with their runs.
        ApprovalId::new(u64::from_be_bytes(millis), random)
    }

    /// When it stands no longer.
    pub fn expires(&self) -> Timestamp {
        self.asked.plus(self.terms.expires_after)
    }
}

/// What somebody says to a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// One of the question's choices, by name.
    pub choice: Arc<str>,
    /// What the tool is to be called with instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Json>,
    /// A word to the model where it is no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Arc<str>>,
}

impl Answer {
    /// An answer without further words.
    pub fn of(choice: impl Into<Arc<str>>) -> Self {
        Self { choice: choice.into(), arguments: None, note: None }
    }
}

/// An answer that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// Who gave it.
    pub by: Arc<str>,
    /// Whose right it was, where it was handed on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_place_of: Option<Arc<str>>,
    /// What it was.
    pub answer: Answer,
    /// When.
    pub at: Timestamp,
}

impl Vote {
    /// Whose right was used: it is used once, by whomever.
    pub fn holder(&self) -> &Arc<str> {
        self.in_place_of.as_ref().unwrap_or(&self.by)
    }
}

/// Where a question stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "standing")]
pub enum Standing {
    /// It waits for more answers.
    Open,
    /// It has been answered.
    Decided {
        /// Whether the call runs.
        approved: bool,
        /// The choice.
        choice: Arc<str>,
        /// Who decided it, in the order of their answers.
        by: Vec<Arc<str>>,
        /// What the tool is called with, where that was changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        arguments: Option<Json>,
        /// What the model is told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<Arc<str>>,
    },
    /// Nobody answered in time.
    Expired,
    /// The run ended before it was answered.
    Withdrawn,
}

/// A question and what was said to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The question.
    pub question: Question,
    /// The answers so far, in the order in which they came.
    pub votes: Vec<Vote>,
    /// Whether the run has ended, so that nothing waits for an answer any more.
    #[serde(default)]
    pub over: bool,
}

/// The right to answer one question once, in the place of a principal. Printed only by
/// [`Token::expose`].
#[derive(Clone, PartialEq, Eq)]
pub struct Token([u8; 32]);

impl Token {
    /// From random bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// From the 64 hexadecimal digits that [`Token::expose`] gives.
    pub fn parse(text: &str) -> Option<Self> {
        Hash::parse(text.trim()).map(|bytes| Self(*bytes.as_bytes()))
    }

    /// The token as text. Whoever has it may answer.
    pub fn expose(&self) -> String {
        Hash::from_bytes(self.0).to_string()
    }

    /// What is kept of it.
    pub fn hash(&self) -> Hash {
        Hash::of_all([b"largestack approval token 1".as_slice(), &self.0])
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// By what right somebody answers.
#[derive(Clone, Debug)]
pub enum Right {
    /// As a principal that authentication has proved.
    Principal(Arc<str>),
    /// With a token that a principal has handed on.
    Token(Token),
}

/// Questions as they are listed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listed {
    /// Those that are as they were kept.
    pub questions: Vec<Approval>,
    /// Those that are not: somebody has changed them.
    pub untrusted: Vec<Untrusted>,
}

/// A question that is not as it was kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Untrusted {
    /// Under which id it is kept.
    pub id: ApprovalId,
    /// What [`Approvals::find`] says of it.
    pub error: LargestackError,
}

/// Questions to people, where runs and people meet. A tenant sees its own only.
pub trait Approvals: Send + Sync + 'static {
    /// Keeps a question; durable when this returns. One that is there already stays as it is.
    fn ask<'a>(&'a self, scope: &'a Scope, question: Question) -> BoxFuture<'a, Result<()>>;

    /// A question with its answers. One that somebody has changed by hand is refused.
    fn find<'a>(
        &'a self,
        scope: &'a Scope,
        id: ApprovalId,
    ) -> BoxFuture<'a, Result<Option<Approval>>>;

    /// The latest questions, newest first. One that cannot be trusted does not keep the others from
    /// being read.
    fn list<'a>(&'a self, scope: &'a Scope, most: usize) -> BoxFuture<'a, Result<Listed>>;

    /// Takes an answer, once; durable when this returns. `LARGESTACK_APPROVAL` for one that comes
    /// too late or again, `LARGESTACK_APPROVAL_DENIED` for one without the right to it.
    fn answer<'a>(
        &'a self,
        scope: &'a Scope,
        id: ApprovalId,
        right: Right,
        answer: Answer,
    ) -> BoxFuture<'a, Result<Approval>>;

    /// Hands the right of a principal to somebody else: the token answers once, as `to`, in the
    /// place of `from`.
    fn delegate<'a>(
        &'a self,
        scope: &'a Scope,
        id: ApprovalId,
        from: Arc<str>,
        to: Arc<str>,
    ) -> BoxFuture<'a, Result<Token>>;
}
