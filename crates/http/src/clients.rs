//! The reqwest clients behind the transport: made when first needed, then shared by every call,
//! because a client is a pool of connections.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::{Client, redirect};

/// How the process reaches the network.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// The address of a proxy for every request. The proxy variables of the environment are not
    /// read: a variable left over from elsewhere must not receive conversations.
    pub proxy: Option<String>,
}

/// What a client is built for. Connecting is limited by the client and not by the request, and
/// only `https` needs the system's certificates, which take long to load and may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kind {
    connect: Duration,
    secure: bool,
}

/// The kinds kept; providers of an installation share one connect limit, so two are usual.
const MAX_KINDS: usize = 8;

/// The clients of a transport.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    network: Network,
    built: Mutex<Vec<(Kind, Client)>>,
}

impl Clients {
    pub(crate) fn new(network: Network) -> Self {
        Self { network, built: Mutex::default() }
    }

    /// The client for a connect limit and scheme.
    pub(crate) fn get(&self, connect: Duration, secure: bool) -> reqwest::Result<Client> {
        let kind = Kind { connect, secure };
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, client)) = built.iter().find(|(held, _)| *held == kind) {
            return Ok(client.clone());
        }
        let client = self.build(kind)?;
        if built.len() >= MAX_KINDS {
            built.remove(0);
        }
        built.push((kind, client.clone()));
        Ok(client)
    }

    fn build(&self, kind: Kind) -> reqwest::Result<Client> {
        let mut builder = Client::builder()
            .user_agent(concat!("largestack/", env!("CARGO_PKG_VERSION")))
            // A POST that follows a redirect may be turned into a GET, or carry the conversation
            // to another host.
            .redirect(redirect::Policy::none())
            .connect_timeout(kind.connect)
            .tcp_nodelay(true)
            .tcp_keepalive(Duration::from_secs(30))
            .pool_idle_timeout(Duration::from_secs(90))
            .http2_keep_alive_interval(Duration::from_secs(30))
            .no_proxy();
        if let Some(proxy) = &self.network.proxy {
            builder = builder.proxy(reqwest::Proxy::all(proxy)?);
        }
        if !kind.secure {
            builder = builder.tls_certs_only([]);
        }
        builder.build()
    }
}
