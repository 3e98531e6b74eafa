//! Whatever a value stands in, it is found.

use largestack_ports::vault::Sensitive;
use proptest::prelude::*;

use super::*;

const KEY: &str = "a key/with+odd\"signs=42";

fn redactor() -> Redactor {
    Redactor::new(&[Sensitive::new(KEY)])
}

fn clean(text: &str) -> String {
    redactor().clean(text)
}

#[test]
fn a_known_value_is_found_in_every_form_it_is_written_in() {
    for form in text::forms(KEY) {
        let said = clean(&format!("you sent {form} which is wrong"));
        assert_eq!(said, format!("you sent {MARKER} which is wrong"));
    }
    let json = serde_json::json!({"error": {"message": format!("no such key: {KEY}"), KEY: 1}});
    let said = clean(&json.to_string());
    assert!(
        !said.contains("odd") && serde_json::from_str::<serde_json::Value>(&said).is_ok(),
        "{said}"
    );
}

#[test]
fn a_value_that_comes_in_pieces_is_found_over_all_of_them() {
    let pieces = ["My card is 4111", " 1111 11", "11 1111, thanks"];
    let stream: String = pieces
        .iter()
        .map(|piece| {
            let event = serde_json::json!({"choices": [{"index": 0, "delta": {"content": piece}}]});
            format!("data: {event}\n\n")
        })
        .chain(["data: [DONE]\n\n".to_owned()])
        .collect();
    let said = clean(&stream);
    assert!(said.contains("My card is [CARD_REDACTED]\""), "{said}");
    assert!(said.contains(r#""content":"""#) && said.contains(r#""content":", thanks""#), "{said}");
    assert!(said.ends_with("data: [DONE]\n\n") && !said.contains("1111"), "{said}");
}

#[test]
fn a_value_in_one_event_is_found_whatever_stands_in_those_around_it() {
    let event = |text: &str| format!("{}\n", serde_json::json!({"m": {"note": text}}));
    let events = ["paid by n", "4111 1111 1111 1111", "9 times by on", "org-Ab12Cd34Ef"];
    let said = clean(&events.map(event).concat());
    let expected = ["paid by n", "[CARD_REDACTED]", "9 times by on", MARKER];
    assert_eq!(said, expected.map(event).concat());
}

#[test]
fn the_pieces_of_two_blocks_are_not_taken_for_one_text() {
    let event = |index: u32, text: &str| {
        let event = serde_json::json!({
            "type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": text},
        });
        format!("event: content_block_delta\ndata: {event}\n\n")
    };
    let stream = event(0, "4111 1111 ") + &event(1, "in all ") + &event(0, "1111 1111");
    let said = clean(&stream);
    assert!(said.contains("[CARD_REDACTED]") && said.contains("in all "), "{said}");
    assert!(!said.contains("1111"), "{said}");
}

#[test]
fn what_a_property_is_called_says_that_it_is_a_secret() {
    let body = r#"{"access_token":"ya29 short","expires_in":3599,"token_type":"Bearer",
        "nested":{"clientSecret":"x1","max_tokens":7},"id_token": null}"#;
    let said = clean(body);
    assert!(!said.contains("ya29") && !said.contains("\"x1\""), "{said}");
    assert!(said.contains(r#""expires_in":3599"#) && said.contains(r#""token_type":"Bearer""#));
    assert!(said.contains(r#""max_tokens":7"#) && said.contains(r#""id_token": null"#));
}

#[test]
fn the_tokens_of_log_probabilities_are_words() {
    let body = r#"{"logprobs":{"content":[{"token":"Hello","logprob":-0.1}]},"token":"s3cr3t"}"#;
    let said = clean(body);
    assert!(said.contains(r#""token":"Hello""#) && !said.contains("s3cr3t"), "{said}");
}

#[test]
fn a_form_keeps_only_what_says_how() {
    let body =
        "grant_type=client_credentials&client_id=me&client_secret=s&scope=a%2Fb&assertion=j.w.t";
    assert_eq!(
        clean(body),
        format!(
            "grant_type=client_credentials&client_id={MARKER}&client_secret={MARKER}\
             &scope=a%2Fb&assertion={MARKER}"
        )
    );
    assert_eq!(clean("1 + 1 = 2 & so on"), "1 + 1 = 2 & so on");
}

#[test]
fn an_element_of_xml_is_told_by_its_name() {
    let body = "<Credentials><AccessKeyId>AKIA</AccessKeyId>\n<sts:SessionToken>t==</sts:SessionToken>\
                <Expiration>2030</Expiration></Credentials>";
    let said = clean(body);
    assert!(!said.contains("AKIA") && !said.contains("t==") && said.contains("2030"), "{said}");
}

#[test]
fn accounts_are_told_by_their_look_and_by_the_top_of_a_body() {
    let body = r#"{"organization":"org-7","error":{"message":"limit in organization org-Ab12Cd34Ef on tokens",
        "arn":"arn:aws:bedrock:eu-west-1:123456789012:inference-profile/x"},"n":123456789012}"#;
    let said = clean(body);
    assert!(!said.contains("org-7") && !said.contains("org-Ab12"), "{said}");
    assert!(said.contains("arn:aws:bedrock:eu-west-1:[REDACTED]:inference-profile/x"), "{said}");
    assert_eq!(clean("an org-independent word"), "an org-independent word");
}

#[test]
fn an_address_keeps_its_path_and_what_says_how() {
    let redactor = redactor();
    let kept = |url: &str| path(url, &redactor);
    assert_eq!(
        kept("https://me:pw@host.example/v1/models/a:generate?key=AIza&alt=sse#x"),
        format!("/v1/models/a:generate?alt=sse&key={MARKER}")
    );
    assert_eq!(
        kept("https://api.example/client/v4/accounts/0af3/ai/v1?X-Amz-Signature=9f&api-version=2"),
        format!("/client/v4/accounts/{MARKER}/ai/v1?X-Amz-Signature={MARKER}&api-version=2")
    );
    assert_eq!(
        kept("https://login.example/8b2c3d4e-0000-4000-8000-1234567890ab/oauth2/token"),
        format!("/{MARKER}/oauth2/token")
    );
    assert_eq!(
        kept("https://x/model/arn%3Aaws%3Abedrock%3Aeu%3A123456789012%3Aprofile/converse"),
        "/model/arn:aws:bedrock:eu:[REDACTED]:profile/converse"
    );
}

#[test]
fn binary_bodies_are_refused_for_what_they_hold() {
    let mut bytes = vec![0, 159, 146, 150];
    assert!(!redactor().objects_to(&bytes));
    for held in [KEY, r"on file:\n4111 1111 1111 1111", r"\\\\n4111 1111 1111 1111"] {
        assert!(redactor().objects_to(&[&bytes, held.as_bytes()].concat()), "{held}");
    }
    bytes.extend(br"on file:\\\\n4111 1111 1111 1112");
    assert!(!redactor().objects_to(&bytes));
}

#[test]
fn a_value_beside_an_escape_is_found_and_the_escape_stays() {
    for escape in
        [r"\n", r"\t", r"\r", r"\b", r"\f", r#"\""#, r"\\", r"\/", r"\u000a", r"\ud83d\ude00"]
    {
        for (value, marker) in
            [("4111 1111 1111 1111", "[CARD_REDACTED]"), ("org-Ab12Cd34Ef", MARKER)]
        {
            let said = clean(&format!(r#"{{"a":"on file:{escape}{value}{escape}."}}"#));
            assert_eq!(said, format!(r#"{{"a":"on file:{escape}{marker}{escape}."}}"#));
        }
    }
    // What the escape means is a letter, and part of the value.
    let said = clean(r#"{"a":"for \u006frg-Ab12Cd34Ef, card \u0034111 1111 1111 1111"}"#);
    assert_eq!(said, r#"{"a":"for [REDACTED], card [CARD_REDACTED]"}"#);
    // A document that was cut.
    let said = clean(r#"{"a":"on file:\n4111 1111 1111 1111\n"#);
    assert_eq!(said, r#"{"a":"on file:\n[CARD_REDACTED]\n"#);
}

#[test]
fn a_known_value_cuts_no_escape_in_two() {
    for (value, before) in [("/-a_a_\"=", "\\"), ("\\/plain-key", "x\\"), ("/end-of\\x", "\n")] {
        let redactor = Redactor::new(&[Sensitive::new(value)]);
        let text = format!("{before}{value}\n");
        for body in [serde_json::json!({"a": [text]}), serde_json::json!({text: 1})] {
            let said = redactor.clean(&body.to_string());
            assert!(said.contains(MARKER) && !redactor.knows_in(&said), "{said}");
            assert!(serde_json::from_str::<serde_json::Value>(&said).is_ok(), "{said}");
        }
    }
}

proptest! {
    #[test]
    fn a_value_never_stays_beside_an_escape(
        which in 0..4_usize,
        before in r#"([a-z ]{0,6}[\n\t\r\x08\x0c"/\\\x00😀])?"#,
        after in r#"([\n\t\r\x08\x0c"/\\\x00😀][a-z ]{0,6})?"#,
        unicode: bool,
        deep in 0..3_usize,
        cuts in prop::collection::vec(0..200_usize, 0..4),
    ) {
        const VALUES: [&str; 4] =
            ["4111 1111 1111 1111", "org-Ab12Cd34Ef", "proj_Zy98Xw76Vu", "AKIAZ7Q4WPLM2KD5RTXC"];
        let value = VALUES[which];
        let mut text = format!("{before}{value}{after}");
        for _ in 0..deep {
            text = serde_json::json!({"note": text}).to_string();
        }
        let mut places: Vec<usize> = cuts.into_iter()
            .map(|cut| (0..=cut % (text.len() + 1)).rev().find(|at| text.is_char_boundary(*at)).unwrap())
            .chain([0, text.len()]).collect();
        places.sort_unstable();
        let events = places.windows(2).map(|ends| {
            let event = serde_json::json!({"delta": {"content": &text[ends[0]..ends[1]]}}).to_string();
            if unicode { event.replace("\\n", "\\u000A").replace("\\t", "\\u0009") } else { event }
        });
        let events: Vec<String> = events.map(|event| format!("data: {event}\n\n")).collect();
        let said = clean(&events.concat());
        let mut heard: String = said.lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .map(|event| event["delta"]["content"].as_str().unwrap().to_owned()).collect();
        for _ in 0..deep {
            let inner: serde_json::Value = serde_json::from_str(&heard).unwrap();
            heard = inner["note"].as_str().unwrap().to_owned();
        }
        prop_assert!(!heard.contains(value), "{} in {}", value, said);
    }

    #[test]
    fn a_known_value_never_stays_wherever_it_is_put(
        value in "[a-zA-Z0-9/+=_.-][a-zA-Z0-9/+=_.\"\\\\ -]{6,38}[a-zA-Z0-9/+=_.-]", before in ".{0,20}", after in ".{0,20}", shape in 0..5,
    ) {
        prop_assume!(value.trim().len() >= 8 && !MARKER.contains(value.trim()));
        let redactor = Redactor::new(&[Sensitive::new(value.clone())]);
        let text = format!("{before}{value}{after}");
        let body = match shape {
            0 => text,
            1 => serde_json::json!({"a": [text], "b": 1}).to_string(),
            2 => serde_json::json!({text: "x"}).to_string(),
            3 => format!("data: {}\n\ndata: [DONE]\n\n", serde_json::json!({"t": text})),
            _ => {
                let middle = value.len() / 2;
                let halves = [&text[..before.len() + middle], &text[before.len() + middle..]];
                halves.map(|half| format!("{}\n", serde_json::json!({"m": {"c": half}}))).concat()
            }
        };
        let said = redactor.clean(&body);
        prop_assert!(!redactor.knows_in(&said), "{} in {}", value, said);
        if matches!(shape, 1 | 2) {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&said).is_ok(), "{}", said);
        }
        if shape == 4 {
            let heard: String = said.lines()
                .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
                .filter_map(|event| event["m"]["c"].as_str().map(str::to_owned)).collect();
            prop_assert!(!heard.contains(&value), "{}", heard);
        }
    }
}
