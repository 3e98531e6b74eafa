//! What goes out, frozen: one request for every row, and the cases in which models differ.

use std::sync::Arc;

use largestack_types::call::{Call, Settings};
use largestack_types::id::CallId;
use largestack_types::json::Json;
use largestack_types::message::{Message, Role};
use largestack_types::part::{
    Arguments, Body, MediaKind, MediaSource, PartId, Reasoning, ToolCall, ToolResult,
};
use largestack_wire::{EncodeError, HttpRequest, Session, Target};
use serde_json::{Value, json};

use super::{native, ours, target};
use crate::support::{
    call, image, json as body, media, message, part, text, thought, tool, tool_call, tool_result,
    with,
};

pub(crate) fn encode(call: &Call, target: &Target) -> HttpRequest {
    target.wire().unwrap().encode(call, target, &mut Session::new()).unwrap()
}

pub(crate) fn refused(call: &Call, target: &Target) -> EncodeError {
    target.wire().unwrap().encode(call, target, &mut Session::new()).unwrap_err()
}

pub(crate) fn user(text: &str) -> Message {
    Message::user(PartId::default(), text)
}

fn sealed(text: &str, signature: &str) -> Body {
    let (text, signature) = (text.into(), Some(signature.into()));
    Body::Reasoning(Reasoning { text, signature, ..Reasoning::default() })
}

/// A conversation with everything an ordinary run has.
fn conversation() -> Vec<Message> {
    let mut turn = message(Role::Assistant, vec![tool_call(3, "toolu_1", r#"{"q": "why"}"#)]);
    turn.parts.insert(0, ours(part(sealed("Hm.", "c2ln")), "{}"));
    vec![
        Message::system(PartId::default(), "Be \"brief\"."),
        user("Why?"),
        turn,
        message(Role::Tool, vec![tool_result(3, "toolu_1", "Because\n", vec![image()])]),
        message(Role::Assistant, vec![text("Because.")]),
        user("Sure?"),
    ]
}

fn settings() -> Settings {
    Settings {
        max_output_tokens: Some(100),
        temperature: Some(0.5),
        top_p: Some(1.0),
        top_k: Some(7),
        frequency_penalty: Some(0.1),
        stop: vec!["END".into()],
        seed: Some(-7),
        parallel_tool_calls: Some(false),
        metadata: [("user_id".into(), "u-1".into()), ("team".into(), "t".into())].into(),
        extra: Some(
            Json::parse(r#"{"service_tier": "auto", "top_p": 0.25, "anthropic_beta": ["b-1"]}"#)
                .unwrap(),
        ),
        ..Settings::default()
    }
}

#[test]
fn each_row_sends_this_request() {
    for row in ["anthropic", "bedrock_anthropic", "vertex_anthropic"] {
        let target = target(&format!("{row}/claude-sonnet-4-5@20250929"));
        let call = Call {
            stream: true,
            tools: Arc::new([tool()]),
            ..with(call(conversation()), settings())
        };
        let request = encode(&call, &target);
        let shown = json!({
            "to": format!("{} {}", request.method, request.url),
            "headers": request.headers,
            "dropped": request.dropped,
            "limit": request.max_output_tokens,
            "body": body(&request),
        });
        insta::assert_json_snapshot!(format!("anthropic_row_{row}"), shown);
        let whole = encode(&Call { stream: false, ..call }, &target);
        insta::assert_snapshot!(format!("anthropic_row_{row}_whole"), whole.url);
    }
}

fn sent(messages: Vec<Message>) -> Value {
    body(&encode(&call(messages), &target("claude-sonnet-4-5")))["messages"].take()
}

#[test]
fn neighbours_of_one_side_are_one_turn_unless_they_were_two() {
    let results = |id: &str| message(Role::Tool, vec![tool_result(1, id, "x", vec![])]);
    let calls = vec![tool_call(1, "a", "{}"), tool_call(2, "b", "{}")];
    let turn = message(Role::Assistant, calls);
    let messages = vec![user("?"), turn, results("a"), results("b"), user("Go on.")];
    let kinds = |sent: &Value| -> Vec<(String, usize)> {
        let turns = sent.as_array().unwrap().iter();
        let of = |turn: &Value| {
            (turn["role"].as_str().unwrap().to_owned(), turn["content"].as_array().unwrap().len())
        };
        turns.map(of).collect()
    };
    let of = |role: &str, blocks| (role.to_owned(), blocks);
    assert_eq!(kinds(&sent(messages.clone())), [of("user", 1), of("assistant", 2), of("user", 3)]);
    let mut apart = messages;
    apart[4].native = Some(native("{}"));
    let turns = [of("user", 1), of("assistant", 2), of("user", 2), of("user", 1)];
    assert_eq!(kinds(&sent(apart)), turns);
    assert_eq!(sent(vec![]), json!([]));
}

#[test]
fn instructions_lead_and_later_ones_stay_in_their_place() {
    let system = |words: &str| Message::system(PartId::default(), words);
    let messages = vec![system("One."), system("Two."), user("?"), system("Three.")];
    let block = |text: &str| json!({"type": "text", "text": text});
    let old = body(&encode(&call(messages.clone()), &target("claude-sonnet-4-5")));
    assert_eq!(old["system"], json!([block("One."), block("Two.")]));
    let wrapped = json!([
        {"role": "user", "content": [block("?"), block("<system>Three.</system>")]},
    ]);
    assert_eq!(old["messages"], wrapped);
    let new = body(&encode(&call(messages), &target("claude-opus-4-8")));
    let inline = json!([
        {"role": "user", "content": [block("?")]},
        {"role": "system", "content": [block("Three.")]},
    ]);
    assert_eq!(new["messages"], inline);
    let only = body(&encode(&call(vec![system("One.")]), &target("claude-opus-4-8")));
    assert_eq!((&only["system"], &only["messages"]), (&json!([block("One.")]), &json!([])));
}

#[test]
fn a_beginning_to_go_on_from_does_not_end_in_white_space() {
    let begun = |words: &str| message(Role::Assistant, vec![text(words)]);
    let open = sent(vec![user("?"), begun("Because \"it\" \n\t ")]);
    assert_eq!(open[1]["content"][0]["text"], "Because \"it\"");
    let closed = sent(vec![user("?"), begun("Because "), user("Go on.")]);
    assert_eq!(closed[1]["content"][0]["text"], "Because ");
}

#[test]
fn what_a_string_was_stays_a_string() {
    let bare = |role, words: &[&str]| {
        let parts = words.iter().map(|words| part(text(words))).collect();
        Message { role, parts, native: Some(native(r#"{"content": "text"}"#)) }
    };
    let messages = vec![
        bare(Role::System, &["Be \"brief\"."]),
        Message::system(PartId::default(), "And kind."),
        bare(Role::User, &["Why?"]),
        user("Really?"),
    ];
    let sent = body(&encode(&call(messages), &target("claude-sonnet-4-5")));
    assert_eq!(sent["system"], "Be \"brief\".\n\nAnd kind.");
    assert_eq!(sent["messages"][0], json!({"role": "user", "content": "Why?"}));
    assert_eq!(sent["messages"].as_array().unwrap().len(), 2);
}

#[test]
fn parts_of_other_protocols_lose_what_only_their_own_understands() {
    let foreign = Body::ServerTool(Json::parse(r#"{"type":"web_search_call"}"#).unwrap());
    let raw = r#"{"type":"server_tool_use","id":"s","name":"web_search","input":{}}"#;
    let own = ours(part(Body::ServerTool(Json::parse(raw).unwrap())), "{}");
    let mut turn = message(
        Role::Assistant,
        vec![
            thought("Hm.", None),
            sealed("Hm.", "sig"),
            foreign,
            text(""),
            text(" \n"),
            text("Yes."),
        ],
    );
    turn.parts.push(own);
    turn.parts.push(ours(part(text("Cited.")), r#"{"citations": [{"type": "x"}]}"#));
    let expected = json!([
        {"type": "text", "text": "Yes."},
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
        {"type": "text", "text": "Cited.", "citations": [{"type": "x"}]},
    ]);
    assert_eq!(sent(vec![turn])[0]["content"], expected);
    // A message of which nothing is left is no message.
    let silent = message(Role::Assistant, vec![thought("Hm.", None)]);
    let left = sent(vec![user("a"), silent, user("b")]);
    assert_eq!(left.as_array().unwrap().len(), 1);
}

#[test]
fn an_input_is_an_object_and_an_id_has_only_characters_that_the_api_takes() {
    let called = |id: &str, arguments: Arguments| {
        let call = ToolCall {
            call: CallId::default(),
            provider_id: id.into(),
            name: "f".into(),
            arguments,
        };
        sent(vec![message(Role::Assistant, vec![Body::ToolCall(call)])])[0]["content"][0].take()
    };
    let text = |text: &str| Arguments::from_text(text);
    assert_eq!(called("a-B_9", text("{\"a\": 1}"))["input"], json!({"a": 1}));
    assert_eq!(called("a", text("{\"a\": "))["input"], json!({"INVALID_JSON": "{\"a\": "}));
    assert_eq!(called("a", text("[1]"))["input"], json!({"INVALID_JSON": "[1]"}));
    assert_eq!(called("a-B_9", text(""))["id"], "a-B_9");
    assert_eq!(called("", text(""))["id"], "call_0");
    let odd = called("functions.f:0", text(""))["id"].as_str().unwrap().to_owned();
    assert!(odd.starts_with("toolu_") && odd.len() == 30, "{odd}");
    assert_ne!(odd, called("functions.f:1", text(""))["id"]);
}

#[test]
fn media_are_blocks_with_a_source() {
    let of = |kind, mime, source| Body::Media(media(kind, mime, source));
    let file = || MediaSource::ProviderFile("file_1".into());
    let parts = vec![
        Body::Media(image()),
        of(MediaKind::Image, "image/*", MediaSource::Url("https://x.invalid/a.png".into())),
        of(MediaKind::Document, "application/pdf", MediaSource::Base64("CCCC".into())),
        of(MediaKind::Document, "text/csv", MediaSource::Base64("YSxi".into())),
        of(MediaKind::Document, "application/pdf", MediaSource::Url("https://x.invalid/a".into())),
        of(MediaKind::Document, "application/pdf", file()),
    ];
    let request = encode(&call(vec![message(Role::User, parts)]), &target("claude-sonnet-4-5"));
    insta::assert_json_snapshot!("anthropic_media", body(&request)["messages"]);
    let betas = request.headers.iter().find(|(name, _)| name == "anthropic-beta");
    assert_eq!(betas.unwrap().1, "files-api-2025-04-14");
    let refusal = |name: &str, body: Body| {
        refused(&call(vec![message(Role::User, vec![body])]), &target(name)).to_string()
    };
    let url = || MediaSource::Url("https://x.invalid".into());
    for (kind, what) in [(MediaKind::Audio, "sound"), (MediaKind::Video, "videos")] {
        let said = refusal("claude-sonnet-4-5", of(kind, "x/y", url()));
        assert_eq!(said, format!("claude-sonnet-4-5 of anthropic does not take {what}"));
    }
    let bedrock =
        refusal("bedrock_anthropic/claude-sonnet-4-5", of(MediaKind::Image, "x/y", file()));
    assert!(bedrock.ends_with("does not take images uploaded before"), "{bedrock}");
    let old = of(MediaKind::Document, "application/pdf", MediaSource::Base64("CCCC".into()));
    assert!(refusal("claude-3-haiku-20240307", old).ends_with("does not take documents"));
    let odd = of(MediaKind::Document, "text/plain", MediaSource::Base64("////".into()));
    assert!(refusal("claude-sonnet-4-5", odd).ends_with("text/plain that is no UTF-8"));
}

#[test]
fn a_result_keeps_its_shape_as_long_as_its_words_fit_it() {
    let shape = r#"{"content": [{"type": "text", "bytes": 3, "citations": null}, {"type": "image"}, {"type": "tool_reference", "tool_name": "f"}, {"type": "text", "bytes": 2}], "is_error": false}"#;
    let of = |words: &str, media, native: &str| {
        let result = ToolResult { text: words.into(), ..result(media) };
        let part = ours(part(Body::ToolResult(result)), native);
        let message = Message { role: Role::Tool, parts: vec![part], native: None };
        sent(vec![message])[0]["content"][0].take()
    };
    let kept = of("one\nzw", vec![image()], shape);
    assert_eq!(kept["is_error"], false);
    let content = kept["content"].as_array().unwrap();
    assert_eq!(content[0], json!({"type": "text", "text": "one", "citations": null}));
    assert_eq!(content[2], json!({"type": "tool_reference", "tool_name": "f"}));
    assert_eq!(content[3], json!({"type": "text", "text": "zw"}));
    // Somebody took words out: what is left goes, in the plain form.
    for (words, media) in [("one\nz", vec![image()]), ("one", vec![image()]), ("one\nzw", vec![])] {
        let plain = of(words, media.clone(), shape);
        assert_eq!(plain["content"][0], json!({"type": "text", "text": words}), "{words}");
        assert_eq!(plain["content"].as_array().unwrap().len(), 1 + media.len());
    }
    assert_eq!(of("", vec![], r#"{"content": null}"#).get("content"), None);
    assert_eq!(of("", vec![], r#"{"content": []}"#)["content"], json!([]));
    let long = of("x", vec![], r#"{"content": [{"type": "text"}]}"#);
    assert_eq!(long["content"], json!([{"type": "text", "text": "x"}]));
    let failed = ToolResult { is_error: true, text: "No.".into(), ..result(vec![]) };
    let turn = sent(vec![message(Role::Tool, vec![Body::ToolResult(failed)])]);
    let expected =
        json!({"type": "tool_result", "tool_use_id": "a", "content": "No.", "is_error": true});
    assert_eq!(turn[0]["content"][0], expected);
}

fn result(media: Vec<largestack_types::part::Media>) -> ToolResult {
    match tool_result(1, "a", "", media) {
        Body::ToolResult(result) => result,
        other => panic!("{other:?}"),
    }
}
