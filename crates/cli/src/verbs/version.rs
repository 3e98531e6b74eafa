//! `largestack version`.

use clap::Args;
use serde::Serialize;

use crate::exit;
use crate::failure::Outcome;
use crate::screen::Screen;

/// Which version this is.
#[derive(Debug, Args)]
pub(crate) struct Version {
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Serialize)]
struct Document {
    name: &'static str,
    version: &'static str,
    journal_version: u16,
    os: &'static str,
    arch: &'static str,
    debug: bool,
}

impl Version {
    pub(crate) fn perform(&self, screen: &mut Screen) -> Outcome {
        let document = Document {
            name: "largestack",
            version: env!("CARGO_PKG_VERSION"),
            journal_version: largestack_engine::event::VERSION,
            os: std::env::consts::OS,
            arch: std::env::consts::ARCH,
            debug: cfg!(debug_assertions),
        };
        if self.json {
            screen.json(&document)?;
        } else {
            let Document { name, version, journal_version, os, arch, .. } = document;
            let build = if document.debug { ", debug build" } else { "" };
            screen.print(&format!(
                "{name} {version} ({os}-{arch}{build}), journal format {journal_version}\n"
            ))?;
        }
        Ok(exit::DONE)
    }
}
