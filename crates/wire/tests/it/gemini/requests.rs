//! What goes out, frozen, and the cases in which models or settings differ.

use std::sync::Arc;

use largestack_types::call::{Call, OutputSchema, ReasoningEffort, Settings, ToolChoice};
use largestack_types::json::Json;
use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, MediaKind, MediaSource, Native, Part, PartId};
use largestack_wire::{EncodeError, HttpRequest, Mode, Param, Registry, Section, Session, Target};
use serde_json::{Value, json};

use super::{gemini, google};
use crate::support::{
    call, image, json, media, message, part, target, text, thought, tool, tool_call, tool_result,
    with,
};

fn encode(call: &Call, target: &Target) -> HttpRequest {
    gemini().encode(call, target, &mut Session::new()).unwrap()
}

fn body(call: &Call, target: &Target) -> Value {
    json(&encode(call, target))
}

fn user(text: &str) -> Message {
    Message::user(PartId::default(), text)
}

fn ours(body: Body, fields: &str) -> Part {
    let fields = Json::parse(fields).unwrap();
    Part { native: Some(Native { wire: "gemini".into(), fields }), ..part(body) }
}

/// A conversation with everything an ordinary run has.
fn conversation() -> Vec<Message> {
    let call = ours(tool_call(3, "prov-1", r#"{"q": "why"}"#), r#"{"thoughtSignature":"c2ln"}"#);
    vec![
        Message::system(PartId::default(), "Be \"brief\"."),
        user("Why?"),
        Message::new(Role::Assistant, vec![ours(thought("Hm.", None), "{}"), call]),
        message(Role::Tool, vec![tool_result(3, "prov-1", "Because\n", vec![])]),
        message(Role::Assistant, vec![text("Because.")]),
        user("Sure?"),
    ]
}

fn settings() -> Settings {
    let extra = r#"{"safetySettings": [], "generationConfig": {"topP": 0.25, "responseModalities": ["TEXT"]}, "toolConfig": {"includeServerSideToolInvocations": true}}"#;
    Settings {
        max_output_tokens: Some(100),
        temperature: Some(0.5),
        top_p: Some(1.0),
        top_k: Some(40),
        stop: vec!["END".into()],
        seed: Some(-7),
        presence_penalty: Some(0.5),
        frequency_penalty: Some(0.25),
        parallel_tool_calls: Some(false),
        reasoning_effort: Some(ReasoningEffort::High),
        metadata: [("team".to_owned(), "a".to_owned())].into(),
        extra: Some(Json::parse(extra).unwrap()),
        ..Settings::default()
    }
}

#[test]
fn each_row_sends_this_request() {
    let mut registry = Registry::default();
    let params = Some(
        [("project".to_owned(), Param { value: Some("my-project".into()), ..Param::default() })]
            .into(),
    );
    registry.define("vertex", Section { params, ..Section::default() });
    for row in ["google", "vertex", "vertex_express"] {
        let target = registry.resolve(&format!("{row}/gemini-3-flash-preview")).unwrap();
        let call = Call {
            tools: Arc::new([tool()]),
            tool_choice: ToolChoice::Required,
            stream: row == "google",
            ..with(call(conversation()), settings())
        };
        let request = encode(&call, &target);
        let shown = json!({
            "to": format!("{} {}", request.method, request.url),
            "headers": request.headers,
            "dropped": request.dropped,
            "limit": request.max_output_tokens,
            "body": json(&request),
        });
        insta::assert_json_snapshot!(format!("gemini_row_{row}"), shown);
    }
}

#[test]
fn an_address_never_holds_a_key_and_names_the_way_of_answering() {
    let stream = Call { stream: true, ..call(vec![user("?")]) };
    let request = encode(&stream, &google());
    assert_eq!(
        &*request.url,
        "https://generativelanguage.googleapis.com/v1beta/models/gemini-3-flash-preview:streamGenerateContent?alt=sse"
    );
    assert_eq!(request.mode, Mode::Stream);
    let mut registry = Registry::default();
    let value = |text: &str| Param { value: Some(text.to_owned()), ..Param::default() };
    for (location, host) in [
        ("us-central1", "us-central1-aiplatform.googleapis.com"),
        ("global", "aiplatform.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
    ] {
        let params = [("project".to_owned(), value("p")), ("location".to_owned(), value(location))];
        registry.define("vertex", Section { params: Some(params.into()), ..Section::default() });
        let target = registry.resolve("vertex/gemini-2.5-pro").unwrap();
        let url = encode(&call(vec![user("?")]), &target).url;
        let path = format!(
            "/v1/projects/p/locations/{location}/publishers/google/models/gemini-2.5-pro:generateContent"
        );
        assert_eq!(*url, *format!("https://{host}{path}"));
    }
    let nowhere = target("vertex/gemini-2.5-pro");
    let error = gemini().encode(&call(vec![user("?")]), &nowhere, &mut Session::new()).unwrap_err();
    assert!(
        matches!(error, EncodeError::NoParam { variable: Some(v), .. } if v == "GOOGLE_CLOUD_PROJECT")
    );
}

#[test]
fn results_that_answer_one_turn_are_one_content() {
    let calls = message(Role::Assistant, vec![tool_call(1, "a", "{}"), tool_call(2, "b", "{}")]);
    let first = message(Role::Tool, vec![tool_result(1, "a", r#"{"n": 1}"#, vec![])]);
    let second = message(Role::Tool, vec![tool_result(2, "b", "two", vec![])]);
    let body = body(&call(vec![user("?"), calls, first, second, user("!")]), &google());
    let contents = body["contents"].as_array().unwrap();
    assert_eq!(contents.len(), 4);
    let results = contents[2]["parts"].as_array().unwrap();
    assert_eq!(results[0]["functionResponse"]["response"], json!({"n": 1}));
    assert_eq!(results[1]["functionResponse"]["response"], json!({"output": "two"}));
    // A call of another model has the words in place of a signature, once a turn.
    let calls = contents[1]["parts"].as_array().unwrap();
    assert_eq!(calls[0]["thoughtSignature"], "skip_thought_signature_validator");
    assert_eq!(calls[1].get("thoughtSignature"), None);
}

#[test]
fn what_another_provider_made_is_not_sent() {
    let foreign = Native { wire: "anthropic-messages".into(), fields: Json::empty_object() };
    let block = Json::parse(r#"{"type":"server_tool_use"}"#).unwrap();
    let parts = vec![
        part(thought("Hm.", None)),
        Part { native: Some(foreign.clone()), ..part(thought("Hm.", None)) },
        Part { native: Some(foreign.clone()), ..part(Body::ServerTool(block.clone())) },
        part(Body::Unknown(block)),
        Part { native: Some(foreign), ..part(text("Yes.")) },
    ];
    let silent = message(Role::Assistant, vec![thought("Hm.", None)]);
    let call = call(vec![user("?"), Message::new(Role::Assistant, parts), silent, user("")]);
    let expected = json!([
        {"role": "user", "parts": [{"text": "?"}]},
        {"role": "model", "parts": [{"text": "Yes."}]},
        {"role": "user", "parts": [{"text": ""}]},
    ]);
    assert_eq!(body(&call, &google())["contents"], expected);
}

#[test]
fn media_are_data_or_addresses_and_stand_where_the_model_takes_them() {
    let film = media(MediaKind::Video, "video/mp4", MediaSource::Url("https://youtu.be/x".into()));
    let paper =
        media(MediaKind::Document, "application/pdf", MediaSource::ProviderFile("files/f".into()));
    let asked =
        message(Role::User, vec![Body::Media(image()), Body::Media(film), Body::Media(paper)]);
    let call_it = message(Role::Assistant, vec![tool_call(1, "a", "{}")]);
    let result = message(Role::Tool, vec![tool_result(1, "a", "seen", vec![image()])]);
    let call = call(vec![asked, call_it, result]);
    let contents = body(&call, &google())["contents"].clone();
    let expected = json!([
        {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
        {"fileData": {"mimeType": "video/mp4", "fileUri": "https://youtu.be/x"}},
        {"fileData": {"mimeType": "application/pdf", "fileUri": "files/f"}},
    ]);
    assert_eq!(contents[0]["parts"], expected);
    let within = json!([{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]);
    assert_eq!(contents[2]["parts"][0]["functionResponse"]["parts"], within);
    // Older models read words only in a result: what it shows stands behind it.
    let older = body(&call, &target("gemini-2.5-flash"))["contents"][2]["parts"].clone();
    assert_eq!(older[0]["functionResponse"].get("parts"), None);
    assert_eq!(older[2], within[0]);
}

fn asking_for_shape(schema: &Value) -> Call {
    let schema = Json::parse(schema.to_string()).unwrap();
    let output_schema = Some(OutputSchema { name: "shape".into(), schema });
    with(call(vec![user("?")]), Settings { output_schema, ..Settings::default() })
}

#[test]
fn a_schema_goes_into_the_older_field_where_that_says_all_of_it() {
    let simple =
        json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]});
    let request = encode(&asking_for_shape(&simple), &google());
    let config = json(&request)["generationConfig"].clone();
    assert_eq!(config["responseMimeType"], "application/json");
    assert_eq!(config["responseSchema"]["properties"]["a"]["type"], "STRING");
    let closed = json!({"type": "object", "properties": {"a": {"type": "string", "minLength": 2}}, "additionalProperties": false});
    let request = encode(&asking_for_shape(&closed), &google());
    let config = json(&request)["generationConfig"].clone();
    assert_eq!(config["responseJsonSchema"]["additionalProperties"], false);
    assert_eq!(request.dropped, ["output_schema.schema:minLength"]);
}

#[test]
fn tools_lose_what_neither_field_takes_and_say_it() {
    let of = |parameters: Value| {
        let parameters = Json::parse(parameters.to_string()).unwrap();
        largestack_types::tool::ToolSpec { parameters, ..tool() }
    };
    let plain = json!({"type": "object", "properties": {"q": {"type": "string"}}});
    let closed = json!({"type": "object", "properties": {"q": {"type": "string", "not": {"const": "x"}}}, "additionalProperties": false});
    let none = json!({"type": "object", "properties": {}, "additionalProperties": false});
    let request =
        |tools: Vec<_>| encode(&Call { tools: tools.into(), ..call(vec![user("?")]) }, &google());
    let simple = request(vec![of(plain.clone()), of(none.clone())]);
    let declared = json(&simple)["tools"][0]["functionDeclarations"].clone();
    assert_eq!(declared[0]["parameters"]["type"], "OBJECT");
    assert_eq!(declared[1].get("parameters"), None);
    assert!(simple.dropped.is_empty());
    // One that needs the newer field brings the others with it.
    let mixed = request(vec![of(plain), of(closed), of(none)]);
    let declared = json(&mixed)["tools"][0]["functionDeclarations"].clone();
    assert_eq!(declared[0]["parametersJsonSchema"]["type"], "object");
    assert_eq!(declared[1]["parametersJsonSchema"]["additionalProperties"], false);
    assert_eq!(mixed.dropped, ["tools.schema:not"]);
}

#[test]
fn thinking_is_a_level_or_a_budget_by_model() {
    let config = |name: &str, settings: Settings| {
        let request = encode(&with(call(vec![user("?")]), settings), &target(name));
        (json(&request)["generationConfig"]["thinkingConfig"].clone(), request.dropped)
    };
    let effort = |effort| Settings { reasoning_effort: Some(effort), ..Settings::default() };
    let budget = |tokens| Settings { reasoning_budget_tokens: Some(tokens), ..Settings::default() };
    let shown = |key: &str, value: Value| json!({key: value, "includeThoughts": true});
    let new = "gemini-3-flash-preview";
    assert_eq!(
        config(new, effort(ReasoningEffort::Medium)).0,
        shown("thinkingLevel", json!("medium"))
    );
    assert_eq!(config(new, budget(99)).0, shown("thinkingBudget", json!(99)));
    let least = (json!({"thinkingLevel": "minimal"}), vec!["reasoning_effort"]);
    assert_eq!(config(new, effort(ReasoningEffort::None)), least);
    let old = "gemini-2.5-flash";
    assert_eq!(
        config(old, effort(ReasoningEffort::Medium)).0,
        shown("thinkingBudget", json!(8_192))
    );
    assert_eq!(config(old, effort(ReasoningEffort::None)), (json!({"thinkingBudget": 0}), vec![]));
    assert_eq!(
        config("gemini-2.5-pro", effort(ReasoningEffort::None)).0,
        json!({"thinkingBudget": 128})
    );
    let both = Settings { reasoning_effort: Some(ReasoningEffort::Low), ..budget(5) };
    assert_eq!(config(old, both), (shown("thinkingBudget", json!(5)), vec!["reasoning_effort"]));
    assert_eq!(
        config("gemini-2.0-flash", budget(5)),
        (Value::Null, vec!["reasoning_budget_tokens"])
    );
}

#[test]
fn tools_are_chosen_as_asked() {
    let choice = |tool_choice| {
        let call = Call { tools: Arc::new([tool()]), tool_choice, ..call(vec![user("?")]) };
        body(&call, &google()).pointer("/toolConfig/functionCallingConfig").cloned()
    };
    assert_eq!(choice(ToolChoice::Auto), None);
    assert_eq!(choice(ToolChoice::None), Some(json!({"mode": "NONE"})));
    assert_eq!(choice(ToolChoice::Required), Some(json!({"mode": "ANY"})));
    let named = json!({"mode": "ANY", "allowedFunctionNames": ["search"]});
    assert_eq!(choice(ToolChoice::Tool("search".into())), Some(named));
    let toolless = Call { tool_choice: ToolChoice::Required, ..call(vec![user("?")]) };
    assert!(gemini().encode(&toolless, &google(), &mut Session::new()).is_err());
}

#[test]
fn what_would_go_behind_the_back_of_other_settings_is_refused() {
    let with_extra = |text: &str| {
        let extra = Some(Json::parse(text).unwrap());
        let call = with(call(vec![user("?")]), Settings { extra, ..Settings::default() });
        gemini().encode(&call, &google(), &mut Session::new())
    };
    for text in [
        r#"{"contents": []}"#,
        r#"{"system_instruction": {}}"#,
        r#"{"generationConfig": {"maxOutputTokens": 9}}"#,
        r#"{"generation_config": {"max_output_tokens": 9}}"#,
    ] {
        let error = with_extra(text).unwrap_err();
        assert!(matches!(error, EncodeError::ExtraReserved { .. }), "{text}: {error}");
    }
    assert_eq!(with_extra("[]").unwrap_err(), EncodeError::ExtraNotAnObject);
    let cached = json(&with_extra(r#"{"cachedContent": "cachedContents/x"}"#).unwrap());
    assert_eq!(cached["cachedContent"], "cachedContents/x");
}

#[test]
fn numbers_that_do_not_fit_are_refused_or_said() {
    let request = |settings| {
        gemini().encode(&with(call(vec![user("?")]), settings), &google(), &mut Session::new())
    };
    let seed = |seed| request(Settings { seed: Some(seed), ..Settings::default() }).unwrap();
    assert_eq!(json(&seed(i64::from(i32::MAX)))["generationConfig"]["seed"], i32::MAX);
    assert_eq!(seed(i64::from(i32::MAX) + 1).dropped, ["seed"]);
    let endless = request(Settings { temperature: Some(f64::NAN), ..Settings::default() });
    assert_eq!(endless.unwrap_err(), EncodeError::NotFinite { setting: "temperature" });
    let much = Settings { max_output_tokens: Some(65_537), ..Settings::default() };
    let much = request(much).unwrap();
    assert_eq!((much.max_output_tokens, &much.dropped[..]), (65_536, &["max_output_tokens"][..]));
}
