//! What a model's reply is labelled with.

use largestack_types::id::{CallId, EffectId};
use largestack_types::json::Json;
use largestack_types::label::{Label, Origin};
use largestack_types::part::{Arguments, Body, Citation, Part, PartId, ToolCall};

use crate::world::{World, definition};

/// The parts of a reply with this before a call, and whether the web had a hand in all, or none.
fn from_the_web(before: Body) -> bool {
    let call = Body::ToolCall(ToolCall {
        call: CallId::default(),
        provider_id: "".into(),
        name: "act".into(),
        arguments: Arguments::from_text("{}"),
    });
    let own = Label::from_origin(Origin::Agent);
    let parts = [call.clone(), before, call].map(|body| Part::new(PartId::default(), own, body));
    let world = World::new(definition(), Vec::new());
    let message = world.run.adopt(EffectId::new(1), parts.into());
    let web = |part: &Part| part.label.origins.contains(Origin::Web);
    assert!(message.parts.iter().all(web) || !message.parts.iter().any(web));
    assert!(message.parts.iter().all(|part| part.label.origins.contains(Origin::User)));
    web(&message.parts[0])
}

#[test]
fn what_a_provider_has_looked_up_itself_makes_all_of_a_reply_come_from_the_web() {
    assert!(from_the_web(Body::ServerTool(Json::empty_object())));
    assert!(from_the_web(Body::Unknown(Json::empty_object())));
    assert!(from_the_web(Body::Citation(Citation::default())));
    assert!(!from_the_web(Body::Text("words".into())));
}
