//! The laws that every row of the provider table keeps, whatever its wire: requests are the same
//! bytes every time and mean what was asked, and every refusal becomes the right error.

use std::collections::BTreeMap;
use std::sync::Arc;

use largestack_types::call::{Call, OutputSchema, Settings, ToolChoice};
use largestack_types::error::{Code, Coded as _};
use largestack_types::id::CallId;
use largestack_types::json::Json;
use largestack_types::label::{Label, Origin};
use largestack_types::message::{Message, Role};
use largestack_types::part::{Arguments, Body, Part, PartId, ToolCall, ToolResult};
use largestack_types::tool::ToolSpec;
use largestack_wire::{EncodeError, Param, Provider, Section, Session, Target, shape};
use serde_json::Value;

/// What a law is about, and whether it held.
pub type Held = (&'static str, Result<(), String>);

/// Holds every law against a row. What a provider lacks is left out.
pub fn check(row: &Provider) -> Vec<Held> {
    // Rows for embeddings and rerankers alone have no chat protocol.
    if row.wire == "none" {
        return Vec::new();
    }
    let target = reachable(row);
    let mut held = Vec::new();
    for (what, call) in calls() {
        match request(&target, &call) {
            Ok(true) => held.push((what, Ok(()))),
            Ok(false) => {}
            Err(detail) => held.push((what, Err(detail))),
        }
    }
    held.push(("errors", errors(&target)));
    held
}

/// The row at an address that exists, with every word it leaves open said.
fn reachable(row: &Provider) -> Target {
    let say = |name: &String| {
        (name.clone(), Param { value: Some("somewhere".to_owned()), ..Param::default() })
    };
    let params: BTreeMap<_, _> = row.params.keys().map(say).collect();
    let base_url = row.base_url.clone().or_else(|| Some("https://provider.invalid".to_owned()));
    let section = Section { base_url, params: Some(params), ..Section::default() };
    let model = row.models.first().map_or("some-model", String::as_str);
    Target::new(Arc::new(row.clone().with(section)), format!("{model}x"))
}

fn part(body: Body) -> Part {
    Part::new(PartId::default(), Label::from_origin(Origin::User), body)
}

fn conversation() -> Vec<Arc<Message>> {
    let id = PartId::default();
    let call = Body::ToolCall(ToolCall {
        call: CallId::default(),
        provider_id: "callabc12".into(),
        name: "look_up".into(),
        arguments: Arguments::from_text(r#"{"word": "postage"}"#),
    });
    let result = Body::ToolResult(ToolResult {
        call: CallId::default(),
        provider_id: "callabc12".into(),
        name: "look_up".into(),
        text: "the shop pays".into(),
        media: Vec::new(),
        is_error: false,
        handle: None,
    });
    let told = Body::Text("I will look it up.".into());
    vec![
        Arc::new(Message::system(id, "Be brief.")),
        Arc::new(Message::user(id, "Who pays the \"postage\"?\n\u{1F4EE}")),
        Arc::new(Message::new(Role::Assistant, vec![part(told), part(call)])),
        Arc::new(Message::new(Role::Tool, vec![part(result)])),
        Arc::new(Message::user(id, "And for returns?")),
    ]
}

fn calls() -> Vec<(&'static str, Call)> {
    let schema = || {
        Json::parse(r#"{"type":"object","properties":{"word":{"type":"string"}},"required":["word"],"additionalProperties":false}"#).unwrap_or_else(|_| Json::empty_object())
    };
    let tool = ToolSpec {
        name: "look_up".into(),
        description: "Looks a word up".into(),
        parameters: schema(),
        idempotent: true,
        origin: Origin::Tool,
        native: None,
        server: false,
    };
    let plain = Call {
        model: "m".into(),
        messages: Arc::new(vec![conversation().swap_remove(0), conversation().swap_remove(1)]),
        tools: Arc::new([]),
        tool_choice: ToolChoice::Auto,
        settings: Arc::new(Settings { temperature: Some(0.5), ..Settings::default() }),
        stream: false,
    };
    let output_schema = Some(OutputSchema { name: "answer".into(), schema: schema() });
    let shaped = Settings { output_schema, ..Settings::default() };
    vec![
        ("stream", Call { stream: true, ..plain.clone() }),
        (
            "tools",
            Call { messages: Arc::new(conversation()), tools: Arc::new([tool]), ..plain.clone() },
        ),
        ("schema", Call { settings: Arc::new(shaped), ..plain.clone() }),
        ("whole", plain),
    ]
}

/// One request: the same bytes from any session, and read back it means the same. False where the
/// provider cannot take the call.
fn request(target: &Target, call: &Call) -> Result<bool, String> {
    let wire = target.wire().map_err(|error| error.to_string())?;
    let encode = |call: &Call, session: &mut Session| {
        shape::encode(wire, call, target, session).map(|(request, _)| request)
    };
    let mut session = Session::new();
    let first = match encode(call, &mut session) {
        Err(EncodeError::Unsupported { .. }) => return Ok(false),
        other => other.map_err(|error| error.to_string())?,
    };
    let again = encode(call, &mut session).map_err(|error| error.to_string())?;
    if again != first {
        return Err("the same call is another request the second time".to_owned());
    }
    let mut read = wire.read(&first.body, target).map_err(|error| error.to_string())?;
    read.stream = call.stream;
    let back = encode(&read, &mut Session::new()).map_err(|error| error.to_string())?;
    let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).map_err(|e| e.to_string());
    if json(&back.body)? != json(&first.body)? {
        let show = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        return Err(format!("read back it is {} and not {}", show(&back.body), show(&first.body)));
    }
    Ok(true)
}

/// Every refusal, with a body and with a page in its place.
fn errors(target: &Target) -> Result<(), String> {
    let wire = target.wire().map_err(|error| error.to_string())?;
    let json =
        br#"{"error": {"message": "not today", "type": "some_error"}, "message": "not today"}"#;
    for body in [&json[..], b"<html><body>not today</body></html>", b"", b"{\"error\":"] {
        for (status, code, retryable) in [
            (400, Code::Provider, false),
            (401, Code::ProviderAuth, false),
            (403, Code::ProviderAuth, false),
            (404, Code::Provider, false),
            (408, Code::ProviderTimeout, true),
            (409, Code::Provider, true),
            (422, Code::Provider, false),
            (429, Code::RateLimit, true),
            (500, Code::Provider, true),
            (502, Code::Provider, true),
            (503, Code::Provider, true),
            (504, Code::ProviderTimeout, true),
            (529, Code::Provider, true),
        ] {
            let headers: &[(String, String)] = &[];
            let error = wire.fault(status, headers, body, target);
            if error.code() != code || error.retryable() != retryable {
                let (is, can) = (error.code(), error.retryable());
                return Err(format!("{status} became {is}, retryable {can}"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use largestack_wire::Registry;

    use super::*;

    #[test]
    fn every_row_keeps_the_laws() {
        let mut broken = Vec::new();
        for row in Registry::builtin().providers() {
            for (what, result) in check(row) {
                broken.extend(result.err().map(|detail| format!("{} {what}: {detail}", row.name)));
            }
        }
        assert!(broken.is_empty(), "{}", broken.join("\n"));
    }
}
