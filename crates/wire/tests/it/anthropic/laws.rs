//! Laws that hold for every input.

use std::sync::Arc;

use largestack_types::call::{Call, PromptCache, Settings};
use largestack_types::message::{Message, Role};
use largestack_types::part::Body;
use largestack_types::reply::Reply;
use largestack_wire::{Accumulator, Frame, Mode, Outcome, Session, decode};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::streams::event;
use super::{native, ours, target};
use crate::support::{
    call, image, json as parsed, message, part, text, thought, tool, tool_call, tool_result,
};

fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just(" \n".to_owned()),
        "[a-z\"\\\\\n\u{0}\u{e9}\u{2028}\u{1F600}\\[\\]{}]{0,12}",
        any::<String>()
    ]
}

fn any_message() -> impl Strategy<Value = Message> {
    let id = prop_oneof![Just(""), Just("toolu_1"), Just("f:0")];
    let plain = prop_oneof![
        words().prop_map(|w| message(Role::System, vec![text(&w)])),
        (words(), any::<bool>()).prop_map(|(w, media)| {
            let mut parts = vec![text(&w)];
            parts.extend(media.then(|| Body::Media(image())));
            message(Role::User, parts)
        }),
        (words(), words(), id.clone(), 0u32..4).prop_map(|(w, t, id, n)| {
            let mut message = message(Role::Assistant, vec![text(&w), tool_call(n, id, &w)]);
            message.parts.insert(0, ours(part(thought(&t, None)), "{}"));
            message
        }),
        (words(), id, 0u32..4, any::<bool>()).prop_map(|(w, id, n, media)| {
            let media = if media { vec![image()] } else { vec![] };
            message(Role::Tool, vec![tool_result(n, id, &w, media)])
        }),
        Just(message(Role::Assistant, vec![])),
    ];
    let fields =
        prop::sample::select(vec!["", "{}", r#"{"content":"text"}"#, r#"{"role":"system"}"#]);
    (plain, fields).prop_map(|(mut message, fields)| {
        message.native = (!fields.is_empty()).then(|| native(fields));
        message
    })
}

/// An edit of a conversation, or of what goes with it.
#[derive(Clone, Debug)]
enum Edit {
    Push(Message),
    Insert(usize, Message),
    Remove(usize),
    Truncate(usize),
    Swap(usize, usize),
    Cache(Option<PromptCache>),
    Tools(bool),
    Stream(bool),
    Target(usize),
}

fn any_edit() -> impl Strategy<Value = Edit> {
    let caches = vec![None, Some(PromptCache::FiveMinutes), Some(PromptCache::OneHour)];
    prop_oneof![
        5 => any_message().prop_map(Edit::Push),
        1 => (0usize..8, any_message()).prop_map(|(at, m)| Edit::Insert(at, m)),
        1 => (0usize..8).prop_map(Edit::Remove),
        1 => (0usize..8).prop_map(Edit::Truncate),
        1 => (0usize..8, 0usize..8).prop_map(|(a, b)| Edit::Swap(a, b)),
        1 => prop::sample::select(caches).prop_map(Edit::Cache),
        1 => any::<bool>().prop_map(Edit::Tools),
        1 => any::<bool>().prop_map(Edit::Stream),
        1 => (0usize..4).prop_map(Edit::Target),
    ]
}

const TARGETS: [&str; 4] = [
    "anthropic/claude-sonnet-4-5",
    "anthropic/claude-opus-4-8",
    "bedrock_anthropic/claude-opus-4-8",
    "vertex_anthropic/claude-sonnet-4-5",
];

fn apply(edit: Edit, history: &mut Vec<Arc<Message>>, call: &mut Call, target: &mut usize) {
    match edit {
        Edit::Push(message) => history.push(Arc::new(message)),
        Edit::Insert(at, message) => history.insert(at.min(history.len()), Arc::new(message)),
        Edit::Remove(at) if at < history.len() => drop(history.remove(at)),
        Edit::Truncate(at) => history.truncate(at),
        Edit::Swap(a, b) if a.max(b) < history.len() => history.swap(a, b),
        Edit::Remove(_) | Edit::Swap(..) => {}
        Edit::Cache(prompt_cache) => {
            call.settings = Arc::new(Settings { prompt_cache, ..Settings::default() });
        }
        Edit::Tools(some) => call.tools = if some { Arc::new([tool()]) } else { Arc::new([]) },
        Edit::Stream(stream) => call.stream = stream,
        Edit::Target(at) => *target = at,
    }
}

/// Roles and numbers of blocks: a list has no empty turn that nobody asked for.
fn is_conversation(body: &Value) -> bool {
    let turns = body["messages"].as_array();
    turns.is_some_and(|turns| {
        turns.iter().all(|turn| {
            turn["role"].is_string() && (turn["content"].is_string() || turn["content"].is_array())
        })
    })
}

proptest! {
    #[test]
    fn a_session_changes_no_byte_and_the_request_is_json_after_any_edit(
        edits in prop::collection::vec(any_edit(), 1..24),
    ) {
        let targets = TARGETS.map(target);
        let (mut history, mut call, mut at) = (Vec::new(), call(vec![]), 0);
        let mut session = Session::new();
        for edit in edits {
            apply(edit, &mut history, &mut call, &mut at);
            call.messages = Arc::new(history.clone());
            let wire = targets[at].wire().unwrap();
            let cached = wire.encode(&call, &targets[at], &mut session).unwrap();
            let whole = wire.encode(&call, &targets[at], &mut Session::new()).unwrap();
            prop_assert_eq!(&cached, &whole);
            prop_assert!(is_conversation(&parsed(&whole)));
        }
    }

    #[test]
    fn what_is_read_from_a_request_is_written_again(
        messages in prop::collection::vec(any_message(), 0..6),
    ) {
        let target = target("anthropic/claude-opus-4-8");
        let wire = target.wire().unwrap();
        let once = wire.encode(&call(messages), &target, &mut Session::new()).unwrap();
        let read = wire.read(&once.body, &target).unwrap();
        let again = wire.encode(&read, &target, &mut Session::new()).unwrap();
        prop_assert_eq!(parsed(&again), parsed(&once));
    }

    #[test]
    fn a_reply_is_the_same_whole_and_in_pieces(
        content in "[a-z \"\\\\\u{e9}\u{1F600}]{1,20}",
        thoughts in words(),
        input in words(),
        size in 1usize..5,
    ) {
        let input = json!({"q": input});
        let blocks = [
            json!({"type": "thinking", "thinking": thoughts, "signature": "c2ln"}),
            json!({"type": "text", "text": content}),
            json!({"type": "tool_use", "id": "toolu_1", "name": "f", "input": input, "caller": {"type": "direct"}}),
            json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": input}),
            json!({"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"a": 1}]}),
        ];
        let usage = json!({"input_tokens": 1, "output_tokens": 2});
        let body = json!({"id": "m", "type": "message", "role": "assistant", "model": "c", "content": blocks, "stop_reason": "tool_use", "usage": usage});
        let target = target("anthropic/claude-x");
        let wire = target.wire().unwrap();
        let whole = decode(wire, Mode::Whole, &target, body.to_string().as_bytes()).unwrap();

        let begun = [
            json!({"type": "thinking", "thinking": "", "signature": ""}),
            json!({"type": "text", "text": ""}),
            json!({"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}, "caller": {"type": "direct"}}),
            json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}),
            blocks[4].clone(),
        ];
        let text = input.to_string();
        let mut grows = [
            cut(&thoughts, size, "thinking_delta", "thinking"),
            cut(&content, size, "text_delta", "text"),
            cut(&text, size, "input_json_delta", "partial_json"),
            cut(&text, size, "input_json_delta", "partial_json"),
            vec![],
        ];
        grows[0].push(json!({"type": "signature_delta", "signature": "c2ln"}));
        let mut events = vec![json!({"type": "message_start", "message": {"id": "m", "type": "message", "role": "assistant", "model": "c", "content": [], "stop_reason": null, "usage": {"input_tokens": 1, "output_tokens": 0}}})];
        for (index, (block, deltas)) in begun.iter().zip(grows).enumerate() {
            events.push(json!({"type": "content_block_start", "index": index, "content_block": block}));
            events.extend(deltas.into_iter().map(|delta| json!({"type": "content_block_delta", "index": index, "delta": delta})));
            events.push(json!({"type": "content_block_stop", "index": index}));
        }
        events.push(json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 2}}));
        events.push(json!({"type": "message_stop"}));
        let stream: String = events.iter().map(event).collect();
        let streamed = decode(wire, Mode::Stream, &target, stream.as_bytes()).unwrap();
        prop_assert_eq!(streamed.reply, whole.reply);
    }

    #[test]
    fn no_bytes_at_all_make_a_decoder_or_a_reader_fall(
        frames in prop::collection::vec((prop::option::of(prop::sample::select(vec!["chunk", "ping", "xException"])), garbage()), 0..8),
        status in 100u16..600,
    ) {
        let target = target("bedrock_anthropic/claude-x");
        let wire = target.wire().unwrap();
        for mode in [Mode::Whole, Mode::Stream] {
            let mut decoder = wire.decoder(mode, &target);
            let mut accumulator = Accumulator::new();
            for (event, data) in &frames {
                let frame = Frame { event: *event, data: data.as_bytes() };
                let result = decoder.push(frame, &mut |event| {
                    accumulator.push_live(&event);
                });
                prop_assert!(result.is_ok() || mode == Mode::Whole);
            }
            let _ = decoder.finish(&mut |event| accumulator.push(&event));
            let Outcome { reply, .. } = accumulator.finish();
            let text = serde_json::to_string(&reply).unwrap();
            prop_assert_eq!(serde_json::from_str::<Reply>(&text).unwrap(), reply);
        }
        for (_, body) in &frames {
            let error = wire.fault(status, &[], body.as_bytes(), &target);
            prop_assert!(!error.to_string().is_empty());
            if let Ok(call) = wire.read(body.as_bytes(), &target) {
                let _ = wire.encode(&call, &target, &mut Session::new());
            }
        }
    }
}

fn cut(text: &str, size: usize, kind: &str, field: &str) -> Vec<Value> {
    let characters: Vec<char> = text.chars().collect();
    let pieces = characters.chunks(size).map(|piece| piece.iter().collect::<String>());
    pieces.map(|piece| json!({"type": kind, field: piece})).collect()
}

/// Fields that decoders and readers look at.
const KEYS: &[&str] = &[
    "type",
    "index",
    "message",
    "content_block",
    "delta",
    "usage",
    "error",
    "content",
    "text",
    "thinking",
    "signature",
    "data",
    "id",
    "name",
    "input",
    "citations",
    "citation",
    "partial_json",
    "stop_reason",
    "role",
    "messages",
    "system",
    "tools",
    "source",
    "bytes",
    "iterations",
    "cache_creation",
    "tool_use_id",
    "is_error",
    "input_schema",
    "tool_choice",
    "media_type",
    "url",
];

/// Words that decide what something is.
const WORDS: &[&str] = &[
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "text",
    "text_delta",
    "thinking",
    "thinking_delta",
    "tool_use",
    "tool_result",
    "server_tool_use",
    "input_json_delta",
    "citations_delta",
    "signature_delta",
    "image",
    "base64",
    "document",
    "user",
    "assistant",
    "system",
    "custom",
    "redacted_thinking",
    "compaction",
];

/// Bytes that are nearly what a decoder expects.
fn garbage() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        (0i64..3).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        words().prop_map(Value::from),
        prop::sample::select(WORDS).prop_map(Value::from),
        prop::sample::select(WORDS).prop_map(Value::from),
    ];
    let object = |inner: BoxedStrategy<Value>| {
        prop::collection::vec((prop::sample::select(KEYS), inner), 0..6).prop_map(|fields| {
            let fields = fields.into_iter().map(|(key, value)| (key.to_owned(), value));
            Value::Object(fields.collect())
        })
    };
    let value =
        leaf.prop_recursive(5, 48, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                object(inner),
            ]
        });
    let kinds = prop::sample::select(WORDS);
    prop_oneof![
        6 => (kinds, value.clone(), value.clone()).prop_map(|(kind, block, delta)| {
            json!({"type": kind, "index": 0, "content_block": block, "delta": delta, "message": delta, "content": [block], "messages": [block, {"role": "user", "content": [delta]}], "usage": delta}).to_string()
        }),
        3 => value.prop_map(|value| value.to_string()),
        1 => any::<String>(),
    ]
}
