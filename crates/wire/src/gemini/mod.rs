//! The wire `gemini`: `generateContent` of the Gemini API and of Vertex AI, which share it but for
//! address and credentials (see the reference at ai.google.dev/api/generate-content and
//! cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference).

mod calls;
mod contents;
mod decode;
mod fault;
mod finish;
mod object;
mod parts;
mod read;
mod reply;
mod request;
mod settings;
mod sources;
mod tools;
mod usage;

use largestack_types::call::Call;
use largestack_types::errors::LargestackError;

use crate::error::{EncodeError, ReadError};
use crate::model::Target;
use crate::session::Session;
use crate::wire::{Decoder, Framing, HttpRequest, Mode, Wire};

/// The wire `gemini`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gemini;

/// The name that provider rows use.
const NAME: &str = "gemini";

impl Wire for Gemini {
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
        Box::new(decode::GeminiDecoder::new(mode, target.clone()))
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
