//! How tools are run: attempts, breakers, rates, rules, shared results, sensitive values.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use largestack_agent::pipeline::Permissions;
use largestack_agent::{Agent, Report};
use largestack_engine::Status;
use largestack_engine::event::{Event, ToolOutcome};
use largestack_guard::{Action, Policy};
use largestack_ports::limits::Rate;
use largestack_ports::tool::{
    ArgumentRule, Backoff, BreakerOptions, Cancelled, Capability, Growth, ToolFailure, ToolOptions,
    ToolOutput,
};
use largestack_testkit::Turn;
use largestack_types::error::Coded as _;
use largestack_types::id::RunId;
use largestack_types::json::Json;
use largestack_types::label::{DataClass, DataClasses};
use largestack_types::part::Body;
use largestack_types::scope::{Scope, TenantId};

use crate::world::{Spy, World, pass};

const CARD: &str = "4111 1111 1111 1111";

fn no_pauses(options: &mut ToolOptions) {
    options.backoff = Backoff { growth: Growth::None, ..Backoff::default() };
}

/// As many turns with one call of the tool as there are arguments, then an answer.
fn calls<'a>(tool: &str, arguments: impl IntoIterator<Item = &'a str>) -> Vec<Turn> {
    let turns = arguments.into_iter().map(|arguments| Turn::tool(tool, arguments));
    turns.chain([Turn::text("done")]).collect()
}

fn results(report: &Report) -> Vec<String> {
    let parts = report.messages.iter().flat_map(|message| &message.parts);
    parts
        .filter_map(|part| match &part.body {
            Body::ToolResult(result) => Some(result.text.to_string()),
            _ => None,
        })
        .collect()
}

async fn returned(world: &World, run: RunId) -> Vec<(ToolOutcome, bool)> {
    let events = world.events(run).await;
    let outcome = |event: &Arc<Event>| match &**event {
        Event::ToolReturned(returned) => Some((returned.outcome, returned.shared)),
        _ => None,
    };
    events.iter().filter_map(outcome).collect()
}

#[tokio::test]
async fn side_effects_are_repeated_only_after_a_failure_that_says_there_were_none() {
    for (failure, runs) in
        [(ToolFailure::before_anything("refused"), 3), (ToolFailure::transient("reset"), 1)]
    {
        let world = World::new(calls("act", ["{}"]));
        let act = Spy::failing("act", 2, failure).unsafe_to_repeat().with(|o| o.retries = 2);
        let act = act.with(no_pauses);
        let agent = world.agent(|a| a.tool(act.clone()));
        assert_eq!(agent.run(&world.scope, "go").await.unwrap().status, Status::Completed);
        assert_eq!(act.count(), runs);
    }
}

#[tokio::test]
async fn pauses_between_attempts_are_those_of_the_backoff() {
    let world = World::new(calls("flaky", ["{}"]));
    let flaky = Spy::failing("flaky", 2, ToolFailure::transient("busy")).with(|o| {
        o.retries = 2;
        o.backoff = Backoff { growth: Growth::Linear, jitter: false, ..Backoff::default() };
    });
    let agent = world.agent(|a| a.tool(flaky.clone()));
    let (clock, seen) = (world.clock.clone(), flaky.clone());
    let (report, counts) = tokio::join!(agent.run(&world.scope, "go"), async {
        let mut counts = Vec::new();
        for millis in [999, 1, 1_999, 1] {
            pass(&clock, Duration::from_millis(millis)).await;
            pass(&clock, Duration::ZERO).await;
            counts.push(seen.count());
        }
        counts
    });
    assert_eq!(report.unwrap().status, Status::Completed);
    assert_eq!(counts, [1, 2, 2, 3]);
}

#[tokio::test]
async fn what_times_out_or_ends_with_its_run_is_told_that_nobody_waits() {
    let told: Arc<Mutex<Vec<Cancelled>>> = Arc::default();
    let world = World::new(calls("stuck", ["{}"]));
    let kept = Arc::clone(&told);
    let stuck = Spy::new("stuck", move |context, _| {
        kept.lock().unwrap().push(context.cancelled);
        Box::pin(std::future::pending())
    });
    let agent = world.agent(|a| a.tool(stuck));
    let clock = world.clock.clone();
    let (report, ()) = tokio::join!(agent.run(&world.scope, "go"), async {
        pass(&clock, Duration::from_secs(29)).await;
        assert!(!told.lock().unwrap()[0].is_set());
        pass(&clock, Duration::from_secs(1)).await;
    });
    assert_eq!(returned(&world, report.unwrap().run).await, [(ToolOutcome::TimedOut, false)]);
    assert!(told.lock().unwrap()[0].is_set());
}

#[tokio::test]
async fn a_tool_that_panics_has_failed_and_the_run_goes_on() {
    let world = World::new(calls("panics", ["{}"]));
    let panics = Spy::new("panics", |_, _| Box::pin(async { panic!("on purpose") }));
    let report = world.agent(|a| a.tool(panics)).run(&world.scope, "go").await.unwrap();
    assert_eq!(report.status, Status::Completed);
    assert_eq!(results(&report), ["the tool ended without a result"]);
}

#[tokio::test]
async fn a_failure_reaches_the_model_and_the_journal_without_the_secrets_in_it() {
    for raise in [false, true] {
        let world = World::new(calls("leaky", ["{}"]));
        let text = format!("the gateway refused card {CARD}");
        let leaky = Spy::failing("leaky", 9, ToolFailure::new(text)).with(|o| o.raise = raise);
        let report = world.agent(|a| a.tool(leaky)).run(&world.scope, "go").await.unwrap();
        let written = world.written(report.run).await;
        assert!(written.contains("the gateway refused card <CARD_1:"), "{written}");
        assert!(!written.contains(CARD));
        if let Err(error) = report.into_result() {
            assert!(raise && !error.to_string().contains(CARD), "{error}");
        }
    }
}

#[tokio::test]
async fn a_tool_that_keeps_failing_is_left_alone_until_one_call_has_tried_it() {
    let world = World::new(calls("down", [r#"{"n":1}"#, r#"{"n":2}"#, r#"{"n":3}"#, r#"{"n":4}"#]));
    let clock = world.clock.clone();
    let down = Spy::new("down", move |_, _| {
        clock.advance(Duration::from_secs(20));
        Box::pin(async { Err(ToolFailure::transient("no answer")) })
    });
    let down = down.with(|o| o.breaker = Some(BreakerOptions::after(2)));
    let report = world.agent(|a| a.tool(down.clone())).run(&world.scope, "go").await.unwrap();
    assert_eq!(down.count(), 2);
    assert!(results(&report)[2].contains("try again in 30 s"), "{:?}", results(&report));
    assert_eq!(returned(&world, report.run).await[2].0, ToolOutcome::Skipped);
}

#[tokio::test]
async fn calls_are_counted_for_an_agent_and_for_a_tenant_and_one_too_many_does_not_run() {
    let turns = || calls("act", [r#"{"n":1}"#, r#"{"n":2}"#, r#"{"n":3}"#]);
    for (change, first, second) in [
        ((|o| o.agent_rate = Some(Rate::per_minute(2))) as fn(&mut ToolOptions), 2, 2),
        (|o| o.tenant_rate = Some(Rate::per_minute(4)), 3, 1),
    ] {
        let world = World::new(turns().into_iter().chain(turns()));
        let runtime = world.runtime();
        let mut counts = Vec::new();
        for name in ["one", "two"] {
            let act = Spy::echo("act").with(change);
            let builder = Agent::builder(name).model("test/model").tool(act.clone());
            let agent = builder.build(runtime.clone()).unwrap();
            let report = agent.run(&world.scope, "go").await.unwrap();
            let skipped = returned(&world, report.run).await;
            let skipped = skipped.iter().filter(|r| r.0 == ToolOutcome::Skipped).count();
            assert_eq!(act.count() + skipped, 3);
            counts.push(act.count());
        }
        assert_eq!(counts, [first, second]);
    }
}

#[tokio::test]
async fn arguments_that_an_operator_does_not_allow_a_tenant_are_denied() {
    let rule = |tenant: Option<&str>, most: u32| ArgumentRule {
        tenant: tenant.map(|name| TenantId::new(name).unwrap()),
        schema: Json::parse(format!(
            r#"{{"required":["n"],"properties":{{"n":{{"maximum":{most}}}}}}}"#
        ))
        .unwrap(),
    };
    let other = Scope::authenticated(TenantId::new("acme").unwrap(), "ann");
    for (arguments, local, acme) in
        [(r#"{"n":5}"#, 1, 1), (r#"{"n":6}"#, 1, 0), (r#"{"n":11}"#, 0, 0), ("{}", 0, 0)]
    {
        for (scope, runs) in [(Scope::local(), local), (other.clone(), acme)] {
            let world = World::new(calls("act", [arguments]));
            let act = Spy::echo("act");
            let rules = vec![rule(None, 10), rule(Some("acme"), 5)];
            let agent = world
                .agent(|a| a.tool(act.clone()).tool_options("act", |o| o.access.arguments = rules));
            let report = agent.run(&scope, "go").await.unwrap();
            assert_eq!(act.count(), runs, "{arguments} {scope:?}");
            let denied = results(&report)[0].contains("Denied (LARGESTACK_TOOL_PERM)");
            assert_eq!(denied, runs == 0, "{:?}", results(&report));
        }
    }
}

#[tokio::test]
async fn capabilities_allow_what_they_cover_and_a_tool_that_declares_none_is_covered_by_no_list() {
    use Capability::{Delete, Read, Write};
    let allow = |list: &[Capability]| Permissions {
        allow_capabilities: Some(list.iter().copied().collect()),
        ..Permissions::default()
    };
    let deny = |list: &[Capability]| Permissions {
        deny_capabilities: list.iter().copied().collect(),
        ..Permissions::default()
    };
    let both = Permissions { deny_capabilities: [Write].into(), ..allow(&[Read, Write]) };
    let cases: [(&[Capability], Permissions, usize); 9] = [
        (&[Read], allow(&[Read]), 1),
        (&[Read, Delete], allow(&[Read]), 0),
        (&[Read], allow(&[]), 0),
        (&[], allow(&[Read]), 0),
        (&[], deny(&[Read]), 1),
        (&[Write], deny(&[Read]), 1),
        (&[Read, Write], deny(&[Write]), 0),
        (&[Read, Write], both.clone(), 0),
        (&[Read], both, 1),
    ];
    for (does, permissions, runs) in cases {
        let world = World::new(calls("act", ["{}"]));
        let act = Spy::echo("act").with(|o| o.access.capabilities = does.iter().copied().collect());
        let agent = world.agent(|a| a.tool(act.clone()).permissions(permissions.clone()));
        agent.run(&world.scope, "go").await.unwrap();
        assert_eq!(act.count(), runs, "{does:?} {permissions:?}");
        assert_eq!(agent.definition().tools.len(), runs, "{does:?} {permissions:?}");
    }
}

fn shared(name: &str) -> Spy {
    Spy::echo(name).with(|o| o.cache = Some(Duration::from_mins(1)))
}

#[tokio::test]
async fn a_result_is_given_again_to_the_same_principal_for_the_same_arguments_until_it_expires() {
    let tenant = Scope::local().tenant().clone();
    let ann = Scope::authenticated(tenant.clone(), "ann");
    let cases: [(&Scope, &str, &str, u64, usize); 6] = [
        (&ann, r#"{"n":1,"m":2}"#, "", 0, 1),
        (&ann, r#"{ "m": 2, "n": 1 }"#, "", 59, 1),
        (&Scope::authenticated(tenant, "bob"), r#"{"n":1,"m":2}"#, "", 0, 2),
        (&ann, r#"{"n":1,"m":2}"#, "v2", 0, 3),
        (&ann, r#"{"n":1,"m":3}"#, "", 0, 4),
        (&ann, r#"{"n":1,"m":2}"#, "", 1, 5),
    ];
    let world = World::new(cases.iter().flat_map(|case| calls("look", [case.1])));
    let runtime = world.runtime();
    let look = shared("look");
    for (scope, arguments, version, later, runs) in cases {
        world.clock.advance(Duration::from_secs(later));
        let versioned = look.clone().with(|o| o.version = version.into());
        let builder = Agent::builder("a").model("test/model").tool(versioned);
        let report = builder.build(runtime.clone()).unwrap().run(scope, "go").await.unwrap();
        let before = look.count();
        assert_eq!(before, runs, "{arguments} {version}");
        assert!(results(&report)[0].contains("\"m\""));
    }
}

#[tokio::test]
async fn calls_that_come_while_one_is_running_wait_for_its_result() {
    let turn = (0..4).fold(Turn::tool("look", "{}"), |turn, _| turn.and_tool("look", "{}"));
    for secret in [false, true] {
        let world = World::new([turn.clone(), Turn::text("done")]);
        let running = Arc::new(AtomicUsize::new(0));
        let text = if secret { CARD } else { "fine" };
        let look = Spy::new("look", move |_, _| {
            let running = Arc::clone(&running);
            Box::pin(async move {
                running.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                Ok(ToolOutput::text(text))
            })
        });
        let look = look.with(|o| o.cache = Some(Duration::from_mins(1)));
        let report = world.agent(|a| a.tool(look.clone())).run(&world.scope, "go").await.unwrap();
        // What a guard takes something out of is kept nowhere, so that everybody does the work.
        assert_eq!(look.count(), if secret { 5 } else { 1 });
        let again = returned(&world, report.run).await;
        assert_eq!(again.iter().filter(|(_, shared)| *shared).count(), if secret { 0 } else { 4 });
        assert_eq!(results(&report).len(), 5);
    }
}

#[tokio::test]
async fn a_failure_is_never_given_again() {
    let world = World::new(calls("look", ["{}"]).into_iter().chain(calls("look", ["{}"])));
    let look = Spy::failing("look", 1, ToolFailure::new("broken"));
    let look = look.with(|o| o.cache = Some(Duration::from_mins(1)));
    let agent = world.agent(|a| a.tool(look.clone()));
    assert_eq!(results(&agent.run(&world.scope, "go").await.unwrap()), ["broken"]);
    assert_eq!(results(&agent.run(&world.scope, "go").await.unwrap()), ["ok"]);
}

#[tokio::test]
async fn a_tool_is_given_the_sensitive_values_of_its_classes_and_placeholders_of_others() {
    for (reveals, clear) in [
        (DataClasses::EMPTY, false),
        (DataClasses::of(DataClass::Contact), false),
        (DataClasses::of(DataClass::Card), true),
    ] {
        let pay = Spy::echo("pay").with(|o| o.access.reveals = reveals);
        let policy = Policy { card: Action::Tokenise, ..Policy::default() };
        let turns = calls("pay", [&*format!(r#"{{"card":"{CARD}"}}"#)]);
        let world = World::new(turns);
        let agent = world.agent(|a| a.tool(pay.clone()).guardrails(policy));
        let report = agent.run(&world.scope, "go").await.unwrap();
        assert_eq!(pay.seen.lock().unwrap()[0].contains(CARD), clear, "{reveals:?}");
        assert!(!world.written(report.run).await.contains(CARD), "{reveals:?}");
    }
}

#[test]
fn options_that_contradict_their_tool_or_name_none_are_refused_together() {
    let world = World::new([]);
    let act = Spy::echo("act").unsafe_to_repeat();
    let built = Agent::builder("a")
        .model("m")
        .tool(act)
        .tool_options("act", |o| {
            o.cache = Some(Duration::from_secs(1));
            o.timeout = Duration::ZERO;
            o.breaker = Some(BreakerOptions::after(0));
            o.agent_rate = Some(Rate::per_minute(0));
        })
        .tool_options("axt", |_| {})
        .build(world.runtime());
    let message = built.err().unwrap().message();
    for part in ["`cache` needs", "`timeout` must", "`breaker` needs", "a rate must", "`axt`"] {
        assert!(message.contains(part), "{message}");
    }
}

#[tokio::test]
async fn an_operator_changes_how_a_tool_is_run() {
    let world = World::new(calls("look", ["{}"]));
    let look = Spy::new("look", |_, _| Box::pin(async { Ok(ToolOutput::text("x".repeat(50))) }));
    let agent = world.agent(|a| a.tool(look).tool_options("look", |o| o.max_result_chars = 10));
    let report = agent.run(&world.scope, "go").await.unwrap();
    assert!(results(&report)[0].contains("40 characters left out"));
}
