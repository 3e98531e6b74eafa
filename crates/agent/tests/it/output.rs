//! Answers with a shape: checked, mended, sent back, given up on, all as turns of one run.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::StreamExt as _;
use futures::future::BoxFuture;
use largestack_agent::stage::{Ruling, Stage, StageContext, Verdict};
use largestack_agent::{Output, OutputTurn, RunOptions};
use largestack_engine::event::Event;
use largestack_engine::{EndReason, Status};
use largestack_testkit::Turn;
use largestack_types::errors::{Code, Coded as _, LargestackError, Result};
use largestack_types::json::Json;
use largestack_types::limits::Limits;
use serde_json::{Value, json};

use crate::world::{Spy, World};

fn person() -> Output {
    let schema = r#"{"type":"object","properties":{"name":{"type":"string","minLength":2},
        "age":{"type":"integer","minimum":18},"nick":{"type":"string"},
        "born":{"type":"string","format":"date"}},
        "required":["name","age"],"additionalProperties":false}"#;
    Output::of(Json::parse(schema).unwrap())
}

const GOOD: &str = r#"{"name":"Ada","age":36}"#;

#[tokio::test]
async fn an_answer_that_fits_is_a_value() {
    let world = World::new([Turn::text(GOOD)]);
    let agent = world.agent(|b| b.output(person()));
    let report = agent.run(&world.scope, "Who?").await.unwrap();
    assert_eq!(report.status, Status::Completed);
    assert_eq!(report.output, Some(json!({"name": "Ada", "age": 36})));
    assert_eq!(report.turns, 1);
    let call = &world.model.calls()[0];
    assert!(call.settings.output_schema.is_some());
    let kinds = world.kinds(report.run).await;
    assert!(kinds.ends_with(&[
        "model_replied",
        "effect_started",
        "output_checked",
        "run_finished"
    ]));
}

#[tokio::test]
async fn one_that_does_not_fit_is_sent_back_with_what_is_wrong_where() {
    let world = World::new([Turn::text(r#"{"name":"A","age":12,"x":1}"#), Turn::text(GOOD)]);
    let agent = world.agent(|b| b.output(person()));
    let report = agent.run(&world.scope, "Who?").await.unwrap();
    assert_eq!(report.output.unwrap()["name"], "Ada");
    assert_eq!(report.turns, 2);
    let second = &world.model.calls()[1];
    let told = second.messages.last().unwrap().text();
    assert!(told.contains("/name: ") && told.contains("/age: "), "{told}");
    assert!(told.contains("less than the minimum of 18"), "{told}");
    // The conversation goes on: the answer stands before what is wrong with it.
    let before = &second.messages[second.messages.len() - 2];
    assert!(before.text().contains("12"));
}

#[tokio::test]
async fn what_loses_nothing_is_mended_without_a_turn() {
    for text in [
        "```json\n{\"name\":\"Ada\",\"age\":36,}\n```",
        "Here you are: {\"name\":\"Ada\",\"age\":36,\"nick\":null}",
    ] {
        let world = World::new([Turn::text(text)]);
        let agent = world.agent(|b| b.output(person()));
        let report = agent.run(&world.scope, "Who?").await.unwrap();
        assert_eq!(report.output, Some(json!({"name": "Ada", "age": 36})), "{text}");
    }
}

#[tokio::test]
async fn nothing_is_renamed_and_nothing_converted() {
    for text in [r#"{"username":"Ada","age":36}"#, r#"{"name":"Ada","age":"36"}"#] {
        let world = World::new([Turn::text(text), Turn::text(text)]);
        let agent = world.agent(|b| b.output(person()));
        let report = agent.run(&world.scope, "Who?").await.unwrap();
        assert_eq!((report.status, report.output), (Status::Failed, None), "{text}");
    }
}

#[tokio::test]
async fn after_its_retries_the_run_fails_with_what_failed_where() {
    let bad = r#"{"name":"Ada","age":12}"#;
    let world = World::new([Turn::text(bad), Turn::text(bad), Turn::text(bad)]);
    let agent = world.agent(|b| b.output(person().retries(2)));
    let report = agent.run(&world.scope, "Who?").await.unwrap();
    assert_eq!(report.turns, 3);
    let error = report.into_result().unwrap_err();
    assert_eq!(error.code(), Code::Output);
    let LargestackError::OutputError(error) = error else { panic!("{error}") };
    assert_eq!(error.attempts, 3);
    assert_eq!(error.problems.len(), 1);
    assert!(error.problems[0].starts_with("/age: "), "{:?}", error.problems);
}

#[tokio::test]
async fn a_format_that_no_provider_holds_is_held_here() {
    let bad = r#"{"name":"Ada","age":36,"born":"yesterday"}"#;
    let world = World::new([Turn::text(bad)]);
    let agent = world.agent(|b| b.output(person().retries(0)));
    let report = agent.run(&world.scope, "Who?").await.unwrap();
    assert!(report.error.unwrap().message().contains("/born"));
}

#[tokio::test]
async fn tools_and_a_shape_go_together() {
    let spy = Spy::echo("look");
    let world = World::new([Turn::tool("look", r#"{"n":1}"#), Turn::text(GOOD)]);
    let agent = world.agent(|b| b.output(person()).tool(spy.clone()));
    let report = agent.run(&world.scope, "Who?").await.unwrap();
    assert_eq!((spy.count(), report.turns), (1, 2));
    assert!(report.output.is_some());
}

#[tokio::test]
async fn sending_back_counts_as_a_turn_and_the_last_turn_is_checked_too() {
    let limits = Limits { max_turns: 1, ..Limits::default() };
    let bad = || Turn::text("no");
    let world = World::new([bad(), Turn::text(GOOD)]);
    let agent = world.agent(|b| b.output(person().retries(5)).limits(limits.clone()));
    let report = agent.run(&world.scope, "Who?").await.unwrap();
    assert_eq!(
        (report.status, report.finish_reason),
        (Status::Incomplete, Some(EndReason::MaxTurns))
    );
    assert!(report.output.is_some());
    let world = World::new([bad(), bad()]);
    let agent = world.agent(|b| b.output(person().retries(5)).limits(limits));
    let report = agent.run(&world.scope, "Who?").await.unwrap();
    assert_eq!((report.status, report.turns), (Status::Failed, 2));
}

#[tokio::test]
async fn an_answer_that_is_no_object_is_put_into_one_and_taken_out() {
    let schema = Json::parse(r#"{"type":"array","items":{"type":"integer"}}"#).unwrap();
    let world = World::new([Turn::text(r#"{"value":[1,2]}"#)]);
    let agent = world.agent(|b| b.output(Output::of(schema)));
    let report = agent.run(&world.scope, "Which?").await.unwrap();
    assert_eq!(report.output, Some(json!([1, 2])));
    let asked: Value =
        world.model.calls()[0].settings.output_schema.as_ref().unwrap().schema.to().unwrap();
    assert_eq!(asked["type"], "object");
}

#[tokio::test]
async fn a_refusal_is_no_answer_and_nothing_is_made_of_it() {
    let world =
        World::new([Turn::text("I can't.").finish(largestack_types::reply::FinishReason::Refusal)]);
    let agent = world.agent(|b| b.output(person()));
    let report = agent.run(&world.scope, "Who?").await.unwrap();
    assert_eq!(report.finish_reason, Some(EndReason::Refusal));
    assert_eq!(report.output, None);
}

/// Refuses the first answers it sees.
struct Picky {
    refuses: usize,
    seen: Arc<AtomicUsize>,
}

impl Stage<OutputTurn> for Picky {
    fn name(&self) -> &'static str {
        "picky"
    }

    fn apply<'a>(
        &'a self,
        _: &'a StageContext,
        turn: &'a OutputTurn,
    ) -> BoxFuture<'a, Result<Ruling<OutputTurn>>> {
        let before = self.seen.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            if before < self.refuses {
                let hint = format!("{} is not the one I mean.", turn.value["name"]);
                return Ok(Ruling::of(Verdict::Retry(hint.into())));
            }
            let mut other = turn.clone();
            other.value = Arc::new(json!({"name": turn.value["name"], "age": 99}));
            Ok(Ruling::of(Verdict::Replace(other)))
        })
    }
}

#[tokio::test]
async fn a_stage_sends_the_model_back_with_a_hint_and_may_give_another_value() {
    let seen = Arc::new(AtomicUsize::new(0));
    let world = World::new([Turn::text(r#"{"name":"Bob","age":20}"#), Turn::text(GOOD)]);
    let agent = world
        .agent(|b| b.output(person()).on_output(Picky { refuses: 1, seen: Arc::clone(&seen) }));
    let report = agent.run(&world.scope, "Who?").await.unwrap();
    assert_eq!(report.output, Some(json!({"name": "Ada", "age": 99})));
    let told = world.model.calls()[1].messages.last().unwrap().text();
    assert!(told.contains("\"Bob\" is not the one I mean."), "{told}");
    assert_eq!(seen.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn words_can_be_sent_back_as_well() {
    let seen = Arc::new(AtomicUsize::new(0));
    let world = World::new([Turn::text("Hm."), Turn::text("Yes.")]);
    let agent = world.agent(|b| b.on_output(Picky { refuses: 1, seen }));
    let report = agent.run(&world.scope, "Sure?").await.unwrap();
    assert_eq!((report.turns, report.status), (2, Status::Completed));
}

#[tokio::test]
async fn a_run_that_was_cut_off_before_the_check_is_checked_when_it_is_taken_up() {
    let world = World::new([Turn::text(r#"{"name":"A","age":1}"#), Turn::text(GOOD)]);
    let agent = world.agent(|b| b.output(person()));
    let whole = agent.run(&world.scope, "Who?").await.unwrap();
    let events = world.events(whole.run).await;
    let at = events.iter().position(|event| matches!(&**event, Event::OutputChecked(_))).unwrap();
    let definition = Arc::clone(agent.definition());
    for cut in [at - 1, at] {
        let mut run = largestack_engine::Run::new(whole.run, Arc::clone(&definition));
        for event in &events[..cut] {
            run.apply(event).unwrap();
        }
        assert!(run.conclusion().is_none(), "it must not end unseen");
        let resumed = Event::Resumed(largestack_engine::event::Resumed {
            owner: largestack_types::id::OwnerId::from_u128(2),
        });
        run.apply(&resumed).unwrap();
        let mut ready = Vec::new();
        run.ready(&mut ready);
        assert!(matches!(ready[..], [largestack_engine::Effect::Check { .. }]), "{ready:?}");
    }
    let mut run = largestack_engine::Run::new(whole.run, definition);
    for event in &events {
        run.apply(event).unwrap();
    }
    assert_eq!(run.value(), whole.output);
}

#[tokio::test]
async fn values_grow_while_they_are_written() {
    let world = World::new([Turn::text(r#"{"name":"Ada Lovelace","age":36}"#).pieces(9)]);
    let agent = world.agent(|b| b.output(person()));
    let mut stream = agent.stream(&world.scope, "Who?", RunOptions::default());
    let values: Vec<Value> = stream.partial::<Value>().collect().await;
    assert!(values.len() > 2, "{values:?}");
    for pair in values.windows(2) {
        let [a, b] = pair else { unreachable!() };
        let (a, b) = (a["name"].as_str().unwrap_or(""), b["name"].as_str().unwrap_or(""));
        assert!(b.starts_with(a));
    }
    assert!(values[..values.len() - 1].iter().all(|value| value.get("age").is_none()));
    assert_eq!(values.last(), Some(&json!({"name": "Ada Lovelace", "age": 36})));
    assert!(stream.report().unwrap().unwrap().output.is_some());
}

#[tokio::test]
async fn a_schema_that_is_none_is_a_mistake_of_configuration() {
    let world = World::new([]);
    let builder = largestack_agent::Agent::builder("a").model("m/m");
    let schema = Json::parse(r#"{"type":"object","properties":{"a":{"type":"nothing"}}}"#).unwrap();
    let error = builder.output(Output::of(schema)).build(world.runtime()).err().unwrap();
    assert_eq!(error.code(), Code::Config);
}

#[tokio::test]
async fn a_secret_in_an_answer_comes_back_to_its_owner_and_is_in_no_event() {
    let key = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH";
    let schema = r#"{"type":"object","properties":{"key":{"type":"string","pattern":"^sk-"}},
        "required":["key"]}"#;
    let world = World::of(largestack_testkit::TestModel::new([]));
    drop(world);
    let model = largestack_testkit::FunctionModel::new(|call| {
        let asked = call.messages.last().unwrap().text();
        let placeholder = &asked[asked.find('<').unwrap()..=asked.find('>').unwrap()];
        Turn::text(json!({"key": placeholder}).to_string())
    });
    let world = World::new([]);
    let mut runtime = world.runtime();
    runtime.model = Arc::new(model);
    let agent = largestack_agent::Agent::builder("a")
        .model("m/m")
        .output(Output::of(Json::parse(schema).unwrap()))
        .build(runtime)
        .unwrap();
    let report = agent.run(&world.scope, format!("My key is {key}.")).await.unwrap();
    assert_eq!(report.output, Some(json!({"key": key})));
    assert!(!world.written(report.run).await.contains(key));
}
