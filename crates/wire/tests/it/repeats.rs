//! A frame that repeats the one before is not read again. The law: nobody can tell. Every stream
//! gives the same reply, and says the same to a listener, as one whose frames never look alike,
//! because each second one has a space more.

use std::fmt::Write as _;

use largestack_types::delta::Delta;
use largestack_wire::{Accumulator, Frame, Mode, model};
use proptest::prelude::*;

/// What a frame varies in.
#[derive(Clone, Debug)]
struct Say {
    words: String,
    other: u8,
    form: u8,
}

fn says() -> impl Strategy<Value = Vec<Say>> {
    let words = prop_oneof![
        4 => "[a-z ]{0,6}".prop_map(String::from),
        1 => any::<String>(),
        1 => Just("\"\n\\".to_owned()),
    ];
    let say = (
        words,
        prop_oneof![4 => Just(0_u8), 1 => 1_u8..4],
        prop_oneof![5 => Just(0_u8), 2 => 1_u8..8],
    );
    proptest::collection::vec(
        say.prop_map(|(words, other, form)| Say { words, other, form }),
        0..14,
    )
}

/// How a protocol writes it.
type Written = fn(&Say) -> String;

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

fn chat(say: &Say) -> String {
    let (words, other) = (quoted(&say.words), say.other);
    let chunk = |delta: &str, more: &str| {
        format!(
            r#"{{"id":"c{other}","model":"m","x":{other},"choices":[{{"index":0,"delta":{delta},"finish_reason":null}}],"usage":null,"obfuscation":{words}{more}}}"#
        )
    };
    match say.form {
        0 => chunk(&format!(r#"{{"content":{words}}}"#), ""),
        1 => chunk(&format!(r#"{{"content":null,"reasoning_content":{words}}}"#), ""),
        2 => chunk(&format!(r#"{{"content":{words},"reasoning":{words}}}"#), ""),
        3 => chunk(
            &format!(
                r#"{{"tool_calls":[{{"index":{other},"id":"t{other}","function":{{"name":"f","arguments":{words}}}}}]}}"#
            ),
            "",
        ),
        4 => chunk(r#"{"content":"x"}"#, &format!(r#","y":{words}"#)),
        5 => r#"{"id":"c","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#
            .to_owned(),
        6 => chunk(&format!(r#"{{"content":"a","content":{words}}}"#), ""),
        _ => format!(r#"{{"id":"c","choices":[{{"index":1,"delta":{{"content":{words}}}}}]}}"#),
    }
}

fn anthropic(say: &Say) -> String {
    let (words, index) = (quoted(&say.words), say.other);
    let delta = |delta: &str| {
        format!(r#"{{"type":"content_block_delta","index":{index},"delta":{{{delta}}}}}"#)
    };
    let begin = |block: &str| {
        format!(r#"{{"type":"content_block_start","index":{index},"content_block":{block}}}"#)
    };
    match say.form {
        0 => delta(&format!(r#""type":"text_delta","text":{words}"#)),
        1 => delta(&format!(r#""type":"thinking_delta","thinking":{words}"#)),
        2 => delta(&format!(r#""type":"input_json_delta","partial_json":{words}"#)),
        3 => begin(r#"{"type":"text","text":""}"#),
        4 => begin(r#"{"type":"thinking","thinking":""}"#),
        5 => begin(r#"{"type":"tool_use","id":"t","name":"f","input":{}}"#),
        6 => format!(r#"{{"type":"content_block_stop","index":{index}}}"#),
        _ => delta(&format!(r#""type":"text_delta","text":{words},"more":{words}"#)),
    }
}

fn responses(say: &Say) -> String {
    let (words, place) = (quoted(&say.words), say.other);
    let event = |kind: &str, more: &str| {
        format!(
            r#"{{"type":"response.{kind}","sequence_number":{},"output_index":{place},"content_index":0,"summary_index":0,{more},"obfuscation":{words}}}"#,
            say.words.len()
        )
    };
    match say.form {
        0 => event("output_text.delta", &format!(r#""delta":{words}"#)),
        1 => event("reasoning_summary_text.delta", &format!(r#""delta":{words}"#)),
        2 => event("function_call_arguments.delta", &format!(r#""delta":{words}"#)),
        3 => event("refusal.delta", &format!(r#""delta":{words}"#)),
        4 => event("output_item.added", r#""item":{"type":"message","content":[]}"#),
        5 => event(
            "output_item.added",
            r#""item":{"type":"function_call","call_id":"c","name":"f","arguments":""}"#,
        ),
        6 => event("output_text.done", &format!(r#""text":{words}"#)),
        _ => event("nobody_knows.delta", &format!(r#""delta":{words}"#)),
    }
}

fn gemini(say: &Say) -> String {
    let (words, other) = (quoted(&say.words), say.other);
    let chunk = |parts: &str, more: &str| {
        format!(
            r#"{{"candidates":[{{"content":{{"parts":[{parts}],"role":"model"}}{more}}}],"usageMetadata":{{"promptTokenCount":{},"candidatesTokenCount":2}},"modelVersion":"m{other}","x":{other}}}"#,
            say.words.len()
        )
    };
    match say.form {
        0 => chunk(&format!(r#"{{"text":{words}}}"#), ""),
        1 => chunk(&format!(r#"{{"text":{words},"thought":true}}"#), ""),
        2 => chunk(&format!(r#"{{"text":{words}}},{{"text":{words}}}"#), ""),
        3 => chunk(&format!(r#"{{"text":{words},"thoughtSignature":"s"}}"#), ""),
        4 => chunk(&format!(r#"{{"functionCall":{{"name":"f","args":{{"a":{words}}}}}}}"#), ""),
        5 => chunk(&format!(r#"{{"text":{words}}}"#), r#","citationMetadata":{"citations":[]}"#),
        6 => chunk(&format!(r#"{{"text":{words}}}"#), r#","index":1"#),
        _ => r#"{"candidates":[],"usageMetadata":null}"#.to_owned(),
    }
}

/// What a stream says: to a listener, and in the end.
fn said(of: &str, frames: &[String]) -> (Vec<Delta>, String) {
    let target = model::resolve(of).unwrap();
    let mut decoder = target.wire().unwrap().decoder(Mode::Stream, &target);
    let (mut accumulator, mut heard) = (Accumulator::new(), Vec::new());
    for frame in frames {
        let frame = Frame::whole(frame.as_bytes());
        decoder.push(frame, &mut |event| heard.extend(accumulator.push_live(&event))).unwrap();
    }
    let end = decoder.finish(&mut |event| heard.extend(accumulator.push_live(&event)));
    let mut all = String::new();
    write!(all, "{:?} {end:?}", accumulator.finish()).unwrap();
    (heard, all)
}

/// The same frames, none like the one before.
fn unlike(frames: &[String]) -> Vec<String> {
    let spaced = |(place, frame): (usize, &String)| {
        if place % 2 == 0 { frame.clone() } else { frame.replacen('{', "{ ", 1) }
    };
    frames.iter().enumerate().map(spaced).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nobody_can_tell_whether_a_frame_was_read_or_repeated(says in says(), other in 0_u8..3) {
        let wires: [(&str, Written); 4] = [
            ("openai/gpt-4o-mini", chat),
            ("anthropic/claude-sonnet-4-20250514", anthropic),
            ("openai_responses/gpt-4o-mini", responses),
            ("google/gemini-2.5-flash", gemini),
        ];
        for (model, frame) in wires {
            let mut frames: Vec<String> = says.iter().map(frame).collect();
            prop_assert_eq!(said(model, &frames), said(model, &unlike(&frames)), "{}", model);
            // And between frames that do look alike, others that do not.
            let odd = Say { words: "odd".into(), other, form: 0 };
            for place in (0..frames.len()).rev().step_by(3) {
                frames.insert(place, frame(&odd));
            }
            prop_assert_eq!(said(model, &frames), said(model, &unlike(&frames)), "{}", model);
        }
    }
}
