//! What the tests serve: agents and a workflow over a store in a folder, with tools that leave traces
//! in a file outside of it. Another process over the same folder is made of the same.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use largestack_agent::runtime::{LiveRuns, ToolPorts};
use largestack_agent::{Agent, Runtime};
use largestack_engine::event::DoubtDecision;
use largestack_flow::{Function, NodeOutput, Workflow};
use largestack_http::{OsIds, SystemClock, TokioTasks};
use largestack_ports::BoxFuture;
use largestack_ports::approvals::{APPROVE, Answer as Said, Approvals, Right};
use largestack_ports::clock::Clock as _;
use largestack_ports::ids::MakeId as _;
use largestack_ports::journal::Journal as _;
use largestack_ports::ledger::{Ledger as _, MemoryLedger};
use largestack_ports::model::{Answer, CallContext, Model, ReplyStream, whole};
use largestack_ports::tool::{ApprovalRule, Tool, ToolContext, ToolFailure, ToolOutput};
use largestack_restate::{RestateJournal, Served, Told, Work, waits};
use largestack_store::{Options, Store};
use largestack_testkit::Turn;
use largestack_types::call::Call;
use largestack_types::errors::Result;
use largestack_types::id::RunId;
use largestack_types::json::Json;
use largestack_types::label::Origin;
use largestack_types::limits::Limits;
use largestack_types::message::Role;
use largestack_types::money::Money;
use largestack_types::scope::Scope;
use largestack_types::tool::ToolSpec;

/// What each call of a model costs.
pub(crate) const PRICE: Money = Money::from_nanos(1_000);

/// A process over a folder.
pub(crate) struct World {
    pub(crate) folder: PathBuf,
    pub(crate) store: Arc<Store>,
    pub(crate) journal: Arc<RestateJournal>,
    pub(crate) scope: Scope,
    runtime: Runtime,
    killed: Option<Killed>,
    tasks: Arc<TokioTasks>,
}

/// Who is killed by -9, and at which effect: a process counts what it and those before it did.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Killed {
    /// Which effect, from 1.
    pub(crate) at: usize,
    /// Before it leaves its trace, or after.
    pub(crate) before: bool,
    /// Another process.
    pub(crate) other: Option<i32>,
    /// This one.
    pub(crate) itself: bool,
}

/// Where effects leave their traces.
#[derive(Clone)]
struct Traces {
    folder: PathBuf,
    killed: Option<Killed>,
}

impl Traces {
    fn leave(&self, file: &str, line: &str) {
        let files = ["asked", "witness", "acts"];
        let known: usize = files.iter().map(|file| lines(&self.folder.join(file)).len()).sum();
        let here = self.killed.filter(|killed| killed.at == known + 1);
        if let Some(killed) = here.filter(|killed| killed.before) {
            self.die(killed);
        }
        write_line(&self.folder.join(file), line);
        if let Some(killed) = here.filter(|killed| !killed.before) {
            self.die(killed);
        }
    }

    fn die(&self, killed: Killed) {
        write_line(&self.folder.join("died"), "killed");
        let kill = |pid| rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        if let Some(other) = killed.other {
            kill(rustix::process::Pid::from_raw(other).unwrap());
        }
        if killed.itself {
            kill(rustix::process::getpid());
        }
    }
}

impl World {
    pub(crate) fn open(folder: &Path) -> Self {
        Self::that_dies(folder, None)
    }

    pub(crate) fn that_dies(folder: &Path, killed: Option<Killed>) -> Self {
        let (clock, ids) = (Arc::new(SystemClock), Arc::new(OsIds::new().unwrap()));
        let options = Options::new(ids.clone(), clock.clone());
        let store = Arc::new(Store::open(&folder.join("state"), options).unwrap());
        let tasks = Arc::new(TokioTasks::current().unwrap());
        let owner = ids.owner_id(clock.now());
        let copies = store.clone();
        let journal =
            Arc::new(RestateJournal::new(copies, owner, "Restate in a test", tasks.clone()));
        let ledger = Arc::new(MemoryLedger::default());
        let model = Scripted {
            traces: Traces { folder: folder.to_owned(), killed },
            ledger: ledger.clone(),
        };
        let runtime = Runtime {
            journal: journal.clone(),
            model: Arc::new(model),
            ledger,
            vault: store.clone(),
            switch: store.clone(),
            tools: ToolPorts {
                limits: store.clone(),
                results: store.clone(),
                approvals: Some(store.clone()),
            },
            owner,
            clock,
            ids,
            tasks: tasks.clone(),
            live: LiveRuns::default(),
        };
        Self {
            folder: folder.to_owned(),
            store,
            journal,
            scope: Scope::local(),
            runtime,
            killed,
            tasks,
        }
    }

    /// Everything that is served, by name.
    #[cfg_attr(not(feature = "sdk"), expect(dead_code, reason = "only the service asks"))]
    pub(crate) fn served(&self) -> Vec<(String, Served)> {
        let names = ["chores", "thrifty", "boss", "slow", "talker", "flow"];
        names.map(|name| (name.to_owned(), self.serve(name))).into()
    }

    /// Waits until nothing of what it has begun is under way.
    pub(crate) async fn left(&self) {
        self.tasks.finished().await;
        self.store.durable().await.unwrap();
    }

    /// What a run waits for, as its copy has it.
    #[cfg_attr(not(feature = "sdk"), expect(dead_code, reason = "only the service asks"))]
    pub(crate) async fn waits(&self, run: RunId) -> Vec<String> {
        waits::names(&*self.store, &self.scope, run).await.unwrap()
    }

    pub(crate) fn serve(&self, name: &str) -> Served {
        let work: Work = match name {
            "chores" => self.chores("chores", None).into(),
            "thrifty" => self.chores("thrifty", Some(PRICE)).into(),
            "boss" => self.boss().into(),
            "slow" => self.slow().into(),
            "talker" => self.talker().into(),
            _ => self.flow().into(),
        };
        Served {
            work,
            scope: self.scope.clone(),
            journal: self.journal.clone(),
            approvals: Some(self.store.clone()),
            clock: Arc::clone(&self.runtime.clock),
        }
    }

    fn traces(&self) -> Traces {
        Traces { folder: self.folder.clone(), killed: self.killed }
    }

    fn witness(&self, name: &str, idempotent: bool) -> Witness {
        Witness::new(name, idempotent, self.traces())
    }

    /// Answers in sessions.
    fn talker(&self) -> Agent {
        Agent::builder("talker").model("test/model").build(self.runtime.clone()).unwrap()
    }

    /// The traces of what must not be repeated; a run has one such effect at the most.
    fn acts(&self) -> PathBuf {
        self.folder.join("acts")
    }

    /// Two calls at once that may be repeated, one that may not and is asked about, one more.
    fn chores(&self, name: &str, budget: Option<Money>) -> Agent {
        let limits = Limits { budget, ..Limits::default() };
        Agent::builder(name)
            .limits(limits)
            .model("test/model")
            .tool(self.witness("mark", true))
            .tool(self.witness("act", false))
            .tool_options("act", |options| options.access.approval = ApprovalRule::Required)
            .build(self.runtime.clone())
            .unwrap()
    }

    /// Calls an agent whose one call may not be repeated.
    fn boss(&self) -> Agent {
        let helper = Agent::builder("helper")
            .model("test/model")
            .tool(self.witness("act", false))
            .build(self.runtime.clone())
            .unwrap();
        Agent::builder("boss")
            .model("test/model")
            .tool(helper.as_tool("helper", "Does it."))
            .build(self.runtime.clone())
            .unwrap()
    }

    /// One call that ends with the run and not before.
    fn slow(&self) -> Agent {
        let mut tool = self.witness("act", false);
        tool.ends = false;
        let agent = Agent::builder("slow").model("test/model").tool(tool);
        agent.build(self.runtime.clone()).unwrap()
    }

    /// Does something, asks an agent, asks a person, hears of an event.
    fn flow(&self) -> Workflow {
        let traces = self.traces();
        let prepare = Function::new(move |context: largestack_flow::NodeContext| {
            let known = lines(&traces.folder.join("witness"));
            if !known.iter().any(|line| **line == *context.idempotency_key) {
                traces.leave("witness", &context.idempotency_key);
            }
            async { NodeOutput::of("prepared") }
        });
        let writer = Agent::builder("writer").model("test/model");
        let writer = writer.build(self.runtime.clone()).unwrap();
        Workflow::builder("flow")
            .input("task")
            .function("prepare", prepare)
            .agent("draft", &writer, "Write: {{ task }}, {{ prepare }}")
            .question("release", "Release {{ draft }}?", [APPROVE, "deny"])
            .event("paid", "payment")
            .agent("close", &writer, "Close: {{ draft }}, {{ paid }}")
            .then("prepare", "draft")
            .then("draft", "release")
            .then("release", "paid")
            .then("paid", "close")
            .build(self.runtime.clone())
            .unwrap()
    }

    /// Says what a person would: questions are agreed to, a call in doubt is run again if it left no
    /// trace.
    pub(crate) async fn person(&self, names: &[String]) -> (usize, Told) {
        // Later ones are the same names with a number.
        let name = names[0].split(" (").next().unwrap();
        let told = if let Some(question) = name.strip_prefix("answer ") {
            let question = question.parse().unwrap();
            let asked = self.store.find(&self.scope, question).await.unwrap().unwrap();
            if asked.votes.is_empty() {
                let right = Right::Principal("local".into());
                let said = Said::of(APPROVE);
                self.store.answer(&self.scope, question, right, said).await.unwrap();
            }
            Told::Answered { question }
        } else if name == waits::IN_DOUBT {
            let happened = !lines(&self.acts()).is_empty();
            let decision = if happened { DoubtDecision::TellModel } else { DoubtDecision::Rerun };
            Told::InDoubt { decision }
        } else {
            let name = name.strip_prefix("event ").unwrap();
            Told::Event { name: name.into(), data: "1 EUR".into() }
        };
        (0, told)
    }
}

/// Answers by how far the conversation is, so that any process can go on with it, and counts what it
/// is asked in a file.
struct Scripted {
    traces: Traces,
    ledger: Arc<MemoryLedger>,
}

impl Model for Scripted {
    fn call<'a>(
        &'a self,
        context: &'a CallContext,
        call: Call,
    ) -> BoxFuture<'a, Result<ReplyStream>> {
        let answered = call.messages.iter().filter(|m| m.role == Role::Assistant).count();
        self.traces.leave("asked", &format!("{} {answered}", context.agent));
        let turn = match (&*context.agent, answered) {
            ("chores" | "thrifty", 0) => {
                Turn::tool("mark", r#"{"n":1}"#).and_tool("mark", r#"{"n":2}"#)
            }
            ("chores" | "thrifty", 1) => Turn::tool("act", r#"{"n":3}"#),
            ("chores", 2) => Turn::tool("mark", r#"{"n":4}"#),
            ("chores", _) => Turn::text("All four are done."),
            ("boss", 0) => Turn::tool("helper", r#"{"task":"Do it."}"#),
            ("helper" | "slow", 0) => Turn::tool("act", "{}"),
            ("boss", _) => Turn::text("It is done."),
            ("talker", _) => Turn::text(format!("I was told {}.", call.messages.len())),
            _ => Turn::text("Done."),
        };
        let mut answer = Answer { reply: turn.reply().clone(), ..Answer::default() };
        answer.call.cost = PRICE;
        Box::pin(async move {
            let reserved = self.ledger.reserve(&context.budgets, PRICE).await?;
            self.ledger.settle(&reserved, PRICE).await?;
            Ok(whole(answer))
        })
    }
}

/// Writes its key into the witness file; one that may be repeated only if it is not there yet.
struct Witness {
    spec: ToolSpec,
    traces: Traces,
    ends: bool,
}

impl Witness {
    fn new(name: &str, idempotent: bool, traces: Traces) -> Self {
        let spec = ToolSpec {
            name: name.into(),
            description: "Leaves a trace outside the store.".into(),
            parameters: Json::parse(r#"{"type":"object"}"#).unwrap(),
            idempotent,
            origin: Origin::Tool,
            native: None,
            server: false,
        };
        Self { spec, traces, ends: true }
    }
}

impl Tool for Witness {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(
        &self,
        context: ToolContext,
        _: Json,
    ) -> BoxFuture<'static, Result<ToolOutput, ToolFailure>> {
        let key = context.idempotency_key;
        let file = if self.spec.idempotent { "witness" } else { "acts" };
        let known = lines(&self.traces.folder.join(file));
        if !self.spec.idempotent || !known.iter().any(|line| **line == *key) {
            self.traces.leave(file, &key);
        }
        if self.ends {
            return Box::pin(std::future::ready(Ok(ToolOutput::text("done"))));
        }
        Box::pin(std::future::pending())
    }
}

pub(crate) fn write_line(file: &Path, line: &str) {
    let mut file = fs::OpenOptions::new().create(true).append(true).open(file).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
    file.sync_all().unwrap();
}

pub(crate) fn lines(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Everything that was done, in whatever order.
pub(crate) fn traces(folder: &Path) -> Vec<String> {
    let mut lines = [lines(&folder.join("witness")), lines(&folder.join("acts"))].concat();
    lines.sort();
    lines
}
