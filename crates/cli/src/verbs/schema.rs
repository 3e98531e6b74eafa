//! `largestack schema`: what editors are told of the files, as JSON Schema.

use clap::{Args, ValueEnum};
use largestack_config::keys::Place;

use crate::exit;
use crate::failure::Outcome;
use crate::screen::Screen;

/// Prints a file's JSON Schema.
#[derive(Debug, Args)]
pub(crate) struct Schema {
    /// The file: agent (agent.yaml), project (largestack.yaml) or workflow (workflow.yaml)
    file: File,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum File {
    Agent,
    Project,
    Workflow,
}

impl Schema {
    pub(crate) fn perform(&self, screen: &mut Screen) -> Outcome {
        let place = match self.file {
            File::Agent => Place::Agent,
            File::Project => Place::Project,
            File::Workflow => Place::Workflow,
        };
        screen.json(&largestack_config::schema::schema(place))?;
        Ok(exit::DONE)
    }
}
