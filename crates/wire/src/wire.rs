//! What a wire is: the three pure questions every provider protocol answers (what to send, what
//! came back, what went wrong), so that whoever moves the bytes needs to know none of it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use largestack_types::call::Call;
use largestack_types::errors::LargestackError;

use crate::anthropic::Anthropic;
use crate::bedrock::BedrockConverse;
use crate::cohere::CohereV2;
use crate::error::{DecodeError, EncodeError, ReadError};
use crate::event::WireEvent;
use crate::gemini::Gemini;
use crate::model::Target;
use crate::ollama::Ollama;
use crate::openai_chat::OpenAiChat;
use crate::openai_responses::OpenAiResponses;
use crate::session::Session;

/// A provider protocol. Pure: it neither sends nor waits, and the same input gives the same bytes.
pub trait Wire: fmt::Debug + Send + Sync {
    /// The name that provider rows use, e.g. `openai-chat`.
    fn name(&self) -> &'static str;

    /// How the body of a reply is cut into frames.
    fn framing(&self, mode: Mode) -> Framing;

    /// The request for a call, without credentials. `session` only saves work: any session, also
    /// a new one, gives the same bytes.
    fn encode(
        &self,
        call: &Call,
        target: &Target,
        session: &mut Session,
    ) -> Result<HttpRequest, EncodeError>;

    /// A decoder for one reply.
    fn decoder(&self, mode: Mode, target: &Target) -> Box<dyn Decoder + Send>;

    /// The call that a request body means: what `encode` would make it from. Fields that no
    /// setting knows go into `Settings::extra`, what the protocol says of a part beside its body
    /// into the part's `native`. The model is as the body (or for some wires the address) names it.
    fn read(&self, _body: &[u8], _target: &Target) -> Result<Call, ReadError> {
        Err(ReadError::Unsupported { what: format!("requests of the wire {}", self.name()) })
    }

    /// The error that a refused request means. Header names are compared without case.
    fn fault(
        &self,
        status: u16,
        headers: &[(String, String)],
        body: &[u8],
        target: &Target,
    ) -> LargestackError;
}

/// Reads one reply, frame by frame.
pub trait Decoder: fmt::Debug {
    /// Takes the next frame. What the frame says is emitted before this returns. A frame of a
    /// stream that cannot be read is emitted as [`WireEvent::Malformed`] and is not an error.
    fn push(
        &mut self,
        frame: Frame<'_>,
        emit: &mut dyn FnMut(WireEvent<'_>),
    ) -> Result<(), DecodeError>;

    /// The body is over: emits what was held back, and fails with [`DecodeError::Truncated`] when
    /// the provider never said that the reply is complete.
    fn finish(&mut self, emit: &mut dyn FnMut(WireEvent<'_>)) -> Result<(), DecodeError>;
}

/// Whether a reply comes as one body or as a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// One body.
    Whole,
    /// A stream of events.
    Stream,
}

/// How a body is cut into frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Framing {
    /// The whole body is one frame.
    Whole,
    /// Server-sent events: [`crate::sse::Parser`].
    Sse,
    /// One JSON value a line: [`crate::lines::Parser`].
    Lines,
    /// AWS event streams: [`crate::event_stream::Parser`].
    EventStream,
}

/// A piece of a body that a decoder understands at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The name of a server-sent event, when it has one.
    pub event: Option<&'a str>,
    /// Its data, or the whole body.
    pub data: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The frame of a whole body.
    pub const fn whole(data: &'a [u8]) -> Self {
        Self { event: None, data }
    }
}

/// Header names in lower case, and values.
pub type Headers = Vec<(Cow<'static, str>, Cow<'static, str>)>;

/// A request as it goes out, but for the credentials, which the transport adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// The method.
    pub method: &'static str,
    /// The address. The same `Arc` as long as the session's target stays the same.
    pub url: Arc<str>,
    /// Header names in lower case, and values.
    pub headers: Headers,
    /// The body.
    pub body: Bytes,
    /// Which reply this asks for.
    pub mode: Mode,
    /// The output limit that was sent, in tokens: what a reservation must cover.
    pub max_output_tokens: u32,
    /// Settings of the call that this provider or model does not have and that were left out or
    /// (`max_output_tokens`, `output_schema.schema`) lowered to what it has.
    pub dropped: Vec<&'static str>,
}

/// The headers of a request with a JSON body: what it is, what is read, and what the row adds.
pub(crate) fn headers(mode: Mode, target: &Target) -> Result<Headers, EncodeError> {
    let accept = match mode {
        Mode::Whole => "application/json",
        Mode::Stream => "text/event-stream",
    };
    headers_accepting(accept, target)
}

/// The same for a wire whose replies are of other media types.
pub(crate) fn headers_accepting(
    accept: &'static str,
    target: &Target,
) -> Result<Headers, EncodeError> {
    let mut headers: Headers =
        vec![("content-type".into(), "application/json".into()), ("accept".into(), accept.into())];
    for (name, value) in &target.provider.headers {
        headers.push((name.clone().into(), target.filled(value)?.into()));
    }
    Ok(headers)
}

/// The wire with this name.
pub fn wire(name: &str) -> Option<&'static dyn Wire> {
    WIRES.iter().copied().find(|wire| wire.name() == name)
}

/// Every wire, for tables and tests.
pub const WIRES: &[&dyn Wire] = &[
    &OpenAiChat,
    &OpenAiResponses,
    &Anthropic::MESSAGES,
    &Anthropic::BEDROCK,
    &Anthropic::VERTEX,
    &BedrockConverse,
    &CohereV2,
    &Ollama,
    &Gemini,
];
