//! `largestack policy`: what an agent's policies say of calls, held against what is expected.
//!
//! Each case is a run: a model of this program's own asks for what was read and then for the call, and
//! something stands in the place of every tool, so that nothing is done. What decides is therefore
//! what decides in any run, permissions, approvals and labels alike.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use largestack_agent::{Report, RunOptions};
use largestack_config::{self as config, Environment, Flags, PolicyCase, ReadBy, Settings};
use largestack_engine::{Event, event::PolicyDecided};
use largestack_types::errors::Result;

use crate::args::Global;
use crate::cases;
use crate::compose::{self, Stand};
use crate::exit;
use crate::failure::Outcome;
use crate::screen::Screen;

mod result;
mod scene;

use result::{Judged, Results};
use scene::{MODEL, Scripted, Stage};

/// The folder of the state that these runs have to themselves.
const STATE: &str = "policy-tests";

/// Tries policies.
#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Hold what an agent's policies say of calls against its policy-tests.yaml
    Test(Test),
}

impl Policy {
    /// Whether results and errors are JSON.
    pub(crate) fn json(&self) -> bool {
        match self {
            Self::Test(test) => test.json,
        }
    }

    pub(crate) fn perform(&self, global: &Global, screen: &mut Screen) -> Outcome {
        match self {
            Self::Test(test) => test.perform(global, screen),
        }
    }
}

/// Judges the calls of a file.
#[derive(Debug, Args)]
pub(crate) struct Test {
    /// The agent: a folder with agent.yaml and policy-tests.yaml; the current folder unless given
    path: Option<PathBuf>,
    /// Only cases whose name holds this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Test {
    fn perform(&self, global: &Global, screen: &mut Screen) -> Outcome {
        let path = self.path.as_deref().unwrap_or(Path::new("."));
        let mut flags = Flags::new();
        if let Some(state) = &global.state {
            flags = flags.set("state", "--state", state.display().to_string());
        }
        let mut settings = compose::settings(path, &flags)?;
        settings.project.state = settings.project.state.join(STATE);
        let cases = self.cases(&settings.agent.folder)?;
        set_up(&mut settings, &cases);
        let judging = judge(&settings, &cases);
        let asking = compose::asking(settings.project.models_blocked, judging);
        let cases = compose::with_runtime(asking)??;
        let results =
            Results { agent: &settings.agent.name, state: &settings.project.state, cases };
        if self.json {
            screen.json(&results.document())?;
        } else {
            screen.print(&results.text())?;
        }
        Ok(if results.passed() { exit::DONE } else { exit::BROKEN })
    }

    fn cases(&self, folder: &Path) -> Result<Vec<PolicyCase>> {
        let read = config::policy_cases(folder, &Environment::of_process());
        let file = folder.join(config::POLICY_CASES_FILE);
        let advice =
            "Write the cases there: what was read, which call is made, and what must be said";
        let (_, cases) =
            cases::chosen(read, (&file, advice), self.only.as_deref(), |case| &case.name)?;
        Ok(cases)
    }
}

/// The agent as it is tried: everything that decides about calls, and another model.
fn set_up(settings: &mut Settings<config::Agent>, cases: &[PolicyCase]) {
    let agent = &mut settings.agent;
    agent.model = MODEL.into();
    agent.fallbacks.clear();
    agent.output = None;
    agent.cache = None;
    agent.search_tools = None;
    if let Some(allowed) = &mut agent.permissions.allow {
        // What stands for a text that no tool of the agent returned is none of its tools.
        let reads = cases.iter().flat_map(|case| &case.reads);
        allowed.extend(reads.filter_map(|read| scene::reader(&read.by)));
    }
}

async fn judge(settings: &Settings<config::Agent>, cases: &[PolicyCase]) -> Result<Vec<Judged>> {
    let store = compose::store(&settings.project.state)?;
    let stage = Stage::default();
    let in_place = stage.clone();
    let stand = Stand {
        model: Some((MODEL, Arc::new(Scripted(stage.clone())))),
        tools: stage.readers(cases),
        in_place: Some(Box::new(move |tool| in_place.stand_in(tool))),
        ..Stand::default()
    };
    let house = compose::house_with(settings, &store, stand).await?;
    for case in cases {
        let tools = case.reads.iter().filter_map(|read| match &read.by {
            ReadBy::Tool(tool, _) => Some(tool),
            ReadBy::Origin(..) => None,
        });
        for tool in tools.chain([&case.tool]) {
            stage.must_know(tool, &case.name)?;
        }
    }
    let mut judged = Vec::with_capacity(cases.len());
    for case in cases {
        stage.set(case);
        let scope = compose::scope();
        let options = RunOptions { whole: true, ..RunOptions::default() };
        let ask = case.ask.to_string();
        let report = match house.runs.start(&house.agent, &scope, ask, options).await {
            Ok(run) => run.report().await,
            Err(error) => Err(error),
        };
        let decisions = match &report {
            Ok(report) => decisions(&house, report, &case.tool).await?,
            Err(_) => Vec::new(),
        };
        judged.push(Judged::of(case, &stage.strike(), &report, decisions));
    }
    house.tasks.finished().await;
    Ok(judged)
}

/// The decision log of a run, as far as it is about a tool.
async fn decisions(
    house: &compose::House,
    report: &Report,
    tool: &str,
) -> Result<Vec<PolicyDecided>> {
    let events = house.runtime.journal.read(&compose::scope(), report.run, 0).await?;
    let decided = events.iter().filter_map(|recorded| match &*recorded.event {
        Event::PolicyDecided(decided) if *decided.resource == *tool => Some(decided.clone()),
        _ => None,
    });
    Ok(decided.collect())
}
