//! The gateway as a server, every layer on, beside the least that can stand between a client and
//! a provider (axum and reqwest), and beside the provider alone. Each is a process of its own, so
//! that CPU time and memory are its own; all three take turns within each round. And its decoders,
//! beside `serde_json` alone over the same frames.

mod asked;
mod client;
mod decode;
mod idle;
mod pass;
mod reply;
mod script;
mod server;
mod stack;
mod upstream;

use std::path::Path;
use std::time::Duration;

use tokio::runtime::Runtime;

use super::child::Served;
use super::contest::{Contestant, Standings, hold};
use crate::Outcome;
use crate::report::{Aim, Ratio, Report, Row, median, quartiles};
use client::Asking;
use script::Manner;
use server::Who;

pub(crate) use server::Server;

const ROUNDS: usize = 20;
/// Connections where CPU time is measured, and questions over each in a round.
const CONNECTIONS: usize = 32;
const QUESTIONS: usize = 40;
/// Questions over one connection in a round.
const TIMED: usize = 400;
/// Streams at once, and pieces of each.
const STREAMS: usize = 32;
const PIECES: usize = 200;
/// Between two pieces: long enough that each arrives by itself.
const PAUSE: Duration = Duration::from_millis(2);
/// What a piece may cost, in microseconds, or this many times what passing it on costs.
const PIECE_US: f64 = 3.0;
const PIECE_TIMES: f64 = 1.5;
/// What the gateway may add at one connection, in microseconds.
const ADDED_P50_US: f64 = 60.0;
const ADDED_P99_US: f64 = 100.0;

const ALONE: &str = "provider alone";
const PASS: &str = "pass-through";
const OURS: &str = "gateway";

/// The soft limit of open files, raised to the hard one.
pub(super) fn open_files() -> Outcome<usize> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    Ok(maximum.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX)))
}

pub(super) fn measure(_: &Path, _: &Path) -> Outcome<Report> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let provider = server::start(Who::Upstream, None)?;
    let behind = Some(provider.address());
    let (pass, ours) = (server::start(Who::Pass, behind)?, server::start(Who::Stack, behind)?);
    let all = [(ALONE, &provider), (PASS, &pass), (OURS, &ours)];
    let mut contestants = vec![timed(&runtime, all)?];
    for (who, server) in [(PASS, &pass), (OURS, &ours)] {
        contestants.push(counted(&runtime, who, server)?);
        for manner in [apart(), together()] {
            contestants.push(streamed(&runtime, who, server, manner)?);
        }
    }
    contestants.extend(decode::contestants()?);
    let standings = hold(ROUNDS, contestants)?;
    let mut rows = standings.rows();
    let mut ratios = vec![standings.ratio(&cpu(OURS), &cpu(PASS), Aim::AtMost(1.3))?];
    added(&standings, &mut rows, &mut ratios)?;
    for manner in [apart(), together()] {
        ratios.push(pieces(&standings, manner)?);
    }
    ratios.extend(decode::ratios(&standings)?);
    let idle = idle::measure(&runtime, behind)?;
    rows.extend(idle.rows);
    ratios.push(idle.ratio);
    Ok(Report::new("gateway", ROUNDS, rows, ratios))
}

const fn apart() -> Manner {
    Manner::Pieces { count: PIECES, pause: PAUSE }
}

const fn together() -> Manner {
    Manner::Pieces { count: PIECES, pause: Duration::ZERO }
}

fn cpu(who: &str) -> String {
    format!("{who}: CPU per request")
}

fn latency(who: &str) -> [String; 2] {
    ["p50", "p99"].map(|name| format!("{who}: one connection, {name}"))
}

fn piece(who: &str, manner: Manner) -> String {
    let how = if manner == together() { "as they come together" } else { "each by itself" };
    format!("{who}: CPU per streamed chunk, {how}")
}

/// Latency over one connection to each. Questions go round between them, one after the other, so
/// that whatever disturbs the machine in a round disturbs each of them alike.
fn timed<'a>(runtime: &'a Runtime, all: [(&str, &Served); 3]) -> Outcome<Contestant<'a>> {
    let mut asking = Vec::new();
    for (_, server) in all {
        asking.push(Asking::new(server.address())?);
    }
    let names = all.map(|(who, _)| latency(who));
    let rows: Vec<_> = names.iter().flatten().map(|name| (name.as_str(), "us")).collect();
    Ok(Contestant::new(&rows, move || {
        let mut taken = vec![Vec::with_capacity(TIMED); asking.len()];
        for turn in 0..TIMED {
            for place in 0..asking.len() {
                let who = (turn + place) % asking.len();
                let Some((asking, taken)) = asking.get(who).zip(taken.get_mut(who)) else {
                    continue;
                };
                taken.push(runtime.block_on(asking.timed())?);
            }
        }
        Ok(taken.into_iter().flat_map(quantiles).collect())
    }))
}

/// The half and the 99th hundredth, in microseconds.
fn quantiles(mut taken: Vec<Duration>) -> [f64; 2] {
    taken.sort_unstable();
    [50, 99].map(|percent: usize| {
        let place = (taken.len() * percent).div_ceil(100).saturating_sub(1);
        taken.get(place).map_or(f64::NAN, |time| time.as_secs_f64() * 1e6)
    })
}

/// CPU time of requests over many connections.
fn counted<'a>(runtime: &'a Runtime, who: &str, server: &Served) -> Outcome<Contestant<'a>> {
    let asking = Asking::new(server.address())?;
    Ok(Contestant::new(&[(&cpu(who), "us")], move || {
        let used = runtime.block_on(used(&asking, Manner::Whole, QUESTIONS, CONNECTIONS))?;
        Ok(vec![used / count(QUESTIONS * CONNECTIONS)])
    }))
}

/// CPU time of streams, for each piece.
fn streamed<'a>(
    runtime: &'a Runtime,
    who: &str,
    server: &Served,
    manner: Manner,
) -> Outcome<Contestant<'a>> {
    let asking = Asking::new(server.address())?;
    Ok(Contestant::new(&[(&piece(who, manner), "us")], move || {
        let used = runtime.block_on(used(&asking, manner, 1, STREAMS))?;
        Ok(vec![used / count(PIECES * STREAMS)])
    }))
}

/// What a server used for so many questions, in microseconds.
async fn used(asking: &Asking, manner: Manner, each: usize, at_once: usize) -> Outcome<f64> {
    let before = asking.cpu().await?;
    asking.ask(manner, each, at_once).await?;
    Ok((asking.cpu().await? - before) / 1e3)
}

/// What the gateway adds to the pass-through's latency, round by round.
fn added(standings: &Standings, rows: &mut Vec<Row>, ratios: &mut Vec<Ratio>) -> Outcome<()> {
    let aims = [ADDED_P50_US, ADDED_P99_US];
    for ((ours, pass), aim) in latency(OURS).iter().zip(&latency(PASS)).zip(aims) {
        let pairs = standings.of(ours)?.iter().zip(standings.of(pass)?);
        let differences: Vec<f64> = pairs.map(|(ours, pass)| ours - pass).collect();
        let name = format!("{ours}, over the {PASS}");
        rows.push(Row::of(&name, "us", &differences));
        let ratio = Ratio::new(format!("{name}, us"), median(&differences), Aim::AtMost(aim));
        let (lower, upper) = quartiles(&differences);
        ratios.push(ratio.resolved(upper - lower <= aim));
    }
    Ok(())
}

/// What a piece costs, beside its own aim or what passing it on costs.
fn pieces(standings: &Standings, manner: Manner) -> Outcome<Ratio> {
    let (ours, pass) = (piece(OURS, manner), piece(PASS, manner));
    let most = PIECE_US.max(PIECE_TIMES * median(standings.of(&pass)?));
    let most = (most * 100.0).round() / 100.0;
    let name = format!("{ours}, us");
    Ok(Ratio::new(name, median(standings.of(&ours)?), Aim::AtMost(most)))
}

#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark are small")]
fn count(count: usize) -> f64 {
    count as f64
}
