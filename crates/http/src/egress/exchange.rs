//! One request to one address, and as much of its answer as is wanted.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::future::{Either, select};
use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue,
    USER_AGENT,
};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::rt::{Read, Write};
use hyper_util::rt::TokioIo;
use largestack_ports::egress::{EgressError, Errand, Fetched};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;

use super::redirect;
use super::target::Target;
use crate::connect::Via;
use crate::network::Network;
use crate::transport::AGENT;
use crate::unzip::{self, Unzip};

/// The longest head of an answer, in bytes.
const MAX_HEAD: usize = 64 << 10;

/// A request that is about to go out.
pub(super) struct Exchange<'a> {
    pub(super) network: &'a Network,
    pub(super) tls: Option<Arc<ClientConfig>>,
    pub(super) target: &'a Target,
    pub(super) errand: &'a Errand,
}

/// What came of it.
pub(super) enum Answer {
    Fetched(Box<Fetched>),
    Redirect { status: u16, location: String },
}

impl Exchange<'_> {
    /// Sends the request to this address.
    pub(super) async fn at(&self, address: SocketAddr) -> Result<Answer, EgressError> {
        let scheme = self.target.url.scheme();
        let uri: http::Uri = format!("{scheme}://{address}/")
            .parse()
            .map_err(|_| self.unreachable(&"no address"))?;
        let via = Via::new(self.network.proxy.clone());
        let socket =
            via.connect(uri).await.map_err(|error| self.unreachable(&innermost(&*error)))?;
        let Some(tls) = &self.tls else { return self.over(socket).await };
        // The certificate is for the host that was named, wherever it is.
        let name = ServerName::try_from(self.target.host.clone())
            .map_err(|_| self.unreachable(&"no certificate can be for it"))?;
        let secured = TlsConnector::from(Arc::clone(tls)).connect(name, socket.into_inner()).await;
        let secured =
            secured.map_err(|error| self.unreachable(&format!("no secure connection: {error}")))?;
        self.over(TokioIo::new(secured)).await
    }

    async fn over<S>(&self, stream: S) -> Result<Answer, EgressError>
    where
        S: Read + Write + Unpin + Send + 'static,
    {
        let request = self.request()?;
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(MAX_HEAD)
            .handshake(stream)
            .await
            .map_err(|error| self.unreachable(&error))?;
        let exchange = async {
            let response = sender
                .send_request(request)
                .await
                .map_err(|error| self.broken(&innermost(&error)))?;
            let (head, body) = response.into_parts();
            let status = head.status.as_u16();
            match redirect(status, &head.headers) {
                Some(location) => Ok(Answer::Redirect { status, location }),
                None => self.fetched(status, head.headers, body).await,
            }
        };
        // The connection is driven from here, and ends with this future.
        match select(pin!(exchange), pin!(connection)).await {
            Either::Left((answer, _)) => answer,
            Either::Right((_, exchange)) => exchange.await,
        }
    }

    fn request(&self) -> Result<http::Request<Full<Bytes>>, EgressError> {
        let wrong = |what: &str| EgressError::Address(format!("{what} is not valid"));
        let url = &self.target.url;
        let path = url.query().map_or(url.path().to_owned(), |q| format!("{}?{q}", url.path()));
        let body = Full::new(self.errand.body.clone().unwrap_or_default());
        let mut request = http::Request::new(body);
        *request.method_mut() =
            self.errand.method.parse().map_err(|_| wrong("the request's method"))?;
        *request.uri_mut() = path.parse().map_err(|_| wrong("the address's path"))?;
        let host = url.host_str().unwrap_or_default();
        let host = url.port().map_or(host.to_owned(), |port| format!("{host}:{port}"));
        let headers = request.headers_mut();
        headers.insert(HOST, HeaderValue::try_from(host).map_err(|_| wrong("the host"))?);
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(unzip::SPOKEN));
        let plain = self.errand.headers.iter().map(|(name, value)| (name, value.as_str(), false));
        let secret = self.errand.credentials.iter();
        let secret = secret.map(|(name, value)| (name, value.expose(), true));
        for (name, value, secret) in plain.chain(secret) {
            let name = HeaderName::try_from(name.as_str()).map_err(|_| wrong("a header's name"))?;
            let mut value = HeaderValue::try_from(value).map_err(|_| wrong("a header's value"))?;
            value.set_sensitive(secret);
            headers.insert(name, value);
        }
        Ok(request)
    }

    async fn fetched(
        &self,
        status: u16,
        headers: HeaderMap,
        body: Incoming,
    ) -> Result<Answer, EgressError> {
        let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().split(';').next().unwrap_or_default();
        let content_type = content_type.trim().to_ascii_lowercase();
        let accepts = self.errand.accepts;
        let good = accepts.is_empty()
            || content_type.is_empty()
            || accepts.iter().any(|beginning| content_type.starts_with(beginning));
        if !good {
            let host = self.target.host.clone();
            return Err(EgressError::Type { host, found: content_type });
        }
        let coding = headers.get(CONTENT_ENCODING);
        let unzip = coding.and_then(|name| Unzip::of(name.as_bytes(), u64::MAX));
        let (body, cut) = self.read(body, unzip).await?;
        let url = self.target.url.to_string();
        Ok(Answer::Fetched(Box::new(Fetched { status, url, headers, content_type, body, cut })))
    }

    /// As much of a body as is wanted, and whether there was more.
    async fn read(
        &self,
        mut body: Incoming,
        mut unzip: Option<Unzip>,
    ) -> Result<(Bytes, bool), EgressError> {
        let most = self.errand.most;
        let mut all = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| self.broken(&innermost(&error)))?;
            let Ok(chunk) = frame.into_data() else { continue };
            let chunk = match &mut unzip {
                Some(unzip) => unzip.chunk(&chunk).map_err(|error| self.broken(&error))?,
                None => chunk,
            };
            all.extend_from_slice(&chunk);
            if all.len() > most {
                all.truncate(most);
                return Ok((all.freeze(), true));
            }
        }
        if let Some(unzip) = &mut unzip {
            all.extend_from_slice(&unzip.end().map_err(|error| self.broken(&error))?);
        }
        let cut = all.len() > most;
        all.truncate(most);
        Ok((all.freeze(), cut))
    }

    fn unreachable(&self, why: &dyn ToString) -> EgressError {
        EgressError::Unreachable { host: self.target.host.clone(), detail: why.to_string() }
    }

    fn broken(&self, why: &dyn ToString) -> EgressError {
        EgressError::Broken { host: self.target.host.clone(), detail: why.to_string() }
    }
}

/// The cause at the root, which says most.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut root = error;
    while let Some(cause) = root.source() {
        root = cause;
    }
    root.to_string()
}
