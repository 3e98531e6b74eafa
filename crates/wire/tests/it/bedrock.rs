//! The wire `bedrock-converse`: what goes out, what comes back, what goes wrong.

use std::sync::Arc;

use largestack_types::call::{
    Call, OutputSchema, PromptCache, ReasoningEffort, Settings, ToolChoice,
};
use largestack_types::json::Json;
use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, MediaKind, MediaSource, Native, PartId, Reasoning};
use largestack_wire::{
    EncodeError, HttpRequest, Param, Registry, Section, Session, Target, Wire, wire,
};
use serde_json::{Value, json};

use crate::support::{
    call, json as body, media, message, part, text, tool, tool_call, tool_result, with,
};

pub(crate) fn converse() -> &'static dyn Wire {
    wire("bedrock-converse").unwrap()
}

pub(crate) fn on(model: &str) -> Target {
    let mut registry = Registry::default();
    let region = Param { value: Some("us-east-1".into()), ..Param::default() };
    let params = Some([("region".to_owned(), region)].into());
    registry.define("bedrock", Section { params, ..Section::default() });
    let mut target = registry.resolve(&format!("bedrock/{model}")).unwrap();
    // What the protocol can say, whatever one family of models sees and hears.
    (target.profile.audio, target.profile.video) = (true, true);
    target
}

pub(crate) const CLAUDE: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

pub(crate) fn encode(call: &Call, model: &str) -> HttpRequest {
    converse().encode(call, &on(model), &mut Session::new()).unwrap()
}

fn user(text: &str) -> Message {
    Message::user(PartId::default(), text)
}

fn sealed(text: &str, signature: &str, redacted: bool, wire: &str) -> Message {
    let thought =
        Reasoning { text: text.into(), signature: Some(signature.into()), redacted, raw: None };
    let native = Some(Native { wire: wire.into(), fields: Json::empty_object() });
    let mut part = part(Body::Reasoning(thought));
    part.native = native;
    Message::new(Role::Assistant, vec![part, self::part(text_body("So."))])
}

fn text_body(words: &str) -> Body {
    text(words)
}

#[test]
fn a_conversation_with_tools_is_sent_as_turns_of_two_voices() {
    let document = media(MediaKind::Document, "text/markdown", MediaSource::Base64("QQ==".into()));
    let messages = vec![
        Message::system(PartId::default(), "Be \"brief\"."),
        user("Why?"),
        message(Role::Assistant, vec![text(""), tool_call(3, "t-1", r#"{"q": "why"}"#)]),
        message(Role::Tool, vec![tool_result(3, "t-1", "Because", vec![document.clone()])]),
        user("Sure?"),
        message(Role::User, vec![Body::Media(document)]),
    ];
    let settings = Settings {
        max_output_tokens: Some(100),
        temperature: Some(0.5),
        top_p: Some(1.0),
        top_k: Some(7),
        stop: vec!["END".into()],
        seed: Some(1),
        frequency_penalty: Some(0.1),
        parallel_tool_calls: Some(false),
        metadata: [("who".to_owned(), "me".to_owned())].into(),
        extra: Some(
            Json::parse(
                r#"{"serviceTier": {"type": "flex"}, "additionalModelRequestFields": {"x": 1}}"#,
            )
            .unwrap(),
        ),
        ..Settings::default()
    };
    let call = Call { tools: Arc::new([tool()]), stream: true, ..with(call(messages), settings) };
    let request = encode(&call, CLAUDE);
    insta::assert_json_snapshot!(
        "bedrock_request",
        json!({
            "to": format!("{} {}", request.method, request.url),
            "headers": request.headers,
            "dropped": request.dropped,
            "limit": request.max_output_tokens,
            "body": body(&request),
        })
    );
}

#[test]
fn what_another_protocol_sealed_is_not_sent_and_what_this_one_sealed_is() {
    let sent = |message: Message, model: &str| {
        body(&encode(&call(vec![user("?"), message]), model))["messages"][1]["content"].clone()
    };
    let ours = sealed("Hm.", "sig", false, "bedrock-converse");
    let thought =
        json!({"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "sig"}}});
    assert_eq!(sent(ours.clone(), CLAUDE), json!([thought, {"text": "So."}]));
    assert_eq!(sent(ours, "us.deepseek.r1-v1:0"), json!([{"text": "So."}]));
    let hidden = sealed("", "c2VhbA==", true, "bedrock-converse");
    let hidden = sent(hidden, CLAUDE);
    assert_eq!(hidden[0], json!({"reasoningContent": {"redactedContent": "c2VhbA=="}}));
    let theirs = sealed("Hm.", "sig", false, "anthropic-messages");
    assert_eq!(sent(theirs, CLAUDE), json!([{"text": "So."}]));
}

#[test]
fn reasoning_is_asked_for_in_the_words_of_the_models_maker() {
    let asked = |model: &str, effort, budget| {
        let settings = Settings {
            max_output_tokens: Some(8_000),
            reasoning_effort: effort,
            reasoning_budget_tokens: budget,
            temperature: Some(0.2),
            ..Settings::default()
        };
        let request = encode(&with(call(vec![user("?")]), settings), model);
        let fields = body(&request)["additionalModelRequestFields"].clone();
        (fields, request.dropped)
    };
    let high = Some(ReasoningEffort::High);
    let thinking = |budget: u32| json!({"thinking": {"type": "enabled", "budget_tokens": budget}});
    assert_eq!(asked(CLAUDE, high, None), (thinking(6_400), vec!["temperature"]));
    assert_eq!(asked(CLAUDE, None, Some(1_024)), (thinking(1_024), vec!["temperature"]));
    for unfit in [1_023, 8_000] {
        let dropped = vec!["reasoning_budget_tokens"];
        assert_eq!(asked(CLAUDE, None, Some(unfit)), (Value::Null, dropped));
    }
    assert_eq!(asked(CLAUDE, None, Some(7_999)).0, thinking(7_999));
    let adaptive = json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}});
    assert_eq!(asked("us.anthropic.claude-sonnet-4-6", high, None).0, adaptive);
    let effort = json!({"reasoning_effort": "high"});
    assert_eq!(asked("openai.gpt-oss-120b-1:0", high, None), (effort, vec![]));
    assert_eq!(asked("qwen.qwen3-32b-v1:0", high, None).0, json!({"reasoning_config": "high"}));
    let nova = json!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "medium"}});
    assert_eq!(asked("us.amazon.nova-2-lite-v1:0", high, None), (nova, vec!["reasoning_effort"]));
    let none = (Value::Null, vec!["reasoning_budget_tokens", "reasoning_effort"]);
    assert_eq!(asked("us.meta.llama4-maverick-17b-instruct-v1:0", high, Some(2_000)), none);
}

#[test]
fn a_tool_that_is_insisted_on_comes_before_thinking() {
    let settings = Settings { reasoning_effort: Some(ReasoningEffort::Low), ..Settings::default() };
    let choose = |tool_choice| {
        let plain = with(call(vec![user("?")]), settings.clone());
        let request = encode(&Call { tools: Arc::new([tool()]), tool_choice, ..plain }, CLAUDE);
        (body(&request)["toolConfig"]["toolChoice"].clone(), request.dropped)
    };
    assert_eq!(choose(ToolChoice::Required), (json!({"any": {}}), vec!["reasoning_effort"]));
    let named = json!({"tool": {"name": "search"}});
    assert_eq!(choose(ToolChoice::Tool("search".into())).0, named);
    assert_eq!(choose(ToolChoice::Auto), (Value::Null, vec![]));
}

#[test]
fn a_history_with_calls_declares_its_tools_even_where_none_may_be_called() {
    let history = vec![
        user("?"),
        message(Role::Assistant, vec![tool_call(1, "t", "{}")]),
        message(Role::Tool, vec![tool_result(1, "t", "r", vec![])]),
    ];
    let none = Call { tool_choice: ToolChoice::None, ..call(history.clone()) };
    let request = encode(&none, CLAUDE);
    assert_eq!(request.dropped, ["tool_choice"]);
    assert_eq!(body(&request)["toolConfig"]["tools"][0]["toolSpec"]["name"], "search");
    let offered = Call { tools: Arc::new([tool()]), ..none };
    let spec = &body(&encode(&offered, CLAUDE))["toolConfig"]["tools"][0]["toolSpec"];
    assert_eq!(spec["description"], "Looks things up");
    let first =
        Call { tools: Arc::new([tool()]), tool_choice: ToolChoice::None, ..call(vec![user("?")]) };
    let request = encode(&first, CLAUDE);
    assert_eq!((body(&request).get("toolConfig"), request.dropped.len()), (None, 0));
}

#[test]
fn prompt_caches_are_marked_behind_tools_instructions_and_the_last_words() {
    let settings = |keep| Settings { prompt_cache: Some(keep), ..Settings::default() };
    let messages = || vec![Message::system(PartId::default(), "Be brief."), user("?")];
    let sent = |keep, model: &str| {
        let plain = with(call(messages()), settings(keep));
        let request = encode(&Call { tools: Arc::new([tool()]), ..plain }, model);
        let body = body(&request);
        let last = |value: &Value| value.as_array().unwrap().last().cloned().unwrap();
        let marks =
            [&body["toolConfig"]["tools"], &body["system"], &body["messages"][0]["content"]];
        (marks.map(last).map(|block| block["cachePoint"].clone()), request.dropped)
    };
    let default = json!({"type": "default"});
    let long = json!({"type": "default", "ttl": "1h"});
    let all = |mark: &Value| [mark.clone(), mark.clone(), mark.clone()];
    assert_eq!(sent(PromptCache::FiveMinutes, CLAUDE), (all(&default), vec![]));
    assert_eq!(sent(PromptCache::OneHour, CLAUDE), (all(&long), vec![]));
    let nova = ([Value::Null, default.clone(), default], vec!["prompt_cache.1h"]);
    assert_eq!(sent(PromptCache::OneHour, "amazon.nova-lite-v1:0"), nova);
    let none = (all(&Value::Null), vec!["prompt_cache"]);
    assert_eq!(sent(PromptCache::FiveMinutes, "qwen.qwen3-32b-v1:0"), none);
}

#[test]
fn media_are_bytes_or_objects_in_s3_and_nothing_else() {
    let sent = |kind, mime: &str, source| {
        let message = message(Role::User, vec![Body::Media(media(kind, mime, source))]);
        let request = converse().encode(&call(vec![message]), &on(CLAUDE), &mut Session::new())?;
        Ok::<_, EncodeError>(body(&request)["messages"][0]["content"][0].clone())
    };
    let url = |url: &str| MediaSource::Url(url.into());
    let film = sent(MediaKind::Video, "video/3gpp", url("s3://bucket/a.3gp")).unwrap();
    let location = json!({"s3Location": {"uri": "s3://bucket/a.3gp"}});
    assert_eq!(film, json!({"video": {"format": "three_gp", "source": location}}));
    let sound = sent(MediaKind::Audio, "audio/wav", MediaSource::Base64("AA==".into())).unwrap();
    assert_eq!(sound, json!({"audio": {"format": "wav", "source": {"bytes": "AA=="}}}));
    for source in [url("https://example.com/a.png"), MediaSource::ProviderFile("f".into())] {
        let error = sent(MediaKind::Image, "image/png", source).unwrap_err();
        assert!(matches!(error, EncodeError::Unsupported { .. }), "{error}");
    }
}

#[test]
fn a_schema_is_a_string_and_a_limit_cannot_be_set_twice() {
    let schema = Json::parse(r#"{"type":"object"}"#).unwrap();
    let output_schema = Some(OutputSchema { name: "answer".into(), schema });
    let settings = Settings { output_schema, ..Settings::default() };
    let config = &body(&encode(&with(call(vec![user("?")]), settings), CLAUDE))["outputConfig"];
    let schema = json!({"jsonSchema": {"name": "answer", "schema": "{\"type\":\"object\"}"}});
    assert_eq!(*config, json!({"textFormat": {"type": "json_schema", "structure": schema}}));
    for extra in
        [r#"{"inferenceConfig": {"maxTokens": 9}}"#, r#"{"messages": []}"#, r#"{"toolConfig": {}}"#]
    {
        let settings = Settings { extra: Some(Json::parse(extra).unwrap()), ..Settings::default() };
        let call = with(call(vec![user("?")]), settings);
        let error = converse().encode(&call, &on(CLAUDE), &mut Session::new()).unwrap_err();
        assert!(matches!(error, EncodeError::ExtraReserved { .. }), "{error}");
    }
}

/// A request with everything the reference knows.
fn everything() -> Value {
    json!({
        "system": [
            {"text": "Be brief."},
            {"cachePoint": {"type": "default"}},
            {"guardContent": {"text": {"text": "Guarded.", "qualifiers": ["query"]}}},
        ],
        "messages": [
            {"role": "assistant", "content": [{"text": "Hello there!"}]},
            {"role": "user", "content": [
                {"cachePoint": {"type": "default"}},
                {"text": "Look:"},
                {"cachePoint": {"type": "default", "ttl": "1h"}},
                {"cachePoint": {"type": "default"}},
                {"image": {"format": "png", "source": {"bytes": "AAAA"}}},
                {"document": {"format": "pdf", "name": "Report (1)", "context": "c", "citations": {"enabled": true},
                    "source": {"s3Location": {"uri": "s3://b/k", "bucketOwner": "123456789012"}}}},
                {"document": {"format": "txt", "name": "Note", "source": {"text": "gr\u{fc}n"}}},
                {"document": {"format": "txt", "name": "Parts", "source": {"content": [{"text": "a"}]}}},
                {"video": {"format": "mpg", "source": {"bytes": "AAAA"}}},
                {"audio": {"format": "mp3", "source": {"bytes": "AAAA"}}},
                {"guardContent": {"image": {"format": "jpeg", "source": {"bytes": "AAAA"}}}},
                {"searchResult": {"source": "s", "title": "t", "content": [{"text": "x"}], "citations": {"enabled": false}}},
                {"brandNew": {"a": 1}},
                {"text": ""},
            ]},
            {"role": "assistant", "content": [
                {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "sig"}}},
                {"reasoningContent": {"redactedContent": "c2VhbA=="}},
                {"reasoningContent": {"reasoningText": {"text": "unsigned"}}},
                {"citationsContent": {"content": [{"text": "Cited."}], "citations": [
                    {"title": "t", "sourceContent": [{"text": "q"}], "location": {"documentPage": {"documentIndex": 0, "start": 1, "end": 2}}}]}},
                {"citationsContent": {"content": [{"text": "a"}, {"text": "b"}], "citations": []}},
                {"toolUse": {"toolUseId": "s-1", "name": "nova_code_interpreter", "input": {"snippet": "1+1"}, "type": "server_tool_use"}},
                {"toolResult": {"toolUseId": "s-1", "content": [{"json": {"stdOut": "2"}}], "type": "nova_code_interpreter_result", "status": "success"}},
                {"toolUse": {"toolUseId": "t-1", "name": "search", "input": {"q": [1.0, null, {"z": 1, "a": 2}]}}},
                {"toolUse": {"toolUseId": "t-2", "name": "search", "input": "bare", "type": "tool_use"}},
            ]},
            {"role": "user", "content": [
                {"toolResult": {"toolUseId": "t-1", "content": [
                    {"text": "one"}, {"json": {"n": 1}}, {"text": ""},
                    {"image": {"format": "png", "source": {"bytes": "AAAA"}}},
                    {"searchResult": {"source": "s", "title": "t", "content": []}},
                ], "status": "error"}},
                {"toolResult": {"toolUseId": "t-2", "content": [], "status": "success"}},
                {"cachePoint": {"type": "default"}},
            ]},
            {"role": "user", "content": [
                {"toolResult": {"toolUseId": "elsewhere", "content": [{"text": "x"}]}},
                {"text": "And?"},
            ]},
            {"role": "user", "content": []},
        ],
        "toolConfig": {
            "tools": [
                {"toolSpec": {"name": "search", "description": "d", "strict": true, "inputSchema": {"json": {"type": "object", "b": 1, "a": 2}}}},
                {"cachePoint": {"type": "default"}},
                {"cachePoint": {"type": "default"}},
                {"systemTool": {"name": "nova_code_interpreter"}},
                {"toolSpec": {"name": "bare", "inputSchema": {"json": {}}}},
            ],
            "toolChoice": {"auto": {}},
        },
        "inferenceConfig": {"maxTokens": 4096, "temperature": 0.5, "topP": 0.25, "stopSequences": ["a"]},
        "additionalModelRequestFields": {"top_k": 3},
        "additionalModelResponseFieldPaths": ["/x"],
        "guardrailConfig": {"guardrailIdentifier": "g", "guardrailVersion": "v", "trace": "enabled"},
        "requestMetadata": {"a": "b"},
        "promptVariables": {"leo": {"text": "aaaa"}},
        "performanceConfig": {"latency": "optimized"},
        "outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"name": "n", "schema": "{}"}}}},
    })
}

#[test]
fn everything_a_request_can_say_is_read_and_said_again() {
    let recorded = everything();
    let call = converse().read(recorded.to_string().as_bytes(), &on(CLAUDE)).unwrap();
    let request = encode(&call, CLAUDE);
    assert_eq!(body(&request), recorded);
    let words: String = call.messages.iter().map(|message| message.text()).collect();
    for said in ["Be brief.", "Guarded.", "Look:", "Cited.", "ab", "And?"] {
        assert!(words.contains(said), "{said} in {words}");
    }
    let results = call.messages.iter().flat_map(|m| &m.parts).filter_map(|p| match &p.body {
        Body::ToolResult(result) => Some(result),
        _ => None,
    });
    let results: Vec<_> = results.collect();
    assert_eq!((&*results[0].name, &*results[0].text), ("search", "one\n\n{\"n\":1}\n\n"));
    assert!(results[0].is_error && results[0].media.len() == 1 && !results[1].is_error);
    assert_eq!(call.settings.stop, ["a"]);
    for broken in ["{}", "[]", r#"{"messages": [{"role": "poet", "content": []}]}"#] {
        assert!(converse().read(broken.as_bytes(), &on(CLAUDE)).is_err(), "{broken}");
    }
}

#[test]
fn words_of_a_result_that_were_changed_are_sent_as_they_are_now() {
    let recorded = everything();
    let mut call = converse().read(recorded.to_string().as_bytes(), &on(CLAUDE)).unwrap();
    let mut messages: Vec<Message> = call.messages.iter().map(|m| Message::clone(m)).collect();
    let Body::ToolResult(result) = &mut messages[4].parts[0].body else { panic!("no result") };
    result.text = "one\n\n[redacted]\n\n".into();
    call.messages = Arc::new(messages.into_iter().map(Arc::new).collect());
    let sent = body(&encode(&call, CLAUDE));
    let content = &sent["messages"][3]["content"][0]["toolResult"]["content"];
    assert_eq!(content[0], json!({"text": "one\n\n[redacted]\n\n"}));
    assert!(content[1].get("image").is_some());
}
