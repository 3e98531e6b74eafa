//! `largestack signal`: sends an event to a run, whoever drives it. It is kept first; then the worker
//! that has the run is woken, or the run goes on here.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use largestack_agent::signals::{Delivered, send};
use largestack_http::OsIds;
use largestack_ports::ids::Ids as _;
use largestack_ports::signals::{Sent, Signal as Event};
use largestack_store::signed::{self, Envelope, PublicKey, Trust};
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::RunId;
use largestack_types::json::Json;
use serde::Serialize;

use super::providers::project;
use super::resume::{Resume, goes_on_there};
use super::target::{self, Target};
use crate::args::Global;
use crate::compose::{self, blocking, with_runtime};
use crate::exit;
use crate::failure::Outcome;
use crate::render::text::clean;
use crate::restate::{self, Word};
use crate::screen::Screen;
use crate::shared::{For, Shared};

mod keys;
mod list;

/// Bytes that are read of what an event brings, or of a signed event.
const MOST_READ: u64 = 256 << 10;
/// How often it is looked whether a run that somebody drives is free, and how long in between.
const LOOKS: u32 = 5;
const BETWEEN: Duration = Duration::from_millis(100);

/// Sends an event to a run. It is kept, also where nothing waits for it yet, and heard once.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that is typed or not")]
pub(crate) struct Signal {
    /// A project (the nearest one unless given), a run (its id, the beginning of it, or `last`), the
    /// event's name, and JSON that it brings; `-` reads that from standard input
    #[arg(value_names = ["PATH", "RUN", "NAME", "JSON"], num_args = 0..=4)]
    words: Vec<String>,
    /// Which event it is: the same id again is the same event; a new one unless given
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Who says so, where it is not signed. Whoever may write the state is believed
    #[arg(long = "as", value_name = "NAME", default_value = "local")]
    who: Arc<str>,
    /// Sign it with the key in this file
    #[arg(long, value_name = "KEYFILE", conflicts_with = "id")]
    sign: Option<PathBuf>,
    /// Print the signed event, for somebody else to send, and send nothing
    #[arg(long, requires = "sign")]
    print: bool,
    /// Send a signed event as `--print` has printed it: a file, or `-` for standard input
    #[arg(long, value_name = "FILE|-", conflicts_with_all = ["sign", "id"])]
    signed: Option<PathBuf>,
    /// Make a key to sign with in this file, under the name of `--as`, and print its public line
    #[arg(long, value_name = "KEYFILE", conflicts_with_all = ["sign", "signed", "id"])]
    new_key: Option<PathBuf>,
    /// Print the line of a key's public half, as it stands under `signals.keys`
    #[arg(long, value_name = "KEYFILE", conflicts_with_all = ["sign", "signed", "id", "new_key"])]
    public: Option<PathBuf>,
    /// List the events that are kept for a run, and which calls have heard them
    #[arg(long, conflicts_with_all = ["sign", "signed", "id", "new_key", "public"])]
    list: bool,
    /// Only keep the event; `largestack resume` goes on
    #[arg(long)]
    no_resume: bool,
    /// Print one JSON document, and only keep the event
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    run: String,
    event: &'a str,
    id: &'a str,
    sent: Sent,
    has_worker: bool,
}

/// What the words say: the project, the run, and what is behind it.
struct Said {
    target: Target,
    name: Option<String>,
    data: Option<String>,
}

impl Signal {
    pub(crate) fn perform(&self, global: &Global, screen: &mut Screen) -> Outcome {
        if let Some(file) = &self.new_key {
            return keys::make(file, &self.who, screen);
        }
        if let Some(file) = &self.public {
            return keys::show(file, screen);
        }
        let said = self.said()?;
        if self.list {
            return self.kept(global, &said.target, screen);
        }
        if self.print {
            let run = said.run()?.parse().map_err(|_| {
                wrong("a signed event is for one run, by its whole id", "Write run_...")
            })?;
            let envelope = self.signed_here(run, said.event()?)?;
            screen.json_line(&envelope)?;
            return Ok(exit::DONE);
        }
        if self.signed.is_none() {
            said.run()?;
        }
        let (_, shared) = Shared::of_project(global, said.target.path(), For::Writing)?;
        let (run, envelope, event) = self.event(&shared, &said)?;
        let trust = trust(said.target.path())?;
        match &envelope {
            Some(envelope) => trust.check(envelope, compose::now())?,
            None => trust.check_unsigned()?,
        }
        self.deliver((global, &said.target), shared, (run, event, envelope.is_some()), screen)
    }

    fn said(&self) -> Result<Said> {
        let is_run = |word: &String| word == "last" || word.starts_with(RunId::PREFIX);
        let at = self.words.iter().position(is_run);
        let at = at.map_or(self.words.len(), |at| at + 1);
        let (target, rest) = self.words.split_at(at);
        if rest.len() > 2 {
            return Err(wrong("that is one word too many", "Write RUN NAME JSON, in quotes"));
        }
        let (name, data) = (rest.first().cloned(), rest.get(1).cloned());
        Ok(Said { target: Target::of(target)?, name, data })
    }

    /// The event, and the run that it is for.
    fn event(&self, shared: &Shared, said: &Said) -> Result<(RunId, Option<Envelope>, Event)> {
        if let Some(file) = &self.signed {
            if said.name.is_some() || said.target.run.is_some() {
                return Err(wrong(
                    "a signed event says itself for which run it is",
                    "Leave out the run and the name",
                ));
            }
            let envelope: Envelope = serde_json::from_str(&read(file)?)
                .map_err(|error| wrong(&format!("that is no signed event: {error}"), PRINTED))?;
            let event = envelope.signal();
            return Ok((envelope.run, Some(envelope), event));
        }
        let name = said.run()?;
        let run = blocking(target::find(&*shared.journal, &compose::scope(), name));
        let run = run.map_err(|_| wrong("nothing can run here", "Try again"))??;
        let (name, data) = said.event()?;
        if self.sign.is_some() {
            let envelope = self.signed_here(run, (name, data))?;
            let event = envelope.signal();
            return Ok((run, Some(envelope), event));
        }
        let id = if let Some(id) = &self.id {
            format!("given:{id}")
        } else {
            let mut random = [0; 16];
            OsIds::new()?.fill(&mut random);
            format!("new:{:032x}", u128::from_be_bytes(random))
        };
        Ok((run, None, Event { id: id.into(), name, data, by: Arc::clone(&self.who) }))
    }

    fn signed_here(&self, run: RunId, (name, data): (Arc<str>, Json)) -> Result<Envelope> {
        let file =
            self.sign.as_deref().ok_or_else(|| wrong("no key is named", "--sign KEYFILE"))?;
        keys::read(file)?.sign((run, name, data), compose::now(), &OsIds::new()?)
    }

    fn deliver(
        &self,
        (global, target): (&Global, &Target),
        shared: Shared,
        (run, event, signed): (RunId, Event, bool),
        screen: &mut Screen,
    ) -> Outcome {
        let (scope, name, id) = (compose::scope(), Arc::clone(&event.name), Arc::clone(&event.id));
        let known = blocking(shared.journal.run(&scope, run))??;
        if let Some((root, engine)) = known.and_then(|known| Some((known.root, known.engine?))) {
            event.check()?;
            if signed {
                return Err(LargestackError::other(
                    Code::Signature,
                    format!(
                        "the event is refused: {engine} drives the run, and nothing there remembers \
                         which signed events came"
                    ),
                )
                .into());
            }
            let data = event.data.to().unwrap_or_default();
            let words = vec![Word::Event(name, data)];
            let heard = with_runtime(restate::tell(&engine, root, words))??;
            screen.note(&goes_on_there(root, &engine, heard));
            return Ok(exit::DONE);
        }
        let delivered = blocking(send(&*shared.journal, &scope, run, event))??;
        if signed {
            signed::once(delivered.sent)?;
        }
        let Delivered { root, sent, has_worker } = delivered;
        if self.json {
            let run = root.to_string();
            screen.json(&Document { run, event: &name, id: &id, sent, has_worker })?;
            return Ok(exit::DONE);
        }
        let line = match sent {
            Sent::Kept => format!("{} is kept for {root}.", clean(&name)),
            Sent::Known => format!("{} came before: nothing has changed.", clean(&name)),
        };
        if has_worker {
            screen.print(&format!("{line}\n"))?;
            screen.note(&format!("A worker goes on with {root}."));
            return Ok(exit::DONE);
        }
        if self.no_resume || sent == Sent::Known {
            screen.print(&format!("{line}\n"))?;
            return Ok(exit::DONE);
        }
        if with_runtime(stays_driven(&shared, root))?? {
            screen.print(&format!("{line}\n"))?;
            screen.note("The process that drives it hears it when it looks next.");
            return Ok(exit::DONE);
        }
        drop(shared);
        // What the run says is what standard output is for.
        screen.note(&line);
        Resume::of_run().take_up(global, target.path(), &root.to_string(), screen)
    }
}

impl Said {
    fn run(&self) -> Result<&str> {
        self.target.run.as_deref().ok_or_else(|| {
            wrong("no run is named", "`largestack trace` lists runs; the newest one is `last`")
        })
    }

    /// The event's name, and what it brings.
    fn event(&self) -> Result<(Arc<str>, Json)> {
        let name = self.name.as_deref().ok_or_else(|| {
            wrong("no event is named", "largestack signal RUN NAME JSON, e.g. last paid 3")
        })?;
        let text = match self.data.as_deref() {
            None => "null".to_owned(),
            Some("-") => read(&PathBuf::from("-"))?,
            Some(text) => text.to_owned(),
        };
        let data = Json::parse(text.trim().to_owned()).map_err(|error| {
            wrong(&format!("what the event brings is no JSON: {error}"), "E.g. '{\"amount\": 3}'")
        })?;
        Ok((name.into(), data))
    }
}

const PRINTED: &str = "`largestack signal RUN NAME JSON --sign KEYFILE --print` prints one";

fn wrong(detail: &str, advice: &str) -> LargestackError {
    LargestackError::with_advice(Code::Input, detail.to_owned(), advice.to_owned())
}

/// A file's text, or that of standard input.
fn read(file: &PathBuf) -> Result<String> {
    let mut text = String::new();
    let read = if file.as_os_str() == "-" {
        std::io::stdin().lock().take(MOST_READ).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|open| open.take(MOST_READ).read_to_string(&mut text))
    };
    match read {
        Ok(_) => Ok(text),
        Err(error) => Err(wrong(&format!("{} cannot be read: {error}", file.display()), PRINTED)),
    }
}

/// Whose events the project takes. A configuration that cannot be read takes nobody's.
pub(super) fn trust(path: Option<&Path>) -> Result<Trust> {
    let signals = project(path)?.signals;
    let keys = signals.keys.into_iter().map(|(name, key)| (name, PublicKey::new(key)));
    let (max_age, require) = (signals.max_age, signals.require);
    Ok(Trust { keys: keys.collect(), max_age, require })
}

/// Whether somebody drives a run who does not let go of it in a moment: it may be about to wait, and
/// to look for the last time.
async fn stays_driven(shared: &Shared, run: RunId) -> Result<bool> {
    for _ in 0..LOOKS {
        if !shared.is_driven(&compose::scope(), run).await? {
            return Ok(false);
        }
        tokio::time::sleep(BETWEEN).await;
    }
    Ok(true)
}
