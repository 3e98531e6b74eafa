//! The HTTP clients behind the transport: made when first needed, then shared by every call,
//! because a client is a pool of connections.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{self, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::connect::{Limited, Via};

/// How the process reaches the network.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// The address of a proxy (`http://host:port`) through which every connection is tunnelled.
    /// The proxy variables of the environment are not read: a variable left over from elsewhere
    /// must not receive conversations.
    pub proxy: Option<String>,
}

/// A client that cannot be made: no certificates to trust, or no address of a proxy.
#[derive(Debug)]
pub(crate) struct NoClient(pub(crate) String);

/// What a client is built for. Connecting is limited by the client and not by the request, and
/// only `https` needs the system's certificates, which take long to load and may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kind {
    connect: Duration,
    secure: bool,
}

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

    fn build(&self, kind: Kind) -> Result<Client, NoClient> {
        let via = Via::new(self.network.proxy.as_deref())
            .ok_or_else(|| NoClient("the proxy's address is not one of HTTP".to_owned()))?;
        let mut builder = legacy::Client::builder(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(90))
            .http2_keep_alive_interval(Duration::from_secs(30));
        if !kind.secure {
            return Ok(Client::Plain(builder.build(Limited::new(via, kind.connect))));
        }
        let tls = HttpsConnectorBuilder::new()
            .try_with_platform_verifier()
            .map_err(|error| NoClient(format!("no certificates to trust: {error}")))?;
        let connector = tls.https_only().enable_all_versions().wrap_connector(via);
        Ok(Client::Secure(builder.build(Limited::new(connector, kind.connect))))
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients").field("network", &self.network).finish_non_exhaustive()
    }
}
