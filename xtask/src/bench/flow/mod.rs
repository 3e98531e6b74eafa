//! Workflows: a chain of a hundred nodes and a fan-out of a thousand, each node trivial and every
//! fact durable, in SQLite and, where there is a server, in Postgres, beside raw commits of the same
//! rows into the same kind of table in the same store. And what ten thousand suspended runs take: the
//! time until a new process knows what each of them waits for, and memory for each.
//!
//! The nodes of the chain have side effects, so that each waits for the disk before it starts: one
//! commit a step. Those of the fan-out have none and ride in whatever commit comes.

mod house;
mod raw;
mod server;
mod suspended;

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::contest::{Contestant, Standings, hold};
use crate::Outcome;
use crate::measure::{process_cpu, wall};
use crate::report::{Aim, Ratio, Report, Row};
use house::House;

pub(crate) use suspended::Recovery;

const ROUNDS: usize = 7;
/// Nodes of the chain, and how often it is run in a turn.
const CHAIN: u32 = 100;
const CHAINS: u32 = 3;
/// Branches of the fan-out.
const BRANCHES: u32 = 1_000;
/// Rows of a raw group commit.
const GROUP: usize = 64;
/// Runs that wait.
const WAITING: u32 = 10_000;

/// The rows of one store.
struct Names {
    chain: [&'static str; 2],
    raw_chain: [&'static str; 2],
    fan: [&'static str; 2],
    raw_fan: [&'static str; 2],
}

const SQLITE: Names = Names {
    chain: ["SQLite, chain of 100: rate", "SQLite, chain of 100: CPU per step"],
    raw_chain: ["SQLite, raw, one row a commit: rate", "SQLite, raw, one row a commit: CPU"],
    fan: ["SQLite, fan-out of 1000: rate", "SQLite, fan-out of 1000: CPU per step"],
    raw_fan: [
        "SQLite, raw, its rows, 64 a commit: rate",
        "SQLite, raw, its rows, 64 a commit: CPU",
    ],
};
const POSTGRES: Names = Names {
    chain: ["Postgres, chain of 100: rate", "Postgres, chain of 100: CPU per step"],
    raw_chain: ["Postgres, raw, one row a commit: rate", "Postgres, raw, one row a commit: CPU"],
    fan: ["Postgres, fan-out of 1000: rate", "Postgres, fan-out of 1000: CPU per step"],
    raw_fan: [
        "Postgres, raw, its rows, 64 a commit: rate",
        "Postgres, raw, its rows, 64 a commit: CPU",
    ],
};

pub(super) fn measure(root: &Path, target: &Path) -> Outcome<Report> {
    let folder = target.join("bench").join("flow");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let sqlite = House::in_folder(&folder.join("state"))?;
    let rows = sqlite.rows()?;
    let raw = raw::Sqlite::open(&folder.join("raw.db"), root, &rows)?;
    let (mut rows, mut ratios) = contest(&SQLITE, &sqlite, &raw)?;
    let recovered = suspended::in_sqlite(&folder.join("waiting"), WAITING)?;
    recovered.report("SQLite", (&mut rows, &mut ratios));
    match server::Server::find()? {
        Some(server) => {
            let postgres = House::in_server(&server.url(), &folder.join("key"))?;
            let raw = server.raw(&postgres.rows()?)?;
            let (more, met) = contest(&POSTGRES, &postgres, &raw)?;
            rows.extend(more);
            ratios.extend(met);
            drop(postgres);
            let recovered = suspended::in_server(&server, &folder.join("waiting-key"), WAITING)?;
            recovered.report("Postgres", (&mut rows, &mut ratios));
        }
        None => println!("no Postgres server: only SQLite is measured"),
    }
    Ok(Report::new("flow", ROUNDS, rows, ratios))
}

/// Writes rows by hand: `group` rows a commit.
trait Raw {
    /// Commits of one row each, as many as a chain has steps.
    fn singly(&self, steps: u32) -> Outcome<()>;

    /// The rows of a fan-out.
    fn grouped(&self) -> Outcome<()>;
}

fn contest(names: &Names, house: &House, raw: &impl Raw) -> Outcome<(Vec<Row>, Vec<Ratio>)> {
    let steps = CHAIN * CHAINS;
    let standings = hold(
        ROUNDS,
        vec![
            timed(names.chain, steps, || house.chains(CHAINS)),
            timed(names.raw_chain, steps, || raw.singly(steps)),
            timed(names.fan, BRANCHES, || house.fan_out()),
            timed(names.raw_fan, BRANCHES, || raw.grouped()),
        ],
    )?;
    Ok((standings.rows(), ratios(names, &standings)?))
}

fn ratios(names: &Names, standings: &Standings) -> Outcome<Vec<Ratio>> {
    let ([chain, _], [raw_chain, _]) = (names.chain, names.raw_chain);
    let ([_, fan], [_, raw_fan]) = (names.fan, names.raw_fan);
    Ok(vec![
        standings.ratio(chain, raw_chain, Aim::AtLeast(0.5))?,
        standings.ratio(fan, raw_fan, Aim::AtMost(1.5))?,
    ])
}

/// Steps a second, and CPU time of this process for each.
fn timed<'a>(
    names: [&'static str; 2],
    steps: u32,
    mut work: impl FnMut() -> Outcome<()> + 'a,
) -> Contestant<'a> {
    let [rate, cpu] = names;
    Contestant::new(&[(rate, "steps/s"), (cpu, "us")], move || {
        let (((), used), elapsed) = wall(|| process_cpu(&mut work))?;
        let steps = f64::from(steps);
        Ok(vec![steps / elapsed.as_secs_f64(), microseconds(used) / steps])
    })
}

fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_aims_are_on_the_rate_of_a_chain_and_on_the_cpu_of_a_fan_out() {
        let turn = |names: [&'static str; 2], values: [f64; 2]| {
            let [rate, cpu] = names;
            Contestant::new(&[(rate, "steps/s"), (cpu, "us")], move || Ok(values.to_vec()))
        };
        let contestants = vec![
            turn(SQLITE.chain, [4_000.0, 90.0]),
            turn(SQLITE.raw_chain, [9_000.0, 30.0]),
            turn(SQLITE.fan, [50_000.0, 14.0]),
            turn(SQLITE.raw_fan, [90_000.0, 10.0]),
        ];
        let ratios = ratios(&SQLITE, &hold(2, contestants).unwrap()).unwrap();
        let met: Vec<bool> = ratios.iter().map(|ratio| ratio.met).collect();
        assert_eq!(met, [false, true]);
    }
}
