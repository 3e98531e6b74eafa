//! Tools: validated before they run, bounded, in order, honest about failure.

use std::time::Duration;

use largestack_agent::pipeline::Permissions;
use largestack_engine::Status;
use largestack_engine::event::{Event, ToolOutcome};
use largestack_ports::journal::Journal as _;
use largestack_ports::tool::{ToolFailure, ToolOutput};
use largestack_testkit::Turn;
use largestack_types::error::{Code, Coded as _};
use largestack_types::part::Body;

use crate::world::{Spy, World, pass};

async fn outcomes(world: &World, run: largestack_types::id::RunId) -> Vec<ToolOutcome> {
    let events = world.events(run).await;
    let outcome = |event: &std::sync::Arc<Event>| match &**event {
        Event::ToolReturned(returned) => Some(returned.outcome),
        _ => None,
    };
    events.iter().filter_map(outcome).collect()
}

/// What the model read about its calls in its last request.
fn told(world: &World) -> Vec<(String, bool)> {
    let calls = world.model.calls();
    let messages = &calls.last().unwrap().messages;
    let parts = messages.iter().flat_map(|message| &message.parts);
    parts
        .filter_map(|part| match &part.body {
            Body::ToolResult(result) => Some((result.text.to_string(), result.is_error)),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn calls_of_a_turn_run_at_once_and_their_results_keep_the_order_of_the_calls() {
    let turn = Turn::tool("slow", r#"{"n":1}"#).and_tool("fast", r#"{"n":2}"#);
    let world = World::new([turn, Turn::text("done")]);
    let (send, receive) = tokio::sync::oneshot::channel::<()>();
    let (send, receive) = (std::sync::Mutex::new(Some(send)), std::sync::Mutex::new(Some(receive)));
    // The slow one waits for the fast one: run one after the other they would never end.
    let slow = Spy::new("slow", move |_, _| {
        let receive = receive.lock().unwrap().take().unwrap();
        Box::pin(async move {
            receive.await.unwrap();
            Ok(ToolOutput::text("slow"))
        })
    });
    let fast = Spy::new("fast", move |_, _| {
        send.lock().unwrap().take().unwrap().send(()).unwrap();
        Box::pin(async { Ok(ToolOutput::text("fast")) })
    });
    let report = world.agent(|a| a.tool(slow).tool(fast)).run(&world.scope, "go").await.unwrap();
    assert_eq!(report.status, Status::Completed);
    assert_eq!(told(&world), [("slow".to_owned(), false), ("fast".to_owned(), false)]);
}

#[tokio::test]
async fn malformed_arguments_go_back_to_the_model_and_never_to_the_function() {
    let world = World::new([Turn::tool("echo", r#"{"n": "#), Turn::text("sorry")]);
    let echo = Spy::echo("echo");
    let report = world.agent(|a| a.tool(echo.clone())).run(&world.scope, "go").await.unwrap();
    assert_eq!((report.status, echo.count()), (Status::Completed, 0));
    assert!(told(&world)[0].0.contains("not valid JSON"), "{:?}", told(&world));
    assert_eq!(outcomes(&world, report.run).await, [ToolOutcome::InvalidArguments]);
}

#[tokio::test]
async fn arguments_that_do_not_fit_the_schema_never_reach_the_function() {
    for (arguments, runs) in [(r#"{"n":0}"#, 1), (r#"{"n":-1}"#, 0), (r#"{"n":"1"}"#, 0), ("[]", 0)]
    {
        let world = World::new([Turn::tool("echo", arguments), Turn::text("ok")]);
        let echo = Spy::echo("echo");
        world.agent(|a| a.tool(echo.clone())).run(&world.scope, "go").await.unwrap();
        assert_eq!(echo.count(), runs, "{arguments}");
    }
}

#[tokio::test]
async fn an_unknown_tool_is_told_to_the_model() {
    let world = World::new([Turn::tool("nope", "{}"), Turn::text("ok")]);
    let report = world.agent(|a| a).run(&world.scope, "go").await.unwrap();
    assert_eq!(told(&world), [("There is no tool `nope`.".to_owned(), true)]);
    assert_eq!(outcomes(&world, report.run).await, [ToolOutcome::Unknown]);
}

#[tokio::test]
async fn an_empty_allow_list_allows_nothing_and_a_denied_tool_is_not_offered() {
    let lists = [
        (Permissions { allow: Some([].into()), ..Permissions::default() }, 0),
        (Permissions { deny: ["echo".to_owned()].into(), ..Permissions::default() }, 0),
        (Permissions { allow: Some(["echo".to_owned()].into()), ..Permissions::default() }, 1),
        (Permissions::default(), 1),
    ];
    for (permissions, runs) in lists {
        let world = World::new([Turn::tool("echo", "{}"), Turn::text("ok")]);
        let echo = Spy::echo("echo");
        let agent = world.agent(|a| a.tool(echo.clone()).permissions(permissions.clone()));
        agent.run(&world.scope, "go").await.unwrap();
        assert_eq!(echo.count(), runs, "{permissions:?}");
        assert_eq!(world.model.calls()[0].tools.len(), runs, "{permissions:?}");
        assert_eq!(told(&world)[0].0.contains("LARGESTACK_TOOL_PERM"), runs == 0);
    }
}

#[tokio::test]
async fn a_long_result_is_capped_with_a_handle_to_the_whole() {
    let world = World::new([Turn::tool("big", "{}"), Turn::text("ok")]);
    let big = Spy::new("big", |_, _| Box::pin(async { Ok(ToolOutput::text("x".repeat(101))) }));
    let agent = world.agent(|a| a.tool(big.with(|o| o.max_result_chars = 100)));
    let report = agent.run(&world.scope, "go").await.unwrap();
    let messages = &report.messages;
    let Body::ToolResult(result) = &messages[2].parts[0].body else { panic!("no result") };
    assert!(result.text.contains("1 characters left out"));
    let hash = largestack_types::hash::Hash::parse(result.handle.as_ref().unwrap()).unwrap();
    let whole = world.journal.blob(&world.scope, hash).await.unwrap().unwrap();
    assert_eq!(whole.len(), 101);
}

#[tokio::test]
async fn only_an_idempotent_tool_is_tried_again_and_only_after_a_transient_failure() {
    let cases = [
        (true, ToolFailure::transient("busy"), 2),
        (true, ToolFailure::new("broken"), 1),
        (false, ToolFailure::transient("busy"), 1),
    ];
    for (idempotent, failure, runs) in cases {
        let world = World::new([Turn::tool("flaky", "{}"), Turn::text("ok")]);
        let flaky = Spy::failing("flaky", 1, failure).with(|o| o.retries = 3);
        let flaky = if idempotent { flaky } else { flaky.unsafe_to_repeat() };
        let agent = world.agent(|a| a.tool(flaky.clone()));
        let clock = world.clock.clone();
        let running = agent.run(&world.scope, "go");
        let (report, ()) = tokio::join!(running, async {
            for _ in 0..4 {
                pass(&clock, Duration::from_millis(400)).await;
            }
        });
        assert_eq!(report.unwrap().status, Status::Completed);
        assert_eq!(flaky.count(), runs);
    }
}

#[tokio::test]
async fn a_tool_that_does_not_return_in_time_is_cancelled_and_the_model_is_told() {
    let world = World::new([Turn::tool("stuck", "{}"), Turn::text("ok")]);
    let stuck = Spy::stuck("stuck").with(|o| o.timeout = Duration::from_secs(5));
    let agent = world.agent(|a| a.tool(stuck));
    let clock = world.clock.clone();
    let (report, ()) = tokio::join!(agent.run(&world.scope, "go"), async {
        pass(&clock, Duration::from_secs(4)).await;
        pass(&clock, Duration::from_secs(1)).await;
    });
    let report = report.unwrap();
    assert_eq!(told(&world), [("timed out after 5000 ms".to_owned(), true)]);
    assert_eq!(outcomes(&world, report.run).await, [ToolOutcome::TimedOut]);
}

#[tokio::test]
async fn a_failure_is_told_to_the_model_unless_it_is_to_be_raised() {
    for raise in [false, true] {
        let world = World::new([Turn::tool("bad", "{}"), Turn::text("ok")]);
        let bad = Spy::failing("bad", 9, ToolFailure::new("no such row")).with(|o| o.raise = raise);
        let report = world.agent(|a| a.tool(bad)).run(&world.scope, "go").await.unwrap();
        if raise {
            let error = report.into_result().unwrap_err();
            assert_eq!(error.code(), Code::Tool);
            assert!(error.message().contains("no such row"));
        } else {
            assert_eq!(told(&world), [("no such row".to_owned(), true)]);
            assert_eq!(report.status, Status::Completed);
        }
    }
}

#[tokio::test]
async fn a_tool_gets_its_key_its_deps_and_the_label_of_its_arguments() {
    let world = World::new([Turn::tool("look", "{}"), Turn::text("ok")]);
    let look = Spy::new("look", |context, _| {
        Box::pin(async move {
            let deps = context.deps.downcast_ref::<u32>().copied();
            let origins: Vec<_> =
                context.label.origins.iter().map(largestack_types::label::Origin::name).collect();
            let text = format!("{} {deps:?} {}", context.idempotency_key, origins.join("+"));
            Ok(ToolOutput::text(text))
        })
    });
    let options = largestack_agent::RunOptions {
        deps: std::sync::Arc::new(7_u32),
        ..largestack_agent::RunOptions::default()
    };
    let agent = world.agent(|a| a.tool(look));
    let report = agent.run_with(&world.scope, "go", options).await.unwrap();
    let expected = format!("{}.2 Some(7) operator+user+agent", report.run);
    assert_eq!(told(&world), [(expected, false)]);
}

#[tokio::test]
async fn two_tools_of_one_name_and_a_tool_with_an_unusable_schema_are_refused() {
    let world = World::new([]);
    let builder = || largestack_agent::Agent::builder("a").model("m");
    let twice = builder().tool(Spy::echo("x")).tool(Spy::echo("x")).build(world.runtime());
    assert!(twice.err().unwrap().message().contains("two tools are named `x`"));
    let named = builder().tool(Spy::echo("no spaces")).build(world.runtime());
    assert_eq!(named.err().unwrap().code(), Code::Config);
}
