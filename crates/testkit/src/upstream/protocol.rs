//! Which protocol a request speaks, and a reply, an error and a failure in its form. Written from
//! the vendors' references and without the wires' code, so that a mistake must be made twice to
//! stay unseen.

use bytes::Bytes;
use serde_json::Value;

use super::frames::{Event, Framing, bytes};
use super::reply::ChatReply;

mod anthropic;
mod bedrock;
mod cohere;
mod gemini;
mod ollama;
mod openai_chat;
mod openai_responses;

/// A protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    OpenAiChat,
    OpenAiResponses,
    Anthropic,
    /// Anthropic's messages inside of Amazon's `InvokeModel`.
    BedrockAnthropic,
    /// Anthropic's messages behind Google's addresses.
    VertexAnthropic,
    Gemini,
    Bedrock,
    Cohere,
    Ollama,
}

/// A refusal in a vendor's form.
pub(super) struct Refusal {
    pub(super) headers: Vec<(&'static str, &'static str)>,
    pub(super) body: Value,
}

impl Refusal {
    const fn of(body: Value) -> Self {
        Self { headers: Vec::new(), body }
    }
}

/// Puts a field into an object; what is none stays as it is.
pub(super) fn set(object: &mut Value, key: &str, value: impl Into<Value>) {
    if let Some(fields) = object.as_object_mut() {
        fields.insert(key.to_owned(), value.into());
    }
}

impl Protocol {
    /// The protocol of a path, and whether the path asks for a stream, where it says so. A path
    /// that no vendor has is taken for OpenAI's chat.
    pub(super) fn of_path(path: &str) -> (Self, Option<bool>) {
        let path = path.split('?').next().unwrap_or_default();
        let ends = |tail: &str| path.ends_with(tail);
        match () {
            () if ends("/responses") => (Self::OpenAiResponses, None),
            () if ends("/messages") => (Self::Anthropic, None),
            () if ends(":rawPredict") => (Self::VertexAnthropic, Some(false)),
            () if ends(":streamRawPredict") => (Self::VertexAnthropic, Some(true)),
            () if ends("/invoke") => (Self::BedrockAnthropic, Some(false)),
            () if ends("/invoke-with-response-stream") => (Self::BedrockAnthropic, Some(true)),
            () if ends(":generateContent") => (Self::Gemini, Some(false)),
            () if ends(":streamGenerateContent") => (Self::Gemini, Some(true)),
            () if ends("/converse") => (Self::Bedrock, Some(false)),
            () if ends("/converse-stream") => (Self::Bedrock, Some(true)),
            () if ends("/v2/chat") => (Self::Cohere, None),
            () if ends("/v2/embed") || ends("/v2/rerank") => (Self::Cohere, Some(false)),
            () if ends(":batchEmbedContents") => (Self::Gemini, Some(false)),
            () if ends("/api/chat") => (Self::Ollama, None),
            () if ends("/api/embed") => (Self::Ollama, Some(false)),
            () => (Self::OpenAiChat, None),
        }
    }

    /// The protocol that a wire of a provider row names.
    pub(super) fn of_wire(wire: &str) -> Self {
        match wire {
            "openai-responses" => Self::OpenAiResponses,
            "anthropic-messages" => Self::Anthropic,
            "bedrock-anthropic" => Self::BedrockAnthropic,
            "vertex-anthropic" => Self::VertexAnthropic,
            "gemini" => Self::Gemini,
            "bedrock-converse" => Self::Bedrock,
            "cohere-v2" => Self::Cohere,
            "ollama" => Self::Ollama,
            _ => Self::OpenAiChat,
        }
    }

    pub(super) const fn framing(self) -> Framing {
        match self {
            Self::Bedrock => Framing::Amazon,
            Self::BedrockAnthropic => Framing::AmazonChunks,
            Self::Ollama => Framing::Lines,
            _ => Framing::Sse,
        }
    }

    /// Whether a request that does not say so asks for a stream.
    pub(super) const fn streams_by_default(self) -> bool {
        matches!(self, Self::Ollama)
    }

    /// The whole body.
    pub(super) fn whole(self, reply: &ChatReply, model: &str) -> String {
        let model = reply.model_or(model);
        let body = match self {
            Self::OpenAiChat => openai_chat::whole(reply, model),
            Self::OpenAiResponses => openai_responses::whole(reply, model),
            Self::Anthropic | Self::BedrockAnthropic | Self::VertexAnthropic => {
                anthropic::whole(reply, model)
            }
            Self::Gemini => gemini::whole(reply, model),
            Self::Bedrock => bedrock::whole(reply),
            Self::Cohere => cohere::whole(reply),
            Self::Ollama => ollama::whole(reply, model),
        };
        body.to_string()
    }

    /// The bytes of the stream, and the place in them that is midway.
    pub(super) fn streamed(self, reply: &ChatReply, model: &str) -> (Bytes, usize) {
        let model = reply.model_or(model);
        let events = match self {
            Self::OpenAiChat => openai_chat::events(reply, model),
            Self::OpenAiResponses => openai_responses::events(reply, model),
            Self::Anthropic | Self::BedrockAnthropic | Self::VertexAnthropic => {
                anthropic::events(reply, model)
            }
            Self::Gemini => gemini::events(reply, model),
            Self::Bedrock => bedrock::events(reply),
            Self::Cohere => cohere::events(reply),
            Self::Ollama => ollama::events(reply, model),
        };
        bytes(events, reply, || self.failure("it broke"), self.framing())
    }

    /// The event by which the provider says that it failed in the middle of a reply.
    fn failure(self, message: &str) -> Event {
        match self {
            Self::OpenAiChat => openai_chat::failure(message),
            Self::OpenAiResponses => openai_responses::failure(message),
            Self::Anthropic | Self::VertexAnthropic => anthropic::failure(message),
            Self::Gemini => gemini::failure(message),
            Self::Bedrock | Self::BedrockAnthropic => bedrock::failure(message),
            Self::Cohere => cohere::failure(message),
            Self::Ollama => ollama::failure(message),
        }
    }

    /// The body, and the headers, by which the provider refuses a request.
    pub(super) fn refusal(self, status: u16, message: &str) -> Refusal {
        match self {
            Self::OpenAiChat | Self::OpenAiResponses => openai_chat::refusal(status, message),
            Self::Anthropic => anthropic::refusal(status, message),
            // What the model itself refuses is Anthropic's, what stands before it Google's.
            Self::VertexAnthropic if matches!(status, 400 | 413 | 529) => {
                anthropic::refusal(status, message)
            }
            Self::VertexAnthropic | Self::Gemini => gemini::refusal(status, message),
            Self::Bedrock | Self::BedrockAnthropic => bedrock::refusal(status, message),
            Self::Cohere => cohere::refusal(message),
            Self::Ollama => ollama::refusal(message),
        }
    }
}
