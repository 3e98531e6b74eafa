//! What the vendors' official Python clients say was said, held against what our wires decode from
//! the same bytes. The clients ask the loopback provider; what they send is read and written again
//! by the wire of their protocol, and what they heard goes back as they themselves send it back.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::replay::{Exchange, Report, check_exchanges};
use crate::upstream::{Answer, ChatReply, Received, Upstream};

mod heard;

/// A client, the row of its vendor, and that vendor's host.
const CLIENTS: &[(&str, &str, &str)] = &[
    ("openai_chat", "openai", "api.openai.com"),
    ("openai_responses", "openai_responses", "api.openai.com"),
    ("anthropic_messages", "anthropic", "api.anthropic.com"),
    ("bedrock_anthropic", "bedrock_anthropic", "bedrock-runtime.us-east-1.amazonaws.com"),
    ("vertex_anthropic", "vertex_anthropic", "us-east5-aiplatform.googleapis.com"),
    ("gemini", "google", "generativelanguage.googleapis.com"),
    ("bedrock", "bedrock", "bedrock-runtime.us-east-1.amazonaws.com"),
    ("cohere", "cohere", "api.cohere.com"),
    ("ollama", "ollama", "localhost:11434"),
];

/// What came of it.
#[derive(Debug, Default)]
pub struct Agreement {
    /// What the clients and our wires agreed on, by row of the provider table.
    pub shown: BTreeMap<&'static str, BTreeSet<&'static str>>,
    /// Replies and errors that were compared.
    pub compared: usize,
    /// Where they did not agree.
    pub failures: Vec<String>,
}

/// One line of what a client says.
#[derive(Debug, Deserialize)]
struct Line {
    client: String,
    scenario: String,
    stream: bool,
    failed: bool,
    #[serde(flatten)]
    said: Map<String, Value>,
}

/// What a tool returned, by which the second request of a conversation is known.
const RESULT: &str = "sunny, 21 degrees";
/// What a provider says when it refuses.
const REFUSED: &str = "not with this request";

/// What the provider says to a request: its model names the scenario.
fn script(request: &Received) -> Answer {
    let weather = r#"{"city":"Tōkyō 🗼"}"#;
    if request.says(RESULT) {
        return ChatReply::text("Take no umbrella.").into();
    }
    let scenario = request.model().unwrap_or_default();
    match scenario.as_str() {
        "length" => ChatReply::text("It is").finish("length").usage(9, 2).into(),
        "tools" => ChatReply::tool("weather", weather)
            .and_tool("weather", r#"{"city":"Ōsaka"}"#)
            .says("I look it up.")
            .reasoning("東京: ask the service.", "c2VhbGVkIHRob3VnaHQ=")
            .usage(40, 30)
            .usage_details(8, 12)
            .into(),
        "thinking" => ChatReply::text("Perhaps.")
            .reasoning("No window here.\nSo I cannot know.", "c2VhbGVk")
            .usage(12, 20)
            .usage_details(0, 14)
            .into(),
        "cited" => ChatReply::text("It is.").cites("https://weather.example/jp", "Weather").into(),
        "broken" => ChatReply::text("It is sunny now").with_failure_inside().into(),
        other => match other.strip_prefix("refused-").and_then(|status| status.parse().ok()) {
            Some(status) => Answer::error(status, REFUSED),
            None => ChatReply::text("Größe \"zählt\": 東京 🦀\n").pieces(5).usage(12, 7).into(),
        },
    }
}

/// Lets every client make every call, and compares. `python` has the packages that
/// `requirements.txt` beside the script names.
pub fn compare(python: &Path) -> io::Result<Agreement> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let upstream = runtime.block_on(Upstream::answering(script))?;
    // The standard error stays the caller's: what a client complains of must be seen.
    let output = Command::new(python)
        .args(["-c", include_str!("oracle/clients.py"), &upstream.root()])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    let mut agreement = Agreement::default();
    if !output.status.success() {
        agreement.failures.push(format!("the clients ended with {}", output.status));
    }
    let mut requests = upstream.requests().into_iter().peekable();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let line: Line = serde_json::from_str(line)?;
        let Some(request) = requests.next() else {
            agreement.failures.push(format!("{line:?}: it never asked"));
            break;
        };
        let next = requests.next_if(|request| request.says(RESULT));
        agreement.line(&line, &request, next.as_ref());
    }
    agreement.failures.extend(requests.map(|request| format!("{request:?}: nothing was said")));
    Ok(agreement)
}

impl Agreement {
    fn line(&mut self, line: &Line, request: &Received, next: Option<&Received>) {
        let place = format!("{} {} stream {}", line.client, line.scenario, line.stream);
        let Some((_, row, host)) = CLIENTS.iter().find(|(client, ..)| *client == line.client)
        else {
            return self.failures.push(format!("{place}: no such client"));
        };
        self.compared += 1;
        let exchanges: Vec<Exchange> = [Some(request), next]
            .into_iter()
            .flatten()
            .enumerate()
            .map(|(index, request)| exchange(index, host, request))
            .collect();
        let mut report = Report::default();
        check_exchanges(&place, &exchanges, &mut report);
        let before = self.failures.len();
        let laws = report.failures.iter();
        self.failures
            .extend(laws.map(|f| format!("{place} #{} {}: {}", f.exchange, f.path, f.detail)));
        let Some(first) = exchanges.first() else { return };
        let differences = heard::differences(line, first, REFUSED);
        self.failures.extend(differences.into_iter().map(|detail| format!("{place}: {detail}")));
        if self.failures.len() > before {
            return;
        }
        let shown = self.shown.entry(row).or_default();
        shown.insert(match line.scenario.as_str() {
            "tools" => "tools",
            // OpenAI's own models do not tell their thoughts over this protocol.
            "thinking" if line.client != "openai_chat" => "reasoning",
            _ if line.failed => "errors",
            _ if line.stream => "stream",
            _ => "whole",
        });
        if report.shown.values().any(|shown| shown.contains_key("history")) {
            shown.insert("history");
        }
    }
}

/// A request and its answer in the form of a recording.
fn exchange(index: usize, host: &str, request: &Received) -> Exchange {
    let (status, headers, body) = script(request).given(request);
    let mut asked = request.json();
    // Ollama's client always lists tools; an empty list is none.
    if asked.get("tools").and_then(Value::as_array).is_some_and(Vec::is_empty)
        && let Some(fields) = asked.as_object_mut()
    {
        fields.remove("tools");
    }
    Exchange {
        index,
        uri: format!("https://{host}{}", request.path()),
        request: asked,
        status,
        headers,
        body: body.to_vec(),
    }
}
