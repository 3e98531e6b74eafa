//! A run with a call in doubt, state by state.

use std::sync::Arc;

use largestack_engine::event::{
    CallRecord, DoubtDecision, DoubtSettled, EffectStarted, ModelReplied, Resumed, RunStarted,
};
use largestack_engine::{Definition, End, EndReason};
use largestack_types::id::{CallId, OwnerId, RunId};
use largestack_types::label::{Label, Origin};
use largestack_types::message::{Message, Role};
use largestack_types::part::{Arguments, Body, Part, PartId, ToolCall};
use largestack_types::reply::FinishReason;
use largestack_types::tool::ToolSpec;

use super::*;

fn definition() -> Arc<Definition> {
    let spec = ToolSpec {
        name: "pay".into(),
        description: "Pays.".into(),
        parameters: largestack_types::json::Json::empty_object(),
        idempotent: false,
        origin: Origin::Tool,
        native: None,
        server: false,
    };
    Arc::new(Definition { tools: Arc::new([spec]), ..Definition::new("a", "", "m/n") })
}

fn events(definition: &Definition) -> Vec<Recorded> {
    let id = RunId::from_u128(1);
    let call = ToolCall {
        call: CallId::of(EffectId::new(2)),
        provider_id: "p".into(),
        name: "pay".into(),
        arguments: Arguments::from_text("{}"),
    };
    let part = Part {
        id: PartId::new(1, 0),
        label: Label::from_origin(Origin::Agent),
        body: Body::ToolCall(call),
        native: None,
    };
    let started =
        |effect| Event::EffectStarted(EffectStarted { effect: EffectId::new(effect), attempt: 1 });
    let list = vec![
        Event::RunStarted(RunStarted {
            agent: "a".into(),
            definition: definition.sealed().unwrap().1,
            input: Arc::new(Message::user(PartId::new(0, 1), "Pay.")),
            history: Vec::new(),
            principal: "local".into(),
            session: None,
            recalled: None,
            adjusted: None,
            parent: None,
            root: id,
        }),
        started(1),
        Event::ModelReplied(ModelReplied {
            effect: EffectId::new(1),
            message: Arc::new(Message { role: Role::Assistant, parts: vec![part], native: None }),
            finish_reason: FinishReason::ToolCalls,
            call: CallRecord::default(),
        }),
        started(2),
        Event::Resumed(Resumed { owner: OwnerId::from_u128(7) }),
        Event::DoubtSettled(DoubtSettled {
            effect: EffectId::new(2),
            decision: DoubtDecision::Fail,
            by: "ada".into(),
        }),
        Event::RunFinished(End::plain(Status::Failed, EndReason::Error)),
    ];
    let recorded =
        |(seq, event)| Recorded { seq, at: Timestamp::from_micros(0), event: Arc::new(event) };
    (1..).zip(list).map(recorded).collect()
}

#[test]
fn each_state_says_what_runs_what_may_start_and_what_is_waited_for() {
    let definition = definition();
    let mut run = Run::new(RunId::from_u128(1), Arc::clone(&definition));
    let states = fold(&mut run, &events(&definition)).unwrap();
    let phases: Vec<&str> = states.iter().map(|state| state.phase).collect();
    assert_eq!(phases, ["model", "model", "tools", "tools", "waiting", "ending", "over"]);
    let in_flight: Vec<String> = states.iter().map(|state| state.in_flight.join(",")).collect();
    assert_eq!(in_flight, ["", "e1", "", "e2", "", "", ""]);
    assert_eq!(states[0].ready, ["e1 model"]);
    assert_eq!(states[2].ready, ["e2 tool"]);
    assert!(matches!(&states[4].waits[..], [WaitDocument::InDoubt { effect }] if effect == "e2"));
    let plain = anstream::adapter::strip_str(&table(&states)).to_string();
    assert!(plain.contains("a decision about e2"), "{plain}");
}
