//! Start-up: how long until `largestack --help` is back, beside a small C command line compiled on
//! the spot, and how long an offline run over ingested documents takes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::contest::{Contestant, Standings, hold};
use crate::measure::wall;
use crate::report::{Aim, Ratio, Report, median};
use crate::{Outcome, run};

const ROUNDS: usize = 20;
const QUESTION: &str = "How long do I have to return an item, and who pays the postage?";

const HELP: &str = "largestack --help";
const C_HELP: &str = "C command line --help";
const RUN: &str = "offline run, documents ingested";

/// A command line of the ordinary kind: getopt, a help text, an exit code.
const C_PROGRAM: &str = include_str!("start.c");

pub(super) fn measure(root: &Path, target: &Path) -> Outcome<Report> {
    let folder = target.join("bench").join("start");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let peer = compile(&folder)?;
    let product = build(root, target)?;
    let handbook = folder.join("handbook");
    copy(&root.join("examples/handbook"), &handbook)?;

    let mut ask = offline(&product, &folder);
    ask.arg("run").arg(&handbook).arg(QUESTION);
    // The first run ingests; what is measured is every run after it.
    run(&mut ask)?;
    // What it says beside the answer is said once.
    ask.stderr(Stdio::null());

    let standings = hold(
        ROUNDS,
        vec![
            timed(HELP, offline(&product, &folder), Some("--help")),
            timed(C_HELP, offline(&peer, &folder), Some("--help")),
            timed(RUN, ask, None),
        ],
    )?;
    report(&standings)
}

fn report(standings: &Standings) -> Outcome<Report> {
    let run = median(standings.of(RUN)?);
    let ratios = vec![
        standings.ratio(HELP, C_HELP, Aim::AtMost(3.0))?,
        Ratio::new(format!("{RUN}, ms"), run, Aim::AtMost(150.0)),
    ];
    Ok(Report::new("start", ROUNDS, standings.rows(), ratios))
}

/// A process from spawn to exit, in milliseconds.
fn timed<'a>(name: &str, mut command: Command, argument: Option<&str>) -> Contestant<'a> {
    command.args(argument);
    Contestant::new(&[(name, "ms")], move || {
        let ((), elapsed) = wall(|| run(&mut command))?;
        Ok(vec![elapsed.as_secs_f64() * 1_000.0])
    })
}

/// A command with an empty home, no keys and nothing to print to.
fn offline(program: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("HOME", home).current_dir(home);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

fn compile(folder: &Path) -> Outcome<PathBuf> {
    let (source, program) = (folder.join("start.c"), folder.join("start"));
    fs::write(&source, C_PROGRAM)?;
    run(Command::new("cc").args(["-O2", "-o"]).arg(&program).arg(&source))?;
    Ok(program)
}

fn build(root: &Path, target: &Path) -> Outcome<PathBuf> {
    run(Command::new("cargo")
        .args(["build", "--quiet", "--release", "--locked"])
        .current_dir(root))?;
    let name = format!("largestack{}", std::env::consts::EXE_SUFFIX);
    Ok(target.join("release").join(name))
}

/// Copies a folder, without the state that runs left in it.
fn copy(from: &Path, to: &Path) -> Outcome<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_name() == ".largestack" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compared_is_named_with_its_aims() {
        let turn = |name, value| Contestant::new(&[(name, "ms")], move || Ok(vec![value]));
        let standings =
            hold(2, vec![turn(HELP, 6.0), turn(C_HELP, 2.0), turn(RUN, 151.0)]).unwrap();
        let report = report(&standings).unwrap();
        let met: Vec<bool> = report.ratios.iter().map(|ratio| ratio.met).collect();
        assert_eq!(met, [true, false]);
        assert!(!report.is_met());
    }
}
