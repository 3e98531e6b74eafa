use serde_json::json;

use super::*;

/// What the provider said, what we write and what the client wrote: who is at fault.
fn judged(said: &[Value], ours: &Value, theirs: &Value) -> (bool, usize) {
    let mut broken = Vec::new();
    let (ours, theirs) = (ours.as_array().unwrap(), theirs.as_array().unwrap());
    let edited = judge("input", ours, theirs, &Said::of(said), &mut broken);
    (edited.is_some(), broken.len())
}

const CLIENT: (bool, usize) = (true, 0);
const OURS: (bool, usize) = (false, 1);
const EQUAL: (bool, usize) = (false, 0);

fn reply() -> Value {
    json!({"output": [
        {"type": "reasoning", "content": "sealed words"},
        {"role": "assistant", "content": "4", "refused": false},
        {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{\"a\": 1}"},
    ]})
}

fn items() -> Value {
    reply()["output"].clone()
}

/// The items without the one at a place, or with a field changed.
fn without(index: usize) -> Value {
    let mut items = items();
    items.as_array_mut().unwrap().remove(index);
    items
}

fn with(index: usize, key: &str, value: Value) -> Value {
    let mut items = items();
    items[index][key] = value;
    items
}

fn lacking(index: usize, key: &str) -> Value {
    let mut items = items();
    items[index].as_object_mut().unwrap().remove(key);
    items
}

#[test]
fn what_we_lose_is_ours_however_little_it_is() {
    let said = [reply()];
    assert_eq!(judged(&said, &items(), &items()), EQUAL);
    for index in 0..3 {
        assert_eq!(judged(&said, &without(index), &items()), OURS, "item {index}");
    }
    for (index, key) in [(0, "content"), (1, "content"), (1, "refused"), (2, "call_id")] {
        assert_eq!(judged(&said, &lacking(index, key), &items()), OURS, "{key}");
    }
    // A loss does not hide in something to which the client added an id of its own.
    let mut sent = items();
    sent[0]["id"] = json!("made up by the client");
    assert_eq!(judged(&said, &without(0), &sent), OURS);
}

#[test]
fn what_we_make_up_or_say_twice_is_ours() {
    let said = [reply()];
    assert_eq!(judged(&said, &with(1, "odd", json!("never said")), &items()), OURS);
    assert_eq!(
        judged(&said, &with(0, "content", json!("sealed wordssealed words")), &items()),
        OURS
    );
    let mut more = items();
    more.as_array_mut().unwrap().push(json!({"role": "assistant", "content": "never said"}));
    assert_eq!(judged(&said, &more, &items()), OURS);
    let mut twice = items();
    twice.as_array_mut().unwrap().push(items()[2].clone());
    assert_ne!(judged(&said, &twice, &items()).1, 0, "the same call twice");
}

#[test]
fn the_order_of_what_was_said_is_ours_to_keep() {
    let mut swapped = items();
    swapped.as_array_mut().unwrap().swap(0, 2);
    assert_ne!(judged(&[reply()], &swapped, &items()).1, 0);
}

#[test]
fn what_the_client_leaves_out_cuts_changes_or_adds_is_its_own() {
    let said = [reply()];
    assert_eq!(judged(&said, &items(), &without(0)), CLIENT);
    assert_eq!(judged(&said, &items(), &lacking(0, "content")), CLIENT);
    assert_eq!(judged(&said, &items(), &with(0, "content", json!("words"))), CLIENT);
    assert_eq!(judged(&said, &items(), &with(1, "content", json!("another answer"))), CLIENT);
    assert_eq!(judged(&said, &items(), &with(1, "phase", json!("new"))), CLIENT);
    // Of what was said elsewhere, in an object that the provider said without it.
    assert_eq!(
        judged(&said, &items(), &with(1, "made_of_it", json!({"arguments": "{\"a\": 1}"}))),
        CLIENT
    );
}

#[test]
fn two_spellings_of_one_thing_are_no_difference() {
    let said = [reply()];
    assert_eq!(
        judged(&said, &items(), &with(1, "content", json!([{"type": "text", "text": "4"}]))),
        EQUAL
    );
    let seal = [json!({"thoughtSignature": "c2Vh+bGVkIHdvcmRz/w=="})];
    let ours = json!([{"thoughtSignature": "c2Vh+bGVkIHdvcmRz/w=="}]);
    let theirs = json!([{"thought_signature": "c2Vh-bGVkIHdvcmRz_w"}]);
    assert_eq!(judged(&seal, &ours, &theirs), EQUAL);
}

#[test]
fn an_id_that_nobody_gave_is_made_up_by_both() {
    let call = |id: &str| json!([{"id": id, "function": {"name": "f"}}]);
    let (ours, theirs) = (call("call_0"), call("other_1"));
    assert_eq!(judged(&[json!({"tool_calls": call("")})], &ours, &theirs), CLIENT);
    assert_eq!(judged(&[json!({"tool_calls": call("given")})], &ours, &theirs), OURS);
}

#[test]
fn a_seal_that_came_alone_may_be_put_to_the_words_before_it_and_not_be_lost() {
    let said = [json!({"parts": [{"text": "so"}, {"text": "", "seal": "c2VhbA"}]})];
    let theirs = json!([{"text": "so", "seal": "c2VhbA"}]);
    assert_eq!(judged(&said, &said[0]["parts"], &theirs), CLIENT);
    assert_eq!(judged(&said, &json!([{"text": "so"}]), &theirs), OURS);
}
