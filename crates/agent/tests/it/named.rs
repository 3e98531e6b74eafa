//! Who names a placeholder of a value that is not theirs is not given the value: not in a second
//! question of a session, not in a fork, not by forking what somebody else has said.

use futures::FutureExt as _;
use largestack_agent::{Fork, ResumeOptions, RunOptions};
use largestack_ports::journal::Journal as _;
use largestack_ports::tool::ToolOutput;
use largestack_testkit::{TestModel, Turn};
use largestack_types::id::RunId;
use largestack_types::scope::{Scope, TenantId};

use crate::world::{Spy, World};

const CARD: &str = "4111 1111 1111 1111";
const RUN: RunId = RunId::from_u128((5 << 80) | 5);
const FORK: RunId = RunId::from_u128((6 << 80) | 6);

/// The first placeholder that a journal holds.
async fn placeholder(world: &World, run: RunId) -> String {
    let written = world.written(run).await;
    let start = written.find("<CARD_1:").unwrap();
    let end = written[start..].find('>').unwrap();
    written[start..=start + end].to_owned()
}

/// The same world with another model.
fn saying(world: World, text: String) -> World {
    World { model: TestModel::new([Turn::text(text)]), ..world }
}

fn escaped(placeholder: &str) -> String {
    let nonce = placeholder.trim_end_matches('>').rsplit(':').next().unwrap();
    placeholder.replacen('<', &format!("<={nonce}="), 1)
}

/// A run in which a tool has found somebody's card, in a session.
async fn found(options: RunOptions) -> (World, String) {
    let world = World::new([Turn::tool("look", "{}"), Turn::text("I have looked.")]);
    let look = Spy::new("look", |_, _| {
        async { Ok(ToolOutput::text(format!("Ada's card is {CARD}"))) }.boxed()
    });
    let agent = world.agent(|a| a.tool(look));
    let options = RunOptions { id: Some(RUN), ..options };
    agent.run_with(&world.scope, "Look.", options).await.unwrap();
    let placeholder = placeholder(&world, RUN).await;
    (world, placeholder)
}

#[tokio::test]
async fn a_second_question_that_names_a_placeholder_is_not_told_its_value() {
    let session = || RunOptions::default().session("chat");
    let (world, named) = found(session()).await;
    let world = saying(world, format!("{named} or {}", escaped(&named)));
    let agent = world.agent(|a| a);
    let report =
        agent.run_with(&world.scope, format!("What is {named}?"), session()).await.unwrap();
    assert_eq!(report.text, format!("{named} or {named}"));
    let written = world.written(report.run).await;
    assert!(written.contains(&format!("What is {}?", escaped(&named))), "{written}");
    // In two parts nobody names one, either.
    let (one, other) = named.split_at(4);
    let world = saying(world, named.clone());
    let parts = [one, other].map(|part| largestack_types::part::Body::Text(part.into()));
    let input = largestack_agent::Input::of(parts);
    let report = world.agent(|a| a).run_with(&world.scope, input, session()).await.unwrap();
    assert_eq!(report.text, named);
}

#[tokio::test]
async fn a_forks_question_that_names_a_placeholder_is_not_told_its_value() {
    let (world, named) = found(RunOptions::default()).await;
    let events = world.journal.read(&world.scope, RUN, 0).await.unwrap().len() as u64;
    let world = saying(world, format!("{named} or {}", escaped(&named)));
    let look = Spy::echo("look");
    let agent = world.agent(|a| a.tool(look));
    let input = Some(format!("What is {named}?").into());
    let fork = Fork { at: events, id: Some(FORK), input, ..Fork::default() };
    agent.fork(&world.scope, RUN, fork).await.unwrap();
    let report = agent.resume(&world.scope, FORK, ResumeOptions::default()).await.unwrap();
    assert_eq!(report.text, format!("{named} or {named}"));
}

#[tokio::test]
async fn who_forks_anothers_run_gets_back_the_own_values_and_not_the_others() {
    let tenant = || TenantId::new("acme").unwrap();
    let (ann, bob) = (Scope::authenticated(tenant(), "ann"), Scope::authenticated(tenant(), "bob"));
    let other = "5555 5555 5555 4444";
    for (forker, gets_both) in [(&ann, true), (&bob, false)] {
        let world = World { scope: ann.clone(), ..World::new([Turn::text("Charged.")]) };
        let options = RunOptions { id: Some(RUN), ..RunOptions::default() };
        world.agent(|a| a).run_with(&ann, format!("charge {CARD}"), options).await.unwrap();
        let named = placeholder(&world, RUN).await;
        let events = world.journal.read(&ann, RUN, 0).await.unwrap().len() as u64;
        let second = named.replace("CARD_1", "CARD_2");
        let world = saying(world, format!("{named} and {second}"));
        let agent = world.agent(|a| a);
        let input = Some(format!("and {other}").into());
        let fork = Fork { at: events, id: Some(FORK), input, ..Fork::default() };
        agent.fork(forker, RUN, fork).await.unwrap();
        let report = agent.resume(forker, FORK, ResumeOptions::default()).await.unwrap();
        let first = if gets_both { CARD } else { named.as_str() };
        assert_eq!(report.text, format!("{first} and {other}"));
    }
}
