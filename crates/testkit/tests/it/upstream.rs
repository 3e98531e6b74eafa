//! The loopback provider, looked at through a plain socket.

use largestack_testkit::{Answer, ChatReply, Upstream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn open(upstream: &Upstream) -> TcpStream {
    TcpStream::connect(upstream.address()).await.unwrap()
}

async fn post(socket: &mut TcpStream, body: &str) {
    let head =
        format!("POST /v1/chat HTTP/1.1\r\nX-Test: 1\r\ncontent-length: {}\r\n\r\n", body.len());
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.write_all(body.as_bytes()).await.unwrap();
}

/// Reads until the text arrives or the connection ends.
async fn read_until(socket: &mut TcpStream, end: &str) -> (String, bool) {
    let mut all = Vec::new();
    loop {
        if String::from_utf8_lossy(&all).contains(end) {
            return (String::from_utf8_lossy(&all).into_owned(), true);
        }
        match socket.read_buf(&mut all).await {
            Ok(0) | Err(_) => return (String::from_utf8_lossy(&all).into_owned(), false),
            Ok(_) => {}
        }
    }
}

#[tokio::test]
async fn one_connection_carries_many_requests_and_each_is_recorded() {
    let upstream = Upstream::start().await.unwrap();
    upstream.push(ChatReply::text("whole"));
    upstream.push(ChatReply::text("streamed").pieces(2));
    let mut socket = open(&upstream).await;
    post(&mut socket, r#"{"model":"m","stream":false}"#).await;
    let (whole, complete) = read_until(&mut socket, "total_tokens").await;
    assert!(complete && whole.contains("content-type: application/json"), "{whole}");
    assert!(whole.contains(r#""content":"whole""#) && whole.contains(r#""model":"m""#), "{whole}");
    post(&mut socket, r#"{"model":"m","stream":true}"#).await;
    let (events, complete) = read_until(&mut socket, "[DONE]").await;
    assert!(complete && events.contains("text/event-stream"), "{events}");
    assert!(events.contains(r#""content":"stre""#), "{events}");
    let requests = upstream.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].path(), "/v1/chat");
    assert_eq!(requests[0].method(), "POST");
    assert_eq!(requests[0].header("x-test").as_deref(), Some("1"));
    assert_eq!(requests[1].json()["stream"], true);
    assert_eq!(upstream.counts().connections, 1);
}

#[tokio::test]
async fn faults_happen_at_their_byte() {
    let upstream = Upstream::start().await.unwrap();
    let answer = || Answer::json(200, "0123456789");
    upstream.push(answer().close_after(4));
    upstream.push(answer().end_after(4));
    upstream.push(answer().reset_after(4));
    upstream.push(answer().reset_before_head());
    let mut ends = Vec::new();
    // An answer that ends properly leaves the connection open; the others are read to its close.
    for until in ["never", "0123", "never", "never"] {
        let mut socket = open(&upstream).await;
        post(&mut socket, "{}").await;
        ends.push(read_until(&mut socket, until).await);
    }
    let said = |index: usize, length: u32| {
        let (text, open) = &ends[index];
        assert!(text.ends_with(&format!("content-length: {length}\r\n\r\n0123")), "{text}");
        assert_eq!(*open, index == 1);
    };
    said(0, 10);
    said(1, 4);
    said(2, 10);
    assert_eq!(ends[3], (String::new(), false));
}

#[tokio::test]
async fn a_client_that_goes_away_while_it_waits_is_noticed() {
    let upstream = Upstream::start().await.unwrap();
    upstream.push(Answer::json(200, "0123456789").stall_after(4));
    let mut socket = open(&upstream).await;
    post(&mut socket, "{}").await;
    assert!(read_until(&mut socket, "0123").await.1);
    assert_eq!(upstream.counts().hang_ups, 0);
    drop(socket);
    assert_eq!(upstream.until(|counts| counts.hang_ups == 1).await.hang_ups, 1);
}

#[tokio::test]
async fn a_handler_answers_where_the_script_is_over() {
    let upstream = Upstream::answering(|request| Answer::json(200, request.body.clone())).await;
    let upstream = upstream.unwrap();
    upstream.push(Answer::error(503, "busy").header("retry-after", "1"));
    let mut socket = open(&upstream).await;
    post(&mut socket, r#"{"a":1}"#).await;
    let (first, _) = read_until(&mut socket, "busy").await;
    assert!(first.starts_with("HTTP/1.1 503") && first.contains("retry-after: 1"), "{first}");
    post(&mut socket, r#"{"a":2}"#).await;
    assert!(read_until(&mut socket, r#"{"a":2}"#).await.1);
}

#[tokio::test]
async fn what_is_not_http_is_hung_up_on() {
    let upstream = Upstream::start().await.unwrap();
    let mut socket = open(&upstream).await;
    socket.write_all(b"\x16\x03\x01 hello\r\n\r\n").await.unwrap();
    assert_eq!(read_until(&mut socket, "never").await, (String::new(), false));
    assert_eq!(upstream.counts().requests, 0);
}
