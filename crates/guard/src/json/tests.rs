use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::guard::Guard;

const CARD: &str = "4111 1111 1111 1111";

fn session() -> Session {
    Session::new("k7q".parse().unwrap())
}

fn protected(json: &str) -> String {
    Guard::default().protect_json(json, &mut session()).text.into_owned()
}

#[test]
fn values_are_protected_and_keys_and_layout_stay() {
    let json = format!("{{\"z\" : [\"{CARD}\", 7, null],\n \"{CARD}\": {{\"a\":\"x {CARD}\"}} }}");
    let expected = format!(
        "{{\"z\" : [\"<CARD_1:k7q>\", 7, null],\n \"{CARD}\": {{\"a\":\"x <CARD_1:k7q>\"}} }}"
    );
    assert_eq!(protected(&json), expected);
}

#[test]
fn a_card_written_as_a_number_becomes_text() {
    assert_eq!(protected("{\"n\":4111111111111111}"), "{\"n\":\"<CARD_1:k7q>\"}");
    assert_eq!(protected("[1700000000000,-1.5e3]"), "[1700000000000,-1.5e3]");
}

#[test]
fn escapes_are_read_as_meant_and_spans_are_those_of_the_text() {
    let json = "[\"\\u00e9\\n4111\\u00a01111 1111 1111 \\\"x\\\"\"]";
    let mut session = session();
    let done = Guard::default().protect_json(json, &mut session);
    assert_eq!(done.text, "[\"é\\n<CARD_1:k7q> \\\"x\\\"\"]");
    assert_eq!(&json[done.findings[0].span.clone()], "4111\\u00a01111 1111 1111");
    assert_eq!(session.take_fresh()[0].value, "4111\u{a0}1111 1111 1111");
}

#[test]
fn a_value_under_a_secret_name_is_judged_by_the_name() {
    let json = r#"{"db":{"password":"correct!horse7","passwords":["x9-Kq2!mm41"]},"note":"correct!horse7"}"#;
    let text = protected(json);
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["db"]["password"], "<SECRET_1:k7q>");
    assert_eq!(value["db"]["passwords"][0], "<SECRET_2:k7q>");
    assert_eq!(value["note"], "correct!horse7");
    let harmless =
        r#"{"password":"string","token_count":"123456abcdef1","next_page_token":"CAUQAA7Zk2Wm"}"#;
    assert_eq!(protected(harmless), harmless);
}

#[test]
fn what_is_not_json_is_protected_as_text() {
    for text in
        ["{\"a\": \"4111 1111 1111 1111\"", "4111 1111 1111 1111", "[\"4111111111111111\",]"]
    {
        assert!(protected(text).contains("<CARD_1:k7q>"), "{text}");
    }
}

#[test]
fn values_come_back_escaped_as_json_wants_them() {
    let nonce = "k7q".parse().unwrap();
    let lookup = |p: &str| (p == "<SECRET_1:k7q>").then(|| "a\"b\\c\nd\u{1}".to_owned());
    let json = r#"{"k":"x <SECRET_1:k7q> <SECRET_2:k7q>","n":1}"#;
    let back = detokenise_json(json, &nonce, lookup);
    let value: Value = serde_json::from_str(&back).unwrap();
    assert_eq!(value["k"], "x a\"b\\c\nd\u{1} <SECRET_2:k7q>");
    assert!(matches!(detokenise_json("[1]", &nonce, lookup), Cow::Borrowed(_)));
}

#[test]
fn depth_costs_no_stack() {
    let json = format!("{}\"{CARD}\"{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(protected(&json).contains("<CARD_1:k7q>"));
}

#[test]
fn only_json_has_leaves() {
    for good in
        ["1", " \"a\" ", "[]", "{}", "[{},[]]", "{\"a\":[1,{\"b\":true}]}", "\"\\ud83d\\ude00\""]
    {
        assert!(leaves(good).is_some(), "{good}");
        assert!(serde_json::from_str::<Value>(good).is_ok(), "{good}");
    }
    for bad in
        ["", "{", "[1 2]", "{\"a\"}", "{a:1}", "[1]]", "\"\\x\"", "\"\n\"", "tru", "1 2", "[,]"]
    {
        assert!(leaves(bad).is_none(), "{bad}");
        assert!(serde_json::from_str::<Value>(bad).is_err(), "{bad}");
    }
}

/// Pieces of values and keys that mean something to a detector, alone or next to each other.
fn piece() -> impl Strategy<Value = String> {
    let fixed = prop::sample::select(vec![
        CARD,
        "4111111111111111",
        "9876543210",
        "ada@example.org",
        "+1 (415) 555-2671",
        "415-555-2671",
        "call ",
        "password",
        "passwords=",
        "token",
        "next_page_token",
        "correct!horse7",
        "x9Kq2mm41Zt7Wb3",
        "bearer ",
        "://a:b@c",
        "-----BEGIN PRIVATE KEY-----",
        "<CARD_1:zzz>",
        "[CARD_REDACTED]",
        "'",
        "é",
        "४",
        "-",
        ".",
        "/",
        ":",
        "=",
        " ",
        "7",
    ]);
    fixed.prop_map(str::to_owned)
}

fn written() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..4).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_short_way_finds_nothing_only_where_the_long_one_finds_nothing(
        pairs in prop::collection::vec((written(), written(), any::<bool>()), 1..3),
        number in prop::option::of(0_u64..10_000_000_000_000_000_000),
    ) {
        let mut map = serde_json::Map::new();
        for (key, value, listed) in pairs {
            let value = if listed { Value::from(vec![value]) } else { Value::from(value) };
            map.insert(key, value);
        }
        map.extend(number.map(|number| ("n".to_owned(), Value::from(number))));
        let json = serde_json::to_string(&map).unwrap();
        for policy in [Policy::default(), Policy::all(Action::Tokenise)] {
            let leaves = leaves(&json).unwrap();
            let (text, findings) = protect(&json, &leaves, policy, &mut session());
            if layer::is_clean_json(&json, policy) {
                prop_assert_eq!(&findings, &Vec::new());
                prop_assert_eq!(text.as_ref(), json.as_str());
            }
        }
    }
}

#[test]
fn the_short_way_is_taken() {
    let plain =
        r#"{"record":3,"owner":"northern depot","note":"counted twice and found to agree"}"#;
    assert!(layer::is_clean_json(plain, Policy::default()));
    for word in ["password", "API_Key", "Bearer x", "ada@example.org", "4111111111111111"] {
        let json = format!("{{\"a {word}\":\"b\"}}");
        let clean = layer::is_clean_json(&json, Policy::default());
        assert!(!clean, "{word}");
    }
}
