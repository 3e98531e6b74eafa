//! Questions to people: kept by the store, answered once by whoever has the right to, in whatever
//! process, and heard by the run that waits.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use largestack::stage::{Ruling, Stage, StageContext, ToolTurn, Verdict};
use largestack::{Scope, Status, ToolOutput};
use largestack_agent::{Agent, ApprovalPolicy, Report, ResumeOptions, Runs};
use largestack_engine::Wait;
use largestack_ports::BoxFuture;
use largestack_ports::approvals::{APPROVE, Answer, Approvals, Choice, DENY, Right, Terms, Token};
use largestack_ports::clock::FakeClock;
use largestack_ports::tool::{Capability, Tool, ToolContext, ToolFailure, ToolOptions};
use largestack_store::Store;
use largestack_testkit::Turn;
use largestack_types::error::{Code, Coded as _};
use largestack_types::errors::Result;
use largestack_types::id::ApprovalId;
use largestack_types::json::Json;
use largestack_types::part::Arguments;
use largestack_types::tool::ToolSpec;

use crate::process;

/// A tool that pays, with approval only, and remembers what it was called with.
#[derive(Clone)]
struct Pay(Arc<Mutex<Vec<String>>>, Arc<ToolSpec>);

impl Pay {
    fn new() -> Self {
        let schema = r#"{"type":"object","properties":{"n":{"type":"integer","maximum":50}}}"#;
        Self(
            Arc::default(),
            Arc::new(ToolSpec {
                name: "pay".into(),
                description: "Pays.".into(),
                parameters: Json::parse(schema).unwrap(),
                idempotent: false,
                origin: largestack::message::Origin::Tool,
                native: None,
                server: false,
            }),
        )
    }

    fn paid(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Tool for Pay {
    fn spec(&self) -> &ToolSpec {
        &self.1
    }

    fn options(&self) -> ToolOptions {
        let mut options = ToolOptions::default();
        options.access.capabilities = [Capability::Pay].into();
        options
    }

    fn call(
        &self,
        _: ToolContext,
        arguments: Json,
    ) -> BoxFuture<'static, std::result::Result<ToolOutput, ToolFailure>> {
        self.0.lock().unwrap().push(arguments.as_str().to_owned());
        Box::pin(std::future::ready(Ok(ToolOutput::text("paid"))))
    }
}

/// What one process has.
struct Process {
    store: Store,
    agent: Agent,
    clock: FakeClock,
    runs: Runs,
}

fn someone(name: &str) -> Scope {
    Scope::authenticated(Scope::local().tenant().clone(), name)
}

/// A process over the state in a folder whose model says this next.
fn process(folder: &Path, number: u128, pay: &Pay, terms: &Terms, turns: Vec<Turn>) -> Process {
    let (store, runtime, clock) = process::process(folder, number, turns);
    let policy = ApprovalPolicy {
        capabilities: [Capability::Pay].into(),
        terms: terms.clone(),
        ..ApprovalPolicy::default()
    };
    let agent = Agent::builder("payer")
        .model("test/model")
        .tool(pay.clone())
        .before_tool(AtMost::default())
        .approvals(policy)
        .build(runtime.clone())
        .unwrap();
    let runs = Runs::new(runtime);
    Process { store, agent, clock, runs }
}

/// An operator's rule: never more than this at once. It counts how often it is run.
const MOST: i64 = 20;

#[derive(Default)]
struct AtMost(Arc<Mutex<Vec<i64>>>);

impl Stage<ToolTurn> for AtMost {
    fn name(&self) -> &'static str {
        "at_most"
    }

    fn apply<'a>(
        &'a self,
        _: &'a StageContext,
        turn: &'a ToolTurn,
    ) -> BoxFuture<'a, Result<Ruling<ToolTurn>>> {
        let Arguments::Json(json) = &turn.call.arguments else { panic!("no arguments") };
        let wanted = json.to::<serde_json::Value>().unwrap()["n"].as_i64().unwrap();
        self.0.lock().unwrap().push(wanted);
        if wanted <= MOST {
            return Box::pin(std::future::ready(Ok(Ruling::of(Verdict::Continue))));
        }
        let mut turn = turn.clone();
        turn.call.arguments = Arguments::Json(Json::parse(format!(r#"{{"n":{MOST}}}"#)).unwrap());
        Box::pin(std::future::ready(Ok(Ruling::of(Verdict::Replace(turn)))))
    }
}

fn first() -> Vec<Turn> {
    vec![Turn::tool("pay", r#"{"n":40}"#)]
}

fn then() -> Vec<Turn> {
    vec![Turn::text("done")]
}

fn asked(report: &Report) -> ApprovalId {
    assert_eq!(report.status, Status::Suspended);
    let Some(Wait::Approval { approval, .. }) = report.waits.first() else { panic!("no question") };
    *approval
}

fn editable() -> Terms {
    Terms { editable: true, ..Terms::default() }
}

/// Begins a run that asks, and takes it up in another process after something was said.
async fn after(
    terms: Terms,
    say: impl AsyncFnOnce(&Process, ApprovalId),
) -> (Result<Report>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let pay = Pay::new();
    let one = process(folder.path(), 1, &pay, &terms, first());
    let report = one.agent.run(&someone("ann"), "Pay 40.").await.unwrap();
    let id = asked(&report);
    assert!(pay.paid().is_empty());
    drop(one);
    let two = process(folder.path(), 2, &pay, &terms, then());
    say(&two, id).await;
    let report = two.agent.resume(&someone("ann"), report.run, ResumeOptions::default()).await;
    (report, pay.paid())
}

#[tokio::test]
async fn a_run_goes_on_in_another_process_when_it_is_answered_and_stages_before_are_not_run_again()
{
    let (report, paid) = after(Terms::default(), async |process, id| {
        let kept = process.store.find(&someone("bob"), id).await.unwrap().unwrap();
        assert_eq!(kept.question.arguments.as_str(), r#"{"n":20}"#);
        process.agent.answer(&someone("bob"), id, Answer::of(APPROVE)).await.unwrap();
    })
    .await;
    assert_eq!(report.unwrap().status, Status::Completed);
    assert_eq!(paid, [r#"{"n":20}"#]);
}

#[tokio::test]
async fn a_run_that_nobody_has_answered_keeps_waiting() {
    let (report, paid) = after(Terms::default(), async |_, _| {}).await;
    assert_eq!((report.unwrap().status, paid.len()), (Status::Suspended, 0));
}

#[tokio::test]
async fn a_no_is_told_to_the_model_and_nothing_runs() {
    let (report, paid) = after(Terms::default(), async |process, id| {
        let answer = Answer { note: Some("Not this month.".into()), ..Answer::of(DENY) };
        process.agent.answer(&someone("bob"), id, answer).await.unwrap();
    })
    .await;
    let report = report.unwrap();
    assert_eq!((report.status, paid.len()), (Status::Completed, 0));
    assert!(format!("{:?}", report.messages).contains("Not this month."));
}

#[tokio::test]
async fn arguments_that_a_person_changed_have_to_fit_and_are_heard_by_every_hook() {
    let edit = async |process: &Process, id: ApprovalId, arguments: &str| {
        let edited = Some(Json::parse(arguments).unwrap());
        let answer = Answer { arguments: edited, ..Answer::of(APPROVE) };
        process.agent.answer(&someone("bob"), id, answer).await.unwrap();
    };
    // What every hook lets pass runs as it was agreed; what does not fit does not run.
    for (arguments, runs) in [(r#"{"n":15}"#, 1), (r#"{"n":51}"#, 0)] {
        let (report, paid) =
            after(editable(), async |process, id| edit(process, id, arguments).await).await;
        assert_eq!(report.unwrap().status, Status::Completed);
        assert_eq!(paid.len(), runs, "{arguments}");
        assert!(paid.iter().all(|paid| paid == arguments));
    }
    // A rule that stands before the question holds for the person, too: what it made of the
    // change nobody has agreed to.
    let (report, paid) =
        after(editable(), async |process, id| edit(process, id, r#"{"n":50}"#).await).await;
    let report = report.unwrap();
    assert_eq!((report.status, paid.len()), (Status::Suspended, 0));
}

#[tokio::test]
async fn a_question_that_has_expired_is_answered_by_nobody_and_its_call_does_not_run() {
    let (report, paid) = after(Terms::default(), async |process, id| {
        process.clock.advance(Duration::from_hours(7 * 24));
        let late = process.agent.answer(&someone("bob"), id, Answer::of(APPROVE)).await;
        assert_eq!(late.unwrap_err().code(), Code::Approval);
    })
    .await;
    let report = report.unwrap();
    assert_eq!((report.status, paid.len()), (Status::Completed, 0));
    assert!(format!("{:?}", report.messages).contains("nobody answered in time"));
}

#[tokio::test]
async fn an_answer_counts_once_and_only_from_those_it_is_for() {
    let terms = Terms { approvers: vec!["bob".into(), "cid".into()], ..Terms::default() };
    let (report, paid) = after(terms, async |process, id| {
        let say = async |who: &str| {
            process.agent.answer(&someone(who), id, Answer::of(APPROVE)).await.map(drop)
        };
        assert_eq!(say("ann").await.unwrap_err().code(), Code::ApprovalDenied);
        say("bob").await.unwrap();
        assert_eq!(say("bob").await.unwrap_err().code(), Code::Approval);
        assert_eq!(say("cid").await.unwrap_err().code(), Code::Approval);
        let other = Scope::authenticated("other".to_owned().try_into().unwrap(), "bob");
        let foreign = process.agent.answer(&other, id, Answer::of(APPROVE)).await;
        assert_eq!(foreign.unwrap_err().code(), Code::NotFound);
    })
    .await;
    assert_eq!((report.unwrap().status, paid.len()), (Status::Completed, 1));
}

#[tokio::test]
async fn a_right_that_was_handed_on_is_used_once_by_whomever() {
    let terms = Terms {
        approvers: vec!["bob".into(), "cid".into()],
        quorum: 2,
        choices: vec![Choice { name: "pay".into(), approves: true }],
        ..Terms::default()
    };
    let (report, paid) = after(terms, async |process, id| {
        let (store, scope) = (&process.store, someone("eve"));
        let hand_on = |from: &str| store.delegate(&scope, id, from.into(), "dan".into());
        let denied = process.store.delegate(&scope, id, "eve".into(), "dan".into()).await;
        assert_eq!(denied.unwrap_err().code(), Code::ApprovalDenied);
        let token = hand_on("bob").await.unwrap();
        assert_eq!(Token::parse(&token.expose()), Some(token.clone()));
        let with = async |token: &Token, choice: &str| {
            let right = Right::Token(token.clone());
            store.answer(&scope, id, right, Answer::of(choice)).await.map(drop)
        };
        let forged = Token::new([7; 32]);
        assert_eq!(with(&forged, "pay").await.unwrap_err().code(), Code::ApprovalDenied);
        // An answer that is not taken uses nothing up.
        assert_eq!(with(&token, "nothing").await.unwrap_err().code(), Code::Input);
        with(&token, "pay").await.unwrap();
        assert_eq!(with(&token, "pay").await.unwrap_err().code(), Code::ApprovalDenied);
        let again = process.agent.answer(&someone("bob"), id, Answer::of("pay")).await;
        assert_eq!(again.unwrap_err().code(), Code::Approval);
        process.agent.answer(&someone("cid"), id, Answer::of("pay")).await.unwrap();
    })
    .await;
    assert_eq!((report.unwrap().status, paid.len()), (Status::Completed, 1));
}

#[tokio::test]
async fn a_question_of_a_run_that_was_cancelled_is_answered_by_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let pay = Pay::new();
    let one = process(folder.path(), 1, &pay, &Terms::default(), first());
    let (ann, report) = (someone("ann"), one.agent.run(&someone("ann"), "Pay 40.").await.unwrap());
    let id = asked(&report);
    let open = one.agent.pending(&ann, 10).await.unwrap();
    assert_eq!(open.iter().map(|question| question.question.id).collect::<Vec<_>>(), [id]);
    one.runs.cancel(&ann, report.run, "not needed").await.unwrap();
    assert!(one.agent.pending(&ann, 10).await.unwrap().is_empty());
    let late = one.agent.answer(&someone("bob"), id, Answer::of(APPROVE)).await.unwrap_err();
    assert_eq!(late.code(), Code::Approval);
    assert!(late.to_string().contains("its run has ended"), "{late}");
    let kept = one.agent.question(&ann, id).await.unwrap().unwrap();
    assert_eq!((kept.over, kept.votes.len(), pay.paid().len()), (true, 0, 0));
}

#[tokio::test]
async fn what_somebody_writes_into_an_answer_is_recorded_without_sensitive_values() {
    let card = "4111 1111 1111 1111";
    let (report, _) = after(Terms::default(), async |process, id| {
        let note = Some(format!("Not with {card}.").into());
        let answer = Answer { note, ..Answer::of(DENY) };
        process.agent.answer(&someone("bob"), id, answer).await.unwrap();
    })
    .await;
    let shown = format!("{:?}", report.unwrap().messages);
    assert!(shown.contains("Not with <CARD_1") && !shown.contains(card), "{shown}");
}
