//! The loop as it is usually written: `serde_json::Value` both ways, the whole history encoded anew
//! each turn.

use std::net::SocketAddr;

use reqwest::Client;
use serde_json::{Value, json};

use super::Loop;
use super::script::{self, Size};
use crate::Outcome;

pub(super) struct Ordinary {
    client: Client,
    url: String,
}

impl Ordinary {
    pub(super) fn new(address: SocketAddr) -> Outcome<Self> {
        Ok(Self { client: client()?, url: format!("http://{address}/v1/chat/completions") })
    }
}

/// A shared client that keeps its connections, as most programs have.
fn client() -> Outcome<Client> {
    Ok(Client::builder().tcp_nodelay(true).tls_certs_only([]).no_proxy().build()?)
}

impl Loop for Ordinary {
    #[expect(
        clippy::indexing_slicing,
        reason = "`Value` answers null, and so most loops are written"
    )]
    async fn run(&self, size: Size) -> Outcome<()> {
        let schema: Value = serde_json::from_str(script::SCHEMA)?;
        let mut messages = vec![
            json!({"role": "system", "content": script::INSTRUCTIONS}),
            json!({"role": "user", "content": script::question(size)}),
        ];
        loop {
            let body = json!({
                "model": script::MODEL,
                "messages": messages,
                "tools": [{"type": "function", "function": {
                    "name": script::TOOL, "description": script::TOOL_TEXT, "parameters": schema,
                }}],
                "max_tokens": 4096,
            });
            let response = self
                .client
                .post(&self.url)
                .header("content-type", "application/json")
                .header("authorization", "Bearer bench")
                .body(serde_json::to_vec(&body)?)
                .send()
                .await?;
            let reply: Value = serde_json::from_slice(&response.bytes().await?)?;
            let message = reply["choices"][0]["message"].clone();
            let calls = message["tool_calls"].as_array().cloned().unwrap_or_default();
            messages.push(message);
            if calls.is_empty() {
                return Ok(());
            }
            for call in calls {
                let arguments = call["function"]["arguments"].as_str().unwrap_or("{}");
                let arguments: Value = serde_json::from_str(arguments)?;
                let n = arguments["n"].as_u64().ok_or("no number")?;
                messages.push(json!({
                    "role": "tool", "tool_call_id": call["id"], "content": script::record(n),
                }));
            }
        }
    }
}
