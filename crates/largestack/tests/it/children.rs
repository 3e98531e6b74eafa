//! Runs below a run, over the real store: what they ask people, and what they keep back.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt as _;
use largestack::{RunEvent, Scope, Status, ToolOutput};
use largestack_agent::{Agent, ApprovalPolicy, Report, ResumeOptions, RunOptions, Runs};
use largestack_engine::{Event, Wait};
use largestack_ports::BoxFuture;
use largestack_ports::approvals::{APPROVE, Answer, Approval, DENY, Standing, Terms};
use largestack_ports::clock::{Clock as _, FakeClock};
use largestack_ports::journal::Journal as _;
use largestack_ports::sessions::{SessionKey, vault_root};
use largestack_ports::tool::{Capability, Tool, ToolContext, ToolFailure, ToolOptions};
use largestack_ports::vault::TokenVault as _;
use largestack_store::Store;
use largestack_testkit::{FunctionModel, Turn};
use largestack_types::call::Call;
use largestack_types::error::{Code, Coded as _};
use largestack_types::json::Json;
use largestack_types::message::Role;
use largestack_types::tool::ToolSpec;

use crate::process;

/// A number that passes the checksum of cards and belongs to nobody.
const CARD: &str = "4111 1111 1111 1111";

/// What a tool says that never returns.
const STUCK: &str = "stuck";

/// A tool that remembers what it was called with.
#[derive(Clone)]
struct Remembers {
    spec: Arc<ToolSpec>,
    capability: Capability,
    says: &'static str,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Remembers {
    fn new(name: &str, capability: Capability, says: &'static str) -> Self {
        let spec = ToolSpec {
            name: name.into(),
            description: "Remembers.".into(),
            parameters: Json::parse(r#"{"type":"object"}"#).unwrap(),
            idempotent: false,
            origin: largestack::message::Origin::Tool,
            native: None,
            server: false,
        };
        Self { spec: Arc::new(spec), capability, says, seen: Arc::default() }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

impl Tool for Remembers {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn options(&self) -> ToolOptions {
        let mut options = ToolOptions::default();
        options.access.capabilities = [self.capability].into();
        options
    }

    fn call(
        &self,
        _: ToolContext,
        arguments: Json,
    ) -> BoxFuture<'static, Result<ToolOutput, ToolFailure>> {
        self.seen.lock().unwrap().push(arguments.as_str().to_owned());
        if self.says == STUCK {
            return Box::pin(std::future::pending());
        }
        Box::pin(std::future::ready(Ok(ToolOutput::text(self.says))))
    }
}

/// What was done in all processes.
struct Witness {
    pay: Remembers,
    note: Remembers,
}

impl Witness {
    fn new() -> Self {
        Self {
            pay: Remembers::new("pay", Capability::Pay, "paid"),
            note: Remembers::new("note", Capability::Write, "noted"),
        }
    }
}

/// The boss calls helpers as the question says, and makes a note; each helper pays and says what it
/// read.
fn says(call: &Call) -> Turn {
    let asked = call.messages.iter().find(|message| message.role == Role::User);
    let asked = asked.map(|message| message.text()).unwrap_or_default();
    let results: Vec<String> = call
        .messages
        .iter()
        .filter(|message| message.role == Role::Tool)
        .map(|message| serde_json::to_string(&message.parts).unwrap())
        .collect();
    let helpers = asked.strip_prefix("helpers: ").map(str::to_owned);
    match (helpers, results.is_empty()) {
        (Some(tasks), true) => tasks.split(' ').fold(Turn::tool("note", "{}"), |turn, task| {
            turn.and_tool("helper", &format!(r#"{{"task":"{task}"}}"#))
        }),
        (Some(_), false) => Turn::text("All done."),
        (None, true) => Turn::tool("pay", &format!(r#"{{"for":"{asked}"}}"#)),
        (None, false) => Turn::text(results.concat()),
    }
}

struct Process {
    store: Store,
    agent: Agent,
    clock: FakeClock,
    runs: Runs,
}

fn someone(name: &str) -> Scope {
    Scope::authenticated(Scope::local().tenant().clone(), name)
}

/// A process over the state in a folder, in which this much time has passed.
fn process(folder: &Path, number: u128, witness: &Witness, passed: Duration) -> Process {
    let (store, runtime, clock) = process::process(folder, number, Vec::new());
    clock.advance(passed);
    let model = Arc::new(FunctionModel::new(says));
    let runtime = largestack_agent::Runtime { model, ..runtime };
    let policy = ApprovalPolicy {
        capabilities: [Capability::Pay].into(),
        terms: Terms::default(),
        ..ApprovalPolicy::default()
    };
    let helper = Agent::builder("helper").model("test/model").tool(witness.pay.clone());
    let helper = helper.approvals(policy).build(runtime.clone()).unwrap();
    let agent = Agent::builder("boss")
        .model("test/model")
        .tool(witness.note.clone())
        .tool(helper.as_tool("helper", "Helps."))
        .build(runtime.clone())
        .unwrap();
    Process { store, agent, clock, runs: Runs::new(runtime) }
}

/// A run whose helpers wait for somebody.
async fn waiting(folder: &Path, witness: &Witness, tasks: &str) -> (Report, Vec<Approval>) {
    let one = process(folder, 1, witness, Duration::ZERO);
    let report = one.agent.run(&someone("ann"), format!("helpers: {tasks}")).await.unwrap();
    assert_eq!(report.status, Status::Suspended);
    assert!(report.waits.iter().all(|wait| matches!(wait, Wait::Child { .. })), "{report:?}");
    assert_eq!(witness.note.seen().len(), 1, "what stands beside it goes on");
    assert!(witness.pay.seen().is_empty());
    let asked = one.agent.waiting(&someone("ann"), report.run).await.unwrap();
    (report, asked)
}

#[tokio::test]
async fn a_question_below_is_answered_days_later_in_another_process_and_the_whole_tree_goes_on() {
    let (folder, witness) = (tempfile::tempdir().unwrap(), Witness::new());
    let (report, asked) = waiting(folder.path(), &witness, "rent").await;
    let [question] = &asked[..] else { panic!("{asked:?}") };
    assert_ne!(question.question.run, report.run);
    assert_eq!(&*question.question.agent, "helper");
    let two = process(folder.path(), 2, &witness, Duration::from_hours(6 * 24));
    let id = question.question.id;
    two.agent.answer(&someone("bob"), id, Answer::of(APPROVE)).await.unwrap();
    assert_eq!(two.agent.run_to_resume(&someone("ann"), id).await.unwrap(), report.run);
    let ann = someone("ann");
    let done = two.runs.resume(&two.agent, &ann, report.run, ResumeOptions::default());
    let done = done.await.unwrap().report().await.unwrap();
    assert_eq!((done.status, &*done.text), (Status::Completed, "All done."));
    assert_eq!(witness.pay.seen(), [r#"{"for":"rent"}"#]);
    assert_eq!(witness.note.seen().len(), 1);
    assert!(two.agent.waiting(&someone("ann"), report.run).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_answer_given_with_the_run_at_the_top_reaches_the_run_that_asked() {
    let (folder, witness) = (tempfile::tempdir().unwrap(), Witness::new());
    let (report, asked) = waiting(folder.path(), &witness, "rent").await;
    let two = process(folder.path(), 2, &witness, Duration::ZERO);
    let answers = vec![(asked[0].question.id, Answer::of(APPROVE))];
    let options = ResumeOptions { answers, ..ResumeOptions::default() };
    let done = two.agent.resume(&someone("ann"), report.run, options).await.unwrap();
    assert_eq!((done.status, witness.pay.seen().len()), (Status::Completed, 1));
    let other = Witness::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let (mine, _) = waiting(elsewhere.path(), &other, "tax").await;
    let three = process(elsewhere.path(), 3, &other, Duration::ZERO);
    let answers = vec![(asked[0].question.id, Answer::of(APPROVE))];
    let options = ResumeOptions { answers, ..ResumeOptions::default() };
    let error = three.agent.resume(&someone("ann"), mine.run, options).await.unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
}

#[tokio::test]
async fn a_no_below_and_no_answer_in_time_are_told_to_the_model_that_asked() {
    for (passed, told) in [
        (Duration::ZERO, "Not this month."),
        (Duration::from_hours(8 * 24), "nobody answered in time"),
    ] {
        let (folder, witness) = (tempfile::tempdir().unwrap(), Witness::new());
        let (report, asked) = waiting(folder.path(), &witness, "rent").await;
        let two = process(folder.path(), 2, &witness, passed);
        if passed.is_zero() {
            let no = Answer { note: Some("Not this month.".into()), ..Answer::of(DENY) };
            two.agent.answer(&someone("bob"), asked[0].question.id, no).await.unwrap();
        }
        let options = ResumeOptions::default();
        let done = two.agent.resume(&someone("ann"), report.run, options).await.unwrap();
        assert_eq!(done.status, Status::Completed);
        assert!(witness.pay.seen().is_empty());
        let read = serde_json::to_string(&done.messages).unwrap();
        assert!(read.contains(told), "{read}");
    }
}

#[tokio::test]
async fn two_runs_below_ask_at_once_and_each_goes_on_with_its_own_answer() {
    let (folder, witness) = (tempfile::tempdir().unwrap(), Witness::new());
    let (report, asked) = waiting(folder.path(), &witness, "rent tax").await;
    assert_eq!(asked.len(), 2);
    let ann = someone("ann");
    let two = process(folder.path(), 2, &witness, Duration::ZERO);
    let of = |word: &str| {
        let about = |one: &&Approval| one.question.arguments.as_str().contains(word);
        asked.iter().find(about).unwrap().question.id
    };
    two.agent.answer(&ann, of("tax"), Answer::of(APPROVE)).await.unwrap();
    let half = two.agent.resume(&ann, report.run, ResumeOptions::default()).await.unwrap();
    assert_eq!((half.status, half.waits.len()), (Status::Suspended, 1));
    assert_eq!(witness.pay.seen(), [r#"{"for":"tax"}"#]);
    drop(two);
    let three = process(folder.path(), 3, &witness, Duration::ZERO);
    three.agent.answer(&ann, of("rent"), Answer::of(APPROVE)).await.unwrap();
    let whole = three.agent.resume(&ann, report.run, ResumeOptions::default()).await.unwrap();
    assert_eq!((whole.status, whole.children.len()), (Status::Completed, 2));
    assert_eq!(witness.pay.seen(), [r#"{"for":"tax"}"#, r#"{"for":"rent"}"#]);
}

#[tokio::test]
async fn who_cancels_a_run_that_waits_ends_the_runs_below_it_and_their_questions() {
    let (folder, witness) = (tempfile::tempdir().unwrap(), Witness::new());
    let (report, asked) = waiting(folder.path(), &witness, "rent").await;
    let (ann, id) = (someone("ann"), asked[0].question.id);
    let two = process(folder.path(), 2, &witness, Duration::ZERO);
    two.runs.cancel(&ann, report.run, "enough").await.unwrap();
    for run in [report.run, asked[0].question.run] {
        let summary = two.store.run(&ann, run).await.unwrap().unwrap();
        assert_eq!(summary.status, Status::Cancelled);
    }
    let kept = two.agent.question(&ann, id).await.unwrap().unwrap();
    assert_eq!(kept.standing(two.clock.now()), Standing::Withdrawn);
    two.agent.answer(&ann, id, Answer::of(APPROVE)).await.unwrap_err();
    assert!(witness.pay.seen().is_empty());
}

#[tokio::test]
async fn who_lets_go_of_a_run_ends_the_runs_below_it_that_wait() {
    let folder = tempfile::tempdir().unwrap();
    let note = Remembers::new("note", Capability::Write, STUCK);
    let witness = Witness { note, ..Witness::new() };
    let one = process(folder.path(), 1, &witness, Duration::ZERO);
    let ann = someone("ann");
    let mut stream = one.agent.stream(&ann, "helpers: rent", RunOptions::default());
    let child = loop {
        if let RunEvent::Fact(fact) = stream.next().await.unwrap()
            && let Event::ChildWaits(waits) = &*fact.event
        {
            break waits.child;
        }
    };
    let open = one.agent.pending(&ann, 9).await.unwrap();
    assert_eq!((open.len(), open[0].question.run), (1, child));
    drop(stream);
    while one.store.run(&ann, child).await.unwrap().unwrap().status != Status::Cancelled {
        tokio::task::yield_now().await;
    }
    assert!(one.agent.pending(&ann, 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn forgetting_a_session_forgets_what_the_runs_below_its_runs_have_kept_back() {
    let folder = tempfile::tempdir().unwrap();
    let found = Remembers::new("pay", Capability::Read, "the card is 4111 1111 1111 1111");
    let witness = Witness { pay: found, ..Witness::new() };
    let one = process(folder.path(), 1, &witness, Duration::ZERO);
    let ann = someone("ann");
    let options = RunOptions::default().session("chat");
    let report = one.agent.run_with(&ann, "helpers: find", options).await.unwrap();
    assert_eq!(report.status, Status::Completed);
    let root = vault_root("ann", SessionKey::from("chat").id());
    let kept = one.store.all(&ann, root).await.unwrap();
    assert_eq!(kept.iter().map(|(_, value)| value.expose()).collect::<Vec<_>>(), [CARD]);
    for run in [report.run, report.children[0].run] {
        assert!(one.store.all(&ann, run).await.unwrap().is_empty(), "kept with the session alone");
    }
    let conversations = largestack_agent::Conversations::of(
        Arc::new(one.store.clone()),
        Arc::new(one.store.clone()),
    );
    assert!(conversations.delete(&ann, "chat").await.unwrap());
    assert!(one.store.all(&ann, root).await.unwrap().is_empty());
}
