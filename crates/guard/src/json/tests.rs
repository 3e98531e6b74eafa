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
fn a_secret_that_its_key_names_goes_whole_with_what_looks_like_a_placeholder_inside() {
    let value = "ABhf_q7Zk2Wm9Xc4Vb8Nj3Hf6Gd1Ls5Pt0RyQ7a-----\u{ff1c}\u{ff23}\u{ff21}\u{ff32}\u{ff24}\
                 \u{ff3f}1\u{ff1a}zzz\u{ff1e}";
    assert_eq!(
        protected(&format!("{{\"tokens\":[\"{value}\"]}}")),
        r#"{"tokens":["<SECRET_1:k7q>"]}"#
    );
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
fn many_findings_in_one_value_are_led_back_in_one_pass() {
    let json = format!("\"{}\"", "\\n4111 1111 1111 1111".repeat(500));
    let before = text::READ.get();
    let findings = Guard::default().protect_json(&json, &mut session()).findings;
    assert_eq!(findings.len(), 500);
    assert!(findings.iter().all(|finding| &json[finding.span.clone()] == CARD));
    // Once to decode, once to lead back.
    let read = text::READ.get() - before;
    assert!(read <= 2 * json.len() + 2, "{read} characters of {}", json.len());
}

#[test]
fn the_key_of_a_list_is_judged_once_and_what_is_too_long_is_no_name() {
    let json = format!("{{\"api_key\":[{}\"x9Kq2mm41Zt7Wb3\"]}}", "\"a\",".repeat(1000));
    let all = leaves(&json).unwrap();
    let mut names = Names::default();
    let secret = |names: &mut Names, leaf: &Leaf| {
        names.secret(&json, leaf, &json[leaf.span.clone()], Policy::default()).is_some()
    };
    assert_eq!(all.iter().filter(|leaf| secret(&mut names, leaf)).count(), 1);
    assert_eq!(names.judged, "api_key".len());
    for (length, named) in [(LONGEST_KEY, true), (LONGEST_KEY + 1, false)] {
        let key = format!("{}_password", "k".repeat(length - "_password".len()));
        let text = protected(&format!("{{\"{key}\":\"correct!horse7\"}}"));
        assert_eq!(text.contains("<SECRET_1:k7q>"), named, "{length}");
    }
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
        "my address is ",
        "address",
        "12 Main Street, Springfield 62704",
        "12 Main Street",
        "my name is Ada Lovelace",
        "born on 12 March 1985",
        "version ",
        "203.0.113.77",
        "server 8.8.8.8",
        "imei",
        "490154203237518",
        "ssn ",
        "nhs",
        "536901234",
        "078-05-1121",
        "payment",
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
            let (text, findings) = protect(&json, &leaves, (policy, |edits| edits), &mut session());
            if is_clean(&json, policy) {
                prop_assert_eq!(&findings, &Vec::new());
                prop_assert_eq!(text.as_ref(), json.as_str());
            }
        }
    }
}

#[test]
fn words_beside_a_value_do_not_hide_it_from_the_short_way() {
    for json in [
        // Too long a line is no address; the value alone is.
        format!(
            r#"{{"a":"I live at 12 Main Street, Springfield 62704","b":"{}"}}"#,
            "x ".repeat(160)
        ),
        r#"{"version":1,"b":"203.0.113.77"}"#.to_owned(),
    ] {
        let policy = Policy::all(Action::Tokenise);
        let (_, findings) =
            protect(&json, &leaves(&json).unwrap(), (policy, |edits| edits), &mut session());
        assert_eq!(findings.len(), 1, "{json}");
        assert!(!is_clean(&json, policy), "{json}");
    }
}

#[test]
fn a_value_is_judged_with_its_key_before_it() {
    let policy = Policy::all(Action::Tokenise);
    for (json, value) in [
        (r#"{"ssn":"536901234"}"#, "536901234"),
        (r#"{"ssn":536901234}"#, "536901234"),
        (r#"{"aadhaarNumber":"234567890124"}"#, "234567890124"),
        (r#"{"a":{"phone" : [7, "9876543210"]}}"#, "9876543210"),
        (r#"{"home_phone":"x \u00e9 9876543210"}"#, "9876543210"),
        (r#"{"ph\u006fne":"9876543210"}"#, "9876543210"),
        (r#"{"date_of_birth":"1985-03-12"}"#, "1985-03-12"),
        (r#"{"dateOfBirth":"1985-03-12"}"#, "1985-03-12"),
        (r#"{"imei":"490154203237518"}"#, "490154203237518"),
        (r#"{"first_name":"Ada"}"#, "Ada"),
        (r#"{"address":"12 Main Street"}"#, "12 Main Street"),
    ] {
        assert!(!is_clean(json, policy), "{json}");
        let (text, findings) =
            protect(json, &leaves(json).unwrap(), (policy, |edits| edits), &mut session());
        let found: Vec<_> = findings.iter().map(|found| &json[found.span.clone()]).collect();
        assert_eq!(found, [value], "{json}");
        assert!(!text.contains(value) && leaves(&text).is_some(), "{text}");
        let again = Guard::new(policy).protect_json(&text, &mut session()).findings;
        assert_eq!(again, [], "{text}");
    }
    for json in [
        r#"{"order":"536901234","n":9876543210,"created":"1985-03-12","id":"490154203237518"}"#,
        r#"{"version":"10.14.22.31","smartphones":"9876543210","phone":"none","card":7}"#,
        r#"{"vintage":"1985-03-12","shipment":{"phone":"x"},"after":"9876543210"}"#,
    ] {
        let (_, findings) =
            protect(json, &leaves(json).unwrap(), (policy, |edits| edits), &mut session());
        assert_eq!(findings, [], "{json}");
        assert!(is_clean(json, policy), "{json}");
    }
    for (length, told) in [(64, true), (65, false)] {
        let json = format!("{{\"{} phone\":\"9876543210\"}}", "k".repeat(length - " phone".len()));
        let (_, findings) =
            protect(&json, &leaves(&json).unwrap(), (policy, |edits| edits), &mut session());
        assert_eq!(!findings.is_empty(), told, "{length}");
    }
}

#[test]
fn the_short_way_is_taken() {
    let plain =
        r#"{"record":3,"owner":"northern depot","note":"counted twice and found to agree"}"#;
    assert!(is_clean(plain, Policy::default()));
    for word in ["password", "API_Key", "Bearer x", "ada@example.org", "4111111111111111"] {
        let json = format!("{{\"a\":\"b {word}\"}}");
        let clean = is_clean(&json, Policy::default());
        assert!(!clean, "{word}");
    }
}
