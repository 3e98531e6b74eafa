//! Calls and targets for the tests.

use std::sync::Arc;

use largestack_types::call::{Call, Settings, ToolChoice};
use largestack_types::id::{CallId, EffectId};
use largestack_types::json::Json;
use largestack_types::label::{Label, Origin};
use largestack_types::message::{Message, Role};
use largestack_types::part::{
    Arguments, Body, Media, MediaKind, MediaSource, Part, PartId, Reasoning, ToolCall, ToolResult,
};
use largestack_types::tool::ToolSpec;
use largestack_wire::{HttpRequest, Session, Target, Wire, model, wire};

pub(crate) fn chat() -> &'static dyn Wire {
    wire("openai-chat").unwrap()
}

pub(crate) fn responses() -> &'static dyn Wire {
    wire("openai-responses").unwrap()
}

pub(crate) fn target(name: &str) -> Target {
    model::resolve(name).unwrap()
}

pub(crate) fn call(messages: Vec<Message>) -> Call {
    Call {
        model: "m".into(),
        messages: Arc::new(messages.into_iter().map(Arc::new).collect()),
        tools: Arc::new([]),
        tool_choice: ToolChoice::Auto,
        settings: Arc::new(Settings::default()),
        stream: false,
    }
}

pub(crate) fn with(call: Call, settings: Settings) -> Call {
    Call { settings: Arc::new(settings), ..call }
}

pub(crate) fn part(body: Body) -> Part {
    Part { id: PartId::default(), label: Label::from_origin(Origin::Tool), body, native: None }
}

pub(crate) fn message(role: Role, bodies: Vec<Body>) -> Message {
    Message { role, parts: bodies.into_iter().map(part).collect(), native: None }
}

pub(crate) fn user(text: &str) -> Message {
    Message::user(PartId::default(), text)
}

pub(crate) fn tool() -> ToolSpec {
    ToolSpec {
        name: "search".into(),
        description: "Looks things up".into(),
        parameters: Json::parse(r#"{"type":"object","properties":{"q":{"type":"string"}}}"#)
            .unwrap(),
        idempotent: true,
        origin: Origin::Retrieval,
        native: None,
        server: false,
    }
}

pub(crate) fn tool_call(effect: u32, provider_id: &str, arguments: &str) -> Body {
    Body::ToolCall(ToolCall {
        call: CallId::of(EffectId::new(effect)),
        provider_id: provider_id.into(),
        name: "search".into(),
        arguments: Arguments::from_text(arguments),
    })
}

pub(crate) fn tool_result(effect: u32, provider_id: &str, text: &str, media: Vec<Media>) -> Body {
    Body::ToolResult(ToolResult {
        call: CallId::of(EffectId::new(effect)),
        provider_id: provider_id.into(),
        name: "search".into(),
        text: text.into(),
        media,
        is_error: false,
        handle: None,
    })
}

pub(crate) fn thought(text: &str, raw: Option<&str>) -> Body {
    Body::Reasoning(Reasoning {
        text: text.into(),
        signature: None,
        redacted: false,
        raw: raw.map(|raw| Json::parse(raw).unwrap()),
    })
}

pub(crate) fn media(kind: MediaKind, mime: &str, source: MediaSource) -> Media {
    Media { kind, mime: mime.into(), source, name: None }
}

pub(crate) fn image() -> Media {
    media(MediaKind::Image, "image/png", MediaSource::Base64("AAAA".into()))
}

pub(crate) fn text(text: &str) -> Body {
    Body::Text(text.into())
}

pub(crate) fn encode(call: &Call, target: &Target) -> HttpRequest {
    chat().encode(call, target, &mut Session::new()).unwrap()
}

/// The body as a value: valid JSON, no key twice.
pub(crate) fn json(request: &HttpRequest) -> serde_json::Value {
    no_key_twice(std::str::from_utf8(&request.body).unwrap());
    serde_json::from_slice(&request.body).unwrap()
}

fn no_key_twice(text: &str) {
    let compact = |text: &str| text.chars().filter(|c| !c.is_whitespace()).count();
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    // A key given twice is there once after reading, so that the text has become shorter.
    let again = serde_json::to_string(&value).unwrap();
    assert_eq!(compact(text), compact(&again), "{text}");
}
