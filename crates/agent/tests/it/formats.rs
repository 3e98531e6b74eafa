//! Journals of every released format: a run that an older build left is gone on with by this one.

use largestack_agent::{Agent, ResumeOptions, RunOptions};
use largestack_engine::event::{DoubtDecision, VERSION};
use largestack_engine::{Envelope, Recorded, Status};
use largestack_ports::journal::{Batch, Journal as _};
use largestack_testkit::{TestModel, Turn};
use largestack_types::id::{OwnerId, RunId};

use crate::world::{Spy, World};

const RUN: RunId = RunId::from_u128((7 << 80) | 5);

/// What each released format has written of one run.
const RELEASED: &[(u16, &str)] = &[(1, include_str!("fixtures/journal-v1.jsonl"))];

fn turns() -> Vec<Turn> {
    vec![
        Turn::tool("look", r#"{"n":1}"#).and_tool("look", r#"{"n":2}"#).usage(10, 4),
        Turn::tool("act", r#"{"n":3}"#).usage(20, 4),
        Turn::text("all done").usage(30, 4),
    ]
}

fn agent(world: &World) -> Agent {
    world.agent(|a| a.tool(Spy::echo("look")).tool(Spy::echo("act").unsafe_to_repeat()))
}

/// What stands in a fixture for the hash of the agent's definition, which changes with what agents are
/// made of and is no part of the format.
const DEFINITION: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// What this build writes of the run: the generator of the fixture.
async fn written() -> String {
    let world = World::new(turns());
    let options = RunOptions { id: Some(RUN), ..RunOptions::default() };
    let agent = agent(&world);
    agent.run_with(&world.scope, "call me at ann@example.org", options).await.unwrap();
    let events = world.journal.read(&world.scope, RUN, 0).await.unwrap();
    let line = |recorded: &Recorded| {
        let envelope = Envelope::seal(world.scope.tenant(), RUN, recorded).unwrap();
        serde_json::to_string(&envelope).unwrap() + "\n"
    };
    let text: String = events.iter().map(line).collect();
    text.replace(&agent.definition_hash().to_string(), DEFINITION)
}

#[tokio::test]
async fn the_newest_format_is_written_as_it_was_released() {
    // When this fails the format has changed: raise `VERSION`, bring version 1 up to date in
    // `Envelope::open`, and keep this fixture as it is beside one of the new version.
    let (version, text) = RELEASED.last().unwrap();
    assert_eq!(*version, VERSION);
    assert_eq!(written().await, *text);
}

#[tokio::test]
async fn a_run_that_any_released_format_holds_goes_on_from_each_of_its_events() {
    let own = agent(&World::new([])).definition_hash().to_string();
    for (version, text) in RELEASED {
        let text = text.replace(DEFINITION, &own);
        let lines: Vec<Envelope> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let events: Vec<Recorded> = lines.iter().map(|line| line.open().unwrap()).collect();
        assert!(lines.iter().all(|line| line.v == *version) && events.len() > 10);
        for cut in 1..events.len() {
            let kept = &events[..cut];
            let answered = kept.iter().filter(|e| e.event.kind() == "model_replied").count();
            let world = World::of(TestModel::new(turns().split_off(answered)));
            let lease =
                world.journal.claim(&world.scope, RUN, OwnerId::from_u128(9)).await.unwrap();
            let batch = Batch { events: kept.to_vec(), ..Batch::default() };
            world.journal.append(&lease, batch).unwrap();
            world.journal.release(&lease).await.unwrap();
            let in_doubt = Some(DoubtDecision::Rerun);
            let options = ResumeOptions { in_doubt, ..ResumeOptions::default() };
            let report = agent(&world).resume(&world.scope, RUN, options).await.unwrap();
            assert_eq!((report.status, &*report.text), (Status::Completed, "all done"), "{cut}");
            assert_eq!((report.turns, report.usage.total_tokens()), (3, 72), "{cut}");
        }
    }
}
