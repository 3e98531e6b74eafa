//! The way to a provider: one prepared request, a head, and a body in chunks.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::BoxStream;
use http::HeaderMap;
use largestack_types::errors::Result;

use crate::BoxFuture;
use crate::vault::Sensitive;

/// A prepared HTTP request, without credentials.
#[derive(Clone, Debug)]
pub struct Request {
    /// The row of the provider table: names errors and picks credentials.
    pub provider: Arc<str>,
    /// Always `POST` for model calls; `GET` for lists of models.
    pub method: Method,
    /// The whole address.
    pub url: Arc<str>,
    /// Headers beside credentials.
    pub headers: Vec<(Cow<'static, str>, Cow<'static, str>)>,
    /// How the credentials are applied.
    pub auth: Auth,
    /// The body.
    pub body: Bytes,
    /// Limits of time.
    pub timeouts: Timeouts,
}

/// The method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads.
    Get,
    /// Sends.
    Post,
    /// Puts: metadata services want it for a token.
    Put,
}

/// How credentials are applied to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// None.
    None,
    /// `Authorization: Bearer <key>`.
    Bearer,
    /// The key in a header of this name.
    Header(Arc<str>),
    /// AWS Signature Version 4.
    SigV4 {
        /// The service that is signed for, e.g. `bedrock`.
        service: Arc<str>,
        /// Its region.
        region: Arc<str>,
    },
    /// `Authorization: Bearer <token>` with an access token of Google Cloud.
    GoogleCloud,
    /// The key in the header `api-key`, else an access token of Microsoft Entra.
    Azure,
    /// Headers that carry the credentials already.
    Ready(Vec<(&'static str, Sensitive)>),
}

impl Auth {
    /// Whether others may have to be asked for the credentials.
    pub const fn is_fetched(&self) -> bool {
        matches!(self, Self::SigV4 { .. } | Self::GoogleCloud | Self::Azure)
    }
}

/// How long each part of an exchange may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until the connection stands.
    pub connect: Duration,
    /// From the request until the head of the reply.
    pub first_byte: Duration,
    /// From one chunk of the body to the next.
    pub idle: Duration,
    /// For the whole exchange.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_mins(2),
            idle: Duration::from_mins(1),
            total: Duration::from_mins(10),
        }
    }
}

/// A response: its head, and its body in chunks of any size.
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// The body; ends early with an error.
    pub body: BoxStream<'static, Result<Bytes>>,
}

/// Sends requests. Dropping the future or the body ends the exchange.
pub trait Transport: Send + Sync + 'static {
    /// Gets the credentials of a request that have to be fetched ([`Auth::is_fetched`]), which takes
    /// time in which nothing of it leaves. Whoever does not ask for it has it done by
    /// [`Transport::send`].
    fn authorised(&self, request: Request) -> BoxFuture<'_, Result<Request>> {
        Box::pin(std::future::ready(Ok(request)))
    }

    /// Sends one request. Errors are of the transport only (`ProviderError`,
    /// `ProviderTimeoutError`, `ProviderAuthError` when no key is configured): a status of 500 is
    /// an answer. `ProviderAuthError` and errors of any other kind (a store of keys that does not
    /// open) say that nothing was sent.
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>>;
}
