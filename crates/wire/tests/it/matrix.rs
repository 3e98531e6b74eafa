//! Every setting at every row: it is in the request, reported as left out, or refused. Nothing is
//! silently ignored.

use std::sync::Arc;

use largestack_types::call::{
    Call, OnLoss, OutputMode, OutputSchema, PromptCache, ReasoningEffort, Settings, ToolChoice,
};
use largestack_types::json::Json;
use largestack_wire::{EncodeError, HttpRequest, Param, Registry, Section, Session, Target, shape};

use crate::support::{call, tool, user, with};

/// Every row that holds conversations, with an address.
pub(crate) fn rows() -> Vec<Target> {
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
    let models = ["some-model", "claude-sonnet-4-5", "claude-3-opus", "o3", "gemini-2.5-flash"];
    let rows = registry.providers().filter(|row| row.wire != "none");
    rows.flat_map(|row| models.map(|model| Target::new(row.clone(), model))).collect()
}

pub(crate) fn encode(call: &Call, target: &Target) -> Result<HttpRequest, EncodeError> {
    let wire = target.wire()?;
    shape::encode(wire, call, target, &mut Session::new()).map(|(request, _)| request)
}

type Change = (&'static str, fn(&mut Settings));

/// One change of each setting that a provider is told.
#[rustfmt::skip]
const CHANGES: &[Change] = &[
    ("max_output_tokens", |s| s.max_output_tokens = Some(77)),
    ("temperature", |s| s.temperature = Some(0.25)),
    ("top_p", |s| s.top_p = Some(0.5)),
    ("top_k", |s| s.top_k = Some(5)),
    ("frequency_penalty", |s| s.frequency_penalty = Some(0.5)),
    ("presence_penalty", |s| s.presence_penalty = Some(0.5)),
    ("stop", |s| s.stop = vec!["END".into()]),
    ("seed", |s| s.seed = Some(7)),
    ("parallel_tool_calls", |s| s.parallel_tool_calls = Some(false)),
    ("reasoning_effort", |s| s.reasoning_effort = Some(ReasoningEffort::High)),
    ("reasoning_budget_tokens", |s| s.reasoning_budget_tokens = Some(2_048)),
    ("prompt_cache", |s| s.prompt_cache = Some(PromptCache::OneHour)),
    ("metadata", |s| s.metadata = [("user".to_owned(), "u-1".to_owned())].into()),
    ("extra", |s| s.extra = Some(Json::parse(r#"{"not_ours":1}"#).unwrap())),
    ("output_schema", |s| s.output_schema = Some(OutputSchema {
        name: "shape".into(),
        schema: Json::parse(r#"{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}"#).unwrap(),
    })),
];

/// A setting that is added and not thought of here does not compile.
#[test]
fn every_setting_is_in_the_matrix() {
    let Settings {
        max_output_tokens: _,
        temperature: _,
        top_p: _,
        top_k: _,
        frequency_penalty: _,
        presence_penalty: _,
        stop: _,
        seed: _,
        parallel_tool_calls: _,
        reasoning_effort: _,
        reasoning_budget_tokens: _,
        prompt_cache: _,
        metadata: _,
        output_schema: _,
        extra: _,
        // These say how, and are no provider's.
        output_mode: OutputMode::Auto,
        on_unsupported: OnLoss::Report,
        on_lossy_schema: OnLoss::Report,
    } = Settings::default()
    else {
        panic!("the defaults are others");
    };
    assert_eq!(CHANGES.len(), 15);
}

#[test]
fn a_setting_is_sent_reported_or_refused_at_every_row() {
    let mut ignored = Vec::new();
    for target in rows() {
        for tools in [false, true] {
            let mut base = call(vec![user("?")]);
            if tools {
                base.tools = Arc::new([tool()]);
            }
            let Ok(plain) = encode(&base, &target) else { continue };
            for (name, change) in CHANGES {
                if *name == "parallel_tool_calls" && !tools {
                    // Without tools there are no calls that could be parallel.
                    continue;
                }
                let mut settings = Settings::default();
                change(&mut settings);
                match encode(&with(base.clone(), settings), &target) {
                    Ok(request) => {
                        let said = request.dropped.iter().any(|word| word.starts_with(name));
                        if request.body == plain.body && !said {
                            ignored.push(format!("{} {name} (tools: {tools})", target.name()));
                        }
                    }
                    Err(EncodeError::Unsupported { .. }) => {}
                    Err(error) => ignored.push(format!("{} {name}: {error}", target.name())),
                }
            }
        }
    }
    assert!(ignored.is_empty(), "silently ignored:\n{}", ignored.join("\n"));
}

#[test]
fn what_would_be_reported_is_refused_where_the_call_says_so() {
    let mut refused = 0;
    for target in rows() {
        for (name, change) in CHANGES {
            let mut settings = Settings::default();
            change(&mut settings);
            let reporting = encode(&with(call(vec![user("?")]), settings.clone()), &target);
            settings.on_unsupported = OnLoss::Refuse;
            settings.on_lossy_schema = OnLoss::Refuse;
            let strict = encode(&with(call(vec![user("?")]), settings), &target);
            match reporting {
                Ok(request) if !request.dropped.is_empty() => {
                    let Err(EncodeError::Lossy { what, .. }) = strict else {
                        panic!("{} takes {name} all the same", target.name())
                    };
                    assert_eq!(what, request.dropped.join(", "));
                    refused += 1;
                }
                Ok(request) => assert_eq!(strict.unwrap().body, request.body),
                Err(_) => assert!(strict.is_err()),
            }
        }
    }
    assert!(refused > 0);
}

#[test]
fn a_choice_of_tools_is_sent_reported_or_refused_at_every_row() {
    for target in rows() {
        let base = Call { tools: Arc::new([tool()]), ..call(vec![user("?")]) };
        let Ok(auto) = encode(&base, &target) else { continue };
        let named = ToolChoice::Tool(tool().name);
        for choice in [ToolChoice::None, ToolChoice::Required, named] {
            match encode(&Call { tool_choice: choice.clone(), ..base.clone() }, &target) {
                Ok(request) => assert!(
                    request.body != auto.body || request.dropped.contains(&"tool_choice"),
                    "{} ignores {choice:?}",
                    target.name()
                ),
                Err(error) => assert!(matches!(error, EncodeError::Unsupported { .. }), "{error}"),
            }
        }
    }
}
