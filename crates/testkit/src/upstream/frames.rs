//! Events of a stream, and how they become bytes: server-sent events, lines, or Amazon's messages.

use base64::Engine as _;
use bytes::Bytes;
use serde_json::{Value, json};

use super::protocol::set;
use super::reply::{ChatReply, Mishap};

/// Where in a body something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// After this many bytes.
    Byte(usize),
    /// In the middle of an event, when some of the words have been said and some have not.
    Midway,
}

impl From<usize> for Place {
    fn from(byte: usize) -> Self {
        Self::Byte(byte)
    }
}

/// How events become bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Sse,
    /// One JSON value a line.
    Lines,
    /// `application/vnd.amazon.eventstream`.
    Amazon,
    /// The same, with the model's own event as base64 inside of each message.
    AmazonChunks,
}

impl Framing {
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Sse => "text/event-stream; charset=utf-8",
            Self::Lines => "application/x-ndjson",
            Self::Amazon | Self::AmazonChunks => "application/vnd.amazon.eventstream",
        }
    }
}

/// One event.
#[derive(Clone, Debug)]
pub(super) struct Event {
    name: &'static str,
    data: String,
    role: Role,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Says words, or arguments.
    Says,
    /// Says why and that it is over.
    Ends,
    /// Says that it failed, apart from the events that make a reply.
    Exception,
    Other,
}

impl Event {
    /// An event without a name.
    pub(super) fn new(data: &Value) -> Self {
        Self::named("", data)
    }

    pub(super) fn named(name: &'static str, data: &Value) -> Self {
        Self::raw(name, data.to_string())
    }

    /// One whose data are no JSON.
    pub(super) fn raw(name: &'static str, data: impl Into<String>) -> Self {
        Self { name, data: data.into(), role: Role::Other }
    }

    /// What its `type` names, as most providers name their server-sent events.
    pub(super) fn typed(name: &'static str, mut data: Value) -> Self {
        set(&mut data, "type", name);
        Self::named(name, &data)
    }

    pub(super) fn says(self) -> Self {
        Self { role: Role::Says, ..self }
    }

    pub(super) fn ends(self) -> Self {
        Self { role: Role::Ends, ..self }
    }

    pub(super) fn exception(name: &'static str, data: &Value) -> Self {
        Self { role: Role::Exception, ..Self::named(name, data) }
    }

    /// The first half of it: what no reader can make sense of.
    fn half(&self) -> Self {
        let characters = self.data.chars().count();
        Self { data: self.data.chars().take(characters / 2).collect(), ..self.clone() }
    }

    fn bytes(&self, framing: Framing) -> Vec<u8> {
        let Self { name, data, role } = self;
        let amazon = |name: &str, data: &str| {
            let kind = if *role == Role::Exception { "exception" } else { "event" };
            let named = if *role == Role::Exception { ":exception-type" } else { ":event-type" };
            let headers =
                [(":message-type", kind), (named, name), (":content-type", "application/json")];
            largestack_wire::event_stream::message(&headers, data.as_bytes())
        };
        match framing {
            Framing::Sse if name.is_empty() => format!("data: {data}\n\n").into(),
            Framing::Sse => format!("event: {name}\ndata: {data}\n\n").into(),
            Framing::Lines => format!("{data}\n").into(),
            Framing::AmazonChunks if *role != Role::Exception => {
                let bytes = base64::engine::general_purpose::STANDARD.encode(data);
                amazon("chunk", &json!({"bytes": bytes, "p": "abcdefgh"}).to_string())
            }
            Framing::Amazon | Framing::AmazonChunks => amazon(name, data),
        }
    }
}

/// The bytes of a reply's events, and the place in them that is midway.
pub(super) fn bytes(
    events: Vec<Event>,
    reply: &ChatReply,
    failure: impl FnOnce() -> Event,
    framing: Framing,
) -> (Bytes, usize) {
    let mut events = events;
    let says: Vec<usize> = (0..events.len())
        .filter(|at| events.get(*at).is_some_and(|e| e.role == Role::Says))
        .collect();
    let half = says.get(says.len() / 2).copied().unwrap_or(events.len() / 2);
    match reply.mishap {
        None => {}
        Some(Mishap::MalformedFrame) => {
            let broken = events.get(half).map(Event::half);
            events.splice(half..half, broken);
        }
        Some(Mishap::RepeatedEnd) => {
            let twice = |event: Event| {
                let times = 1 + usize::from(event.role == Role::Ends);
                std::iter::repeat_n(event, times)
            };
            events = events.into_iter().flat_map(twice).collect();
        }
        Some(Mishap::Failure) => {
            events.truncate(half);
            events.push(failure());
        }
    }
    let framed: Vec<Vec<u8>> = events.iter().map(|event| event.bytes(framing)).collect();
    let whole_events: usize = framed.iter().take(half).map(Vec::len).sum();
    // Into the event that follows, so that a break falls inside of it.
    (framed.concat().into(), whole_events + 7)
}
