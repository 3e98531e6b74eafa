//! `largestack providers`: who can serve a model here, and what is proven of each.

mod check;
mod evidence;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use largestack_config::{Environment, Flags, Inputs, Project};
use largestack_types::errors::{LargestackError, Result};
use largestack_wire::{Auth, Provider};
use serde::Serialize;

use crate::args::Global;
use crate::compose::OFFER;
use crate::exit;
use crate::failure::Outcome;
use crate::keys::{KeySource, Keys};
use crate::render::style::{FAINT, painted};
use crate::render::table::{Flush, Table};
use crate::screen::Screen;
use evidence::{CAPABILITIES, Evidence};

/// Who can serve a model here.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Providers {
    #[command(subcommand)]
    what: Option<What>,
    /// The project whose providers are listed; the nearest one unless given
    path: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make one small real call to a model and say what happened
    Check(check::Check),
}

#[derive(Serialize)]
struct Document {
    capabilities: &'static [&'static str],
    providers: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    also: Vec<String>,
    wire: String,
    base_url: Option<String>,
    key_variables: Vec<String>,
    key: Key,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_source: Option<String>,
    evidence: Vec<(&'static str, Evidence)>,
}

/// Whether there is a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Key {
    Set,
    Missing,
    NotNeeded,
    /// A cloud's own credentials, which are looked up when a call is made.
    Cloud,
}

impl Key {
    fn of(provider: &Provider, source: Option<&KeySource>) -> Self {
        match (source, &provider.auth) {
            (Some(_), _) => Self::Set,
            (None, Auth::None) => Self::NotNeeded,
            (None, Auth::SigV4(_) | Auth::GoogleCloud | Auth::Azure) => Self::Cloud,
            (None, _) => Self::Missing,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Missing => "-",
            Self::NotNeeded => "not needed",
            Self::Cloud => "cloud",
        }
    }
}

impl Providers {
    pub(crate) fn json(&self) -> bool {
        match &self.what {
            Some(What::Check(check)) => check.json,
            None => self.json,
        }
    }

    pub(crate) fn perform(&self, _: &Global, screen: &mut Screen) -> Outcome {
        if let Some(What::Check(check)) = &self.what {
            return check.perform(screen);
        }
        let project = project(self.path.as_deref())?;
        let keys = Keys::of_process()?;
        let rows = project.providers.providers().map(|row| Row::of(row, &keys));
        let rows = rows.collect::<Result<Vec<Row>>>()?;
        if self.json {
            screen.json(&Document { capabilities: CAPABILITIES, providers: rows })?;
        } else {
            screen.print(&table(&rows))?;
        }
        Ok(exit::DONE)
    }
}

/// The project of a folder, or the nearest one from here upwards; its file decides who there is.
pub(super) fn project(path: Option<&Path>) -> Result<Project> {
    let environment = Environment::of_process();
    let flags = Flags::new();
    let folder = path.unwrap_or_else(|| Path::new(""));
    let inputs =
        Inputs { working_folder: folder, environment: &environment, flags: &flags, offer: &OFFER };
    let settings = inputs.project().map_err(|error| LargestackError::from_coded(&error))?;
    Ok(settings.project)
}

impl Row {
    fn of(provider: &Provider, keys: &Keys) -> Result<Self> {
        let source = keys.find(provider)?.map(|(_, source)| source);
        let own = largestack_config::own_key_variable(&provider.name);
        let listed = provider.key_env.iter().filter(|name| **name != own).cloned();
        Ok(Self {
            name: provider.name.to_string(),
            also: provider.also.clone(),
            wire: provider.wire.to_string(),
            base_url: provider.base_url.clone(),
            key_variables: std::iter::once(own.clone()).chain(listed).collect(),
            key: Key::of(provider, source.as_ref()),
            key_source: source.map(|source| source.to_string()),
            evidence: evidence::of(&provider.name),
        })
    }
}

fn table(rows: &[Row]) -> String {
    let mut columns =
        vec![("provider", Flush::Left), ("protocol", Flush::Left), ("key", Flush::Left)];
    columns.extend(CAPABILITIES.iter().map(|name| (*name, Flush::Left)));
    let mut table = Table::new(&columns);
    for row in rows {
        let mut cells = vec![row.name.clone(), row.wire.clone(), row.key.word().to_owned()];
        cells.extend(row.evidence.iter().map(|(_, evidence)| evidence.letter().to_owned()));
        table.row(cells);
    }
    let mut text = table.lines(|_, _, cell| cell);
    let legend = "R recorded: real traffic was replayed   O oracle: an official client or a published vector agreed\n\
                  S simulated: only a provider of ours was asked   - nothing was shown\n";
    text.push('\n');
    text.push_str(&painted(FAINT, legend.to_owned()));
    text
}
