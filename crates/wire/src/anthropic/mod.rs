//! The wire `anthropic-messages`: Anthropic's Messages API (see the reference at
//! platform.claude.com/docs/en/api/messages), and the same messages inside of Amazon Bedrock's
//! `InvokeModel` (`bedrock-anthropic`) and Google Vertex AI's `rawPredict` (`vertex-anthropic`).
//!
//! A message is a list of blocks unless its native fields say that it was a bare string
//! (`{"content": "text"}`). Neighbouring messages of one speaker are one turn, as the API joins
//! them itself, unless native fields say that they were two. Beta features are asked for with a
//! header `anthropic-beta` of the row, or with `anthropic_beta` (a list) in a call's `extra`.

mod betas;
mod block;
mod cite;
mod content;
mod decode;
mod fault;
mod finish;
mod host;
mod media;
mod native;
mod read;
mod reply;
mod request;
mod result;
mod settings;
mod thinking;
mod tools;
mod turns;
mod usage;

use largestack_types::call::Call;
use largestack_types::errors::LargestackError;

use self::host::Host;
use crate::error::{EncodeError, ReadError};
use crate::model::Target;
use crate::session::Session;
use crate::wire::{Decoder, Framing, HttpRequest, Mode, Wire};

/// The wire `anthropic-messages`, where it is spoken.
#[derive(Clone, Copy, Debug)]
pub struct Anthropic(Host);

impl Anthropic {
    /// `anthropic-messages`: Anthropic itself, and whoever speaks as it does.
    pub const MESSAGES: Self = Self(Host::Anthropic);
    /// `bedrock-anthropic`: behind Amazon Bedrock's `InvokeModel`.
    pub const BEDROCK: Self = Self(Host::Bedrock);
    /// `vertex-anthropic`: behind Google Vertex AI's `rawPredict`.
    pub const VERTEX: Self = Self(Host::Vertex);
}

/// The name under which parts keep what the protocol says beside, wherever it was spoken: blocks
/// and signatures of one host are good at the others.
const NAME: &str = "anthropic-messages";

impl Wire for Anthropic {
    fn name(&self) -> &'static str {
        self.0.wire()
    }

    fn framing(&self, mode: Mode) -> Framing {
        self.0.framing(mode)
    }

    fn encode(
        &self,
        call: &Call,
        target: &Target,
        session: &mut Session,
    ) -> Result<HttpRequest, EncodeError> {
        request::encode(self.0, call, target, session)
    }

    fn decoder(&self, mode: Mode, target: &Target) -> Box<dyn Decoder + Send> {
        Box::new(decode::MessageDecoder::new(mode, target.clone()))
    }

    fn read(&self, body: &[u8], target: &Target) -> Result<Call, ReadError> {
        read::call(self.0, body, target)
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
