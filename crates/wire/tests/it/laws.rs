//! Laws that hold for every input.

use std::sync::Arc;

use largestack_types::call::{Call, Settings, ToolChoice};
use largestack_types::message::{Message, Role};
use largestack_types::part::Body;
use largestack_types::reply::Reply;
use largestack_wire::{Accumulator, Frame, Mode, Outcome, Session, decode};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{
    call, chat, image, json as parsed, message, target, text, thought, tool, tool_call, tool_result,
};

fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[a-z\"\\\\\n\u{0}\u{e9}\u{2028}\u{1F600}]{0,12}",
        any::<String>()
    ]
}

fn any_message() -> impl Strategy<Value = Message> {
    let id = prop_oneof![Just(""), Just("id-1"), Just("abcDEF123")];
    prop_oneof![
        words().prop_map(|w| message(Role::System, vec![text(&w)])),
        (words(), any::<bool>()).prop_map(|(w, media)| {
            let mut parts = vec![text(&w)];
            parts.extend(media.then(|| Body::Media(image())));
            message(Role::User, parts)
        }),
        (words(), words(), id.clone(), 0u32..4).prop_map(|(w, t, id, n)| {
            message(Role::Assistant, vec![thought(&t, None), text(&w), tool_call(n, id, &w)])
        }),
        (words(), id, 0u32..4, any::<bool>()).prop_map(|(w, id, n, media)| {
            let media = if media { vec![image()] } else { vec![] };
            message(Role::Tool, vec![tool_result(n, id, &w, media)])
        }),
        Just(message(Role::Assistant, vec![])),
        Just(message(Role::Tool, vec![])),
    ]
}

/// An edit of a conversation, or of what goes with it.
#[derive(Clone, Debug)]
enum Edit {
    Push(Message),
    Insert(usize, Message),
    Replace(usize, Message),
    /// The same words in another allocation.
    Copy(usize),
    Remove(usize),
    Truncate(usize),
    Swap(usize, usize),
    Temperature(u8),
    Tools(bool),
    Choose(bool),
    Stream(bool),
    Target(usize),
}

fn any_edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        4 => any_message().prop_map(Edit::Push),
        1 => (0usize..8, any_message()).prop_map(|(at, m)| Edit::Insert(at, m)),
        1 => (0usize..8, any_message()).prop_map(|(at, m)| Edit::Replace(at, m)),
        1 => (0usize..8).prop_map(Edit::Copy),
        1 => (0usize..8).prop_map(Edit::Remove),
        1 => (0usize..8).prop_map(Edit::Truncate),
        1 => (0usize..8, 0usize..8).prop_map(|(a, b)| Edit::Swap(a, b)),
        1 => any::<u8>().prop_map(Edit::Temperature),
        1 => any::<bool>().prop_map(Edit::Tools),
        1 => any::<bool>().prop_map(Edit::Choose),
        1 => any::<bool>().prop_map(Edit::Stream),
        1 => (0usize..5).prop_map(Edit::Target),
    ]
}

const TARGETS: [&str; 5] = ["openai/x", "o3", "mistral/x", "deepseek/x", "perplexity/x"];

fn apply(edit: Edit, history: &mut Vec<Arc<Message>>, call: &mut Call, target: &mut usize) {
    match edit {
        Edit::Push(message) => history.push(Arc::new(message)),
        Edit::Insert(at, message) => history.insert(at.min(history.len()), Arc::new(message)),
        Edit::Replace(at, message) => {
            if let Some(place) = history.get_mut(at) {
                *place = Arc::new(message);
            }
        }
        Edit::Copy(at) => {
            if let Some(place) = history.get_mut(at) {
                *place = Arc::new(Message::clone(place));
            }
        }
        Edit::Remove(at) if at < history.len() => drop(history.remove(at)),
        Edit::Truncate(at) => history.truncate(at),
        Edit::Swap(a, b) if a.max(b) < history.len() => history.swap(a, b),
        Edit::Remove(_) | Edit::Swap(..) => {}
        Edit::Temperature(value) => {
            let temperature = Some(f64::from(value) / 100.0);
            call.settings = Arc::new(Settings { temperature, ..Settings::default() });
        }
        Edit::Tools(some) => call.tools = if some { Arc::new([tool()]) } else { Arc::new([]) },
        Edit::Choose(must) => {
            call.tool_choice = if must { ToolChoice::Required } else { ToolChoice::Auto };
        }
        Edit::Stream(stream) => call.stream = stream,
        Edit::Target(at) => *target = at,
    }
}

proptest! {
    #[test]
    fn a_session_changes_no_byte_after_any_edit_of_the_history(
        edits in prop::collection::vec(any_edit(), 1..24),
    ) {
        let targets = TARGETS.map(target);
        let (mut history, mut call, mut at) = (Vec::new(), call(vec![]), 0);
        let mut session = Session::new();
        for edit in edits {
            apply(edit, &mut history, &mut call, &mut at);
            call.messages = Arc::new(history.clone());
            let cached = chat().encode(&call, &targets[at], &mut session);
            let whole = chat().encode(&call, &targets[at], &mut Session::new());
            prop_assert_eq!(cached, whole);
        }
    }

    #[test]
    fn whatever_is_said_the_request_is_json_and_says_it(
        messages in prop::collection::vec(any_message(), 0..6),
    ) {
        let call = call(messages.clone());
        let body = parsed(&chat().encode(&call, &target("openai/x"), &mut Session::new()).unwrap());
        let sent = body["messages"].as_array().unwrap();
        let systems = messages.iter().filter(|m| m.role == Role::System).map(Message::text);
        let told = sent.iter().filter(|m| m["role"] == "system");
        let told = told.map(|m| m["content"].as_str().unwrap().to_owned());
        prop_assert!(systems.eq(told));
    }

    #[test]
    fn a_reply_is_the_same_whole_and_in_pieces(
        content in words(),
        thoughts in words(),
        calls in prop::collection::vec((words(), "[a-z]{1,5}", words()), 0..3),
        size in 1usize..5,
    ) {
        let listed: Vec<Value> = calls
            .iter()
            .map(|(id, name, arguments)| json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}))
            .collect();
        let message = json!({"content": content, "reasoning_content": thoughts, "tool_calls": listed});
        let body = json!({"id": "r", "model": "m", "choices": [{"message": message, "finish_reason": "stop"}], "usage": {"prompt_tokens": 1}});
        let whole = decode(chat(), Mode::Whole, &target("openai/x"), body.to_string().as_bytes()).unwrap();

        let mut deltas = pieces("reasoning_content", &thoughts, size);
        deltas.extend(pieces("content", &content, size));
        for (index, (id, name, arguments)) in calls.iter().enumerate() {
            deltas.push(json!({"tool_calls": [{"index": index, "id": id, "function": {"name": name, "arguments": ""}}]}));
            for piece in cut(arguments, size) {
                deltas.push(json!({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}));
            }
        }
        prop_assert_eq!(streamed(&deltas).reply, whole.reply);
    }

    #[test]
    fn no_bytes_at_all_make_a_decoder_fall(
        frames in prop::collection::vec((prop::option::of("[a-z]{0,5}"), garbage()), 0..6),
        status in 100u16..600,
        header in words(),
    ) {
        for mode in [Mode::Whole, Mode::Stream] {
            let mut decoder = chat().decoder(mode, &target("openai/x"));
            let mut accumulator = Accumulator::new();
            for (event, data) in &frames {
                let frame = Frame { event: event.as_deref(), data: data.as_bytes() };
                let result = decoder.push(frame, &mut |event| {
                    accumulator.push_live(&event);
                });
                prop_assert!(result.is_ok() || mode == Mode::Whole);
            }
            let _ = decoder.finish(&mut |event| accumulator.push(&event));
            let Outcome { reply, .. } = accumulator.finish();
            // What was read can be kept: it is written and read again.
            let text = serde_json::to_string(&reply).unwrap();
            prop_assert_eq!(serde_json::from_str::<Reply>(&text).unwrap(), reply);
        }
        for (_, body) in &frames {
            let headers = [("retry-after".to_owned(), header.clone()), ("date".to_owned(), header.clone())];
            let error = chat().fault(status, &headers, body.as_bytes(), &target("openai/x"));
            prop_assert!(!error.to_string().is_empty());
        }
    }
}

fn cut(text: &str, size: usize) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    characters.chunks(size).map(|piece| piece.iter().collect()).collect()
}

fn pieces(field: &str, text: &str, size: usize) -> Vec<Value> {
    cut(text, size).into_iter().map(|piece| json!({ field: piece })).collect()
}

fn streamed(deltas: &[Value]) -> Outcome {
    let chunk = |delta: &Value, more: Value| {
        let mut chunk = json!({"id": "r", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": null}]});
        chunk.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        format!("data: {chunk}\r\n\r\n")
    };
    let mut body: String = deltas.iter().map(|delta| chunk(delta, json!({}))).collect();
    body += "data: {\"id\":\"r\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    body += "data: {\"id\":\"r\",\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\ndata: [DONE]\n\n";
    decode(chat(), Mode::Stream, &target("openai/x"), body.as_bytes()).unwrap()
}

/// Fields that decoders and error readers look at.
const KEYS: &[&str] = &[
    "choices",
    "message",
    "delta",
    "content",
    "tool_calls",
    "function",
    "name",
    "arguments",
    "id",
    "index",
    "usage",
    "error",
    "code",
    "type",
    "text",
    "reasoning_details",
    "annotations",
    "url_citation",
    "audio",
    "data",
    "images",
    "image_url",
    "url",
    "finish_reason",
    "x_groq",
    "executed_tools",
    "thinking",
    "citations",
    "detail",
    "status_code",
    "custom",
    "odd",
];

/// Bytes that are nearly what a decoder expects.
fn garbage() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        words().prop_map(Value::from),
        prop::sample::select(KEYS).prop_map(Value::from),
        Just(json!("thinking")),
        Just(json!("data:image/png;base64,AA")),
    ];
    let value = leaf.prop_recursive(6, 48, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(KEYS), inner), 0..6).prop_map(|fields| {
                fields
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value))
                    .collect::<serde_json::Map<_, _>>()
                    .into()
            }),
        ]
    });
    prop_oneof![
        6 => value.clone().prop_map(|value| json!({"choices": [{"message": value, "delta": value}], "error": null}).to_string()),
        3 => value.prop_map(|value| value.to_string()),
        1 => any::<String>(),
        1 => Just("[DONE]".to_owned()),
    ]
}
