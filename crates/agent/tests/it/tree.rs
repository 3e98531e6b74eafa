//! A tree of runs: one account, one listener, one set of placeholders.

use std::sync::Arc;

use futures::StreamExt as _;
use largestack_agent::{Agent, Position, RunEvent, RunOptions, Runs, Runtime};
use largestack_engine::{Recorded, Status};
use largestack_guard::{Action, Policy};
use largestack_ports::sessions::vault_root;
use largestack_ports::tool::ToolOutput;
use largestack_ports::vault::TokenVault as _;
use largestack_testkit::Turn;
use largestack_types::call::Call;
use largestack_types::delta::Delta;
use largestack_types::id::RunId;
use largestack_types::label::DataClass;
use largestack_types::limits::Limits;
use largestack_types::money::Money;

use crate::metered::{Metered, PRICE, TOP, at_every_cut, has_result, is};
use crate::world::{Spy, World};

/// A number that passes the checksum of cards and belongs to nobody.
const CARD: &str = "4111 1111 1111 1111";

/// Three agents above one another; the lowest calls a tool.
fn three(call: &Call) -> Turn {
    match () {
        () if is(call, "lowest") && has_result(call) => Turn::text("42"),
        () if is(call, "lowest") => Turn::tool("mark", r#"{"n":1}"#),
        () if has_result(call) => Turn::text("It is 42."),
        () if is(call, "middle") => Turn::tool("lowest", r#"{"task":"b"}"#),
        () => Turn::tool("middle", r#"{"task":"a"}"#),
    }
}

fn named(name: &str, budget: Option<i64>) -> largestack_agent::AgentBuilder {
    let budget = budget.map(Money::from_nanos);
    let limits = Limits { budget, wall_clock: None, ..Limits::default() };
    Agent::builder(name).instructions(format!("You are {name}.")).model("test/model").limits(limits)
}

fn tower(runtime: &Runtime, mark: &Spy, budget: Option<i64>) -> Agent {
    let build = |builder: largestack_agent::AgentBuilder| builder.build(runtime.clone()).unwrap();
    let lowest = build(named("lowest", None).tool(mark.clone()));
    let middle = build(named("middle", None).tool(lowest.as_tool("lowest", "x")));
    build(named("top", budget).tool(middle.as_tool("middle", "x")))
}

fn returned(before: &[(RunId, Recorded)]) -> usize {
    let returned = before.iter().filter(|(_, fact)| fact.event.kind() == "tool_returned");
    usize::from(returned.count() > 0)
}

#[tokio::test]
async fn the_account_of_a_tree_is_right_at_every_call_after_a_cut_at_any_event() {
    for budget in [None, Some(6 * PRICE)] {
        let mark = Spy::echo("mark");
        let seen = Arc::clone(&mark.seen);
        let build = |_: &World, runtime| {
            seen.lock().unwrap().clear();
            tower(&runtime, &mark, budget)
        };
        at_every_cut(&Metered::new(three), build, |report, before| {
            assert_eq!((report.status, &*report.text), (Status::Completed, "It is 42."));
            assert_eq!(report.cost.nanos(), 6 * PRICE);
            assert_eq!(mark.count(), 1 - returned(before));
        })
        .await;
    }
}

#[tokio::test]
async fn a_tree_that_was_cut_off_may_spend_no_more_than_one_that_was_not() {
    // The last answer of the top does not fit, wherever the process was killed.
    let mark = Spy::echo("mark");
    let build = |_: &World, runtime| tower(&runtime, &mark, Some(6 * PRICE - 1));
    at_every_cut(&Metered::new(three), build, |report, _| {
        assert_ne!(report.status, Status::Completed);
        assert_eq!(report.cost.nanos(), 5 * PRICE);
    })
    .await;
}

#[tokio::test]
async fn a_run_below_has_a_budget_of_its_own_within_the_one_above() {
    for (own, answers) in [(2 * PRICE, true), (2 * PRICE - 1, false)] {
        let (world, model) = (World::new([]), Metered::new(three));
        let runtime = model.runtime(&world);
        let lowest = named("lowest", Some(own)).tool(Spy::echo("mark"));
        let lowest = lowest.build(runtime.clone()).unwrap().as_tool("lowest", "x");
        let middle = named("middle", None).tool(lowest).build(runtime.clone()).unwrap();
        let top = named("top", Some(9 * PRICE)).tool(middle.as_tool("middle", "x"));
        let options = RunOptions { id: Some(TOP), ..RunOptions::default() };
        let report = top.build(runtime).unwrap().run_with(&world.scope, "go", options).await;
        let report = report.unwrap();
        assert_eq!(report.status, Status::Completed);
        assert_eq!(report.cost.nanos(), if answers { 6 } else { 5 } * PRICE);
    }
}

#[tokio::test]
async fn who_listens_to_a_run_hears_those_below_it_and_reads_its_own_words_alone() {
    let world = World::new([]);
    let agent = tower(&Metered::new(three).runtime(&world), &Spy::echo("mark"), None);
    let options = || RunOptions { id: Some(TOP), ..RunOptions::default() };
    let mut stream = agent.stream(&world.scope, "go", options());
    let (mut said, mut finished) = (Vec::new(), Vec::new());
    while let Some(event) = stream.next().await {
        let (path, event) = event.innermost();
        let path: Vec<_> = path.iter().map(|below| below.agent.to_string()).collect();
        match event {
            RunEvent::Delta { delta: Delta::Text { text }, .. } => said.push((path, text.clone())),
            RunEvent::Fact(fact) if fact.event.kind() == "run_finished" => finished.push(path),
            _ => {}
        }
    }
    let path = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (middle, lowest) = (path(&["middle"]), path(&["middle", "lowest"]));
    assert_eq!(finished, [lowest.clone(), middle.clone(), path(&[])]);
    let of = |who: &[String]| -> String {
        said.iter().filter(|(by, _)| by == who).map(|(_, text)| text.as_str()).collect()
    };
    assert_eq!(
        (of(&lowest), of(&middle), of(&[])),
        ("42".into(), "It is 42.".into(), "It is 42.".into())
    );

    let world = World::new([]);
    let agent = tower(&Metered::new(three).runtime(&world), &Spy::echo("mark"), None);
    let mut stream = agent.stream(&world.scope, "go", options());
    let words: Vec<String> = stream.text().collect().await;
    assert_eq!(words.concat(), "It is 42.");
}

#[tokio::test]
async fn who_follows_a_detached_run_hears_those_below_it_too() {
    let world = World::new([]);
    let runtime = Metered::new(three).runtime(&world);
    let agent = tower(&runtime, &Spy::echo("mark"), None);
    let handle =
        Runs::new(runtime).start(&agent, &world.scope, "go", RunOptions::default()).await.unwrap();
    let follower = handle.follow(Position::default());
    let heard: Vec<_> = follower.map(Result::unwrap).collect().await;
    let (mut below, mut last) = (0, 0);
    for followed in &heard {
        match &followed.event {
            RunEvent::Below(_) => below += 1,
            RunEvent::Fact(fact) => {
                assert_eq!(fact.seq, last + 1, "its own facts, without gaps");
                last = fact.seq;
            }
            _ => {}
        }
    }
    assert!(below > 0);
    // From any place on, the rest is heard and nothing twice.
    for (at, followed) in heard.iter().enumerate() {
        let rest: Vec<_> = handle.follow(followed.at).map(Result::unwrap).collect().await;
        let after: Vec<_> = heard[at + 1..].iter().map(|heard| &heard.event).collect();
        assert_eq!(rest.iter().map(|heard| &heard.event).collect::<Vec<_>>(), after, "from {at}");
    }
    let words: Vec<_> = handle.follow(Position::default()).text().collect().await;
    let words: String = words.into_iter().map(Result::unwrap).collect();
    assert_eq!(words, "It is 42.");
}

/// An agent that asks `helper`, which calls `pay`, in a session.
fn payers(world: &World, above: Policy, below: Policy, pay: Spy) -> Agent {
    let helper = Agent::builder("helper").model("test/model").guardrails(below).tool(pay);
    let helper = helper.build(world.runtime()).unwrap();
    let caller = Agent::builder("caller").model("test/model").guardrails(above);
    caller.tool(helper.as_tool("helper", "x")).build(world.runtime()).unwrap()
}

fn revealing(name: &str) -> Spy {
    Spy::echo(name).with(|options| options.access.reveals = [DataClass::Card].into_iter().collect())
}

/// What the helper's model was told, where the caller was asked about a card and hands it on.
async fn told(above: Policy, below: Policy) -> (String, Vec<String>) {
    let pay = revealing("pay");
    let world = World::new([
        Turn::tool("helper", r#"{"task":"charge <CARD_1:500000>"}"#),
        Turn::tool("pay", r#"{"card":"<CARD_1:500000>"}"#),
        Turn::text("charged <CARD_1:500000>"),
        Turn::text("It is done: <CARD_1:500000>."),
    ]);
    let agent = payers(&world, above, below, pay.clone());
    let options = RunOptions { id: Some(RunId::from_u128(5 << 56)), ..RunOptions::default() };
    agent.run_with(&world.scope, format!("charge {CARD}"), options).await.unwrap();
    let told = world.model.calls().get(1).map(|call| call.messages.last().unwrap().text());
    let paid = pay.seen.lock().unwrap().clone();
    (told.unwrap_or_default(), paid)
}

#[tokio::test]
async fn a_value_has_one_name_in_the_whole_tree_and_is_shown_as_each_agents_policy_says() {
    let card = |card| Policy { card, ..Policy::default() };
    let kept = Policy::default();
    let (told_kept, paid) = told(kept, kept).await;
    assert!(told_kept.starts_with("charge <CARD_1:"), "{told_kept}");
    assert!(paid[0].contains(CARD), "its tool may have it: {paid:?}");
    let (told_open, _) = told(kept, card(Action::Warn)).await;
    assert_eq!(told_open, format!("charge {CARD}"));
    let (told_redacted, paid) = told(kept, card(Action::Redact)).await;
    assert_eq!(told_redacted, "charge [CARD_REDACTED]");
    assert!(paid.iter().all(|paid| !paid.contains(CARD)), "{paid:?}");
    let (told_blocked, paid) = told(kept, card(Action::Block)).await;
    assert!(!told_blocked.contains("<CARD_1") && !told_blocked.contains(CARD), "{told_blocked}");
    assert!(paid.is_empty());
}

#[tokio::test]
async fn what_runs_below_keep_back_is_kept_with_the_session_and_forgotten_with_it() {
    let found = Spy::new("pay", |_, _| {
        Box::pin(async { Ok(ToolOutput::text(format!("the card is {CARD}"))) })
    });
    let world = World::new([
        Turn::tool("helper", r#"{"task":"find it"}"#),
        Turn::tool("pay", "{}"),
        Turn::text("found"),
        Turn::text("done"),
    ]);
    let agent = payers(&world, Policy::default(), Policy::default(), found);
    let session = "chat";
    let report =
        agent.run_with(&world.scope, "go", RunOptions::default().session(session)).await.unwrap();
    let child = report.children[0].run;
    assert!(!world.written(child).await.contains("4111"));
    let id = largestack_ports::sessions::SessionKey::from(session).id();
    let root = vault_root(world.scope.principal(), id);
    let kept = world.vault.all(&world.scope, root).await.unwrap();
    assert_eq!(kept.iter().map(|(_, value)| value.expose()).collect::<Vec<_>>(), [CARD]);
    assert!(world.vault.all(&world.scope, child).await.unwrap().is_empty());
    assert!(world.runtime().conversations().delete(&world.scope, session).await.unwrap());
    assert!(world.vault.all(&world.scope, root).await.unwrap().is_empty());
}

#[tokio::test]
async fn siblings_never_give_two_values_one_name() {
    let other = "5555 5555 5555 4444";
    let card = move |_, arguments: largestack_types::json::Json| {
        let card = if arguments.as_str().contains("one") { CARD } else { other };
        Box::pin(async move { Ok(ToolOutput::text(format!("the card is {card}"))) })
            as largestack_ports::BoxFuture<'static, _>
    };
    let model = Metered::new(|call: &Call| {
        let asked = call.messages.iter().find(|m| m.role == largestack_types::message::Role::User);
        let asked = asked.map(|message| message.text()).unwrap_or_default();
        match (has_result(call), &*asked) {
            (false, "go") => {
                Turn::tool("helper", r#"{"task":"one"}"#).and_tool("helper", r#"{"task":"two"}"#)
            }
            (false, task) => Turn::tool("pay", &format!(r#"{{"which":"{task}"}}"#)),
            (true, _) => Turn::text("done"),
        }
    });
    let world = World::new([]);
    let runtime = model.runtime(&world);
    let helper = Agent::builder("helper").model("m/m").tool(Spy::new("pay", card));
    let helper = helper.build(runtime.clone()).unwrap();
    let caller = Agent::builder("caller").model("m/m").tool(helper.as_tool("helper", "x"));
    let options = RunOptions { id: Some(TOP), ..RunOptions::default() };
    caller.build(runtime).unwrap().run_with(&world.scope, "go", options).await.unwrap();
    let kept = world.vault.all(&world.scope, TOP).await.unwrap();
    let mut names: Vec<_> = kept.iter().map(|(name, _)| name.clone()).collect();
    names.sort();
    names.dedup();
    assert_eq!((kept.len(), names.len()), (2, 2));
}
