//! Texts become vectors: the protocols of embeddings, each with its half for the request and its
//! half for the reply. A reply that is not one finite vector of one length for each text is an
//! error: a vector in the wrong place would poison an index for good.

mod check;
mod cohere;
mod gemini;
mod listed;
mod ollama;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use largestack_types::errors::LargestackError;
use largestack_types::json::Json;
use largestack_types::usage::Usage;

pub(crate) use check::{malformed, object, post};
pub use cohere::CohereEmbed;
pub(crate) use cohere::units;
pub use gemini::GeminiEmbed;
pub use largestack_types::embed::Purpose;
pub use listed::Listed;
pub use ollama::OllamaEmbed;

use crate::error::{DecodeError, EncodeError};
use crate::model::Target;
use crate::wire::HttpRequest;

/// One request for vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmbedCall<'a> {
    /// The texts, at most [`EmbedWire::most_texts`].
    pub texts: &'a [&'a str],
    /// What for.
    pub purpose: Purpose,
    /// How long the vectors shall be; the model's own length when absent.
    pub dimensions: Option<u32>,
}

/// Vectors, one for each text in the order of the texts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Embedded {
    /// The vectors, all of one length.
    pub vectors: Vec<Vec<f32>>,
    /// Tokens, where the provider counts them: as input.
    pub usage: Usage,
    /// The provider's usage object, untouched.
    pub raw_usage: Option<Json>,
    /// The model, as the provider names it.
    pub model: Option<Arc<str>>,
}

/// A protocol of embeddings. Pure, as [`crate::Wire`] is.
pub trait EmbedWire: fmt::Debug + Send + Sync {
    /// The name that provider rows use under `embed`.
    fn name(&self) -> &'static str;

    /// The most texts that one request takes.
    fn most_texts(&self) -> usize;

    /// The request, without credentials. A purpose or length that the protocol cannot say is
    /// dropped and reported, or refused.
    fn encode(&self, call: &EmbedCall<'_>, target: &Target) -> Result<HttpRequest, EncodeError>;

    /// The vectors of a reply to this call.
    fn decode(&self, call: &EmbedCall<'_>, body: &[u8]) -> Result<Embedded, DecodeError>;

    /// The error that a refused request means. Header names are compared without case.
    fn fault(
        &self,
        status: u16,
        headers: &[(String, String)],
        body: &[u8],
        target: &Target,
    ) -> LargestackError;
}

/// The wire with this name.
pub fn embed_wire(name: &str) -> Option<&'static dyn EmbedWire> {
    EMBED_WIRES.iter().copied().find(|wire| wire.name() == name)
}

/// Every wire, for tables and tests.
pub const EMBED_WIRES: &[&dyn EmbedWire] = &[
    &Listed::OPENAI,
    &Listed::COMPATIBLE,
    &Listed::MISTRAL,
    &Listed::NVIDIA,
    &Listed::VOYAGE,
    &Listed::JINA,
    &CohereEmbed,
    &GeminiEmbed,
    &OllamaEmbed,
];

impl Target {
    /// The protocol in which it is asked for vectors.
    pub fn embed_wire(&self) -> Result<&'static dyn EmbedWire, EncodeError> {
        let Some(name) = &self.provider.embed else { return Err(self.without("embeddings")) };
        embed_wire(name).ok_or_else(|| self.without(format!("embeddings over the wire `{name}`")))
    }

    /// An error that says what this provider does not do.
    pub(crate) fn without(&self, what: impl Into<Cow<'static, str>>) -> EncodeError {
        EncodeError::Unsupported {
            what: what.into(),
            provider: self.provider.name.clone(),
            model: self.model.clone(),
        }
    }
}
