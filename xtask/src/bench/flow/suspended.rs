//! Runs that wait: how soon a new process knows what each of them waits for, and what they weigh
//! there. Measured in a process of its own, so that nothing of how they were made is in its memory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use clap::Args;
use futures::StreamExt as _;
use largestack_engine::Status;
use largestack_flow::FlowResume;
use serde::{Deserialize, Serialize};

use super::house::House;
use super::server::Server;
use crate::Outcome;
use crate::measure::wall;
use crate::report::{Aim, Ratio, Row};

/// Runs that are read at once.
const AT_ONCE: usize = 64;

/// What a process finds that comes after the one which left the runs.
#[derive(Args)]
pub(crate) struct Recovery {
    /// How many runs wait.
    runs: u32,
    /// The folder of the state, or the file of the key where there is a server.
    place: PathBuf,
    /// The server.
    url: Option<String>,
}

/// What it took.
#[derive(Serialize, Deserialize)]
pub(super) struct Recovered {
    /// Until what each waits for is known, in seconds.
    known: f64,
    /// Memory for each, in bytes.
    bytes: f64,
    /// Until each was taken up, found to wait still, and given back, in seconds.
    taken_up: f64,
}

impl Recovered {
    pub(super) fn report(&self, store: &str, (rows, ratios): (&mut Vec<Row>, &mut Vec<Ratio>)) {
        let row = |what: &str, unit, value| Row::of(&format!("{store}, {what}"), unit, &[value]);
        let (known, bytes) = ("10000 suspended runs: recovered", "a suspended run: memory");
        rows.push(row(known, "s", self.known));
        rows.push(row("10000 suspended runs: taken up and given back", "s", self.taken_up));
        rows.push(row(bytes, "bytes", self.bytes));
        ratios.push(Ratio::new(format!("{store}, {known}, s"), self.known, Aim::AtMost(2.0)));
        ratios.push(Ratio::new(format!("{store}, {bytes}"), self.bytes, Aim::AtMost(4096.0)));
    }
}

pub(super) fn in_sqlite(folder: &Path, runs: u32) -> Outcome<Recovered> {
    House::in_folder(folder)?.suspend(runs)?;
    recovered(runs, folder, None)
}

pub(super) fn in_server(server: &Server, key: &Path, runs: u32) -> Outcome<Recovered> {
    House::in_server(&server.url(), key)?.suspend(runs)?;
    recovered(runs, key, Some(server.url()))
}

fn recovered(runs: u32, place: &Path, url: Option<String>) -> Outcome<Recovered> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("bench-recovery").arg(runs.to_string()).arg(place).args(url);
    let output = command.output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stdout);
        return Err(format!("the process that recovers ended {}: {said}", output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

impl Recovery {
    /// Recovers the runs and prints what it took.
    pub(crate) fn work(self) -> Outcome<bool> {
        let house = match &self.url {
            Some(url) => House::in_server(url, &self.place)?,
            None => House::in_folder(&self.place)?,
        };
        let before = resident()?;
        let (runs, known) = wall(|| house.block_on(self.known(&house)))?;
        let bytes = resident()?.saturating_sub(before);
        let bytes = f64::from(u32::try_from(bytes)?) / f64::from(self.runs);
        let ids: Vec<_> = runs.iter().map(largestack_engine::graph::GraphRun::id).collect();
        drop(runs);
        let ((), taken_up) = wall(|| house.block_on(taken_up(&house, ids)))?;
        let seconds = |time: Duration| time.as_secs_f64();
        let recovered = Recovered { known: seconds(known), bytes, taken_up: seconds(taken_up) };
        println!("{}", serde_json::to_string(&recovered)?);
        Ok(true)
    }

    /// Every run, folded from its journal.
    async fn known(&self, house: &House) -> Outcome<Vec<largestack_engine::graph::GraphRun>> {
        let listed = house.runtime.journal.runs(&house.scope, self.runs as usize).await?;
        let waiting = listed.into_iter().filter(|run| run.status == Status::Suspended);
        let read = waiting.map(|run| house.waiting.inspect(&house.scope, run.run));
        let mut read = futures::stream::iter(read).buffer_unordered(AT_ONCE);
        let mut runs = Vec::with_capacity(self.runs as usize);
        while let Some(run) = read.next().await {
            let run = run?;
            if run.listening().count() != 1 {
                return Err(format!("{} does not wait", run.id()).into());
            }
            runs.push(run);
        }
        if runs.len() == self.runs as usize {
            return Ok(runs);
        }
        Err(format!("{} runs wait, and {} were left", runs.len(), self.runs).into())
    }
}

async fn taken_up(house: &House, runs: Vec<largestack_types::id::RunId>) -> Outcome<()> {
    let resume = |run| house.waiting.resume(&house.scope, run, FlowResume::default());
    let mut taken = futures::stream::iter(runs.into_iter().map(resume)).buffer_unordered(AT_ONCE);
    while let Some(report) = taken.next().await {
        let status = report?.status;
        if status != Status::Suspended {
            return Err(format!("a run that was taken up is {status}").into());
        }
    }
    Ok(())
}

/// Memory of this process that is in use, in bytes: the second field of proc(5) `statm`.
fn resident() -> Outcome<u64> {
    let statm = fs::read_to_string("/proc/self/statm")?;
    let pages = statm.split(' ').nth(1).ok_or("/proc/self/statm has another form")?;
    Ok(pages.parse::<u64>()? * u64::try_from(rustix::param::page_size())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_that_were_left_are_found_and_taken_up() {
        let folder = tempfile::tempdir().unwrap();
        House::in_folder(folder.path()).unwrap().suspend(5).unwrap();
        let recovery = Recovery { runs: 5, place: folder.path().to_owned(), url: None };
        let house = House::in_folder(folder.path()).unwrap();
        let runs = house.block_on(recovery.known(&house)).unwrap();
        let ids: Vec<_> = runs.iter().map(largestack_engine::graph::GraphRun::id).collect();
        house.block_on(taken_up(&house, ids)).unwrap();
        assert!(resident().unwrap() > 0);
    }
}
