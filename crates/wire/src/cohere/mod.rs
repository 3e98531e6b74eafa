//! The wire `cohere-v2`: Cohere's chat, version 2 (docs.cohere.com/reference/chat).

mod content;
mod decode;
mod fault;
mod read;
mod reply;
mod request;
mod result;
mod settings;
mod usage;

use largestack_types::call::Call;
use largestack_types::errors::LargestackError;

use crate::error::{EncodeError, ReadError};
use crate::model::Target;
use crate::session::Session;
use crate::wire::{Decoder, Framing, HttpRequest, Mode, Wire};

/// The wire `cohere-v2`.
#[derive(Clone, Copy, Debug, Default)]
pub struct CohereV2;

/// The name that provider rows use.
const NAME: &str = "cohere-v2";

impl Wire for CohereV2 {
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
        Box::new(decode::CohereDecoder::new(mode, target.clone()))
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
