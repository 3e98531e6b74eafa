//! Laws of the wires `bedrock-converse`, `cohere-v2` and `ollama` that hold for every input.

use std::sync::Arc;

use largestack_types::call::{Call, PromptCache, Settings, ToolChoice};
use largestack_types::json::Json;
use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, MediaKind, MediaSource, Native, Reasoning};
use largestack_types::reply::Reply;
use largestack_wire::{Accumulator, Frame, Frames, Mode, Session, Target, Wire, wire};
use proptest::prelude::*;
use serde_json::json;

use crate::bedrock::on;
use crate::support::{
    call, image, media, message, target, text, thought, tool, tool_call, tool_result,
};

fn wires() -> [(&'static dyn Wire, [Target; 2]); 3] {
    let of = |name| wire(name).unwrap();
    [
        (of("bedrock-converse"), [on("us.anthropic.claude-sonnet-4-6"), on("us.deepseek.r1-v1:0")]),
        (of("cohere-v2"), [target("cohere/x"), target("command-r7b-12-2024")]),
        (of("ollama"), [target("ollama/x"), target("ollama/gpt-oss:20b")]),
    ]
}

fn words() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-z\"\\\\\n\u{e9}\u{1F600}]{0,12}", any::<String>()]
}

fn native() -> impl Strategy<Value = Option<Native>> {
    let fields = prop_oneof![Just("{}"), Just(r#"{"cachePoint":{"type":"default"}}"#)];
    let wires = prop_oneof![Just("bedrock-converse"), Just("cohere-v2"), Just("ollama"), Just("x")];
    prop::option::of((wires, fields).prop_map(|(wire, fields)| Native {
        wire: wire.into(),
        fields: Json::parse(fields).unwrap(),
    }))
}

fn body() -> impl Strategy<Value = Body> {
    let document = media(MediaKind::Document, "text/plain", MediaSource::Base64("QQ==".into()));
    let id = prop_oneof![Just(""), Just("id-1")];
    prop_oneof![
        4 => words().prop_map(|w| text(&w)),
        1 => Just(Body::Media(image())),
        1 => Just(Body::Media(document)),
        1 => words().prop_map(|w| thought(&w, None)),
        1 => words().prop_map(|w| {
            let signature = Some(w.as_str().into());
            Body::Reasoning(Reasoning { signature, redacted: true, ..Reasoning::default() })
        }),
        1 => (words(), id.clone(), 0u32..4).prop_map(|(w, id, n)| tool_call(n, id, &w)),
        1 => (words(), id, 0u32..4, any::<bool>()).prop_map(|(w, id, n, shows)| {
            tool_result(n, id, &w, if shows { vec![image()] } else { vec![] })
        }),
        1 => Just(Body::Unknown(Json::parse("{\"new\":1}").unwrap())),
    ]
}

fn any_message() -> impl Strategy<Value = Message> {
    let role =
        prop_oneof![Just(Role::System), Just(Role::User), Just(Role::Assistant), Just(Role::Tool)];
    (role, prop::collection::vec((body(), native()), 0..4), native()).prop_map(
        |(role, parts, beside)| {
            let (bodies, natives): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
            let mut message = message(role, bodies);
            for (part, native) in message.parts.iter_mut().zip(natives) {
                part.native = native;
            }
            message.native = beside.map(|n| Native { fields: Json::empty_object(), ..n });
            message
        },
    )
}

/// An edit of a conversation, or of what goes with it.
#[derive(Clone, Debug)]
enum Edit {
    Push(Message),
    Replace(usize, Message),
    Remove(usize),
    Truncate(usize),
    Swap(usize, usize),
    Tools(bool),
    Cache(bool),
    Stream(bool),
    Target(usize),
}

fn any_edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        5 => any_message().prop_map(Edit::Push),
        1 => (0usize..8, any_message()).prop_map(|(at, m)| Edit::Replace(at, m)),
        1 => (0usize..8).prop_map(Edit::Remove),
        1 => (0usize..8).prop_map(Edit::Truncate),
        1 => (0usize..8, 0usize..8).prop_map(|(a, b)| Edit::Swap(a, b)),
        1 => any::<bool>().prop_map(Edit::Tools),
        1 => any::<bool>().prop_map(Edit::Cache),
        1 => any::<bool>().prop_map(Edit::Stream),
        1 => (0usize..2).prop_map(Edit::Target),
    ]
}

fn apply(edit: Edit, history: &mut Vec<Arc<Message>>, call: &mut Call, target: &mut usize) {
    match edit {
        Edit::Push(message) => history.push(Arc::new(message)),
        Edit::Replace(at, message) => {
            if let Some(place) = history.get_mut(at) {
                *place = Arc::new(message);
            }
        }
        Edit::Remove(at) if at < history.len() => drop(history.remove(at)),
        Edit::Truncate(at) => history.truncate(at),
        Edit::Swap(a, b) if a.max(b) < history.len() => history.swap(a, b),
        Edit::Remove(_) | Edit::Swap(..) => {}
        Edit::Tools(some) => call.tools = if some { Arc::new([tool()]) } else { Arc::new([]) },
        Edit::Cache(keep) => {
            let prompt_cache = keep.then_some(PromptCache::OneHour);
            call.settings = Arc::new(Settings { prompt_cache, ..Settings::default() });
        }
        Edit::Stream(stream) => call.stream = stream,
        Edit::Target(at) => *target = at,
    }
}

fn garbage() -> impl Strategy<Value = String> {
    let keys = prop_oneof![
        Just("output"),
        Just("message"),
        Just("content"),
        Just("delta"),
        Just("start"),
        Just("usage"),
        Just("toolUse"),
        Just("tool_calls"),
        Just("text"),
        Just("error"),
        Just("reasoningContent"),
        Just("citations"),
        Just("type"),
        Just("done"),
    ];
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|b| json!(b)),
        any::<f64>().prop_map(|n| json!(n)),
        words().prop_map(|w| json!(w)),
        Just(json!("content-delta")),
    ];
    let tree = leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|list| json!(list)),
            prop::collection::vec((keys.clone(), inner), 0..4).prop_map(|fields| {
                json!(fields.into_iter().collect::<std::collections::BTreeMap<_, _>>())
            }),
        ]
    });
    prop_oneof![3 => tree.prop_map(|value| value.to_string()), 1 => any::<String>()]
}

proptest! {
    #[test]
    fn a_session_changes_no_byte_after_any_edit_of_the_history(
        edits in prop::collection::vec(any_edit(), 1..20),
    ) {
        for (wire, targets) in wires() {
            let (mut history, mut call, mut at) = (Vec::new(), call(vec![]), 0);
            let mut session = Session::new();
            for edit in edits.clone() {
                apply(edit, &mut history, &mut call, &mut at);
                call.messages = Arc::new(history.clone());
                let cached = wire.encode(&call, &targets[at], &mut session);
                let whole = wire.encode(&call, &targets[at], &mut Session::new());
                prop_assert_eq!(&cached, &whole);
                if let Ok(request) = whole {
                    let text = std::str::from_utf8(&request.body).unwrap();
                    prop_assert!(serde_json::from_str::<serde_json::Value>(text).is_ok(), "{}", text);
                }
            }
        }
    }

    #[test]
    fn what_was_read_is_written_as_it_was_written(
        messages in prop::collection::vec(any_message(), 0..6),
        choose in any::<bool>(),
    ) {
        for (wire, targets) in wires() {
            let tool_choice = if choose { ToolChoice::None } else { ToolChoice::Auto };
            let call = Call { tools: Arc::new([tool()]), tool_choice, ..call(messages.clone()) };
            let Ok(request) = wire.encode(&call, &targets[0], &mut Session::new()) else { continue };
            let again = wire.read(&request.body, &targets[0]).unwrap();
            let again = wire.encode(&again, &targets[0], &mut Session::new()).unwrap();
            let of = |body: &[u8]| serde_json::from_slice::<serde_json::Value>(body).unwrap();
            let (first, second) = (of(&request.body), of(&again.body));
            for key in ["messages", "system"] {
                prop_assert_eq!(&first[key], &second[key], "{}", wire.name());
            }
        }
    }

    #[test]
    fn no_bytes_at_all_make_a_decoder_fall(
        frames in prop::collection::vec((prop::option::of(prop_oneof![
            Just("contentBlockDelta"), Just("contentBlockStart"), Just("metadata"), Just("fooException"),
        ]), garbage()), 0..6),
        bytes in prop::collection::vec(any::<u8>(), 0..64),
        status in 100u16..600,
        header in words(),
    ) {
        for (wire, targets) in wires() {
            for mode in [Mode::Whole, Mode::Stream] {
                let mut decoder = wire.decoder(mode, &targets[0]);
                let mut accumulator = Accumulator::new();
                for (event, data) in &frames {
                    let frame = Frame { event: *event, data: data.as_bytes() };
                    let result = decoder.push(frame, &mut |event| {
                        accumulator.push_live(&event);
                    });
                    prop_assert!(result.is_ok() || mode == Mode::Whole);
                }
                let _ = Frames::new(wire.framing(mode)).push(&bytes, &mut |frame| {
                    let _ = decoder.push(frame, &mut |event| accumulator.push(&event));
                });
                let _ = decoder.finish(&mut |event| accumulator.push(&event));
                let reply = accumulator.finish().reply;
                // What was read can be kept: it is written and read again; and it can go back.
                let text = serde_json::to_string(&reply).unwrap();
                prop_assert_eq!(serde_json::from_str::<Reply>(&text).unwrap(), reply.clone());
                let turn = Message::new(Role::Assistant, reply.parts);
                if let Ok(request) = wire.encode(&call(vec![turn]), &targets[0], &mut Session::new()) {
                    let body = serde_json::from_slice::<serde_json::Value>(&request.body);
                    prop_assert!(body.is_ok(), "{}", String::from_utf8_lossy(&request.body));
                }
            }
            for (_, body) in &frames {
                let headers = [("retry-after".to_owned(), header.clone()), ("x-amzn-errortype".to_owned(), header.clone())];
                let error = wire.fault(status, &headers, body.as_bytes(), &targets[0]);
                prop_assert!(!error.to_string().is_empty());
                let _ = wire.read(body.as_bytes(), &targets[0]);
            }
        }
    }
}
