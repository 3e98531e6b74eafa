//! `largestack wire`: provider protocols from files, without a network.

mod decode;
mod encode;
mod reply;
mod request;

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use clap::Subcommand;
use largestack_types::errors::LargestackError;

use crate::failure::{Outcome, unreadable};
use crate::screen::Screen;

/// Reads and writes provider protocols.
#[derive(Debug, Subcommand)]
pub(crate) enum Wire {
    /// Read a provider's reply or event stream and print the normalised reply as JSON
    Decode(decode::Decode),
    /// Print the request that a list of messages becomes
    Encode(encode::Encode),
}

impl Wire {
    pub(crate) fn perform(&self, screen: &mut Screen) -> Outcome {
        match self {
            Self::Decode(verb) => verb.perform(screen),
            Self::Encode(verb) => verb.perform(screen),
        }
    }
}

/// The bytes of a file, or of standard input for `-`.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, LargestackError> {
    let mut bytes = Vec::new();
    let read = if path.as_os_str() == "-" {
        io::stdin().lock().read_to_end(&mut bytes).map(|_| ())
    } else {
        fs::read(path).map(|read| bytes = read)
    };
    read.map(|()| bytes).map_err(|error| unreadable(path, &error))
}
