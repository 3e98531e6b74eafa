//! What waits for workers, and what they say of themselves.

use largestack_flow::worker::WorkerEvent;
use largestack_ports::queue::{Entry, State};
#[cfg(feature = "restate")]
use largestack_restate::ServiceEvent;
use largestack_types::errors::Coded as _;
#[cfg(feature = "restate")]
use largestack_types::errors::LargestackError;
use serde::Serialize;

use super::amount::{lasted, moment};
use super::problem::Problem;
use super::style::{FAINT, STRONG, painted};
use super::table::{Flush, Table};
use super::text::{clean, counted, one_line};

/// A job, as JSON.
#[derive(Serialize)]
pub(crate) struct EntryDocument {
    run: String,
    kind: &'static str,
    name: String,
    principal: String,
    state: State,
    priority: i16,
    due: String,
    attempts: u32,
    max_attempts: u32,
    worker: Option<String>,
    error: Option<Problem>,
    enqueued: String,
    updated: String,
}

impl EntryDocument {
    /// A job.
    pub(crate) fn of(entry: &Entry) -> Self {
        Self {
            run: entry.run.to_string(),
            kind: entry.kind.name(),
            name: entry.name.to_string(),
            principal: entry.principal.to_string(),
            state: entry.state,
            priority: entry.priority,
            due: entry.due.to_string(),
            attempts: entry.attempts,
            max_attempts: entry.most_attempts,
            worker: entry.worker.map(|worker| worker.to_string()),
            error: entry.error.as_ref().map(Problem::of),
            enqueued: entry.enqueued.to_string(),
            updated: entry.updated.to_string(),
        }
    }
}

/// Jobs as a table, one a line.
pub(crate) fn list(entries: &[Entry]) -> String {
    let mut table = Table::new(&[
        ("run", Flush::Left),
        ("enqueued (UTC)", Flush::Left),
        ("agent", Flush::Left),
        ("state", Flush::Left),
        ("priority", Flush::Right),
        ("attempts", Flush::Right),
        ("last failure", Flush::Left),
    ]);
    for entry in entries {
        let error = entry
            .error
            .as_ref()
            .map(|error| one_line(&format!("{}: {}", error.code(), error.message()), 60));
        table.row(vec![
            entry.run.to_string(),
            moment(entry.enqueued),
            one_line(&entry.name, 24),
            entry.state.to_string(),
            entry.priority.to_string(),
            format!("{} of {}", entry.attempts, entry.most_attempts),
            error.unwrap_or_default(),
        ]);
    }
    table.lines(|_, column, cell| match column {
        0 => painted(STRONG, cell),
        1 => painted(FAINT, cell),
        _ => cell,
    })
}

/// What a worker does, in a line.
pub(crate) fn line(event: &WorkerEvent) -> String {
    let line = match event {
        WorkerEvent::Started { serves, concurrency, .. } => {
            let serves: Vec<_> = serves.iter().map(|name| clean(name)).collect();
            format!("Working: {} ({concurrency} at once). Ctrl-C ends it.", serves.join(", "))
        }
        WorkerEvent::Taken { run, name, attempt, .. } => {
            let again = if *attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
            format!("{run} taken: {}{again}", clean(name))
        }
        WorkerEvent::Over { run, became, status, error, took_ms, .. } => {
            let took = lasted(std::time::Duration::from_millis(*took_ms));
            let status = status.map(|status| format!(" ({status})")).unwrap_or_default();
            let why = error.as_ref().map(|e| format!(": {}", clean(&e.message())));
            format!("{run} {}{status} after {took}{}", became.name(), why.unwrap_or_default())
        }
        WorkerEvent::Reclaimed { jobs } => {
            format!("{} of a worker that is gone", counted(u64::from(*jobs), "run"))
        }
        WorkerEvent::Trouble { error } => {
            format!("Trouble, tried again: {} ({})", clean(&error.message()), error.code())
        }
        WorkerEvent::Draining { running } => {
            let running = counted(u64::from(*running), "run");
            format!("Ending: {running} under way; nothing more is taken.")
        }
        WorkerEvent::Stopped { done, handed_back } => {
            format!("Ended: {done} done, {handed_back} handed back.")
        }
    };
    format!("{line}\n")
}

/// What happens to a run that Restate has the worker drive, in a line.
#[cfg(feature = "restate")]
pub(crate) fn served(event: &ServiceEvent) -> String {
    let why = |error: &LargestackError| format!("{} ({})", clean(&error.message()), error.code());
    match event {
        ServiceEvent::Taken { run, name } => format!("{run} taken: {}", clean(name)),
        ServiceEvent::Over { run, status, error, .. } => {
            let why = error.as_ref().map(|error| format!(": {}", why(error)));
            format!("{run} {status}{}", why.unwrap_or_default())
        }
        ServiceEvent::Refused { run, error, .. } => format!("{run} refused: {}", why(error)),
        ServiceEvent::Failed { run, error, .. } => {
            format!("{run} failed, and is attempted again: {}", why(error))
        }
    }
}
