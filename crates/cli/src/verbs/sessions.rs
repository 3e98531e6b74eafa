//! `largestack sessions`: the conversations that a project keeps.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use largestack_agent::Conversations;
use largestack_agent::sessions::LONGEST_DOCUMENT;
use largestack_types::errors::Result;
use serde::Serialize;

use crate::args::Global;
use crate::compose::{self, blocking};
use crate::exit;
use crate::failure::{Outcome, unreadable};
use crate::render::session_json::{ConversationDocument, SessionDocument};
use crate::render::sessions as render;
use crate::screen::Screen;
use crate::shared::{For, Shared};

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

/// The document of `list`.
#[derive(Serialize)]
struct Listed {
    sessions: Vec<SessionDocument>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the newest
    List(List),
    /// Show what was said in one
    Show(One),
    /// Print one as a JSON document that `import` takes, with the media in it
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
    /// A project (the nearest one unless given) and a session: its name or id
    #[arg(value_names = ["PATH", "SESSION"], num_args = 1..=2, required = true)]
    target: Vec<String>,
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
    /// A project (the nearest one unless given) and the exported session
    #[arg(value_names = ["PATH", "FILE"], num_args = 1..=2, required = true)]
    target: Vec<String>,
}

/// The project, where one is named, and the other word. A project stands first; where it can only
/// be the second word, it is that one.
fn parts(words: &[String], is_other: impl Fn(&Path) -> bool) -> (Option<&Path>, &str) {
    match words {
        [one, two] if is_other(Path::new(one)) && Path::new(two).is_dir() => {
            (Some(Path::new(two)), one)
        }
        [path, other, ..] => (Some(Path::new(path)), other),
        [other] => (None, other),
        [] => (None, ""),
    }
}

impl Name {
    fn parts(&self) -> (Option<&Path>, &str) {
        parts(&self.target, |word| !word.exists())
    }
}

fn kept(global: &Global, path: Option<&Path>, purpose: For) -> Result<Conversations> {
    let (_, shared) = Shared::of_project(global, path, purpose)?;
    Ok(Conversations::of(shared.journal, shared.vault))
}

fn reading(global: &Global, path: Option<&Path>) -> Result<Conversations> {
    kept(global, path, For::Reading)
}

fn writing(global: &Global, path: Option<&Path>) -> Result<Conversations> {
    kept(global, path, For::Writing)
}

/// The exported session in a file; of one that is too long as much as shows it.
fn read(file: &Path) -> Result<String> {
    let mut text = String::new();
    let most = LONGEST_DOCUMENT as u64 + 1;
    let read = File::open(file).and_then(|opened| opened.take(most).read_to_string(&mut text));
    read.map(|_| text).map_err(|error| unreadable(file, &error))
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
        match self.what.unwrap_or_else(|| What::List(List { count: SHOWN, ..List::default() })) {
            What::List(list) => list.perform(global, screen)?,
            What::Show(One { name, json }) => {
                let (path, session) = name.parts();
                let said = blocking(reading(global, path)?.load(&scope, session))??;
                if json {
                    screen.json(&ConversationDocument::of(&said))?;
                } else {
                    screen.print(&render::show(&said))?;
                }
            }
            What::Export(name) => {
                let (path, session) = name.parts();
                let document = blocking(reading(global, path)?.export(&scope, session))??;
                screen.print(&format!("{document}\n"))?;
            }
            What::Import(Import { target }) => {
                let (path, file) = parts(&target, Path::is_file);
                let document = read(Path::new(file))?;
                let kept = kept(global, path, For::Making)?;
                let session = blocking(kept.import(&scope, &document))??;
                screen.print(&format!("{} was taken in.\n", render::name(&session)))?;
            }
            What::Delete(name) => {
                let (path, session) = name.parts();
                let kept = writing(global, path)?;
                // For its error, where there is none.
                let said = blocking(kept.load(&scope, session))??;
                blocking(kept.delete(&scope, said.session.id))??;
                screen.print(&format!("{} is forgotten.\n", render::name(&said.session)))?;
            }
            What::Prune(project) => {
                let kept = writing(global, project.path.as_deref())?;
                let count = blocking(kept.prune(&scope))??;
                screen.print(&format!("Forgotten: {count}\n"))?;
            }
            What::RotateKey(project) => {
                let path = project.path.as_deref();
                let (_, shared) = Shared::of_project(global, path, For::Writing)?;
                let count = blocking(shared.rotate_key())??;
                screen.print(&format!("A new key is in place. Keys that it seals: {count}\n"))?;
            }
        }
        Ok(exit::DONE)
    }
}

impl List {
    fn perform(&self, global: &Global, screen: &mut Screen) -> Outcome<()> {
        let kept = reading(global, self.project.path.as_deref())?;
        let sessions = blocking(kept.list(&compose::scope(), self.count))??;
        if self.json {
            let sessions = sessions.iter().map(SessionDocument::of).collect();
            screen.json(&Listed { sessions })
        } else if sessions.is_empty() {
            screen.print("There is no session. `largestack run --session NAME` makes one.\n")
        } else {
            screen.print(&render::list(&sessions))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_stands_first_and_second_only_where_nothing_else_can_be_meant() {
        let words =
            |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let name = |word: &Path| !word.exists();
        let of = |list: &[&str]| {
            let list = words(list);
            let (path, other) = parts(&list, name);
            (path.map(|path| path.display().to_string()), other.to_owned())
        };
        let src = Some("src".to_owned());
        assert_eq!(of(&["numbers"]), (None, "numbers".to_owned()));
        assert_eq!(of(&["src", "numbers"]), (src.clone(), "numbers".to_owned()));
        assert_eq!(of(&["numbers", "src"]), (src.clone(), "numbers".to_owned()));
        assert_eq!(of(&["src", "tests"]), (src, "tests".to_owned()));
        assert_eq!(of(&["absent", "numbers"]), (Some("absent".to_owned()), "numbers".to_owned()));
    }
}
