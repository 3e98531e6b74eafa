//! What must not leave: not to the model, not into the journal, not into the stream.

use std::sync::Arc;

use largestack_agent::RunOptions;
use largestack_engine::Status;
use largestack_guard::{Action, Policy};
use largestack_ports::journal::Journal as _;
use largestack_ports::tool::ToolOutput;
use largestack_ports::vault::TokenVault as _;
use largestack_testkit::Turn;
use largestack_types::error::{Code, Coded as _};
use largestack_types::message::Message;
use largestack_types::part::PartId;

use crate::streaming::heard_by;
use crate::world::{Spy, World};

/// A number that passes the checksum of cards and belongs to nobody.
const CARD: &str = "4111 1111 1111 1111";

fn sent(world: &World) -> String {
    let calls = world.model.calls();
    calls.iter().map(|call| serde_json::to_string(&call.messages).unwrap()).collect()
}

#[tokio::test]
async fn a_card_in_the_question_reaches_neither_model_nor_journal_and_comes_back_in_the_answer() {
    let world = World::new([Turn::text("placeholder")]);
    let agent = world.agent(|a| a);
    let report = agent.run(&world.scope, format!("charge {CARD} please")).await.unwrap();
    assert!(!sent(&world).contains("4111"), "{}", sent(&world));
    assert!(!world.written(report.run).await.contains("4111"));
    assert!(world.kinds(report.run).await.contains(&"guarded"));
    let kept = world.vault.all(&world.scope, report.run).await.unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].1.expose(), CARD);

    // A model that repeats the placeholder: whoever asked reads their own value.
    let placeholder = kept[0].0.clone();
    let world = World::new([Turn::text(format!("charged {placeholder}"))]);
    let agent = world.agent(|a| a);
    let report = agent.run(&world.scope, format!("charge {CARD} please")).await.unwrap();
    assert_eq!(report.text, format!("charged {CARD}"));
    assert!(!world.written(report.run).await.contains("4111"));
}

#[tokio::test]
async fn a_secret_in_a_tool_result_is_not_shown_to_the_model_nor_in_the_answer() {
    let key = format!("sk-ant-{}", "api03-Zx81".repeat(9));
    let world = World::new([Turn::tool("env", "{}"), Turn::text("ok")]);
    let text = format!("ANTHROPIC_API_KEY={key}");
    let env = Spy::new("env", move |_, _| {
        let text = text.clone();
        Box::pin(async move { Ok(ToolOutput::text(text)) })
    });
    let report = world.agent(|a| a.tool(env)).run(&world.scope, "go").await.unwrap();
    assert!(!sent(&world).contains(&key));
    assert!(!world.written(report.run).await.contains(&key));
    let label = report.messages[2].parts[0].label;
    assert!(label.classes.is_empty(), "the model reads no secret: {label:?}");
}

#[tokio::test]
async fn a_secret_in_tool_arguments_is_not_journaled_in_clear() {
    let arguments = format!(r#"{{"number":"{CARD}"}}"#);
    let world = World::new([Turn::tool("pay", &arguments), Turn::text("paid")]);
    let pay = Spy::echo("pay");
    let report = world.agent(|a| a.tool(pay.clone())).run(&world.scope, "go").await.unwrap();
    assert_eq!(report.status, Status::Completed);
    assert!(!world.written(report.run).await.contains("4111"));
    assert!(pay.seen.lock().unwrap()[0].contains("<CARD_1:"));
}

#[tokio::test]
async fn a_blocked_input_is_an_error_that_names_the_guard() {
    let world = World::new([Turn::text("x")]);
    let policy = Policy { card: Action::Block, ..Policy::default() };
    let agent = world.agent(|a| a.guardrails(policy));
    let error = agent.run(&world.scope, format!("charge {CARD}")).await.unwrap_err();
    assert_eq!((error.code(), error.guard_type()), (Code::Guardrail, Some("card")));
    assert!(!error.to_string().contains("4111"));
    assert!(world.model.calls().is_empty());
}

#[tokio::test]
async fn a_blocked_input_is_recorded_with_its_finding_and_without_the_value() {
    let world = World::new([Turn::text("x")]);
    let policy = Policy { card: Action::Block, ..Policy::default() };
    let agent = world.agent(|a| a.guardrails(policy));
    agent.run(&world.scope, format!("charge {CARD}")).await.unwrap_err();
    let runs = world.journal.runs(&world.scope, 2).await.unwrap();
    assert_eq!((runs.len(), runs[0].status), (1, Status::Failed));
    let written = world.written(runs[0].run).await;
    assert!(!written.contains("4111"), "{written}");
    assert!(written.contains(r#""kind":"card""#) && written.contains(r#""action":"block""#));
    assert!(written.contains("GuardrailBlockedError"), "{written}");
}

#[tokio::test]
async fn a_blocked_reply_fails_the_run_and_its_cost_is_booked() {
    let world = World::new([Turn::text(format!("it is {CARD}")).usage(30, 9)]);
    let policy = Policy { card: Action::Block, ..Policy::default() };
    let report = world.agent(|a| a.guardrails(policy)).run(&world.scope, "go").await.unwrap();
    assert_eq!(report.error.as_ref().unwrap().guard_type(), Some("card"));
    assert_eq!(report.usage.total_tokens(), 39);
    assert!(!world.written(report.run).await.contains("4111"));
}

/// What the journal of the only run holds of what was found.
async fn found(world: &World) -> String {
    let runs = world.journal.runs(&world.scope, 2).await.unwrap();
    assert_eq!(runs.len(), 1);
    let written = world.written(runs[0].run).await;
    assert!(!written.contains("4111"), "{written}");
    written
}

#[tokio::test]
async fn whatever_is_blocked_leaves_its_finding_in_the_journal_and_not_its_value() {
    let card = Policy { card: Action::Block, ..Policy::default() };
    let blocked = r#""kind":"card""#;
    let said = || [Turn::text(format!("it is {CARD}"))];

    let world = World::new(said());
    world.agent(|a| a.guardrails(card)).run(&world.scope, "go").await.unwrap();
    let written = found(&world).await;
    assert!(written.contains(blocked) && written.contains("guard_output"), "{written}");

    let world = World::new(said());
    let agent = world.agent(|a| a.guardrails(card));
    heard_by(&world, &agent, "go").await;
    let written = found(&world).await;
    assert_eq!(written.matches(blocked).count(), 1, "{written}");

    let world = World::new([Turn::tool("echo", "{}"), Turn::text("x")]);
    let told =
        Spy::new("echo", |_, _| Box::pin(async { Ok(ToolOutput::text(format!("it is {CARD}"))) }));
    world.agent(|a| a.guardrails(card).tool(told)).run(&world.scope, "go").await.unwrap();
    let written = found(&world).await;
    assert!(written.contains(blocked) && written.contains("guard_result"), "{written}");

    let world = World::new([Turn::text("x")]);
    let history = vec![Arc::new(Message::user(PartId::new(0, 9), format!("mine is {CARD}")))];
    let agent = world.agent(|a| a.guardrails(card));
    let options = RunOptions::default().history(history);
    let error = agent.run_with(&world.scope, "go", options).await.unwrap_err();
    assert_eq!(error.guard_type(), Some("card"));
    let written = found(&world).await;
    assert!(written.contains(blocked) && written.contains("guard_history"), "{written}");
}

#[tokio::test]
async fn contact_data_is_reported_and_left_alone() {
    let world = World::new([Turn::text("ok")]);
    let agent = world.agent(|a| a);
    let report = agent.run(&world.scope, "write to ann@example.org").await.unwrap();
    assert!(sent(&world).contains("ann@example.org"));
    let written = world.written(report.run).await;
    assert!(written.contains(r#""kind":"email""#) && written.contains(r#""action":"warn""#));
}

#[test]
fn the_order_of_the_stages_is_frozen() {
    let world = World::new([]);
    let agent = world.agent(|a| a);
    let stages: Vec<&str> = agent.definition().pipeline.iter().map(AsRef::as_ref).collect();
    assert_eq!(
        stages,
        [
            "input/guard_input",
            "input/screen_input",
            "reply/keep_instructions",
            "reply/guard_output",
            "before_tool/permission",
            "before_tool/validate",
            "before_tool/guard_arguments",
            "before_tool/keep_instructions",
            "after_tool/guard_result",
            "after_tool/cap_output",
            "after_tool/screen_result",
        ]
    );
}
