//! What never reaches the disk.

use std::borrow::Cow;

use largestack_cassette::{Cassette, RecordMode};
use largestack_ports::transport::{Auth, Method, Request};
use largestack_ports::vault::Sensitive;
use largestack_types::errors::ProviderError;

use crate::stage::{Told, exchange, file, headers, record, replay, request};

const KEY: &str = "mysecretkey-0123456789";

fn with(change: impl FnOnce(&mut Request)) -> Request {
    let mut asked = request("{}");
    change(&mut asked);
    asked
}

/// Every place of a request in which a key may stand.
fn places() -> Vec<(&'static str, Request)> {
    let json = |body: serde_json::Value| with(|asked| asked.body = body.to_string().into());
    let token = |body: String| {
        with(|asked| {
            asked.url = "https://login.example/oauth2/v2.0/token".into();
            asked.body = body.into();
        })
    };
    vec![
        (
            "a ready header",
            with(|asked| {
                asked.auth =
                    Auth::Ready(vec![("authorization", Sensitive::new(format!("Bearer {KEY}")))]);
            }),
        ),
        (
            "a header of the row",
            with(|asked| {
                asked.headers = vec![(Cow::Borrowed("x-goog-api-key"), Cow::Borrowed(KEY))];
            }),
        ),
        (
            "a cookie",
            with(|asked| {
                asked.headers = vec![(Cow::Borrowed("cookie"), Cow::Owned(format!("sid={KEY}")))];
            }),
        ),
        ("a parameter", with(|asked| asked.url = format!("https://h/v1?key={KEY}").into())),
        (
            "a signed parameter",
            with(|asked| {
                asked.url =
                    format!("https://h/v1?X-Amz-Signature={KEY}&X-Amz-Credential={KEY}").into();
            }),
        ),
        ("the host", with(|asked| asked.url = format!("https://me:{KEY}@{KEY}.example/v1").into())),
        ("a path", with(|asked| asked.url = format!("https://h/accounts/{KEY}/v1").into())),
        ("a property", json(serde_json::json!({"a": {"api_key": KEY}}))),
        ("a form", token(format!("grant_type=client_credentials&client_secret={KEY}"))),
        ("an assertion", token(format!("grant_type=x&assertion={KEY}"))),
        ("json of a token", json(serde_json::json!({"refresh_token": KEY, "client_id": KEY}))),
    ]
}

#[tokio::test]
async fn a_key_is_not_in_the_file_whatever_it_stands_in() {
    for (place, asked) in places() {
        let (_folder, file) = file();
        let over = Told::saying("application/json", &[b"{\"ok\":true}"]);
        let text = record(&file, over, vec![asked.clone()]).await;
        assert!(!text.contains(KEY), "{place}: {text}");
        let (cassette, transport) = replay(&file);
        exchange(&transport, asked).await.unwrap();
        cassette.finish().unwrap_or_else(|error| panic!("{place}: {error}"));
    }
}

#[tokio::test]
async fn a_key_that_an_answer_repeats_is_not_in_the_file() {
    let json = "application/json";
    let said = |body: &str| body.replace("KEY", KEY);
    let answers = [
        (json, vec![said(r#"{"error":"no such key: KEY"}"#)]),
        (json, vec![said("{\"error\":\"no such key: my"), said("KEY\"}").replace("my", "")]),
        ("text/event-stream", vec![said("data: {\"t\":\"KEY\"}\n\n")]),
        (
            "text/event-stream",
            vec![
                "data: {\"d\":{\"t\":\"mysecretkey-\"}}\n\n".to_owned(),
                "data: {\"d\":{\"t\":\"0123456789\"}}\n\n".to_owned(),
            ],
        ),
        ("text/html", vec![said("<p>KEY</p>")]),
        ("application/x-ndjson", vec![said("{\"t\":\"KEY\"}\n{}\n")]),
    ];
    for (kind, chunks) in answers {
        let (_folder, file) = file();
        let cassette = Cassette::open(&file, RecordMode::All).unwrap();
        cassette.conceal(Sensitive::new(KEY));
        let said = chunks.clone();
        let transport = cassette.over(Told::new(move |_| {
            let body = said.iter().cloned().map(|chunk| Ok(chunk.into())).collect();
            Ok((401, headers(&[("content-type", kind), ("set-cookie", KEY), ("date", KEY)]), body))
        }));
        exchange(&transport, request("{}")).await.unwrap();
        cassette.finish().unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(!text.contains(KEY) && !text.contains("0123456789"), "{kind}: {text}");
        assert!(!text.contains("set-cookie"), "{text}");
    }
}

#[tokio::test]
async fn what_a_token_endpoint_answers_is_not_in_the_file() {
    let answers: &[(&str, Method, &[u8])] = &[
        ("application/json", Method::Post, b"{\"access_token\":\"mysecretkey-0123456789\",\"expires_in\":3599}"),
        ("application/json", Method::Get, b"{\"AccessKeyId\":\"x\",\"SecretAccessKey\":\"mysecretkey-0123456789\",\"Token\":\"mysecretkey-0123456789\"}"),
        ("text/xml", Method::Post, b"<Credentials><SecretAccessKey>mysecretkey-0123456789</SecretAccessKey></Credentials>"),
        ("text/plain", Method::Put, b"mysecretkey-0123456789"),
    ];
    for (kind, method, body) in answers {
        let (_folder, file) = file();
        let asked = with(|asked| asked.method = *method);
        let text = record(&file, Told::saying(kind, &[body]), vec![asked]).await;
        assert!(!text.contains(KEY), "{kind}: {text}");
    }
}

#[tokio::test]
async fn a_value_that_is_heard_of_later_leaves_the_file_too() {
    let (_folder, file) = file();
    let cassette = Cassette::open(&file, RecordMode::All).unwrap();
    let transport = cassette.over(Told::saying("text/plain", &[b"mysecretkey-0123456789"]));
    exchange(&transport, request("{}")).await.unwrap();
    assert!(
        std::fs::read_to_string(&file).unwrap().contains(KEY),
        "nobody has said that it is one"
    );
    cassette.conceal(Sensitive::new(KEY));
    exchange(&transport, request("{}")).await.unwrap();
    cassette.finish().unwrap();
    assert!(!std::fs::read_to_string(&file).unwrap().contains(KEY));
}

#[tokio::test]
async fn an_error_of_the_connection_keeps_no_key() {
    let (_folder, file) = file();
    let cassette = Cassette::open(&file, RecordMode::All).unwrap();
    cassette.conceal(Sensitive::new(KEY));
    let transport = cassette.over(Told::new(|_| {
        let error = ProviderError {
            provider: "p".into(),
            status: None,
            detail: format!("cannot connect to https://{KEY}@h"),
            provider_code: None,
            request_id: None,
            transient: true,
        };
        Err(error.into())
    }));
    exchange(&transport, request("{}")).await.unwrap_err();
    cassette.finish().unwrap();
    assert!(!std::fs::read_to_string(&file).unwrap().contains(KEY));
}

#[tokio::test]
async fn what_a_guard_takes_out_of_texts_is_not_in_the_file() {
    let (_folder, file) = file();
    let card =
        r#"{"messages":[{"content":"my card is 4111 1111 1111 1111"}],"n":4111111111111111}"#;
    let over = Told::new(|asked| {
        Ok((200, headers(&[("content-type", "application/json")]), vec![Ok(asked.body.clone())]))
    });
    let text = record(&file, over, vec![request(card)]).await;
    assert!(!text.contains("1111"), "{text}");
    assert!(text.contains("my card is [CARD_REDACTED]"), "{text}");
    let (cassette, transport) = replay(&file);
    exchange(&transport, request(card)).await.unwrap();
    cassette.finish().unwrap();
}

#[tokio::test]
async fn what_cannot_be_taken_out_is_not_recorded_and_said() {
    let (_folder, file) = file();
    let cassette = Cassette::open(&file, RecordMode::All).unwrap();
    cassette.conceal(Sensitive::new(KEY));
    let transport = cassette.over(Told::saying(
        "application/vnd.amazon.eventstream",
        &[b"\0\x9f", b"mysecretkey-0123456789"],
    ));
    let (_, chunks, _) = exchange(&transport, request("{}")).await.unwrap();
    assert_eq!(chunks.len(), 2, "whoever asked has the answer");
    let error = cassette.finish().unwrap_err().to_string();
    assert!(error.contains("must not be kept, in a body that is not text"), "{error}");
    assert!(!std::fs::read_to_string(&file).unwrap_or_default().contains(KEY));
}
