//! How connections are made: straight to the host, or through a proxy.

use std::error::Error;
use std::fmt;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::Service;

use crate::network::Proxy;

/// Makes connections.
#[derive(Clone)]
pub(crate) struct Via {
    direct: HttpConnector,
    proxy: Option<Proxy>,
}

impl Via {
    pub(crate) fn new(proxy: Option<Proxy>) -> Self {
        let mut direct = HttpConnector::new();
        // The layer above knows about `https`.
        direct.enforce_http(false);
        // Without it the end of a request waits for an acknowledgement of its beginning.
        direct.set_nodelay(true);
        direct.set_keepalive(Some(Duration::from_secs(30)));
        Self { direct, proxy }
    }

    /// A connection to the host that an address names.
    pub(crate) async fn connect(mut self, address: Uri) -> Result<TokioIo<TcpStream>, AnyError> {
        let through = self.proxy.as_ref().and_then(|proxy| proxy.matcher.intercept(&address));
        let Some(through) = through else {
            return self.direct.call(address).await.map_err(Into::into);
        };
        proxied(self.direct, &through, with_port(address)).await.map_err(|e| ProxyFailed(e).into())
    }
}

async fn proxied(
    direct: HttpConnector,
    through: &Intercept,
    address: Uri,
) -> Result<TokioIo<TcpStream>, AnyError> {
    let proxy = through.uri().clone();
    if proxy.scheme_str() == Some("http") {
        let mut tunnel = Tunnel::new(proxy, direct);
        if let Some(credentials) = through.basic_auth() {
            tunnel = tunnel.with_auth(credentials.clone());
        }
        return tunnel.call(address).await.map_err(Into::into);
    }
    let mut socks = SocksV5::new(proxy, direct);
    if let Some((user, password)) = through.raw_auth() {
        socks = socks.with_auth(user.to_owned(), password.to_owned());
    }
    socks.call(address).await.map_err(|error| error.to_string().into())
}

pub(crate) type AnyError = Box<dyn Error + Send + Sync>;

/// The proxy cannot be reached, or does not do what it is asked.
#[derive(Debug)]
pub(crate) struct ProxyFailed(AnyError);

impl fmt::Display for ProxyFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the proxy failed")
    }
}

impl Error for ProxyFailed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

/// A connector whose every step (the address, the socket, a tunnel, TLS) has to be over in time.
#[derive(Clone)]
pub(crate) struct Limited<C> {
    inner: C,
    limit: Duration,
}

impl<C> Limited<C> {
    pub(crate) const fn new(inner: C, limit: Duration) -> Self {
        Self { inner, limit }
    }
}

impl<C> Service<Uri> for Limited<C>
where
    C: Service<Uri, Error: Into<AnyError>, Future: Send + 'static>,
{
    type Response = C::Response;
    type Error = AnyError;
    type Future = BoxFuture<'static, Result<C::Response, AnyError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), AnyError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        let made = tokio::time::timeout(self.limit, self.inner.call(address));
        async move {
            match made.await {
                Ok(made) => made.map_err(Into::into),
                Err(late) => Err(std::io::Error::new(std::io::ErrorKind::TimedOut, late).into()),
            }
        }
        .boxed()
    }
}

impl Service<Uri> for Via {
    type Response = TokioIo<TcpStream>;
    type Error = AnyError;
    type Future = BoxFuture<'static, Result<Self::Response, AnyError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), AnyError>> {
        self.direct.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        self.clone().connect(address).boxed()
    }
}

/// The address with its port: a proxy is told one, and takes no scheme's for granted.
fn with_port(address: Uri) -> Uri {
    let port = if address.scheme_str() == Some("http") { 80 } else { 443 };
    let host = address.host().filter(|_| address.port().is_none());
    let Some(authority) = host.map(|host| format!("{host}:{port}")) else { return address };
    let mut parts = address.into_parts();
    parts.authority = authority.parse().ok();
    Uri::from_parts(parts).unwrap_or_default()
}

#[cfg(test)]
mod tests;
