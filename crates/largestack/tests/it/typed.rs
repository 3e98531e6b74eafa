//! Agents in types: dependencies, instructions, checks, answers, unions, streams.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::StreamExt as _;
use futures::future::join_all;
use largestack::errors::{Code, Coded as _};
use largestack::{
    Agent, LargestackError, OneOf, OutputMode, Retry, RunContext, RunOptions, Scope, tool,
};
use largestack_testkit::{FunctionModel, TestModel, Turn};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// A city.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
struct City {
    /// Its name.
    name: String,
    /// People in it.
    #[schemars(range(min = 1))]
    people: u64,
    #[serde(default)]
    mayor: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Move {
    Walk { steps: u32 },
    Wait,
}

#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
struct Tree {
    name: String,
    #[serde(default)]
    under: Vec<Tree>,
    #[serde(default)]
    notes: BTreeMap<String, u32>,
}

fn city(turns: impl IntoIterator<Item = &'static str>) -> (TestModel, Agent<(), City>) {
    let model = TestModel::new(turns.into_iter().map(|text| Turn::text(text).pieces(7)));
    let runtime = largestack::local_with(model.clone()).unwrap();
    let agent = Agent::builder("city").model("m/m").output::<City>().build(runtime).unwrap();
    (model, agent)
}

#[tokio::test]
async fn an_answer_is_a_value_of_its_type() {
    let (model, agent) = city([r#"{"name":"Oslo","people":700000,"mayor":null}"#]);
    let answer = agent.run(&Scope::local(), "Which?").await.unwrap();
    assert_eq!(answer.output, City { name: "Oslo".into(), people: 700_000, mayor: None });
    assert_eq!(answer.turns, 1);
    let output = model.calls()[0].settings.output_schema.clone().unwrap();
    assert_eq!(&*output.name, "City");
    assert!(output.schema.as_str().contains("People in it."));
}

#[tokio::test]
async fn what_failed_where_is_in_the_error() {
    let (_, agent) = city([r#"{"name":"Oslo","people":0}"#, r#"{"people":0}"#]);
    let error = agent.run(&Scope::local(), "Which?").await.unwrap_err();
    assert_eq!(error.code(), Code::Output);
    let LargestackError::OutputError(error) = error else { panic!("{error}") };
    assert_eq!(error.attempts, 2);
    assert!(error.problems.iter().any(|problem| problem.starts_with("/people")));
    assert!(error.problems.iter().any(|problem| problem.contains("\"name\"")));
}

async fn said<T>(text: &str) -> T
where
    T: serde::de::DeserializeOwned + JsonSchema + Send + 'static,
{
    let runtime = largestack::local_with(TestModel::new([Turn::text(text)])).unwrap();
    let agent = Agent::builder("any").model("m/m").output::<T>().build(runtime).unwrap();
    agent.run(&Scope::local(), "?").await.unwrap().output
}

#[tokio::test]
async fn tagged_enums_lists_maps_numbers_and_recursive_types_are_answers() {
    let walk: Move = said(r#"{"value":{"kind":"walk","steps":3}}"#).await;
    assert_eq!(walk, Move::Walk { steps: 3 });
    assert_eq!(said::<Vec<u8>>(r#"{"value":[1,2]}"#).await, [1, 2]);
    assert_eq!(said::<u64>(r#"{"value":7}"#).await, 7);
    assert_eq!(said::<String>(r#"{"value":"seven"}"#).await, "seven");
    let tree: Tree = said(r#"{"name":"a","under":[{"name":"b"}],"notes":{"x":1}}"#).await;
    assert_eq!(tree.under[0].name, "b");
}

#[tokio::test]
async fn an_answer_is_one_of_two_types_or_words() {
    type Either = OneOf<City, String>;
    let city: Either = said(r#"{"value":{"name":"Oslo","people":1}}"#).await;
    assert!(matches!(city, OneOf::First(City { people: 1, .. })));
    assert_eq!(said::<Either>(r#"{"value":"none"}"#).await, OneOf::Second("none".into()));
}

#[tokio::test]
async fn checks_see_the_run_and_send_the_model_back_as_a_turn() {
    let model = TestModel::new([
        Turn::text(r#"{"name":"Rome","people":5}"#),
        Turn::text(r#"{"name":"Oslo","people":5}"#),
    ]);
    let runtime = largestack::local_with(model.clone()).unwrap();
    let agent = Agent::with_deps::<Vec<&'static str>>("city")
        .model("m/m")
        .output::<City>()
        .check_async(|known: RunContext<Vec<&'static str>>, city: City| async move {
            let fits = known.deps.contains(&city.name.as_str());
            assert_eq!(known.retries, u32::from(fits));
            if fits { Ok(()) } else { Err(Retry::with(format!("{} is not known", city.name))) }
        })
        .build(runtime)
        .unwrap();
    let answer = agent.run_for(&Scope::local(), "Which?", vec!["Oslo"]).await.unwrap();
    assert_eq!((answer.output.name.as_str(), answer.turns), ("Oslo", 2));
    let told = model.calls()[1].messages.last().unwrap().text();
    assert!(told.contains("Rome is not known"), "{told}");
    assert_eq!(answer.messages.len(), 4, "what was sent back is part of the conversation");
}

#[tokio::test]
async fn words_are_checked_too_as_often_as_they_may_be_sent_back() {
    let model = TestModel::new(["one", "two", "three"].map(Turn::text));
    let runtime = largestack::local_with(model).unwrap();
    let agent = Agent::builder("words")
        .model("m/m")
        .check(|_, text: &String| if text == "three" { Ok(()) } else { Err(Retry::with("More.")) })
        .output_retries(2)
        .build(runtime)
        .unwrap();
    assert_eq!(agent.run(&Scope::local(), "Count.").await.unwrap().output, "three");
}

#[tokio::test]
async fn history_goes_out_and_in_again() {
    let (model, agent) = city([r#"{"name":"Oslo","people":1}"#, r#"{"name":"Bergen","people":2}"#]);
    let first = agent.run(&Scope::local(), "Which?").await.unwrap();
    let options = RunOptions { history: first.report.messages, ..RunOptions::default() };
    let second = agent.run_with(&Scope::local(), "And another?", (), options).await.unwrap();
    assert_eq!(second.output.name, "Bergen");
    let asked: Vec<String> =
        model.calls()[1].messages.iter().map(|message| message.text()).collect();
    assert_eq!(asked, ["Which?", r#"{"name":"Oslo","people":1}"#, "And another?"]);
}

#[tokio::test]
async fn a_partial_answer_grows_into_the_answer() {
    #[derive(Debug, Deserialize)]
    struct SoFar {
        name: Option<String>,
        people: Option<u64>,
    }
    let (_, agent) = city([r#"{"name":"Trondheim","people":200000}"#]);
    let options = RunOptions::default();
    let mut stream = agent.stream(&Scope::local(), "Which?", (), options).await.unwrap();
    let seen: Vec<SoFar> = stream.partial::<SoFar>().collect().await;
    assert!(seen.len() > 1, "{seen:?}");
    let whole = "Trondheim";
    assert!(seen.iter().all(|so_far| whole.starts_with(so_far.name.as_deref().unwrap_or(""))));
    assert!(seen.iter().all(|so_far| so_far.people.is_none_or(|people| people == 200_000)));
    assert_eq!(stream.finish().await.unwrap().output.people, 200_000);
}

/// Adds to the caller's own sum.
#[tool]
fn add(sum: RunContext<AtomicU32>, number: u32) -> u32 {
    sum.deps.fetch_add(number, Ordering::SeqCst) + number
}

struct Caller {
    number: u32,
    heard: AtomicU32,
}

/// Says the caller's number.
#[tool(idempotent)]
fn number(caller: RunContext<Caller>) -> u32 {
    caller.heard.fetch_add(1, Ordering::SeqCst);
    caller.number
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Told {
    instructed: u32,
    tool: u32,
}

/// Answers with the number in its instructions and the one that the tool gave.
fn parrot() -> impl largestack::ports::model::Model {
    FunctionModel::new(|call| {
        let of = |text: &str| text.rsplit(' ').next().unwrap_or_default().to_owned();
        let instructed = of(&call.messages.first().unwrap().text());
        match call.messages.last().unwrap().parts.iter().find_map(|part| match &part.body {
            largestack::message::Body::ToolResult(result) => Some(result.text.clone()),
            _ => None,
        }) {
            None => Turn::tool("number", "{}").usage(3, 2),
            Some(tool) => {
                Turn::text(format!(r#"{{"instructed":{instructed},"tool":{tool}}}"#)).usage(5, 1)
            }
        }
    })
}

#[tokio::test]
async fn a_thousand_runs_of_one_typed_agent_never_mix() {
    let runtime = largestack::local_with(parrot()).unwrap();
    let agent = Agent::with_deps::<Caller>("many")
        .model("m/m")
        .instructions("Help.")
        .instruct(|caller| format!("The number is {}", caller.number))
        .tool(number())
        .output::<Told>()
        .build(runtime)
        .unwrap();
    let scope = Scope::local();
    let callers: Vec<Arc<Caller>> =
        (0..1_000).map(|number| Arc::new(Caller { number, heard: AtomicU32::new(0) })).collect();
    let runs = callers.iter().map(|caller| agent.run_for(&scope, "?", Arc::clone(caller)));
    for (caller, answer) in callers.iter().zip(join_all(runs).await) {
        let answer = answer.unwrap();
        assert_eq!((answer.output.instructed, answer.output.tool), (caller.number, caller.number));
        assert_eq!(caller.heard.load(Ordering::SeqCst), 1);
        assert_eq!(answer.usage.total_tokens(), 11);
        assert_eq!(answer.messages.len(), 4);
    }
    assert_eq!(&*agent.dynamic().definition().instructions, "Help.");
}

#[tokio::test]
async fn what_a_run_is_given_is_invisible_to_the_model() {
    let model = TestModel::new([Turn::tool("add", r#"{"number":5}"#), Turn::text("done")]);
    let runtime = largestack::local_with(model.clone()).unwrap();
    let agent =
        Agent::with_deps::<AtomicU32>("sum").model("m/m").tool(add()).build(runtime).unwrap();
    let sum = Arc::new(AtomicU32::new(37));
    let answer = agent.run_for(&Scope::local(), "Add.", Arc::clone(&sum)).await.unwrap();
    assert_eq!(answer.output, "done");
    assert_eq!(sum.load(Ordering::SeqCst), 42);
    let schema: Value = model.calls()[0].tools[0].parameters.to().unwrap();
    assert_eq!(schema["properties"].as_object().unwrap().keys().collect::<Vec<_>>(), ["number"]);
}

#[tokio::test]
async fn the_way_to_a_shape_is_the_authors_to_insist_on() {
    let model = TestModel::new([Turn::text(r#"{"value":1}"#)]);
    let runtime = largestack::local_with(model.clone()).unwrap();
    let agent = Agent::builder("n")
        .model("m/m")
        .output::<u8>()
        .output_mode(OutputMode::Tool)
        .build(runtime)
        .unwrap();
    assert_eq!(agent.run(&Scope::local(), "?").await.unwrap().output, 1);
    assert_eq!(model.calls()[0].settings.output_mode, OutputMode::Tool);
}
