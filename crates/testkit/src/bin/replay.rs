//! Replays a folder of recorded provider traffic and reports what held:
//! `replay FOLDER [--json]`. Ends with 1 where something did not, with 2 where it could not start.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use largestack_testkit::replay::{Known, Report, known, replay};

fn main() -> ExitCode {
    let mut folder = None;
    let mut json = false;
    for argument in std::env::args_os().skip(1) {
        if argument == "--json" {
            json = true;
        } else {
            folder = Some(PathBuf::from(argument));
        }
    }
    let Some(folder) = folder else {
        return say(&mut std::io::stderr(), "usage: replay FOLDER [--json]", ExitCode::from(2));
    };
    let known = match known() {
        Ok(known) => known,
        Err(error) => return say(&mut std::io::stderr(), &error.to_string(), ExitCode::from(2)),
    };
    // Known differences are of recordings by name; a folder without a recording cannot show them.
    let known: Vec<Known> =
        known.into_iter().filter(|known| folder.join(&known.recording).exists()).collect();
    let report = match replay(&folder, &known) {
        Ok(report) => report,
        Err(error) => {
            let line = format!("{}: {error}", folder.display());
            return say(&mut std::io::stderr(), &line, ExitCode::from(2));
        }
    };
    let text = if json {
        serde_json::to_string_pretty(&report).unwrap_or_default()
    } else {
        table(&report)
    };
    let held = report.failures.is_empty() && !report.providers.is_empty();
    say(&mut std::io::stdout(), &text, if held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn say(out: &mut dyn std::io::Write, text: &str, code: ExitCode) -> ExitCode {
    // A reader that has gone away has seen enough.
    let _ = writeln!(out, "{text}");
    code
}

fn table(report: &Report) -> String {
    let mut text = String::from("provider            exchanges  passed  known  failed  edited\n");
    for (name, tally) in &report.providers {
        let _ = writeln!(
            text,
            "{name:<20}{:>9}{:>8}{:>7}{:>8}{:>8}",
            tally.exchanges, tally.passed, tally.known_differences, tally.failed, tally.edited
        );
    }
    for failure in &report.failures {
        let _ = writeln!(
            text,
            "{} #{} {}: {}",
            failure.recording, failure.exchange, failure.path, failure.detail
        );
    }
    let _ = write!(text, "{} exchanges were no model calls", report.skipped);
    text
}
