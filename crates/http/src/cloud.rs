//! Credentials that are more than a key: AWS signatures, access tokens of Google Cloud and of
//! Microsoft Entra. A transport around a transport: it turns the request's kind of credentials
//! into ready headers, and fetches what it needs over the transport inside.

mod aws;
mod entra;
mod fetch;
mod google;
mod jwt;
mod sigv4;
mod token;

use std::fmt;
use std::sync::Arc;

use largestack_ports::BoxFuture;
use largestack_ports::clock::Clock;
use largestack_ports::transport::{Auth, Request, Response, Transport};
use largestack_ports::vault::Sensitive;
use largestack_types::errors::{ProviderAuthError, Result};

use crate::HttpTransport;
use crate::credentials::Credentials;

/// Where variables come from: the process's environment, or a table in a test.
pub type Variables = Arc<dyn Fn(&str) -> Option<Sensitive> + Send + Sync>;

/// Signs for AWS and brings tokens for Google Cloud and Azure.
pub struct CloudTransport {
    inner: HttpTransport,
    keys: Arc<dyn Credentials>,
    clock: Arc<dyn Clock>,
    aws: aws::Chain,
    google: google::Source,
    entra: entra::Source,
}

impl CloudTransport {
    /// Credentials as `variables` name them, over `inner`. A key that is configured for a provider
    /// goes before them, as its bearer token.
    pub fn new(inner: HttpTransport, clock: Arc<dyn Clock>, variables: Variables) -> Self {
        Self {
            keys: inner.credentials(),
            inner,
            aws: aws::Chain::new(variables.clone()),
            google: google::Source::new(variables.clone()),
            entra: entra::Source::new(variables),
            clock,
        }
    }

    async fn with_credentials(&self, mut request: Request) -> Result<Request> {
        let key = self.keys.key(&request.provider)?.filter(|key| !key.expose().is_empty());
        let bearer = |token: &Sensitive| {
            Auth::Ready(vec![(
                "authorization",
                Sensitive::new(format!("Bearer {}", token.expose())),
            )])
        };
        let now = self.clock.now();
        let ready = match (&request.auth, key) {
            (Auth::SigV4 { .. } | Auth::GoogleCloud, Some(key)) => bearer(&key),
            (Auth::Azure, Some(key)) => Auth::Ready(vec![("api-key", key)]),
            (Auth::SigV4 { service, region }, None) => {
                let keys = self.aws.keys(&self.inner, now, region).await;
                let keys = keys.map_err(|detail| self.missing(&request, detail))?;
                let signed = sigv4::sign(&request, &keys, service, region, now);
                Auth::Ready(signed.map_err(|detail| self.missing(&request, detail))?)
            }
            (Auth::GoogleCloud, None) => {
                let token = self.google.token(&self.inner, now).await;
                bearer(&token.map_err(|detail| self.missing(&request, detail))?)
            }
            (Auth::Azure, None) => {
                let token = self.entra.token(&self.inner, now).await;
                bearer(&token.map_err(|detail| self.missing(&request, detail))?)
            }
            _ => return Ok(request),
        };
        request.auth = ready;
        Ok(request)
    }

    fn missing(&self, request: &Request, detail: String) -> ProviderAuthError {
        ProviderAuthError {
            provider: request.provider.clone(),
            detail,
            key_variable: self.keys.variable(&request.provider),
        }
    }
}

impl Transport for CloudTransport {
    fn authorised(&self, request: Request) -> BoxFuture<'_, Result<Request>> {
        Box::pin(self.with_credentials(request))
    }

    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        if !request.auth.is_fetched() {
            return self.inner.send(request);
        }
        Box::pin(async move {
            let request = self.with_credentials(request).await?;
            self.inner.send(request).await
        })
    }
}

impl fmt::Debug for CloudTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudTransport").field("inner", &self.inner).finish_non_exhaustive()
    }
}
