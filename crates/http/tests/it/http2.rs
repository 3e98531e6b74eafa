//! HTTP/2 over TLS: many requests over one connection, and every way in which the other side ends
//! one of them or all.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures::StreamExt as _;
use futures::future::join_all;
use h2::server::{Builder, Connection, SendResponse};
use h2::{Reason, SendStream};
use largestack_http::HttpTransport;
use largestack_ports::transport::Transport as _;
use largestack_types::errors::unsent;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::asking::{body, failure, over, request};
use crate::tls::Authority;

/// A server's socket, and a transport that believes it.
struct Ground {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    transport: HttpTransport,
    url: String,
}

type Server = Connection<TlsStream<TcpStream>, Bytes>;

impl Ground {
    async fn new() -> Self {
        let authority = Authority::new("ours");
        let mut config = authority.server(|_| {});
        config.alpn_protocols = vec![b"h2".to_vec()];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}/v1", listener.local_addr().unwrap().port());
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Self { listener, acceptor, transport: over(authority.network()), url }
    }

    async fn accept(&self, builder: &Builder) -> Server {
        let socket = self.listener.accept().await.unwrap().0;
        let socket = self.acceptor.accept(socket).await.unwrap();
        builder.handshake(socket).await.unwrap()
    }

    async fn ask(&self) -> largestack_types::errors::Result<Vec<u8>> {
        body(self.transport.send(request(&self.url)).await?).await
    }
}

fn answer(respond: &mut SendResponse<Bytes>) -> SendStream<Bytes> {
    respond.send_response(http::Response::new(()), false).unwrap()
}

fn answer_whole(respond: &mut SendResponse<Bytes>) {
    answer(respond).send_data(Bytes::from_static(b"{}"), true).unwrap();
}

/// Goes on with a connection for the sake of the other side.
async fn go_on(mut server: Server) {
    while let Some(Ok(_)) = server.accept().await {}
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn many_requests_share_one_connection_and_wait_where_only_so_many_are_allowed() {
    let ground = Ground::new().await;
    let most = 3;
    let (open, seen) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let serve = async {
        let mut server = ground.accept(Builder::new().max_concurrent_streams(most)).await;
        let mut held = Vec::new();
        while let Some(Ok((_, respond))) = server.accept().await {
            let now = open.fetch_add(1, Ordering::SeqCst) + 1;
            assert!(now <= 3, "{now} at once");
            held.push(respond);
            if seen.fetch_add(1, Ordering::SeqCst) % 3 == 2 {
                open.fetch_sub(held.len(), Ordering::SeqCst);
                held.drain(..).for_each(|mut respond| answer_whole(&mut respond));
            }
        }
    };
    // The first makes the connection and hears how many are allowed.
    let warm = join_all((0..3).map(|_| ground.ask()));
    let asked = async {
        let mut all = warm.await;
        all.extend(join_all((0..12).map(|_| ground.ask())).await);
        all
    };
    tokio::select! {
        () = serve => panic!("the connection ended"),
        all = asked => assert!(all.iter().all(|answer| answer.as_deref() == Ok(b"{}"))),
    }
    assert_eq!(seen.load(Ordering::SeqCst), 15);
}

#[tokio::test]
async fn a_request_that_was_refused_unread_may_go_out_again_and_one_that_broke_off_may_not() {
    let ground = Ground::new().await;
    for (reason, code) in
        [(Reason::REFUSED_STREAM, Some(unsent::UNREAD)), (Reason::INTERNAL_ERROR, None)]
    {
        let serve = async {
            let mut server = ground.accept(&Builder::new()).await;
            let (_, mut respond) = server.accept().await.unwrap().unwrap();
            respond.send_reset(reason);
            go_on(server).await;
        };
        let failed = tokio::select! {
            () = serve => unreachable!("it goes on"),
            asked = ground.ask() => failure(asked.unwrap_err()),
        };
        assert_eq!((failed.provider_code.as_deref(), failed.transient), (code, true));
    }
}

#[tokio::test]
async fn a_server_that_says_good_bye_answers_what_it_has_and_the_next_request_connects_anew() {
    let ground = Ground::new().await;
    let serve = async {
        let mut first = ground.accept(&Builder::new()).await;
        let (_, mut respond) = first.accept().await.unwrap().unwrap();
        first.graceful_shutdown();
        answer_whole(&mut respond);
        let second = async {
            let mut second = ground.accept(&Builder::new()).await;
            let (_, mut respond) = second.accept().await.unwrap().unwrap();
            answer_whole(&mut respond);
            go_on(second).await;
        };
        let (_, ()) = tokio::join!(first.accept(), second);
    };
    let asked = async {
        assert_eq!(ground.ask().await.unwrap(), b"{}");
        assert_eq!(ground.ask().await.unwrap(), b"{}");
    };
    tokio::select! {
        () = serve => unreachable!("it goes on"),
        () = asked => {}
    }
}

#[tokio::test]
async fn a_connection_that_is_given_up_for_an_error_takes_its_requests_along() {
    let ground = Ground::new().await;
    let serve = async {
        let mut server = ground.accept(&Builder::new()).await;
        let held = server.accept().await.unwrap().unwrap();
        server.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
        let _ = server.accept().await;
        drop(held);
        std::future::pending::<()>().await;
    };
    let failed = tokio::select! {
        () = serve => unreachable!("it goes on"),
        asked = ground.ask() => failure(asked.unwrap_err()),
    };
    // It was read: nobody knows what became of it.
    assert_eq!((failed.provider_code, failed.transient), (None, true));
}

#[tokio::test]
async fn dropping_the_future_or_the_body_resets_the_stream_and_keeps_the_connection() {
    let ground = Ground::new().await;
    let (head, mut heads) = tokio::sync::mpsc::unbounded_channel();
    let (reset, mut resets) = tokio::sync::mpsc::unbounded_channel();
    let serve = async {
        let mut server = ground.accept(&Builder::new()).await;
        let mut streams = Vec::new();
        while let Some(Ok((request, mut respond))) = server.accept().await {
            // The first is never answered, the second gets a beginning, the third everything.
            match streams.len() {
                0 => {
                    let (head, reset) = (head.clone(), reset.clone());
                    tokio::runtime::Handle::current().spawn(async move {
                        head.send(()).unwrap();
                        let reason = futures::future::poll_fn(|cx| respond.poll_reset(cx)).await;
                        reset.send(reason.unwrap()).unwrap();
                    });
                }
                1 => {
                    let reset = reset.clone();
                    let mut stream = answer(&mut respond);
                    stream.send_data(Bytes::from_static(b"beginning"), false).unwrap();
                    tokio::runtime::Handle::current().spawn(async move {
                        let reason = futures::future::poll_fn(|cx| stream.poll_reset(cx)).await;
                        reset.send(reason.unwrap()).unwrap();
                    });
                }
                _ => answer_whole(&mut respond),
            }
            streams.push(request);
        }
    };
    let ask = async {
        let mut sending = ground.transport.send(request(&ground.url));
        tokio::select! {
            _ = &mut sending => panic!("nothing was answered"),
            _ = heads.recv() => {}
        }
        drop(sending);
        assert_eq!(resets.recv().await, Some(Reason::CANCEL));
        let mut response = ground.transport.send(request(&ground.url)).await.unwrap();
        assert_eq!(response.body.next().await.unwrap().unwrap(), "beginning");
        drop(response);
        assert_eq!(resets.recv().await, Some(Reason::CANCEL));
        assert_eq!(ground.ask().await.unwrap(), b"{}");
    };
    tokio::select! {
        () = serve => panic!("the connection ended"),
        () = ask => {}
    }
}

#[tokio::test]
async fn who_does_not_read_is_not_sent_without_end() {
    const WHOLE: usize = 32 << 20;
    // hyper's window for a connection; a stream's is smaller.
    const WINDOW: usize = 5 << 20;
    let ground = Ground::new().await;
    let sent = Arc::new(AtomicUsize::new(0));
    let serve = async {
        let mut server = ground.accept(&Builder::new()).await;
        let (_, mut respond) = server.accept().await.unwrap().unwrap();
        let mut stream = answer(&mut respond);
        let sent = sent.clone();
        tokio::runtime::Handle::current().spawn(async move {
            let mut left = WHOLE;
            while left > 0 {
                stream.reserve_capacity(left.min(1 << 20));
                let room = futures::future::poll_fn(|cx| stream.poll_capacity(cx)).await;
                let room = room.unwrap().unwrap().min(left);
                left -= room;
                sent.fetch_add(room, Ordering::SeqCst);
                stream.send_data(Bytes::from(vec![b'x'; room]), left == 0).unwrap();
            }
        });
        go_on(server).await;
    };
    let ask = async {
        let response = ground.transport.send(request(&ground.url)).await.unwrap();
        // Whatever could come without being read has every chance to.
        for _ in 0..2_000 {
            tokio::task::yield_now().await;
        }
        let before = sent.load(Ordering::SeqCst);
        assert!(before <= WINDOW, "{before} bytes went to somebody who did not read");
        assert_eq!(body(response).await.unwrap().len(), WHOLE);
    };
    tokio::select! {
        () = serve => unreachable!("it goes on"),
        () = ask => {}
    }
}
