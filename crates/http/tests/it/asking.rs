//! Requests, and what came of them, as every test here has them.

use bytes::Bytes;
use futures::StreamExt as _;
use largestack_http::{HttpTransport, Keys, Network};
use largestack_ports::transport::{Auth, Method, Request, Response, Timeouts};
use largestack_ports::vault::Sensitive;
use largestack_types::errors::{LargestackError, ProviderError, Result};

pub(crate) const KEY: &str = "sk-0123456789-verysecret";

pub(crate) fn keyed() -> HttpTransport {
    over(Network::default())
}

pub(crate) fn over(network: Network) -> HttpTransport {
    HttpTransport::over(network, Keys::default().with("mock", Sensitive::new(KEY)))
}

pub(crate) fn request(url: &str) -> Request {
    Request {
        provider: "mock".into(),
        method: Method::Post,
        url: url.into(),
        headers: vec![("content-type".into(), "application/json".into())],
        auth: Auth::Bearer,
        body: Bytes::from_static(b"{\"hello\":1}"),
        timeouts: Timeouts::default(),
    }
}

pub(crate) async fn body(response: Response) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    let mut body = response.body;
    while let Some(chunk) = body.next().await {
        all.extend_from_slice(&chunk?);
    }
    Ok(all)
}

/// The failure of the provider that an error must be, with nothing secret in it.
pub(crate) fn failure(error: LargestackError) -> ProviderError {
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(KEY) && !shown.contains("127.0.0.1"), "{shown}");
    match error {
        LargestackError::ProviderError(failure) => *failure,
        other => panic!("{other}"),
    }
}
