//! Every way to refuse becomes the right error.

use largestack_types::error::{Code, Coded};
use largestack_types::errors::LargestackError;
use largestack_wire::{Mode, decode};

use crate::support::{chat, target};

fn fault(status: u16, headers: &[(&str, &str)], body: &str) -> LargestackError {
    let headers: Vec<_> = headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    chat().fault(status, &headers, body.as_bytes(), &target("gpt-4o"))
}

fn error(code: &str) -> String {
    format!(
        r#"{{"error": {{"message": "Some words", "type": "t", "param": null, "code": {code}}}}}"#
    )
}

#[test]
fn statuses_and_codes_mean_what_they_mean() {
    let null = error("null");
    let cases = [
        (400, null.clone(), Code::Provider, false),
        (400, error("\"context_length_exceeded\""), Code::Context, false),
        (401, null.clone(), Code::ProviderAuth, false),
        (401, error("\"invalid_api_key\""), Code::ProviderAuth, false),
        (402, null.clone(), Code::RateLimit, false),
        (403, null.clone(), Code::ProviderAuth, false),
        (403, error("\"unsupported_country_region_territory\""), Code::Provider, false),
        (404, error("\"model_not_found\""), Code::ModelUnknown, false),
        (404, "<html><title>404 Not Found</title></html>".into(), Code::Provider, false),
        (408, null.clone(), Code::ProviderTimeout, true),
        (409, null.clone(), Code::Provider, true),
        (413, null.clone(), Code::Context, false),
        (422, null.clone(), Code::Provider, false),
        (429, null.clone(), Code::RateLimit, true),
        (429, error("\"insufficient_quota\""), Code::RateLimit, false),
        (500, null.clone(), Code::Provider, true),
        (501, null.clone(), Code::Provider, false),
        (502, "<html><body>Bad gateway".into(), Code::Provider, true),
        (503, String::new(), Code::Provider, true),
        (504, null.clone(), Code::ProviderTimeout, true),
        (529, error("\"overloaded\""), Code::Provider, true),
        (400, "{\"error\": {\"mess".into(), Code::Provider, false),
        (418, "[]".into(), Code::Provider, false),
        (503, "null".into(), Code::Provider, true),
    ];
    for (status, body, code, retryable) in cases {
        let error = fault(status, &[], &body);
        assert_eq!((error.code(), error.retryable()), (code, retryable), "{status} {body}");
    }
}

#[test]
fn every_dialect_of_error_body_keeps_its_words() {
    for body in [
        r#"{"error": {"message": "Some words"}}"#,
        r#"{"error": "Some words"}"#,
        r#"{"error": "Some words", "code": "x"}"#,
        r#"{"code": "The caller does not ...", "error": "Some words"}"#,
        r#"{"object": "error", "message": "Some words", "type": "invalid", "code": 3000}"#,
        r#"{"message": "Some words"}"#,
        r#"{"detail": "Some words"}"#,
        r#"{"detail": [{"loc": ["body"], "msg": "Some words", "type": "missing"}]}"#,
        r#"[{"error": {"code": 400, "message": "Some words", "status": "INVALID_ARGUMENT"}}]"#,
        r#""Some words""#,
        "Some words",
        "  Some\n words\n",
    ] {
        let error = fault(400, &[], body);
        assert_eq!(error.message(), "openai HTTP 400: Some words", "{body}");
    }
    let behind = r#"{"error": {"code": 502, "message": "Provider returned error", "metadata": {"raw": "It broke"}}}"#;
    assert_eq!(
        fault(502, &[], behind).message(),
        "openai HTTP 502: Provider returned error: It broke"
    );
    let page = "<!DOCTYPE html><html><head><TITLE>Just a moment</TITLE></head>";
    let said = "openai HTTP 403: a web page instead of an answer: Just a moment";
    assert!(said.ends_with(fault(503, &[], page).message().split_once(": ").unwrap().1));
}

#[test]
fn wrappings_around_an_error_are_looked_through_only_so_far() {
    let deep = "{\"error\":".repeat(100_000) + "1" + &"}".repeat(100_000);
    assert_eq!(fault(400, &[], &deep).code(), Code::Provider);
    let lists = "[".repeat(100_000) + &"]".repeat(100_000);
    assert_eq!(fault(400, &[], &lists).code(), Code::Provider);
}

fn context(status: u16, body: &str) -> (Option<u64>, Option<u64>) {
    match fault(status, &[], body) {
        LargestackError::ContextWindowExceededError(error) => (error.tokens, error.maximum),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_context_error_says_how_much_and_how_much_fits() {
    let openai = r#"{"error": {"message": "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens.", "code": "context_length_exceeded"}}"#;
    assert_eq!(context(400, openai), (Some(9_001), Some(8_192)));
    let llama = r#"{"error": {"code": 400, "message": "the request exceeds the available context size", "type": "exceed_context_size_error", "n_prompt_tokens": 5000, "n_ctx": 4096}}"#;
    assert_eq!(context(400, llama), (Some(5_000), Some(4_096)));
    assert_eq!(context(500, llama), (Some(5_000), Some(4_096)));
    // Where the provider does not say, the profile does.
    let wordless = r#"{"error": {"message": "Too long", "code": "context_length_exceeded"}}"#;
    assert_eq!(context(400, wordless), (None, Some(128_000)));
}

#[test]
fn a_rate_limit_says_how_long_to_wait() {
    let wait = |headers: &[(&str, &str)], body: &str| match fault(429, headers, body) {
        LargestackError::ProviderRateLimitError(error) => (error.retry_after_ms, error.exhausted),
        other => panic!("{other:?}"),
    };
    assert_eq!(wait(&[("Retry-After", "3")], "{}"), (Some(3_000), false));
    assert_eq!(wait(&[("retry-after-ms", "12")], "{}"), (Some(12), false));
    let said = r#"{"error": {"message": "Please try again in 1.5s."}}"#;
    assert_eq!(wait(&[], said), (Some(1_500), false));
    let spent =
        r#"{"error": {"message": "You exceeded your current quota, please check your plan"}}"#;
    assert_eq!(wait(&[("retry-after", "3")], spent), (None, true));
}

#[test]
fn a_refused_key_names_the_variable_and_not_the_key() {
    let body = r#"{"error": {"message": "Incorrect API key provided: sk-proj-aaaabbbbccccddddeeee1234.", "code": "invalid_api_key"}}"#;
    let error = fault(401, &[], body);
    assert!(error.suggestion().contains("LARGESTACK_OPENAI_API_KEY"));
    assert!(!format!("{error} {error:?}").contains("aaaabbbb"), "{error}");
}

#[test]
fn a_provider_error_keeps_code_and_request_id() {
    match fault(500, &[("X-Request-Id", "req_1")], &error("\"weird\"")) {
        LargestackError::ProviderError(error) => {
            assert_eq!(error.provider_code.as_deref(), Some("weird"));
            assert_eq!(error.request_id.as_deref(), Some("req_1"));
            assert_eq!(error.status, Some(500));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_error_in_a_body_with_status_200_is_a_fault() {
    let body = br#"{"error": {"message": "Rate limited", "code": 429}, "user_id": "u"}"#;
    let outcome = decode(chat(), Mode::Whole, &target("openrouter/x"), body).unwrap();
    assert_eq!(outcome.fault.unwrap().code(), Code::RateLimit);
}

#[test]
fn recorded_refusals_have_their_codes() {
    let refused = crate::recordings::exchanges().into_iter().filter(|e| e.status >= 400);
    for exchange in refused {
        let error =
            chat().fault(exchange.status, &exchange.headers, &exchange.body, &target("groq/x"));
        let expected = match exchange.status {
            404 => Code::ModelUnknown,
            429 => Code::RateLimit,
            _ => Code::Provider,
        };
        assert_eq!(error.code(), expected, "{}: {error}", exchange.file);
    }
}
