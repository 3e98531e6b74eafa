//! Forks: the same beginning, a new future, and a run that was forked and knows nothing of it.

use largestack_agent::{Adjusted, Agent, Fork, ResumeOptions, RunOptions, Runs};
use largestack_engine::event::{DoubtDecision, Event};
use largestack_engine::{Recorded, Status};
use largestack_guard::content::{ContentPolicy, Place, RuleAction, RulePolicy};
use largestack_ports::journal::{Batch, Journal as _};
use largestack_ports::vault::{Sensitive, TokenVault as _};
use largestack_testkit::{TestModel, Turn};
use largestack_types::error::Coded as _;
use largestack_types::errors::{Code, LargestackError};
use largestack_types::id::{OwnerId, RunId};
use largestack_types::limits::Limits;
use largestack_types::message::Role;

use crate::world::{Spy, World};

const RUN: RunId = RunId::from_u128((7 << 80) | 5);
const FORK: RunId = RunId::from_u128((7 << 80) | 6);

fn turns() -> Vec<Turn> {
    vec![
        Turn::tool("mark", r#"{"n":1}"#).and_tool("mark", r#"{"n":2}"#).usage(10, 0),
        Turn::tool("mark", r#"{"n":3}"#).usage(20, 0),
        Turn::text("all done").usage(30, 0),
    ]
}

fn marking(world: &World) -> Agent {
    world.agent(|a| a.tool(Spy::echo("mark")))
}

/// The events of a run of these turns.
async fn whole(turns: Vec<Turn>, describe: impl Fn(&World) -> Agent) -> Vec<Recorded> {
    let world = World::new(turns);
    let options = RunOptions { id: Some(RUN), ..RunOptions::default() };
    describe(&world).run_with(&world.scope, "go", options).await.unwrap();
    world.journal.read(&world.scope, RUN, 0).await.unwrap()
}

/// A world whose journal holds these events of a run, and whose model says these turns.
async fn world_of(events: &[Recorded], rest: Vec<Turn>) -> World {
    let world = World::of(TestModel::new(rest));
    let lease = world.journal.claim(&world.scope, RUN, OwnerId::from_u128(9)).await.unwrap();
    let batch = Batch { events: events.to_vec(), ..Batch::default() };
    world.journal.append(&lease, batch).unwrap();
    world.journal.release(&lease).await.unwrap();
    world
}

fn at(at: u64) -> Fork {
    Fork { at, id: Some(FORK), ..Fork::default() }
}

fn answered(events: &[Recorded]) -> usize {
    events.iter().filter(|event| matches!(&*event.event, Event::ModelReplied(_))).count()
}

#[tokio::test]
async fn a_fork_at_any_event_has_what_was_before_and_pays_for_what_comes_behind() {
    let events = whole(turns(), marking).await;
    let mut forked = 0;
    for cut in 1..=events.len() {
        let answered = answered(&events[..cut]);
        let world = world_of(&events, turns().split_off(answered)).await;
        let agent = marking(&world);
        let made = agent.fork(&world.scope, RUN, at(cut as u64)).await;
        assert_eq!(world.journal.read(&world.scope, RUN, 0).await.unwrap(), events);
        if answered == 3 {
            let error = made.unwrap_err();
            assert_eq!(error.code(), Code::Input, "{cut}");
            assert!(error.message().contains("the run was over there"), "{error}");
            continue;
        }
        forked += 1;
        let report = agent.resume(&world.scope, FORK, ResumeOptions::default()).await.unwrap();
        assert_eq!((report.status, &*report.text), (Status::Completed, "all done"), "{cut}");
        let branch = report.branch.unwrap();
        assert_eq!((branch.of, branch.at), (RUN, cut as u64));
        let inherited: u64 = [0, 10, 30][answered];
        assert_eq!(branch.usage.total_tokens(), inherited, "{cut}");
        assert_eq!(report.usage.total_tokens(), 60 - inherited, "{cut}");
        assert_eq!(world.model.calls().len(), 3 - answered, "{cut}: nothing is paid twice");
        let own = world.journal.read(&world.scope, FORK, 0).await.unwrap();
        assert_eq!(own[..cut], events[..cut]);
        let summary = world.journal.run(&world.scope, FORK).await.unwrap().unwrap();
        assert_eq!((summary.root, summary.usage.total_tokens()), (FORK, 60 - inherited));
        assert_eq!(world.journal.read(&world.scope, RUN, 0).await.unwrap(), events);
    }
    assert!(forked > 8, "{forked}");
}

#[tokio::test]
async fn what_was_under_way_in_a_batch_is_begun_again_and_what_had_returned_is_not() {
    let events = whole(turns(), marking).await;
    let returned = |event: &Recorded| matches!(&*event.event, Event::ToolReturned(_));
    let first = events.iter().position(returned).unwrap() + 1;
    let world = world_of(&events, turns().split_off(1)).await;
    let mark = Spy::echo("mark");
    let agent = world.agent(|a| a.tool(mark.clone()));
    agent.fork(&world.scope, RUN, at(first as u64)).await.unwrap();
    agent.resume(&world.scope, FORK, ResumeOptions::default()).await.unwrap();
    assert_eq!(*mark.seen.lock().unwrap(), [r#"{"n":2}"#, r#"{"n":3}"#]);
}

#[tokio::test]
async fn a_call_with_side_effects_that_was_under_way_there_is_in_doubt_here() {
    let acting = |world: &World| world.agent(|a| a.tool(Spy::echo("mark").unsafe_to_repeat()));
    let events = whole(turns(), acting).await;
    let started = |event: &Recorded| matches!(&*event.event, Event::EffectStarted(_));
    let second = events.iter().enumerate().filter(|(_, e)| started(e)).nth(1).unwrap().0 + 1;
    let world = world_of(&events, turns().split_off(1)).await;
    let agent = acting(&world);
    agent.fork(&world.scope, RUN, at(second as u64)).await.unwrap();
    let report = agent.resume(&world.scope, FORK, ResumeOptions::default()).await.unwrap();
    assert_eq!(report.status, Status::Suspended);
    let in_doubt = Some(DoubtDecision::TellModel);
    let options = ResumeOptions { in_doubt, ..ResumeOptions::default() };
    let report = agent.resume(&world.scope, FORK, options).await.unwrap();
    assert_eq!(report.status, Status::Completed);
}

#[tokio::test]
async fn another_model_and_other_instructions_hold_from_there_on() {
    let events = whole(turns(), marking).await;
    let world = world_of(&events, turns().split_off(2)).await;
    let agent = marking(&world);
    let behind = events.iter().rposition(|e| matches!(&*e.event, Event::ToolReturned(_))).unwrap();
    let fork = Fork {
        instructions: Some("Be terse.".into()),
        adjusted: Adjusted { model: Some("other/model".into()), ..Adjusted::default() },
        ..at(behind as u64 + 1)
    };
    agent.fork(&world.scope, RUN, fork).await.unwrap();
    agent.resume(&world.scope, FORK, ResumeOptions::default()).await.unwrap();
    let calls = world.model.calls();
    assert_eq!((calls.len(), &*calls[0].model), (1, "other/model"));
    assert_eq!(calls[0].messages[0].text(), "Be terse.");
    assert_eq!(calls[0].messages[1].text(), "go");
    let summary = world.journal.run(&world.scope, FORK).await.unwrap().unwrap();
    assert_eq!(&*summary.model, "other/model");
}

#[tokio::test]
async fn another_input_takes_the_place_of_the_first_or_comes_behind_what_was_answered() {
    let events = whole(turns(), marking).await;
    let world = world_of(&events, vec![Turn::text("one")]).await;
    let agent = marking(&world);
    let fork = Fork { input: Some("come".into()), ..at(2) };
    agent.fork(&world.scope, RUN, fork).await.unwrap();
    let report = agent.resume(&world.scope, FORK, ResumeOptions::default()).await.unwrap();
    assert_eq!((&*report.text, report.messages[0].text().as_str()), ("one", "come"));
    let told = &world.model.calls()[0].messages;
    assert_eq!((told.len(), told[1].text().as_str()), (2, "come"));

    // In the middle of a turn, and after the end: what was open is closed, and the question is new.
    let asked = |event: &Recorded| matches!(&*event.event, Event::ModelReplied(_));
    let first = events.iter().position(asked).unwrap() + 1;
    for (cut, results) in [(first, 2), (events.len(), 3)] {
        let world = world_of(&events, vec![Turn::text("two")]).await;
        let agent = marking(&world);
        let fork = Fork { input: Some("and now?".into()), ..at(cut as u64) };
        agent.fork(&world.scope, RUN, fork).await.unwrap();
        let report = agent.resume(&world.scope, FORK, ResumeOptions::default()).await.unwrap();
        assert_eq!((report.status, &*report.text, report.turns), (Status::Completed, "two", 1));
        let told = &world.model.calls()[0].messages;
        assert_eq!(told.last().unwrap().text(), "and now?");
        let tools = told.iter().filter(|m| m.role == Role::Tool);
        assert_eq!(tools.count(), results, "{cut}: every call has a result");
    }
}

#[tokio::test]
async fn a_run_that_failed_can_be_tried_again_from_before_its_failure_with_another_model() {
    let error = LargestackError::other(Code::Provider, "gone");
    let failed = vec![turns().remove(0), Turn::error(error)];
    let events = whole(failed, marking).await;
    let fails = |event: &Recorded| matches!(&*event.event, Event::ModelFailed(_));
    let before = events.iter().position(fails).unwrap();
    let world = world_of(&events, vec![Turn::text("better")]).await;
    let agent = marking(&world);
    let adjusted = Adjusted { model: Some("other/model".into()), ..Adjusted::default() };
    let fork = Fork { adjusted, ..at(before as u64) };
    agent.fork(&world.scope, RUN, fork).await.unwrap();
    let report = agent.resume(&world.scope, FORK, ResumeOptions::default()).await.unwrap();
    assert_eq!((report.status, &*report.text), (Status::Completed, "better"));
}

#[tokio::test]
async fn a_fork_of_a_fork_has_inherited_from_both() {
    let events = whole(turns(), marking).await;
    let world = world_of(&events, turns().split_off(1)).await;
    let agent = marking(&world);
    let first = events.iter().position(|e| matches!(&*e.event, Event::ModelReplied(_))).unwrap();
    agent.fork(&world.scope, RUN, at(first as u64 + 1)).await.unwrap();
    agent.resume(&world.scope, FORK, ResumeOptions::default()).await.unwrap();
    let forked = world.journal.read(&world.scope, FORK, 0).await.unwrap();
    let second =
        forked.iter().rposition(|e| matches!(&*e.event, Event::ToolReturned(_))).unwrap() + 1;
    let other = World { journal: world.journal.clone(), ..World::new(turns().split_off(2)) };
    let id = RunId::from_u128((7 << 80) | 7);
    let agent = marking(&other);
    let fork = Fork { id: Some(id), ..at(second as u64) };
    agent.fork(&other.scope, FORK, fork).await.unwrap();
    let report = agent.resume(&other.scope, id, ResumeOptions::default()).await.unwrap();
    let branch = report.branch.unwrap();
    assert_eq!((branch.of, branch.usage.total_tokens()), (FORK, 30));
    assert_eq!(report.usage.total_tokens(), 30);
    assert_eq!(world.journal.read(&world.scope, FORK, 0).await.unwrap(), forked);
}

#[tokio::test]
async fn a_fork_goes_on_by_itself_and_what_does_not_apply_is_said() {
    let events = whole(turns(), marking).await;
    let world = world_of(&events, turns()).await;
    let agent = marking(&world);
    let runs = Runs::new(world.runtime());
    let options = ResumeOptions::default();
    let handle = runs.fork(&agent, &world.scope, RUN, (at(1), options)).await.unwrap();
    assert_eq!(handle.report().await.unwrap().text, "all done");
    let again = agent.fork(&world.scope, RUN, at(1)).await.unwrap_err();
    assert_eq!(again.code(), Code::Conflict);
    for beyond in [0, events.len() as u64 + 1] {
        let error = agent.fork(&world.scope, RUN, at(beyond)).await.unwrap_err();
        assert_eq!(error.code(), Code::Input);
        assert!(error.message().contains("events 1 to"), "{error}");
    }
    let nobody = agent.fork(&world.scope, RunId::from_u128(404), at(1)).await.unwrap_err();
    assert_eq!(nobody.code(), Code::NotFound);
    let other = world
        .agent(|a| a.tool(Spy::echo("mark")).limits(Limits { max_turns: 3, ..Limits::default() }));
    let error = other.fork(&world.scope, RUN, at(1)).await.unwrap_err();
    assert_eq!(error.code(), Code::Definition);
    let silent = |world: &World| {
        let builder = Agent::builder("tester").model("test/model");
        builder.build(world.runtime()).unwrap()
    };
    let events = whole(vec![Turn::text("hm")], silent).await;
    let world = world_of(&events, vec![]).await;
    let fork = Fork { instructions: Some("Be terse.".into()), ..at(1) };
    let error = silent(&world).fork(&world.scope, RUN, fork).await.unwrap_err();
    assert!(error.message().contains("no instructions"), "{error}");
}

#[tokio::test]
async fn values_behind_placeholders_are_known_to_the_fork_and_those_of_two_forks_are_not_mixed() {
    const CARDS: [&str; 3] = ["4111 1111 1111 1111", "5555 5555 5555 4444", "4012 8888 8888 1881"];
    let asked = format!("charge {}", CARDS[0]);
    let world = World::new([Turn::text("charged")]);
    let options = RunOptions { id: Some(RUN), ..RunOptions::default() };
    let agent = world.agent(|a| a);
    agent.run_with(&world.scope, asked, options).await.unwrap();
    let events = world.journal.read(&world.scope, RUN, 0).await.unwrap();
    for (id, card) in [(FORK, CARDS[1]), (RunId::from_u128((7 << 80) | 7), CARDS[2])] {
        // The model repeats what it was told, in placeholders.
        let written = world.written(RUN).await;
        let start = written.find("<CARD_1:").unwrap();
        let end = written[start..].find('>').unwrap();
        let first = &written[start..=start + end];
        let second = first.replace("CARD_1", "CARD_2");
        let next = World {
            journal: world.journal.clone(),
            vault: world.vault.clone(),
            ..World::new([Turn::text(format!("{first} and {second}"))])
        };
        let agent = next.agent(|a| a);
        let input = Some(format!("and {card}").into());
        let fork = Fork { id: Some(id), input, ..at(events.len() as u64) };
        agent.fork(&next.scope, RUN, fork).await.unwrap();
        let report = agent.resume(&next.scope, id, ResumeOptions::default()).await.unwrap();
        assert_eq!(report.text, format!("{} and {card}", CARDS[0]));
        assert!(!next.written(id).await.contains(card));
    }
}

#[tokio::test]
async fn a_fork_of_a_fork_has_its_forks_value_where_the_first_run_made_the_same_placeholder_since()
{
    const CARDS: [&str; 3] = ["4111 1111 1111 1111", "5555 5555 5555 4444", "4012 8888 8888 1881"];
    let next = |world: &World, says: String| World {
        journal: world.journal.clone(),
        vault: world.vault.clone(),
        ..World::new([Turn::text(says)])
    };
    let world = World::new([Turn::text("charged")]);
    let options = RunOptions { id: Some(RUN), ..RunOptions::default() };
    let asked = format!("charge {}", CARDS[0]);
    world.agent(|a| a).run_with(&world.scope, asked, options).await.unwrap();
    let written = world.written(RUN).await;
    let start = written.find("<CARD_1:").unwrap();
    let end = written[start..].find('>').unwrap();
    let [first, second, third] = ["CARD_1", "CARD_2", "CARD_3"]
        .map(|name| written[start..=start + end].replace("CARD_1", name));
    // The run that goes on gives its second number to the card that is asked about last.
    let since = vec![(second.clone(), Sensitive::new(CARDS[1]))];
    world.vault.put(&world.scope, RUN, since).await.unwrap();
    let last = RunId::from_u128((7 << 80) | 7);
    let (mut of, mut report) = (RUN, None);
    for (id, card) in [(FORK, CARDS[2]), (last, CARDS[1])] {
        let world = next(&world, format!("{first}, {second}, {third}"));
        let agent = world.agent(|a| a);
        let events = world.journal.read(&world.scope, of, 0).await.unwrap().len() as u64;
        let fork = Fork { at: events, id: Some(id), input: Some(card.into()), ..Fork::default() };
        agent.fork(&world.scope, of, fork).await.unwrap();
        report = Some(agent.resume(&world.scope, id, ResumeOptions::default()).await.unwrap());
        of = id;
    }
    assert_eq!(report.unwrap().text, format!("{}, {}, {}", CARDS[0], CARDS[2], CARDS[1]));
}

#[tokio::test]
async fn a_fork_that_is_refused_leaves_no_value_in_the_vault() {
    let events = whole(turns(), marking).await;
    let world = world_of(&events, vec![]).await;
    let agent = marking(&world);
    let kept = async |run| world.vault.all(&world.scope, run).await.unwrap().len();
    let says = |id| Fork { id: Some(id), ..Fork::default() };
    let card = "charge 4111 1111 1111 1111";
    // Where the run was over and nothing else is asked.
    let last = events.len() as u64;
    let over = Fork { at: last, instructions: Some(card.into()), ..says(FORK) };
    let error = agent.fork(&world.scope, RUN, over).await.unwrap_err();
    assert_eq!((error.code(), kept(FORK).await), (Code::Input, 0), "{error}");
    let empty =
        Fork { at: 2, input: Some(" ".into()), instructions: Some(card.into()), ..says(FORK) };
    let error = agent.fork(&world.scope, RUN, empty).await.unwrap_err();
    assert_eq!((error.code(), kept(FORK).await), (Code::Input, 0), "{error}");
    let none = Adjusted { max_turns: Some(0), ..Adjusted::default() };
    let none = Fork { at: 2, input: Some(card.into()), adjusted: none, ..says(FORK) };
    assert!(agent.fork(&world.scope, RUN, none).await.is_err());
    assert_eq!(kept(FORK).await, 0);
    let taken = Fork { at: 2, input: Some(card.into()), ..says(RUN) };
    let error = agent.fork(&world.scope, RUN, taken).await.unwrap_err();
    assert_eq!((error.code(), kept(RUN).await), (Code::Conflict, 0), "it is another run's id");
    // What a guard refuses, after another one has found a value in it.
    let strict_agent = |world: &World| {
        let rule = RulePolicy {
            on: vec![Place::Input],
            pattern: Some("casino".to_owned()),
            action: RuleAction::Block,
            ..RulePolicy::default()
        };
        let rules = [("words".to_owned(), rule)].into();
        let content = ContentPolicy { rules, ..ContentPolicy::default() };
        world.agent(|a| a.tool(Spy::echo("mark")).content(content))
    };
    let strict = world_of(&whole(turns(), strict_agent).await, vec![]).await;
    let asked = Some(format!("{card}, casino").into());
    let refused = Fork { at: 2, input: asked, ..says(FORK) };
    let error = strict_agent(&strict).fork(&strict.scope, RUN, refused).await.unwrap_err();
    assert_eq!(error.code(), Code::Guardrail, "{error}");
    assert_eq!(strict.vault.all(&strict.scope, FORK).await.unwrap().len(), 0);
    let applies = Fork { at: 2, input: Some(card.into()), ..says(FORK) };
    assert_eq!(agent.fork(&world.scope, RUN, applies).await.unwrap(), FORK);
    assert_eq!(kept(FORK).await, 1);
}
