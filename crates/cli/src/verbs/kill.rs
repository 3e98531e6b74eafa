//! `largestack kill`: throws the kill switch of a store.

use std::path::PathBuf;

use clap::Args;
use largestack_store::SwitchScope;
use serde::Serialize;

use crate::args::Global;
use crate::compose::{self, blocking};
use crate::exit;
use crate::failure::Outcome;
use crate::render::amount::moment;
use crate::screen::Screen;
use crate::shared::{For, Shared};
use largestack_types::errors::{Code, LargestackError};

/// What is wrong with a reason that says nothing.
pub(super) const NO_REASON: &str = "the reason is empty";

/// Throws the kill switch.
#[derive(Debug, Args)]
pub(crate) struct Kill {
    /// The project whose runs to stop; the nearest one unless given
    path: Option<PathBuf>,
    /// Why; whoever is refused reads it
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who throws it
    #[arg(long, value_name = "NAME", default_value = "local")]
    by: String,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Serialize)]
struct Document {
    kill_switch: &'static str,
    by: String,
    reason: String,
    at: String,
    state: String,
}

impl Kill {
    pub(crate) fn perform(&self, global: &Global, screen: &mut Screen) -> Outcome {
        if self.reason.trim().is_empty() {
            let advice = "Say why: whoever is refused reads it";
            return Err(LargestackError::with_advice(Code::Input, NO_REASON, advice).into());
        }
        let (state, shared) = Shared::of_project(global, self.path.as_deref(), For::Writing)?;
        let scope = SwitchScope::Tenant(compose::scope().tenant().clone());
        let thrown = blocking(shared.throw(&scope, &self.by, &self.reason))??;
        let document = Document {
            kill_switch: "on",
            by: thrown.by,
            reason: thrown.reason,
            at: thrown.at.to_string(),
            state: state.display().to_string(),
        };
        if self.json {
            screen.json(&document)?;
        } else {
            let path = self.path.as_ref().map_or_else(String::new, |p| format!("{} ", p.display()));
            screen.print(&format!(
                "The kill switch is on for {} since {} UTC. Calls in flight stop, new ones are \
                 refused.\nLift it when it is safe: largestack resume {path}--reason TEXT\n",
                document.state,
                moment(thrown.at),
            ))?;
        }
        Ok(exit::DONE)
    }
}
