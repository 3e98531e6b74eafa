//! The journal in SQLite: durable events per second and CPU time per event, with one run and with
//! 64 at once, beside the same rows written by hand into the same table, one a commit and 64 a
//! commit.

mod barriers;
mod grouped;
mod raw;
mod rows;

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::contest::{Contestant, Standings, hold};
use crate::Outcome;
use crate::measure::{process_cpu, wall};
use crate::report::{Aim, Ratio, Report, Row};
use grouped::Grouped;
use raw::Raw;

const ROUNDS: usize = 7;
/// Runs that write at once, and rows of the large raw commit.
const RUNS: u32 = 64;
/// Events of each run where 64 write at once.
const EVENTS: u32 = 40;
/// Events where each is a commit of its own.
const SINGLE_EVENTS: u32 = 400;

const JOURNAL_MANY: Names = ["journal, 64 runs: rate", "journal, 64 runs: CPU per event"];
const JOURNAL_ONE: Names = ["journal, 1 run: rate", "journal, 1 run: CPU per event"];
const RAW_MANY: Names = ["raw, 64 rows a commit: rate", "raw, 64 rows a commit: CPU per event"];
const RAW_ONE: Names = ["raw, one row a commit: rate", "raw, one row a commit: CPU per event"];

type Names = [&'static str; 2];

pub(super) fn measure(root: &Path, target: &Path) -> Outcome<Report> {
    let folder = target.join("bench").join("journal");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let mut many = Grouped::open(&folder.join("many"))?;
    let mut one = Grouped::open(&folder.join("one"))?;
    let mut raw_many = Raw::open(&folder.join("raw-many.db"), root)?;
    let mut raw_one = Raw::open(&folder.join("raw-one.db"), root)?;

    let standings = hold(
        ROUNDS,
        vec![
            contestant(JOURNAL_MANY, RUNS * EVENTS, || many.write(RUNS, EVENTS)),
            contestant(RAW_MANY, RUNS * EVENTS, || raw_many.write(RUNS, EVENTS, RUNS)),
            contestant(JOURNAL_ONE, SINGLE_EVENTS, || one.write(1, SINGLE_EVENTS)),
            contestant(RAW_ONE, SINGLE_EVENTS, || raw_one.write(1, SINGLE_EVENTS, 1)),
        ],
    )?;
    let events_a_commit = many.events_a_commit();
    let barriers = barriers::of_a_run(&folder.join("run"))?;
    report(&standings, events_a_commit, barriers)
}

fn report(standings: &Standings, events_a_commit: f64, barriers: f64) -> Outcome<Report> {
    let [many, many_cpu] = JOURNAL_MANY;
    let [_, raw_cpu] = RAW_MANY;
    let [single, _] = RAW_ONE;
    let latency: Vec<f64> = standings.of(single)?.iter().map(|rate| 1_000.0 / rate).collect();
    let mut rows = standings.rows();
    rows.push(Row::of("one commit of one row, as the disk is", "ms", &latency));
    rows.push(Row::of("journal, 64 runs: events a commit", "events", &[events_a_commit]));
    rows.push(Row::of("barriers of a run without unsafe tools", "barriers", &[barriers]));
    let ratios = vec![
        standings.ratio(many_cpu, raw_cpu, Aim::AtMost(1.6))?,
        standings.ratio(many, single, Aim::AtLeast(5.0))?,
        Ratio::new("barriers of a run without unsafe tools", barriers, Aim::AtMost(1.0)),
    ];
    Ok(Report::new("journal", ROUNDS, rows, ratios))
}

/// Something that writes `events` events a turn; `write` prepares them and hands back what is
/// timed.
fn contestant<'a, W>(
    names: Names,
    events: u32,
    mut write: impl FnMut() -> Outcome<W> + 'a,
) -> Contestant<'a>
where
    W: FnOnce() -> Outcome<()> + 'a,
{
    let [rate, cpu] = names;
    Contestant::new(&[(rate, "events/s"), (cpu, "us")], move || {
        let work = write()?;
        let (((), used), elapsed) = wall(|| process_cpu(work))?;
        let events = f64::from(events);
        Ok(vec![events / elapsed.as_secs_f64(), microseconds(used) / events])
    })
}

fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_aims_are_on_cpu_at_64_runs_on_rate_and_on_barriers() {
        let turn = |names: Names, values: [f64; 2]| {
            let [rate, cpu] = names;
            Contestant::new(&[(rate, "events/s"), (cpu, "us")], move || Ok(values.to_vec()))
        };
        let contestants = vec![
            turn(JOURNAL_MANY, [50_000.0, 8.0]),
            turn(RAW_MANY, [90_000.0, 5.0]),
            turn(JOURNAL_ONE, [9_000.0, 45.0]),
            turn(RAW_ONE, [10_000.0, 33.0]),
        ];
        let report = report(&hold(2, contestants).unwrap(), 60.0, 2.0).unwrap();
        let met: Vec<bool> = report.ratios.iter().map(|ratio| ratio.met).collect();
        assert_eq!(met, [true, true, false]);
        let latency = report.rows.iter().find(|row| row.unit == "ms").unwrap();
        assert!((latency.median - 0.1).abs() < 1e-9);
    }
}
