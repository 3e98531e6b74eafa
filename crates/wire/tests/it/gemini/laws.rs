//! Laws that hold for every input.

use std::sync::Arc;

use largestack_types::json::Json;
use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, Native, Part};
use largestack_types::reply::Reply;
use largestack_wire::{Accumulator, Frame, Mode, Session};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{gemini, google};
use crate::support::{
    call, image, json as parsed, message, part, target, text, thought, tool_call, tool_result,
};

fn words() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-z\"\\\\\n{}é]{0,10}", Just(r#"{"a": 1}"#.to_owned())]
}

fn any_part() -> impl Strategy<Value = Part> {
    let native = prop_oneof![
        Just(None),
        Just(Some("{}")),
        Just(Some(r#"{"thoughtSignature":"s"}"#)),
        Just(Some(r#"{"function_call":{"id":null},"odd":1}"#)),
    ];
    let body = prop_oneof![
        words().prop_map(|words| text(&words)),
        words().prop_map(|words| thought(&words, None)),
        (words(), 0u32..4).prop_map(|(words, n)| tool_call(n, "id", &words)),
        (words(), 0u32..4, any::<bool>()).prop_map(|(words, n, media)| {
            tool_result(n, "", &words, if media { vec![image()] } else { vec![] })
        }),
        Just(Body::Media(image())),
        Just(Body::Unknown(Json::parse(r#"{"x":1}"#).unwrap())),
    ];
    (body, native).prop_map(|(body, native)| {
        let native = native
            .map(|fields| Native { wire: "gemini".into(), fields: Json::parse(fields).unwrap() });
        Part { native, ..part(body) }
    })
}

fn any_message() -> impl Strategy<Value = Message> {
    let role = prop::sample::select(&[Role::System, Role::User, Role::Assistant, Role::Tool][..]);
    let native = prop_oneof![
        6 => Just(None),
        1 => Just(Some("{}")),
        1 => Just(Some(r#"{"role":null}"#)),
        1 => Just(Some(r#"{"parts":{}}"#)),
        1 => Just(Some(r#"{"parts":null,"contents":{}}"#)),
    ];
    (role, prop::collection::vec(any_part(), 0..3), native).prop_map(|(role, parts, native)| {
        let native = native
            .filter(|_| role != Role::System)
            .map(|fields| Native { wire: "gemini".into(), fields: Json::parse(fields).unwrap() });
        // A content without a list of parts has at most the one that fits.
        let parts = if native.as_ref().is_some_and(|n| n.fields.as_str().contains("parts\":null")) {
            vec![]
        } else {
            parts
        };
        Message { role, parts, native }
    })
}

proptest! {
    #[test]
    fn a_session_changes_no_byte_after_any_edit_of_the_history(
        steps in prop::collection::vec((any_message(), 0usize..6, 0u8..4), 1..14),
    ) {
        let target = google();
        let (mut history, mut session) = (Vec::<Arc<Message>>::new(), Session::new());
        for (message, at, edit) in steps {
            match edit {
                0 if at < history.len() => drop(history.remove(at)),
                1 => history.insert(at.min(history.len()), Arc::new(message)),
                2 => history.truncate(at),
                _ => history.push(Arc::new(message)),
            }
            let call = largestack_types::call::Call { messages: Arc::new(history.clone()), ..call(vec![]) };
            let cached = gemini().encode(&call, &target, &mut session).unwrap();
            let whole = gemini().encode(&call, &target, &mut Session::new()).unwrap();
            prop_assert_eq!(&cached, &whole);
            let body = parsed(&whole);
            prop_assert!(body["contents"].is_array() || body["contents"].is_object());
        }
    }

    #[test]
    fn what_is_sent_reads_back_to_the_same_request(messages in prop::collection::vec(any_message(), 0..6)) {
        for target in [google(), target("gemini-2.5-flash")] {
            let sent = parsed(&gemini().encode(&call(messages.clone()), &target, &mut Session::new()).unwrap());
            let read = gemini().read(sent.to_string().as_bytes(), &target).unwrap();
            let again = parsed(&gemini().encode(&read, &target, &mut Session::new()).unwrap());
            prop_assert_eq!(again, sent);
        }
    }

    #[test]
    fn no_bytes_at_all_make_a_decoder_or_a_reader_fall(
        frames in prop::collection::vec((prop::option::of("[a-z]{0,5}"), garbage()), 0..6),
        status in 100u16..600,
    ) {
        for mode in [Mode::Whole, Mode::Stream] {
            let mut decoder = gemini().decoder(mode, &google());
            let mut accumulator = Accumulator::new();
            for (event, data) in &frames {
                let frame = Frame { event: event.as_deref(), data: data.as_bytes() };
                let result = decoder.push(frame, &mut |event| {
                    accumulator.push_live(&event);
                });
                prop_assert!(result.is_ok() || mode == Mode::Whole);
            }
            let _ = decoder.finish(&mut |event| accumulator.push(&event));
            let reply = accumulator.finish().reply;
            // What was read can be kept, and be said again.
            let text = serde_json::to_string(&reply).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Reply>(&text).unwrap(), &reply);
            let history = vec![message(Role::User, vec![text_part()]), Message::new(Role::Assistant, reply.parts)];
            parsed(&gemini().encode(&call(history), &google(), &mut Session::new()).unwrap());
        }
        for (_, body) in &frames {
            let error = gemini().fault(status, &[], body.as_bytes(), &google());
            prop_assert!(!error.to_string().is_empty());
            if let Ok(call) = gemini().read(body.as_bytes(), &google()) {
                let _ = gemini().encode(&call, &google(), &mut Session::new());
            }
        }
    }
}

fn text_part() -> Body {
    text("?")
}

/// Fields that decoders and readers look at.
const KEYS: &[&str] = &[
    "candidates",
    "content",
    "parts",
    "text",
    "thought",
    "thoughtSignature",
    "functionCall",
    "function_call",
    "functionResponse",
    "name",
    "args",
    "id",
    "partialArgs",
    "jsonPath",
    "stringValue",
    "willContinue",
    "inlineData",
    "inline_data",
    "mimeType",
    "data",
    "fileData",
    "fileUri",
    "executableCode",
    "toolCall",
    "finishReason",
    "index",
    "usageMetadata",
    "promptTokenCount",
    "promptFeedback",
    "blockReason",
    "groundingMetadata",
    "groundingChunks",
    "web",
    "uri",
    "error",
    "code",
    "status",
    "message",
    "details",
    "retryDelay",
    "violations",
    "contents",
    "role",
    "systemInstruction",
    "tools",
    "functionDeclarations",
    "parameters",
    "parametersJsonSchema",
    "generationConfig",
    "thinkingConfig",
    "responseSchema",
    "toolConfig",
    "functionCallingConfig",
    "mode",
    "labels",
    "response",
    "odd",
];

/// Bytes that are nearly what a decoder expects.
fn garbage() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        words().prop_map(Value::from),
        prop::sample::select(KEYS).prop_map(Value::from),
        prop::sample::select(&["STOP", "$.a[0].b", "model", "34s", "OBJECT"][..])
            .prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(7, 64, 5, |inner| {
        let object = prop::collection::vec((prop::sample::select(KEYS), inner.clone()), 0..6);
        let object = object.prop_map(|fields| {
            fields.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<Map<_, _>>().into()
        });
        prop_oneof![1 => prop::collection::vec(inner, 0..4).prop_map(Value::from), 2 => object]
    });
    prop_oneof![
        4 => value.clone().prop_map(|value| json!({"candidates": [{"content": {"parts": [value]}, "finishReason": "STOP"}]}).to_string()),
        2 => value.clone().prop_map(|value| json!({"contents": [{"parts": [value]}], "tools": [value]}).to_string()),
        3 => value.prop_map(|value| value.to_string()),
        1 => any::<String>(),
    ]
}
