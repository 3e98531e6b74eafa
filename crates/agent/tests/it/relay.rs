//! Agents that take over where one has failed, in the same run.

use std::sync::Arc;

use futures::StreamExt as _;
use largestack_agent::{Agent, AgentBuilder, Position, RunEvent, RunOptions, Runs, Runtime};
use largestack_engine::event::Event;
use largestack_engine::{Recorded, Status};
use largestack_guard::{Action, Policy};
use largestack_ports::journal::Journal as _;
use largestack_testkit::{TestModel, Turn};
use largestack_types::call::Call;
use largestack_types::error::{Code, Coded as _};
use largestack_types::errors::LargestackError;
use largestack_types::id::RunId;
use largestack_types::limits::Limits;
use largestack_types::money::Money;

use crate::metered::{Metered, PRICE, TOP, at_every_cut, has_result, is};
use crate::world::{Spy, World};

fn busy() -> LargestackError {
    LargestackError::other(Code::RateLimit, "busy")
}

fn wrong() -> LargestackError {
    LargestackError::other(Code::Provider, "wrong")
}

fn named(name: &str, budget: Option<i64>) -> AgentBuilder {
    let limits =
        Limits { budget: budget.map(Money::from_nanos), wall_clock: None, ..Limits::default() };
    Agent::builder(name).instructions(format!("You are {name}.")).model("test/model").limits(limits)
}

/// Three agents of one runtime, each with what its model does.
fn agents(world: &World, budget: Option<i64>) -> Agent {
    let runtime = world.runtime();
    let second = named("second", budget).build(runtime.clone()).unwrap();
    let third = named("third", budget).build(runtime.clone()).unwrap();
    named("first", budget).fallback(second).fallback(third).build(runtime).unwrap()
}

#[tokio::test]
async fn another_agent_takes_over_in_the_same_run_with_every_cause_kept() {
    let world = World::new([Turn::error(wrong()), Turn::error(busy()), Turn::text("Third.")]);
    let agent = agents(&world, None);
    let mut stream = agent.stream(&world.scope, "go", RunOptions::default());
    let mut took_over = Vec::new();
    while let Some(event) = stream.next().await {
        if let RunEvent::Fact(fact) = event
            && let Event::TookOver(next) = &*fact.event
        {
            took_over.push(next.agent.to_string());
        }
    }
    assert_eq!(took_over, ["second", "third"]);
    let report = stream.report().unwrap().unwrap();
    assert_eq!((report.status, &*report.text), (Status::Completed, "Third."));
    let causes: Vec<_> = report.attempts.iter().map(|a| (&*a.agent, a.error.code())).collect();
    assert_eq!(causes, [("first", Code::Provider), ("second", Code::RateLimit)]);
    let runs = world.journal.runs(&world.scope, 9).await.unwrap();
    assert_eq!((runs.len(), &*runs[0].agent), (1, "third"));
    assert_eq!(runs[0].definition, agent.definition_hash());
    let asked: Vec<_> = world.model.calls().iter().map(|call| call.messages.len()).collect();
    assert_eq!(asked, [2, 2, 2], "each is asked the same");
}

#[tokio::test]
async fn when_all_have_failed_every_attempt_is_in_the_error() {
    let world = World::of(TestModel::new((0..3).map(|_| Turn::error(wrong()))));
    let report = agents(&world, None).run(&world.scope, "go").await.unwrap();
    let kept = world.events(report.run).await;
    let error = report.into_result().unwrap_err();
    assert_eq!(error.code(), Code::AllFailed);
    let LargestackError::AllProvidersFailedError(all) = error else { panic!("{error}") };
    let names: Vec<_> = all.attempts.iter().map(|(agent, _)| &**agent).collect();
    assert_eq!(names, ["first", "second", "third"]);
    let Some(Event::RunFinished(end)) = kept.last().map(|last| &**last) else { panic!("no end") };
    assert_eq!(end.error.as_ref().unwrap().code(), Code::AllFailed);
}

#[tokio::test]
async fn what_was_forbidden_and_what_there_is_no_money_for_is_not_tried_by_another() {
    let denied = LargestackError::other(Code::Guardrail, "no");
    let world = World::new([Turn::error(denied), Turn::text("Second.")]);
    let report = agents(&world, None).run(&world.scope, "go").await.unwrap();
    assert_eq!(report.error.unwrap().code(), Code::Guardrail);
    assert_eq!(world.model.calls().len(), 1);
    let world = World::new([Turn::error(wrong()), Turn::text("Second.")]);
    let report = agents(&world, Some(0)).run(&world.scope, "go").await.unwrap();
    assert_eq!(report.error.unwrap().code(), Code::Provider);
}

#[tokio::test]
async fn those_that_take_over_from_one_that_takes_over_come_after_it() {
    let world = World::of(TestModel::new((0..4).map(|_| Turn::error(wrong()))));
    let runtime = world.runtime();
    let build = |builder: AgentBuilder| builder.build(runtime.clone()).unwrap();
    let third = build(named("third", None));
    let second = build(named("second", None).fallback(third));
    let first = build(named("first", None).fallback(second).fallback(build(named("last", None))));
    let error = first.run(&world.scope, "go").await.unwrap().error.unwrap();
    let LargestackError::AllProvidersFailedError(all) = error else { panic!("{error}") };
    let names: Vec<_> = all.attempts.iter().map(|(agent, _)| &**agent).collect();
    assert_eq!(names, ["first", "second", "third", "last"]);
}

#[tokio::test]
async fn an_agent_of_another_runtime_cannot_take_over() {
    let (world, other) = (World::new([]), World::new([]));
    let second = named("second", None).build(other.runtime()).unwrap();
    let error = named("first", None).fallback(second).build(world.runtime()).err().unwrap();
    assert!(error.message().contains("`second` takes over in another runtime"), "{error}");
}

#[tokio::test]
async fn it_has_limits_and_guards_of_its_own_and_nothing_of_the_one_before() {
    let world = World::new([
        Turn::tool("echo", "{}"),
        Turn::error(wrong()),
        Turn::tool("other", "{}"),
        Turn::text("Second."),
    ]);
    let (echo, other) = (Spy::echo("echo"), Spy::echo("other"));
    let policy = Policy { email: Action::Tokenise, ..Policy::default() };
    let second = named("second", None).tool(other.clone()).guardrails(policy);
    let second = second.build(world.runtime()).unwrap();
    let first = named("first", None).tool(echo.clone()).fallback(second);
    let first = first.build(world.runtime()).unwrap();
    let report = first.run(&world.scope, "write to ann@example.com").await.unwrap();
    assert_eq!((report.status, &*report.text), (Status::Completed, "Second."));
    assert_eq!((echo.count(), other.count()), (1, 1));
    let calls = world.model.calls();
    assert!(calls[1].messages[1].text().contains("ann@example.com"));
    assert!(calls[2].messages[1].text().contains("<EMAIL_1:"), "{:?}", calls[2].messages[1]);
    assert_eq!(calls[2].messages.len(), 2, "it begins anew");
    assert_eq!(&*calls[2].tools[0].name, "other");
}

#[tokio::test]
async fn one_that_must_not_be_told_what_is_asked_does_not_take_over() {
    let world = World::new([Turn::error(wrong()), Turn::text("Second.")]);
    let policy = Policy { email: Action::Block, ..Policy::default() };
    let second = named("second", None).guardrails(policy).build(world.runtime()).unwrap();
    let first = named("first", None).fallback(second).build(world.runtime()).unwrap();
    let report = first.run(&world.scope, "write to ann@example.com").await.unwrap();
    assert_eq!(report.error.unwrap().code(), Code::Guardrail);
    assert_eq!(world.model.calls().len(), 1);
}

#[tokio::test]
async fn another_agent_takes_over_in_a_detached_run_as_well() {
    let world = World::new([Turn::error(wrong()), Turn::text("Second.")]);
    let runtime = world.runtime();
    let second = named("second", None).build(runtime.clone()).unwrap();
    let first = named("first", None).fallback(second).build(runtime.clone()).unwrap();
    let runs = Runs::new(runtime);
    let handle = runs.start(&first, &world.scope, "go", RunOptions::default()).await.unwrap();
    let report = handle.report().await.unwrap();
    assert_eq!((report.run, &*report.text), (handle.id(), "Second."));
    let kinds: Vec<_> = handle
        .follow(Position::default())
        .filter_map(|heard| async {
            match heard.unwrap().event {
                RunEvent::Fact(fact) => Some(fact.event.kind()),
                _ => None,
            }
        })
        .collect()
        .await;
    assert!(kinds.contains(&"took_over"), "{kinds:?}");
}

/// The first calls a tool and fails; the second calls it too and answers.
fn failing(call: &Call) -> Turn {
    match () {
        () if is(call, "top") && !has_result(call) => Turn::tool("helper", r#"{"task":"a"}"#),
        () if is(call, "top") => Turn::text("Done."),
        () if !has_result(call) => Turn::tool("mark", r#"{"n":1}"#),
        () if is(call, "first") => Turn::error(wrong()),
        () => Turn::text("Second."),
    }
}

fn relay(runtime: &Runtime, mark: &Spy, budget: Option<i64>) -> Agent {
    let second = named("second", None).tool(mark.clone()).build(runtime.clone()).unwrap();
    let first = named("first", budget).tool(mark.clone()).fallback(second);
    first.build(runtime.clone()).unwrap()
}

fn marks(before: &[(RunId, Recorded)]) -> usize {
    let returned = |fact: &Recorded| match &*fact.event {
        Event::ToolReturned(returned) => returned.child.is_none(),
        _ => false,
    };
    before.iter().filter(|(_, fact)| returned(fact)).count()
}

#[tokio::test]
async fn a_run_that_is_cut_off_anywhere_goes_on_with_the_agent_that_was_at_work() {
    let mark = Spy::echo("mark");
    let seen = Arc::clone(&mark.seen);
    for budget in [None, Some(3 * PRICE)] {
        let build = |_: &World, runtime| {
            seen.lock().unwrap().clear();
            relay(&runtime, &mark, budget)
        };
        at_every_cut(&Metered::new(failing), build, |report, before| {
            assert_eq!((report.status, &*report.text), (Status::Completed, "Second."));
            let attempts: Vec<_> =
                report.attempts.iter().map(|a| (&*a.agent, a.cost.nanos())).collect();
            assert_eq!(attempts, [("first", PRICE)]);
            assert_eq!(report.cost.nanos(), 3 * PRICE);
            assert_eq!(mark.count(), 2 - marks(before), "no tool runs twice");
        })
        .await;
    }
}

#[tokio::test]
async fn another_agent_takes_over_below_another_run_whoever_cuts_it_off() {
    let mark = Spy::echo("mark");
    let seen = Arc::clone(&mark.seen);
    let build = |_: &World, runtime: Runtime| {
        seen.lock().unwrap().clear();
        let helper = relay(&runtime, &mark, None).as_tool("helper", "x");
        named("top", Some(5 * PRICE)).tool(helper).build(runtime).unwrap()
    };
    at_every_cut(&Metered::new(failing), build, |report, before| {
        assert_eq!((report.status, &*report.text), (Status::Completed, "Done."));
        assert_eq!(report.cost.nanos(), 5 * PRICE);
        assert_eq!(report.children[0].cost.nanos(), 3 * PRICE);
        assert_eq!(mark.count(), 2 - marks(before));
    })
    .await;
}

#[tokio::test]
async fn all_agents_together_spend_no_more_than_the_first_may() {
    for (budget, status) in [(3 * PRICE, Status::Completed), (3 * PRICE - 1, Status::Failed)] {
        let (world, mark) = (World::new([]), Spy::echo("mark"));
        let model = Metered::new(failing);
        let agent = relay(&model.runtime(&world), &mark, Some(budget));
        let options = RunOptions { id: Some(TOP), ..RunOptions::default() };
        let report = agent.run_with(&world.scope, "go", options).await.unwrap();
        let ended =
            if report.status == Status::Incomplete { Status::Failed } else { report.status };
        assert_eq!(ended, status, "{budget}: {:?}", report.error);
        assert!(report.cost.nanos() <= budget);
    }
}
