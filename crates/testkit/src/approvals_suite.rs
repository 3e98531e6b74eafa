//! The laws of approvals, wherever they are kept: over two processes of one store, of which either
//! may ask and answer. A form runs them all with [`all`].
#![expect(clippy::unwrap_used, reason = "a law that does not hold fails its test")]

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use largestack_ports::approvals::{
    APPROVE, Answer, Approvals, DENY, Listed, Question, Right, Standing, Terms,
};
use largestack_ports::clock::{Clock as _, FakeClock};
use largestack_types::errors::{Code, Coded as _};
use largestack_types::id::{ApprovalId, EffectId, RunId};
use largestack_types::json::Json;
use largestack_types::scope::{Scope, TenantId};

/// Two processes of one store, by one clock.
pub struct Form {
    /// The one.
    pub here: Arc<dyn Approvals>,
    /// The other.
    pub there: Arc<dyn Approvals>,
    /// Their time.
    pub clock: FakeClock,
}

/// Every law, each over a store of its own.
pub async fn all(forms: &dyn Fn() -> Form) {
    of_many_that_answer_at_once_one_is_heard(&forms()).await;
    a_quorum_agrees_over_processes_and_one_no_is_enough(&forms()).await;
    a_question_stands_until_its_time_is_over(&forms()).await;
    a_right_that_is_handed_on_is_used_once(&forms()).await;
    whoever_is_not_asked_is_not_heard(&forms()).await;
    a_question_that_is_asked_again_stays_as_it_was_answered(&forms()).await;
    the_newest_are_listed_first_and_to_their_tenant_only(&forms()).await;
}

fn scope(tenant: &str) -> Scope {
    Scope::authenticated(TenantId::new(tenant).unwrap(), "somebody")
}

fn question(form: &Form, run: u128, terms: Terms) -> Question {
    let (run, effect) = (RunId::from_u128(run), EffectId::new(2));
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
        terms,
        asked: form.clock.now(),
    }
}

async fn asked(form: &Form, terms: Terms) -> ApprovalId {
    let question = question(form, 7, terms);
    let id = question.id;
    form.here.ask(&scope("acme"), question).await.unwrap();
    id
}

fn by(name: &str) -> Right {
    Right::Principal(name.into())
}

async fn of_many_that_answer_at_once_one_is_heard(form: &Form) {
    let (acme, id) = (scope("acme"), asked(form, Terms::default()).await);
    let names: Vec<String> = (0..12).map(|n| format!("person-{n}")).collect();
    let answers = names.iter().enumerate().map(|(n, name)| {
        let store = if n % 2 == 0 { &form.here } else { &form.there };
        let answer = Answer::of(if n % 3 == 0 { DENY } else { APPROVE });
        store.answer(&acme, id, by(name), answer)
    });
    let outcomes = join_all(answers).await;
    let refused: Vec<_> = outcomes.into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.len(), 11);
    assert!(refused.iter().all(|error| error.code() == Code::Approval), "{refused:?}");
    let kept = form.there.find(&acme, id).await.unwrap().unwrap();
    assert_eq!(kept.votes.len(), 1);
    assert_eq!(form.here.find(&acme, id).await.unwrap().unwrap(), kept);
    let late = form.here.answer(&acme, id, by("late"), Answer::of(APPROVE)).await.unwrap_err();
    assert_eq!(late.code(), Code::Approval);
}

async fn a_quorum_agrees_over_processes_and_one_no_is_enough(form: &Form) {
    let acme = scope("acme");
    let terms = Terms { quorum: 2, ..Terms::default() };
    let id = asked(form, terms.clone()).await;
    let one = form.here.answer(&acme, id, by("ann"), Answer::of(APPROVE)).await.unwrap();
    assert_eq!(one.standing(form.clock.now()), Standing::Open);
    let again = form.there.answer(&acme, id, by("ann"), Answer::of(APPROVE)).await.unwrap_err();
    assert_eq!(again.code(), Code::Approval);
    let two = form.there.answer(&acme, id, by("bob"), Answer::of(APPROVE)).await.unwrap();
    let standing = two.standing(form.clock.now());
    assert!(matches!(standing, Standing::Decided { approved: true, .. }), "{standing:?}");
    let other = question(form, 8, terms);
    let id = other.id;
    form.there.ask(&acme, other).await.unwrap();
    let no = form.here.answer(&acme, id, by("ann"), Answer::of(DENY)).await.unwrap();
    let standing = no.standing(form.clock.now());
    assert!(matches!(standing, Standing::Decided { approved: false, .. }), "{standing:?}");
}

async fn a_question_stands_until_its_time_is_over(form: &Form) {
    let acme = scope("acme");
    let terms = Terms { quorum: 2, expires_after: Duration::from_secs(10), ..Terms::default() };
    let id = asked(form, terms).await;
    form.clock.advance(Duration::from_secs(10) - Duration::from_micros(1));
    form.there.answer(&acme, id, by("ann"), Answer::of(APPROVE)).await.unwrap();
    form.clock.advance(Duration::from_micros(1));
    let late = form.here.answer(&acme, id, by("bob"), Answer::of(APPROVE)).await.unwrap_err();
    assert_eq!(late.code(), Code::Approval);
    let kept = form.here.find(&acme, id).await.unwrap().unwrap();
    assert_eq!((kept.standing(form.clock.now()), kept.votes.len()), (Standing::Expired, 1));
}

async fn a_right_that_is_handed_on_is_used_once(form: &Form) {
    let acme = scope("acme");
    let terms =
        Terms { quorum: 2, approvers: vec!["ann".into(), "bob".into()], ..Terms::default() };
    let id = asked(form, terms).await;
    let token = form.here.delegate(&acme, id, "ann".into(), "cyd".into()).await.unwrap();
    let use_it = || form.there.answer(&acme, id, Right::Token(token.clone()), Answer::of(APPROVE));
    let kept = use_it().await.unwrap();
    let vote = kept.votes.first().unwrap();
    assert_eq!((&*vote.by, vote.in_place_of.as_deref()), ("cyd", Some("ann")));
    assert_eq!(use_it().await.unwrap_err().code(), Code::ApprovalDenied);
    let hers = form.here.answer(&acme, id, by("ann"), Answer::of(APPROVE)).await.unwrap_err();
    assert_eq!(hers.code(), Code::Approval);
    // A token that is refused for another reason is not spent, and one of another tenant is none.
    let token = form.here.delegate(&acme, id, "bob".into(), "dan".into()).await.unwrap();
    let wrong = form.there.answer(&acme, id, Right::Token(token.clone()), Answer::of("perhaps"));
    assert_eq!(wrong.await.unwrap_err().code(), Code::Input);
    let right = Right::Token(token);
    let kept = form.there.answer(&acme, id, right, Answer::of(APPROVE)).await.unwrap();
    assert_eq!(kept.votes.len(), 2);
}

async fn whoever_is_not_asked_is_not_heard(form: &Form) {
    let acme = scope("acme");
    let terms = Terms { approvers: vec!["ann".into()], ..Terms::default() };
    let id = asked(form, terms).await;
    let eve = form.there.answer(&acme, id, by("eve"), Answer::of(APPROVE)).await.unwrap_err();
    assert_eq!(eve.code(), Code::ApprovalDenied);
    let handed = form.there.delegate(&acme, id, "eve".into(), "mal".into()).await.unwrap_err();
    assert_eq!(handed.code(), Code::ApprovalDenied);
    let elsewhere = form.there.answer(&scope("other"), id, by("ann"), Answer::of(APPROVE)).await;
    assert_eq!(elsewhere.unwrap_err().code(), Code::NotFound);
    assert_eq!(form.here.find(&acme, id).await.unwrap().unwrap().votes, []);
}

async fn a_question_that_is_asked_again_stays_as_it_was_answered(form: &Form) {
    let acme = scope("acme");
    let id = asked(form, Terms::default()).await;
    form.there.answer(&acme, id, by("bob"), Answer::of(DENY)).await.unwrap();
    let before = form.here.find(&acme, id).await.unwrap();
    form.clock.advance(Duration::from_secs(1));
    assert_eq!(asked(form, Terms::default()).await, id);
    assert_eq!(form.there.find(&acme, id).await.unwrap(), before);
}

async fn the_newest_are_listed_first_and_to_their_tenant_only(form: &Form) {
    let (acme, other) = (scope("acme"), scope("other"));
    let mut ids = Vec::new();
    for run in [3, 1, 2] {
        let question = question(form, run, Terms::default());
        ids.insert(0, question.id);
        form.here.ask(&acme, question).await.unwrap();
    }
    let listed = form.there.list(&acme, 10).await.unwrap().questions;
    assert_eq!(listed.iter().map(|one| one.question.id).collect::<Vec<_>>(), ids);
    assert_eq!(form.there.list(&acme, 2).await.unwrap().questions.len(), 2);
    assert_eq!(form.there.list(&other, 10).await.unwrap(), Listed::default());
    for id in ids {
        assert!(form.there.find(&other, id).await.unwrap().is_none());
    }
}
