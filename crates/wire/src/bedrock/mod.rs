//! The wire `bedrock-converse`: Amazon Bedrock's Converse and ConverseStream, one protocol for the
//! models of many makers (docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html).

mod block;
mod content;
mod decode;
mod family;
pub(crate) mod fault;
mod finish;
mod media;
mod open;
mod read;
mod reply;
mod request;
mod result;
mod settings;
mod tools;
mod usage;

use largestack_types::call::Call;
use largestack_types::errors::LargestackError;

use crate::error::{EncodeError, ReadError};
use crate::model::Target;
use crate::session::Session;
use crate::wire::{Decoder, Framing, HttpRequest, Mode, Wire};

/// The wire `bedrock-converse`.
#[derive(Clone, Copy, Debug, Default)]
pub struct BedrockConverse;

/// The name that provider rows use.
const NAME: &str = "bedrock-converse";

impl Wire for BedrockConverse {
    fn name(&self) -> &'static str {
        NAME
    }

    fn framing(&self, mode: Mode) -> Framing {
        match mode {
            Mode::Whole => Framing::Whole,
            Mode::Stream => Framing::EventStream,
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
        Box::new(decode::ConverseDecoder::new(mode, target.clone()))
    }

    fn read(&self, body: &[u8], target: &Target) -> Result<Call, ReadError> {
        read::read(body, target)
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
