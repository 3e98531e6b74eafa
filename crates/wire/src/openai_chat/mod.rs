//! The wire `openai-chat`: OpenAI's chat completions, and the dialects of everybody who adopted
//! it (see the reference at platform.openai.com/docs/api-reference/chat).

mod assistant;
mod chunks;
mod content;
mod decode;
pub(crate) mod fault;
mod finish;
mod read;
mod reasoning;
mod reply;
mod request;
mod settings;
mod sources;
mod tool_calls;
mod usage;

use largestack_types::call::Call;
use largestack_types::errors::LargestackError;

use crate::error::{EncodeError, ReadError};
use crate::model::Target;
use crate::session::Session;
use crate::wire::{Decoder, Framing, HttpRequest, Mode, Wire};

/// The wire `openai-chat`.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenAiChat;

/// The name that provider rows use.
const NAME: &str = "openai-chat";

impl Wire for OpenAiChat {
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
        Box::new(decode::ChatDecoder::new(mode, target.clone()))
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
