//! Messages that come from outside, in a document or from a caller who keeps them: whoever is said
//! to speak in them and whatever they hold, nothing in them passes the guard unseen.

use std::sync::Arc;

use largestack_agent::RunOptions;
use largestack_ports::sessions::{SessionKey, Sessions as _};
use largestack_testkit::Turn;
use largestack_types::errors::Coded as _;
use largestack_types::id::{CallId, RunId};
use largestack_types::json::Json;
use largestack_types::label::Label;
use largestack_types::message::{Message, Role};
use largestack_types::part::{
    Arguments, Body, Citation, Native, Part, PartId, Reasoning, ToolCall, ToolResult,
};

use crate::world::World;

const CARD: &str = "4111 1111 1111 1111";
const ROLES: [Role; 3] = [Role::User, Role::Assistant, Role::Tool];

fn text() -> Arc<str> {
    format!("the card is {CARD}.").into()
}

fn json() -> Json {
    Json::parse(format!(r#"{{"note":"on file:\n{CARD}"}}"#)).unwrap()
}

fn native() -> Native {
    Native { wire: "anthropic-messages".into(), fields: json() }
}

fn result(call: CallId, text: Arc<str>) -> Body {
    let (provider_id, name) = ("c".into(), "echo".into());
    let (media, is_error, handle) = (Vec::new(), false, None);
    Body::ToolResult(ToolResult { call, provider_id, name, text, media, is_error, handle })
}

/// A card in every kind of body that has words.
fn bodies() -> Vec<Body> {
    let call = CallId::default();
    let (provider_id, name) = (Arc::from("c"), Arc::from("echo"));
    let asked = |arguments| {
        let (provider_id, name) = (Arc::clone(&provider_id), Arc::clone(&name));
        Body::ToolCall(ToolCall { call, provider_id, name, arguments })
    };
    vec![
        Body::Text(text()),
        Body::Refusal(text()),
        Body::Reasoning(Reasoning { text: text(), ..Reasoning::default() }),
        Body::Reasoning(Reasoning { raw: Some(json()), text: "so".into(), ..Reasoning::default() }),
        Body::Citation(Citation { quote: Some(text()), ..Citation::default() }),
        Body::Citation(Citation { raw: Some(json()), ..Citation::default() }),
        Body::ServerTool(json()),
        Body::Unknown(json()),
        asked(Arguments::Json(json())),
        asked(Arguments::Malformed(text())),
        result(call, text()),
        result(call, json().as_str().into()),
    ]
}

/// Each of these in a message of its own, and messages whose protocol says it beside harmless words.
fn messages(role: Role) -> Vec<Message> {
    let id = PartId::new(0, 1);
    let part = |body| Part::new(id, Label::default(), body);
    let mut messages: Vec<Message> =
        bodies().into_iter().map(|body| Message::new(role, vec![part(body)])).collect();
    let beside = |body| Part { native: Some(native()), ..part(body) };
    let harmless = [Body::Text("hm".into()), result(CallId::default(), "hm".into())];
    messages.extend(harmless.map(|body| Message::new(role, vec![beside(body)])));
    let said = Message::new(role, vec![part(Body::Text("well".into()))]);
    messages.push(Message { native: Some(native()), ..said });
    messages
}

fn sent(world: &World) -> String {
    let calls = world.model.calls();
    calls.iter().map(|call| serde_json::to_string(&call.messages).unwrap()).collect()
}

#[tokio::test]
async fn whatever_an_imported_message_holds_and_whoever_says_it_is_guarded() {
    let in_session = || RunOptions::default().session("chat");
    let world = World::new([Turn::text("first")]);
    world.agent(|a| a).run_with(&world.scope, "hello", in_session()).await.unwrap();
    let document = world.runtime().conversations().export(&world.scope, "chat").await.unwrap();
    for message in ROLES.into_iter().flat_map(messages) {
        let mut document: serde_json::Value = serde_json::from_str(&document).unwrap();
        let said = document["exchanges"][0]["messages"].as_array_mut().unwrap();
        said.push(serde_json::to_value(&message).unwrap());
        let world = World::new([Turn::text("second")]);
        world.runtime().conversations().import(&world.scope, &document.to_string()).await.unwrap();
        let id = SessionKey::from("chat").id();
        let kept = world.journal.load(&world.scope, id).await.unwrap().unwrap();
        let last = kept.exchanges[0].messages.last().unwrap();
        assert_eq!((last.role, last.parts.len()), (message.role, 1));
        let stored = serde_json::to_string(&kept).unwrap();
        assert!(!stored.contains(CARD), "{message:?} is stored as {last:?}");
        let options = RunOptions { id: Some(RunId::from_u128(99)), ..in_session() };
        world.agent(|a| a).run_with(&world.scope, "and?", options).await.unwrap();
        assert!(!sent(&world).contains(CARD), "{message:?}");
    }
}

#[tokio::test]
async fn words_in_a_message_of_a_tool_are_stored_and_sent_with_a_placeholder() {
    let world = World::new([Turn::text("ok")]);
    let id = PartId::new(0, 1);
    let said = Message::of_text(Role::Tool, id, Label::default(), text());
    let options = RunOptions::default().history(vec![Arc::new(said)]);
    let report = world.agent(|a| a).run_with(&world.scope, "go", options).await.unwrap();
    let written = world.written(report.run).await;
    for text in [written, sent(&world)] {
        assert!(text.contains("the card is <CARD_1:") && !text.contains(CARD), "{text}");
    }
}

#[tokio::test]
async fn whatever_a_caller_hands_in_is_guarded_and_what_is_harmless_stays() {
    for message in ROLES.into_iter().flat_map(messages) {
        let world = World::new([Turn::text("ok")]);
        let options = RunOptions::default().history(vec![Arc::new(message.clone())]);
        let report = world.agent(|a| a).run_with(&world.scope, "go", options).await;
        let report = report.unwrap_or_else(|error| panic!("{}: {message:?}", error.message()));
        let written = world.written(report.run).await + &sent(&world);
        assert!(!written.contains(CARD), "{message:?} is {written}");
    }
    let world = World::new([Turn::text("ok")]);
    let fields = Json::parse(r#"{"id":"msg_1"}"#).unwrap();
    let native = Some(Native { wire: "anthropic-messages".into(), fields });
    let said = Message { native: native.clone(), ..Message::user(PartId::new(0, 1), "hello") };
    let options = RunOptions::default().history(vec![Arc::new(said)]);
    world.agent(|a| a).run_with(&world.scope, "go", options).await.unwrap();
    let asked = world.model.calls().remove(0).messages;
    assert!(asked.iter().any(|message| message.native == native), "{asked:?}");
}
