//! `largestack doctor`: what works here, what does not, and what to do. It reads and probes; it
//! makes no network call and repairs nothing.

use std::path::PathBuf;

use clap::Args;
use largestack_config::{self as config, Flags, Settings};
use largestack_types::errors::Result;
use serde::Serialize;

use crate::args::Global;
use crate::compose;
use crate::exit;
use crate::failure::Outcome;
use crate::keys::Keys;
use crate::place;
use crate::render::checks::{Check, any_broken, lines};
use crate::screen::Screen;

mod agent;
mod machine;
mod state;

/// Checks what works here.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// The agent or project to check; the nearest one unless given
    path: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Serialize)]
struct Document {
    broken: bool,
    checks: Vec<Check>,
}

impl Doctor {
    pub(crate) fn perform(&self, global: &Global, screen: &mut Screen) -> Outcome {
        let mut checks = vec![machine::program()];
        let settings = self.settings(global);
        checks.push(agent::agent(settings.as_ref()));
        let settings = settings.and_then(Result::ok);
        let keys = Keys::of_process()?;
        checks.extend(agent::model(settings.as_ref(), &keys));
        checks.push(agent::providers(settings.as_ref(), &keys));
        checks.extend(machine::secrets(&keys));
        checks.extend(agent::license(settings.as_ref()));
        let folder = match &settings {
            Some(settings) => settings.project.state.clone(),
            None => place::candidate(global, self.path.as_deref())?,
        };
        let server = settings.as_ref().and_then(|settings| settings.project.postgres.as_deref());
        let knowledge = settings.as_ref().and_then(|settings| settings.agent.knowledge.as_ref());
        checks.extend(compose::blocking(state::checks(&folder, knowledge, server))?);
        checks.push(compose::with_runtime(machine::sandbox())?);
        checks.push(machine::terminal());
        let broken = any_broken(&checks);
        if self.json {
            screen.json(&Document { broken, checks })?;
        } else {
            screen.print(&lines(&checks))?;
        }
        Ok(if broken { exit::BROKEN } else { exit::DONE })
    }

    /// The settings of the agent here; `None` where there is no agent and none was named.
    fn settings(&self, global: &Global) -> Option<Result<Settings<config::Agent>>> {
        let here = PathBuf::from(".");
        let path = match &self.path {
            Some(path) => path,
            None if here.join(config::AGENT_FILE).is_file() => &here,
            None => return None,
        };
        let mut flags = Flags::new();
        if let Some(state) = &global.state {
            flags = flags.set("state", "--state", state.display().to_string());
        }
        Some(compose::settings(path, &flags))
    }
}
