//! What is said to Restate from outside: the address of a worker, a run that is to begin, an answer,
//! the end. Plain HTTP: Restate's ports belong on the loopback or into a private network.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Method, Request, StatusCode};
use hyper_util::client::legacy::Client as Connections;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::RunId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::outcome::Outcome;
use crate::service::{RUN, SESSION};
use crate::work::{Question, Told};
use crate::written::MOST_BATCH;

/// A Restate, by the addresses that it listens on.
#[derive(Clone)]
pub struct Client {
    connections: Connections<HttpConnector, Full<Bytes>>,
    /// E.g. `http://127.0.0.1:8080`.
    ingress: String,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("ingress", &self.ingress).finish_non_exhaustive()
    }
}

/// The address of a worker, as Restate is told it.
#[derive(Clone, Debug, Serialize)]
pub struct Register {
    /// Where Restate reaches the worker, e.g. `http://127.0.0.1:9080`.
    pub uri: String,
    /// Whether what was known under that address is replaced although runs of it may be under way.
    pub force: bool,
}

impl Client {
    /// Restate's ingress, e.g. `http://127.0.0.1:8080`.
    pub fn new(ingress: &str) -> Self {
        let connections = Connections::builder(TokioExecutor::new()).build_http();
        Self { connections, ingress: ingress.trim_end_matches('/').to_owned() }
    }

    /// Tells Restate, at its admin port, where a worker is.
    pub async fn register(&self, admin: &str, worker: &Register) -> Result<()> {
        let address = format!("{}/deployments", admin.trim_end_matches('/'));
        self.send::<_, Value>(Method::POST, &address, Some(worker)).await.map(drop)
    }

    /// Whether the ingress answers.
    pub async fn healthy(&self) -> Result<()> {
        let address = format!("{}/restate/health", self.ingress);
        self.send::<(), Value>(Method::GET, &address, None).await.map(drop)
    }

    /// Begins a run and leaves it to itself; one that has begun under this id is not begun again.
    pub async fn start(&self, run: RunId, question: &Question) -> Result<()> {
        let address = self.of_run(run, "run/send");
        self.send::<_, Value>(Method::POST, &address, Some(question)).await.map(drop)
    }

    /// The same after a delay, in whole seconds: until then Restate keeps the question.
    pub async fn start_after(
        &self,
        run: RunId,
        question: &Question,
        delay: Duration,
    ) -> Result<()> {
        let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
        let address = self.of_run(run, &format!("run/send?delay={seconds}s"));
        self.send::<_, Value>(Method::POST, &address, Some(question)).await.map(drop)
    }

    /// Waits for the end of a run.
    pub async fn outcome(&self, run: RunId) -> Result<Outcome> {
        let address = format!("{}/restate/workflow/{RUN}/{run}/attach", self.ingress);
        self.send::<(), _>(Method::GET, &address, None).await
    }

    /// Tells a run what it waits for.
    pub async fn tell(&self, run: RunId, told: &Told) -> Result<()> {
        self.send::<_, Value>(Method::POST, &self.of_run(run, "tell"), Some(told)).await.map(drop)
    }

    /// Asks for the end of a run.
    pub async fn cancel(&self, run: RunId) -> Result<()> {
        self.send::<(), Value>(Method::POST, &self.of_run(run, "cancel"), None).await.map(drop)
    }

    /// Asks an agent in a session and waits for the answer. Whoever asks in the same session waits
    /// for his turn.
    pub async fn ask(&self, session: &str, agent: &str, input: &str) -> Result<Outcome> {
        let address = format!("{}/{SESSION}/{}/ask", self.ingress, escaped(session));
        let asked = serde_json::json!({ "agent": agent, "input": input });
        self.send(Method::POST, &address, Some(&asked)).await
    }

    fn of_run(&self, run: RunId, what: &str) -> String {
        format!("{}/{RUN}/{run}/{what}", self.ingress)
    }

    async fn send<B: Serialize + ?Sized, T: DeserializeOwned>(
        &self,
        method: Method,
        address: &str,
        body: Option<&B>,
    ) -> Result<T> {
        let failed = |why: &dyn fmt::Display| {
            LargestackError::with_advice(
                Code::Store,
                format!("Restate at {address}: {why}"),
                "Is the server running, and is this its address?",
            )
        };
        let bytes = body.map(serde_json::to_vec).transpose().map_err(|error| failed(&error))?;
        let mut request = Request::builder().method(method).uri(address);
        if bytes.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = Full::new(Bytes::from(bytes.unwrap_or_default()));
        let request = request.body(body).map_err(|error| failed(&error))?;
        let reply = self.connections.request(request).await.map_err(|error| failed(&error))?;
        let status = reply.status();
        let body = Limited::new(reply.into_body(), 2 * MOST_BATCH).collect().await;
        let body = body.map_err(|error| failed(&error))?.to_bytes();
        if !status.is_success() {
            return Err(refused(status, &body, address));
        }
        let body: &[u8] = if body.is_empty() { b"null" } else { &body };
        serde_json::from_slice(body).map_err(|error| failed(&error))
    }
}

/// The error that Restate hands on, with our code where a run was refused.
fn refused(status: StatusCode, body: &[u8], address: &str) -> LargestackError {
    let said: Value = serde_json::from_slice(body).unwrap_or_default();
    let message = said.get("message").and_then(Value::as_str).unwrap_or_default();
    let ours =
        message.split_once(": ").and_then(|(code, detail)| Some((Code::parse(code)?, detail)));
    if let Some((code, detail)) = ours {
        return LargestackError::other(code, detail);
    }
    let code = match status {
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::CONFLICT => Code::Conflict,
        StatusCode::BAD_REQUEST => Code::Input,
        _ => Code::Store,
    };
    let message: String = message.chars().take(300).collect();
    LargestackError::other(code, format!("Restate at {address} answered {status}: {message}"))
}

/// A name as a part of a path.
fn escaped(name: &str) -> String {
    use std::fmt::Write as _;
    name.bytes().fold(String::new(), |mut path, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(path, "%{byte:02X}");
        }
        path
    })
}
