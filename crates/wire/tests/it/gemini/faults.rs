//! Every way to refuse becomes the right error.

use largestack_types::error::{Code, Coded};
use largestack_types::errors::LargestackError;
use serde_json::{Value, json};

use super::{gemini, google};

fn fault(status: u16, headers: &[(&str, &str)], body: &str) -> LargestackError {
    let headers: Vec<_> = headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    gemini().fault(status, &headers, body.as_bytes(), &google())
}

fn error(code: u16, status: &str, message: &str, details: &Value) -> String {
    json!({"error": {"code": code, "status": status, "message": message, "details": details}})
        .to_string()
}

#[test]
fn statuses_and_canonical_codes_mean_what_they_mean() {
    let info = |reason: &str| json!([{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}]);
    let none = json!([]);
    let cases = [
        (400, error(400, "INVALID_ARGUMENT", "x", &none), Code::Provider, false),
        (
            400,
            error(
                400,
                "INVALID_ARGUMENT",
                "API key not valid. Please pass a valid API key.",
                &info("API_KEY_INVALID"),
            ),
            Code::ProviderAuth,
            false,
        ),
        (
            400,
            error(
                400,
                "INVALID_ARGUMENT",
                "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
                &none,
            ),
            Code::Context,
            false,
        ),
        (
            400,
            error(
                400,
                "FAILED_PRECONDITION",
                "User location is not supported for the API use.",
                &none,
            ),
            Code::Provider,
            false,
        ),
        (401, error(401, "UNAUTHENTICATED", "x", &none), Code::ProviderAuth, false),
        (403, error(403, "PERMISSION_DENIED", "x", &none), Code::ProviderAuth, false),
        (
            403,
            error(403, "PERMISSION_DENIED", "x", &info("SERVICE_DISABLED")),
            Code::Provider,
            false,
        ),
        (
            404,
            error(404, "NOT_FOUND", "models/x is not found for API version v1beta", &none),
            Code::ModelUnknown,
            false,
        ),
        (
            429,
            error(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota", &none),
            Code::RateLimit,
            true,
        ),
        (499, error(499, "CANCELLED", "x", &none), Code::Provider, false),
        (500, error(500, "INTERNAL", "x", &none), Code::Provider, true),
        (503, error(503, "UNAVAILABLE", "The model is overloaded.", &none), Code::Provider, true),
        (504, error(504, "DEADLINE_EXCEEDED", "x", &none), Code::ProviderTimeout, true),
        (502, "<html><title>502 Bad Gateway</title>".to_owned(), Code::Provider, true),
        (503, String::new(), Code::Provider, true),
        (400, "{\"error\": {\"mess".to_owned(), Code::Provider, false),
    ];
    for (status, body, code, retryable) in cases {
        let error = fault(status, &[], &body);
        assert_eq!((error.code(), error.retryable()), (code, retryable), "{status} {body}");
    }
}

#[test]
fn an_error_may_stand_in_a_list() {
    let alone = error(400, "INVALID_ARGUMENT", "Some words", &json!([]));
    for body in [alone.clone(), format!("[{alone}]"), format!("[\n  {alone}\n]\n")] {
        assert_eq!(fault(400, &[], &body).message(), "google HTTP 400: Some words", "{body}");
    }
    assert_eq!(fault(400, &[], "Some words").message(), "google HTTP 400: Some words");
}

fn wait(headers: &[(&str, &str)], details: &Value) -> (bool, Option<u64>) {
    let body = error(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.", details);
    let error = fault(429, headers, &body);
    match error {
        LargestackError::ProviderRateLimitError(error) => (!error.exhausted, error.retry_after_ms),
        other => panic!("{other}"),
    }
}

#[test]
fn the_wait_that_the_details_name_is_kept() {
    let retry =
        json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.074824224s"});
    let quota = |id: &str| json!({"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": id}]});
    let minute = json!([quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier"), retry]);
    assert_eq!(wait(&[], &minute), (true, Some(34_075)));
    assert_eq!(wait(&[("retry-after", "2")], &minute), (true, Some(2_000)));
    assert_eq!(wait(&[], &json!([])), (true, None));
    let day = json!([quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier"), retry]);
    assert_eq!(wait(&[], &day), (false, None));
}

#[test]
fn the_sizes_of_a_context_that_is_too_small_are_read() {
    let cases = [
        (
            "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
            Some(1_200_000),
            1_048_576,
        ),
        (
            "Unable to submit request because the input token count is 1200000 but model only supports up to 1048576.",
            Some(1_200_000),
            1_048_576,
        ),
        (
            "The input token count exceeds the maximum number of tokens allowed 1048575.",
            None,
            1_048_575,
        ),
    ];
    for (message, tokens, maximum) in cases {
        let LargestackError::ContextWindowExceededError(said) =
            fault(400, &[], &error(400, "INVALID_ARGUMENT", message, &json!([])))
        else {
            panic!("{message}")
        };
        assert_eq!((said.tokens, said.maximum), (tokens, Some(maximum)), "{message}");
    }
}
