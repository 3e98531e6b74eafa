//! What the tests stand on: a transport that answers as told, and requests.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http::HeaderMap;
use largestack_cassette::{Cassette, RecordMode};
use largestack_ports::BoxFuture;
use largestack_ports::transport::{Auth, Method, Request, Response, Timeouts, Transport};
use largestack_types::errors::{LargestackError, Result};

pub(crate) type Chunks = Vec<Result<Bytes>>;
type Answers = dyn Fn(&Request) -> Result<(u16, HeaderMap, Chunks)> + Send + Sync;

/// Answers as it is told, and counts.
pub(crate) struct Told {
    answers: Box<Answers>,
    pub(crate) asked: AtomicUsize,
    pub(crate) last: Mutex<Option<Request>>,
}

impl Told {
    pub(crate) fn new(
        answers: impl Fn(&Request) -> Result<(u16, HeaderMap, Chunks)> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            answers: Box::new(answers),
            asked: AtomicUsize::new(0),
            last: Mutex::default(),
        })
    }

    /// One answer to everything, in these chunks.
    pub(crate) fn saying(kind: &'static str, chunks: &[&'static [u8]]) -> Arc<Self> {
        let chunks: Vec<Bytes> = chunks.iter().map(|chunk| Bytes::from_static(chunk)).collect();
        Self::new(move |_| {
            Ok((200, headers(&[("content-type", kind)]), chunks.iter().cloned().map(Ok).collect()))
        })
    }

    /// That nobody may ask.
    pub(crate) fn silent() -> Arc<Self> {
        Self::new(|request| panic!("{} was asked", request.url))
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Transport for Told {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let answer = (self.answers)(&request);
        *self.last.lock().unwrap() = Some(request);
        Box::pin(async move {
            let (status, headers, chunks) = answer?;
            Ok(Response { status, headers, body: stream::iter(chunks).boxed() })
        })
    }
}

pub(crate) fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

/// A request with this body.
pub(crate) fn request(body: impl Into<String>) -> Request {
    Request {
        provider: "openai".into(),
        method: Method::Post,
        url: "https://api.example/v1/chat/completions".into(),
        headers: Vec::new(),
        auth: Auth::Bearer,
        body: Bytes::from(body.into()),
        timeouts: Timeouts::default(),
    }
}

/// Status and chunks of what comes back, as text; an error at the end where there is one.
pub(crate) async fn exchange(
    transport: &Arc<dyn Transport>,
    request: Request,
) -> Result<(u16, Vec<String>, Option<LargestackError>)> {
    let response = transport.send(request).await?;
    let (mut chunks, mut error) = (Vec::new(), None);
    let mut body = response.body;
    while let Some(chunk) = body.next().await {
        match chunk {
            Ok(chunk) => chunks.push(String::from_utf8_lossy(&chunk).into_owned()),
            Err(broken) => error = Some(broken),
        }
    }
    Ok((response.status, chunks, error))
}

/// A folder, and the file of a cassette in it.
pub(crate) fn file() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cassette.jsonl");
    (folder, file)
}

/// Records these requests over a transport, and gives the text of the file.
pub(crate) async fn record(
    file: &std::path::Path,
    over: Arc<Told>,
    requests: Vec<Request>,
) -> String {
    let cassette = Cassette::open(file, RecordMode::All).unwrap();
    let transport = cassette.over(over);
    for request in requests {
        let _ = exchange(&transport, request).await;
    }
    cassette.finish().unwrap();
    std::fs::read_to_string(file).unwrap()
}

/// The cassette of a file, and a transport that only has it.
pub(crate) fn replay(file: &std::path::Path) -> (Cassette, Arc<dyn Transport>) {
    let cassette = Cassette::open(file, RecordMode::None).unwrap();
    let transport = cassette.over(Told::silent());
    (cassette, transport)
}
