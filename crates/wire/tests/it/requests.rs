//! What goes out, frozen: one request for every row, and the cases in which rows or models differ.

use std::sync::Arc;

use largestack_types::call::{Call, OutputSchema, ReasoningEffort, Settings, ToolChoice};
use largestack_types::id::{CallId, EffectId};
use largestack_types::json::Json;
use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, MediaKind, MediaSource, PartId};
use largestack_wire::{
    EncodeError, HttpRequest, Mode, Param, Quirk, Registry, Section, Session, Target,
};
use serde_json::{Value, json};

use crate::support::{
    call, chat, encode, image, json, media, message, target, text, thought, tool, tool_call,
    tool_result, user, with,
};

fn show(request: &HttpRequest) -> Value {
    json!({
        "to": format!("{} {}", request.method, request.url),
        "headers": request.headers,
        "dropped": request.dropped,
        "limit": request.max_output_tokens,
        "body": json(request),
    })
}

/// A conversation with everything an ordinary run has.
fn conversation() -> Vec<Message> {
    let detail = r#"{"type":"reasoning.text","text":"Hm.","signature":"sig","index":0}"#;
    vec![
        Message::system(PartId::default(), "Be \"brief\"."),
        user("Why?"),
        message(
            Role::Assistant,
            vec![thought("Hm.", Some(detail)), tool_call(3, "prov-1", r#"{"q": "why"}"#)],
        ),
        message(Role::Tool, vec![tool_result(3, "prov-1", "Because\n", vec![])]),
        message(Role::Assistant, vec![text("Because.")]),
        user("Sure?"),
    ]
}

fn settings() -> Settings {
    Settings {
        max_output_tokens: Some(100),
        temperature: Some(0.5),
        top_p: Some(1.0),
        stop: vec!["END".into()],
        seed: Some(-7),
        parallel_tool_calls: Some(false),
        reasoning_effort: Some(ReasoningEffort::High),
        output_schema: None,
        extra: Some(Json::parse(r#"{"user": "u-1", "top_p": 0.25}"#).unwrap()),
        ..Settings::default()
    }
}

#[test]
fn each_row_sends_this_request() {
    let mut registry = Registry::default();
    for nowhere in ["local", "openai_compatible"] {
        let base_url = Some("http://localhost:8080/v1".to_owned());
        registry.define(nowhere, Section { base_url, ..Section::default() });
    }
    let rows: Vec<_> = registry.providers().cloned().collect();
    for row in &rows {
        let said = |name: &String| {
            (name.clone(), Param { value: Some(format!("my-{name}")), ..Param::default() })
        };
        let params = Some(row.params.keys().map(said).collect());
        registry.define(row.name.clone(), Section { params, ..Section::default() });
    }
    for row in registry.providers().filter(|row| row.wire == "openai-chat") {
        let target = registry.resolve(&format!("{}/some-model", row.name)).unwrap();
        let plain = Call { stream: true, ..with(call(conversation()), settings()) };
        let with_tool = Call { tools: Arc::new([tool()]), ..plain.clone() };
        let offered = chat().encode(&with_tool, &target, &mut Session::new());
        let request = match offered {
            Err(EncodeError::Unsupported { what, .. }) => {
                assert_eq!((&*row.name, &*what), ("perplexity", "tools"));
                encode(&plain, &target)
            }
            other => other.unwrap(),
        };
        insta::assert_json_snapshot!(format!("row_{}", row.name), show(&request));
    }
}

#[test]
fn a_reasoning_model_of_openai_has_a_developer_and_no_sampling() {
    let request = encode(&with(call(conversation()), settings()), &target("o3"));
    assert_eq!(request.dropped, ["temperature", "top_p", "stop"]);
    let body = json(&request);
    assert_eq!(body["messages"][0]["role"], "developer");
    assert_eq!(body["reasoning_effort"], "high");
    assert_eq!(body.get("temperature"), None);
    // The caller's own word, in `extra`, goes out even so.
    assert_eq!(body["top_p"], 0.25);
    let other = encode(&with(call(conversation()), settings()), &target("gpt-4o"));
    assert_eq!(other.dropped, ["reasoning_effort"]);
    assert_eq!(json(&other)["messages"][0]["role"], "system");
}

#[test]
fn the_output_limit_is_always_sent_and_never_above_what_the_model_can() {
    let limit = |asked, name: &str| {
        let settings = Settings { max_output_tokens: asked, ..Settings::default() };
        let request = encode(&with(call(vec![user("?")]), settings), &target(name));
        let body = json(&request);
        let sent = ["max_tokens", "max_completion_tokens"].map(|key| body[key].as_u64());
        assert_eq!(sent.into_iter().flatten().max(), Some(request.max_output_tokens.into()));
        assert_eq!(request.dropped.is_empty(), asked != Some(16_385));
        (request.max_output_tokens, sent)
    };
    assert_eq!(limit(None, "gpt-4o"), (4_096, [None, Some(4_096)]));
    assert_eq!(limit(Some(16_384), "gpt-4o"), (16_384, [None, Some(16_384)]));
    assert_eq!(limit(Some(16_385), "gpt-4o"), (16_384, [None, Some(16_384)]));
    assert_eq!(limit(Some(9), "groq/x"), (9, [Some(9), None]));
}

#[test]
fn tools_are_chosen_as_asked() {
    let choice = |tool_choice| {
        let call = Call { tools: Arc::new([tool()]), tool_choice, ..call(vec![user("?")]) };
        json(&encode(&call, &target("gpt-4o"))).get("tool_choice").cloned()
    };
    assert_eq!(choice(ToolChoice::Auto), None);
    assert_eq!(choice(ToolChoice::None), Some(json!("none")));
    assert_eq!(choice(ToolChoice::Required), Some(json!("required")));
    let named = json!({"type": "function", "function": {"name": "search"}});
    assert_eq!(choice(ToolChoice::Tool("search".into())), Some(named));
    let toolless = Call { tool_choice: ToolChoice::Required, ..call(vec![user("?")]) };
    assert!(chat().encode(&toolless, &target("gpt-4o"), &mut Session::new()).is_err());
    let none = Call { tool_choice: ToolChoice::None, ..call(vec![user("?")]) };
    assert_eq!(json(&encode(&none, &target("gpt-4o"))).get("tool_choice"), None);
}

fn asking_for_shape() -> Call {
    let schema = Json::parse(r#"{"type":"object"}"#).unwrap();
    let output_schema = Some(OutputSchema { name: "shape".into(), schema });
    with(call(vec![user("?")]), Settings { output_schema, ..Settings::default() })
}

#[test]
fn a_schema_is_enforced_lowered_with_a_report_or_refused() {
    let request = encode(&asking_for_shape(), &target("gpt-4o"));
    let schema = json!({"name": "shape", "schema": {"type": "object"}, "strict": true});
    let expected = json!({"type": "json_schema", "json_schema": schema});
    assert_eq!(json(&request)["response_format"], expected);
    assert!(request.dropped.is_empty());
    for name in ["deepseek/x", "gpt-3.5-turbo"] {
        let request = encode(&asking_for_shape(), &target(name));
        assert_eq!(json(&request)["response_format"], json!({"type": "json_object"}), "{name}");
        assert_eq!(request.dropped, ["output_schema.schema"], "{name}");
    }
    let refused =
        chat().encode(&asking_for_shape(), &target("gpt-4o-audio-preview"), &mut Session::new());
    assert!(matches!(refused, Err(EncodeError::Unsupported { .. })));
}

#[test]
fn extra_may_add_and_change_but_not_what_is_accounted_for() {
    let of = |extra: &str| {
        let extra = Some(Json::parse(extra).unwrap());
        let call =
            with(call(vec![user("?")]), Settings { extra, seed: Some(1), ..Settings::default() });
        let call = Call { stream: true, ..call };
        chat().encode(&call, &target("gpt-4o"), &mut Session::new()).map(|request| json(&request))
    };
    let body =
        of(r#"{"seed": 2, "stream_options": {"include_usage": false}, "logprobs": true}"#).unwrap();
    assert_eq!(body["seed"], 2);
    assert_eq!(body["stream_options"], json!({"include_usage": false}));
    assert_eq!(body["logprobs"], true);
    for key in [
        "model",
        "messages",
        "stream",
        "max_tokens",
        "max_completion_tokens",
        "tools",
        "tool_choice",
    ] {
        let reserved = EncodeError::ExtraReserved { key: key.into() };
        assert_eq!(of(&format!("{{\"{key}\": 1}}")), Err(reserved));
    }
    for other in ["[]", "1", "null", "\"{}\""] {
        assert_eq!(of(other), Err(EncodeError::ExtraNotAnObject), "{other}");
    }
}

#[test]
fn a_setting_that_is_no_number_is_refused() {
    for value in [f64::NAN, f64::INFINITY] {
        let settings = Settings { temperature: Some(value), ..Settings::default() };
        let result =
            chat().encode(&with(call(vec![]), settings), &target("gpt-4o"), &mut Session::new());
        assert_eq!(result.unwrap_err(), EncodeError::NotFinite { setting: "temperature" });
    }
}

#[test]
fn a_row_without_an_address_is_an_error_that_says_where_to_put_it() {
    let result = chat().encode(&call(vec![user("?")]), &target("local/x"), &mut Session::new());
    let error = largestack_types::errors::LargestackError::from(result.unwrap_err());
    assert!(error.to_string().contains("Set `base-url` of `local`"), "{error}");
}

#[test]
fn an_address_may_have_a_path_of_its_own() {
    let mut registry = Registry::default();
    let section = "base-url = \"https://x.invalid/openai/\"\npath = \"/deployments/d/chat?v=1\"";
    registry.define("mine", toml::from_str::<Section>(section).unwrap());
    let request = encode(&call(vec![user("?")]), &registry.resolve("mine/m").unwrap());
    assert_eq!(&*request.url, "https://x.invalid/openai/deployments/d/chat?v=1");
    assert_eq!(request.mode, Mode::Whole);
    assert_eq!(request.headers[1], ("accept".into(), "application/json".into()));
}

fn messages(call: &Call, target: &Target) -> Value {
    json(&encode(call, target))["messages"].take()
}

#[test]
fn media_are_typed_parts_beside_the_words() {
    let of = |kind, mime, source| Body::Media(media(kind, mime, source));
    let parts = vec![
        text("Look:"),
        Body::Media(image()),
        of(MediaKind::Image, "image/*", MediaSource::Url("https://x.invalid/a.png".into())),
        of(MediaKind::Audio, "audio/mpeg", MediaSource::Base64("BBBB".into())),
        of(MediaKind::Document, "application/pdf", MediaSource::Base64("CCCC".into())),
        of(MediaKind::Document, "application/pdf", MediaSource::ProviderFile("file-1".into())),
    ];
    let call = call(vec![message(Role::User, parts)]);
    insta::assert_json_snapshot!("media", messages(&call, &target("openai/some-model")));
}

#[test]
fn media_that_nobody_takes_are_refused_by_name() {
    let refused = |name: &str, kind, source| {
        let body = Body::Media(media(kind, "x/y", source));
        let call = call(vec![message(Role::User, vec![body])]);
        match chat().encode(&call, &target(name), &mut Session::new()) {
            Ok(_) => None,
            Err(error) => Some(error.to_string()),
        }
    };
    let url = || MediaSource::Url("https://x.invalid".into());
    let film = refused("openai/x", MediaKind::Video, url()).unwrap();
    assert_eq!(film, "x of openai does not take videos by address");
    assert_eq!(refused("openrouter/x", MediaKind::Video, url()), None);
    assert!(refused("openai/x", MediaKind::Document, url()).is_some());
    assert_eq!(refused("openrouter/x", MediaKind::Document, url()), None);
    assert!(refused("openai/x", MediaKind::Audio, url()).is_some());
    let blob = MediaSource::Blob(largestack_types::hash::Hash::of(b"x"));
    assert!(refused("openai/x", MediaKind::Image, blob).is_some());
    let deaf = refused("gpt-4o", MediaKind::Audio, MediaSource::Base64("AAAA".into())).unwrap();
    assert_eq!(deaf, "gpt-4o of openai does not take sound");
}

#[test]
fn media_of_tool_results_come_after_the_last_of_the_tool_messages() {
    let turn = vec![
        user("Draw two."),
        message(Role::Assistant, vec![tool_call(1, "a", "{}"), tool_call(2, "b", "{}")]),
        message(Role::Tool, vec![tool_result(1, "a", "one", vec![image()])]),
        message(Role::Tool, vec![tool_result(2, "b", "two", vec![])]),
    ];
    let roles = |messages: &Value| -> Vec<String> {
        messages
            .as_array()
            .unwrap()
            .iter()
            .map(|m| m["role"].as_str().unwrap().to_owned())
            .collect()
    };
    let sent = messages(&call(turn.clone()), &target("gpt-4o"));
    assert_eq!(roles(&sent), ["user", "assistant", "tool", "tool", "user"]);
    assert_eq!(sent[4]["content"][0]["text"], "Media of the result of tool call a (search):");
    assert_eq!(sent[4]["content"][1]["type"], "image_url");
    let more = [turn, vec![message(Role::Assistant, vec![text("There.")])]].concat();
    let sent = messages(&call(more), &target("gpt-4o"));
    assert_eq!(roles(&sent), ["user", "assistant", "tool", "tool", "user", "assistant"]);
}

#[test]
fn messages_without_words_are_still_messages() {
    let calls = message(Role::Assistant, vec![tool_call(1, "", "oops")]);
    let result = message(Role::Tool, vec![tool_result(1, "", "", vec![])]);
    let silent = message(Role::Assistant, vec![thought("Hm.", None)]);
    let empty = message(Role::User, vec![]);
    let refusal = message(Role::Assistant, vec![Body::Refusal("No.".into())]);
    let two = message(Role::User, vec![text("a"), text("b")]);
    let sent = messages(&call(vec![calls, result, silent, empty, refusal, two]), &target("gpt-4o"));
    assert_eq!(sent[0]["content"], Value::Null);
    // Ours where the provider gave none, and the arguments as the model wrote them.
    assert_eq!(sent[0]["tool_calls"][0]["id"], "call_1");
    assert_eq!(sent[0]["tool_calls"][0]["function"]["arguments"], "oops");
    assert_eq!(sent[1]["tool_call_id"], "call_1");
    assert_eq!(sent[2]["content"], "");
    assert_eq!(sent[3]["content"], "");
    assert_eq!(sent[4]["content"], "No.");
    assert_eq!(sent[5]["content"], "a\n\nb");
}

#[test]
fn mistral_gets_ids_of_nine_characters_for_call_and_result_alike() {
    let turn = |id: &str| {
        let calls = message(Role::Assistant, vec![tool_call(1, id, "{}")]);
        let results = message(Role::Tool, vec![tool_result(1, id, "", vec![])]);
        let sent = messages(&call(vec![calls, results]), &target("mistral/m"));
        assert_eq!(sent[0]["tool_calls"][0]["id"], sent[1]["tool_call_id"]);
        sent[1]["tool_call_id"].as_str().unwrap().to_owned()
    };
    assert_eq!(turn("aB3dEf9hI"), "aB3dEf9hI");
    for id in ["aB3dEf9h", "aB3dEf9hIj", "aB3dEf-hI", ""] {
        let sent = turn(id);
        assert!(sent.len() == 9 && sent.bytes().all(|b| b.is_ascii_alphanumeric()), "{sent}");
    }
    assert_eq!(CallId::of(EffectId::new(1)).to_string(), "call_1");
}

#[test]
fn reasoning_goes_back_in_the_shape_its_provider_wants_and_to_no_other() {
    let raw = r#"{"type":"reasoning.encrypted","data":"xyz"}"#;
    let foreign = r#"{"type":"thinking","thinking":"Hm.","signature":"s"}"#;
    let turn = message(
        Role::Assistant,
        vec![
            thought("Hm. ", None),
            thought("", Some(raw)),
            thought("So.", Some(foreign)),
            text("Yes."),
        ],
    );
    let of = |name: &str| messages(&call(vec![turn.clone()]), &target(name))[0].take();
    assert_eq!(of("gpt-4o"), json!({"role": "assistant", "content": "Yes."}));
    assert_eq!(of("deepseek/x")["reasoning_content"], "Hm. So.");
    assert_eq!(of("cerebras/x")["reasoning"], "Hm. So.");
    let details = json!([{"type": "reasoning.encrypted", "data": "xyz"}]);
    assert_eq!(of("openrouter/x")["reasoning_details"], details);
    let chunks = of("mistral/x")["content"].take();
    let thinking =
        |text: &str| json!({"type": "thinking", "thinking": [{"type": "text", "text": text}]});
    assert_eq!(
        chunks,
        json!([thinking("Hm. "), thinking("So."), {"type": "text", "text": "Yes."}])
    );
}

#[test]
fn every_quirk_is_some_rows_quirk_or_an_operators() {
    // A quirk that no row has could not be observed here; adding one means adding its row.
    let used: Vec<Quirk> =
        Registry::builtin().providers().flat_map(|row| row.quirks.iter().copied()).collect();
    for quirk in [
        Quirk::MaxCompletionTokens,
        Quirk::DeveloperRole,
        Quirk::ReasoningContentBack,
        Quirk::ReasoningBack,
        Quirk::ReasoningDetailsBack,
        Quirk::ThinkingChunks,
        Quirk::NineCharCallIds,
        Quirk::RandomSeed,
        Quirk::JsonObjectOnly,
        Quirk::VideoUrl,
        Quirk::DocumentUrl,
    ] {
        assert!(used.contains(&quirk), "{quirk:?}");
    }
}
