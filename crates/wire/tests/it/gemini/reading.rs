//! Requests read back: every spelling and form that clients use survives.

use largestack_types::call::{ReasoningEffort, ToolChoice};
use largestack_types::message::Role;
use largestack_types::part::{Body, MediaKind, MediaSource};
use largestack_wire::{Session, Target};
use serde_json::{Value, json};

use super::{gemini, google};
use crate::support::target;

/// The request read and written again, but for the output limit.
fn again(request: &Value, target: &Target) -> Value {
    let call = gemini().read(request.to_string().as_bytes(), target).unwrap();
    let written = gemini().encode(&call, target, &mut Session::new()).unwrap();
    let mut body: Value = serde_json::from_slice(&written.body).unwrap();
    for group in ["generationConfig", "generation_config"] {
        if let Some(config) = body.get_mut(group).and_then(Value::as_object_mut) {
            config.remove("maxOutputTokens");
            if config.is_empty() && request.get(group).is_none() {
                body.as_object_mut().unwrap().remove(group);
            }
        }
    }
    body
}

fn survives(request: &Value) {
    assert_eq!(&again(request, &google()), request);
}

#[test]
fn every_form_of_a_content_is_written_as_it_was() {
    let user = |parts: Value| json!({"role": "user", "parts": parts});
    survives(&json!({"contents": [user(json!([{"text": ""}]))]}));
    survives(&json!({"contents": [user(json!([]))]}));
    survives(&json!({"contents": [{"parts": [{"text": "no role"}]}]}));
    survives(&json!({"contents": [{"role": "model"}, {"role": "user"}]}));
    survives(&json!({"contents": {"role": "user", "parts": {"text": "bare"}}}));
    survives(
        &json!({"contents": [user(json!({"text": "one"})), {"role": "model", "parts": {"text": "two"}}, user(json!([{"text": "three"}]))]}),
    );
    survives(&json!({"contents": [], "system_instruction": {"parts": {"text": "Be brief"}}}));
    survives(
        &json!({"contents": [], "systemInstruction": {"role": "system", "parts": [{"text": "a"}, {"text": "b"}], "odd": 1}}),
    );
}

#[test]
fn every_kind_of_part_is_read_and_written_as_it_was() {
    let parts = json!([
        {"text": "t", "thoughtSignature": "s"},
        {"text": "t", "thought": false},
        {"text": "hm", "thought": true},
        {"text": "hm", "thought": true, "thoughtSignature": "s", "partMetadata": {"a": 1}},
        {"text": "hm", "thought": true, "thought_signature": "s"},
        {"inlineData": {"mimeType": "image/png", "data": "AAAA"}, "mediaResolution": {"level": "LOW"}},
        {"inline_data": {"mime_type": "audio/wav", "data": "AAAA"}},
        {"inlineData": {"mimeType": "application/pdf", "data": "AAAA", "displayName": "a.pdf"}},
        {"fileData": {"fileUri": "https://youtu.be/x"}, "videoMetadata": {"fps": 2}},
        {"file_data": {"file_uri": "gs://b/x.mp4", "mime_type": "video/mp4"}},
        {"executableCode": {"language": "PYTHON", "code": "1"}},
        {"tool_call": {"id": "x"}, "thought_signature": "s"},
        {"thoughtSignature": "alone"},
        {"hologram": 1},
        {"functionCall": {"name": "f", "args": {"n": 1.50}}},
        {"functionCall": {"id": "", "name": "f", "args": {}}},
        {"functionCall": {"name": "f"}, "thoughtSignature": "s"},
        {"function_call": {"name": "f", "args": {}, "odd": 1}},
    ]);
    for part in parts.as_array().unwrap() {
        survives(&json!({"contents": [{"role": "model", "parts": [part]}]}));
    }
    survives(&json!({"contents": [{"role": "model", "parts": parts}]}));
    let read = gemini().read(
        json!({"contents": [{"role": "model", "parts": parts}]}).to_string().as_bytes(),
        &google(),
    );
    let message = &read.unwrap().messages[0];
    let unknown = message.parts.iter().filter(|part| matches!(part.body, Body::Unknown(_)));
    assert_eq!(unknown.count(), 2);
    assert!(matches!(&message.parts[8].body, Body::Media(media) if media.kind == MediaKind::Video));
    assert!(
        matches!(&message.parts[9].body, Body::Media(media) if media.source == MediaSource::Url("gs://b/x.mp4".into()))
    );
}

#[test]
fn results_are_words_where_they_are_words() {
    let results = json!([
        {"functionResponse": {"name": "f", "id": "1", "response": {"output": "fine"}}},
        {"functionResponse": {"name": "f", "response": {"error": "bad"}}},
        {"functionResponse": {"name": "f", "response": {"error": {"code": 1}}}},
        {"functionResponse": {"name": "f", "response": {"return_value": [1, 2]}}},
        {"functionResponse": {"name": "f", "response": {"output": "{\"a\":1}"}}},
        {"functionResponse": {"name": "f", "response": {}}},
        {"functionResponse": {"name": "f"}},
        {"function_response": {"name": "f", "response": {"output": "x"}, "scheduling": "SILENT"}},
        {"functionResponse": {"name": "f", "response": {"output": "x"}, "parts": [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]}},
        {"functionResponse": {"name": "f", "response": {"output": "x"}, "parts": [{"inline_data": {"mime_type": "image/png", "data": "AAAA"}}]}},
    ]);
    for role in ["user", "function"] {
        survives(
            &json!({"contents": [{"role": role, "parts": results}, {"role": role, "parts": results}]}),
        );
    }
    let request = json!({"contents": [{"role": "user", "parts": results}]});
    let older = target("gemini-2.5-flash");
    assert_eq!(again(&request, &older), request);
    let call = gemini().read(request.to_string().as_bytes(), &google()).unwrap();
    assert_eq!(call.messages[0].role, Role::Tool);
    let said = |index: usize| match &call.messages[0].parts[index].body {
        Body::ToolResult(result) => (result.text.to_string(), result.is_error, result.media.len()),
        other => panic!("{other:?}"),
    };
    assert_eq!(said(0), ("fine".to_owned(), false, 0));
    assert_eq!(said(1), ("bad".to_owned(), true, 0));
    assert_eq!(said(3), (r#"{"return_value":[1,2]}"#.to_owned(), false, 0));
    assert_eq!(said(8).2, 1);
    assert_eq!(said(9).2, 1);
}

#[test]
fn a_result_finds_its_call_by_id_or_by_name() {
    let request = json!({"contents": [
        {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}, {"functionCall": {"name": "g", "id": "2", "args": {}}}, {"functionCall": {"name": "f", "args": {}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {}}}, {"functionResponse": {"name": "f", "response": {}}}, {"functionResponse": {"id": "2", "name": "g", "response": {}}}]},
    ]});
    survives(&request);
    let call = gemini().read(request.to_string().as_bytes(), &google()).unwrap();
    let made: Vec<_> = call.messages[0].tool_calls().map(|call| call.call).collect();
    let answered = call.messages[1].parts.iter().map(|part| match &part.body {
        Body::ToolResult(result) => result.call,
        other => panic!("{other:?}"),
    });
    assert_eq!(answered.collect::<Vec<_>>(), [made[0], made[2], made[1]]);
}

#[test]
fn every_form_of_tools_is_read_and_written_as_it_was() {
    let function = |name: &str| json!({"name": name, "description": "D", "parameters": {"type": "OBJECT", "properties": {"a": {"type": "STRING", "nullable": true}}}});
    let tools = json!([
        {"functionDeclarations": [function("a"), {"name": "b", "description": "", "parameters_json_schema": {"type": "object"}}]},
        {"function_declarations": [{"name": "c", "behavior": "BLOCKING", "response": {"type": "STRING"}}]},
        {"googleSearch": {}},
        {"functionDeclarations": [function("d")], "urlContext": {}},
        {"functionDeclarations": [function("e")]},
        {"code_execution": {}},
        {"functionDeclarations": []},
    ]);
    survives(&json!({"contents": [], "tools": tools}));
    for entry in tools.as_array().unwrap() {
        survives(&json!({"contents": [], "tools": [entry]}));
        survives(&json!({"contents": [], "tools": entry}));
    }
    let call = gemini().read(json!({"tools": tools}).to_string().as_bytes(), &google()).unwrap();
    let names: Vec<_> = call.tools.iter().map(|tool| (&*tool.name, tool.server)).collect();
    let expected = [
        ("a", false),
        ("b", false),
        ("c", false),
        ("googleSearch", true),
        ("d", false),
        ("e", false),
        ("code_execution", true),
        ("functionDeclarations", true),
    ];
    assert_eq!(names, expected);
    let read: Value = call.tools[0].parameters.to().unwrap();
    assert_eq!(read, json!({"type": "object", "properties": {"a": {"type": ["string", "null"]}}}));
}

#[test]
fn settings_are_understood_and_written_as_they_were() {
    let request = json!({
        "contents": [],
        "tools": [{"functionDeclarations": [{"name": "f", "description": "D"}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
        "generationConfig": {
            "temperature": 0.5, "topP": 0.25, "topK": 40, "seed": 7, "stopSequences": ["END"],
            "presencePenalty": 0.5, "candidateCount": 1, "responseModalities": ["TEXT"],
            "thinkingConfig": {"thinkingLevel": "low", "includeThoughts": true},
            "responseMimeType": "application/json",
            "responseJsonSchema": {"type": "object", "properties": {"a": {"type": "string"}}},
        },
        "safetySettings": [{"category": "C", "threshold": "T"}],
        "cachedContent": "cachedContents/x",
        "labels": {"a": "b"},
    });
    survives(&request);
    let call = gemini().read(request.to_string().as_bytes(), &google()).unwrap();
    let settings = &call.settings;
    assert_eq!(call.tool_choice, ToolChoice::Tool("f".into()));
    assert_eq!(
        (settings.temperature, settings.top_p, settings.top_k),
        (Some(0.5), Some(0.25), Some(40))
    );
    assert_eq!((settings.seed, &settings.stop[..]), (Some(7), &["END".to_owned()][..]));
    assert_eq!(settings.reasoning_effort, Some(ReasoningEffort::Low));
    assert!(settings.output_schema.is_some());
    assert_eq!(settings.metadata["a"], "b");
    let extra: Value = settings.extra.as_ref().unwrap().to().unwrap();
    assert_eq!(extra["generationConfig"].get("temperature"), None);
    assert_eq!(extra["generationConfig"]["candidateCount"], 1);
    assert_eq!(extra["cachedContent"], "cachedContents/x");
}

#[test]
fn settings_in_other_spellings_and_forms_stay_as_they_are() {
    survives(
        &json!({"contents": [], "generation_config": {"top_p": 0.5, "thinking_config": {"thinking_budget": -1}}}),
    );
    survives(
        &json!({"contents": [], "generationConfig": {"thinkingConfig": {"includeThoughts": false}}}),
    );
    survives(
        &json!({"contents": [], "generationConfig": {"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING", "enum": ["a"]}}}),
    );
    survives(
        &json!({"contents": [], "tool_config": {"function_calling_config": {"mode": "VALIDATED"}}}),
    );
    survives(
        &json!({"contents": [], "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["a", "b"]}}}),
    );
    survives(&json!({"contents": [], "toolConfig": {"retrievalConfig": {}}}));
    let limited = json!({"contents": [], "generationConfig": {"maxOutputTokens": 7}});
    let call = gemini().read(limited.to_string().as_bytes(), &google()).unwrap();
    assert_eq!(call.settings.max_output_tokens, Some(7));
}

#[test]
fn what_is_no_request_is_refused() {
    for body in [
        "",
        "[]",
        "{\"contents\": 1}",
        "{\"contents\": [1]}",
        "{\"tools\": 1}",
        "{\"systemInstruction\": \"x\"}",
        "{\"contents\": [{\"parts\": 1}]}",
    ] {
        assert!(gemini().read(body.as_bytes(), &google()).is_err(), "{body}");
    }
}
