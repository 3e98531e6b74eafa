//! What a frame said, in words that all wires share. Borrowed from the frame: nothing is copied
//! before the accumulator decides to keep it.

use std::borrow::Cow;

use largestack_types::errors::LargestackError;
use largestack_types::json::Json;
use largestack_types::part::{Citation, Media};
use largestack_types::reply::FinishReason;
use largestack_types::usage::Usage;
use serde_json::value::RawValue;

/// One thing a provider said. `part` numbers the parts of the reply from 0 in their final order;
/// a decoder uses a number for one kind of part only.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum WireEvent<'a> {
    /// The provider's id of the reply, or the model that answers. Later values replace earlier.
    Identity {
        /// The provider's id of the reply.
        id: Option<Cow<'a, str>>,
        /// The model, as the provider names it.
        model: Option<Cow<'a, str>>,
    },
    /// More text.
    Text {
        /// Which part.
        part: u32,
        /// The characters.
        text: Cow<'a, str>,
    },
    /// More reasoning; may be empty, to open the part.
    Reasoning {
        /// Which part.
        part: u32,
        /// The characters.
        text: Cow<'a, str>,
    },
    /// What must go back to the provider with a reasoning part.
    ReasoningSeal {
        /// Which part.
        part: u32,
        /// The opaque signature, complete.
        signature: Option<Cow<'a, str>>,
        /// Whether the words were withheld.
        redacted: bool,
        /// The provider's own block, complete.
        raw: Option<Json>,
    },
    /// More of a refusal.
    Refusal {
        /// Which part.
        part: u32,
        /// The characters.
        text: Cow<'a, str>,
    },
    /// A tool call begins, or its id or name became known; empty strings change nothing.
    ToolCall {
        /// Which part.
        part: u32,
        /// The provider's id; may be empty.
        id: Cow<'a, str>,
        /// The tool.
        name: Cow<'a, str>,
    },
    /// More of a tool call's arguments, as JSON text.
    Arguments {
        /// Which part.
        part: u32,
        /// The characters.
        text: Cow<'a, str>,
    },
    /// A citation.
    Citation {
        /// Which part.
        part: u32,
        /// The citation.
        citation: Citation,
    },
    /// An image or sound.
    Media {
        /// Which part.
        part: u32,
        /// The medium.
        media: Media,
    },
    /// A tool that the provider ran itself. A later one for the same part replaces it.
    ServerTool {
        /// Which part.
        part: u32,
        /// As the provider wrote it.
        raw: Json,
    },
    /// A block of a kind this version does not know.
    Unknown {
        /// Which part.
        part: u32,
        /// As the provider wrote it.
        raw: Json,
    },
    /// What the protocol says of a part beside its body (an object; see
    /// `largestack_types::part::Native`). A later one for the same part replaces it.
    Native {
        /// Which part.
        part: u32,
        /// The wire's name.
        wire: &'static str,
        /// The fields.
        fields: Json,
    },
    /// Token counts so far. Later ones replace earlier ones.
    Usage {
        /// Normalised.
        usage: Usage,
        /// The provider's object.
        raw: &'a RawValue,
    },
    /// Why the model stopped.
    Finish {
        /// Normalised.
        reason: FinishReason,
        /// The provider's word.
        raw: Cow<'a, str>,
    },
    /// A field this wire does not interpret.
    Extra {
        /// Where in the reply it was.
        place: Place,
        /// The field's name.
        key: Cow<'a, str>,
        /// Its value.
        value: &'a RawValue,
    },
    /// A frame of a kind this wire does not know, survived.
    Ignored {
        /// What it was.
        what: Cow<'a, str>,
    },
    /// A frame that could not be read, survived.
    Malformed {
        /// Why.
        detail: String,
    },
    /// The provider failed after it had begun to answer.
    Fault(LargestackError),
}

/// Where in a reply a field was. The names are the keys of `Reply::extras` under which fields
/// that were not at the top are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Place {
    /// Beside the choices or content.
    Top,
    /// In the choice.
    Choice,
    /// In the message.
    Message,
    /// In a tool call.
    ToolCall,
}

impl Place {
    /// The key in `Reply::extras`; `None` at the top.
    pub const fn key(self) -> Option<&'static str> {
        match self {
            Self::Top => None,
            Self::Choice => Some("choice"),
            Self::Message => Some("message"),
            Self::ToolCall => Some("tool_calls"),
        }
    }
}
