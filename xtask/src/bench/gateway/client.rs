//! Those who ask: so many connections, each with one question after the other.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use futures::future::try_join_all;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::script::{self, Manner};
use super::server::CPU;
use super::stack::HOLD;
use crate::Outcome;
use crate::measure::wall_async;

/// Asks one server.
pub(super) struct Asking {
    client: Client<HttpConnector, Full<Bytes>>,
    chat: Uri,
    cpu: Uri,
    hold: Uri,
    /// A question for a whole reply.
    whole: Bytes,
}

impl Asking {
    pub(super) fn new(address: SocketAddr) -> Outcome<Self> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            chat: format!("http://{address}{}", script::PATH).parse()?,
            cpu: format!("http://{address}{CPU}").parse()?,
            hold: format!("http://{address}{HOLD}").parse()?,
            whole: Bytes::from(script::request(Manner::Whole)),
        })
    }

    /// How much CPU time the server has used, in nanoseconds.
    pub(super) async fn cpu(&self) -> Outcome<f64> {
        let mut request = Request::new(Full::default());
        *request.uri_mut() = self.cpu.clone();
        let body = self.client.request(request).await?.into_body().collect().await?.to_bytes();
        Ok(std::str::from_utf8(&body)?.parse()?)
    }

    /// Asks so many questions over each of so many connections.
    pub(super) async fn ask(&self, manner: Manner, each: usize, at_once: usize) -> Outcome<()> {
        let body = Bytes::from(script::request(manner));
        let one = || async {
            for _ in 0..each {
                self.question(body.clone()).await?;
            }
            Outcome::Ok(())
        };
        try_join_all((0..at_once).map(|_| one())).await?;
        Ok(())
    }

    /// Asks one question and says how long it took.
    pub(super) async fn timed(&self) -> Outcome<Duration> {
        let (asked, time) = wall_async(self.question(self.whole.clone())).await;
        asked.map(|()| time)
    }

    /// Has the server begin so many streams of its own and keep them.
    pub(super) async fn hold(&self, streams: usize) -> Outcome<()> {
        self.post(self.hold.clone(), streams.to_string().into()).await.map(drop)
    }

    async fn question(&self, body: Bytes) -> Outcome<()> {
        match self.post(self.chat.clone(), body).await? {
            0 => Err("a question was answered with nothing".into()),
            _ => Ok(()),
        }
    }

    /// Bytes of the answer.
    async fn post(&self, uri: Uri, body: Bytes) -> Outcome<usize> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(CONTENT_TYPE, json);
        let response = self.client.request(request).await?;
        let status = response.status();
        let mut body = response.into_body();
        let mut bytes = 0;
        while let Some(frame) = body.frame().await {
            bytes += frame?.data_ref().map_or(0, Bytes::len);
        }
        if status.is_success() { Ok(bytes) } else { Err(format!("a request met {status}").into()) }
    }
}
