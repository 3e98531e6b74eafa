//! Hooks that ask a person: at every place, in another process, with yes and with no.

use largestack::stage::{
    ErrorTurn, FinalTurn, ModelTurn, ReplyTurn, ResultDraft, Stage, ToolTurn, Verdict, hook,
};
use largestack::{Agent, EndReason, Scope, Status, tool};
use largestack_agent::{ResumeOptions, Runtime};
use largestack_engine::Wait;
use largestack_ports::approvals::{APPROVE, Answer, Approvals as _, DENY};
use largestack_ports::journal::Journal as _;
use largestack_testkit::Turn;
use largestack_types::error::Code;
use largestack_types::errors::LargestackError;
use largestack_types::json::Json;
use largestack_types::part::Arguments;

use crate::process::process;

/// Doubles.
#[tool(idempotent)]
fn double(n: i64) -> i64 {
    2 * n
}

/// Asks always: whoever is heard twice would be noticed.
fn asks<S: Send + Sync + 'static>() -> impl Stage<S> {
    hook("boss", |_, _: &S| Verdict::pause("may this be?"))
}

fn agent(place: &str, runtime: Runtime) -> Agent {
    let agent = Agent::builder("asker").model("test/model").tool(double());
    let agent = match place {
        "before_model" => agent.before_model(asks::<ModelTurn>()),
        "after_model" => agent.after_model(asks::<ReplyTurn>()),
        "before_tool" => agent.before_tool(asks::<ToolTurn>()),
        "after_tool" => agent.after_tool(asks::<ResultDraft>()),
        "on_final" => agent.on_final(asks::<FinalTurn>()),
        _ => agent.on_error(asks::<ErrorTurn>()),
    };
    agent.build(runtime).unwrap()
}

/// Answers every question of a run the same way, each in a process of its own, until it has ended.
async fn ended(place: &str, turns: &[Turn], choice: &str) -> (largestack::Report, usize, String) {
    let folder = tempfile::tempdir().unwrap();
    let scope = Scope::local();
    let (store, first, _) = process(folder.path(), 1, turns.to_vec());
    let started = agent(place, first).dynamic().run(&scope, "go").await;
    drop(store);
    let (mut report, mut answered, mut about) = (started.unwrap(), 0, String::new());
    while report.status == Status::Suspended {
        let Some(Wait::Approval { approval, .. }) = report.waits.first() else { panic!("{place}") };
        let rest = turns[report.turns as usize..].to_vec();
        let rest = if place == "on_error" { turns[1..].to_vec() } else { rest };
        let (store, next, _) = process(folder.path(), 2 + answered as u128, rest);
        let kept = store.find(&scope, *approval).await.unwrap().unwrap();
        about = kept.question.arguments.as_str().to_owned();
        let next = agent(place, next);
        next.dynamic().answer(&scope, *approval, Answer::of(choice)).await.unwrap();
        answered += 1;
        assert!(answered < 9, "{place}: asked without end");
        let resumed = next.dynamic().resume(&scope, report.run, ResumeOptions::default()).await;
        report = resumed.unwrap();
    }
    (report, answered, about)
}

#[tokio::test]
async fn a_yes_lets_a_run_go_on_from_every_place_at_which_a_hook_asks() {
    let turns = [Turn::tool("double", r#"{"n":4}"#), Turn::text("It is 8.")];
    for (place, questions) in [
        ("before_model", 2),
        ("after_model", 2),
        ("before_tool", 1),
        ("after_tool", 1),
        ("on_final", 1),
    ] {
        let (report, answered, about) = ended(place, &turns, APPROVE).await;
        assert_eq!((report.status, &*report.text), (Status::Completed, "It is 8."), "{place}");
        assert_eq!(answered, questions, "{place}");
        if place == "on_final" {
            assert!(about.contains("It is 8."), "{about}");
        }
    }
    let down = LargestackError::other(Code::Provider, "down");
    let turns = [Turn::error(down), Turn::text("Up again.")];
    let (report, ..) = ended("on_error", &turns, APPROVE).await;
    assert_eq!((report.status, &*report.text), (Status::Completed, "Up again."));
}

#[tokio::test]
async fn a_no_keeps_what_a_hook_asked_about_from_happening() {
    let turns = [Turn::tool("double", r#"{"n":4}"#), Turn::text("It is 8.")];
    for place in ["before_model", "after_model", "on_final"] {
        let (report, ..) = ended(place, &turns, DENY).await;
        assert_eq!(report.status, Status::Incomplete, "{place}");
        assert_eq!(report.finish_reason, Some(EndReason::Steered), "{place}");
        assert_eq!(report.text, "", "{place}");
    }
    for place in ["before_tool", "after_tool"] {
        let (report, ..) = ended(place, &turns, DENY).await;
        assert_eq!(report.status, Status::Completed, "{place}");
        let read = format!("{:?}", report.messages);
        assert!(read.contains("A person refused"), "{place}");
        assert!(!read.contains(r#"text: "8""#), "{place}");
    }
    let down = LargestackError::other(Code::Provider, "down");
    let (report, ..) = ended("on_error", &[Turn::error(down)], DENY).await;
    assert_eq!(report.status, Status::Failed);
}

/// Writes a card's number into what the tool is called with, as a hook that looks something up may.
fn looks_up() -> impl Stage<ToolTurn> {
    hook("looks_up", |_, turn: &ToolTurn| {
        let mut turn = turn.clone();
        let found = format!(r#"{{"to":"{CARD}"}}"#);
        turn.call.arguments = Arguments::Json(Json::parse(found).unwrap());
        Verdict::Replace(turn)
    })
}

const CARD: &str = "4111 1111 1111 1111";

/// Says where it went.
#[tool(idempotent)]
fn send(to: String) -> String {
    to.len().to_string()
}

#[tokio::test]
async fn a_question_about_arguments_that_a_hook_changed_holds_no_sensitive_value() {
    let folder = tempfile::tempdir().unwrap();
    let scope = Scope::local();
    let turns = vec![Turn::tool("send", r#"{"to":"Ann"}"#), Turn::text("Sent.")];
    let (store, runtime, _) = process(folder.path(), 1, turns);
    let agent = Agent::builder("sender").model("test/model").tool(send());
    let agent = agent.before_tool(looks_up()).before_tool(asks::<ToolTurn>());
    let agent = agent.build(runtime).unwrap();
    let report = agent.dynamic().run(&scope, "go").await.unwrap();
    let Some(Wait::Approval { approval, .. }) = report.waits.first() else { panic!("no question") };
    let kept = store.find(&scope, *approval).await.unwrap().unwrap();
    let asked = kept.question.arguments.as_str();
    assert!(asked.contains("<CARD_1") && !asked.contains(CARD), "{asked}");
    for recorded in store.read(&scope, report.run, 0).await.unwrap() {
        let data = recorded.event.data().unwrap();
        assert!(!data.contains(CARD), "{data}");
    }
    agent.dynamic().answer(&scope, *approval, Answer::of(APPROVE)).await.unwrap();
    let report = agent.dynamic().resume(&scope, report.run, ResumeOptions::default()).await;
    let report = report.unwrap();
    assert_eq!((report.status, &*report.text), (Status::Completed, "Sent."));
}
