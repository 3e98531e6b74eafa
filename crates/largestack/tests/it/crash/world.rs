//! What a process of these tests runs on: the real composition over a store, models by script, and
//! effects that leave their trace in a file outside of the store.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use largestack::dynamic::{Agent, AgentBuilder};
use largestack::flow::{Function, NodeContext, NodeOutput};
use largestack::prices::{Book, Section};
use largestack::{Gateway, Money, Runtime, Scope, TenantId, ToolOutput};
use largestack_agent::runtime::{LiveRuns, ToolPorts};
use largestack_gateway::{InheritingTasks, Ports};
use largestack_http::{OsIds, SystemClock, TokioTasks};
use largestack_ports::BoxFuture;
use largestack_ports::approvals::Approvals;
use largestack_ports::clock::Clock as _;
use largestack_ports::ids::MakeId as _;
use largestack_ports::journal::Journal;
use largestack_ports::ledger::{Ledger, Sliced};
use largestack_ports::limits::Limits;
use largestack_ports::model::{CallContext, Model, ReplyStream};
use largestack_ports::results::Results;
use largestack_ports::switch::Switch;
use largestack_ports::tool::{Tool, ToolContext, ToolFailure};
use largestack_ports::transport::{Request, Response, Transport};
use largestack_ports::vault::TokenVault;
use largestack_store::{Options, PostgresOptions, PostgresStore, Store};
use largestack_testkit::Turn;
use largestack_types::call::Call;
use largestack_types::errors::Result;
use largestack_types::json::Json;
use largestack_types::message::Role;
use largestack_types::tool::ToolSpec;
use serde_json::json;

use super::fuse::{Fuse, Fused};

/// What a model says to a call.
pub(super) type Script = fn(&Call) -> Turn;

/// What a token into a model costs, in nano-dollars.
const IN: u64 = 1_000;
/// What a token out of it costs.
const OUT: u64 = 2_000;

/// Where a process keeps its state, and where its effects leave their traces.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) folder: PathBuf,
    /// A Postgres server; else the state is in the folder.
    pub(super) server: Option<String>,
    /// How long a server waits for a sign of life of a process.
    pub(super) lease: Duration,
}

impl Place {
    /// The tenant of a folder: on a server, each has its own runs.
    pub(super) fn scope(&self) -> Scope {
        let name = self.folder.file_name().unwrap().to_str().unwrap();
        Scope::authenticated(TenantId::new(name).unwrap(), "ann")
    }

    /// A runtime over the state, as the composition root has it. Called inside a tokio runtime.
    pub(super) async fn runtime(&self, models: &[(&str, Script)], fuse: &Arc<Fuse>) -> Runtime {
        let (clock, ids) = (Arc::new(SystemClock), Arc::new(OsIds::new().unwrap()));
        let parts = (models, fuse);
        let Some(server) = &self.server else {
            let options = Options::new(ids, clock);
            let store = Store::open(&self.folder.join("state"), options).unwrap();
            return self.over(&Arc::new(store), parts);
        };
        let mut options = PostgresOptions::new(ids, clock, self.folder.with_file_name("vault.key"));
        options.lease = self.lease;
        let store = PostgresStore::connect(server, options).await.unwrap();
        self.over(&Arc::new(store), parts)
    }

    fn over<S>(&self, store: &Arc<S>, (models, fuse): (&[(&str, Script)], &Arc<Fuse>)) -> Runtime
    where
        S: Journal + TokenVault + Switch + Ledger + Limits + Results + Approvals,
    {
        let (clock, ids) = (Arc::new(SystemClock), Arc::new(OsIds::new().unwrap()));
        let ledger: Arc<dyn Ledger> = Arc::new(Sliced::new(Arc::clone(store) as Arc<dyn Ledger>));
        let tasks = TokioTasks::current().unwrap();
        let ports = Ports {
            transport: Arc::new(Nowhere),
            ledger: Arc::clone(&ledger),
            switch: store.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
            tasks: Arc::new(tasks.clone()),
        };
        let mut prices = Book::default();
        let price =
            [IN, OUT].map(|nanos| Money::from_nanos(i64::try_from(nanos).unwrap() * 1_000_000));
        for (name, _) in models {
            prices.define("test", *name, &Section::flat(price[0], price[1])).unwrap();
        }
        let gateway = Gateway::builder(ports).prices(prices).build();
        for (name, script) in models {
            let (asked, fuse) = (self.folder.join(ASKED), Arc::clone(fuse));
            let model = Scripted { name: (*name).to_owned(), script: *script, asked, fuse };
            gateway.register(format!("test/{name}"), Arc::new(model));
        }
        Runtime {
            journal: Arc::new(Fused { store: store.clone(), fuse: Arc::clone(fuse) }),
            model: Arc::new(gateway),
            ledger,
            vault: store.clone(),
            switch: store.clone(),
            tools: ToolPorts {
                limits: store.clone(),
                results: store.clone(),
                approvals: Some(store.clone()),
            },
            owner: ids.owner_id(clock.now()),
            clock,
            ids,
            tasks: Arc::new(InheritingTasks(Arc::new(tasks))),
            live: LiveRuns::default(),
        }
    }
}

/// No provider is ever asked.
struct Nowhere;

impl Transport for Nowhere {
    fn send(&self, _: Request) -> BoxFuture<'_, Result<Response>> {
        panic!("a provider was asked")
    }
}

/// A line for every call of a model: its name, what it costs in nano-dollars.
pub(super) const ASKED: &str = "asked";
/// A line for every effect: whether it may happen again, its name, its key.
pub(super) const WITNESS: &str = "witness";
/// A line for every call in doubt that was reported: what was decided, its key.
pub(super) const DOUBTS: &str = "doubts";
/// A line for every effect that had happened and was not on record when its run was taken up.
pub(super) const UNRECORDED: &str = "unrecorded";

/// One line more, on disk when this returns.
pub(super) fn write_line(file: &Path, line: &str) {
    let mut file = fs::OpenOptions::new().create(true).append(true).open(file).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
    file.sync_all().unwrap();
}

pub(super) fn lines(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// An effect that left its trace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Trace {
    /// Whether it may happen again under its key.
    pub(super) repeatable: bool,
    pub(super) name: String,
    pub(super) key: String,
}

/// Every effect that happened, in the order in which it did.
pub(super) fn traces(folder: &Path) -> Vec<Trace> {
    let read = |line: &String| {
        let words: Vec<&str> = line.split(' ').collect();
        let [kind, name, key] = words[..] else { panic!("{line}") };
        Trace { repeatable: kind == "again", name: name.to_owned(), key: key.to_owned() }
    };
    lines(&folder.join(WITNESS)).iter().map(read).collect()
}

/// Leaves a trace, between two points.
#[derive(Clone)]
pub(super) struct Mark {
    file: PathBuf,
    fuse: Arc<Fuse>,
    repeatable: bool,
}

impl Mark {
    fn leave(&self, name: &str, key: &str) {
        self.fuse.here();
        let kind = if self.repeatable { "again" } else { "once" };
        write_line(&self.file, &format!("{kind} {name} {key}"));
        self.fuse.here();
    }
}

/// What a scene is made of.
pub(super) struct World {
    pub(super) place: Place,
    pub(super) scope: Scope,
    pub(super) fuse: Arc<Fuse>,
    pub(super) runtime: Runtime,
    /// Whether other processes drive the same runs.
    pub(super) crowded: bool,
    /// Whether what is in doubt may still happen, so that nobody may do it instead.
    pub(super) careful: bool,
}

impl World {
    pub(super) async fn open(place: Place, models: &[(&str, Script)], fuse: Fuse) -> Self {
        let fuse = Arc::new(fuse);
        let runtime = place.runtime(models, &fuse).await;
        Self { scope: place.scope(), place, fuse, runtime, crowded: false, careful: false }
    }

    fn mark(&self, repeatable: bool) -> Mark {
        let file = self.place.folder.join(WITNESS);
        Mark { file, fuse: Arc::clone(&self.fuse), repeatable }
    }

    /// An agent of the model of its own name, with a tool of either kind.
    pub(super) fn agent(&self, name: &str) -> AgentBuilder {
        Agent::builder(name)
            .model(format!("test/{name}"))
            .tool(self.tool("again", true))
            .tool(self.tool("once", false))
    }

    /// A tool that leaves a trace.
    pub(super) fn tool(&self, name: &str, idempotent: bool) -> Tracing {
        let spec = ToolSpec {
            name: name.into(),
            description: "Leaves a trace outside of the store.".into(),
            parameters: Json::parse(r#"{"type":"object"}"#).unwrap(),
            idempotent,
            origin: largestack::message::Origin::Tool,
            native: None,
            server: false,
        };
        Tracing { spec, mark: self.mark(idempotent) }
    }

    /// A function of a workflow that leaves a trace of this name and may be called again.
    pub(super) fn again(&self, name: &'static str) -> Function {
        self.function(name, true)
    }

    /// One that must not be called twice.
    pub(super) fn once(&self, name: &'static str) -> Function {
        self.function(name, false).with_side_effects()
    }

    fn function(&self, name: &'static str, repeatable: bool) -> Function {
        let mark = self.mark(repeatable);
        Function::new(move |context: NodeContext| {
            mark.leave(name, &context.idempotency_key);
            let output = match context.item {
                Some(item) => json!([name, item]),
                None => json!(name),
            };
            async { Ok(NodeOutput::from(output)) }
        })
    }

    /// A function that fails in a way that may pass, until it is tried for this time.
    pub(super) fn failing_until(&self, attempt: u32) -> Function {
        let mark = self.mark(true);
        Function::new(move |context: NodeContext| {
            mark.leave(&context.node, &context.idempotency_key);
            let failed = context.attempt < attempt;
            async move {
                if failed {
                    Err(ToolFailure::transient("not yet"))
                } else {
                    Ok(json!("late").into())
                }
            }
        })
    }
}

/// A tool that leaves a trace.
pub(super) struct Tracing {
    spec: ToolSpec,
    mark: Mark,
}

impl Tool for Tracing {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(
        &self,
        context: ToolContext,
        _: Json,
    ) -> BoxFuture<'static, Result<ToolOutput, ToolFailure>> {
        self.mark.leave(&self.spec.name, &context.idempotency_key);
        Box::pin(std::future::ready(Ok(ToolOutput::text("done"))))
    }
}

/// A model that answers by how far the conversation is, so that any process can go on with it.
struct Scripted {
    name: String,
    script: Script,
    asked: PathBuf,
    fuse: Arc<Fuse>,
}

impl Model for Scripted {
    fn call<'a>(&'a self, _: &'a CallContext, call: Call) -> BoxFuture<'a, Result<ReplyStream>> {
        self.fuse.here();
        let turn = (self.script)(&call);
        let usage = &turn.reply().usage;
        let tokens = [usage.input_tokens, usage.output_tokens].map(Option::unwrap_or_default);
        // One that fails says nothing, and costs nothing.
        let cost = if turn.reply().parts.is_empty() { 0 } else { tokens[0] * IN + tokens[1] * OUT };
        write_line(&self.asked, &format!("{} {cost}", self.name));
        self.fuse.here();
        Box::pin(std::future::ready(Ok(turn.into_stream(call.stream))))
    }
}

/// How often the model has answered since it was last asked something.
pub(super) fn answered(call: &Call) -> usize {
    let asked = call.messages.iter().rposition(|message| message.role == Role::User).unwrap_or(0);
    call.messages.iter().skip(asked).filter(|message| message.role == Role::Assistant).count()
}

/// Each trace by name: how many effects there were of it, whatever their keys.
pub(super) fn effects(traces: &[Trace]) -> BTreeMap<&str, usize> {
    let keys: std::collections::BTreeSet<&Trace> = traces.iter().collect();
    let mut names = BTreeMap::new();
    for trace in keys {
        *names.entry(&*trace.name).or_default() += 1;
    }
    names
}
