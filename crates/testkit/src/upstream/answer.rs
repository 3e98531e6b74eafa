//! An answer, and the exact place where it goes wrong.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;

use super::found::FoundReply;
use super::frames::Place;
use super::gzip;
use super::protocol::Protocol;
use super::received::Received;
use super::reply::ChatReply;

/// What the server sends back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(Cow<'static, str>, Cow<'static, str>)>,
    content_type: Option<Cow<'static, str>>,
    body: Content,
    /// Sent in chunks instead of with a length.
    pub(super) chunked: bool,
    zipped: bool,
    pub(super) fault: Fault,
    pub(super) pace: Option<(usize, Duration)>,
}

#[derive(Clone, Debug)]
enum Content {
    Ready(Bytes),
    /// In the protocol that the request speaks, whole or as events, as it asks for.
    Chat(Box<ChatReply>),
    /// Vectors or an order, as the request asks for.
    Found(FoundReply),
    /// In the form in which the vendor of the request's protocol refuses.
    Refusal(String),
}

/// Where an answer goes wrong. Places are those of the body as it is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Fault {
    #[default]
    None,
    /// Nothing is ever sent.
    StallBeforeHead,
    /// Nothing is sent; the connection is reset.
    ResetBeforeHead,
    /// Nothing more is sent, and the connection stays open.
    StallAfter(Place),
    /// The connection is reset.
    ResetAfter(Place),
    /// The connection is closed although more was promised.
    CloseAfter(Place),
    /// The body ends, properly.
    EndAfter(Place),
}

impl Answer {
    fn new(status: u16, content_type: &'static str, body: Content) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content_type: Some(content_type.into()),
            body,
            chunked: false,
            zipped: false,
            fault: Fault::None,
            pace: None,
        }
    }

    /// A chat reply with status 200.
    pub fn chat(reply: ChatReply) -> Self {
        Self::new(200, "application/json", Content::Chat(Box::new(reply)))
    }

    /// Vectors or an order with status 200.
    pub fn found(reply: FoundReply) -> Self {
        Self::new(200, "application/json", Content::Found(reply))
    }

    /// JSON as it stands.
    pub fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self::new(status, "application/json", Content::Ready(body.into()))
    }

    /// Server-sent events as they stand, framing included.
    pub fn events(body: impl Into<Bytes>) -> Self {
        let events = Self::new(200, "text/event-stream", Content::Ready(body.into()));
        Self { chunked: true, ..events }
    }

    /// A page, as a proxy in between sends it.
    pub fn html(status: u16, body: impl Into<Bytes>) -> Self {
        Self::new(status, "text/html; charset=utf-8", Content::Ready(body.into()))
    }

    /// A refusal, in the form of the vendor whose protocol the request speaks.
    pub fn error(status: u16, message: &str) -> Self {
        Self::new(status, "application/json", Content::Refusal(message.to_owned()))
    }

    /// With a header.
    #[must_use]
    pub fn header(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// With this content type instead of the true one; `None` sends none.
    #[must_use]
    pub fn content_type(mut self, content_type: Option<&'static str>) -> Self {
        self.content_type = content_type.map(Cow::Borrowed);
        // A chat reply otherwise picks its own when it knows what was asked.
        if let Content::Chat(reply) = &mut self.body {
            reply.typed = false;
        }
        self
    }

    /// Compressed with gzip.
    #[must_use]
    pub fn gzip(mut self) -> Self {
        self.zipped = true;
        self
    }

    /// Never answers.
    #[must_use]
    pub fn stall_before_head(self) -> Self {
        self.fault(Fault::StallBeforeHead)
    }

    /// Resets the connection instead of answering.
    #[must_use]
    pub fn reset_before_head(self) -> Self {
        self.fault(Fault::ResetBeforeHead)
    }

    /// Sends this much of the body and then nothing more.
    #[must_use]
    pub fn stall_after(self, place: impl Into<Place>) -> Self {
        self.fault(Fault::StallAfter(place.into()))
    }

    /// Sends this much of the body and resets the connection.
    #[must_use]
    pub fn reset_after(self, place: impl Into<Place>) -> Self {
        self.fault(Fault::ResetAfter(place.into()))
    }

    /// Sends this much of the body and closes the connection, although it promised more.
    #[must_use]
    pub fn close_after(self, place: impl Into<Place>) -> Self {
        self.fault(Fault::CloseAfter(place.into()))
    }

    /// Ends the body properly after this much, as if there were no more.
    #[must_use]
    pub fn end_after(self, place: impl Into<Place>) -> Self {
        self.fault(Fault::EndAfter(place.into()))
    }

    /// Sends the body in pieces of this many bytes with a pause after each.
    #[must_use]
    pub fn slowly(mut self, bytes: usize, pause: Duration) -> Self {
        self.pace = Some((bytes.max(1), pause));
        self
    }

    /// Status, headers and body as they go out in answer to a request.
    pub fn given(self, request: &Received) -> (u16, Vec<(String, String)>, Bytes) {
        let answer = self.for_request(request);
        let headers = answer.headers.iter();
        let headers = headers.map(|(name, value)| (name.to_string(), value.to_string())).collect();
        (answer.status, headers, answer.body())
    }

    fn fault(mut self, fault: Fault) -> Self {
        self.fault = fault;
        self
    }

    /// The answer to this request, with nothing left to decide.
    pub(super) fn for_request(mut self, request: &Received) -> Self {
        let midway = self.spelled(request);
        if let Some(content_type) = self.content_type.take() {
            self.headers.push(("content-type".into(), content_type));
        }
        if self.zipped {
            self.headers.push(("content-encoding".into(), "gzip".into()));
            self.body = Content::Ready(gzip::stored(&self.body()).into());
        }
        self.fault = self.fault.at(midway);
        self
    }

    /// Puts what is said into the protocol of the request. Returns the place that is midway.
    fn spelled(&mut self, request: &Received) -> usize {
        match &self.body {
            Content::Ready(body) => body.len() / 2,
            Content::Found(reply) => {
                let body = reply.body(&request.path(), &request.body);
                let middle = body.len() / 2;
                self.body = Content::Ready(body);
                middle
            }
            Content::Refusal(message) => {
                let (protocol, _) = Protocol::of_path(&request.path());
                let refusal = protocol.refusal(self.status, message);
                let headers = refusal.headers.into_iter();
                self.headers.extend(headers.map(|(name, value)| (name.into(), value.into())));
                self.body = Content::Ready(refusal.body.to_string().into());
                self.body().len() / 2
            }
            Content::Chat(reply) => {
                let asked = request.asked();
                let model = asked.model.as_deref().unwrap_or("scripted");
                let (body, midway) = if asked.stream {
                    asked.protocol.streamed(reply, model)
                } else {
                    let body = asked.protocol.whole(reply, model);
                    let middle = body.len() / 2;
                    (body.into(), middle)
                };
                self.chunked = asked.stream;
                if asked.stream && reply.typed {
                    self.content_type = Some(asked.protocol.framing().content_type().into());
                }
                self.body = Content::Ready(body);
                midway
            }
        }
    }

    /// The body of an answer to a request.
    pub(super) fn body(&self) -> Bytes {
        match &self.body {
            Content::Ready(body) => body.clone(),
            Content::Chat(_) | Content::Found(_) | Content::Refusal(_) => Bytes::new(),
        }
    }
}

impl Fault {
    /// With `midway` as the number of a byte.
    fn at(self, midway: usize) -> Self {
        let byte = |place| match place {
            Place::Midway => Place::Byte(midway),
            byte @ Place::Byte(_) => byte,
        };
        match self {
            Self::StallAfter(place) => Self::StallAfter(byte(place)),
            Self::ResetAfter(place) => Self::ResetAfter(byte(place)),
            Self::CloseAfter(place) => Self::CloseAfter(byte(place)),
            Self::EndAfter(place) => Self::EndAfter(byte(place)),
            other => other,
        }
    }
}

impl From<FoundReply> for Answer {
    fn from(reply: FoundReply) -> Self {
        Self::found(reply)
    }
}

impl From<ChatReply> for Answer {
    fn from(reply: ChatReply) -> Self {
        Self::chat(reply)
    }
}
