//! The agent loop: CPU time of a run over loopback HTTP, everything on, beside two loops without
//! an agent around them that make the same exchanges in the same process: the ordinary one (reqwest,
//! `serde_json::Value`, history encoded anew each turn) and the best bare one (typed, incremental,
//! the product's own HTTP client without anything above it). And the engine with a scripted model in
//! this process, per step.
//!
//! CPU time swings on a shared machine; instructions (callgrind) repeat, so the gate is on those.

mod bare;
mod gate;
mod governed;
mod ordinary;
mod script;
mod upstream;

use std::path::Path;
use std::time::Duration;

use futures::future::join_all;

use super::contest::{Contestant, hold};
use crate::Outcome;
use crate::measure::process_cpu;
use crate::report::{Aim, Report};
use bare::Bare;
use governed::Governed;
use ordinary::Ordinary;
use script::Size;

pub(crate) use gate::Worker;
pub(crate) use upstream::serve;

const ROUNDS: usize = 9;
/// Runs a turn of the contest makes, for each size.
const RUNS: usize = 192;

/// Runs whole conversations.
trait Loop {
    /// One run from question to answer.
    async fn run(&self, size: Size) -> Outcome<()>;
}

/// Makes runs, so many at once.
async fn make(contestant: &impl Loop, size: Size, runs: usize, at_once: usize) -> Outcome<()> {
    let mut left = runs;
    while left > 0 {
        let wave = at_once.min(left);
        let made = join_all((0..wave).map(|_| contestant.run(size))).await;
        made.into_iter().collect::<Outcome<Vec<()>>>()?;
        left -= wave;
    }
    Ok(())
}

fn name(who: &str, size: Size, at_once: usize) -> String {
    format!("{who}, {} tool calls, {at_once} at once", size.tools)
}

const OURS: &str = "largestack";
const ORDINARY: &str = "ordinary loop";
const BARE: &str = "best bare loop";
const STEP: &str = "engine and agent, scripted model: a step";

pub(super) fn measure(_: &Path, _: &Path) -> Outcome<Report> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let upstream = upstream::start()?;
    let address = upstream.address();
    let ours = runtime.block_on(async { Governed::over_http(address) })?;
    let scripted = runtime.block_on(async { Governed::scripted() })?;
    let (ordinary, bare) = (Ordinary::new(address)?, Bare::new(address)?);

    let mut names = Vec::new();
    for size in script::SIZES {
        for at_once in [1, 64] {
            names.push((size, at_once, [OURS, ORDINARY, BARE].map(|w| name(w, size, at_once))));
        }
    }
    let mut contestants = Vec::new();
    for (size, at_once, [governed, usual, best]) in &names {
        let (size, at_once) = (*size, *at_once);
        let runtime = &runtime;
        let (ours, ordinary, bare) = (&ours, &ordinary, &bare);
        contestants
            .push(timed(governed, move || runtime.block_on(make(ours, size, RUNS, at_once))));
        contestants
            .push(timed(usual, move || runtime.block_on(make(ordinary, size, RUNS, at_once))));
        contestants.push(timed(best, move || runtime.block_on(make(bare, size, RUNS, at_once))));
    }
    let ten = script::SIZES.into_iter().next_back().unwrap_or_default();
    contestants.push(Contestant::new(&[(STEP, "us")], || {
        let work = || runtime.block_on(make(&scripted, ten, RUNS, 1));
        let ((), used) = process_cpu(work)?;
        Ok(vec![per(used, RUNS * ten.steps())])
    }));
    let standings = hold(ROUNDS, contestants)?;
    let mut ratios = Vec::new();
    for (_, _, [governed, usual, best]) in &names {
        ratios.push(standings.ratio(governed, usual, Aim::AtMost(1.0))?);
        ratios.push(standings.ratio(governed, best, Aim::AtMost(1.25))?);
    }
    Ok(Report::new("loop", ROUNDS, standings.rows(), ratios))
}

/// The gate: user instructions beside the best bare loop's.
pub(super) fn gate(_: &Path, _: &Path) -> Outcome<Report> {
    gate::measure()
}

fn timed<'a>(name: &str, mut work: impl FnMut() -> Outcome<()> + 'a) -> Contestant<'a> {
    Contestant::new(&[(name, "us")], move || {
        let ((), used) = process_cpu(&mut work)?;
        Ok(vec![per(used, RUNS)])
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark are small")]
fn per(used: Duration, count: usize) -> f64 {
    used.as_secs_f64() * 1e6 / count as f64
}
