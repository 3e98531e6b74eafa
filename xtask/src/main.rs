//! The workspace's own tasks: architecture checks (`tidy`), generated docs (`docs`), what the
//! product costs (`budget`) and how fast it is (`bench`). It is an edge: it prints, starts
//! processes and reads files, and nothing of the product depends on it.

#![expect(clippy::print_stdout, reason = "a task reports on standard output")]

mod bench;
mod budget;
mod docs;
mod evidence;
mod measure;
mod repo;
mod report;
mod source;
mod tidy;

use std::error::Error;
use std::process::{Command, ExitCode};

use std::path::{Path, PathBuf};

use cargo_metadata::MetadataCommand;
use clap::{Args, Parser, Subcommand};
use report::Report;

/// What a task returns; the message is for a person.
type Outcome<T> = Result<T, Box<dyn Error>>;

/// Checks, measurements and generated docs of the workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Check the architecture: arrows, purity, sizes, homes, pages, links.
    Tidy,
    /// Write the generated parts of the docs.
    Docs {
        /// Change nothing; fail when something is stale.
        #[arg(long)]
        check: bool,
    },
    /// Write what is shown of each provider, from what runs now.
    Evidence {
        /// The folder of recordings.
        recordings: PathBuf,
    },
    /// Measure CPU seconds of a cold release build and the size of the binary.
    Budget {
        #[command(flatten)]
        figures: Figures,
    },
    /// Serve the loop bench from a process of its own, until the input ends.
    #[command(hide = true)]
    BenchUpstream,
    /// Serve in the gateway bench from a process of its own, until the input ends.
    #[command(hide = true)]
    BenchServer(bench::gateway::Server),
    /// Find the suspended runs of the workflow bench.
    #[command(hide = true)]
    BenchRecovery(bench::flow::Recovery),
    /// Make some runs of one contestant of the loop bench.
    #[command(hide = true)]
    BenchWorker(bench::turns::Worker),
    /// Measure speed.
    Bench {
        #[command(subcommand)]
        bench: bench::Bench,
        #[command(flatten)]
        figures: Figures,
    },
}

/// What becomes of figures.
#[derive(Args)]
struct Figures {
    /// Print JSON instead of a table.
    #[arg(long, global = true)]
    json: bool,
    /// Record the figures in docs/figures, from where the docs take them.
    #[arg(long, global = true)]
    record: bool,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Tidy => tidy::task(),
        Task::Docs { check } => docs::task(check),
        Task::Evidence { recordings } => {
            repo::root().and_then(|root| evidence::task(root, &recordings))
        }
        Task::Budget { figures } => measured(&figures, budget::measure),
        Task::BenchUpstream => bench::turns::serve(),
        Task::BenchServer(server) => server.serve(),
        Task::BenchRecovery(recovery) => recovery.work(),
        Task::BenchWorker(worker) => worker.work(),
        Task::Bench { bench, .. } if cfg!(debug_assertions) => optimised(bench.profile()),
        Task::Bench { bench, figures } => {
            measured(&figures, |root, target| bench.measure(root, target))
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures, prints and keeps the figures; false when an aim is not met.
fn measured(
    figures: &Figures,
    measure: impl FnOnce(&Path, &Path) -> Outcome<Report>,
) -> Outcome<bool> {
    let metadata = MetadataCommand::new().current_dir(repo::root()?).no_deps().exec()?;
    let (root, target) = (metadata.workspace_root, metadata.target_directory);
    let report = measure(root.as_std_path(), target.as_std_path())?;
    report.save(root.as_std_path(), target.as_std_path(), figures.record)?;
    if figures.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{report}");
    }
    Ok(report.is_met())
}

/// Runs a program to its end; an error when it cannot start or does not succeed.
fn run(command: &mut Command) -> Outcome<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command.status().map_err(|error| format!("{name}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{name}: {status}").into()) }
}

/// Runs this same task built for speed: figures of a debug build mean nothing.
fn optimised(profile: &str) -> Outcome<bool> {
    let mut cargo = Command::new("cargo");
    cargo.args(["run", "--quiet", "--profile", profile, "--package", "xtask", "--"]);
    cargo.args(std::env::args_os().skip(1)).current_dir(repo::root()?);
    Ok(cargo.status()?.success())
}
