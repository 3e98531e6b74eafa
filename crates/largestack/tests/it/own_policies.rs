//! Policies of an operator's own, in Cedar, beside labels and people, over several processes.

use std::path::Path;
use std::sync::Arc;

use largestack::policies::CedarPolicies;
use largestack::taint::Decision;
use largestack::{Scope, Status};
use largestack_agent::{Agent, ResumeOptions};
use largestack_engine::Event;
use largestack_ports::approvals::{APPROVE, Answer, DENY};
use largestack_ports::journal::Journal as _;
use largestack_store::Store;
use largestack_testkit::Turn;
use largestack_types::errors::Coded as _;
use largestack_types::id::RunId;

use crate::taint::{Mails, process_of};

const ASKS: &str = "permit(principal, action, resource);\n\
    @id(\"ask\") @approval(\"mail goes out\") forbid(principal, action, resource in Capability::\"send\");";

fn process(
    folder: &Path,
    number: u128,
    mails: &Mails,
    (policies, turns): (&str, Vec<Turn>),
) -> (Store, Agent) {
    let policies = Arc::new(CedarPolicies::parse([("own.cedar", policies)]).unwrap());
    process_of(folder, number, mails, turns, |builder| builder.policies(policies))
}

/// What was decided about mails in a run, each with the policy that has said so first.
async fn decided(store: &Store, run: RunId) -> Vec<(Decision, String)> {
    let events = store.read(&Scope::local(), run, 0).await.unwrap();
    let decided = events.iter().filter_map(|recorded| match &*recorded.event {
        Event::PolicyDecided(one) if &*one.resource == "send" => {
            Some((one.decision, one.reasons[0].policy.to_string()))
        }
        _ => None,
    });
    decided.collect()
}

fn send() -> Turn {
    Turn::tool("send", r#"{"to":"mallory"}"#)
}

#[tokio::test]
async fn a_policy_has_a_person_asked_and_a_call_they_agree_to_is_made_in_another_process() {
    for (choice, sent) in [(APPROVE, 1), (DENY, 0)] {
        let (folder, mails) = (tempfile::tempdir().unwrap(), Mails::default());
        let scope = Scope::local();
        let (store, agent) = process(folder.path(), 1, &mails, (ASKS, vec![send()]));
        let report = agent.run(&scope, "Write.").await.unwrap();
        assert_eq!((report.status, mails.lock().unwrap().len()), (Status::Suspended, 0));
        let question = agent.waiting(&scope, report.run).await.unwrap()[0].question.clone();
        assert_eq!(&*question.reason, "mail goes out (`cedar.ask`)");
        drop((store, agent));

        let (store, agent) = process(folder.path(), 2, &mails, (ASKS, vec![Turn::text("done")]));
        agent.answer(&scope, question.id, Answer::of(choice)).await.unwrap();
        let report = agent.resume(&scope, report.run, ResumeOptions::default()).await.unwrap();
        assert_eq!((report.status, mails.lock().unwrap().len()), (Status::Completed, sent));
        let once = [(Decision::RequireApproval, "cedar.ask".to_owned())];
        assert_eq!(decided(&store, report.run).await, once);
    }
}

#[tokio::test]
async fn labels_and_policies_ask_one_question_and_nobody_is_asked_about_what_a_policy_refuses() {
    let scope = Scope::local();
    let turns = || vec![Turn::tool("read", "{}"), send(), Turn::text("done")];
    let (folder, mails) = (tempfile::tempdir().unwrap(), Mails::default());
    let (store, agent) = process(folder.path(), 1, &mails, (ASKS, turns()));
    let report = agent.run(&scope, "Read it.").await.unwrap();
    assert_eq!(report.status, Status::Suspended);
    let question = agent.waiting(&scope, report.run).await.unwrap()[0].question.clone();
    let reason = &question.reason;
    assert!(
        reason.contains("untrusted text (tool)") && reason.contains("mail goes out"),
        "{reason}"
    );
    let both = [
        (Decision::RequireApproval, "taint.on_untrusted.send".to_owned()),
        (Decision::RequireApproval, "cedar.ask".to_owned()),
    ];
    assert_eq!(decided(&store, report.run).await, both);
    drop((store, agent));
    let (_store, agent) = process(folder.path(), 2, &mails, (ASKS, vec![Turn::text("done")]));
    agent.answer(&scope, question.id, Answer::of(APPROVE)).await.unwrap();
    let report = agent.resume(&scope, report.run, ResumeOptions::default()).await.unwrap();
    assert_eq!((report.status, mails.lock().unwrap().len()), (Status::Completed, 1));

    let shut = "permit(principal, action, resource);\n\
        @id(\"shut\") forbid(principal, action, resource in Capability::\"send\") when { context.untrusted };";
    let (folder, mails) = (tempfile::tempdir().unwrap(), Mails::default());
    let (store, agent) = process(folder.path(), 3, &mails, (shut, turns()));
    let report = agent.run(&scope, "Read it.").await.unwrap();
    assert_eq!((report.status, mails.lock().unwrap().len()), (Status::Completed, 0));
    let last = decided(&store, report.run).await.pop();
    assert_eq!(last, Some((Decision::Refuse, "cedar.shut".to_owned())));
}

#[tokio::test]
async fn what_a_person_has_agreed_to_is_decided_anew_and_a_refusal_then_is_in_the_journal() {
    let once = format!(
        "{ASKS}\n@id(\"never\") forbid(principal, action, resource in Capability::\"send\")\n\
         when {{ context.approved }};"
    );
    let (folder, mails) = (tempfile::tempdir().unwrap(), Mails::default());
    let scope = Scope::local();
    let (store, agent) = process(folder.path(), 1, &mails, (&once, vec![send()]));
    let report = agent.run(&scope, "Write.").await.unwrap();
    let question = agent.waiting(&scope, report.run).await.unwrap()[0].question.clone();
    drop((store, agent));
    let (store, agent) = process(folder.path(), 2, &mails, (&once, vec![Turn::text("done")]));
    agent.answer(&scope, question.id, Answer::of(APPROVE)).await.unwrap();
    let report = agent.resume(&scope, report.run, ResumeOptions::default()).await.unwrap();
    assert_eq!((report.status, mails.lock().unwrap().len()), (Status::Completed, 0));
    let both = [
        (Decision::RequireApproval, "cedar.ask".to_owned()),
        (Decision::Refuse, "cedar.never".to_owned()),
    ];
    assert_eq!(decided(&store, report.run).await, both);
}

#[tokio::test]
async fn a_run_is_not_taken_up_under_other_policies_unnoticed() {
    let (folder, mails) = (tempfile::tempdir().unwrap(), Mails::default());
    let scope = Scope::local();
    let (store, agent) = process(folder.path(), 1, &mails, (ASKS, vec![send()]));
    let report = agent.run(&scope, "Write.").await.unwrap();
    drop((store, agent));
    let open = "permit(principal, action, resource);";
    let (_store, agent) = process(folder.path(), 2, &mails, (open, vec![Turn::text("done")]));
    let resumed = agent.resume(&scope, report.run, ResumeOptions::default()).await;
    let error = resumed.err().unwrap();
    assert!(error.message().contains("definition"), "{}", error.message());
    assert!(mails.lock().unwrap().is_empty());
}
