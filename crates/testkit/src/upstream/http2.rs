//! A provider that speaks HTTP/2 over TLS, and says good-bye in every way there is: what a load
//! balancer does when it is drained, restarted or cross (RFC 9113, section 6.8). It answers from a
//! script in the protocol of the request, as the other one does.

use std::collections::VecDeque;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use h2::server::{Connection, SendResponse};
use h2::{Reason, RecvStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::answer::Answer;
use super::received::Received;

mod certificate;

/// What becomes of the connection around an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Farewell {
    /// It goes on.
    #[default]
    None,
    /// `GOAWAY` while the answer is on its way, which is given whole.
    Draining,
    /// The request is refused unread (`REFUSED_STREAM`), then `GOAWAY`.
    Unread,
    /// `GOAWAY` with an error in place of an answer.
    InPlaceOfAnAnswer,
    /// `GOAWAY` with an error when half the body is sent.
    Midway,
}

/// An HTTP/2 server that answers as it is told. Ends when it is dropped.
pub struct Http2Upstream {
    port: u16,
    authority: String,
    shared: Arc<Shared>,
    server: AbortHandle,
}

#[derive(Default)]
struct Shared {
    script: Mutex<VecDeque<(Answer, Farewell)>>,
    counts: Mutex<(usize, usize)>,
}

impl Shared {
    fn next(&self) -> (Answer, Farewell) {
        let next = self.script.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        next.unwrap_or_else(|| (Answer::error(500, "the script is over"), Farewell::None))
    }

    fn count(&self, change: impl FnOnce(&mut (usize, usize))) {
        change(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Http2Upstream {
    /// A server that gives the answers pushed to it, in order.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let (authority, config) = certificate::of_localhost().map_err(io::Error::other)?;
        let shared = Arc::new(Shared::default());
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let serving = accept(listener, acceptor, Arc::clone(&shared));
        let server = tokio::runtime::Handle::current().spawn(serving).abort_handle();
        Ok(Self { port, authority, shared, server })
    }

    /// Gives this answer to the next request that none was pushed for yet.
    pub fn push(&self, answer: impl Into<Answer>, farewell: Farewell) {
        let mut script = self.shared.script.lock().unwrap_or_else(PoisonError::into_inner);
        script.push_back((answer.into(), farewell));
    }

    /// The base URL of its chat interface.
    pub fn url(&self) -> String {
        format!("https://localhost:{}/v1", self.port)
    }

    /// The certificate, in PEM, of the authority that a client has to believe.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Connections accepted and requests begun so far.
    pub fn counts(&self) -> (usize, usize) {
        *self.shared.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Http2Upstream {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    // Connections end with the set, and so with the server.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((socket, _)) = accepted else { continue };
                shared.count(|(connections, _)| *connections += 1);
                let (acceptor, shared) = (acceptor.clone(), Arc::clone(&shared));
                // A client that goes away is none of the server's troubles.
                connections.spawn(async move { drop(serve(socket, acceptor, shared).await) });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

type Server = Connection<TlsStream<TcpStream>, Bytes>;

async fn serve(
    socket: TcpStream,
    acceptor: TlsAcceptor,
    shared: Arc<Shared>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let socket = acceptor.accept(socket).await?;
    let mut server: Server = h2::server::handshake(socket).await?;
    while let Some(request) = server.accept().await {
        let (request, respond) = request?;
        shared.count(|(_, requests)| *requests += 1);
        let (answer, farewell) = shared.next();
        answer_one(&mut server, request, respond, answer, farewell).await?;
    }
    Ok(())
}

async fn answer_one(
    server: &mut Server,
    request: http::Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    answer: Answer,
    farewell: Farewell,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    if farewell == Farewell::Unread {
        respond.send_reset(Reason::REFUSED_STREAM);
        server.graceful_shutdown();
        return Ok(());
    }
    let (head, body) = request.into_parts();
    // Frames of the body arrive while the connection is driven, and it is driven by `accept`:
    // nobody sends a second request before the first is read.
    let body = tokio::select! {
        body = whole(body) => body?,
        _ = server.accept() => return Err("the client went away".into()),
    };
    if farewell == Farewell::InPlaceOfAnAnswer {
        server.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
        return Ok(());
    }
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let received = Received::of(head.method.as_str(), path, body);
    let (status, headers, body) = answer.given(&received);
    let mut response = http::Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    let mut stream = respond.send_response(response.body(())?, false)?;
    match farewell {
        Farewell::Midway => {
            stream.send_data(body.slice(..body.len() / 2), false)?;
            // What was queued goes out before the connection is given up.
            std::future::poll_fn(|cx| {
                let _driven = server.poll_accept(cx);
                std::task::Poll::Ready(())
            })
            .await;
            server.abrupt_shutdown(Reason::INTERNAL_ERROR);
        }
        Farewell::Draining => {
            server.graceful_shutdown();
            stream.send_data(body, true)?;
        }
        _ => stream.send_data(body, true)?,
    }
    Ok(())
}

async fn whole(mut body: RecvStream) -> Result<Bytes, h2::Error> {
    let mut read = Vec::new();
    while let Some(piece) = body.data().await {
        let piece = piece?;
        read.extend_from_slice(&piece);
        body.flow_control().release_capacity(piece.len())?;
    }
    Ok(read.into())
}
