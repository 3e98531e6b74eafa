//! Small requests to token services, over the same transport as everything else.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use largestack_ports::transport::{Auth, Method, Request, Timeouts, Transport};
use largestack_types::percent::encoded;
use serde::de::DeserializeOwned;

/// A token service answers at once or not at all.
const TIMEOUTS: Timeouts = Timeouts {
    connect: Duration::from_secs(2),
    first_byte: Duration::from_secs(5),
    idle: Duration::from_secs(5),
    total: Duration::from_secs(10),
};
/// As much of an answer is read.
const MOST: usize = 256 << 10;

/// One request to a token service.
pub(super) struct Ask<'a> {
    pub(super) who: &'a str,
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

impl<'a> Ask<'a> {
    pub(super) fn get(who: &'a str, url: impl Into<String>) -> Self {
        Self { who, method: Method::Get, url: url.into(), headers: Vec::new(), body: Vec::new() }
    }

    /// A form, as OAuth's token endpoints take it.
    pub(super) fn form(who: &'a str, url: impl Into<String>, fields: &[(&str, &str)]) -> Self {
        let pairs: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let kind = ("content-type", "application/x-www-form-urlencoded".to_owned());
        Self {
            who,
            method: Method::Post,
            url: url.into(),
            headers: vec![kind, ("accept", "application/json".to_owned())],
            body: pairs.join("&").into_bytes(),
        }
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The body of a good answer. An error names the service and the status, never what was sent.
    pub(super) async fn text(self, transport: &dyn Transport) -> Result<String, String> {
        let who = self.who;
        let request = Request {
            provider: Arc::from(who),
            method: self.method,
            url: self.url.into(),
            headers: self.headers.into_iter().map(|(k, v)| (k.into(), v.into())).collect(),
            auth: Auth::None,
            body: Bytes::from(self.body),
            timeouts: TIMEOUTS,
        };
        let mut response =
            transport.send(request).await.map_err(|_| format!("{who} cannot be reached"))?;
        let mut body = Vec::new();
        while let Some(chunk) = response.body.next().await {
            let chunk = chunk.map_err(|_| format!("{who} broke off"))?;
            body.extend_from_slice(&chunk);
            if body.len() > MOST {
                return Err(format!("{who} answered without end"));
            }
        }
        if !(200..300).contains(&response.status) {
            return Err(format!("{who} answered {}", response.status));
        }
        String::from_utf8(body).map_err(|_| format!("{who} did not answer in text"))
    }

    pub(super) async fn json<T: DeserializeOwned>(
        self,
        transport: &dyn Transport,
    ) -> Result<T, String> {
        let who = self.who;
        let text = self.text(transport).await?;
        serde_json::from_str(&text).map_err(|_| format!("{who} answered something else"))
    }
}
