//! How often a whole run waits for the disk: an agent whose tools are all idempotent, counted by
//! the store.

use std::path::Path;
use std::sync::Arc;

use largestack_agent::runtime::{LiveRuns, ToolPorts};
use largestack_agent::{Agent, Runtime};
use largestack_engine::Status;
use largestack_http::{OsIds, SystemClock, TokioTasks};
use largestack_ports::BoxFuture;
use largestack_ports::ids::{Ids, MakeId};
use largestack_ports::ledger::MemoryLedger;
use largestack_ports::tool::{Tool, ToolContext, ToolFailure, ToolOutput};
use largestack_store::{Options, Store};
use largestack_testkit::{TestModel, Turn};
use largestack_types::errors::LargestackError;
use largestack_types::json::Json;
use largestack_types::label::Origin;
use largestack_types::scope::Scope;
use largestack_types::tool::ToolSpec;

use crate::Outcome;

/// A tool that may be run twice.
struct LookUp(ToolSpec);

impl Tool for LookUp {
    fn spec(&self) -> &ToolSpec {
        &self.0
    }

    fn call(
        &self,
        _: ToolContext,
        arguments: Json,
    ) -> BoxFuture<'static, Result<ToolOutput, ToolFailure>> {
        let found = ToolOutput::text(format!("found {}", arguments.as_str()));
        Box::pin(std::future::ready(Ok(found)))
    }
}

/// Barriers of a run of eleven turns with ten tool calls.
pub(super) fn of_a_run(folder: &Path) -> Outcome<f64> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let ids: Arc<dyn Ids> = Arc::new(OsIds::new()?);
        let options = Options::new(Arc::clone(&ids), Arc::new(SystemClock));
        let store = Store::open(folder, options).map_err(LargestackError::from)?;
        let agent = agent(&store, ids)?;
        let before = store.write_stats().barriers;
        let report = agent.run(&Scope::local(), "What does the shop say?").await?;
        if report.status != Status::Completed {
            return Err(format!("the run ended as {}", report.status).into());
        }
        let barriers = store.write_stats().barriers - before;
        Ok(f64::from(u32::try_from(barriers)?))
    })
}

fn agent(store: &Store, ids: Arc<dyn Ids>) -> Outcome<Agent> {
    let mut turns: Vec<Turn> = (0..10)
        .map(|turn| Turn::tool("look_up", &format!(r#"{{"question":"number {turn}"}}"#)))
        .collect();
    turns.push(Turn::text("Thirty days, and the shop pays."));
    let clock = Arc::new(SystemClock);
    let owner = ids.owner_id(largestack_ports::clock::Clock::now(&*clock));
    let tools = ToolPorts::in_memory(&(Arc::clone(&clock) as _));
    let runtime = Runtime {
        tools,
        journal: Arc::new(store.clone()),
        model: Arc::new(TestModel::new(turns)),
        ledger: Arc::new(MemoryLedger::default()),
        vault: Arc::new(store.clone()),
        switch: Arc::new(store.clone()),
        clock,
        ids,
        tasks: Arc::new(TokioTasks::current()?),
        owner,
        live: LiveRuns::default(),
    };
    let parameters = r#"{"type":"object","properties":{"question":{"type":"string"}}}"#;
    let look_up = LookUp(ToolSpec {
        name: "look_up".into(),
        description: "Looks something up.".into(),
        parameters: Json::parse(parameters.to_owned())?,
        idempotent: true,
        origin: Origin::Tool,
        native: None,
        server: false,
    });
    Ok(Agent::builder("bench").model("test/scripted").tool(look_up).build(runtime)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_without_unsafe_tools_waits_for_the_disk_once() {
        let folder = tempfile::tempdir().unwrap();
        assert!((of_a_run(folder.path()).unwrap() - 1.0).abs() < f64::EPSILON);
    }
}
