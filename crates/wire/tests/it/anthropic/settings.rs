//! Caching, tools and settings in the requests that go out.

use std::sync::Arc;

use largestack_types::call::{
    Call, OutputSchema, PromptCache, ReasoningEffort, Settings, ToolChoice,
};
use largestack_types::json::Json;
use largestack_types::message::{Message, Role};
use largestack_types::part::PartId;
use largestack_types::tool::ToolSpec;
use largestack_wire::{EncodeError, Session};
use serde_json::{Value, json};

use super::requests::{encode, refused, user};
use super::{native, ours, target};
use crate::support::{call, json as body, message, text, tool, with};

fn cached(name: &str, cache: PromptCache, messages: Vec<Message>, tools: Arc<[ToolSpec]>) -> Value {
    let settings = Settings { prompt_cache: Some(cache), ..Settings::default() };
    body(&encode(&Call { tools, ..with(call(messages), settings) }, &target(name)))
}

/// Where marks stand, as paths.
fn marks(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                if key == "cache_control" {
                    found.push(format!("{path} {value}"));
                }
                marks(value, &format!("{path}/{key}"), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                marks(item, &format!("{path}/{index}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn the_ends_of_tools_instructions_and_the_last_turn_are_marked_for_the_cache() {
    let mut own = user("Marked.");
    own.parts[0] = ours(own.parts[0].clone(), r#"{"cache_control": {"type": "ephemeral"}}"#);
    let mut messages = vec![Message::system(PartId::default(), "Be brief."), own];
    messages.extend([message(Role::Assistant, vec![text("Yes.")]), user("Why?")]);
    let deferred = ToolSpec { native: Some(native(r#"{"defer_loading": true}"#)), ..tool() };
    let tools: Arc<[ToolSpec]> = Arc::new([tool(), tool(), deferred]);
    for (cache, mark) in [
        (PromptCache::FiveMinutes, r#"{"type":"ephemeral"}"#),
        (PromptCache::OneHour, r#"{"type":"ephemeral","ttl":"1h"}"#),
    ] {
        let mut found = Vec::new();
        let sent = cached("claude-sonnet-4-5", cache, messages.clone(), tools.clone());
        marks(&sent, "", &mut found);
        let places = ["/system/0", "/messages/2/content/0", "/tools/1"];
        assert_eq!(found, places.map(|place| format!("{place} {mark}")));
    }
    // The model's own last turn needs no mark, and words that were a string can bear none.
    let mut found = Vec::new();
    let open = vec![user("?"), message(Role::Assistant, vec![text("Well,")])];
    marks(
        &cached("claude-sonnet-4-5", PromptCache::FiveMinutes, open, Arc::new([])),
        "",
        &mut found,
    );
    assert!(found.is_empty(), "{found:?}");
    // Without the setting, the parts' own marks stand.
    let plain = body(&encode(&call(messages), &target("claude-sonnet-4-5")));
    marks(&plain, "", &mut found);
    assert_eq!(found, ["/messages/0/content/0 {\"type\":\"ephemeral\"}"]);
}

#[test]
fn tools_are_chosen_as_asked() {
    let choice = |tool_choice, parallel_tool_calls| {
        let settings = Settings { parallel_tool_calls, ..Settings::default() };
        let call = Call { tools: Arc::new([tool()]), tool_choice, ..with(call(vec![]), settings) };
        body(&encode(&call, &target("claude-sonnet-4-5"))).get("tool_choice").cloned()
    };
    assert_eq!(choice(ToolChoice::Auto, None), None);
    let auto = json!({"type": "auto", "disable_parallel_tool_use": true});
    assert_eq!(choice(ToolChoice::Auto, Some(false)), Some(auto));
    assert_eq!(choice(ToolChoice::None, Some(false)), Some(json!({"type": "none"})));
    assert_eq!(choice(ToolChoice::Required, None), Some(json!({"type": "any"})));
    let named = json!({"type": "tool", "name": "search", "disable_parallel_tool_use": false});
    assert_eq!(choice(ToolChoice::Tool("search".into()), Some(true)), Some(named));
    let toolless = Call { tool_choice: ToolChoice::Required, ..call(vec![]) };
    let target = target("claude-sonnet-4-5");
    assert!(matches!(refused(&toolless, &target), EncodeError::Unsupported { .. }));
    let foreign = ToolSpec { server: true, ..tool() };
    let foreign = Call { tools: Arc::new([foreign]), ..call(vec![]) };
    let said = refused(&foreign, &target).to_string();
    assert!(said.ends_with("does not take the tool `search` of another provider"), "{said}");
}

#[test]
fn what_thinking_excludes_is_left_out_and_reported() {
    let asked = |name: &str, settings: Settings| {
        let request = encode(&with(call(vec![user("?")]), settings), &target(name));
        (body(&request), request.dropped)
    };
    let effort = Some(ReasoningEffort::High);
    let warm = Settings {
        reasoning_effort: effort,
        temperature: Some(0.5),
        top_p: Some(0.9),
        top_k: Some(5),
        ..Settings::default()
    };
    let (sent, dropped) = asked("claude-sonnet-4-5", warm.clone());
    assert_eq!(sent["thinking"], json!({"type": "enabled", "budget_tokens": 3_200}));
    assert_eq!(dropped, ["temperature", "top_p", "top_k"]);
    let mild = Settings { temperature: Some(1.0), top_p: Some(0.95), top_k: None, ..warm.clone() };
    assert_eq!(asked("claude-sonnet-4-5", mild).1, [""; 0]);
    let (sent, dropped) = asked("claude-opus-4-8", warm.clone());
    assert_eq!(sent["thinking"], json!({"type": "adaptive"}));
    assert_eq!(sent["output_config"], json!({"effort": "high"}));
    assert_eq!(dropped, ["temperature", "top_p", "top_k"]);
    let (sent, dropped) = asked("claude-3-5-haiku-latest", warm);
    assert_eq!((sent.get("thinking"), &sent["top_k"]), (None, &json!(5)));
    assert_eq!(dropped, ["reasoning_effort"]);
    let forced = Call {
        tools: Arc::new([tool()]),
        tool_choice: ToolChoice::Required,
        ..with(call(vec![]), Settings { reasoning_effort: effort, ..Settings::default() })
    };
    let request = encode(&forced, &target("claude-sonnet-4-5"));
    assert_eq!(
        (body(&request).get("thinking"), &request.dropped[..]),
        (None, &["reasoning_effort"][..])
    );
    assert!(encode(&forced, &target("claude-opus-4-6")).dropped.is_empty());
}

#[test]
fn a_schema_is_enforced_or_refused_and_completes_what_extra_says() {
    let schema = Json::parse(r#"{"type":"object"}"#).unwrap();
    let asking = |extra: &str| {
        let settings = Settings {
            output_schema: Some(OutputSchema { name: "shape".into(), schema: schema.clone() }),
            extra: Some(Json::parse(extra).unwrap()),
            ..Settings::default()
        };
        with(call(vec![user("?")]), settings)
    };
    let format = json!({"type": "json_schema", "schema": {"type": "object"}});
    let sent = |extra: &str| {
        body(&encode(&asking(extra), &target("claude-opus-4-5")))["output_config"].take()
    };
    assert_eq!(sent("{}"), json!({"format": format}));
    let both = json!({"format": format, "effort": "low"});
    assert_eq!(sent(r#"{"output_config": {"effort": "low"}}"#), both);
    assert_eq!(sent(r#"{"output_config": {"format": null}}"#), json!({"format": null}));
    let old = target("claude-3-7-sonnet-20250219");
    assert!(matches!(refused(&asking("{}"), &old), EncodeError::Unsupported { .. }));
}

#[test]
fn extra_may_add_and_change_but_not_what_is_accounted_for() {
    let of = |extra: &str, tool_choice| {
        let extra = Some(Json::parse(extra).unwrap());
        let settings = Settings { extra, stop: vec!["END".into()], ..Settings::default() };
        let call = Call {
            tools: Arc::new([tool()]),
            tool_choice,
            ..with(call(vec![user("?")]), settings)
        };
        let target = target("claude-sonnet-4-5");
        target.wire().unwrap().encode(&call, &target, &mut Session::new()).map(|r| body(&r))
    };
    let sent = of(r#"{"stop_sequences": [], "thinking": {"type": "enabled"}}"#, ToolChoice::Auto);
    let sent = sent.unwrap();
    assert_eq!(
        (&sent["stop_sequences"], &sent["thinking"]["type"]),
        (&json!([]), &json!("enabled"))
    );
    for key in ["model", "messages", "system", "stream", "max_tokens", "tools"] {
        let reserved = EncodeError::ExtraReserved { key: key.into() };
        assert_eq!(of(&format!("{{\"{key}\": 1}}"), ToolChoice::Auto), Err(reserved));
    }
    let choice = r#"{"tool_choice": {"type": "auto"}}"#;
    assert_eq!(of(choice, ToolChoice::Auto).unwrap()["tool_choice"], json!({"type": "auto"}));
    let reserved = EncodeError::ExtraReserved { key: "tool_choice".into() };
    assert_eq!(of(choice, ToolChoice::Required), Err(reserved));
    assert_eq!(of("[]", ToolChoice::Auto), Err(EncodeError::ExtraNotAnObject));
}

#[test]
fn settings_that_are_no_numbers_are_refused() {
    let odd = [
        Settings { temperature: Some(f64::NAN), ..Settings::default() },
        Settings { top_p: Some(f64::INFINITY), ..Settings::default() },
        Settings { presence_penalty: Some(f64::NAN), ..Settings::default() },
    ];
    for settings in odd {
        let error = refused(&with(call(vec![]), settings), &target("claude-sonnet-4-5"));
        assert!(matches!(error, EncodeError::NotFinite { .. }), "{error}");
    }
}

#[test]
fn the_output_limit_is_always_sent_and_never_above_what_the_model_can() {
    let of = |asked| {
        let settings = Settings { max_output_tokens: asked, ..Settings::default() };
        let request = encode(&with(call(vec![]), settings), &target("claude-opus-4-1"));
        assert_eq!(body(&request)["max_tokens"], request.max_output_tokens);
        (request.max_output_tokens, request.dropped.len())
    };
    assert_eq!(of(None), (4_096, 0));
    assert_eq!(of(Some(32_000)), (32_000, 0));
    assert_eq!(of(Some(32_001)), (32_000, 1));
}

#[test]
fn a_row_without_a_region_says_which_variable_is_missing() {
    let target = largestack_wire::model::resolve("bedrock_anthropic/claude-sonnet-4-5").unwrap();
    let error = refused(&call(vec![]), &target);
    let shown = largestack_types::errors::LargestackError::from(error).to_string();
    assert!(shown.contains("AWS_REGION"), "{shown}");
}
