//! What goes out, what comes back, and what a failure on the way is called.

use std::time::Duration;

use futures::StreamExt as _;
use largestack_http::{CloudTransport, HttpTransport, Keys, Network, SystemClock};
use largestack_ports::transport::{Auth, Method, Request, Timeouts, Transport as _};
use largestack_ports::vault::Sensitive;
use largestack_testkit::{Answer, Upstream};
use largestack_types::errors::{Code, Coded, LargestackError, unsent};

use crate::asking::{KEY, body, failure, keyed, over, request};

fn code_and_detail(error: &LargestackError) -> (Code, String, bool) {
    (error.code(), error.message(), error.retryable())
}

#[tokio::test]
async fn requests_go_out_with_body_headers_and_key_over_one_connection() {
    let upstream = Upstream::start().await.unwrap();
    let transport = keyed();
    for auth in [Auth::Bearer, Auth::Header("x-api-key".into()), Auth::None] {
        upstream.push(Answer::json(200, "{}").header("X-Request-Id", "r1"));
        let response = transport.send(Request { auth, ..request(&upstream.url()) }).await.unwrap();
        assert_eq!(response.status, 200);
        assert_eq!(response.headers.get("x-request-id").unwrap(), "r1");
        assert_eq!(body(response).await.unwrap(), b"{}");
    }
    upstream.push(Answer::json(200, "[]"));
    let get = Request { method: Method::Get, ..request(&upstream.url()) };
    transport.send(get).await.unwrap();
    let requests = upstream.requests();
    let bearer = format!("Bearer {KEY}");
    assert_eq!(requests[0].header("authorization"), Some(bearer.clone()));
    let host = upstream.url().parse::<http::Uri>().unwrap().authority().unwrap().to_string();
    assert!(requests.iter().all(|request| request.header("host").as_ref() == Some(&host)));
    assert_eq!(requests[0].header("content-type").as_deref(), Some("application/json"));
    assert_eq!(requests[0].body, "{\"hello\":1}");
    assert_eq!(requests[1].header("x-api-key").as_deref(), Some(KEY));
    assert_eq!(requests[1].header("authorization"), None);
    assert_eq!(requests[2].header("authorization"), Some(bearer));
    assert_eq!((requests[3].method().as_str(), requests[3].body.len()), ("GET", 0));
    assert_eq!(upstream.counts().connections, 1);
}

#[tokio::test]
async fn a_missing_key_is_an_error_that_names_the_variable_before_anything_is_sent() {
    let upstream = Upstream::start().await.unwrap();
    let keys = Keys::default().variable_of("mock", "MOCK_KEY");
    let transport = HttpTransport::new(keys.with("other", Sensitive::new("")));
    let error = transport.send(request(&upstream.url())).await.err().unwrap();
    assert!(error.to_string().contains("export MOCK_KEY="), "{error}");
    let empty = Request { provider: "other".into(), ..request(&upstream.url()) };
    let error = transport.send(empty).await.err().unwrap();
    assert!(error.to_string().contains("LARGESTACK_OTHER_API_KEY"), "{error}");
    assert_eq!(upstream.counts().connections, 0);
    upstream.push(Answer::json(200, "{}"));
    let keyless = Request { auth: Auth::None, ..request(&upstream.url()) };
    assert_eq!(transport.send(keyless).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_key_that_no_header_can_carry_is_refused_without_showing_it() {
    let keys = Keys::default().with("mock", Sensitive::new("sk-secret\n"));
    let transport = HttpTransport::new(keys);
    let error = transport.send(request("http://127.0.0.1:1/")).await.err().unwrap();
    assert_eq!(error.code(), Code::ProviderAuth);
    assert!(!error.to_string().contains("sk-secret"), "{error}");
    assert!(!format!("{transport:?} {error:?}").contains("sk-secret"));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_nobody_follows_it() {
    let upstream = Upstream::start().await.unwrap();
    for status in [301, 307] {
        upstream.push(Answer::json(status, "").header("location", "/elsewhere"));
        let response = keyed().send(request(&upstream.url())).await.unwrap();
        assert_eq!(response.status, status);
    }
    assert_eq!(upstream.counts().requests, 2);
}

#[tokio::test]
async fn a_compressed_body_arrives_unpacked() {
    let upstream = Upstream::start().await.unwrap();
    let text = "größer ".repeat(20_000);
    upstream.push(Answer::json(200, text.clone()).gzip());
    let response = keyed().send(request(&upstream.url())).await.unwrap();
    assert_eq!(body(response).await.unwrap(), text.as_bytes());
}

#[tokio::test]
async fn each_phase_has_its_own_timeout() {
    let upstream = Upstream::start().await.unwrap();
    let short = Duration::from_millis(300);
    let usual = Timeouts::default();
    let (first, idle, total) = (
        Timeouts { first_byte: short, ..usual },
        Timeouts { idle: short, ..usual },
        Timeouts { total: short, ..usual },
    );
    let whole = Timeouts { first_byte: short, total: short, ..usual };
    let answer = || Answer::json(200, "0123456789");
    let endless = || answer().slowly(1, Duration::from_millis(100));
    for (timeouts, answer, phase) in [
        (first, answer().stall_before_head(), "first byte"),
        (total, answer().stall_before_head(), "the whole reply"),
        (whole, answer().stall_before_head(), "the whole reply"),
        (idle, answer().stall_after(3), "next chunk"),
        (total, answer().stall_after(3), "the whole reply"),
        (total, endless(), "the whole reply"),
    ] {
        upstream.push(answer);
        let sent = keyed().send(Request { timeouts, ..request(&upstream.url()) }).await;
        let error = match sent {
            Ok(response) => body(response).await.unwrap_err(),
            Err(error) => error,
        };
        let LargestackError::ProviderTimeoutError(timeout) = &error else { panic!("{error}") };
        assert_eq!((&*timeout.phase, timeout.after_ms), (phase, 300));
        assert!(error.retryable());
    }
}

#[tokio::test]
async fn broken_connections_are_transient_errors_of_the_provider() {
    let upstream = Upstream::start().await.unwrap();
    let answer = || Answer::json(200, "0123456789");
    for answer in [
        answer().reset_before_head(),
        answer().reset_after(3),
        answer().close_after(3),
        answer().gzip().close_after(15),
    ] {
        upstream.push(answer);
        let error = match keyed().send(request(&upstream.url())).await {
            Ok(response) => body(response).await.unwrap_err(),
            Err(error) => error,
        };
        let (code, message, retryable) = code_and_detail(&error);
        assert_eq!((code, retryable), (Code::Provider, true), "{message}");
        assert!(!message.contains("127.0.0.1") && !message.contains(KEY), "{message}");
    }
}

#[tokio::test]
async fn nobody_listening_is_transient_and_a_wrong_address_is_not() {
    let upstream = Upstream::start().await.unwrap();
    let url = upstream.url();
    let address = upstream.address();
    drop(upstream);
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let error = keyed().send(request(&url)).await.err().unwrap();
    let LargestackError::ProviderError(failure) = &error else { panic!("{error}") };
    assert_eq!((failure.provider_code.as_deref(), failure.transient), (Some("connect"), true));
    for wrong in ["", "/v1", "ftp://example.org", "http://"] {
        let error = keyed().send(request(wrong)).await.err().unwrap();
        let (code, message, retryable) = code_and_detail(&error);
        assert_eq!((code, retryable), (Code::Provider, false), "{wrong}: {message}");
    }
}

#[tokio::test]
async fn dropping_the_future_or_the_body_ends_the_exchange() {
    let upstream = Upstream::start().await.unwrap();
    let transport = keyed();
    upstream.push(Answer::json(200, "0123456789").stall_before_head());
    let mut sending = transport.send(request(&upstream.url()));
    tokio::select! {
        _ = &mut sending => panic!("nothing was answered"),
        _ = upstream.until(|counts| counts.requests == 1) => {}
    }
    drop(sending);
    upstream.until(|counts| counts.hang_ups == 1).await;
    upstream.push(Answer::json(200, "0123456789").stall_after(3));
    let mut response = transport.send(request(&upstream.url())).await.unwrap();
    assert_eq!(response.body.next().await.unwrap().unwrap(), "012");
    drop(response);
    upstream.until(|counts| counts.hang_ups == 2).await;
}

#[tokio::test]
async fn a_proxy_that_is_configured_is_asked_for_a_tunnel_and_gets_no_key() {
    let proxy = Upstream::start().await.unwrap();
    proxy.push(Answer::error(403, "not there"));
    let address = format!("http://someone:s3cr3t@{}", proxy.address());
    let network = Network::default().through(&address, "").unwrap();
    let transport = over(network);
    let shown = format!("{transport:?}");
    assert!(shown.contains("http://127.0.0.1") && !shown.contains("s3cr3t"), "{shown}");
    let error = transport.send(request("http://provider.invalid/v1/chat")).await.err().unwrap();
    assert!(error.suggestion().contains("network.proxy"), "{error}");
    let failed = failure(error);
    assert_eq!(failed.provider_code.as_deref(), Some(unsent::PROXY));
    assert!(!failed.detail.contains("s3cr3t"), "{failed:?}");
    let asked = &proxy.requests()[0];
    assert_eq!(
        (asked.method().as_str(), asked.path().as_str()),
        ("CONNECT", "provider.invalid:80")
    );
    assert_eq!(asked.header("authorization"), None);
    assert!(asked.header("proxy-authorization").is_some());
}

#[tokio::test]
async fn a_body_that_only_claims_to_be_compressed_is_an_error() {
    let upstream = Upstream::start().await.unwrap();
    for text in ["plain text", ""] {
        upstream.push(Answer::json(200, text).header("content-encoding", "gzip"));
        let response = keyed().send(request(&upstream.url())).await.unwrap();
        let error = body(response).await.unwrap_err();
        assert!(error.message().contains("cannot be decompressed"), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_not_connected_to_and_not_tried_again() {
    use tokio::io::AsyncWriteExt as _;

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/v1", listener.local_addr().unwrap());
    let transport = keyed();
    let plain = async {
        let mut socket = listener.accept().await.unwrap().0;
        socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        socket
    };
    let mut sending = transport.send(request(&url));
    let error = tokio::select! {
        sent = &mut sending => sent.err().unwrap(),
        _socket = plain => sending.await.err().unwrap(),
    };
    let LargestackError::ProviderError(failure) = &error else { panic!("{error}") };
    assert_eq!((failure.provider_code.as_deref(), failure.transient), (Some(unsent::TLS), false));
}

#[tokio::test]
async fn a_connection_that_never_comes_to_stand_is_given_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let timeouts = Timeouts { connect: Duration::from_millis(300), ..Timeouts::default() };
    let silent = Request { timeouts, ..request(&format!("https://{address}/v1")) };
    let error = keyed().send(silent).await.err().unwrap();
    if error.message().contains("no certificates to trust") {
        // A machine without any cannot even begin.
        return;
    }
    let LargestackError::ProviderTimeoutError(timeout) = &error else { panic!("{error}") };
    assert_eq!((&*timeout.phase, timeout.after_ms), ("connect", 300));
}

#[tokio::test]
async fn a_request_is_signed_or_gets_a_token_by_its_kind_of_credentials() {
    let upstream = Upstream::start().await.unwrap();
    let variables = |name: &str| match name {
        "AWS_ACCESS_KEY_ID" => Some(Sensitive::new("AKIDEXAMPLE")),
        "AWS_SECRET_ACCESS_KEY" => Some(Sensitive::new("secret-of-aws")),
        _ => None,
    };
    let keys = Keys::default().with("azure", Sensitive::new(KEY));
    let clock = std::sync::Arc::new(SystemClock);
    let transport =
        CloudTransport::new(HttpTransport::new(keys), clock, std::sync::Arc::new(variables));
    let signed = Auth::SigV4 { service: "bedrock".into(), region: "eu-west-1".into() };
    for (provider, auth) in [("bedrock", signed), ("azure", Auth::Azure)] {
        upstream.push(Answer::json(200, "{}"));
        let request = Request { auth, provider: provider.into(), ..request(&upstream.url()) };
        assert_eq!(transport.send(request).await.unwrap().status, 200);
    }
    let requests = upstream.requests();
    let authorization = requests[0].header("authorization").unwrap();
    assert!(authorization.contains("AKIDEXAMPLE") && authorization.contains("/eu-west-1/bedrock/"));
    assert!(
        authorization.contains("SignedHeaders=content-type;host;x-amz-date"),
        "{authorization}"
    );
    assert!(requests[0].header("x-amz-date").is_some());
    assert_eq!(requests[1].header("api-key").as_deref(), Some(KEY));
    assert!(!format!("{transport:?}").contains("secret"));
}
