//! The best loop without an agent around it: typed and borrowed decode, a request body that only
//! grows by what is new, over the client that the product itself uses (hyper's, without a layer
//! above it). No guard, no budget, no journal, no limits, no time-outs.

use std::borrow::Cow;
use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::{Deserialize, Serialize};

use super::Loop;
use super::script::{self, Size};
use crate::Outcome;

pub(super) struct Bare {
    client: Client<HttpConnector, Full<Bytes>>,
    url: Uri,
    headers: HeaderMap,
    tail: String,
}

#[derive(Deserialize)]
struct Reply<'a> {
    #[serde(borrow)]
    choices: Vec<Choice<'a>>,
    usage: Usage,
}

#[derive(Deserialize)]
struct Usage {
    prompt_tokens: u64,
    completion_tokens: u64,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow)]
    message: Message<'a>,
}

#[derive(Deserialize, Serialize)]
struct Message<'a> {
    role: &'a str,
    #[serde(borrow)]
    content: Text<'a>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
}

/// `Option<Cow>` and bare `Cow` fields of derived types do not borrow without this.
#[derive(Deserialize, Serialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize, Serialize)]
struct Call<'a> {
    id: &'a str,
    r#type: &'a str,
    #[serde(borrow)]
    function: Function<'a>,
}

#[derive(Deserialize, Serialize)]
struct Function<'a> {
    name: &'a str,
    #[serde(borrow)]
    arguments: Text<'a>,
}

#[derive(Deserialize)]
struct Arguments {
    n: u64,
}

#[derive(Serialize)]
struct ToolMessage<'a> {
    role: &'static str,
    tool_call_id: &'a str,
    content: String,
}

impl Bare {
    pub(super) fn new(address: SocketAddr) -> Outcome<Self> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer bench"));
        let tail = format!(
            r#"],"tools":[{{"type":"function","function":{{"name":"{}","description":"{}","parameters":{}}}}}],"max_tokens":4096}}"#,
            script::TOOL,
            script::TOOL_TEXT,
            script::SCHEMA
        );
        let url = format!("http://{address}/v1/chat/completions").parse()?;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { client, url, headers, tail })
    }

    fn opening(size: Size) -> Outcome<Vec<u8>> {
        let mut text = Vec::with_capacity(16 << 10);
        text.extend_from_slice(br#"{"model":""#);
        text.extend_from_slice(script::MODEL.as_bytes());
        text.extend_from_slice(br#"","messages":[{"role":"system","content":"#);
        serde_json::to_writer(&mut text, script::INSTRUCTIONS)?;
        text.extend_from_slice(br#"},{"role":"user","content":"#);
        serde_json::to_writer(&mut text, &script::question(size))?;
        text.push(b'}');
        Ok(text)
    }
}

impl Loop for Bare {
    async fn run(&self, size: Size) -> Outcome<()> {
        let mut prefix = Self::opening(size)?;
        let mut tokens = 0;
        loop {
            let mut body = Vec::with_capacity(prefix.len() + self.tail.len());
            body.extend_from_slice(&prefix);
            body.extend_from_slice(self.tail.as_bytes());
            let mut request = Request::new(Full::new(Bytes::from(body)));
            *request.method_mut() = Method::POST;
            *request.uri_mut() = self.url.clone();
            *request.headers_mut() = self.headers.clone();
            let response = self.client.request(request).await?;
            let bytes = response.into_body().collect().await?.to_bytes();
            let reply: Reply<'_> = serde_json::from_slice(&bytes)?;
            tokens += reply.usage.prompt_tokens + reply.usage.completion_tokens;
            let message = &reply.choices.first().ok_or("no choice")?.message;
            if message.tool_calls.is_empty() {
                return if tokens > 0 { Ok(()) } else { Err("no usage".into()) };
            }
            prefix.push(b',');
            serde_json::to_writer(&mut prefix, message)?;
            for call in &message.tool_calls {
                let arguments: Arguments = serde_json::from_str(&call.function.arguments.0)?;
                let content = script::record(arguments.n);
                prefix.push(b',');
                let message = ToolMessage { role: "tool", tool_call_id: call.id, content };
                serde_json::to_writer(&mut prefix, &message)?;
            }
        }
    }
}
