//! What is looked at when all processes are gone: the journals, the accounts, the traces.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use largestack::event::{Event, Recorded};
use largestack::{Money, Runtime, Scope};
use largestack_agent::agent::stored_definition;
use largestack_engine::graph::{Fact, GraphRun, Reducers};
use largestack_engine::{End, Run, Status};
use largestack_flow::workflow::stored_graph;
use largestack_ports::journal::{CostBy, Journal};
use largestack_ports::ledger::BudgetKey;
use largestack_types::id::{OwnerId, RunId};
use largestack_types::usage::Usage;

use super::fuse::Fuse;
use super::world::{ASKED, DOUBTS, Place, UNRECORDED, effects, lines, traces};

/// What is the same whenever and wherever the process died.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Outcome {
    /// How each run at the top of its tree ended: status, reason, answer, tokens, cost.
    pub(super) ends: BTreeMap<RunId, String>,
    /// How each run below ended.
    below: BTreeMap<RunId, Status>,
    /// What the calls of all runs cost, as the cost report has it.
    cost: Money,
    /// Exchanges that sessions remember, and of which runs.
    remembered: Vec<RunId>,
}

impl Outcome {
    /// Panics with what differs.
    pub(super) fn is(mut self, mut expected: Self, what: &str) {
        leave_differences(&mut self.ends, &mut expected.ends);
        leave_differences(&mut self.below, &mut expected.below);
        assert_eq!(self, expected, "{what}");
    }

    /// The same where a node that nobody knows of was left out, which no status keeps quiet.
    pub(super) fn told(mut self, place: &Place) -> Self {
        let doubts = lines(&place.folder.join(DOUBTS));
        if doubts.iter().any(|line| line.starts_with("told")) {
            for end in self.ends.values_mut() {
                *end = end.replacen("incomplete", "completed", 1).replace("(Partial)", "(Stop)");
            }
        }
        self
    }
}

fn leave_differences<T: PartialEq>(here: &mut BTreeMap<RunId, T>, there: &mut BTreeMap<RunId, T>) {
    here.retain(|run, found| match there.get(run) {
        Some(expected) if expected == found => {
            there.remove(run);
            false
        }
        _ => true,
    });
}

/// Looks at what is there, and at what must hold whatever happened.
pub(super) fn look(place: &Place) -> Outcome {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio.block_on(async {
        let runtime = place.runtime(&[], &Arc::new(Fuse::new(0))).await;
        let scope = place.scope();
        nothing_is_held(&runtime, &scope).await;
        the_bill_is_whole(&runtime, place).await;
        nothing_was_repeated(place);
        outcome(&runtime, &scope).await
    })
}

async fn outcome(runtime: &Runtime, scope: &Scope) -> Outcome {
    let (mut ends, mut below) = (BTreeMap::new(), BTreeMap::new());
    for summary in runtime.journal.runs(scope, 1_000).await.unwrap() {
        let events = runtime.journal.read(scope, summary.run, 0).await.unwrap();
        let (said, status) = folded(&*runtime.journal, scope, summary.run, &events).await;
        assert_eq!((summary.status, summary.seq), (status, events.len() as u64), "its own line");
        if summary.root == summary.run {
            ends.insert(summary.run, said);
        } else {
            below.insert(summary.run, status);
        }
    }
    let rows = runtime.journal.costs(scope, CostBy::Agent).await.unwrap();
    let cost = rows.iter().try_fold(Money::ZERO, |sum, row| sum.checked_add(row.cost)).unwrap();
    let mut remembered = Vec::new();
    let conversations = runtime.conversations();
    for session in conversations.list(scope, 100).await.unwrap() {
        let kept = conversations.load(scope, session.id).await.unwrap();
        remembered.extend(kept.exchanges.iter().map(|exchange| exchange.run));
    }
    Outcome { ends, below, cost, remembered }
}

/// Folds a journal event by event: each prefix of it is a run that can be asked what it would do.
async fn folded(
    journal: &dyn Journal,
    scope: &Scope,
    run: RunId,
    events: &[Recorded],
) -> (String, Status) {
    let seqs: Vec<u64> = events.iter().map(|recorded| recorded.seq).collect();
    assert_eq!(seqs, (1..=events.len() as u64).collect::<Vec<_>>(), "no gaps");
    let ended = |end: Option<&End>| format!("{:?}", end.map(|end| end.reason));
    match &*events[0].event {
        Event::RunStarted(started) => {
            let definition = stored_definition(journal, scope, started.definition).await.unwrap();
            let mut folded = Run::new(run, Arc::new(definition));
            let mut ready = Vec::new();
            for recorded in events {
                folded.apply(&recorded.event).unwrap();
                ready.clear();
                folded.ready(&mut ready);
            }
            assert!(ready.is_empty(), "{ready:?}");
            let text = folded.output().map(|message| message.text()).unwrap_or_default();
            let (cost, usage) = (folded.tree_cost(), folded.tree_usage());
            let said = format!("{text}|{}|{cost}|{}", ended(folded.end()), tokens(&usage));
            (format!("{}|{said}", folded.status()), folded.status())
        }
        Event::Graph(Fact::Started(started)) => {
            let graph = stored_graph(journal, scope, started.definition).await.unwrap();
            let graph = Arc::new(graph.check(Reducers::default()).unwrap());
            let mut folded = GraphRun::new(run, graph);
            for recorded in events {
                folded.apply(&recorded.event).unwrap();
                let _ = (folded.ready(), folded.waits(), folded.status());
            }
            assert!(folded.ready().is_empty());
            let (cost, usage) = (folded.cost(), folded.usage());
            let (output, end) = (folded.output(), ended(folded.end()));
            let said = format!("{output}|{end}|{cost}|{}", tokens(&usage));
            (format!("{}|{said}", folded.status()), folded.status())
        }
        other => panic!("{run} begins with {}", other.kind()),
    }
}

fn tokens(usage: &Usage) -> String {
    serde_json::to_string(usage).unwrap().replace("null", "-")
}

/// No run is held, none is under way, and no money is set aside.
async fn nothing_is_held(runtime: &Runtime, scope: &Scope) {
    let stranger = OwnerId::from_u128(1);
    for summary in runtime.journal.runs(scope, 1_000).await.unwrap() {
        assert!(summary.status.is_final(), "{} is {}", summary.run, summary.status);
        let mut claimed = runtime.journal.claim(scope, summary.run, stranger).await;
        for _ in 0..2_000 {
            if claimed.is_ok() {
                break;
            }
            // A server hears of the end of a process when it next looks.
            tokio::time::sleep(Duration::from_millis(5)).await;
            claimed = runtime.journal.claim(scope, summary.run, stranger).await;
        }
        runtime.journal.release(&claimed.unwrap()).await.unwrap();
    }
    let key = BudgetKey::tenant(scope);
    for _ in 0..2_000 {
        runtime.ledger.sweep().await.unwrap();
        if runtime.ledger.account(&key).await.unwrap().reserved == Money::ZERO {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("money stays set aside: {:?}", runtime.ledger.account(&key).await);
}

/// Every call that was made is in the account; what is there beyond them is marked as an estimate.
async fn the_bill_is_whole(runtime: &Runtime, place: &Place) {
    let account = runtime.ledger.account(&BudgetKey::tenant(&place.scope())).await.unwrap();
    let made: i64 = lines(&place.folder.join(ASKED)).iter().map(|line| cost(line)).sum();
    assert!(account.spent.nanos() >= made, "{made} {account:?}");
    assert!(account.spent.nanos() - account.estimated.nanos() <= made, "{made} {account:?}");
}

fn cost(asked: &str) -> i64 {
    asked.rsplit(' ').next().unwrap().parse().unwrap()
}

/// What must not happen twice has not; what had happened unrecorded was reported.
fn nothing_was_repeated(place: &Place) {
    let mut once = BTreeSet::new();
    for trace in traces(&place.folder) {
        assert!(trace.repeatable || once.insert(trace.key.clone()), "twice: {trace:?}");
    }
    let doubts = lines(&place.folder.join(DOUBTS));
    let doubts: Vec<&str> = doubts.iter().filter_map(|line| line.split(' ').nth(1)).collect();
    for key in lines(&place.folder.join(UNRECORDED)) {
        assert!(doubts.contains(&&*key), "{key} had happened, and nobody was told");
    }
}

/// Every effect happened under one key, as in a run that nobody interrupted; only what was reported
/// as in doubt, and told to be so, may be missing.
pub(super) fn same_effects(place: &Place, whole: &Place) {
    let (here, there) = (traces(&place.folder), traces(&whole.folder));
    let (here, there) = (effects(&here), effects(&there));
    let told = lines(&place.folder.join(DOUBTS));
    let told: BTreeSet<&String> = told.iter().filter(|line| line.starts_with("told")).collect();
    let missing: usize = there.iter().map(|(name, n)| n - here.get(name).unwrap_or(&0)).sum();
    assert!(missing <= told.len(), "{here:?} instead of {there:?}, told {told:?}");
    assert!(here.keys().all(|name| there.contains_key(name)), "{here:?} instead of {there:?}");
}
