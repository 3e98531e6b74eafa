//! A thousand runs at once over one store, of every kind: whole, with tools, streamed, abandoned in
//! the middle, and failed. Afterwards the ledger, the journal and the memory say the same.

use std::collections::HashMap;
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::join_all;
use largestack::errors::ProviderError;
use largestack::ports::journal::CostBy;
use largestack::ports::ledger::{BudgetKey, BudgetLimits};
use largestack::prices::{Book, Section};
use largestack::{
    Agent, Local, Memory, Money, RunEvent, RunOptions, Runtime, Scope, Status, TenantId, tool,
};
use largestack_testkit::{FunctionModel, Turn};
use largestack_types::call::Call;
use largestack_types::message::Role;

const RUNS: usize = 1_000;

/// Twice a number.
#[tool(idempotent)]
fn twice(n: u64) -> u64 {
    n * 2
}

/// What a run does, by its number.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Whole,
    Tool,
    Streamed,
    Abandoned,
    Failed,
}

const KINDS: [Kind; 5] = [Kind::Whole, Kind::Tool, Kind::Streamed, Kind::Abandoned, Kind::Failed];

fn kind(number: usize) -> Kind {
    KINDS[number % KINDS.len()]
}

/// The number that a run was asked with: the last word of its question.
fn asked(call: &Call) -> usize {
    let question = call.messages.iter().rev().find(|message| message.role == Role::User);
    let text = question.map(|message| message.text()).unwrap_or_default();
    text.rsplit(' ').next().and_then(|word| word.parse().ok()).unwrap()
}

/// Answers with the number it was asked with, in the way of its kind.
fn answers(call: &Call) -> Turn {
    let number = asked(call);
    let answered = call.messages.last().is_some_and(|message| message.role != Role::User);
    let text = Turn::text(format!("answer to {number}")).usage(100, 10);
    match kind(number) {
        Kind::Whole => text,
        Kind::Tool if answered => text,
        Kind::Tool => Turn::tool("twice", &format!(r#"{{"n":{number}}}"#)).usage(50, 5),
        Kind::Streamed => text.pieces(5),
        Kind::Abandoned => text.pieces(3).then_never(),
        Kind::Failed => Turn::error(ProviderError {
            provider: "test".into(),
            status: Some(400),
            detail: format!("no to {number}"),
            provider_code: None,
            request_id: None,
            transient: false,
        }),
    }
}

/// What a caller saw of a run.
struct Seen {
    number: usize,
    cost: Option<Money>,
}

async fn one(agent: &Agent, scope: &Scope, number: usize) -> Seen {
    let question = format!("question {number}");
    // Ten runs a session, so that they wait for each other, too.
    let options = RunOptions::default().session(format!("s{}", number / 50).as_str());
    match kind(number) {
        Kind::Abandoned => {
            let options = RunOptions::default();
            let mut stream = agent.stream(scope, question, (), options).await.unwrap();
            while let Some(event) = stream.next().await {
                if matches!(event, RunEvent::Delta { .. }) {
                    break;
                }
            }
            Seen { number, cost: None }
        }
        Kind::Streamed => {
            let mut stream = agent.stream(scope, question, (), options).await.unwrap();
            let mut pieces = 0;
            while let Some(event) = stream.next().await {
                pieces += u32::from(matches!(event, RunEvent::Delta { .. }));
            }
            assert!(pieces > 1, "run {number}");
            let answer = stream.finish().await.unwrap();
            assert_eq!(answer.output, format!("answer to {number}"));
            Seen { number, cost: Some(answer.cost) }
        }
        kind => {
            let report = agent.report(scope, question, (), options).await.unwrap();
            if kind == Kind::Failed {
                assert_eq!(report.status, Status::Failed);
                assert!(format!("{:?}", report.error).contains(&format!("no to {number}")));
            } else {
                assert_eq!(report.text, format!("answer to {number}"));
                assert_eq!(report.tool_calls, u32::from(kind == Kind::Tool));
            }
            Seen { number, cost: Some(report.cost) }
        }
    }
}

fn sum(mut costs: impl Iterator<Item = Money>) -> Money {
    costs.try_fold(Money::ZERO, Money::checked_add).unwrap()
}

/// The runtime and its agent, with room for sessions to wait for each other.
fn house(folder: &std::path::Path) -> (Runtime, Agent) {
    let mut prices = Book::default();
    let price = Section::flat(Money::from_nanos(2_000_000_000), Money::from_nanos(8_000_000_000));
    prices.define("test", "many", &price).unwrap();
    let model = FunctionModel::new(answers);
    let runtime =
        Local::new().model("test/many", model).prices(prices).store(folder).build().unwrap();
    let memory = Memory::window(2).patience(Duration::from_mins(2));
    let agent = Agent::builder("many").model("test/many").memory(memory).tool(twice());
    let agent = agent.build(runtime.clone()).unwrap();
    (runtime, agent)
}

#[tokio::test]
async fn a_thousand_runs_of_every_kind_leave_ledger_journal_and_memory_in_agreement() {
    let folder = tempfile::tempdir().unwrap();
    let (runtime, agent) = house(folder.path());
    let acme = TenantId::new("acme").unwrap();
    let scope = Scope::authenticated(acme, "ann");
    let key = BudgetKey::tenant(&scope);
    let limit = BudgetLimits::total(Some(Money::from_nanos(1_000_000_000_000)));
    runtime.ledger.set_limits(&key, limit).await.unwrap();
    let seen = join_all((0..RUNS).map(|number| one(&agent, &scope, number))).await;

    // What was abandoned is settled by work that outlives its caller.
    let mut account = runtime.ledger.account(&key).await.unwrap();
    let runs = async || runtime.journal.runs(&scope, 2 * RUNS).await.unwrap();
    let mut summaries = runs().await;
    for _ in 0..6_000 {
        let over = summaries.iter().all(|run| run.status != Status::Running);
        if over && account.reserved == Money::ZERO && summaries.len() == RUNS {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        account = runtime.ledger.account(&key).await.unwrap();
        summaries = runs().await;
    }
    assert_eq!((summaries.len(), account.reserved), (RUNS, Money::ZERO));

    // The ledger, the cost report and the runs' own lines.
    let rows = runtime.journal.costs(&scope, CostBy::Agent).await.unwrap();
    assert_eq!(sum(rows.iter().map(|row| row.cost)), account.spent);
    assert_eq!(sum(summaries.iter().map(|run| run.cost)), account.spent);
    let each = sum(seen.iter().filter_map(|seen| seen.cost));
    let abandoned = summaries.iter().filter(|run| run.status == Status::Cancelled);
    let of_abandoned = sum(abandoned.map(|run| run.cost));
    assert_eq!(each.checked_add(of_abandoned).unwrap(), account.spent);

    // Each as its kind ends.
    let mut ends: HashMap<Status, usize> = HashMap::new();
    for run in &summaries {
        *ends.entry(run.status).or_default() += 1;
    }
    let fifth = RUNS / KINDS.len();
    let expected =
        [(Status::Completed, 3 * fifth), (Status::Cancelled, fifth), (Status::Failed, fifth)];
    assert_eq!(ends, HashMap::from(expected));

    // The memory: every run that ended well, in the session that it named, and no other.
    let conversations = runtime.conversations();
    let mut remembered = Vec::new();
    for session in conversations.list(&scope, RUNS).await.unwrap() {
        let kept = conversations.load(&scope, session.id).await.unwrap();
        for exchange in &kept.exchanges {
            let said: Vec<String> = exchange.messages.iter().map(|m| m.text()).collect();
            let number: usize = said[0].rsplit(' ').next().unwrap().parse().unwrap();
            assert_eq!(said.last().unwrap(), &format!("answer to {number}"));
            remembered.push(number);
        }
    }
    remembered.sort_unstable();
    let well = |seen: &&Seen| !matches!(kind(seen.number), Kind::Abandoned | Kind::Failed);
    let expected: Vec<usize> = seen.iter().filter(well).map(|seen| seen.number).collect();
    assert_eq!(remembered, expected);
}
