//! How connections are made: straight to the host, or through a proxy's tunnel.

use std::error::Error;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::Service;

/// Makes connections.
#[derive(Clone)]
pub(crate) enum Via {
    Direct(HttpConnector),
    Proxy(Tunnel<HttpConnector>),
}

impl Via {
    /// `None` when the proxy's address is not one.
    pub(crate) fn new(proxy: Option<&str>) -> Option<Self> {
        let mut connector = HttpConnector::new();
        // The layer above knows about `https`.
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_keepalive(Some(Duration::from_secs(30)));
        let Some(proxy) = proxy else { return Some(Self::Direct(connector)) };
        let address: Uri = proxy.parse().ok()?;
        let usable = address.scheme_str() == Some("http") && address.host().is_some();
        usable.then(|| Self::Proxy(Tunnel::new(address, connector)))
    }
}

type AnyError = Box<dyn Error + Send + Sync>;

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
        match self {
            Self::Direct(connector) => connector.poll_ready(cx).map_err(Into::into),
            Self::Proxy(tunnel) => tunnel.poll_ready(cx).map_err(Into::into),
        }
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        match self {
            Self::Direct(connector) => {
                connector.call(address).map(|made| made.map_err(Into::into)).boxed()
            }
            Self::Proxy(tunnel) => {
                let made = tunnel.call(with_port(address));
                async move { made.await.map_err(Into::into) }.boxed()
            }
        }
    }
}

/// The address with its port: a tunnel takes 443 for whatever names none.
fn with_port(address: Uri) -> Uri {
    let plain = address.scheme_str() == Some("http") && address.port().is_none();
    let Some(host) = address.host().filter(|_| plain) else { return address };
    let authority = format!("{host}:80");
    let mut parts = address.into_parts();
    parts.authority = authority.parse().ok();
    Uri::from_parts(parts).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tunnel_goes_to_the_port_of_the_scheme() {
        let with = |text: &str| with_port(text.parse().unwrap()).to_string();
        assert_eq!(with("http://a.example/v1"), "http://a.example:80/v1");
        assert_eq!(with("http://[::1]/v1"), "http://[::1]:80/v1");
        assert_eq!(with("http://a.example:8080/v1"), "http://a.example:8080/v1");
        assert_eq!(with("https://a.example/v1"), "https://a.example/v1");
    }
}
