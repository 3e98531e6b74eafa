//! Detached runs: they go on by themselves, whoever follows them, and end when they are cancelled.

use futures::StreamExt as _;
use largestack_agent::{
    Agent, Followed, Position, ResumeOptions, RunEvent, RunHandle, RunOptions, Runs,
};
use largestack_engine::{EndReason, Event, Status};
use largestack_ports::journal::Journal as _;
use largestack_testkit::Turn;
use largestack_types::delta::Delta;
use largestack_types::error::{Code, Coded as _};
use largestack_types::id::RunId;
use largestack_types::message::Role;
use largestack_types::part::Body;
use largestack_types::scope::{Scope, TenantId};

use crate::world::{Spy, World};

async fn start(world: &World, runs: &Runs) -> RunHandle {
    let agent = world.agent(|a| a.tool(Spy::echo("echo")).tool(Spy::stuck("stuck")));
    runs.start(&agent, &world.scope, "go", RunOptions::default()).await.unwrap()
}

async fn heard(run: &RunHandle, from: Position) -> Vec<Followed> {
    run.follow(from).map(Result::unwrap).collect().await
}

/// What was heard with pieces of text put together, as far as no fact stands between them.
fn told(heard: &[Followed]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut open = false;
    for Followed { event, .. } in heard {
        match event {
            RunEvent::Fact(fact) => {
                all.push(format!("{} {}", fact.seq, fact.event.kind()));
                open = false;
            }
            RunEvent::Delta { delta: Delta::Text { text }, .. } => {
                if !open {
                    all.push(String::new());
                    open = true;
                }
                all.last_mut().unwrap().push_str(text);
            }
            other => {
                all.push(format!("{other:?}"));
                open = false;
            }
        }
    }
    all
}

fn talkative() -> Vec<Turn> {
    vec![
        Turn::text("I look. ").and_tool("echo", r#"{"n":1}"#).pieces(4),
        Turn::text("It is naïve — and done.").pieces(9),
    ]
}

#[tokio::test]
async fn a_detached_run_ends_by_itself_though_nobody_follows_it() {
    let world = World::new(talkative());
    let runs = Runs::new(world.runtime());
    let run = start(&world, &runs).await;
    let id = run.id();
    drop(run);
    while !runs.driven(&world.scope).is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.kinds(id).await.last(), Some(&"run_finished"));
}

#[tokio::test]
async fn its_beginning_is_in_the_journal_when_it_was_started() {
    let world = World::new([Turn::never()]);
    let run = start(&world, &Runs::new(world.runtime())).await;
    assert_eq!(world.kinds(run.id()).await.first(), Some(&"run_started"));
}

#[tokio::test]
async fn every_follower_hears_the_same_from_wherever_it_begins_without_a_gap_or_a_repeat() {
    let world = World::new(talkative());
    let run = start(&world, &Runs::new(world.runtime())).await;
    let (one, other) =
        tokio::join!(heard(&run, Position::default()), heard(&run, Position::default()));
    assert_eq!(told(&one), told(&other));
    let report = run.report().await.unwrap();
    assert_eq!(report.text, "It is naïve — and done.");
    let whole = told(&one).concat();
    for (index, place) in one.iter().enumerate() {
        let before = told(&one[..=index]).concat();
        let after = told(&heard(&run, place.at).await).concat();
        assert_eq!(before + &after, whole, "after {:?}", place.at);
    }
}

#[tokio::test]
async fn one_who_joins_late_hears_what_the_reply_under_way_has_said_so_far() {
    let world = World::new([Turn::text("so far and no further").pieces(5).then_never()]);
    let runs = Runs::new(world.runtime());
    let run = start(&world, &runs).await;
    let mut early = run.follow(Position::default());
    let mut pieces = String::new();
    while pieces != "so far and no further" {
        if let RunEvent::Delta { delta: Delta::Text { text }, .. } =
            early.next().await.unwrap().unwrap().event
        {
            pieces.push_str(&text);
        }
    }
    let late = runs.follow(&world.scope, run.id(), Position::default()).await.unwrap();
    assert_eq!(Box::pin(late.text()).next().await.unwrap().unwrap(), "so far and no further");
    run.cancel("enough");
    assert_eq!(run.report().await.unwrap().status, Status::Cancelled);
}

#[tokio::test]
async fn dropping_followers_changes_nothing_and_cancelling_ends_it_with_a_usable_history() {
    let world =
        World::new([Turn::tool("echo", "{}").and_tool("stuck", "{}"), Turn::text("after all")]);
    let runs = Runs::new(world.runtime());
    let run = start(&world, &runs).await;
    let mut follower = run.follow(Position::default());
    while let Some(heard) = follower.next().await {
        if let RunEvent::Fact(fact) = heard.unwrap().event
            && matches!(&*fact.event, Event::ToolReturned(_))
        {
            break;
        }
    }
    drop(follower);
    assert_eq!(runs.driven(&world.scope), [run.id()]);
    runs.cancel(&world.scope, run.id(), "enough").await.unwrap();
    let report = run.report().await.unwrap();
    assert_eq!(report.finish_reason, Some(EndReason::Cancelled));
    let calls = report.messages.iter().flat_map(|m| m.tool_calls()).count();
    let results = report.messages.iter().filter(|m| m.role == Role::Tool).flat_map(|m| &m.parts);
    let results = results.filter(|part| matches!(part.body, Body::ToolResult(_))).count();
    assert_eq!((calls, results), (2, 2), "every call has its result");
    let id = Some(RunId::from_u128(8));
    let history = RunOptions { id, history: report.messages, ..RunOptions::default() };
    let agent = world.agent(|a| a);
    let next = agent.run_with(&world.scope, "and now?", history).await.unwrap();
    assert_eq!(next.text, "after all");
}

#[tokio::test]
async fn a_follower_that_does_not_listen_holds_nobody_up_and_hears_every_fact_afterwards() {
    let long = "word ".repeat(60_000);
    let mut turns: Vec<Turn> =
        (0..200).map(|n| Turn::text("hm").and_tool("echo", &format!(r#"{{"n":{n}}}"#))).collect();
    turns.extend([
        Turn::text(long.as_str()).and_tool("echo", r#"{"n":999}"#).pieces(3_000),
        Turn::text(long.as_str()).pieces(3_000),
    ]);
    let world = World::new(turns);
    let runs = Runs::new(world.runtime());
    let agent = world.agent(|a| {
        let limits = largestack_types::limits::Limits {
            max_turns: 500,
            max_idle_turns: 0,
            ..largestack_types::limits::Limits::default()
        };
        a.tool(Spy::echo("echo")).limits(limits)
    });
    let run = runs.start(&agent, &world.scope, "go", RunOptions::default()).await.unwrap();
    let mut slow = run.follow(Position::default());
    let first = slow.next().await.unwrap().unwrap();
    assert_eq!(first.at.seq, 1);
    assert_eq!(run.report().await.unwrap().status, Status::Completed);
    let rest: Vec<Followed> = slow.map(Result::unwrap).collect().await;
    let facts: Vec<u64> = rest
        .iter()
        .filter_map(|heard| match &heard.event {
            RunEvent::Fact(fact) => Some(fact.seq),
            _ => None,
        })
        .collect();
    let last = world.events(run.id()).await.len() as u64;
    assert!(last > 500, "{last}: more than what is kept in memory");
    assert_eq!(facts, (2..=last).collect::<Vec<_>>());
    let said = rest.iter().rev().find_map(|heard| match &heard.event {
        RunEvent::Delta { delta: Delta::Text { text }, .. } => Some(text.len()),
        _ => None,
    });
    assert_eq!(said, Some(long.len()), "the last reply whole and in one piece");
    assert!(rest.len() < facts.len() + 210, "{}", rest.len());
}

#[tokio::test]
async fn a_run_that_has_ended_is_followed_from_its_journal_and_cannot_be_cancelled() {
    let world = World::new(talkative());
    let runs = Runs::new(world.runtime());
    let run = start(&world, &runs).await;
    run.report().await.unwrap();
    while !runs.driven(&world.scope).is_empty() {
        tokio::task::yield_now().await;
    }
    let from = Position { seq: 2, live: 0 };
    let late = runs.follow(&world.scope, run.id(), from).await.unwrap();
    let seqs: Vec<u64> = late.map(|heard| heard.unwrap().at.seq).collect().await;
    let last = world.events(run.id()).await.len() as u64;
    assert_eq!(seqs, (3..=last).collect::<Vec<_>>());
    let error = runs.cancel(&world.scope, run.id(), "").await.unwrap_err();
    assert_eq!(error.code(), Code::Conflict);
}

#[tokio::test]
async fn a_run_that_nobody_drives_is_cancelled_where_it_stands() {
    let world = World::new([Turn::tool("act", "{}")]);
    let act = || Spy::stuck("act").unsafe_to_repeat();
    let agent = world.agent(|a| a.tool(act()));
    let mut stream = agent.stream(&world.scope, "go", RunOptions::default());
    while !matches!(stream.next().await, Some(RunEvent::Fact(fact)) if fact.seq == 4) {}
    let run = world.journal.runs(&world.scope, 1).await.unwrap()[0].run;
    let whole = world.journal.read(&world.scope, run, 0).await.unwrap();
    // Another process, which died while the tool ran.
    let other = World::new([]);
    let lease = other.journal.claim(&other.scope, run, largestack_types::id::OwnerId::from_u128(9));
    let lease = lease.await.unwrap();
    let blob = agent.definition().sealed().unwrap();
    let batch = largestack_ports::journal::Batch {
        events: whole,
        blobs: vec![(blob.1, blob.0.as_str().to_owned().into())],
        summary: world.journal.run(&world.scope, run).await.unwrap(),
        ..largestack_ports::journal::Batch::default()
    };
    other.journal.append(&lease, batch).unwrap();
    other.journal.release(&lease).await.unwrap();
    let runs = Runs::new(other.runtime());
    let agent = other.agent(|a| a.tool(act()));
    let handle = runs.resume(&agent, &other.scope, run, ResumeOptions::default()).await.unwrap();
    assert_eq!(handle.report().await.unwrap().status, Status::Suspended);
    while !runs.driven(&other.scope).is_empty() {
        tokio::task::yield_now().await;
    }
    runs.cancel(&other.scope, run, "nobody answers").await.unwrap();
    let kinds = other.kinds(run).await;
    assert_eq!(kinds[kinds.len() - 2..], ["cancel_requested", "run_finished"]);
    let summary = other.journal.run(&other.scope, run).await.unwrap().unwrap();
    assert_eq!(summary.status, Status::Cancelled);
}

#[tokio::test]
async fn a_run_that_this_process_drives_for_somebody_else_is_told_and_not_taken_away() {
    let world = World::new([Turn::text("Half of it").pieces(2).then_never()]);
    let runtime = world.runtime();
    let runs = Runs::new(runtime.clone());
    let agent = Agent::builder("tester").model("test/model").build(runtime).unwrap();
    let mut stream = agent.stream(&world.scope, "go", RunOptions::default());
    while !matches!(stream.next().await, Some(RunEvent::Delta { .. })) {}
    let run = world.journal.runs(&world.scope, 1).await.unwrap()[0].run;
    runs.cancel(&world.scope, run, "enough").await.unwrap();
    while stream.next().await.is_some() {}
    let report = stream.report().unwrap().unwrap();
    assert_eq!(report.status, Status::Cancelled);
    let events = world.events(run).await;
    let asked = events.iter().filter(|event| event.kind() == "cancel_requested").count();
    assert_eq!((asked, events.last().unwrap().kind()), (1, "run_finished"));
    assert!(world.written(run).await.contains("enough"));
    // What has ended is driven by nobody.
    let again = runs.cancel(&world.scope, run, "again").await.unwrap_err();
    assert_eq!(again.code(), Code::Conflict);
}

#[tokio::test]
async fn another_tenant_neither_hears_nor_ends_it() {
    let world = World::new([Turn::never()]);
    let runs = Runs::new(world.runtime());
    let run = start(&world, &runs).await;
    let other = Scope::authenticated(TenantId::new("other").unwrap(), "eve");
    let code = |error: largestack_types::errors::LargestackError| error.code();
    let follow = runs.follow(&other, run.id(), Position::default()).await;
    assert_eq!(follow.map_err(code).err(), Some(Code::NotFound));
    let cancel = runs.cancel(&other, run.id(), "").await;
    assert_eq!(cancel.map_err(code), Err(Code::NotFound));
    assert_eq!(runs.driven(&world.scope), [run.id()]);
}

#[tokio::test]
async fn a_run_that_asks_for_whole_replies_tells_its_facts_and_no_pieces_between() {
    let world = World::new(talkative());
    let agent = world.agent(|a| a.tool(Spy::echo("echo")).tool(Spy::stuck("stuck")));
    let options = RunOptions { whole: true, ..RunOptions::default() };
    let runs = Runs::new(world.runtime());
    let run = runs.start(&agent, &world.scope, "go", options.clone()).await.unwrap();
    let heard = heard(&run, run.began()).await;
    assert!(heard.iter().all(|heard| matches!(heard.event, RunEvent::Fact(_))), "{heard:?}");
    assert_eq!(run.report().await.unwrap().text, "It is naïve — and done.");
    assert!(world.model.calls().iter().all(|call| !call.stream), "a whole reply was asked for");
}
