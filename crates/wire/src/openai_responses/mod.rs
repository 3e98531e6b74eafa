//! The wire `openai-responses`: OpenAI's Responses API, and those who adopted it (see the reference
//! at platform.openai.com/docs/api-reference/responses).
//!
//! A conversation is sent whole, as items; nothing is kept at the provider. So every request says
//! `store: false`, and asks models that reason for their reasoning in sealed form, which has to come
//! back with the items behind it. Who wants it otherwise says so in `extra`: a `store` or `include`
//! of one's own goes out as it is, and null leaves the field to the provider.

mod assistant;
mod call_stream;
mod cite;
mod close;
mod content;
mod decode;
mod fault;
mod finish;
mod items;
mod kept;
mod read;
mod request;
mod settings;
mod shape;
mod tools;
mod usage;

use largestack_types::call::Call;
use largestack_types::errors::LargestackError;

use crate::error::{EncodeError, ReadError};
use crate::model::Target;
use crate::session::Session;
use crate::wire::{Decoder, Framing, HttpRequest, Mode, Wire};

/// The wire `openai-responses`.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenAiResponses;

/// The name that provider rows use.
const NAME: &str = "openai-responses";

impl Wire for OpenAiResponses {
    fn name(&self) -> &'static str {
        NAME
    }

    fn framing(&self, mode: Mode) -> Framing {
        match mode {
            Mode::Whole => Framing::Whole,
            Mode::Stream => Framing::Sse,
        }
    }

    fn encode(
        &self,
        call: &Call,
        target: &Target,
        session: &mut Session,
    ) -> Result<HttpRequest, EncodeError> {
        request::encode(call, target, session)
    }

    fn decoder(&self, mode: Mode, target: &Target) -> Box<dyn Decoder + Send> {
        Box::new(decode::ResponsesDecoder::new(mode, target.clone()))
    }

    fn read(&self, body: &[u8], target: &Target) -> Result<Call, ReadError> {
        read::call(body, target)
    }

    fn fault(
        &self,
        status: u16,
        headers: &[(String, String)],
        body: &[u8],
        target: &Target,
    ) -> LargestackError {
        fault::refused(status, headers, body, target)
    }
}

/// Names inside of what this wire keeps beside a part (see [`crate::overlay`]).
mod beside {
    /// The fields of a content block; its presence says that the words are a block of an item.
    pub(super) const BLOCK: &str = "block";
    /// The block goes on in the item of the block before it.
    pub(super) const WITH: &str = "with";
    /// The item's content is a bare string.
    pub(super) const BARE: &str = "bare";
    /// How a text was cut into blocks: for each its type, its length in bytes and what else it
    /// says. A block without a length stands for itself.
    pub(super) const BLOCKS: &str = "blocks";
    /// The length of a block in bytes.
    pub(super) const BYTES: &str = "bytes";
    /// The block is the next of the result's media.
    pub(super) const MEDIA: &str = "media";
    /// The form of a whole input: one string.
    pub(super) const INPUT: &str = "input";
}

/// What stands between the blocks of one reasoning.
const BETWEEN: &str = "\n\n";
