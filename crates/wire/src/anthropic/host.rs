//! Where the messages are spoken: what differs is the address, two fields of the body and the
//! framing of a stream.

use crate::wire::{Framing, Mode};

/// Who serves the models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// Anthropic.
    Anthropic,
    /// Amazon Bedrock, `InvokeModel`.
    Bedrock,
    /// Google Vertex AI, `rawPredict`.
    Vertex,
}

impl Host {
    pub(super) const fn wire(self) -> &'static str {
        match self {
            Self::Anthropic => super::NAME,
            Self::Bedrock => "bedrock-anthropic",
            Self::Vertex => "vertex-anthropic",
        }
    }

    /// The path of the request, where the provider's row names no other.
    pub(super) const fn path(self, stream: bool) -> &'static str {
        match (self, stream) {
            (Self::Anthropic, _) => "/v1/messages",
            (Self::Bedrock, false) => "/model/{model}/invoke",
            (Self::Bedrock, true) => "/model/{model}/invoke-with-response-stream",
            (Self::Vertex, false) => concat!(
                "/v1/projects/{project}/locations/{location}",
                "/publishers/anthropic/models/{model}:rawPredict"
            ),
            (Self::Vertex, true) => concat!(
                "/v1/projects/{project}/locations/{location}",
                "/publishers/anthropic/models/{model}:streamRawPredict"
            ),
        }
    }

    /// The protocol's version, where the body says it and not a header.
    pub(super) const fn version(self) -> Option<&'static str> {
        match self {
            Self::Anthropic => None,
            Self::Bedrock => Some("bedrock-2023-05-31"),
            Self::Vertex => Some("vertex-2023-10-16"),
        }
    }

    /// Whether the body names the model; elsewhere the address does.
    pub(super) const fn names_model(self) -> bool {
        matches!(self, Self::Anthropic)
    }

    /// Whether the body asks for a stream; at Bedrock only the address does.
    pub(super) const fn says_stream(self) -> bool {
        !matches!(self, Self::Bedrock)
    }

    /// Whether files can be uploaded before.
    pub(super) const fn keeps_files(self) -> bool {
        matches!(self, Self::Anthropic)
    }

    /// Whether beta features are named in a header; at Bedrock they are a field of the body.
    pub(super) const fn betas_in_header(self) -> bool {
        !matches!(self, Self::Bedrock)
    }

    pub(super) const fn framing(self, mode: Mode) -> Framing {
        match (mode, self) {
            (Mode::Whole, _) => Framing::Whole,
            (Mode::Stream, Self::Bedrock) => Framing::EventStream,
            (Mode::Stream, _) => Framing::Sse,
        }
    }
}
