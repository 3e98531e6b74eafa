//! How a journal grows: by the same for each turn, and where old runs are removed by what was spent.

use std::fmt::Write as _;
use std::path::Path;

use largestack::ports::retention::Rule;
use largestack::{Agent, Local, Report, RunOptions, Runs, Runtime, Scope, Status, tool};
use largestack_testkit::{FunctionModel, Turn};
use largestack_types::id::RunId;
use largestack_types::limits::Limits;
use largestack_types::message::Role;

/// What is asked for and found in each turn, in bytes.
const ASKED: usize = 200;
const FOUND: usize = 400;

/// Something about a place in a text.
#[tool(idempotent)]
fn look(place: String) -> String {
    "f".repeat(FOUND - place.len().min(3))
}

/// A runtime whose model looks so often before it answers.
fn runtime(folder: &Path, turns: usize) -> Runtime {
    let model = FunctionModel::new(move |call| {
        let results = call.messages.iter().filter(|message| message.role == Role::Tool).count();
        if results == turns {
            return Turn::text("found").usage(10, 1);
        }
        let mut place = format!("{results} ");
        place.extend(std::iter::repeat_n('p', ASKED - place.len()));
        Turn::tool("look", &format!(r#"{{"place":"{place}"}}"#)).usage(10, 1)
    });
    Local::new().model("test/one", model).store(folder).build().unwrap()
}

async fn ran(runtime: &Runtime, run: u128) -> Report {
    let limits =
        Limits { max_turns: 1_000, max_idle_turns: 0, max_repeats: 0, ..Limits::default() };
    let agent = Agent::builder("a").model("test/one").limits(limits).tool(look());
    let agent = agent.build(runtime.clone()).unwrap();
    let options = RunOptions { id: Some(RunId::from_u128(run)), ..RunOptions::default() };
    let report = agent.dynamic().run_with(&Scope::local(), "go", options).await.unwrap();
    assert_eq!(report.status, Status::Completed);
    report
}

/// Bytes of a run's events.
async fn written(runtime: &Runtime, run: RunId) -> usize {
    let events = runtime.journal.read(&Scope::local(), run, 0).await.unwrap();
    events.iter().map(|event| event.event.data().unwrap().len()).sum()
}

#[tokio::test(flavor = "current_thread")]
async fn a_journal_grows_by_the_same_for_each_turn() {
    let mut told = String::new();
    let mut a_turn = Vec::new();
    for turns in [10, 50, 250] {
        let folder = tempfile::tempdir().unwrap();
        let runtime = runtime(folder.path(), turns);
        let report = ran(&runtime, 1).await;
        let bytes = written(&runtime, report.run).await;
        let each = bytes / (turns + 1);
        writeln!(told, "{turns} turns: {bytes} bytes of events, {each} a turn").unwrap();
        a_turn.push(each);
    }
    println!("a turn asks with {ASKED} bytes and finds {FOUND}\n{told}");
    // The first turns share the beginning of the run; the later ones cost nothing more.
    let (most, least) = (a_turn.iter().max().unwrap(), a_turn.iter().min().unwrap());
    assert!(most * 100 <= least * 125, "{told}");
    assert!(*most < (ASKED + FOUND) * 4, "{told}");
}

#[tokio::test(flavor = "current_thread")]
async fn a_store_whose_old_runs_are_removed_grows_by_what_was_spent_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut sizes = Vec::new();
    for round in 1..=8 {
        let runtime = runtime(folder.path(), 40);
        let runs = Runs::new(runtime.clone());
        for run in 0..4 {
            ran(&runtime, round * 10 + run).await;
        }
        let rule = Rule { keep: 2, ..Rule::default() };
        let pruned = runs.prune(&Scope::local(), rule).await.unwrap();
        assert_eq!(pruned.runs, if round == 1 { 2 } else { 4 });
        let listed = runtime.journal.runs(&Scope::local(), 99).await.unwrap();
        assert_eq!(listed.len(), 2);
        // The last connection to go copies the log into the file.
        drop((runs, runtime));
        sizes.push(folder.path().join("state.db").metadata().unwrap().len());
    }
    println!("bytes of the store after each round: {sizes:?}");
    // Four runs of some fifty thousand bytes were written in each round, and 164 lines of what calls
    // cost, which stay.
    let a_round = (sizes[7] - sizes[2]) / 5;
    assert!(sizes[0] > 200_000 && a_round < 164 * 200, "{sizes:?}");
}
