//! `largestack graph`: a workflow as a picture, or one of its runs with where each node stands.

use std::path::Path;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use largestack_config::{self as config, Flags};
use largestack_engine::graph::{self, GraphRun};
use largestack_flow::draw;
use largestack_types::errors::{Code, LargestackError, Result};

use super::check::workflow as checked;
use super::run::both;
use super::target::{self, Target};
use crate::args::Global;
use crate::compose::{self, blocking};
use crate::exit;
use crate::failure::Outcome;
use crate::flows;
use crate::screen::Screen;
use crate::shared::{For, Shared};

/// How a picture is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Text that Mermaid draws
    #[default]
    Mermaid,
    /// A whole picture
    Svg,
}

/// Draws a workflow.
#[derive(Debug, Args)]
pub(crate) struct Graph {
    /// A workflow (a folder with a workflow.yaml, or such a file; the current folder unless given),
    /// or a run of one: its id, the beginning of it, or `last`
    #[arg(value_names = ["PATH", "RUN"], num_args = 0..=2)]
    target: Vec<String>,
    /// How the picture is written
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Of a run: as it stood after this event
    #[arg(long, value_name = "SEQ")]
    at: Option<u64>,
}

impl Graph {
    pub(crate) fn perform(&self, global: &Global, screen: &mut Screen) -> Outcome {
        let target = Target::of(&self.target)?;
        let picture = match &target.run {
            Some(name) => {
                let (_, shared) = Shared::of_project(global, target.path(), For::Reading)?;
                let run = blocking(run(&shared, name, self.at))??;
                self.drawn(run.graph().graph(), Some(&run))
            }
            None if self.at.is_some() => {
                return Err(LargestackError::with_advice(
                    Code::Input,
                    "--at is for a run",
                    "Name one: largestack graph RUN --at SEQ",
                )
                .into());
            }
            None => self.drawn(&of_file(target.path().unwrap_or(Path::new(".")))?, None),
        };
        screen.print_bytes(picture.as_bytes())?;
        Ok(exit::DONE)
    }

    fn drawn(&self, graph: &Arc<graph::Graph>, run: Option<&GraphRun>) -> String {
        match self.format {
            Format::Mermaid => draw::mermaid(graph, run),
            Format::Svg => draw::svg(graph, run),
        }
    }
}

/// The graph of a file, with what its patterns build.
fn of_file(path: &Path) -> Result<Arc<graph::Graph>> {
    match config::named(path) {
        config::Named::Both => Err(both(path)),
        // What is no workflow is refused by whoever looks for one.
        _ => checked::graph(&compose::flow_settings(path, &Flags::new())?),
    }
}

async fn run(shared: &Shared, name: &str, at: Option<u64>) -> Result<GraphRun> {
    let scope = compose::scope();
    let run = target::find(&*shared.journal, &scope, name).await?;
    match flows::stored(&*shared.journal, &scope, run).await? {
        Some(stored) => stored.at(at)?.folded(),
        None if shared.journal.run(&scope, run).await?.is_none() => Err(super::trace::absent(run)),
        None => Err(LargestackError::with_advice(
            Code::Input,
            format!("{run} is the run of an agent, which has no graph"),
            "See what happened in it: largestack trace RUN",
        )),
    }
}
