//! `largestack wire decode`.

use std::path::PathBuf;

use clap::Args;
use largestack_types::errors::{Code, LargestackError};
use largestack_wire::{Mode, Provider, Target, WIRES, decode, wire};

use super::reply::Document;
use crate::exit;
use crate::failure::Outcome;
use crate::screen::Screen;

/// Reads a provider's reply.
#[derive(Debug, Args)]
pub(crate) struct Decode {
    /// The protocol, e.g. openai-chat
    #[arg(long, value_name = "NAME")]
    wire: String,
    /// The body is an event stream
    #[arg(long)]
    stream: bool,
    /// The file that holds the body, or `-` for standard input
    file: PathBuf,
}

impl Decode {
    pub(crate) fn perform(&self, screen: &mut Screen) -> Outcome {
        let codec = wire(&self.wire).ok_or_else(|| unknown(&self.wire))?;
        let body = super::read(&self.file)?;
        let mode = if self.stream { Mode::Stream } else { Mode::Whole };
        // A body says everything about itself; who sent it only names errors.
        let target = Target::new(Provider::new(self.wire.as_str()).into(), "");
        let outcome = decode(codec, mode, &target, &body).map_err(|error| not_a_reply(&error))?;
        for report in &outcome.reports {
            screen.note(&crate::render::text::clean(report));
        }
        if let Some(fault) = outcome.fault {
            return Err(fault.into());
        }
        screen.json(&Document::from(outcome.reply))?;
        Ok(exit::DONE)
    }
}

fn unknown(name: &str) -> LargestackError {
    let names: Vec<_> = WIRES.iter().map(|wire| wire.name()).collect();
    let advice = format!("There are: {}", names.join(", "));
    LargestackError::with_advice(Code::Input, format!("there is no wire {name}"), advice)
}

/// The file is what is wrong here, not a provider.
fn not_a_reply(error: &largestack_wire::DecodeError) -> LargestackError {
    let advice = "Check the file and its wire; --stream is for event streams";
    LargestackError::with_advice(Code::Input, error.to_string(), advice)
}
