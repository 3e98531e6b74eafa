//! Laws of the wire `openai-responses` that hold for every conversation and for every byte.

use std::sync::Arc;

use largestack_types::message::{Message, Role};
use largestack_types::part::{Body, Native};
use largestack_types::reply::Reply;
use largestack_wire::{Accumulator, Frame, Mode, Outcome, Session};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{
    call, image, message, responses, target, text, thought, tool, tool_call, tool_result,
};

fn words() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[ -~é日😀\"\\\\\n]{0,12}"]
}

fn any_message() -> impl Strategy<Value = Message> {
    let id = prop_oneof![Just(String::new()), "[a-zA-Z0-9_]{1,10}"];
    prop_oneof![
        words().prop_map(|w| message(Role::System, vec![text(&w)])),
        (words(), any::<bool>()).prop_map(|(w, media)| {
            let parts = if media { vec![text(&w), Body::Media(image())] } else { vec![text(&w)] };
            message(Role::User, parts)
        }),
        (words(), words(), id.clone(), 0u32..4).prop_map(|(w, t, id, n)| {
            message(Role::Assistant, vec![thought(&t, None), text(&w), tool_call(n, &id, &w)])
        }),
        (words(), id, 0u32..4, any::<bool>()).prop_map(|(w, id, n, media)| {
            let media = if media { vec![image()] } else { vec![] };
            message(Role::Tool, vec![tool_result(n, &id, &w, media)])
        }),
        Just(message(Role::Assistant, vec![])),
        Just(message(Role::Tool, vec![])),
    ]
}

/// Fields that decoders, encoders and readers look at.
const KEYS: &[&str] = &[
    "type",
    "output",
    "item",
    "output_index",
    "content_index",
    "summary_index",
    "delta",
    "text",
    "arguments",
    "input",
    "part",
    "annotation",
    "response",
    "error",
    "content",
    "summary",
    "id",
    "call_id",
    "name",
    "role",
    "status",
    "encrypted_content",
    "annotations",
    "url",
    "usage",
    "block",
    "with",
    "bare",
    "blocks",
    "bytes",
    "absent",
    "said",
    "media",
    "code",
    "message",
    "phase",
    "incomplete_details",
    "reason",
    "result",
    "image_url",
    "file_id",
    "tools",
    "store",
    "refusal",
];

const TYPES: &[&str] = &[
    "response.created",
    "response.output_item.added",
    "response.output_item.done",
    "response.output_text.delta",
    "response.output_text.done",
    "response.refusal.delta",
    "response.reasoning_text.delta",
    "response.reasoning_summary_text.delta",
    "response.reasoning_summary_part.added",
    "response.content_part.added",
    "response.function_call_arguments.delta",
    "response.custom_tool_call_input.delta",
    "response.completed",
    "response.failed",
    "error",
    "message",
    "reasoning",
    "function_call",
    "custom_tool_call",
    "web_search_call",
    "image_generation_call",
    "output_text",
    "refusal",
    "summary_text",
    "reasoning_text",
    "input_text",
    "input_image",
    "function_call_output",
    "odd",
];

fn garbage() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        (0u64..4).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        // Eighths: what any reader of numbers reads alike.
        any::<i16>().prop_map(|number| Value::from(f64::from(number) / 8.0)),
        words().prop_map(Value::from),
        prop::sample::select(TYPES).prop_map(Value::from),
        Just(json!("data:image/png;base64,AA")),
    ];
    leaf.prop_recursive(6, 48, 4, |inner| {
        let fields = prop::collection::vec((prop::sample::select(KEYS), inner.clone()), 0..6);
        let kind = prop::sample::select(TYPES);
        prop_oneof![
            1 => prop::collection::vec(inner, 0..4).prop_map(Value::from),
            3 => (kind, fields).prop_map(|(kind, fields)| {
                let mut object = json!({"type": kind});
                for (key, value) in fields {
                    object[key] = value;
                }
                object
            }),
        ]
    })
}

const TARGETS: [&str; 3] =
    ["openai_responses/o3", "openai_responses/gpt-4o", "deepseek_responses/x"];

proptest! {
    #[test]
    fn a_session_of_items_changes_no_byte(
        steps in prop::collection::vec((any_message(), 0usize..4, any::<bool>()), 1..12),
    ) {
        let targets = TARGETS.map(target);
        let (mut history, mut session) = (Vec::new(), Session::new());
        for (message, at, offered) in steps {
            // Mostly appended, sometimes something before it goes.
            if at == 0 && !history.is_empty() {
                history.remove(history.len() / 2);
            }
            history.push(Arc::new(message));
            let mut call = call(vec![]);
            call.messages = Arc::new(history.clone());
            call.stream = at == 1;
            if offered {
                call.tools = Arc::new([tool()]);
            }
            let target = &targets[at % 3];
            let cached = responses().encode(&call, target, &mut session);
            prop_assert_eq!(cached, responses().encode(&call, target, &mut Session::new()));
        }
    }

    #[test]
    fn what_was_encoded_reads_back_and_encodes_to_the_same(
        messages in prop::collection::vec(any_message(), 0..6),
        at in 0usize..3,
    ) {
        let target = target(TARGETS[at]);
        let first = responses().encode(&call(messages), &target, &mut Session::new()).unwrap();
        let again = responses().read(&first.body, &target).unwrap();
        let second = responses().encode(&again, &target, &mut Session::new()).unwrap();
        let value = |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap();
        prop_assert_eq!(value(&second.body), value(&first.body));
    }

    #[test]
    fn whatever_an_input_says_it_reads_back_to_the_same(
        items in prop::collection::vec(garbage(), 0..4),
    ) {
        let target = target("openai_responses/o3");
        let items: Vec<Value> = items.into_iter().filter(Value::is_object).collect();
        let body = json!({"model": "o3", "input": items});
        // What no call can say is refused, everything else survives.
        if let Ok(call) = responses().read(body.to_string().as_bytes(), &target) {
            let request = responses().encode(&call, &target, &mut Session::new()).unwrap();
            let ours: Value = serde_json::from_slice(&request.body).unwrap();
            prop_assert_eq!(&ours["input"], &body["input"]);
        }
    }

    #[test]
    fn no_bytes_at_all_make_the_decoder_of_items_fall(
        frames in prop::collection::vec(garbage(), 0..8),
        odd in words(),
        status in 100u16..600,
    ) {
        let target = target("openai_responses/o3");
        for mode in [Mode::Whole, Mode::Stream] {
            let mut decoder = responses().decoder(mode, &target);
            let mut accumulator = Accumulator::new();
            let texts = frames.iter().map(Value::to_string).chain([odd.clone()]);
            for data in texts {
                let frame = Frame { event: None, data: data.as_bytes() };
                let result = decoder.push(frame, &mut |event| {
                    accumulator.push_live(&event);
                });
                prop_assert!(result.is_ok() || mode == Mode::Whole);
                let _ = responses().fault(status, &[], data.as_bytes(), &target);
                let _ = responses().read(data.as_bytes(), &target);
            }
            let _ = decoder.finish(&mut |event| accumulator.push(&event));
            let Outcome { reply, .. } = accumulator.finish();
            let kept = serde_json::to_string(&reply).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Reply>(&kept).unwrap(), &reply);
            // Whatever it was, it can go back.
            let turn = Message::new(Role::Assistant, reply.parts);
            let request = responses().encode(&call(vec![turn]), &target, &mut Session::new()).unwrap();
            prop_assert!(serde_json::from_slice::<Value>(&request.body).is_ok());
        }
    }

    #[test]
    fn whatever_stands_beside_a_part_the_request_is_json(
        fields in garbage(),
        body in prop_oneof![
            Just(text("Hi")), Just(thought("Hm", None)), Just(tool_call(1, "c", "{}")),
            Just(tool_result(1, "c", "out", vec![image()])), Just(Body::Media(image())),
        ],
        role in prop_oneof![Just(Role::User), Just(Role::Assistant), Just(Role::Tool), Just(Role::System)],
    ) {
        prop_assume!(fields.is_object());
        let native = largestack_types::json::Json::parse(fields.to_string()).unwrap();
        let mut said = message(role, vec![body]);
        said.parts[0].native = Some(Native { wire: "openai-responses".into(), fields: native });
        let request = responses()
            .encode(&call(vec![message(Role::User, vec![text("?")]), said]), &target("o3"), &mut Session::new());
        if let Ok(request) = request {
            prop_assert!(serde_json::from_slice::<Value>(&request.body).is_ok());
        }
    }
}
