//! `kill -9` before and after every append of a run: the run that is taken up afterwards ends as
//! if nothing had happened.
//!
//! The child is this test binary, started again with the test `child` as its filter. Its journal is
//! the real one, in SQLite or in Postgres, behind a wrapper that counts appends and kills its own process at one of
//! them; its tools write into a file outside the store.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use largestack::dynamic::Agent;
use largestack::event::{DoubtDecision, Recorded};
use largestack::{Report, ResumeOptions, RunOptions, Runtime, Scope, Status, TenantId, ToolOutput};
use largestack_agent::runtime::{LiveRuns, ToolPorts};
use largestack_engine::Wait;
use largestack_http::{OsIds, SystemClock, TokioTasks};
use largestack_ports::BoxFuture;
use largestack_ports::approvals::{APPROVE, Answer as Answered, Approvals};
use largestack_ports::clock::Clock as _;
use largestack_ports::ids::MakeId as _;
use largestack_ports::journal::{Batch, CostBy, CostRow, Journal, Lease, RunSummary};
use largestack_ports::ledger::MemoryLedger;
use largestack_ports::limits::Limits;
use largestack_ports::model::{Answer, CallContext, Model, ReplyStream, whole};
use largestack_ports::results::Results;
use largestack_ports::switch::Switch;
use largestack_ports::tool::{ApprovalRule, Tool, ToolContext, ToolFailure};
use largestack_ports::vault::TokenVault;
use largestack_store::{Options, PostgresOptions, PostgresStore, Store};
use largestack_testkit::Turn;
use largestack_testkit::services::{self, Database};
use largestack_types::call::Call;
use largestack_types::errors::Result;
use largestack_types::hash::Hash;
use largestack_types::id::{OwnerId, RunId};
use largestack_types::json::Json;
use largestack_types::message::Role;
use largestack_types::money::Money;
use largestack_types::tool::ToolSpec;

const RUN: RunId = RunId::from_u128(77);
/// How a child is told what to do: `<folder> <when> <append> <server>`, with `when` one of `never`,
/// `before`, `after`, `committed`, and `-` for no server.
const ORDER: &str = "LARGESTACK_TEST_KILL";

/// The real journal, and a process that dies at one of its appends.
struct Killing {
    store: Arc<dyn Journal>,
    appends: AtomicUsize,
    at: usize,
    when: When,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum When {
    Never,
    Before,
    After,
    /// After the writer had time to commit what was appended.
    Committed,
}

fn die() -> ! {
    let me = rustix::process::getpid();
    rustix::process::kill_process(me, rustix::process::Signal::KILL).unwrap();
    unreachable!("nothing survives SIGKILL")
}

impl Journal for Killing {
    fn signals(&self) -> Option<&dyn largestack_ports::signals::Signals> {
        self.store.signals()
    }

    fn append(&self, lease: &Lease, batch: Batch) -> Result<()> {
        let here = self.appends.fetch_add(1, Ordering::SeqCst) + 1 == self.at;
        if here && self.when == When::Before {
            die();
        }
        let appended = self.store.append(lease, batch);
        if here && self.when == When::Committed {
            std::thread::sleep(Duration::from_millis(150));
        }
        if here && self.when != When::Never {
            die();
        }
        appended
    }

    fn claim<'a>(
        &'a self,
        scope: &'a Scope,
        run: RunId,
        owner: OwnerId,
    ) -> BoxFuture<'a, Result<Lease>> {
        self.store.claim(scope, run, owner)
    }

    fn release<'a>(&'a self, lease: &'a Lease) -> BoxFuture<'a, Result<()>> {
        self.store.release(lease)
    }

    fn durable(&self) -> BoxFuture<'_, Result<()>> {
        self.store.durable()
    }

    fn read<'a>(
        &'a self,
        scope: &'a Scope,
        run: RunId,
        after: u64,
    ) -> BoxFuture<'a, Result<Vec<Recorded>>> {
        self.store.read(scope, run, after)
    }

    fn blob<'a>(&'a self, scope: &'a Scope, hash: Hash) -> BoxFuture<'a, Result<Option<Bytes>>> {
        self.store.blob(scope, hash)
    }

    fn run<'a>(
        &'a self,
        scope: &'a Scope,
        run: RunId,
    ) -> BoxFuture<'a, Result<Option<RunSummary>>> {
        self.store.run(scope, run)
    }

    fn runs<'a>(
        &'a self,
        scope: &'a Scope,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<RunSummary>>> {
        self.store.runs(scope, limit)
    }

    fn costs<'a>(&'a self, scope: &'a Scope, by: CostBy) -> BoxFuture<'a, Result<Vec<CostRow>>> {
        self.store.costs(scope, by)
    }

    fn is_durable(&self) -> bool {
        self.store.is_durable()
    }
}

/// Answers by how far the conversation is, so that any process can go on with it, and counts what
/// it is asked in a file.
struct Counted(PathBuf);

impl Model for Counted {
    fn call<'a>(&'a self, _: &'a CallContext, call: Call) -> BoxFuture<'a, Result<ReplyStream>> {
        let answered = call.messages.iter().filter(|m| m.role == Role::Assistant).count();
        write_line(&self.0, &format!("turn {answered}"));
        let turn = match answered {
            0 => Turn::tool("mark", r#"{"n":1}"#).and_tool("mark", r#"{"n":2}"#),
            1 => Turn::tool("act", r#"{"n":3}"#),
            2 => Turn::tool("mark", r#"{"n":4}"#),
            _ => Turn::text("All four are done."),
        };
        let mut answer = Answer { reply: turn.reply().clone(), ..Answer::default() };
        answer.call.cost = Money::from_nanos(1_000);
        Box::pin(std::future::ready(Ok(whole(answer))))
    }
}

/// Writes its key into the witness file; `mark` only if it is not there yet.
struct Witness {
    spec: ToolSpec,
    file: PathBuf,
}

impl Witness {
    fn new(name: &str, idempotent: bool, file: &Path) -> Self {
        let spec = ToolSpec {
            name: name.into(),
            description: "Leaves a trace outside the store.".into(),
            parameters: Json::parse(r#"{"type":"object"}"#).unwrap(),
            idempotent,
            origin: largestack::message::Origin::Tool,
            native: None,
            server: false,
        };
        Self { spec, file: file.to_owned() }
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
        let known = fs::read_to_string(&self.file).unwrap_or_default();
        if !self.spec.idempotent || !known.lines().any(|line| line == &*key) {
            write_line(&self.file, &key);
        }
        Box::pin(std::future::ready(Ok(ToolOutput::text("done"))))
    }
}

fn write_line(file: &Path, line: &str) {
    let mut file = fs::OpenOptions::new().create(true).append(true).open(file).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
    file.sync_all().unwrap();
}

fn lines(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// What a process runs on, with its journal as it is.
fn runtime<S>(folder: &Path, store: &Arc<S>) -> Runtime
where
    S: Journal + TokenVault + Switch + Limits + Results + Approvals,
{
    let (clock, ids) = (Arc::new(SystemClock), Arc::new(OsIds::new().unwrap()));
    Runtime {
        journal: store.clone(),
        model: Arc::new(Counted(folder.join("asked"))),
        ledger: Arc::new(MemoryLedger::default()),
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
        tasks: Arc::new(TokioTasks::current().unwrap()),
        live: LiveRuns::default(),
    }
}

/// The store that a process is told of.
async fn opened(folder: &Path, server: &str) -> Runtime {
    let (clock, ids) = (Arc::new(SystemClock), Arc::new(OsIds::new().unwrap()));
    if server == "-" {
        let store = Store::open(&folder.join("state"), Options::new(ids, clock)).unwrap();
        return runtime(folder, &Arc::new(store));
    }
    let options = PostgresOptions::new(ids, clock, folder.with_file_name("vault.key"));
    runtime(folder, &Arc::new(PostgresStore::connect(server, options).await.unwrap()))
}

/// The tenant of a folder: on a server, each has its own run.
fn scope(folder: &Path) -> Scope {
    let name = folder.file_name().unwrap().to_str().unwrap();
    Scope::authenticated(TenantId::new(name).unwrap(), "ann")
}

/// The events of the run as soon as it is free: a server hears of the end of a process when it next
/// looks.
async fn events(runtime: &Runtime, scope: &Scope) -> Vec<Recorded> {
    for _ in 0..4_000 {
        if let Ok(lease) = runtime.journal.claim(scope, RUN, runtime.owner).await {
            runtime.journal.release(&lease).await.unwrap();
            return runtime.journal.read(scope, RUN, 0).await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{RUN} is never free");
}

/// Starts the run, or takes it up, in this process.
async fn proceed(folder: &Path, when: When, at: usize, server: &str) {
    let mut runtime = opened(folder, server).await;
    let (store, scope) = (runtime.journal.clone(), scope(folder));
    let approvals = runtime.tools.approvals.clone().unwrap();
    let events = events(&runtime, &scope).await;
    let journal =
        Arc::new(Killing { store: store.clone(), appends: AtomicUsize::new(0), at, when });
    runtime.journal = journal.clone();
    let witness = folder.join("witness");
    let agent = Agent::builder("killed")
        .model("test/model")
        .tool(Witness::new("mark", true, &witness))
        .tool(Witness::new("act", false, &witness))
        .tool_options("act", |options| options.access.approval = ApprovalRule::Required)
        .build(runtime)
        .unwrap();
    let known = events.iter().filter(|recorded| recorded.event.kind() == "model_replied").count();
    println!("known={known}");
    if events.last().is_some_and(|last| last.event.kind() == "run_finished") {
        let (run, _) = largestack_agent::agent::fold_stored(&*store, &scope, RUN).await.unwrap();
        let text = run.output().map(|message| message.text()).unwrap_or_default();
        println!("report={}|{text}|{}|{}", run.status(), run.cost(), run.turns());
        return;
    }
    let mut report = if events.is_empty() {
        let options = RunOptions { id: Some(RUN), ..RunOptions::default() };
        agent.run_with(&scope, "Do all four.", options).await.unwrap()
    } else {
        take_up(&agent, &scope, &witness).await
    };
    while let Some(Wait::Approval { approval, .. }) = report.waits.first().cloned() {
        let open = approvals.find(&scope, approval).await.unwrap().unwrap().votes.is_empty();
        if open {
            agent.answer(&scope, approval, Answered::of(APPROVE)).await.unwrap();
        }
        report = take_up(&agent, &scope, &witness).await;
    }
    println!("appends={}", journal.appends.load(Ordering::SeqCst));
    println!("report={}|{}|{}|{}", report.status, report.text, report.cost, report.turns);
}

/// Resumes as a person would: a call in doubt is run again if it left no trace.
async fn take_up(agent: &Agent, scope: &Scope, witness: &Path) -> Report {
    let report = agent.resume(scope, RUN, ResumeOptions::default()).await.unwrap();
    let Some(Wait::Doubt { effect }) = report.waits.first() else {
        return report;
    };
    assert_eq!(report.status, Status::Suspended);
    let happened = lines(witness).contains(&effect.idempotency_key(RUN));
    let decision = if happened { DoubtDecision::TellModel } else { DoubtDecision::Rerun };
    let options = ResumeOptions { in_doubt: Some(decision), ..ResumeOptions::default() };
    agent.resume(scope, RUN, options).await.unwrap()
}

/// Does nothing unless it was started by the test below.
#[test]
#[expect(clippy::disallowed_methods, reason = "the parent gives its orders in the environment")]
fn child() {
    let Ok(order) = std::env::var(ORDER) else { return };
    let mut words = order.split(' ');
    let folder = PathBuf::from(words.next().unwrap());
    let when = match words.next().unwrap() {
        "before" => When::Before,
        "after" => When::After,
        "committed" => When::Committed,
        _ => When::Never,
    };
    let at = words.next().unwrap().parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(proceed(&folder, when, at, words.next().unwrap()));
}

fn start(folder: &Path, when: &str, at: usize, server: &str) -> (ExitStatus, String) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["kill::child", "--exact", "--nocapture"])
        .env(ORDER, format!("{} {when} {at} {server}", folder.display()))
        .output()
        .unwrap();
    (output.status, String::from_utf8(output.stdout).unwrap())
}

fn said(output: &str, what: &str) -> String {
    let found = output.lines().find_map(|line| line.split_once(&format!("{what}=")));
    found.unwrap_or_else(|| panic!("no {what} in {output}")).1.to_owned()
}

fn sorted(file: &Path) -> Vec<String> {
    let mut lines = lines(file);
    lines.sort();
    lines
}

#[test]
fn a_process_killed_at_any_append_is_resumed_as_if_nothing_had_happened() {
    killed_at_every_append("-");
}

#[test]
fn a_process_killed_at_any_append_on_a_server_is_resumed_as_if_nothing_had_happened() {
    let Some(server) = services::postgres() else { return };
    let database = Database::new(&server, "largestack_killed");
    killed_at_every_append(&database.url());
}

fn killed_at_every_append(server: &str) {
    let root = tempfile::tempdir().unwrap();
    let whole = root.path().join("whole");
    fs::create_dir(&whole).unwrap();
    let (status, output) = start(&whole, "never", 0, server);
    assert!(status.success(), "{output}");
    let appends: usize = said(&output, "appends").parse().unwrap();
    assert!(appends >= 8, "{appends}");
    let report = said(&output, "report");
    assert_eq!(report, "completed|All four are done.|$0.000004|4");
    let witness = sorted(&whole.join("witness"));
    assert_eq!(witness.len(), 4);

    for at in 1..=appends {
        for when in ["before", "after", "committed"] {
            let folder = root.path().join(format!("{when}-{at}"));
            fs::create_dir(&folder).unwrap();
            let (status, output) = start(&folder, when, at, server);
            assert!(!status.success(), "{when} {at}: {output}");
            let asked = lines(&folder.join("asked")).len();
            let (status, output) = start(&folder, "never", 0, server);
            assert!(status.success(), "{when} {at}: {output}");
            assert_eq!(said(&output, "report"), report, "{when} {at}");
            assert_eq!(sorted(&folder.join("witness")), witness, "{when} {at}");
            let known: usize = said(&output, "known").parse().unwrap();
            let again = lines(&folder.join("asked")).len() - asked;
            assert_eq!(known + again, 4, "{when} {at}: a recorded answer was paid again");
            if when == "committed" {
                assert_eq!(known, asked, "{when} {at}: an answer was not on disk in time");
            }
        }
    }
}
