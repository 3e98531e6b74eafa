//! User instructions of a run, counted by callgrind: the difference between few and many runs, so
//! that start-up does not count.

use std::net::SocketAddr;
use std::process::{Command, Stdio};

use clap::{Args, ValueEnum};

use super::bare::Bare;
use super::governed::Governed;
use super::ordinary::Ordinary;
use super::script::Size;

use super::{BARE, ORDINARY, OURS, make};
use crate::Outcome;
use crate::report::{Aim, Report, Row};

const FEW: usize = 10;
const MANY: usize = 60;
const TOOLS: usize = 10;
/// What must not be lost again, beside the best bare loop. The aim is 1.2, guard included, and is
/// not reached yet: see ARCHITECTURE.md. Of a build without optimisation across crates, in which
/// both need more than in a release. A tenth of it is looking for the operator's instructions in what
/// is said.
const HELD: f64 = 3.1;
/// The same beside the ordinary loop.
const HELD_ORDINARY: f64 = 0.6;

/// One contestant, some runs, then the end: what callgrind looks at.
#[derive(Args)]
pub(crate) struct Worker {
    /// Who runs.
    who: Who,
    /// How many runs.
    runs: usize,
    /// How many tool calls a run has.
    tools: usize,
    /// Where the upstream is.
    address: SocketAddr,
}

#[derive(Clone, Copy, ValueEnum)]
enum Who {
    Largestack,
    Ordinary,
    Bare,
}

impl Worker {
    /// Makes the runs, one at a time.
    pub(crate) fn work(&self) -> Outcome<bool> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (size, runs, address) = (Size { tools: self.tools }, self.runs, self.address);
        runtime.block_on(async {
            match self.who {
                Who::Largestack => make(&Governed::over_http(address)?, size, runs, 1).await,
                Who::Ordinary => make(&Ordinary::new(address)?, size, runs, 1).await,
                Who::Bare => make(&Bare::new(address)?, size, runs, 1).await,
            }
        })?;
        Ok(true)
    }
}

pub(super) fn measure() -> Outcome<Report> {
    let upstream = super::upstream::start()?;
    let count = |who: Who| -> Outcome<f64> {
        let few = instructions(who, FEW, upstream.address())?;
        let many = instructions(who, MANY, upstream.address())?;
        #[expect(clippy::cast_precision_loss, reason = "counts of a benchmark are small")]
        Ok((many - few) as f64 / (MANY - FEW) as f64 / 1_000.0)
    };
    let counts = [
        (OURS, count(Who::Largestack)?),
        (ORDINARY, count(Who::Ordinary)?),
        (BARE, count(Who::Bare)?),
    ];
    let row = |(name, count): &(&str, f64)| {
        Row::of(&format!("{name}, {TOOLS} tool calls: instructions a run"), "thousand", &[*count])
    };
    let rows = counts.iter().map(row).collect();
    let [(_, ours), (_, ordinary), (_, bare)] = counts;
    let ratio = |other: &str, value, held| {
        let name = format!("{OURS} / {other}, instructions a run");
        crate::report::Ratio::new(name, value, Aim::AtMost(held))
    };
    let ratios =
        vec![ratio(BARE, ours / bare, HELD), ratio(ORDINARY, ours / ordinary, HELD_ORDINARY)];
    Ok(Report::new("loop-instructions", 1, rows, ratios))
}

/// Instructions of a worker, from callgrind's last line (`Collected : N`).
fn instructions(who: Who, runs: usize, address: SocketAddr) -> Outcome<u64> {
    let who = who.to_possible_value().ok_or("a contestant has no name")?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args(["bench-worker", who.get_name(), &runs.to_string(), &TOOLS.to_string()])
        .arg(address.to_string())
        .stdout(Stdio::null())
        .output()
        .map_err(|error| format!("valgrind, which counts the instructions: {error}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("valgrind: {}\n{text}", output.status).into());
    }
    let count = text
        .lines()
        .filter_map(|line| line.split_once("Collected :"))
        .filter_map(|(_, count)| count.trim().parse().ok())
        .next_back();
    count.ok_or_else(|| format!("valgrind did not say how much it collected:\n{text}").into())
}
