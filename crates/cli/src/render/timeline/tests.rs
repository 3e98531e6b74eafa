//! A tree of a run in which everything happens.

use std::sync::Arc;

use largestack_engine::event::{
    CallRecord, CancelReason, CancelRequested, DoubtDecision, DoubtSettled, EffectStarted, Guarded,
    LimitReached, ModelFailed, ModelReplied, Resumed, RunStarted, Steered, ToolOutcome,
    ToolReturned,
};
use largestack_engine::{End, EndReason, Limit, Status};
use largestack_types::errors::{Code, LargestackError};
use largestack_types::hash::Hash;
use largestack_types::id::{CallId, OwnerId, RunId};
use largestack_types::label::{Label, Origin};
use largestack_types::message::Role;
use largestack_types::money::Money;
use largestack_types::part::{Arguments, Part, PartId, ToolResult};
use largestack_types::reply::FinishReason;

use super::*;

fn message(role: Role, bodies: Vec<Body>) -> Arc<Message> {
    let label = Label::from_origin(Origin::Agent);
    let part = |(index, body)| Part { id: PartId::new(1, index), label, body, native: None };
    Arc::new(Message { role, parts: (0..).zip(bodies).map(part).collect(), native: None })
}

fn record(events: Vec<Event>) -> Vec<Recorded> {
    let at = |seq: u64| Timestamp::from_micros(1_000 * i64::try_from(seq).unwrap());
    (1..)
        .zip(events)
        .map(|(seq, event)| Recorded { seq, at: at(seq), event: Arc::new(event) })
        .collect()
}

fn started(effect: u32, attempt: u32) -> Event {
    Event::EffectStarted(EffectStarted { effect: EffectId::new(effect), attempt })
}

fn asked(text: &str) -> Event {
    Event::RunStarted(RunStarted {
        agent: "a".into(),
        definition: Hash::of(b""),
        input: message(Role::User, vec![Body::Text(text.into())]),
        history: Vec::new(),
        principal: "local".into(),
        session: None,
        recalled: None,
        adjusted: None,
        parent: None,
        root: RunId::from_u128(1),
    })
}

fn call(effect: u32) -> Body {
    Body::ToolCall(ToolCall {
        call: CallId::of(EffectId::new(effect)),
        provider_id: "p".into(),
        name: "pay".into(),
        arguments: Arguments::from_text("{\"to\":\"\u{1b}[2J\"}"),
    })
}

fn result(effect: u32, text: &str, outcome: ToolOutcome) -> Event {
    let effect = EffectId::new(effect);
    let result = ToolResult {
        call: CallId::of(effect),
        provider_id: "p".into(),
        name: "pay".into(),
        text: text.into(),
        media: Vec::new(),
        is_error: outcome != ToolOutcome::Returned,
        handle: Some("blob:1".into()),
    };
    Event::ToolReturned(ToolReturned {
        loads: Vec::new(),
        child: None,
        effect,
        message: message(Role::Tool, vec![Body::ToolResult(result)]),
        outcome,
        duration_us: 2_500,
        shared: false,
        raise: None,
        calls: Vec::new(),
    })
}

fn everything() -> Vec<Recorded> {
    let broken = || LargestackError::other(Code::Provider, "down\nfor good");
    let finding = FindingRecord {
        part: PartId::new(0, 1),
        kind: "card".into(),
        start: 3,
        end: 19,
        action: "tokenise".into(),
    };
    let priced = CallRecord {
        model: Some("gpt".into()),
        provider: Some("openai".into()),
        cost: Money::from_nanos(1_500_000),
        failed_attempts: vec![("x/y".into(), broken())],
        ..CallRecord::default()
    };
    let reply = |bodies, effect| {
        Event::ModelReplied(ModelReplied {
            effect: EffectId::new(effect),
            message: message(Role::Assistant, bodies),
            finish_reason: FinishReason::ToolCalls,
            call: priced.clone(),
        })
    };
    let end = End { error: Some(broken()), ..End::plain(Status::Failed, EndReason::Error) };
    record(vec![
        asked("Pay <CARD_1:x>"),
        Event::Guarded(Guarded {
            effect: EffectId::INPUT,
            stage: "guard_input".into(),
            findings: vec![finding],
        }),
        started(1, 1),
        reply(vec![Body::Text("I pay.".into()), call(2), call(3)], 1),
        started(2, 1),
        result(2, "done", ToolOutcome::Returned),
        started(3, 1),
        Event::Resumed(Resumed { owner: OwnerId::from_u128(7) }),
        Event::DoubtSettled(DoubtSettled {
            effect: EffectId::new(3),
            decision: DoubtDecision::TellModel,
            by: "ada".into(),
        }),
        result(3, "nobody knows", ToolOutcome::InDoubt),
        Event::Steered(Steered {
            effect: EffectId::new(4),
            stage: "own".into(),
            feedback: message(Role::User, vec![Body::Text("Try again.".into())]),
        }),
        Event::LimitReached(LimitReached { limit: Limit::WallClock, error: broken() }),
        Event::CancelRequested(CancelRequested {
            reason: CancelReason::Caller,
            by: "ada".into(),
            note: "enough".into(),
        }),
        started(4, 2),
        Event::ModelFailed(ModelFailed {
            effect: EffectId::new(4),
            error: broken(),
            call: CallRecord::default(),
        }),
        started(5, 1),
        Event::RunFinished(end),
    ])
}

#[test]
fn a_tree_tells_everything_that_can_happen_in_a_run() {
    let steps = steps(&everything());
    let tree = anstream::adapter::strip_str(&draw(&steps, false)).to_string();
    insta::assert_snapshot!(tree);
    assert!(!tree.contains('\u{1b}'));
}

#[test]
fn a_step_as_json_names_its_kind_and_its_findings() {
    let steps = serde_json::to_value(steps(&everything())).unwrap();
    let kinds: Vec<&str> =
        steps.as_array().unwrap().iter().map(|step| step["kind"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        [
            "asked",
            "model",
            "tool",
            "resumed",
            "decided",
            "tool",
            "steered",
            "limit",
            "cancel",
            "model",
            "finished",
            "unfinished"
        ]
    );
    assert_eq!(steps[0]["findings"][0]["kind"], "card");
    assert_eq!(steps[1]["cost_usd"], "0.0015");
    assert_eq!(steps[9]["attempt"], 2);
}

#[test]
fn whole_texts_are_shown_when_they_are_asked_for() {
    let long = "word ".repeat(100);
    let steps = steps(&record(vec![asked(&long)]));
    assert!(draw(&steps, false).contains('…'));
    assert!(draw(&steps, true).contains(long.trim_end()));
}

#[test]
fn what_policies_decided_is_shown_with_each_policy_and_its_reason() {
    use largestack_engine::event::PolicyDecided;
    use largestack_types::policy::Decision;

    let reason = Reason {
        policy: "taint.on_untrusted.pay".into(),
        decision: Decision::Refuse,
        why: "`pay` may pay, and the context holds untrusted text (web)".into(),
    };
    let steps = steps(&record(vec![
        asked("Pay."),
        Event::PolicyDecided(PolicyDecided {
            effect: EffectId::new(2),
            action: "tool_call".into(),
            resource: "pay".into(),
            label: Label::from_origin(Origin::Web),
            decision: Decision::Refuse,
            reasons: vec![reason],
        }),
    ]));
    let tree = anstream::adapter::strip_str(&draw(&steps, true)).to_string();
    let line = "policy pay refuse: `pay` may pay, and the context holds untrusted text (web) \
                (taint.on_untrusted.pay)";
    assert!(tree.contains(line), "{tree}");
    let json = serde_json::to_value(&steps).unwrap();
    assert_eq!((&json[1]["kind"], &json[1]["decision"]), (&"policy".into(), &"refuse".into()));
}
