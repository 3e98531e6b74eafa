//! The state: the store's health, the key file, the kill switch, runs cut off, the index.

use std::fs;
use std::path::Path;

use largestack_config::Knowledge;
use largestack_engine::Status;
use largestack_ports::documents::Documents as _;
use largestack_ports::journal::RunSummary;
use largestack_store::{Health, Sealed, Store};
use largestack_types::errors::{Coded as _, LargestackError};

use crate::compose;
use crate::documents;
use crate::render::amount::{bytes, grouped, lasted, moment};
use crate::render::checks::{Check, Finding};
use crate::render::text::counted;
use crate::shared::{self, Shared};
use crate::standing::Standing;

/// Less free space than this is worth a warning.
const LITTLE: u64 = 256 << 20;
/// Runs that are looked at.
const RECENT: usize = 1_000;

/// Everything about the state in this folder, and in the server that a variable names.
pub(super) async fn checks(
    folder: &Path,
    knowledge: Option<&Knowledge>,
    server: Option<&str>,
) -> Vec<Check> {
    let mut checks = in_files(folder, knowledge, server.is_none()).await;
    if let Some(variable) = server {
        checks.extend(in_server(folder, variable).await);
    }
    checks
}

/// What a server keeps in the place of the folder.
async fn in_server(folder: &Path, variable: &str) -> Vec<Check> {
    let name = "server";
    let shared = match shared::in_server(variable, folder) {
        Ok(shared) => shared,
        Err(error) => return vec![broken(name, &error)],
    };
    let detail = format!("runs and all they share are in the server that {variable} names");
    let mut checks = vec![Check::new(name, Finding::Ok, detail), switch(&shared).await];
    checks.extend(runs(&shared).await);
    checks
}

/// What is in the folder: everything, or only what a server does not keep.
async fn in_files(folder: &Path, knowledge: Option<&Knowledge>, all: bool) -> Vec<Check> {
    if !folder.join("state.db").exists() && !folder.is_file() {
        return vec![absent(folder)];
    }
    // Opened for writing, so that writing is tried; what cannot be written may still be read.
    let store = match compose::store(folder) {
        Ok(store) => store,
        Err(error) => {
            let mut checks = vec![broken("state", &error)];
            if let Ok(store) = compose::reader(folder) {
                let readable = "the journal can still be read: `largestack trace` works";
                checks.push(Check::new("reading", Finding::Ok, readable));
                checks.extend(runs(&Shared::in_files(&store)).await);
            }
            return checks;
        }
    };
    let mut checks = match store.health().await {
        Ok(health) => health_checks(folder, &health),
        Err(error) => vec![broken("state", &error)],
    };
    if all {
        let shared = Shared::in_files(&store);
        checks.push(switch(&shared).await);
        checks.extend(runs(&shared).await);
    }
    checks.extend(index(&store, knowledge).await);
    checks
}

fn broken(name: &'static str, error: &LargestackError) -> Check {
    Check::new(name, Finding::Broken, error.message()).advise(error.suggestion().into_owned())
}

/// No state yet: whether there could be one.
fn absent(folder: &Path) -> Check {
    let shown = folder.display();
    let whole = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let Some(parent) = whole.ancestors().find(|parent| parent.is_dir()) else {
        return Check::new("state", Finding::Broken, format!("{shown} cannot be made"));
    };
    let probe = parent.join(format!(".largestack-probe-{}", std::process::id()));
    match fs::write(&probe, b"").and_then(|()| fs::remove_file(&probe)) {
        Ok(()) => {
            Check::new("state", Finding::Off, format!("none yet; the first run makes {shown}"))
        }
        Err(error) => {
            let detail = format!("{} cannot be written: {error}", parent.display());
            Check::new("state", Finding::Broken, detail)
                .advise("Make the folder writable, or name another with --state or LARGESTACK_HOME")
        }
    }
}

fn health_checks(folder: &Path, health: &Health) -> Vec<Check> {
    let mut checks = Vec::new();
    if health.problems.is_empty() {
        let detail = format!(
            "{} is sound: {}, {}, {} with the index",
            folder.display(),
            counted(health.runs, "run"),
            counted(health.events, "event"),
            bytes(health.state_bytes.saturating_add(health.documents_bytes)),
        );
        checks.push(Check::new("state", Finding::Ok, detail));
    } else {
        let detail = format!("{} is damaged: {}", folder.display(), health.problems.join("; "));
        checks.push(
            Check::new("state", Finding::Broken, detail)
                .advise("Restore it from a backup, or move it away and begin anew"),
        );
    }
    if let Some(free) = health.free_bytes {
        let few = free < LITTLE;
        let finding = if few { Finding::Warn } else { Finding::Ok };
        let commit = health.commit_us.map_or_else(String::new, |us| {
            format!(", a commit takes {}", lasted(std::time::Duration::from_micros(us)))
        });
        let check = Check::new("disk", finding, format!("{} free{commit}", bytes(free)));
        checks.push(if few { check.advise("Make room: a full disk ends runs") } else { check });
    }
    checks.push(key_file(health));
    checks
}

fn key_file(health: &Health) -> Check {
    let seals = "it seals the values behind placeholders";
    match (&health.key_problem, health.key_beside_state) {
        (Some(problem), _) => {
            let Sealed { values, sessions, questions } = health.sealed;
            let lost = format!(
                "Put the key file back, from a backup. Without it nobody can read {}, nor the \
                 values behind placeholders in {}, nor answer {}",
                counted(sessions, "session"),
                counted(values, "conversation"),
                counted(questions, "question"),
            );
            Check::new("key file", Finding::Broken, problem.clone()).advise(lost)
        }
        (None, true) => Check::new("key file", Finding::Warn, format!("beside the state; {seals}"))
            .advise(
                "That protects from whoever gets the database alone, not from whoever gets the \
                 folder. The words of runs and documents are not sealed.",
            ),
        (None, false) => {
            Check::new("key file", Finding::Off, format!("none yet; made when needed: {seals}"))
        }
    }
}

async fn switch(store: &Shared) -> Check {
    match store.switches().await {
        Err(error) => broken("kill switch", &error),
        Ok(switches) => match switches.first() {
            None => Check::new("kill switch", Finding::Ok, "off"),
            Some((_, thrown)) => {
                let (by, reason, at) = (&thrown.by, &thrown.reason, moment(thrown.at));
                Check::new(
                    "kill switch",
                    Finding::Warn,
                    format!("ON since {at} UTC, by {by}: {reason}"),
                )
                .advise("Lift it when it is safe: largestack resume --reason TEXT")
            }
        },
    }
}

/// Those that have not ended.
fn open(runs: Vec<RunSummary>) -> Vec<RunSummary> {
    runs.into_iter().filter(|run| !run.status.is_final()).collect()
}

/// Runs that have not ended: cut off, under way in another process, or waiting.
async fn runs(shared: &Shared) -> Option<Check> {
    let runs = match shared.journal.runs(&compose::scope(), RECENT).await {
        Ok(runs) => runs,
        Err(error) => return Some(broken("runs", &error)),
    };
    let runs = match Standing::of_all(shared, &compose::scope(), open(runs)).await {
        Ok(runs) => runs,
        Err(error) => return Some(broken("runs", &error)),
    };
    let count = |word| runs.iter().filter(|run| run.word() == word).count() as u64;
    let (cut_off, under_way) = (count("interrupted"), count(Status::Running.name()));
    let waiting = count(Status::Suspended.name());
    if cut_off + under_way + waiting == 0 {
        return None;
    }
    let detail = format!(
        "{} cut off, {} under way now, {} waiting",
        counted(cut_off, "run"),
        grouped(under_way),
        grouped(waiting)
    );
    if cut_off + waiting == 0 {
        return Some(Check::new("runs", Finding::Ok, detail));
    }
    let advice = "`largestack trace` lists them; go on with one: largestack resume RUN";
    Some(Check::new("runs", Finding::Warn, detail).advise(advice))
}

async fn index(store: &Store, knowledge: Option<&Knowledge>) -> Option<Check> {
    let knowledge = knowledge?;
    let indexed = match store.catalogue(&compose::scope(), compose::collection()).await {
        Ok(indexed) => indexed,
        Err(error) => return Some(broken("documents", &error)),
    };
    let here = match documents::list(knowledge) {
        Ok(here) => here,
        Err(error) => return Some(broken("documents", &error)),
    };
    let chunks: u64 = indexed.iter().map(|entry| u64::from(entry.chunks)).sum();
    let missing = here.iter().filter(|path| indexed.iter().all(|entry| entry.path != **path));
    let (missing, files) = (missing.count() as u64, here.len() as u64);
    let folder = knowledge.folder.display();
    Some(match (files, missing) {
        (0, _) => Check::new("documents", Finding::Broken, format!("there are none in {folder}"))
            .advise("Put text or markdown there, or change `knowledge.include`"),
        (_, 0) => {
            let (documents, passages) = (counted(files, "document"), counted(chunks, "passage"));
            Check::new(
                "documents",
                Finding::Ok,
                format!("{documents} in {folder}, {passages} indexed"),
            )
        }
        (_, missing) => {
            let detail = format!(
                "{} of {} in {folder} not indexed",
                grouped(missing),
                counted(files, "document")
            );
            Check::new("documents", Finding::Warn, detail)
                .advise("The next run indexes them; those that are no text are left out and named")
        }
    })
}
