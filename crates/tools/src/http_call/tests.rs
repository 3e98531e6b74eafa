use std::sync::Mutex;

use futures::FutureExt as _;
use http::HeaderMap;
use largestack_ports::BoxFuture;
use largestack_ports::egress::{EgressError, Fetched};
use largestack_ports::tool::{Tool as _, ToolOutput};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::testing::tool_context;

/// A service that answers with one thing and keeps what it was asked.
struct Service(Mutex<Vec<Errand>>, u16, &'static str);

impl Egress for Service {
    fn run(&self, errand: Errand) -> BoxFuture<'_, Result<Fetched, EgressError>> {
        let fetched = Fetched {
            status: self.1,
            url: errand.url.to_string(),
            headers: HeaderMap::new(),
            content_type: "application/json".into(),
            body: Bytes::from_static(self.2.as_bytes()),
            cut: false,
        };
        self.0.lock().unwrap().push(errand);
        Box::pin(std::future::ready(Ok(fetched)))
    }
}

const URL: &str =
    "https://api.example.com:8443/v1/cities/{city}?days={days}&units=metric&tag={tags}";

fn schema() -> Json {
    let any = json!({"type": "object", "required": ["city"], "properties":
        {"city": {}, "days": {}, "tags": {}, "note": {}}});
    Json::of(&any).unwrap()
}

fn call(method: &str) -> HttpCall {
    HttpCall::new("weather", "The weather.", schema(), method, URL).unwrap()
}

fn asked(call: HttpCall, arguments: &Value) -> Result<Errand, ToolFailure> {
    let (_, errand) = answer(call, arguments, 200, "{}");
    errand
}

/// What the tool says, and what the service was asked.
fn answer(
    call: HttpCall,
    arguments: &Value,
    status: u16,
    body: &'static str,
) -> (Result<ToolOutput, ToolFailure>, Result<Errand, ToolFailure>) {
    let service = Arc::new(Service(Mutex::default(), status, body));
    let tool = call.tool(service.clone()).unwrap();
    let running = tool.call(tool_context(), Json::of(arguments).unwrap());
    let said = running.now_or_never().expect("nothing here waits");
    let errand = service.0.lock().unwrap().pop();
    let errand = errand.ok_or_else(|| said.clone().unwrap_err());
    (said, errand)
}

#[test]
fn each_argument_is_encoded_for_its_place() {
    let errand = asked(call("get"), &json!({"city": "São Paulo/../x?y#z", "days": 3})).unwrap();
    assert_eq!(
        &*errand.url,
        "https://api.example.com:8443/v1/cities/S%C3%A3o%20Paulo%2F..%2Fx%3Fy%23z?days=3&units=metric"
    );
    assert_eq!(&*errand.method, "GET");
    assert_eq!(errand.body, None);
    let errand =
        asked(call("get"), &json!({"city": "a", "days": null, "tags": ["x&y", 2]})).unwrap();
    assert!(errand.url.ends_with("/a?units=metric&tag=x%26y&tag=2"), "{}", errand.url);
}

#[test]
fn only_the_templates_own_host_is_reached() {
    let errand = asked(call("GET"), &json!({"city": "x"})).unwrap();
    assert_eq!(errand.reach.hosts, Some(vec!["api.example.com".to_owned()]));
    assert_eq!(errand.reach.ports, [8443]);
    assert!(errand.reach.networks.is_empty());
    for bad in [
        "https://{host}/a",
        "https://a.example{x}/",
        "{scheme}://a.example/",
        "ftp://a.example/",
        "https://user@a.example/",
        "https://",
        "https://a.example/a b",
        "https://a.example/#f",
        "https://a.example:99999/",
        "https://a.example/{",
        "https://a.example/}",
        "https://a.example/{a b}",
        "https://a.example/?{name}=1",
        "a.example/x",
        "https://a.example\\@b.example/",
    ] {
        assert!(HttpCall::new("t", "d", schema(), "GET", bad).is_err(), "{bad}");
    }
    assert!(HttpCall::new("t", "d", schema(), "BREW", "https://a.example/").is_err());
}

#[test]
fn a_segment_that_leads_elsewhere_is_refused() {
    for bad in ["", ".", ".."] {
        let failure = asked(call("GET"), &json!({"city": bad})).unwrap_err();
        assert!(failure.message.contains("empty or only dots"), "{bad}: {failure}");
    }
    assert!(asked(call("GET"), &json!({"city": "..a"})).is_ok());
    assert!(asked(call("GET"), &json!({})).is_err());
}

proptest! {
    #[test]
    fn whatever_an_argument_says_it_stays_in_its_place(city in ".*", day in ".*") {
        let arguments = json!({"city": city, "days": day});
        if let Ok(errand) = asked(call("GET"), &arguments) {
            let rest = errand.url.strip_prefix("https://api.example.com:8443/v1/cities/").unwrap();
            let (segment, query) = rest.split_once('?').unwrap();
            prop_assert!(!segment.contains(['/', '#', '\\', ' ']) && !segment.is_empty());
            let pairs: Vec<_> = query.split('&').collect();
            prop_assert_eq!(pairs.len(), 2);
            prop_assert!(pairs[0].starts_with("days=") && pairs[1] == "units=metric");
            prop_assert!(!pairs[0].contains(['#', ' ', '\r', '\n']));
        }
    }
}

#[test]
fn a_header_cannot_begin_another_one() {
    let call = || call("GET").header("x-note", "n: {note}").unwrap();
    let errand = asked(call(), &json!({"city": "x", "note": "a"})).unwrap();
    assert_eq!(errand.headers, [("x-note".to_owned(), "n: a".to_owned())]);
    assert!(asked(call(), &json!({"city": "x"})).unwrap().headers.is_empty());
    for bad in ["a\r\nx-admin: 1", "a\nb", "a\0b"] {
        let failure = asked(call(), &json!({"city": "x", "note": bad})).unwrap_err();
        assert!(failure.message.contains("control characters"), "{failure}");
    }
}

#[test]
fn what_stands_nowhere_else_is_the_body() {
    let arguments = json!({"city": "x", "days": 3, "note": {"a": [1]}});
    let errand = asked(call("POST"), &arguments).unwrap();
    assert_eq!(&*errand.body.unwrap(), br#"{"note":{"a":[1]}}"#);
    let header = |name: &str| {
        errand.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    };
    assert_eq!(header("content-type"), Some("application/json"));
    assert_eq!(header("idempotency-key"), Some("key"));
    assert_eq!(asked(call("DELETE"), &arguments).unwrap().body, None);
    let put = asked(call("PUT"), &json!({"city": "x"})).unwrap();
    assert_eq!(&*put.body.unwrap(), b"{}");
}

#[test]
fn a_body_is_a_template_of_values_and_text() {
    let body = json!({"n": "{days}", "text": "in {city}: {note}", "list": ["{days}", "{note}"],
        "fixed": true, "braces": "{{x}}"});
    let call = || call("POST").body(body.clone()).unwrap();
    let sent = |arguments| -> Value {
        serde_json::from_slice(&asked(call(), &arguments).unwrap().body.unwrap()).unwrap()
    };
    assert_eq!(
        sent(json!({"city": "x\"y", "days": 3, "note": "z"})),
        json!({"n": 3, "text": "in x\"y: z", "list": [3, "z"], "fixed": true, "braces": "{x}"})
    );
    assert_eq!(sent(json!({"city": "x"})), json!({"list": [], "fixed": true, "braces": "{x}"}));
    assert!(self::call("POST").body(json!({"a": ["{"]})).is_err());
}

#[test]
fn what_no_parameter_says_is_found_when_it_is_made() {
    let service = || Arc::new(Service(Mutex::default(), 200, ""));
    let url = |url: &str| HttpCall::new("t", "d", schema(), "GET", url).unwrap().tool(service());
    assert!(url("https://a.example/{city}").is_ok());
    assert!(url("https://a.example/{town}").unwrap_err().to_string().contains("`town`"));
    assert!(url("https://a.example/{days}").unwrap_err().to_string().contains("required"));
    let body = call("POST").body(json!(["{town}"])).unwrap().tool(service());
    assert!(body.unwrap_err().to_string().contains("`town`"));
}

#[test]
fn the_result_is_where_the_pointer_points() {
    let body = r#"{"current": {"t": 21, "text": "sunny"}}"#;
    let at = |pointer: &str| {
        answer(call("GET").result(pointer), &json!({"city": "x"}), 200, body)
            .0
            .map(|said| said.text)
    };
    assert_eq!(at("/current").unwrap(), r#"{"t":21,"text":"sunny"}"#);
    assert_eq!(at("/current/text").unwrap(), "sunny");
    assert!(at("/gone").unwrap_err().message.contains("nothing at `/gone`"));
}

#[test]
fn a_refusal_is_a_failure_without_the_credentials_that_it_repeats() {
    let refused = |status| {
        let call = call("GET").credential("authorization", Sensitive::new("Bearer tok-12345"));
        let body = "no such token: Bearer tok-12345";
        let (said, errand) = answer(call, &json!({"city": "x"}), status, body);
        assert_eq!(errand.unwrap().credentials[0].1.expose(), "Bearer tok-12345");
        said.unwrap_err()
    };
    assert_eq!(
        refused(404).message,
        "the service answered with HTTP 404: no such token: [redacted]"
    );
    assert!(!refused(404).transient);
    assert!(refused(503).transient && refused(429).transient);
}

#[test]
fn a_credential_is_not_read_without_its_scheme_or_in_another_spelling_either() {
    for (value, body) in [
        ("Bearer tok/12345", r#"{"token": "tok\/12345"}"#),
        ("Bearer tok/12345", r#"{"token": "tok%2F12345"}"#),
        ("tok/12345", r#"{"token": "dG9rLzEyMzQ1"}"#),
        ("Basic YW5uOnRvay8xMjM0NQ==", r#"{"token": "tok/12345"}"#),
        ("Basic YW5uOnRvay8xMjM0NQ==", r#"{"token": "YW5uOnRvay8xMjM0NQ=="}"#),
    ] {
        let call = call("GET").credential("authorization", Sensitive::new(value));
        let said = answer(call, &json!({"city": "x"}), 200, body).0.unwrap();
        assert_eq!(said.text, r#"{"token":"[redacted]"}"#, "{value}: {body}");
    }
}

#[test]
fn what_a_call_may_do_follows_from_its_method() {
    let service = || Arc::new(Service(Mutex::default(), 200, ""));
    for (method, may, idempotent) in [
        ("GET", Capability::Read, true),
        ("HEAD", Capability::Read, true),
        ("PUT", Capability::Write, true),
        ("DELETE", Capability::Delete, true),
        ("POST", Capability::Write, false),
        ("PATCH", Capability::Write, false),
    ] {
        let tool = call(method).tool(service()).unwrap();
        assert_eq!(
            tool.options().access.capabilities,
            [may, Capability::Egress].into(),
            "{method}"
        );
        assert_eq!(tool.spec().idempotent, idempotent, "{method}");
        assert_eq!(tool.spec().origin, Origin::Web);
    }
    assert!(call("POST").idempotent(true).tool(service()).unwrap().spec().idempotent);
}
