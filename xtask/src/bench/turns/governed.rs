//! The product: agent, engine, guards, budget, limits, gateway, journal in memory.

use std::net::SocketAddr;
use std::sync::Arc;

use largestack_agent::runtime::{LiveRuns, ToolPorts};
use largestack_agent::{Agent, Runtime};
use largestack_engine::Status;
use largestack_gateway::{Gateway, Ports};
use largestack_http::{HttpTransport, Keys, OsIds, SystemClock, TokioTasks};
use largestack_ports::BoxFuture;
use largestack_ports::clock::Clock;
use largestack_ports::ids::{Ids, MakeId as _};
use largestack_ports::journal::MemoryJournal;
use largestack_ports::ledger::{Ledger, MemoryLedger};
use largestack_ports::model::{CallContext, Model, ReplyStream};
use largestack_ports::switch::{MemorySwitch, Switch};
use largestack_ports::tool::{Tool, ToolContext, ToolFailure, ToolOutput};
use largestack_ports::vault::{MemoryVault, Sensitive};
use largestack_testkit::Turn;
use largestack_types::call::Call;
use largestack_types::errors::Result;
use largestack_types::json::Json;
use largestack_types::label::Origin;
use largestack_types::message::Role;
use largestack_types::money::Money;
use largestack_types::scope::Scope;
use largestack_types::tool::ToolSpec;
use largestack_wire::Registry;
use largestack_wire::price::{Book, Section};

use super::Loop;
use super::script::{self, Size};
use crate::Outcome;

/// Dollars per million tokens, in billionths, in and out.
const PRICE: (i64, i64) = (150_000_000, 600_000_000);

pub(super) struct Governed {
    agent: Agent,
    journal: Arc<MemoryJournal>,
    scope: Scope,
}

impl Governed {
    /// Over the gateway and HTTP.
    pub(super) fn over_http(address: SocketAddr) -> Outcome<Self> {
        let house = Parts::new()?;
        let mut registry = Registry::default();
        let section = toml::from_str(&format!(
            "wire = \"openai-chat\"\nbase-url = \"http://{address}/v1\"\nkey-env = [\"BENCH\"]"
        ))?;
        registry.define("bench", section);
        let keys = Keys::default().with("bench", Sensitive::new("bench"));
        let ports = Ports {
            transport: Arc::new(HttpTransport::new(keys)),
            ledger: Arc::clone(&house.ledger),
            switch: Arc::clone(&house.switch),
            clock: Arc::clone(&house.clock),
            ids: Arc::clone(&house.ids),
            tasks: Arc::new(house.tasks.clone()),
        };
        let mut prices = Book::default();
        let (input, output) = (Money::from_nanos(PRICE.0), Money::from_nanos(PRICE.1));
        prices.define("bench", "*", &Section::flat(input, output))?;
        let gateway = Gateway::builder(ports).registry(registry).prices(prices);
        Self::of(house, Arc::new(gateway.build()))
    }

    /// With a model in this process.
    pub(super) fn scripted() -> Outcome<Self> {
        Self::of(Parts::new()?, Arc::new(Scripted))
    }

    fn of(parts: Parts, model: Arc<dyn Model>) -> Outcome<Self> {
        let journal = Arc::new(MemoryJournal::default());
        let runtime = Runtime {
            journal: Arc::clone(&journal) as Arc<_>,
            model,
            ledger: parts.ledger,
            vault: Arc::new(MemoryVault::default()),
            switch: parts.switch,
            tools: ToolPorts::in_memory(&parts.clock),
            owner: parts.ids.owner_id(parts.clock.now()),
            clock: parts.clock,
            ids: parts.ids,
            tasks: Arc::new(parts.tasks),
            live: LiveRuns::default(),
        };
        let agent = Agent::builder("bench")
            .instructions(script::INSTRUCTIONS)
            .model(format!("bench/{}", script::MODEL))
            .tool(Lookup::new()?)
            .build(runtime)?;
        Ok(Self { agent, journal, scope: Scope::local() })
    }
}

impl Loop for Governed {
    async fn run(&self, size: Size) -> Outcome<()> {
        let report = self.agent.run(&self.scope, script::question(size)).await?;
        if report.status != Status::Completed || report.tool_calls as usize != size.tools {
            return Err(format!("the run ended {} ({:?})", report.status, report.error).into());
        }
        // What is kept must not grow with the length of the bench.
        self.journal.forget(&self.scope, report.run);
        Ok(())
    }
}

struct Parts {
    ledger: Arc<dyn Ledger>,
    switch: Arc<dyn Switch>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    tasks: TokioTasks,
}

impl Parts {
    fn new() -> Outcome<Self> {
        Ok(Self {
            ledger: Arc::new(MemoryLedger::default()),
            switch: Arc::new(MemorySwitch::default()),
            clock: Arc::new(SystemClock),
            ids: Arc::new(OsIds::new()?),
            tasks: TokioTasks::current()?,
        })
    }
}

/// The tool of the conversation.
struct Lookup(ToolSpec);

impl Lookup {
    fn new() -> Outcome<Self> {
        Ok(Self(ToolSpec {
            name: script::TOOL.into(),
            description: script::TOOL_TEXT.into(),
            parameters: Json::parse(script::SCHEMA)?,
            idempotent: true,
            origin: Origin::Tool,
            native: None,
            server: false,
        }))
    }
}

#[derive(serde::Deserialize)]
struct Arguments {
    n: u64,
}

impl Tool for Lookup {
    fn spec(&self) -> &ToolSpec {
        &self.0
    }

    fn call(
        &self,
        _: ToolContext,
        arguments: Json,
    ) -> BoxFuture<'static, Result<ToolOutput, ToolFailure>> {
        let result = arguments
            .to::<Arguments>()
            .map(|arguments| ToolOutput::text(script::record(arguments.n)))
            .map_err(|error| ToolFailure::new(error.to_string()));
        Box::pin(std::future::ready(result))
    }
}

/// Calls the tool as often as the question asks for, then answers.
struct Scripted;

impl Model for Scripted {
    fn call<'a>(&'a self, _: &'a CallContext, call: Call) -> BoxFuture<'a, Result<ReplyStream>> {
        let answered = call.messages.iter().filter(|m| m.role == Role::Tool).count();
        let asked = call.messages.get(1).map(|question| question.text()).unwrap_or_default();
        let wanted = asked
            .split_once("[calls=")
            .and_then(|(_, rest)| rest.strip_suffix(']')?.parse::<usize>().ok())
            .unwrap_or(0);
        let turn = if answered < wanted {
            Turn::tool(script::TOOL, &format!(r#"{{"n":{answered}}}"#))
        } else {
            Turn::text("The sum is as counted.")
        };
        Box::pin(std::future::ready(Ok(turn.into_stream(call.stream))))
    }
}
