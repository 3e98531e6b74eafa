//! The transport port over reqwest: applies credentials, sends once, and hands the body on as it
//! comes. Dropping the future or the body ends the exchange.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use largestack_ports::BoxFuture;
use largestack_ports::transport::{Auth, Method, Request, Response, Transport};
use largestack_types::errors::{ProviderAuthError, Result};
use reqwest::Url;
use tokio::time::{Instant, timeout_at};

use crate::body::TimedBody;
use crate::clients::{Clients, Network};
use crate::credentials::Credentials;
use crate::fault;

/// Addresses kept parsed. There is one for each provider that is used.
const MAX_ADDRESSES: usize = 256;

/// HTTP/1.1 and HTTP/2 with TLS, kept-alive connections and gzip, over one pool of connections.
pub struct ReqwestTransport {
    credentials: Box<dyn Credentials>,
    clients: Clients,
    addresses: Mutex<HashMap<Arc<str>, Url>>,
}

impl ReqwestTransport {
    /// A transport that talks to providers directly. Costs nothing until the first request.
    pub fn new(credentials: impl Credentials) -> Self {
        Self::over(Network::default(), credentials)
    }

    /// A transport over a network that is described.
    pub fn over(network: Network, credentials: impl Credentials) -> Self {
        Self {
            credentials: Box::new(credentials),
            clients: Clients::new(network),
            addresses: Mutex::default(),
        }
    }

    fn address(&self, request: &Request) -> Result<Url> {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(url) = addresses.get(&request.url) {
            return Ok(url.clone());
        }
        let url = Url::parse(&request.url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| fault::unusable(&request.provider, "its base URL is not an address"))?;
        if addresses.len() >= MAX_ADDRESSES {
            addresses.clear();
        }
        addresses.insert(request.url.clone(), url.clone());
        Ok(url)
    }

    /// The header that carries the key. A provider that needs none gets one that is configured
    /// all the same, as a bearer token: a local server may sit behind a proxy that asks for it.
    fn authorisation(&self, request: &Request) -> Result<Option<(HeaderName, HeaderValue)>> {
        let wrong = |detail: &str| ProviderAuthError {
            provider: request.provider.clone(),
            detail: detail.to_owned(),
            key_variable: self.credentials.variable(&request.provider),
        };
        let key = self.credentials.key(&request.provider);
        let Some(key) = key.filter(|key| !key.expose().is_empty()) else {
            return match request.auth {
                Auth::None => Ok(None),
                _ => Err(wrong("").into()),
            };
        };
        let (name, value) = match &request.auth {
            Auth::None | Auth::Bearer => (AUTHORIZATION, format!("Bearer {}", key.expose())),
            Auth::Header(name) => {
                let name = HeaderName::from_bytes(name.as_bytes());
                let name =
                    name.map_err(|_| wrong("the provider's key header has no valid name"))?;
                (name, key.expose().to_owned())
            }
        };
        let mut value = HeaderValue::try_from(value)
            .map_err(|_| wrong("the key holds characters that no header can carry"))?;
        value.set_sensitive(true);
        Ok(Some((name, value)))
    }

    fn prepare(&self, request: &mut Request) -> Result<reqwest::Request> {
        let authorisation = self.authorisation(request)?;
        let method = match request.method {
            Method::Get => http::Method::GET,
            Method::Post => http::Method::POST,
        };
        let mut prepared = reqwest::Request::new(method, self.address(request)?);
        let headers = prepared.headers_mut();
        for (name, value) in std::mem::take(&mut request.headers) {
            let name = HeaderName::from_bytes(name.as_bytes());
            match (name, HeaderValue::try_from(value)) {
                (Ok(name), Ok(value)) => headers.append(name, value),
                _ => return Err(fault::unusable(&request.provider, "a header is not valid")),
            };
        }
        headers.extend(authorisation.map(|(name, value)| (Some(name), value)));
        if request.method == Method::Post {
            *prepared.body_mut() = Some(std::mem::take(&mut request.body).into());
        }
        Ok(prepared)
    }

    async fn exchange(&self, mut request: Request) -> Result<Response> {
        let prepared = self.prepare(&mut request)?;
        let Request { provider, timeouts, .. } = request;
        let client = self
            .clients
            .get(timeouts.connect, prepared.url().scheme() == "https")
            .map_err(|error| fault::of(&provider, &error, timeouts.connect))?;
        let started = Instant::now();
        let (first, end) = (started + timeouts.first_byte, started + timeouts.total);
        let response = match timeout_at(first.min(end), client.execute(prepared)).await {
            Ok(answered) => {
                answered.map_err(|error| fault::of(&provider, &error, timeouts.connect))?
            }
            Err(_) if end < first => {
                return Err(fault::timeout(&provider, "the whole reply", timeouts.total));
            }
            Err(_) => return Err(fault::timeout(&provider, "first byte", timeouts.first_byte)),
        };
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        Ok(Response {
            status: response.status().as_u16(),
            headers: response
                .headers()
                .iter()
                .map(|(name, value)| (name.as_str().to_owned(), text(value)))
                .collect(),
            body: Box::pin(TimedBody::new(response.bytes_stream(), provider, timeouts, end)),
        })
    }
}

impl fmt::Debug for ReqwestTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestTransport").field("clients", &self.clients).finish_non_exhaustive()
    }
}

impl Transport for ReqwestTransport {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        Box::pin(self.exchange(request))
    }
}
