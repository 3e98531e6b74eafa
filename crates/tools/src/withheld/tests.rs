use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// What stands around a secret, and in none.
const AROUND: char = '¦';

/// Every character escaped, as writers of pure ASCII may.
fn all_escaped(text: &str) -> String {
    let units: Vec<String> = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
    units.concat()
}

fn quoted(text: &str) -> String {
    let json = Value::from(text).to_string();
    json[1..json.len() - 1].to_owned()
}

/// Percent-encoded: all of it, or what is neither a letter nor a digit.
fn percent(text: &str, all: bool) -> String {
    let plain = |byte: u8| !all && byte.is_ascii_alphanumeric();
    let one =
        |byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02x}") };
    text.bytes().map(one).collect()
}

/// The spellings of a text, none of whose units is an end of a line.
fn spellings(text: &str) -> Vec<(&'static str, String)> {
    let solidus = quoted(text).replace('/', "\\/");
    vec![
        ("raw", text.to_owned()),
        ("JSON", quoted(text)),
        ("JSON with solidus", solidus),
        ("JSON, all escaped", all_escaped(text)),
        ("JSON in JSON", quoted(&quoted(text))),
        ("JSON in JSON, all escaped", quoted(&all_escaped(text))),
        ("URL", percent(text, false)),
        ("URL, all", percent(text, true)),
        ("form", percent(text, false).replace("%20", "+")),
        ("URL in JSON", quoted(&percent(text, true))),
    ]
}

/// Base64 with something before and after, so that it stands at every place of a group.
fn coded(text: &str) -> Vec<(String, String)> {
    let around = ["", "u", "us", "use"].into_iter().flat_map(|before| {
        let whole = format!("{before}{text}{before}");
        [STANDARD.encode(&whole), URL_SAFE_NO_PAD.encode(&whole)].map(|code| (before, code))
    });
    let lines = |code: &str| code.as_bytes().chunks(19).map(<[u8]>::to_vec).collect::<Vec<_>>();
    around
        .flat_map(|(before, code)| {
            let wrapped = String::from_utf8(lines(&code).join(&b"\r\n"[..])).unwrap();
            let solidus = code.replace('/', "\\/");
            [code, wrapped, solidus].map(|code| (before.to_owned(), code))
        })
        .collect()
}

fn read(secret: &str, text: &str, cut: Cut) -> String {
    Withheld::of([secret].into_iter()).readable(text.as_bytes(), cut)
}

/// Secrets of odd characters, as long as secrets are.
fn secrets() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        '"', '\\', '/', '%', '+', '=', ' ', '&', '<', '\'', '-', '_', 'ä', '€', '🔑', '\u{1}', 'n',
        'u', '0', '4', 'A', 'z',
    ]);
    let any = prop_oneof![3 => odd, 1 => any::<char>(), 2 => prop::char::range('a', 'z')];
    prop::collection::vec(any, 8..40)
        .prop_map(|chars| chars.into_iter().collect::<String>())
        // A header and a variable hold neither; no spelling of them is asked for.
        .prop_filter("one line", |text| !text.contains(['\n', '\r', '\0', AROUND]))
}

fn said(secret: &str, spelt: &str, cut: Cut) -> String {
    let before = if cut.before { String::new() } else { AROUND.to_string() };
    let after = if cut.after { String::new() } else { AROUND.to_string() };
    let said = read(secret, &format!("{before}{spelt}{after}"), cut);
    let said = said.strip_prefix(&before).and_then(|said| said.strip_suffix(&after));
    said.expect("what is around it stays").to_owned()
}

const AFTER: Cut = Cut { before: false, after: true };
const BEFORE: Cut = Cut { before: true, after: false };

proptest! {
    #[test]
    fn a_secret_is_taken_out_in_every_spelling(secret in secrets()) {
        for (name, spelt) in spellings(&secret) {
            let said = said(&secret, &spelt, Cut::default());
            prop_assert_eq!(said, "[redacted]", "{}: {}", name, spelt);
        }
        for (before, code) in coded(&secret) {
            let said = said(&secret, &code, Cut::default());
            prop_assert!(said.contains("[redacted]"), "{before}: {code}: {said}");
            // At most the characters that stand for what is around it are left.
            prop_assert!(said.len() <= "[redacted]".len() + 2 * 6 + 2, "{said}");
        }
    }

    #[test]
    fn what_a_cut_leaves_of_a_secret_is_taken_out(secret in secrets(), at: prop::sample::Index) {
        for (name, spelt) in spellings(&secret) {
            let places: Vec<usize> = spelt.char_indices().map(|(at, _)| at).collect();
            let (head, tail) = spelt.split_at(places[at.index(places.len())]);
            // An escape that is not whole stands for nothing yet.
            let open = head.is_empty() || head.len() <= 24 && head.starts_with(['\\', '%']);
            let left = said(&secret, head, AFTER);
            prop_assert!(left == "[redacted]" || open, "{}: {:?} of {:?}", name, left, spelt);
            let left = said(&secret, tail, BEFORE);
            let open = tail.len() <= 48;
            prop_assert!(left == "[redacted]" || open, "{}: {:?} of {:?}", name, left, spelt);
        }
        for code in [STANDARD.encode(&secret), URL_SAFE_NO_PAD.encode(&secret)] {
            let (head, _) = code.split_at(at.index(code.len()));
            let left = said(&secret, head, AFTER);
            let gone = left.trim_end_matches('=') == "[redacted]";
            prop_assert!(gone || head.len() < 4, "{left:?} of {code:?}");
        }
    }
}

#[test]
fn what_is_no_secret_is_left_as_it_is() {
    let text = r#"{"a": "\u00e4 \"b\"", "c": "%41 dG9rZW4="}"#;
    assert_eq!(read("hunter2", text, Cut::default()), text);
    assert_eq!(read("", text, Cut { before: true, after: true }), text);
}

#[test]
fn what_is_found_twice_and_in_one_another_is_replaced_once() {
    let values = ["hunter2", "hunter2!", "2!!"];
    let said = Withheld::of(values.into_iter()).readable(b"a hunter2!! b hunter2", Cut::default());
    assert_eq!(said, "a [redacted] b [redacted]");
}

#[test]
fn control_characters_do_not_hide_a_secret() {
    let said = read("hunter2", "hun\u{7}ter2 and hunter2", Cut::default());
    assert_eq!(said, "[redacted] and [redacted]");
    let said = read("hun\u{7}ter2", "hun\u{7}ter2", Cut::default());
    assert_eq!(said, "[redacted]");
}

#[test]
fn the_end_of_a_secret_at_a_cut_goes_and_the_same_letters_elsewhere_stay() {
    assert_eq!(read("hunter2", "ter2 or ter2", BEFORE), "[redacted] or ter2");
    assert_eq!(read("hunter2", "hun or hun", AFTER), "hun or [redacted]");
    assert_eq!(read("hunter2", "hun or hun", Cut::default()), "hun or hun");
    assert_eq!(read("a\"bcdef", r#"{"t": "a\"#, AFTER), r#"{"t": "[redacted]"#);
}
