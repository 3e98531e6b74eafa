//! The HTTP clients behind the transport: made when first needed, then shared by every call,
//! because a client is a pool of connections.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use http_body_util::Full;
use hyper::rt::{Read, Write};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::Connection;
use hyper_util::client::legacy::{self, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tower::Service;

use crate::connect::{AnyError, Limited, Via};
use crate::network::{Limits, Network};
use crate::tls;

/// A client that cannot be made: no certificates to trust.
#[derive(Debug)]
pub(crate) struct NoClient(pub(crate) String);

/// What a client is built for. Connecting is limited by the client and not by the request, and
/// only `https` needs the system's certificates, which take long to load and may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kind {
    connect: Duration,
    secure: bool,
}

/// The longest head of a reply, in bytes.
const MAX_HEAD: usize = 128 << 10;
/// The kinds kept; providers of an installation share one connect limit, so two are usual.
const MAX_KINDS: usize = 8;

/// A pool of connections.
pub(crate) enum Client {
    Plain(legacy::Client<Limited<Via>, Full<Bytes>>),
    Secure(legacy::Client<Limited<HttpsConnector<Via>>, Full<Bytes>>),
}

impl Client {
    pub(crate) fn request(&self, request: http::Request<Full<Bytes>>) -> ResponseFuture {
        match self {
            Self::Plain(client) => client.request(request),
            Self::Secure(client) => client.request(request),
        }
    }
}

/// The clients of a transport.
#[derive(Default)]
pub(crate) struct Clients {
    network: Network,
    built: Mutex<Vec<(Kind, Arc<Client>)>>,
}

impl Clients {
    pub(crate) fn new(network: Network) -> Self {
        Self { network, built: Mutex::default() }
    }

    /// The client for a connect limit and scheme.
    pub(crate) fn get(&self, connect: Duration, secure: bool) -> Result<Arc<Client>, NoClient> {
        let kind = Kind { connect, secure };
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, client)) = built.iter().find(|(held, _)| *held == kind) {
            return Ok(Arc::clone(client));
        }
        let client = Arc::new(self.build(kind)?);
        if built.len() >= MAX_KINDS {
            built.remove(0);
        }
        built.push((kind, Arc::clone(&client)));
        Ok(client)
    }

    /// How large what goes and comes may be.
    pub(crate) const fn limits(&self) -> Limits {
        self.network.limits
    }

    fn build(&self, kind: Kind) -> Result<Client, NoClient> {
        let via = Via::new(self.network.proxy.clone());
        if !kind.secure {
            return Ok(Client::Plain(pooled(via, kind.connect)));
        }
        let config = tls::client(&self.network.trust).map_err(NoClient)?;
        let tls = HttpsConnectorBuilder::new().with_tls_config(config);
        let connector = tls.https_only().enable_all_versions().wrap_connector(via);
        Ok(Client::Secure(pooled(connector, kind.connect)))
    }
}

/// A pool over a way to connect.
fn pooled<C>(connector: C, connect: Duration) -> legacy::Client<Limited<C>, Full<Bytes>>
where
    C: Service<Uri, Error: Into<AnyError>, Future: Send + Unpin + 'static>
        + Clone
        + Send
        + Sync
        + 'static,
    C::Response: Read + Write + Connection + Unpin + Send + 'static,
{
    legacy::Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_secs(90))
        .http1_max_buf_size(MAX_HEAD)
        .http2_max_header_list_size(u32::try_from(MAX_HEAD).unwrap_or(u32::MAX))
        .http2_keep_alive_interval(Duration::from_secs(30))
        .build(Limited::new(connector, connect))
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients").field("network", &self.network).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
