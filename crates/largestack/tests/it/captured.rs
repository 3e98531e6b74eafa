//! What a test sees of the runs in a scope.

use futures::StreamExt as _;
use largestack::errors::{Code, Coded as _, ProviderError};
use largestack::{
    Agent, Captured, Local, RunOptions, Runs, Runtime, Scope, Status, capture_run, stable, tool,
};
use largestack_testkit::{FunctionModel, Turn};
use largestack_types::message::Role;

/// Twice a number.
#[tool(idempotent)]
fn twice(n: u64) -> u64 {
    n * 2
}

fn refusal() -> ProviderError {
    ProviderError {
        provider: "test".into(),
        status: Some(400),
        detail: "no".into(),
        provider_code: None,
        request_id: None,
        transient: false,
    }
}

/// Calls a tool and answers with what it was asked; fails where it is asked to.
fn runtime() -> Runtime {
    let model = FunctionModel::new(|call| {
        let asked = call.messages.iter().rev().find(|message| message.role == Role::User);
        let asked = asked.map(|message| message.text()).unwrap_or_default();
        match call.messages.last().map(|message| message.role) {
            Some(Role::User) => Turn::tool("twice", r#"{"n":21}"#).usage(10, 1),
            _ if asked.contains("wait") => Turn::text("in a moment").then_never(),
            _ if asked.contains("fail") => Turn::error(refusal()),
            _ => Turn::text(format!("answer to {asked}")).pieces(3).usage(20, 2),
        }
    });
    Local::new().model("test/one", model).build().unwrap()
}

fn agent(runtime: &Runtime) -> Agent {
    Agent::builder("a").model("test/one").tool(twice()).build(runtime.clone()).unwrap()
}

fn kinds(captured: &Captured) -> Vec<&'static str> {
    captured.events().map(|recorded| recorded.event.kind()).collect()
}

#[tokio::test]
async fn requests_events_messages_and_usage_of_a_run_are_all_there() {
    let runtime = runtime();
    let agent = agent(&runtime);
    let (answer, captured) = capture_run(agent.run(&Scope::local(), "one")).await;
    let answer = answer.unwrap();
    let [run] = &captured.runs[..] else { panic!("{captured:?}") };
    assert_eq!((run.run, run.status, &*run.agent), (answer.run, Status::Completed, "a"));
    assert_eq!(run.usage, answer.usage);
    assert_eq!((run.usage.input_tokens, run.usage.output_tokens), (Some(30), Some(3)));
    assert_eq!(run.messages, answer.messages);
    assert_eq!(run.requests.len(), 2);
    assert_eq!(run.requests[0].tools[0].name.as_ref(), "twice");
    assert!(run.requests[1].messages.len() > run.requests[0].messages.len());
    assert_eq!(
        kinds(&captured),
        [
            "run_started",
            "effect_started",
            "model_replied",
            "effect_started",
            "tool_returned",
            "effect_started",
            "model_replied",
            "run_finished"
        ]
    );
}

#[tokio::test]
async fn a_run_that_fails_and_one_that_is_dropped_are_there_as_well() {
    let runtime = runtime();
    let agent = agent(&runtime);
    let (failed, captured) = capture_run(agent.run(&Scope::local(), "fail")).await;
    assert_eq!(failed.unwrap_err().code(), Code::Provider);
    let [run] = &captured.runs[..] else { panic!("{captured:?}") };
    assert_eq!(
        (run.status, run.requests.len(), run.usage.input_tokens),
        (Status::Failed, 2, Some(10))
    );
    assert!(kinds(&captured).contains(&"model_failed"));

    let scope = Scope::local();
    let ((), captured) = capture_run(async {
        let mut stream = agent.stream(&scope, "wait", (), RunOptions::default()).await.unwrap();
        stream.next().await.unwrap();
    })
    .await;
    assert_eq!(captured.runs[0].status, Status::Cancelled);
    assert_eq!(kinds(&captured).last(), Some(&"run_finished"));
}

#[tokio::test]
async fn a_capture_inside_of_another_has_its_own_runs_and_the_outer_one_all() {
    let runtime = runtime();
    let agent = agent(&runtime);
    let scope = Scope::local();
    let (inner, outer) = capture_run(async {
        agent.run(&scope, "before").await.unwrap();
        let (_, inner) = capture_run(agent.run(&scope, "inside")).await;
        agent.run(&scope, "after").await.unwrap();
        inner
    })
    .await;
    assert_eq!(inner.runs.len(), 1);
    let all: Vec<_> = outer.runs.iter().map(|run| run.run).collect();
    assert_eq!((all.len(), all[1]), (3, inner.runs[0].run));
    // And none of one that stands beside it.
    agent.run(&scope, "outside").await.unwrap();
    let ((), nothing) = capture_run(async {}).await;
    assert!(nothing.runs.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn captures_at_the_same_time_never_mix() {
    let runtime = runtime();
    let agent = agent(&runtime);
    let all = (0..100).map(|number| {
        let agent = agent.clone();
        let work = async move {
            let question = format!("question {number}");
            let scope = Scope::local();
            let (answer, captured) = capture_run(agent.run(&scope, question.as_str())).await;
            let [run] = &captured.runs[..] else { panic!("{captured:?}") };
            assert_eq!(run.run, answer.unwrap().run);
            let said: Vec<String> =
                captured.messages().map(largestack::message::Message::text).collect();
            assert!(said.contains(&question) && said.contains(&format!("answer to {question}")));
            assert_eq!(captured.events().count(), 8);
        };
        // Half of them share this task, and half have one of their own.
        let mut tasks = tokio::task::JoinSet::new();
        async move {
            if number % 2 == 0 {
                return work.await;
            }
            tasks.spawn(work);
            tasks.join_next().await.unwrap().unwrap();
        }
    });
    futures::future::join_all(all).await;
}

#[tokio::test]
async fn many_captures_in_one_task_never_mix() {
    let runtime = runtime();
    let agent = agent(&runtime);
    let scope = Scope::local();
    let all = (0..100).map(|number| {
        let question = format!("question {number}");
        let (agent, scope) = (&agent, &scope);
        async move {
            let (_, captured) = capture_run(agent.run(scope, question.as_str())).await;
            assert_eq!(captured.runs.len(), 1);
            assert!(captured.messages().any(|message| *message.text() == *question));
        }
    });
    futures::future::join_all(all).await;
}

#[tokio::test]
async fn runs_below_and_runs_that_were_left_to_themselves_are_there() {
    let model = FunctionModel::new(|call| match call.messages.last() {
        Some(last) if last.role == Role::User && call.tools.is_empty() => Turn::text("from below"),
        Some(last) if last.role == Role::User => Turn::tool("helper", r#"{"task":"help"}"#),
        _ => Turn::text("done"),
    });
    let runtime = Local::new().model("test/one", model).build().unwrap();
    let helper = largestack::dynamic::Agent::builder("helper").model("test/one");
    let helper = helper.build(runtime.clone()).unwrap();
    let caller = largestack::dynamic::Agent::builder("caller").model("test/one");
    let caller = caller.tool(helper.as_tool("helper", "Helps."));
    let caller = caller.build(runtime.clone()).unwrap();
    let scope = Scope::local();
    let (report, captured) = capture_run(async {
        let runs = Runs::new(runtime);
        let run = runs.start(&caller, &scope, "ask", RunOptions::default()).await.unwrap();
        run.report().await.unwrap()
    })
    .await;
    let agents: Vec<&str> = captured.runs.iter().map(|run| &*run.agent).collect();
    assert_eq!(agents, ["caller", "helper"]);
    assert!(captured.runs.iter().all(|run| run.root == report.run));
    assert!(captured.runs.iter().all(|run| run.status == Status::Completed));
}

#[tokio::test]
async fn two_runs_that_did_the_same_look_the_same_in_a_snapshot() {
    let seen = async |question: &str| {
        let runtime = runtime();
        let agent = agent(&runtime);
        let (_, captured) = capture_run(agent.run(&Scope::local(), question)).await;
        serde_json::to_string_pretty(&stable(&captured)).unwrap()
    };
    let one = seen("one, by 4111 1111 1111 1111").await;
    assert_eq!(one, seen("one, by 4111 1111 1111 1111").await);
    assert_ne!(one, seen("two, by 4111 1111 1111 1111").await);
    assert!(!one.contains("1111"), "{one}");
    insta::assert_snapshot!(one);
}
