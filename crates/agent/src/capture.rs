//! Capturing: everything that happens in the runs of a scope, for those who test agents. It holds for
//! one task, as a block of requests does: runs that others drive at the same time are not in it.

use std::cell::RefCell;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use largestack_engine::{EndReason, Recorded, Run, Status};
use largestack_types::call::Call;
use largestack_types::id::RunId;
use largestack_types::message::Message;
use largestack_types::money::Money;
use largestack_types::usage::Usage;
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

thread_local! {
    static ACTIVE: RefCell<Vec<Capture>> = const { RefCell::new(Vec::new()) };
}

/// Runs a future and gives, beside what it comes to, everything that happened in the runs that were
/// begun or taken up in it: also in those that failed, were cancelled or dropped, and in the ones
/// below them. Runs that are left to themselves are in it as far as they have come by then.
///
/// Of this task only. A capture inside of another has its own runs alone; the outer one has them all.
pub async fn capture_run<F: Future>(future: F) -> (F::Output, Captured) {
    let capture = Capture::default();
    let output = Captures(vec![capture.clone()]).around(future).await;
    let captured = capture.lock().clone();
    (output, captured)
}

/// What happened in the runs of a scope.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Captured {
    /// The runs, in the order in which they began.
    pub runs: Vec<CapturedRun>,
}

/// What happened in a run.
#[derive(Clone, Debug)]
pub struct CapturedRun {
    /// The run.
    pub run: RunId,
    /// The run at the top of its tree; itself, where nobody started it.
    pub root: RunId,
    /// Its agent.
    pub agent: Arc<str>,
    /// Its state when it was last heard of.
    pub status: Status,
    /// Why it ended, when it has.
    pub finish_reason: Option<EndReason>,
    /// What was asked of models, in order; placeholders in place of sensitive values.
    pub requests: Vec<Call>,
    /// What happened, as its journal holds it.
    pub events: Vec<Recorded>,
    /// Its conversation, without what it was told of earlier ones.
    pub messages: Vec<Arc<Message>>,
    /// Tokens of this run alone.
    pub usage: Usage,
    /// Cost of this run alone.
    pub cost: Money,
}

impl Captured {
    /// The messages of all runs, run by run.
    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        self.runs.iter().flat_map(|run| &run.messages).map(|message| &**message)
    }

    /// What was asked of models, run by run.
    pub fn requests(&self) -> impl Iterator<Item = &Call> {
        self.runs.iter().flat_map(|run| &run.requests)
    }

    /// What happened, run by run.
    pub fn events(&self) -> impl Iterator<Item = &Recorded> {
        self.runs.iter().flat_map(|run| &run.events)
    }
}

/// One capture that is open.
#[derive(Clone, Default)]
struct Capture(Arc<Mutex<Captured>>);

impl Capture {
    fn lock(&self) -> std::sync::MutexGuard<'_, Captured> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The captures that a run is in: none, but in tests.
#[derive(Clone, Default)]
pub(crate) struct Captures(Vec<Capture>);

impl Captures {
    /// Those that are open around whoever asks.
    pub(crate) fn open() -> Self {
        ACTIVE.with_borrow(|active| Self(active.clone()))
    }

    /// Whether nobody looks on.
    pub(crate) const fn are_none(&self) -> bool {
        self.0.is_empty()
    }

    /// A future in which these are open, wherever it is polled.
    pub(crate) fn around<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        Scoped { future: Box::pin(future), captures: self }
    }

    /// Something happened.
    pub(crate) fn noted(&self, run: &Run, recorded: &Recorded) {
        self.change(run, |captured| captured.events.push(recorded.clone()));
    }

    /// A model is about to be asked.
    pub(crate) fn asked(&self, run: &Run, call: &Call) {
        self.change(run, |captured| captured.requests.push(call.clone()));
    }

    fn change(&self, run: &Run, change: impl Fn(&mut CapturedRun)) {
        for capture in &self.0 {
            let mut captured = capture.lock();
            let known = captured.runs.iter().position(|known| known.run == run.id());
            let place = known.unwrap_or(captured.runs.len());
            if known.is_none() {
                captured.runs.push(CapturedRun::of(run));
            }
            if let Some(captured) = captured.runs.get_mut(place) {
                captured.follow(run);
                change(captured);
            }
        }
    }
}

impl CapturedRun {
    fn of(run: &Run) -> Self {
        Self {
            run: run.id(),
            root: run.root(),
            agent: Arc::clone(&run.definition().agent),
            status: run.status(),
            finish_reason: None,
            requests: Vec::new(),
            events: Vec::new(),
            messages: Vec::new(),
            usage: Usage::default(),
            cost: Money::ZERO,
        }
    }

    fn follow(&mut self, run: &Run) {
        self.root = run.root();
        self.status = run.status();
        self.finish_reason = run.end().map(|end| end.reason);
        self.messages = run.own_messages().to_vec();
        (self.usage, self.cost) = (run.usage(), run.cost());
    }
}

impl Serialize for CapturedRun {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("CapturedRun", 10)?;
        fields.serialize_field("run", &self.run)?;
        fields.serialize_field("root", &self.root)?;
        fields.serialize_field("agent", &self.agent)?;
        fields.serialize_field("status", &self.status)?;
        fields.serialize_field("finish_reason", &self.finish_reason)?;
        let requests: Vec<Request<'_>> = self.requests.iter().map(Request::of).collect();
        fields.serialize_field("requests", &requests)?;
        let events: Vec<Happened<'_>> = self.events.iter().map(Happened).collect();
        fields.serialize_field("events", &events)?;
        fields.serialize_field("messages", &self.messages)?;
        fields.serialize_field("usage", &self.usage)?;
        fields.serialize_field("cost_nanos", &self.cost.nanos())?;
        fields.end()
    }
}

/// A request, as far as a reader wants to know.
#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    messages: &'a [Arc<Message>],
    tools: Vec<&'a str>,
    tool_choice: &'a largestack_types::call::ToolChoice,
    stream: bool,
}

impl<'a> Request<'a> {
    fn of(call: &'a Call) -> Self {
        Self {
            model: &call.model,
            messages: &call.messages,
            tools: call.tools.iter().map(|tool| &*tool.name).collect(),
            tool_choice: &call.tool_choice,
            stream: call.stream,
        }
    }
}

/// An event with its kind and its data.
struct Happened<'a>(&'a Recorded);

impl Serialize for Happened<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Recorded { seq, at, event } = self.0;
        let data = event.data().map_err(serde::ser::Error::custom)?;
        let data: serde_json::Value =
            serde_json::from_str(&data).map_err(serde::ser::Error::custom)?;
        let mut fields = serializer.serialize_struct("Event", 4)?;
        fields.serialize_field("seq", seq)?;
        fields.serialize_field("at", at)?;
        fields.serialize_field("kind", event.kind())?;
        fields.serialize_field("data", &data)?;
        fields.end()
    }
}

struct Scoped<F> {
    future: Pin<Box<F>>,
    captures: Captures,
}

/// Closes as many captures when the poll ends, also by a panic.
struct Entered(usize);

impl Drop for Entered {
    fn drop(&mut self) {
        ACTIVE.with_borrow_mut(|active| active.truncate(self.0));
    }
}

impl<F: Future> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let _entered = ACTIVE.with_borrow_mut(|active| {
            let before = active.len();
            active.extend_from_slice(&self.captures.0);
            Entered(before)
        });
        self.future.as_mut().poll(cx)
    }
}
