//! Questions and answers that somebody has written by hand.

use largestack_ports::approvals::{Answer, Approvals, DENY, Question, Right, Terms};
use largestack_types::error::{Code, Coded as _};
use largestack_types::id::{EffectId, RunId};
use largestack_types::json::Json;
use largestack_types::time::Timestamp;

use crate::fixture::{block_on, open, tenant};

fn question() -> Question {
    let (run, effect) = (RunId::from_u128(7), EffectId::new(2));
    let arguments = Json::parse(r#"{"n":20}"#).unwrap();
    Question {
        id: Question::id_of(run, effect, "pay", &arguments),
        run,
        effect,
        agent: "payer".into(),
        principal: "ann".into(),
        tool: "pay".into(),
        arguments,
        reason: "it pays".into(),
        terms: Terms::default(),
        asked: Timestamp::from_micros(i64::MAX / 2),
    }
}

#[test]
fn a_question_or_an_answer_that_somebody_wrote_by_hand_is_refused() {
    for change in [
        "UPDATE approvals SET data = replace(data, '20', '50')",
        "UPDATE approval_votes SET data = replace(data, 'deny', 'approve')",
        "INSERT INTO approval_votes (tenant, id, principal, data, seal)
            SELECT tenant, id, 'eve', replace(data, 'bob', 'eve'), seal FROM approval_votes",
        "UPDATE approvals SET tenant = 'other'",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (acme, other, id) = (tenant("acme"), tenant("other"), question().id);
        let store = open(folder.path());
        block_on(store.ask(&acme, question())).unwrap();
        let right = Right::Principal("bob".into());
        block_on(Approvals::answer(&store, &acme, id, right, Answer::of(DENY))).unwrap();
        assert!(block_on(store.find(&other, id)).unwrap().is_none());
        assert_eq!(block_on(store.list(&acme, 10)).unwrap().questions.len(), 1);
        drop(store);
        let state = rusqlite::Connection::open(folder.path().join("state.db")).unwrap();
        assert_eq!(state.execute(change, []).unwrap(), 1);
        drop(state);
        let store = open(folder.path());
        let scope = if change.contains("other") { &other } else { &acme };
        let error = block_on(store.find(scope, id)).unwrap_err();
        assert_eq!(error.code(), Code::ApprovalDenied, "{change}");
    }
}

#[test]
fn one_question_that_cannot_be_trusted_does_not_keep_the_others_from_being_listed() {
    for change in [
        "UPDATE approvals SET data = replace(data, '20', '50') WHERE position = 2",
        "UPDATE approvals SET data = 'no JSON' WHERE position = 2",
        "UPDATE approvals SET data = CAST(x'ff' AS TEXT) WHERE position = 2",
        "UPDATE approvals SET seal = x'' WHERE position = 2",
        "UPDATE approval_votes SET data = CAST(x'fe00' AS TEXT)",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (acme, store) = (tenant("acme"), open(folder.path()));
        let asked = ["first", "second", "third"].map(|tool| {
            let Question { run, effect, arguments, .. } = question();
            let id = Question::id_of(run, effect, tool, &arguments);
            block_on(store.ask(&acme, Question { id, tool: tool.into(), ..question() })).unwrap();
            id
        });
        let right = Right::Principal("bob".into());
        block_on(Approvals::answer(&store, &acme, asked[1], right, Answer::of(DENY))).unwrap();
        drop(store);
        let state = rusqlite::Connection::open(folder.path().join("state.db")).unwrap();
        assert_eq!(state.execute(change, []).unwrap(), 1, "{change}");
        drop(state);
        let store = open(folder.path());
        let listed = block_on(store.list(&acme, 10)).unwrap();
        let good: Vec<_> = listed.questions.iter().map(|kept| kept.question.id).collect();
        assert_eq!(good, [asked[2], asked[0]], "{change}");
        let [untrusted] = listed.untrusted.as_slice() else { panic!("{change}: {listed:?}") };
        assert_eq!((untrusted.id, untrusted.error.code()), (asked[1], Code::ApprovalDenied));
        let shown = block_on(store.find(&acme, asked[1])).unwrap_err();
        assert_eq!(shown.code(), Code::ApprovalDenied, "{change}");
        assert!(block_on(store.find(&acme, asked[0])).unwrap().is_some());
    }
}

#[test]
fn a_question_that_is_asked_again_stays_as_it_was_answered() {
    let folder = tempfile::tempdir().unwrap();
    let (acme, id) = (tenant("acme"), question().id);
    let store = open(folder.path());
    block_on(store.ask(&acme, question())).unwrap();
    let right = Right::Principal("bob".into());
    block_on(Approvals::answer(&store, &acme, id, right, Answer::of(DENY))).unwrap();
    let later = Question { asked: Timestamp::from_micros(i64::MAX / 2 + 1), ..question() };
    block_on(store.ask(&acme, later)).unwrap();
    let kept = block_on(store.find(&acme, id)).unwrap().unwrap();
    assert_eq!((kept.question, kept.votes.len()), (question(), 1));
}
