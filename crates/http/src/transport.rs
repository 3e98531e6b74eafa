//! The transport port over hyper: applies credentials, sends once, and hands the body on as it
//! comes. Dropping the future or the body ends the exchange.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::Uri;
use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, HOST, HeaderMap, HeaderName, HeaderValue,
    USER_AGENT,
};
use http_body_util::Full;
use largestack_ports::BoxFuture;
use largestack_ports::transport::{Auth, Method, Request, Response, Transport};
use largestack_ports::vault::Sensitive;
use largestack_types::errors::{ProviderAuthError, Result};
use tokio::time::{Instant, timeout_at};

use crate::body::{Patience, TimedBody};
use crate::clients::Clients;
use crate::credentials::Credentials;
use crate::fault;
use crate::network::Network;
use crate::unzip::{self, Unzip};

/// Heads of requests kept ready. There is one for each provider that is used.
const MAX_HEADS: usize = 32;
/// Headers of a request that the provider's wire does not give.
const HEADERS: usize = 4;

/// HTTP/1.1 and HTTP/2 with TLS, kept-alive and compressed, over one pool of connections.
/// Redirects are answers: nobody follows them, because a conversation must not be carried to
/// another host.
pub struct HttpTransport {
    credentials: Arc<dyn Credentials>,
    clients: Clients,
    heads: Mutex<Vec<Head>>,
}

impl HttpTransport {
    /// A transport that talks to providers directly. Costs nothing until the first request.
    pub fn new(credentials: impl Credentials) -> Self {
        Self::over(Network::default(), credentials)
    }

    /// A transport over a network that is described.
    pub fn over(network: Network, credentials: impl Credentials) -> Self {
        Self {
            credentials: Arc::new(credentials),
            clients: Clients::new(network),
            heads: Mutex::default(),
        }
    }

    /// Where its keys come from.
    pub(crate) fn credentials(&self) -> Arc<dyn Credentials> {
        Arc::clone(&self.credentials)
    }

    /// The address and all headers, made once for requests that are alike but for their body.
    fn head(&self, request: &Request) -> Result<(Uri, HeaderMap)> {
        if let Auth::Ready(credentials) = &request.auth {
            return ready(request, credentials);
        }
        let key = self.credentials.key(&request.provider)?.filter(|key| !key.expose().is_empty());
        let mut heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        let known = heads.iter().find(|head| head.fits(request, key.as_ref()));
        if let Some(head) = known {
            return Ok((head.uri.clone(), head.headers.clone()));
        }
        let uri = address(request)?;
        let mut headers = common(request)?;
        headers.extend(host(&uri));
        let authorisation = self.authorisation(request, key.as_ref())?;
        headers.extend(authorisation.map(|(name, value)| (Some(name), value)));
        // A key that was rotated away is not kept.
        heads.retain(|head| head.url != request.url || head.key == key);
        if heads.len() >= MAX_HEADS {
            heads.remove(0);
        }
        heads.push(Head {
            url: request.url.clone(),
            auth: request.auth.clone(),
            given: request.headers.clone(),
            key,
            uri: uri.clone(),
            headers: headers.clone(),
        });
        Ok((uri, headers))
    }

    /// The header that carries the key. A provider that needs none gets one that is configured
    /// all the same, as a bearer token: a local server may sit behind a proxy that asks for it.
    fn authorisation(
        &self,
        request: &Request,
        key: Option<&Sensitive>,
    ) -> Result<Option<(HeaderName, HeaderValue)>> {
        let wrong = |detail: &str| ProviderAuthError {
            provider: request.provider.clone(),
            detail: detail.to_owned(),
            key_variable: self.credentials.variable(&request.provider),
        };
        let Some(key) = key else {
            return match request.auth {
                Auth::None => Ok(None),
                _ => Err(wrong("there is none").into()),
            };
        };
        let (name, value) = match &request.auth {
            Auth::None | Auth::Bearer => (AUTHORIZATION, format!("Bearer {}", key.expose())),
            Auth::SigV4 { .. } | Auth::GoogleCloud | Auth::Azure | Auth::Ready(_) => {
                return Err(wrong("its kind of credentials needs a cloud transport").into());
            }
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

    fn prepare(&self, request: &mut Request) -> Result<http::Request<Full<Bytes>>> {
        let (method, body) = match request.method {
            Method::Get => (http::Method::GET, Bytes::new()),
            Method::Post => (http::Method::POST, std::mem::take(&mut request.body)),
            Method::Put => (http::Method::PUT, std::mem::take(&mut request.body)),
        };
        let (uri, headers) = self.head(request)?;
        let mut prepared = http::Request::new(Full::new(body));
        *prepared.method_mut() = method;
        *prepared.uri_mut() = uri;
        *prepared.headers_mut() = headers;
        Ok(prepared)
    }

    async fn exchange(&self, mut request: Request) -> Result<Response> {
        if request.body.len() > self.clients.limits().request {
            return Err(fault::too_large(&request.provider, self.clients.limits().request));
        }
        let prepared = self.prepare(&mut request)?;
        let Request { provider, timeouts, .. } = request;
        let secure = prepared.uri().scheme_str() == Some("https");
        let client = self
            .clients
            .get(timeouts.connect, secure)
            .map_err(|error| fault::unusable(&provider, error.0))?;
        let started = Instant::now();
        let (first, end) = (started + timeouts.first_byte, started + timeouts.total);
        let response = match timeout_at(first.min(end), client.request(prepared)).await {
            Ok(answered) => {
                answered.map_err(|error| fault::sending(&provider, &error, timeouts.connect))?
            }
            // A reply that comes whole begins when it is finished: both limits are one then.
            Err(_) if end <= first => {
                return Err(fault::timeout(&provider, "the whole reply", timeouts.total));
            }
            Err(_) => return Err(fault::timeout(&provider, "first byte", timeouts.first_byte)),
        };
        let (head, body) = response.into_parts();
        let most = self.clients.limits().reply;
        let unzip =
            head.headers.get(CONTENT_ENCODING).and_then(|name| Unzip::of(name.as_bytes(), most));
        let body = TimedBody::new(body, unzip, most, Patience { provider, timeouts, end });
        Ok(Response { status: head.status.as_u16(), headers: head.headers, body: Box::pin(body) })
    }
}

/// What requests to one address have in common.
struct Head {
    url: Arc<str>,
    auth: Auth,
    given: Vec<(Cow<'static, str>, Cow<'static, str>)>,
    key: Option<Sensitive>,
    uri: Uri,
    headers: HeaderMap,
}

impl Head {
    fn fits(&self, request: &Request, key: Option<&Sensitive>) -> bool {
        self.url == request.url
            && self.auth == request.auth
            && self.given == request.headers
            && self.key.as_ref() == key
    }
}

/// The head of a request whose credentials are of this request alone.
fn ready(request: &Request, credentials: &[(&'static str, Sensitive)]) -> Result<(Uri, HeaderMap)> {
    let mut headers = common(request)?;
    for (name, value) in credentials {
        let mut value = HeaderValue::try_from(value.expose())
            .map_err(|_| fault::unusable(&request.provider, "its credentials fit no header"))?;
        value.set_sensitive(true);
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok((address(request)?, headers))
}

/// The headers of a request but for its credentials.
fn common(request: &Request) -> Result<HeaderMap> {
    // Room for one more: the client looks for a place for the host's name before it sees that there
    // is one, and what is full then grows, for every request anew.
    let mut headers = HeaderMap::with_capacity(HEADERS + request.headers.len() + 1);
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(unzip::SPOKEN));
    for (name, value) in &request.headers {
        match (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
            (Ok(name), Ok(value)) => headers.append(name, value),
            _ => return Err(fault::unusable(&request.provider, "a header is not valid")),
        };
    }
    Ok(headers)
}

fn address(request: &Request) -> Result<Uri> {
    let uri: Option<Uri> = request.url.parse().ok();
    uri.filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")))
        .filter(|uri| uri.host().is_some_and(|host| !host.is_empty()))
        .ok_or_else(|| fault::unusable(&request.provider, "its base URL is not an address"))
}

/// The header that names the host, where it is known that the request will have one: what goes over
/// TLS may be HTTP/2, which names it otherwise.
fn host(uri: &Uri) -> Option<(HeaderName, HeaderValue)> {
    let authority = uri.authority().filter(|_| uri.scheme_str() == Some("http"))?;
    // A name and a password in an address are nobody's business.
    let host = match authority.port_u16() {
        None | Some(80) => HeaderValue::try_from(authority.host()),
        Some(port) => HeaderValue::try_from(format!("{}:{port}", authority.host())),
    };
    host.ok().map(|host| (HOST, host))
}

pub(crate) const AGENT: &str = concat!("largestack/", env!("CARGO_PKG_VERSION"));

impl fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpTransport").field("clients", &self.clients).finish_non_exhaustive()
    }
}

impl Transport for HttpTransport {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        Box::pin(self.exchange(request))
    }
}
