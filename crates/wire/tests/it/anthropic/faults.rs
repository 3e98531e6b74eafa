//! Every way to refuse becomes the right error.

use largestack_types::error::{Code, Coded};
use largestack_types::errors::LargestackError;

use super::target;

fn fault(status: u16, headers: &[(&str, &str)], body: &str) -> LargestackError {
    let headers: Vec<_> = headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let target = target("anthropic/claude-sonnet-4-5");
    target.wire().unwrap().fault(status, &headers, body.as_bytes(), &target)
}

fn error(kind: &str, message: &str) -> String {
    format!(
        r#"{{"type": "error", "error": {{"type": "{kind}", "message": "{message}"}}, "request_id": "req_1"}}"#
    )
}

#[test]
fn every_documented_error_has_its_code() {
    for (status, kind, message, code, retryable) in [
        (400, "invalid_request_error", "Odd", Code::Provider, false),
        (
            400,
            "invalid_request_error",
            "prompt is too long: 9 tokens > 8 maximum",
            Code::Context,
            false,
        ),
        (
            400,
            "invalid_request_error",
            "Your credit balance is too low to access the Anthropic API.",
            Code::RateLimit,
            false,
        ),
        (
            400,
            "invalid_request_error",
            "You have reached your specified API usage limits.",
            Code::RateLimit,
            false,
        ),
        (401, "authentication_error", "invalid x-api-key", Code::ProviderAuth, false),
        (402, "billing_error", "Pay", Code::RateLimit, false),
        (403, "permission_error", "Not yours", Code::ProviderAuth, false),
        (404, "not_found_error", "model: claude-x", Code::ModelUnknown, false),
        (413, "request_too_large", "Too large", Code::Context, false),
        (429, "rate_limit_error", "Slow down", Code::RateLimit, true),
        (500, "api_error", "Oops", Code::Provider, true),
        (504, "timeout_error", "Slow", Code::ProviderTimeout, true),
        (529, "overloaded_error", "Overloaded", Code::Provider, true),
    ] {
        let error = fault(status, &[], &error(kind, message));
        assert_eq!((error.code(), error.retryable()), (code, retryable), "{status} {message}");
    }
    for (status, body, code) in [
        (502, "<html><title>Bad gateway</title>", Code::Provider),
        (503, "", Code::Provider),
        (529, "{\"type\": \"err", Code::Provider),
    ] {
        assert_eq!(fault(status, &[], body).code(), code);
        assert!(fault(status, &[], body).retryable());
    }
}

#[test]
fn a_context_error_says_how_much_and_how_much_fits() {
    let sizes = |message: &str| match fault(400, &[], &error("invalid_request_error", message)) {
        LargestackError::ContextWindowExceededError(error) => (error.tokens, error.maximum),
        other => panic!("{other:?}"),
    };
    let long = "prompt is too long: 205000 tokens > 200000 maximum";
    assert_eq!(sizes(long), (Some(205_000), Some(200_000)));
    let both = "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000, decrease input length or `max_tokens` and try again";
    assert_eq!(sizes(both), (Some(209_573), Some(200_000)));
    assert_eq!(sizes("prompt is too long").0, None);
}

#[test]
fn a_rate_limit_says_how_long_to_wait_and_a_refused_key_stays_secret() {
    let body = error("rate_limit_error", "This request would exceed your rate limit");
    match fault(429, &[("retry-after", "12")], &body) {
        LargestackError::ProviderRateLimitError(error) => {
            assert_eq!((error.retry_after_ms, error.exhausted), (Some(12_000), false));
        }
        other => panic!("{other:?}"),
    }
    let body = error("authentication_error", "invalid x-api-key sk-ant-api03-abcdefghij0123456789");
    let error = fault(401, &[], &body);
    assert!(error.suggestion().contains("LARGESTACK_ANTHROPIC_API_KEY"));
    assert!(!format!("{error} {error:?}").contains("abcdefghij"), "{error}");
}

#[test]
fn bedrock_and_vertex_answer_in_their_own_shapes() {
    let of = |row: &str, status, headers: &[(&str, &str)], body: &str| {
        let headers: Vec<_> =
            headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let target = target(&format!("{row}/claude-x"));
        target.wire().unwrap().fault(status, &headers, body.as_bytes(), &target)
    };
    let throttled = [("x-amzn-ErrorType", "ThrottlingException:http://internal.amazon.com/")];
    let error = of("bedrock_anthropic", 429, &throttled, r#"{"message": "Too many tokens"}"#);
    assert_eq!((error.code(), error.retryable()), (Code::RateLimit, true));
    let denied = [("x-amzn-ErrorType", "AccessDeniedException")];
    let error = of("bedrock_anthropic", 403, &denied, r#"{"message": "No access to the model"}"#);
    assert!(error.to_string().contains("No access to the model"), "{error}");
    assert!(!error.retryable());
    let body = r#"[{"error": {"code": 429, "message": "Quota exceeded for x", "status": "RESOURCE_EXHAUSTED"}}]"#;
    let error = of("vertex_anthropic", 429, &[], body);
    assert_eq!((error.code(), error.retryable()), (Code::RateLimit, true));
    assert!(error.to_string().contains("Quota exceeded"), "{error}");
}
