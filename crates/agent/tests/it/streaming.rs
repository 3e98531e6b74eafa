//! Streaming is the implementation: the same run, told while it happens.

use futures::StreamExt as _;
use largestack_agent::{Agent, Report, RunEvent, RunOptions};
use largestack_ports::vault::TokenVault as _;
use largestack_testkit::Turn;
use largestack_types::delta::Delta;

use crate::world::{Spy, World};

async fn heard(world: &World, question: &str) -> (Vec<RunEvent>, Report) {
    heard_by(world, &world.agent(|a| a.tool(Spy::echo("echo"))), question).await
}

/// What is told of a run of this agent.
pub(crate) async fn heard_by(
    world: &World,
    agent: &Agent,
    question: &str,
) -> (Vec<RunEvent>, Report) {
    let mut stream = agent.stream(&world.scope, question, RunOptions::default());
    let mut events = Vec::new();
    while let Some(event) = stream.next().await {
        events.push(event);
    }
    let report = stream.report().unwrap().unwrap();
    (events, report)
}

/// The answer as it was told.
pub(crate) fn text_of(events: &[RunEvent]) -> String {
    let text = |event: &RunEvent| match event {
        RunEvent::Delta { delta: Delta::Text { text }, .. } => Some(text.clone()),
        _ => None,
    };
    events.iter().filter_map(text).collect()
}

#[tokio::test]
async fn the_deltas_add_up_to_the_answer_at_any_number_of_pieces() {
    for pieces in [1, 2, 7, 40] {
        let answer = "The shop pays — naïve façade, 8 days.";
        let world = World::new([Turn::tool("echo", "{}"), Turn::text(answer).pieces(pieces)]);
        let (events, report) = heard(&world, "who pays?").await;
        assert_eq!(text_of(&events), answer);
        assert_eq!(report.text, answer);
    }
}

#[tokio::test]
async fn a_stream_and_a_plain_run_record_the_same_facts() {
    let turns = || [Turn::tool("echo", "{}"), Turn::text("done").pieces(3)];
    let world = World::new(turns());
    let (events, report) = heard(&world, "go").await;
    let streamed = world.kinds(report.run).await;
    let facts = events.iter().filter(|event| matches!(event, RunEvent::Fact(_))).count();
    assert_eq!(facts, streamed.len());
    let world = World::new(turns());
    let plain = world.agent(|a| a.tool(Spy::echo("echo"))).run(&world.scope, "go").await.unwrap();
    assert_eq!(world.kinds(plain.run).await, streamed);
    assert_eq!(plain.text, report.text);
}

#[tokio::test]
async fn a_card_never_leaves_in_a_stream_however_it_is_cut() {
    for pieces in 1..=30 {
        let world = World::new([Turn::text("it is 4111 1111 1111 1111, ok?").pieces(pieces)]);
        let (events, report) = heard(&world, "go").await;
        let text = text_of(&events);
        assert!(!text.contains("1111 1111"), "{pieces}: {text}");
        assert_eq!(text, report.text, "{pieces}");
    }
}

#[tokio::test]
async fn the_callers_own_value_comes_back_in_the_stream() {
    let world = World::new([Turn::text("x")]);
    let (_, report) = heard(&world, "charge 4111 1111 1111 1111").await;
    let placeholder = world.vault.all(&world.scope, report.run).await.unwrap()[0].0.clone();
    let world = World::new([Turn::text(format!("charged {placeholder} now")).pieces(9)]);
    let (events, _) = heard(&world, "charge 4111 1111 1111 1111").await;
    assert_eq!(text_of(&events), "charged 4111 1111 1111 1111 now");
}

#[tokio::test]
async fn offsets_of_deltas_have_no_gaps() {
    let world = World::new([Turn::text("one two three").pieces(5)]);
    let (events, _) = heard(&world, "go").await;
    let offsets: Vec<u32> = events
        .iter()
        .filter_map(|event| match event {
            RunEvent::Delta { offset, .. } => Some(*offset),
            _ => None,
        })
        .collect();
    let expected: Vec<u32> = (0..u32::try_from(offsets.len()).unwrap()).collect();
    assert_eq!(offsets, expected);
}

#[tokio::test]
async fn a_dropped_stream_cancels_its_run() {
    let world = World::new([Turn::text("some").then_never()]);
    let agent = world.agent(|a| a);
    let id = largestack_types::id::RunId::from_u128(3);
    let options = RunOptions { id: Some(id), ..RunOptions::default() };
    let mut stream = agent.stream(&world.scope, "go", options);
    for _ in 0..2 {
        stream.next().await.unwrap();
    }
    drop(stream);
    assert_eq!(world.kinds(id).await.last(), Some(&"run_finished"));
}
