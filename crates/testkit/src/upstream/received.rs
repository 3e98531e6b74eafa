//! A request as it arrived. Headers are read when somebody asks, so that a bench pays nothing.

use bytes::Bytes;
use serde::Deserialize;

use super::protocol::Protocol;

/// The most headers a request may have.
pub(super) const MAX_HEADERS: usize = 64;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Received {
    pub(super) head: Bytes,
    /// The body, byte for byte.
    pub body: Bytes,
}

/// What the shape of an answer depends on.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) protocol: Protocol,
    pub(super) stream: bool,
    pub(super) model: Option<String>,
}

/// The fields of a body that it depends on.
#[derive(Debug, Default, Deserialize)]
struct Said {
    #[serde(default)]
    stream: Option<bool>,
    #[serde(default)]
    model: Option<String>,
}

impl Received {
    /// A request that arrived over another protocol than HTTP/1.1.
    pub(super) fn of(method: &str, path: &str, body: Bytes) -> Self {
        Self { head: format!("{method} {path} HTTP/1.1\r\n\r\n").into(), body }
    }

    fn parsed<T>(&self, look: impl FnOnce(&httparse::Request<'_, '_>) -> T) -> Option<T> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        request.parse(&self.head).ok()?;
        Some(look(&request))
    }

    /// The path, with its query.
    pub fn path(&self) -> String {
        self.parsed(|request| request.path.unwrap_or_default().to_owned()).unwrap_or_default()
    }

    /// The method.
    pub fn method(&self) -> String {
        self.parsed(|request| request.method.unwrap_or_default().to_owned()).unwrap_or_default()
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<String> {
        self.parsed(|request| {
            let header = request.headers.iter().find(|h| h.name.eq_ignore_ascii_case(name))?;
            Some(String::from_utf8_lossy(header.value).into_owned())
        })?
    }

    /// The body as JSON; `null` when it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The model that it names, in its body or its path.
    pub fn model(&self) -> Option<String> {
        self.asked().model
    }

    /// Whether its body holds these words.
    pub fn says(&self, words: &str) -> bool {
        String::from_utf8_lossy(&self.body).contains(words)
    }

    pub(super) fn asked(&self) -> Asked {
        let said: Said = serde_json::from_slice(&self.body).unwrap_or_default();
        let path = self.path();
        let (protocol, stream) = Protocol::of_path(&path);
        let stream = stream.or(said.stream).unwrap_or_else(|| protocol.streams_by_default());
        let model = said.model.or_else(|| named(&path).map(str::to_owned));
        Asked { protocol, stream, model }
    }
}

/// The model that a path names: what stands behind `models` or `model`.
fn named(path: &str) -> Option<&str> {
    let mut segments =
        path.split('/').skip_while(|segment| !matches!(*segment, "models" | "model"));
    let model = segments.nth(1)?;
    Some(model.split(':').next().unwrap_or(model))
}
