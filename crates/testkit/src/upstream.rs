//! A provider on the loopback: HTTP/1.1 by hand over a TCP socket, so that it can fail at an
//! exact byte, and fast enough to stand beside a bench. It speaks every protocol of
//! conversations, embeddings and rerankers, and tells by the path of a request which one is meant.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::AbortHandle;

mod answer;
mod connection;
mod found;
mod frames;
mod gzip;
mod http2;
mod protocol;
mod received;
mod reply;

pub use answer::Answer;
pub use found::FoundReply;
pub use frames::Place;
pub use http2::{Farewell, Http2Upstream};
pub use received::Received;
pub use reply::ChatReply;

/// A server that answers as it is told. Ends when it is dropped.
pub struct Upstream {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: AbortHandle,
}

type Handler = Box<dyn Fn(&Received) -> Answer + Send + Sync>;

/// What the server and its connections share.
pub(crate) struct Shared {
    script: Mutex<VecDeque<Answer>>,
    handler: Option<Handler>,
    records: AtomicBool,
    received: Mutex<Vec<Received>>,
    counts: watch::Sender<Counts>,
}

/// What has happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections accepted.
    pub connections: usize,
    /// Requests read to their end.
    pub requests: usize,
    /// Clients that went away before their answer was over.
    pub hang_ups: usize,
}

impl Shared {
    /// The answer to a request: the next of the script, else what the handler says.
    fn answer(&self, request: Received) -> Answer {
        let scripted = self.script.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let answer = scripted.unwrap_or_else(|| match &self.handler {
            Some(handler) => handler(&request),
            None => Answer::error(500, "the script is over"),
        });
        let answer = answer.for_request(&request);
        if self.records.load(Ordering::Relaxed) {
            self.received.lock().unwrap_or_else(PoisonError::into_inner).push(request);
        }
        self.count(|counts| counts.requests += 1);
        answer
    }

    fn count(&self, change: impl FnOnce(&mut Counts)) {
        self.counts.send_modify(change);
    }
}

impl Upstream {
    /// A server that gives the answers pushed to it, in order.
    pub async fn start() -> io::Result<Self> {
        Self::serve(None).await
    }

    /// A server that makes an answer of each request. What is pushed goes first.
    pub async fn answering(
        handler: impl Fn(&Received) -> Answer + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::serve(Some(Box::new(handler))).await
    }

    async fn serve(handler: Option<Handler>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            script: Mutex::default(),
            handler,
            records: AtomicBool::new(true),
            received: Mutex::default(),
            counts: watch::Sender::default(),
        });
        let server = tokio::runtime::Handle::current().spawn(accept(listener, shared.clone()));
        Ok(Self { address, shared, server: server.abort_handle() })
    }

    /// Gives this answer to the next request that none was pushed for yet.
    pub fn push(&self, answer: impl Into<Answer>) {
        self.shared.script.lock().unwrap_or_else(PoisonError::into_inner).push_back(answer.into());
    }

    /// Keeps no record of requests from now on: for benches.
    pub fn forget_requests(&self) {
        self.shared.records.store(false, Ordering::Relaxed);
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address as a URL.
    pub fn root(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The base URL of its chat interface.
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What has happened so far.
    pub fn counts(&self) -> Counts {
        *self.shared.counts.borrow()
    }

    /// Waits until this is true of what has happened.
    pub async fn until(&self, reached: impl FnMut(&Counts) -> bool) -> Counts {
        let mut watch = self.shared.counts.subscribe();
        let mut reached = reached;
        // The sender is held by `self`, so there is no error to hear of.
        match watch.wait_for(|counts| reached(counts)).await {
            Ok(counts) => *counts,
            Err(_) => self.counts(),
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Connections end with the set, and so with the server.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((socket, _)) = accepted else { continue };
                shared.count(|counts| counts.connections += 1);
                connections.spawn(connection::serve(socket, shared.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream")
            .field("address", &self.address)
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}
