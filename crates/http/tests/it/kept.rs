//! Connections that are kept: used again, closed by the other side while nobody looks, and never
//! a reason to send a request twice that may have been read.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use largestack_http::{Limits, Network};
use largestack_ports::transport::{Request, Transport as _};
use largestack_testkit::{Answer, Upstream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::asking::{body, failure, keyed, over, request};

/// The next request on a connection; `false` when the client is gone.
async fn read(socket: &mut TcpStream) -> bool {
    let mut heard = Vec::new();
    while !heard.ends_with(b"{\"hello\":1}") {
        if socket.read_buf(&mut heard).await.unwrap_or(0) == 0 {
            return false;
        }
    }
    true
}

async fn answer(socket: &mut TcpStream) {
    socket.write_all(b"HTTP/1.1 200 Fine\r\ncontent-length: 2\r\n\r\n{}").await.unwrap();
}

#[tokio::test]
async fn a_connection_that_was_closed_while_idle_is_not_noticed_by_the_next_request() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let server = async {
        for _ in 0..20 {
            let mut socket = listener.accept().await.unwrap().0;
            assert!(read(&mut socket).await);
            answer(&mut socket).await;
            // Closed behind an answer that promised to be kept.
        }
    };
    let transport = keyed();
    let client = async {
        for _ in 0..20 {
            let response = transport.send(request(&url)).await.unwrap();
            assert_eq!(body(response).await.unwrap(), b"{}");
            // The close is here before the next request goes out.
            tokio::task::yield_now().await;
        }
    };
    tokio::join!(server, client);
}

#[tokio::test]
async fn a_request_that_was_read_and_not_answered_is_not_sent_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let transport = keyed();
    let server = async {
        let mut socket = listener.accept().await.unwrap().0;
        assert!(read(&mut socket).await);
        answer(&mut socket).await;
        assert!(read(&mut socket).await);
        drop(socket);
        // Whoever sent it again would come here.
        listener.accept().await.unwrap();
    };
    let client = async {
        let response = transport.send(request(&url)).await.unwrap();
        assert_eq!(body(response).await.unwrap(), b"{}");
        let failed = failure(transport.send(request(&url)).await.err().unwrap());
        assert_eq!((failed.provider_code, failed.transient), (None, true));
    };
    tokio::select! {
        () = server => panic!("the request came a second time"),
        () = client => {}
    }
}

#[tokio::test]
async fn a_head_of_a_reply_has_a_limit() {
    let upstream = Upstream::start().await.unwrap();
    upstream.push(Answer::json(200, "{}").header("x-long", "x".repeat(60 << 10)));
    assert_eq!(keyed().send(request(&upstream.url())).await.unwrap().status, 200);
    upstream.push(Answer::json(200, "{}").header("x-long", "x".repeat(300 << 10)));
    let failed = failure(keyed().send(request(&upstream.url())).await.err().unwrap());
    assert!(failed.detail.contains("too large") && !failed.transient, "{failed:?}");
}

#[tokio::test]
async fn bodies_have_limits_in_both_directions() {
    let upstream = Upstream::start().await.unwrap();
    let limits = Limits { request: 11, reply: 10 };
    let transport = over(Network::default().limited(limits));
    upstream.push(Answer::json(200, "0123456789"));
    let response = transport.send(request(&upstream.url())).await.unwrap();
    assert_eq!(body(response).await.unwrap(), b"0123456789");
    for answer in [Answer::json(200, "0123456789-"), Answer::json(200, "0123456789-").gzip()] {
        upstream.push(answer);
        let response = transport.send(request(&upstream.url())).await.unwrap();
        let failed = failure(body(response).await.unwrap_err());
        assert!(!failed.transient, "{failed:?}");
    }
    let long = Request { body: "0123456789-1".into(), ..request(&upstream.url()) };
    let failed = failure(transport.send(long).await.err().unwrap());
    assert!(failed.detail.contains("longer than 11 bytes"), "{failed:?}");
    assert_eq!(upstream.counts().requests, 3);
}

#[tokio::test]
async fn a_bomb_of_a_reply_is_defused() {
    let upstream = Upstream::start().await.unwrap();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&vec![b' '; 40 << 20]).unwrap();
    let bomb = gzip.finish().unwrap();
    upstream.push(Answer::json(200, bomb).header("content-encoding", "gzip"));
    let response = keyed().send(request(&upstream.url())).await.unwrap();
    let failed = failure(body(response).await.err().unwrap());
    assert!(failed.detail.contains("far more than it came as"), "{failed:?}");
    assert!(!failed.transient);
}
