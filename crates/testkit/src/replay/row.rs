//! Which provider and which protocol a recorded address belongs to.

use std::sync::Arc;

use largestack_wire::{Mode, Param, Provider, Registry, Section, Target};
use serde_json::Value;

use super::exchange::Exchange;

/// Who a recorded exchange was with.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) target: Target,
    pub(crate) mode: Mode,
}

/// Hosts and the rows that serve them; a host that is not listed gets a plain row of its own name.
const HOSTS: &[(&str, &str)] = &[
    ("api.openai.com", "openai"),
    ("api.anthropic.com", "anthropic"),
    ("generativelanguage.googleapis.com", "google"),
    ("aiplatform.googleapis.com", "vertex"),
    ("bedrock-runtime.", "bedrock"),
    ("bedrock-mantle.", "bedrock_mantle"),
    ("api.cohere.com", "cohere"),
    ("api.deepseek.com", "deepseek"),
    ("api.groq.com", "groq"),
    ("api.mistral.ai", "mistral"),
    ("openrouter.ai", "openrouter"),
    ("api.cerebras.ai", "cerebras"),
    ("api.z.ai", "zai"),
    ("api.x.ai", "xai"),
    ("crusoecloud.com", "crusoe"),
    ("snowflakecomputing.com", "snowflake"),
    ("venice.ai", "venice"),
    ("router.huggingface.co", "huggingface"),
    ("ollama.com", "ollama_openai"),
    ("localhost:11434", "ollama_openai"),
    ("api.together.xyz", "together"),
    ("api.fireworks.ai", "fireworks"),
    ("api.perplexity.ai", "perplexity"),
    ("api.sambanova.ai", "sambanova"),
    ("api.moonshot.", "moonshot"),
    (".openai.azure.com", "azure"),
    (".services.ai.azure.com", "azure"),
    ("integrate.api.nvidia.com", "nvidia"),
    ("api.ai21.com", "ai21"),
    (".databricks.com", "databricks"),
    ("api.cloudflare.com", "cloudflare"),
    ("api.replicate.com", "replicate"),
];

/// The protocol behind a path, and whether the reply comes whole or as a stream where the path says
/// it; `None` where it is no model call.
pub fn protocol(path: &str) -> Option<(&'static str, Option<Mode>)> {
    let ends = |tail: &str| path.ends_with(tail);
    Some(match () {
        () if ends("/chat/completions") => ("openai-chat", None),
        () if ends("/responses") => ("openai-responses", None),
        () if ends("/v1/messages") => ("anthropic-messages", None),
        () if ends(":generateContent") => ("gemini", Some(Mode::Whole)),
        () if ends(":streamGenerateContent") => ("gemini", Some(Mode::Stream)),
        () if ends(":rawPredict") => ("vertex-anthropic", Some(Mode::Whole)),
        () if ends(":streamRawPredict") => ("vertex-anthropic", Some(Mode::Stream)),
        () if ends("/converse") => ("bedrock-converse", Some(Mode::Whole)),
        () if ends("/converse-stream") => ("bedrock-converse", Some(Mode::Stream)),
        () if ends("/invoke") => ("bedrock-anthropic", Some(Mode::Whole)),
        () if ends("/invoke-with-response-stream") => ("bedrock-anthropic", Some(Mode::Stream)),
        () if ends("/v2/chat") => ("cohere-v2", None),
        () if ends("/api/chat") => ("ollama", None),
        () => return None,
    })
}

/// Who an exchange was with; `None` where it is no model call, or its wire is not known.
pub(crate) fn of(exchange: &Exchange) -> Option<Row> {
    let address = exchange.uri.split(['?', '#']).next().unwrap_or_default();
    let (wire, mode) = protocol(address)?;
    largestack_wire::wire(wire)?;
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let listed = HOSTS.iter().find(|(part, _)| host.contains(part)).map(|(_, row)| *row);
    let name = listed.unwrap_or_else(|| host.split(['.', ':']).next().unwrap_or(host));
    let of_wire = |row: &&Arc<Provider>| *row.wire == *wire && row.name.starts_with(name);
    let builtin = Registry::builtin();
    let exact = builtin.provider(name).filter(|row| *row.wire == *wire);
    let provider = if let Some(row) = exact.or_else(|| builtin.providers().find(of_wire)) {
        Provider::clone(row)
    } else {
        let wire = Some(wire.to_owned());
        Provider::new(name).with(Section { wire, ..Section::default() })
    };
    // Words that the address leaves open are part of the recorded address already.
    let said = |name: &String| {
        (name.clone(), Param { value: Some("recorded".to_owned()), ..Param::default() })
    };
    let params = Some(provider.params.keys().map(said).collect());
    let base_url = Some(format!("https://{host}"));
    let provider = provider.with(Section { params, base_url, ..Section::default() });
    let model = exchange.request.get("model").and_then(Value::as_str);
    let model = model.map_or_else(|| in_path(path), str::to_owned);
    let streams = match wire {
        // Ollama streams unless told not to.
        "ollama" => exchange.request.get("stream") != Some(&Value::Bool(false)),
        _ => exchange.request.get("stream") == Some(&Value::Bool(true)),
    };
    let mode = mode.unwrap_or(if streams { Mode::Stream } else { Mode::Whole });
    Some(Row { target: Target::new(Arc::new(provider), model), mode })
}

/// The model that a path names: what stands behind `models/` or `model/`.
fn in_path(path: &str) -> String {
    let mut segments = path.split('/').skip_while(|s| !matches!(*s, "models" | "model"));
    let named = segments.nth(1).unwrap_or("unnamed");
    let named = named.split(':').next().filter(|_| path.contains("models/")).unwrap_or(named);
    named.replace("%3A", ":").replace("%2F", "/")
}
