use std::collections::HashMap;

use largestack_types::call::{
    OnLoss, OutputMode, OutputSchema, PromptCache, ReasoningEffort, Settings, ToolChoice,
};
use largestack_types::json::Json;
use largestack_types::message::Role;
use largestack_types::part::{Arguments, Native, Part, ToolCall, ToolResult};
use proptest::prelude::*;

use super::*;

fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

fn key(call: &Call) -> Hash {
    Hashed::default().key(&tenant("acme"), "p1", call).unwrap()
}

fn part(effect: u32, body: Body) -> Part {
    Part::new(PartId::new(effect, 0), Label::from_origin(Origin::Agent), body)
}

fn tool_call(id: u32, provider_id: &str) -> Body {
    Body::ToolCall(ToolCall {
        call: serde_json::from_value(id.into()).unwrap(),
        provider_id: provider_id.into(),
        name: "search".into(),
        arguments: Arguments::from_text(r#"{"q":1}"#),
    })
}

fn tool_result(id: u32, provider_id: &str) -> Body {
    Body::ToolResult(ToolResult {
        call: serde_json::from_value(id.into()).unwrap(),
        provider_id: provider_id.into(),
        name: "search".into(),
        text: "found".into(),
        media: Vec::new(),
        is_error: false,
        handle: None,
    })
}

/// A call with two tool calls in its history, as a run would make it.
fn base(run: u32) -> Call {
    let id = |n: u32| run * 10 + n;
    let said = Message::new(
        Role::Assistant,
        vec![
            part(id(1), tool_call(id(2), &format!("call_{run}a"))),
            part(id(1), tool_call(id(3), &format!("call_{run}b"))),
        ],
    );
    let results = [
        part(id(2), tool_result(id(2), &format!("call_{run}a"))),
        part(id(3), tool_result(id(3), &format!("call_{run}b"))),
    ];
    let mut messages = vec![Arc::new(Message::user(PartId::new(run, 0), "hello"))];
    messages.push(Arc::new(said));
    messages.extend(results.map(|part| Arc::new(Message::new(Role::Tool, vec![part]))));
    let tool = ToolSpec {
        name: "search".into(),
        description: "Finds.".into(),
        parameters: Json::empty_object(),
        idempotent: true,
        origin: Origin::Tool,
        native: None,
        server: false,
    };
    Call {
        model: "openai/gpt-4o".into(),
        messages: Arc::new(messages),
        tools: Arc::new([tool]),
        tool_choice: ToolChoice::Auto,
        settings: Arc::default(),
        stream: false,
    }
}

fn set(call: &mut Call, change: impl FnOnce(&mut Settings)) {
    change(Arc::make_mut(&mut call.settings));
}

fn message(call: &mut Call, index: usize, change: impl FnOnce(&mut Message)) {
    let messages = Arc::make_mut(&mut call.messages);
    change(Arc::make_mut(&mut messages[index]));
}

fn tool(call: &mut Call, change: impl FnOnce(&mut ToolSpec)) {
    let mut tools = call.tools.to_vec();
    change(&mut tools[0]);
    call.tools = tools.into();
}

fn native(word: &str) -> Native {
    let fields = Json::parse(format!("{{\"{word}\":1}}")).unwrap();
    Native { wire: "openai-chat".into(), fields }
}

type Change = fn(&mut Call);

/// One change of each field that a provider is told, none of which undoes another.
#[rustfmt::skip]
const CHANGES: &[Change] = &[
    |c| c.model = "openai/gpt-4o-mini".into(),
    |c| c.tool_choice = ToolChoice::None,
    |c| set(c, |s| s.max_output_tokens = Some(1)),
    |c| set(c, |s| s.temperature = Some(0.0)),
    |c| set(c, |s| s.top_p = Some(0.5)),
    |c| set(c, |s| s.top_k = Some(5)),
    |c| set(c, |s| s.frequency_penalty = Some(0.5)),
    |c| set(c, |s| s.presence_penalty = Some(0.5)),
    |c| set(c, |s| s.stop = vec!["END".into()]),
    |c| set(c, |s| s.seed = Some(1)),
    |c| set(c, |s| s.parallel_tool_calls = Some(false)),
    |c| set(c, |s| s.reasoning_effort = Some(ReasoningEffort::Low)),
    |c| set(c, |s| s.reasoning_budget_tokens = Some(9)),
    |c| set(c, |s| s.prompt_cache = Some(PromptCache::OneHour)),
    |c| set(c, |s| s.metadata = [("a".to_owned(), "b".to_owned())].into()),
    |c| set(c, |s| s.output_schema = Some(OutputSchema { name: "n".into(), schema: Json::empty_object() })),
    |c| set(c, |s| s.output_mode = OutputMode::Tool),
    |c| set(c, |s| s.on_unsupported = OnLoss::Refuse),
    |c| set(c, |s| s.on_lossy_schema = OnLoss::Refuse),
    |c| set(c, |s| s.extra = Some(Json::empty_object())),
    |c| tool(c, |t| t.name = "find".into()),
    |c| tool(c, |t| t.description = "Looks.".into()),
    |c| tool(c, |t| t.parameters = Json::parse(r#"{"type":"object"}"#).unwrap()),
    |c| tool(c, |t| t.native = Some(native("strict"))),
    |c| tool(c, |t| t.server = true),
    |c| message(c, 0, |m| m.role = Role::System),
    |c| message(c, 0, |m| m.native = Some(native("name"))),
    |c| message(c, 0, |m| m.parts.push(part(0, Body::Text("more".into())))),
    |c| message(c, 0, |m| m.parts[0].native = Some(native("mark"))),
    |c| message(c, 1, |m| if let Body::ToolCall(t) = &mut m.parts[0].body { t.name = "find".into() }),
    |c| message(c, 1, |m| if let Body::ToolCall(t) = &mut m.parts[1].body { t.arguments = Arguments::from_text("{}") }),
    |c| message(c, 2, |m| if let Body::ToolResult(r) = &mut m.parts[0].body { r.text = "lost".into() }),
    |c| message(c, 3, |m| if let Body::ToolResult(r) = &mut m.parts[0].body { r.is_error = true }),
];

/// A field that is added and not thought of here does not compile.
#[test]
fn every_field_of_a_call_is_accounted_for() {
    let Call { model: _, messages: _, tools: _, tool_choice: _, settings, stream: _ } = base(0);
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
        output_mode: _,
        on_unsupported: _,
        on_lossy_schema: _,
        extra: _,
    } = &*settings;
    let ToolSpec {
        name: _,
        description: _,
        parameters: _,
        idempotent: _,
        origin: _,
        native: _,
        server: _,
    } = &base(0).tools[0];
    let Message { role: _, parts: _, native: _ } = &**base(0).messages.first().unwrap();
}

proptest! {
    #[test]
    fn any_two_calls_that_differ_in_a_field_have_different_keys(
        one in proptest::collection::vec(any::<bool>(), CHANGES.len()),
        other in proptest::collection::vec(any::<bool>(), CHANGES.len()),
    ) {
        let made = |changes: &[bool]| {
            let mut call = base(0);
            let chosen = CHANGES.iter().zip(changes).filter(|(_, chosen)| **chosen);
            chosen.for_each(|(change, _)| change(&mut call));
            call
        };
        prop_assert_eq!(key(&made(&one)) == key(&made(&other)), one == other);
    }

    #[test]
    fn what_is_kept_of_a_history_gives_the_keys_of_the_whole_after_any_edit(
        edits in proptest::collection::vec((0_usize..5, 0_u32..3, any::<bool>()), 1..10),
    ) {
        let mut hashed = Hashed::default();
        let mut call = base(0);
        for (length, run, other_tools) in edits {
            let mut messages = call.messages.to_vec();
            messages.truncate(length);
            messages.extend(base(run).messages.iter().skip(length.min(2)).cloned());
            call.messages = Arc::new(messages);
            if other_tools {
                tool(&mut call, |tool| tool.description = format!("{run}").into());
            }
            prop_assert_eq!(hashed.key(&tenant("acme"), "p1", &call), Some(key(&call)));
        }
    }
}

#[test]
fn each_field_alone_changes_the_key() {
    let mut keys = HashMap::from([(key(&base(0)), usize::MAX)]);
    for (index, change) in CHANGES.iter().enumerate() {
        let mut call = base(0);
        change(&mut call);
        assert_eq!(keys.insert(key(&call), index), None, "change {index} changes nothing");
    }
    let of = |tenant, policy| Hashed::default().key(&tenant, policy, &base(0));
    let here = of(tenant("acme"), "p1");
    assert!(here != of(tenant("other"), "p1") && here != of(tenant("acme"), "p2"));
}

#[test]
fn what_belongs_to_a_run_only_does_not_change_it() {
    assert_eq!(key(&base(0)), key(&base(7)));
    let mut call = base(0);
    call.stream = true;
    tool(&mut call, |tool| tool.idempotent = false);
    message(&mut call, 0, |m| m.parts[0].label = Label::from_origin(Origin::Web));
    assert_eq!(key(&call), key(&base(0)));
}

#[test]
fn which_result_belongs_to_which_call_changes_it() {
    let mut swapped = base(0);
    message(&mut swapped, 2, |m| m.parts[0].body = tool_result(3, "call_0b"));
    message(&mut swapped, 3, |m| m.parts[0].body = tool_result(2, "call_0a"));
    assert_ne!(key(&swapped), key(&base(0)));
}
