//! `largestack sessions`: the conversations that a project keeps.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use largestack_agent::Conversations;
use largestack_ports::sessions::{Conversation, Session};
use largestack_store::Store;
use largestack_types::errors::Result;
use serde::Serialize;

use crate::args::Global;
use crate::compose::{self, blocking};
use crate::exit;
use crate::failure::{Outcome, unreadable};
use crate::place;
use crate::render::sessions as render;
use crate::screen::Screen;

/// Sessions that a list shows when nobody says.
const SHOWN: usize = 20;

/// Conversations: list, show, export, take in and forget them.
#[derive(Debug, Args)]
pub(crate) struct Sessions {
    /// What to do; `list` unless given
    #[command(subcommand)]
    what: Option<What>,
}

/// Which project.
#[derive(Clone, Debug, Default, Args)]
struct Project {
    /// The project; the nearest one unless given
    path: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the newest
    List(List),
    /// Show what was said in one
    Show(One),
    /// Print one as a JSON document that `import` takes
    Export(Name),
    /// Take in an exported one
    Import(Import),
    /// Forget one, with the values that its placeholders stand for
    Delete(Name),
    /// Forget those whose time is over
    Prune(Project),
    /// Put another key in the place of the one that seals sessions and sensitive values
    RotateKey(Project),
}

#[derive(Debug, Default, Args)]
struct List {
    #[command(flatten)]
    project: Project,
    /// How many
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = SHOWN)]
    count: usize,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Name {
    /// The session's name or id
    session: String,
    #[command(flatten)]
    project: Project,
}

#[derive(Debug, Args)]
struct One {
    #[command(flatten)]
    name: Name,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Import {
    /// The exported session
    file: PathBuf,
    #[command(flatten)]
    project: Project,
}

/// The document of `list`.
#[derive(Serialize)]
struct Listed {
    sessions: Vec<Session>,
}

fn open(global: &Global, path: Option<&Path>) -> Result<(Store, Conversations)> {
    let store = compose::store(&place::existing(global, path)?)?;
    let conversations = Conversations::of(Arc::new(store.clone()), Arc::new(store.clone()));
    Ok((store, conversations))
}

impl Sessions {
    /// Whether one JSON document is printed.
    pub(crate) fn json(&self) -> bool {
        match &self.what {
            Some(What::List(list)) => list.json,
            Some(What::Show(one)) => one.json,
            Some(What::Export(_)) => true,
            _ => false,
        }
    }

    pub(crate) fn perform(self, global: &Global, screen: &mut Screen) -> Outcome {
        let scope = compose::scope();
        let opened = |project: &Project| open(global, project.path.as_deref());
        match self.what.unwrap_or_else(|| What::List(List { count: SHOWN, ..List::default() })) {
            What::List(List { project, count, json }) => {
                let (_, kept) = opened(&project)?;
                let sessions = blocking(kept.list(&scope, count))??;
                if json {
                    screen.json(&Listed { sessions })?;
                } else if sessions.is_empty() {
                    screen.print(
                        "There is no session. `largestack run --session NAME` makes one.\n",
                    )?;
                } else {
                    screen.print(&render::list(&sessions))?;
                }
            }
            What::Show(One { name, json }) => {
                let (_, kept) = opened(&name.project)?;
                let said: Conversation = blocking(kept.load(&scope, name.session.as_str()))??;
                if json {
                    screen.json(&said)?;
                } else {
                    screen.print(&render::show(&said))?;
                }
            }
            What::Export(name) => {
                let (_, kept) = opened(&name.project)?;
                let document = blocking(kept.export(&scope, name.session.as_str()))??;
                screen.print(&format!("{document}\n"))?;
            }
            What::Import(Import { file, project }) => {
                let document = std::fs::read_to_string(&file);
                let document = document.map_err(|error| unreadable(&file, &error))?;
                let (_, kept) = opened(&project)?;
                let session = blocking(kept.import(&scope, &document))??;
                screen.print(&format!("{} was taken in.\n", render::name(&session)))?;
            }
            What::Delete(name) => {
                let (_, kept) = opened(&name.project)?;
                // For its error, where there is none.
                let said = blocking(kept.load(&scope, name.session.as_str()))??;
                blocking(kept.delete(&scope, said.session.id))??;
                screen.print(&format!("{} is forgotten.\n", render::name(&said.session)))?;
            }
            What::Prune(project) => {
                let (_, kept) = opened(&project)?;
                let count = blocking(kept.prune(&scope))??;
                screen.print(&format!("Forgotten: {count}\n"))?;
            }
            What::RotateKey(project) => {
                let (store, _) = opened(&project)?;
                let count = blocking(store.rotate_key())??;
                screen.print(&format!("A new key is in place. Keys that it seals: {count}\n"))?;
            }
        }
        Ok(exit::DONE)
    }
}
