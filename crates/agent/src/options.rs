//! What may differ from one run of an agent to the next.

use std::any::Any;
use std::sync::Arc;

use largestack_engine::event::{Adjusted, CancelReason, CancelRequested, DoubtDecision};
use largestack_ports::approvals::Answer;
use largestack_ports::sessions::SessionKey;
use largestack_ports::tree::Doubt;
use largestack_types::id::{ApprovalId, RunId};
use largestack_types::message::Message;
use largestack_types::part::{Body, Media};
use tokio::sync::watch;

/// What is asked: text, with media if there are any.
#[derive(Clone, Debug)]
pub struct Input(pub(crate) Vec<Body>);

impl Input {
    /// Text and media.
    pub fn with_media(text: impl Into<Arc<str>>, media: impl IntoIterator<Item = Media>) -> Self {
        let mut bodies = vec![Body::Text(text.into())];
        bodies.extend(media.into_iter().map(Body::Media));
        Self(bodies)
    }
}

impl Input {
    /// Parts in their order: text, media.
    pub fn of(parts: impl IntoIterator<Item = Body>) -> Self {
        Self(parts.into_iter().collect())
    }

    /// The same with these media behind.
    #[must_use]
    pub fn and_media(mut self, media: impl IntoIterator<Item = Media>) -> Self {
        self.0.extend(media.into_iter().map(Body::Media));
        self
    }
}

impl From<&str> for Input {
    fn from(text: &str) -> Self {
        Self(vec![Body::Text(text.into())])
    }
}

impl From<String> for Input {
    fn from(text: String) -> Self {
        Self(vec![Body::Text(text.into())])
    }
}

/// Ends a run from outside, or has this process let go of it.
#[derive(Clone, Debug)]
pub struct CancelHandle(watch::Sender<Option<Asked>>);

/// What is asked of whoever drives a run; the first request counts.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// That it ends.
    End(CancelRequested),
    /// That it is handed over.
    Leave,
}

impl Default for CancelHandle {
    fn default() -> Self {
        Self(watch::Sender::new(None))
    }
}

impl CancelHandle {
    fn ask(&self, asked: Asked) {
        self.0.send_if_modified(|now| {
            let first = now.is_none();
            now.get_or_insert(asked);
            first
        });
    }

    /// Asks for the end; the first request counts.
    pub fn cancel(&self, reason: CancelReason, by: impl Into<Arc<str>>, note: impl Into<Arc<str>>) {
        self.ask(Asked::End(CancelRequested { reason, by: by.into(), note: note.into() }));
    }

    /// Has this process let go of the run: it starts nothing more, what is in flight has five seconds
    /// to land, and the run is given back as its journal has it, with the status
    /// [`Running`](largestack_engine::Status::Running). Whoever takes it up goes on there.
    pub fn hand_over(&self) {
        self.ask(Asked::Leave);
    }

    /// Whether both end the same run.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.0.same_channel(&other.0)
    }

    /// Waits until somebody asks for something; nothing where nobody can any more.
    pub fn asked(&self) -> impl Future<Output = Option<Asked>> + Send + use<> + 'static {
        let mut receiver = self.0.subscribe();
        async move {
            let asked = receiver.wait_for(Option::is_some).await;
            asked.ok().and_then(|asked| asked.clone())
        }
    }
}

/// Options of one run.
#[derive(Clone)]
pub struct RunOptions {
    /// The id of the run, where the caller chose it.
    pub id: Option<RunId>,
    /// Earlier messages of the conversation, for callers who keep them themselves: those of a
    /// [`Report`](crate::Report), or from anywhere. They pass the guards, and what is missing in
    /// them is mended.
    pub history: Vec<Arc<Message>>,
    /// The session this continues, of the scope's user; it is made where there is none. What it
    /// holds comes before `history`.
    pub session: Option<SessionKey>,
    /// Instructions for this run, behind the agent's own. They pass the guards.
    pub instructions: Option<Arc<str>>,
    /// What differs from the definition in this run: model, settings, limits. Its `instructions`
    /// are [`RunOptions::instructions`], which pass the guards, and are refused here.
    pub adjusted: Adjusted,
    /// What the tools of this run are given.
    pub deps: Arc<dyn Any + Send + Sync>,
    /// Ends the run from outside.
    pub cancel: CancelHandle,
    /// Asks for whole replies: whoever listens hears facts, and no pieces of replies between them.
    pub whole: bool,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            id: None,
            history: Vec::new(),
            session: None,
            instructions: None,
            adjusted: Adjusted::default(),
            deps: Arc::new(()),
            cancel: CancelHandle::default(),
            whole: false,
        }
    }
}

impl RunOptions {
    /// With earlier messages of the conversation.
    #[must_use]
    pub fn history(mut self, messages: impl IntoIterator<Item = Arc<Message>>) -> Self {
        self.history = messages.into_iter().collect();
        self
    }

    /// In a session, by a name of the caller's own or by its id.
    #[must_use]
    pub fn session(mut self, session: impl Into<SessionKey>) -> Self {
        self.session = Some(session.into());
        self
    }
}

/// Options of resuming a run.
#[derive(Clone)]
pub struct ResumeOptions {
    /// What becomes of calls in doubt, where a person has decided; else the definition's policy.
    pub in_doubt: Option<DoubtDecision>,
    /// What becomes of each of them by itself, also in runs below: this goes before `in_doubt`. One that
    /// did happen is said with what it returned, and the run goes on with that.
    pub doubts: Vec<Doubt>,
    /// Answers to questions that the run waits for, by the principal who resumes it. Those that
    /// have been given before are found without.
    pub answers: Vec<(ApprovalId, Answer)>,
    /// What the tools of this run are given.
    pub deps: Arc<dyn Any + Send + Sync>,
    /// Ends the run from outside.
    pub cancel: CancelHandle,
    /// Asks for whole replies, as [`RunOptions::whole`] does.
    pub whole: bool,
}

impl Default for ResumeOptions {
    fn default() -> Self {
        Self {
            in_doubt: None,
            doubts: Vec::new(),
            answers: Vec::new(),
            deps: Arc::new(()),
            cancel: CancelHandle::default(),
            whole: false,
        }
    }
}
