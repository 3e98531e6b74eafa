//! Every key there is does something, in a file and in the environment, and the tables say the
//! truth about it.

use std::fmt::Write as _;
use std::path::Path;

use largestack_config::keys::{KEYS, Key, Place};
use largestack_config::{Flags, Source};
use largestack_ports::tool::ToolOptions;

use crate::support::{LEAST, agent, folder, project};

/// For each key a value that is not its default, as a file writes it and as a variable does.
pub(crate) const OTHER: &[(Place, &str, &str, &str)] = &[
    (Place::Agent, "name", "b", "b"),
    (Place::Agent, "description", "Something", "Something"),
    (Place::Agent, "instructions", "Other words", "Other words"),
    (Place::Agent, "model", "openai/gpt-4o", "openai/gpt-4o"),
    (Place::Agent, "fallbacks", "[offline/extractive]", "offline/extractive"),
    (Place::Agent, "fallback.on_break", "surface", "fail"),
    (Place::Agent, "fallback.cannot_continue", "surface", "fail"),
    (Place::Agent, "fallback.on_content", "[refusal, empty]", "invalid-output"),
    (Place::Agent, "fallback.max_price_factor", "1.5", "2"),
    (Place::Agent, "fallback.agents", "[docs/a.md]", "docs/deeper/b.md"),
    (Place::Agent, "cache.enabled", "false", "false"),
    (Place::Agent, "cache.ttl", "5m", "5m"),
    (Place::Agent, "cache.sampled", "true", "true"),
    (Place::Agent, "cache.tool_calls", "true", "true"),
    (Place::Agent, "residency", "[eu]", "eu, ch"),
    (Place::Agent, "provider_policy.providers", "{health: [openai]}", "{\"card\":[]}"),
    (Place::Agent, "provider_policy.residency", "{health: [eu]}", "{\"card\":[\"eu\"]}"),
    (Place::Agent, "settings.max_output_tokens", "5", "5"),
    (Place::Agent, "settings.temperature", "0.5", "0.5"),
    (Place::Agent, "settings.top_p", "0.5", "0.5"),
    (Place::Agent, "settings.top_k", "40", "40"),
    (Place::Agent, "settings.frequency_penalty", "0.5", "0.5"),
    (Place::Agent, "settings.presence_penalty", "-0.5", "-0.5"),
    (Place::Agent, "settings.reasoning_budget_tokens", "2048", "2048"),
    (Place::Agent, "settings.prompt_cache", "1h", "1h"),
    (Place::Agent, "settings.metadata", "{team: a}", "{\"team\":\"a\"}"),
    (Place::Agent, "settings.stop", "[END]", "END"),
    (Place::Agent, "settings.seed", "-7", "-7"),
    (Place::Agent, "settings.parallel_tool_calls", "false", "false"),
    (Place::Agent, "settings.reasoning_effort", "high", "high"),
    (Place::Agent, "settings.on_unsupported", "refuse", "refuse"),
    (Place::Agent, "settings.on_lossy_schema", "refuse", "refuse"),
    (Place::Agent, "settings.extra", "{user: a, n: [1, 2.5, null, true]}", "{\"user\":\"a\"}"),
    (Place::Agent, "output.schema", "{type: array}", "{\"type\":\"array\"}"),
    (Place::Agent, "output.name", "other", "other"),
    (Place::Agent, "output.mode", "tool", "prompt"),
    (Place::Agent, "output.retries", "3", "0"),
    (Place::Agent, "tools", "[search_knowledge, calculator]", "search_knowledge,calculator"),
    (Place::Agent, "tools.*.timeout", "5s", "5s"),
    (Place::Agent, "tools.*.retries", "2", "2"),
    (Place::Agent, "tools.*.backoff", "linear", "none"),
    (Place::Agent, "tools.*.backoff_unit", "2s", "2s"),
    (Place::Agent, "tools.*.backoff_max", "1m", "1m"),
    (Place::Agent, "tools.*.jitter", "false", "false"),
    (Place::Agent, "tools.*.breaker", "5", "5"),
    (Place::Agent, "tools.*.breaker_window", "2m", "2m"),
    (Place::Agent, "tools.*.breaker_cooldown", "5s", "5s"),
    (Place::Agent, "tools.*.calls_per_minute", "6", "6"),
    (Place::Agent, "tools.*.tenant_calls_per_minute", "6", "6"),
    (Place::Agent, "tools.*.cache", "1h", "1h"),
    (Place::Agent, "tools.*.version", "two", "two"),
    (Place::Agent, "tools.*.capabilities", "[read, send]", "read,send"),
    (Place::Agent, "tools.*.origin", "operator", "operator"),
    (Place::Agent, "tools.*.classes", "[contact]", "contact"),
    (Place::Agent, "tools.*.reveals", "[card]", "card"),
    (Place::Agent, "tools.*.arguments", "{required: [query]}", "{\"required\":[]}"),
    (Place::Agent, "tools.*.tenant_arguments", "{acme: {}}", "{\"acme\":{}}"),
    (Place::Agent, "tools.*.max_result_chars", "100", "100"),
    (Place::Agent, "tools.*.on_error", "raise", "raise"),
    (Place::Agent, "tools.*.approval", "required", "never"),
    (Place::Agent, "tools.*.root", "docs/deeper", "docs/deeper"),
    (Place::Agent, "tools.*.max_bytes", "5", "5"),
    (Place::Agent, "tools.*.hosts", "[example.com]", "example.com"),
    (Place::Agent, "tools.*.networks", "[10.0.0.0/8]", "10.0.0.0/8"),
    (Place::Agent, "tools.*.ports", "[8080]", "8080"),
    (Place::Agent, "tools.*.max_chars", "500", "500"),
    (Place::Agent, "tools.*.engine", "brave", "tavily"),
    (Place::Agent, "tools.*.url", "http://x", "http://y"),
    (Place::Agent, "tools.*.zone", "Asia/Tokyo", "Asia/Kolkata"),
    (Place::Agent, "tools.*.database", "docs/deeper/b.md", "docs/deeper/b.md"),
    (Place::Agent, "tools.*.max_rows", "5", "5"),
    (Place::Agent, "tools.*.languages", "[python]", "javascript"),
    (Place::Agent, "tools.*.tools", "[read_file]", "list_files"),
    (Place::Agent, "tools.*.max_calls", "5", "5"),
    (Place::Agent, "tools.*.allow", "[/bin/cat *]", "/bin/ls **"),
    (Place::Agent, "tools.*.sandbox", "none", "none"),
    (Place::Agent, "tools.*.reads", "[docs]", "docs"),
    (Place::Agent, "tools.*.writes", "[docs]", "docs"),
    (Place::Agent, "tools.*.network", "true", "true"),
    (Place::Agent, "tools.*.max_cpu", "7s", "7s"),
    (Place::Agent, "tools.*.max_memory", "16777216", "16777216"),
    (Place::Agent, "tools.*.max_processes", "7", "7"),
    (Place::Agent, "tools.*.description", "other", "other"),
    (Place::Agent, "tools.*.parameters", "{type: object}", "{\"type\":\"object\"}"),
    (Place::Agent, "tools.*.idempotent", "true", "true"),
    (Place::Agent, "tools.*.command", "[/bin/cat]", "/bin/cat"),
    (Place::Agent, "tools.*.folder", "docs", "docs"),
    (Place::Agent, "tools.*.env", "{A: b}", "{\"A\":\"b\"}"),
    (Place::Agent, "tools.*.answer", "text", "text"),
    (Place::Agent, "tools.*.http.url", "http://x.example/", "http://y.example/"),
    (Place::Agent, "tools.*.http.method", "POST", "PUT"),
    (Place::Agent, "tools.*.http.headers", "{x-a: b}", "{\"x-a\":\"b\"}"),
    (Place::Agent, "tools.*.http.body", "{a: b}", "{\"a\":\"b\"}"),
    (Place::Agent, "tools.*.http.result", "/a", "/b"),
    (Place::Agent, "tools.*.openapi.document", "docs/other.json", "docs/other.json"),
    (Place::Agent, "tools.*.openapi.server", "http://x.example/", "http://y.example/"),
    (Place::Agent, "tools.*.openapi.include", "[a]", "b"),
    (Place::Agent, "tools.*.openapi.exclude", "[a]", "b"),
    (Place::Agent, "tools.*.openapi.headers", "{x-a: b}", "{\"x-a\":\"b\"}"),
    (Place::Agent, "tools.*.openapi.prefix", "a_", "b_"),
    (Place::Agent, "tools.*.agent", "docs/deeper/b.md", "docs/deeper/b.md"),
    (Place::Agent, "search_tools.above", "7", "7"),
    (Place::Agent, "search_tools.keep", "[calculator]", "calculator"),
    (Place::Agent, "search_tools.results", "7", "7"),
    (Place::Agent, "knowledge.folder", "docs/deeper", "docs/deeper"),
    (Place::Agent, "knowledge.include", "['*.rst']", "*.rst"),
    (Place::Agent, "knowledge.exclude", "[a, b]", "a, b"),
    (Place::Agent, "knowledge.reranker", "cohere/rerank-v3.5", "voyage/rerank-2.5"),
    (Place::Agent, "knowledge.on_reranker_failure", "fail", "fail"),
    (Place::Agent, "knowledge.top_k", "9", "9"),
    (Place::Agent, "media.folders", "[docs]", "docs"),
    (Place::Agent, "media.max_bytes", "5", "5"),
    (Place::Agent, "budget", "0.50", "$0.50"),
    (Place::Agent, "limits.max_turns", "7", "7"),
    (Place::Agent, "limits.wall_clock", "1h30m", "none"),
    (Place::Agent, "limits.max_repeats", "0", "0"),
    (Place::Agent, "limits.max_idle_turns", "0", "0"),
    (Place::Agent, "limits.max_parallel_tools", "1", "1"),
    (Place::Agent, "limits.max_depth", "1", "0"),
    (Place::Agent, "limits.max_children", "1", "0"),
    (Place::Agent, "limits.max_tool_calls", "0", "100"),
    (Place::Agent, "limits.on_limit", "error", "error"),
    (Place::Agent, "memory.strategy", "tokens", "tokens"),
    (Place::Agent, "memory.messages", "30", "30"),
    (Place::Agent, "memory.tokens", "5000", "5000"),
    (Place::Agent, "memory.ttl", "7d", "7d"),
    (Place::Agent, "memory.wait", "5s", "5s"),
    (Place::Agent, "permissions.allow", "[]", ""),
    (Place::Agent, "permissions.deny", "[calculator]", "calculator"),
    (Place::Agent, "permissions.allow_capabilities", "[]", "read"),
    (Place::Agent, "permissions.deny_capabilities", "[pay]", "pay, send"),
    (Place::Agent, "permissions.on_denied", "raise", "raise"),
    (Place::Agent, "approvals.capabilities", "[pay]", "pay, send"),
    (Place::Agent, "approvals.approvers", "[ann, bob]", "ann"),
    (Place::Agent, "approvals.quorum", "2", "2"),
    (Place::Agent, "approvals.choices", "{pay: run, wait: refuse}", "{\"pay\":\"run\"}"),
    (Place::Agent, "approvals.editable", "true", "true"),
    (Place::Agent, "approvals.expires_after", "1h", "2d"),
    (Place::Agent, "approvals.tools.*.approvers", "[ann, bob]", "ann"),
    (Place::Agent, "approvals.tools.*.quorum", "2", "2"),
    (Place::Agent, "approvals.tools.*.choices", "{pay: run}", "{\"pay\":\"run\"}"),
    (Place::Agent, "approvals.tools.*.editable", "true", "true"),
    (Place::Agent, "approvals.tools.*.expires_after", "1h", "2d"),
    (Place::Agent, "guardrails.mode", "warn", "warn"),
    (Place::Agent, "guardrails.device", "redact", "redact"),
    (Place::Agent, "guardrails.person", "block", "block"),
    (Place::Agent, "guardrails.secret", "block", "block"),
    (Place::Agent, "guardrails.card", "redact", "redact"),
    (Place::Agent, "guardrails.email", "tokenise", "tokenise"),
    (Place::Agent, "guardrails.government_id", "warn", "warn"),
    (Place::Agent, "guardrails.account", "redact", "redact"),
    (Place::Agent, "guardrails.phone", "allow", "allow"),
    (Place::Agent, "guardrails.injection.input", "block", "isolate"),
    (Place::Agent, "guardrails.injection.untrusted", "warn", "block"),
    (Place::Agent, "guardrails.injection.threshold", "70", "30"),
    (Place::Agent, "guardrails.output.urls", "[docs.example.org]", "docs.example.org"),
    (Place::Agent, "guardrails.output.controls", "true", "true"),
    (Place::Agent, "guardrails.output.html", "true", "true"),
    (Place::Agent, "guardrails.output.action", "warn", "warn"),
    (Place::Agent, "guardrails.rules.*.on", "[tool_result]", "tool_result"),
    (Place::Agent, "guardrails.rules.*.pattern", "a+b", "a+b"),
    (Place::Agent, "guardrails.rules.*.words", "[z]", "z"),
    (Place::Agent, "guardrails.rules.*.action", "warn", "redact"),
    (Place::Agent, "guardrails.rules.*.message", "Not here", "Not here"),
    (Place::Agent, "guardrails.topics.allow", "[gambling]", "gambling"),
    (Place::Agent, "guardrails.topics.deny", "[weapons]", "weapons"),
    (Place::Agent, "guardrails.topics.words", "{mine: [x]}", "{\"mine\":[\"x\"]}"),
    (Place::Agent, "guardrails.topics.action", "warn", "warn"),
    (Place::Agent, "guardrails.length.input", "5", "5"),
    (Place::Agent, "guardrails.length.output", "5", "5"),
    (Place::Agent, "guardrails.length.action", "warn", "warn"),
    (Place::Agent, "guardrails.self_harm.action", "help", "help"),
    (Place::Agent, "guardrails.self_harm.texts", "{en: x}", "{\"en\":\"x\"}"),
    (Place::Agent, "guardrails.prompt_leak.action", "redact", "block"),
    (Place::Agent, "guardrails.prompt_leak.words", "9", "30"),
    (Place::Agent, "guardrails.prompt_leak.canary", "true", "true"),
    (Place::Agent, "guardrails.spotlight", "true", "true"),
    (Place::Agent, "guardrails.prompt_leak.allow", "[Welcome]", "Welcome"),
    (Place::Agent, "taint.untrusted", "[web]", "tool"),
    (Place::Agent, "taint.on_untrusted.write", "refuse", "refuse"),
    (Place::Agent, "taint.on_untrusted.delete", "allow", "allow"),
    (Place::Agent, "taint.on_untrusted.send", "refuse", "refuse"),
    (Place::Agent, "taint.on_untrusted.pay", "allow", "allow"),
    (Place::Agent, "taint.on_untrusted.execute", "refuse", "refuse"),
    (Place::Agent, "taint.on_untrusted.egress", "require_approval", "require_approval"),
    (Place::Agent, "taint.on_untrusted.undeclared", "refuse", "refuse"),
    (Place::Agent, "taint.from_user", "true", "true"),
    (Place::Agent, "taint.private", "[contact]", "health"),
    (Place::Agent, "taint.on_private", "require_approval", "require_approval"),
    (Place::Agent, "policies", "[docs/a.md]", "docs/a.md, docs/deeper/b.md"),
    (Place::Agent, "retries", "2", "3"),
    (Place::Agent, "in_doubt", "tell-model", "fail"),
    (Place::Project, "model", "openai/gpt-4o", "openai/gpt-4o"),
    (Place::Project, "state", "elsewhere", "elsewhere"),
    (Place::Project, "store.postgres", "DATABASE_URL", "DATABASE_URL"),
    (Place::Project, "retention.older_than", "30d", "12h"),
    (Place::Project, "retention.keep", "1000", "5"),
    (Place::Project, "retention.compact_after", "7d", "36h"),
    (Place::Project, "model_requests", "block", "block"),
    (Place::Project, "license.issuer", ISSUER, ISSUER),
    (Place::Project, "license.file", "other.jwt", "other.jwt"),
    (Place::Project, "aliases", "{fast: openai/gpt-4o}", "{\"fast\":\"openai/gpt-4o\"}"),
    (Place::Project, "pools.*.models", "[openai/o3, openai/gpt-4o]", "openai/o3"),
    (Place::Project, "pools.*.strategy", "latency", "cheapest"),
    (Place::Project, "pools.*.weights", "[3]", "3"),
    (Place::Project, "providers.*.wire", "openai-chat", "openai-chat"),
    (Place::Project, "providers.*.base-url", "http://x/v1", "http://x/v1"),
    (Place::Project, "providers.*.path", "/chat", "/chat"),
    (Place::Project, "providers.*.auth", "{header: api-key}", "none"),
    (Place::Project, "providers.*.key-env", "[MY_KEY]", "MY_KEY"),
    (Place::Project, "providers.*.quirks", "[developer-role]", "developer-role"),
    (Place::Project, "providers.*.lacks", "[seed]", "seed"),
    (Place::Project, "providers.*.models", "[mine-]", "mine-"),
    (Place::Project, "providers.*.also", "[mine]", "mine"),
    (
        Place::Project,
        "providers.*.params",
        "{region: {value: eu}}",
        "{\"region\":{\"env\":[\"R\"]}}",
    ),
    (Place::Project, "providers.*.query", "{v: '2'}", "{\"v\":\"2\"}"),
    (Place::Project, "providers.*.headers", "{x-team: a}", "{\"x-team\":\"a\"}"),
    (Place::Project, "providers.*.residency", "[eu]", "eu"),
    (Place::Project, "providers.*.timeouts.connect", "3s", "3s"),
    (Place::Project, "providers.*.timeouts.first-byte", "3m", "3m"),
    (Place::Project, "providers.*.timeouts.idle", "90s", "90s"),
    (Place::Project, "providers.*.timeouts.total", "1h", "1h"),
    (Place::Project, "providers.*.prefill", "plain", "prefix"),
    (Place::Project, "providers.*.embed", "jina", "voyage"),
    (Place::Project, "providers.*.embed-path", "/embed", "/embed"),
    (Place::Project, "providers.*.rerank", "jina", "voyage"),
    (Place::Project, "providers.*.rerank-path", "/rerank", "/rerank"),
    (Place::Project, "network.proxy", "http://proxy:3128", "socks5://proxy"),
    (Place::Project, "network.no_proxy", "[localhost, 10.0.0.0/8]", "localhost"),
    (Place::Project, "network.ca_file", "ca.pem", "ca.pem"),
    (Place::Project, "prices.*.model", "openai/o3", "openai/o4-mini"),
    (Place::Project, "prices.*.from", "'2030-01-31'", "2030-01-31"),
    (Place::Project, "prices.*.input", "0.0375", "1"),
    (Place::Project, "prices.*.output", "2.50", "$2.50"),
    (Place::Project, "prices.*.cache-read", "0.1", "0.1"),
    (Place::Project, "prices.*.cache-write", "1.25", "1.25"),
    (Place::Project, "prices.*.cache-write-1h", "2", "2"),
    (Place::Project, "prices.*.reasoning", "3", "3"),
    (Place::Project, "prices.*.audio", "{input: 40}", "{\"output\":\"80\"}"),
    (Place::Project, "prices.*.image", "{input: 4.5}", "{\"output\":\"8\"}"),
    (Place::Project, "prices.*.search", "10", "10"),
    (Place::Project, "prices.*.request", "5", "5"),
    (
        Place::Project,
        "prices.*.long",
        "[{above: 200000, rates: {input: 2}}]",
        "[{\"above\":1,\"rates\":{\"input\":2.5}}]",
    ),
    (Place::Project, "prices.*.priority", "1.75", "{\"input\":3}"),
    (Place::Project, "prices.*.fast", "2", "2"),
    (Place::Project, "prices.*.flex", "0.5", "0.5"),
    (Place::Project, "prices.*.batch", "{input: 0.5, output: 1}", "0.5"),
    (Place::Project, "budgets.tenant.total", "1.50", "$2"),
    (Place::Project, "budgets.tenant.day", "1.50", "$2"),
    (Place::Project, "budgets.tenant.month", "1.50", "$2"),
    (Place::Project, "budgets.agent.total", "1.50", "$2"),
    (Place::Project, "budgets.agent.day", "1.50", "$2"),
    (Place::Project, "budgets.agent.month", "1.50", "$2"),
    (Place::Project, "budgets.user.total", "1.50", "$2"),
    (Place::Project, "budgets.user.day", "1.50", "$2"),
    (Place::Project, "budgets.user.month", "1.50", "$2"),
    (Place::Project, "limits.tenant.requests", "7", "7"),
    (Place::Project, "limits.tenant.input_tokens", "7000", "7000"),
    (Place::Project, "limits.tenant.output_tokens", "7000", "7000"),
    (Place::Project, "limits.tenant.cost", "0.50", "0.50"),
    (Place::Project, "limits.user.requests", "7", "7"),
    (Place::Project, "limits.user.input_tokens", "7000", "7000"),
    (Place::Project, "limits.user.output_tokens", "7000", "7000"),
    (Place::Project, "limits.user.cost", "0.50", "0.50"),
    (Place::Project, "limits.model.requests", "7", "7"),
    (Place::Project, "limits.model.input_tokens", "7000", "7000"),
    (Place::Project, "limits.model.output_tokens", "7000", "7000"),
    (Place::Project, "limits.model.cost", "0.50", "0.50"),
    (Place::Project, "limits.provider.requests", "7", "7"),
    (Place::Project, "limits.provider.input_tokens", "7000", "7000"),
    (Place::Project, "limits.provider.output_tokens", "7000", "7000"),
    (Place::Project, "limits.provider.cost", "0.50", "0.50"),
    (Place::Project, "limits.when_reached", "wait", "wait"),
    (Place::Project, "limits.queue", "5", "5"),
    (Place::Project, "limits.first", "[a]", "a"),
    (Place::Project, "worker.engine", "restate", "restate"),
    (Place::Project, "worker.concurrency", "7", "7"),
    (Place::Project, "worker.per_tenant", "7", "7"),
    (Place::Project, "worker.per_agent", "7", "7"),
    (Place::Project, "worker.lease", "7s", "7s"),
    (Place::Project, "worker.drain", "7s", "7s"),
    (Place::Project, "worker.attempts", "7", "7"),
    (Place::Project, "worker.max_queued", "7", "7"),
    (Place::Project, "worker.restate.listen", "'0.0.0.0:9081'", "[::1]:9081"),
    (Place::Project, "worker.restate.uri", "'http://worker:9081'", "http://worker:9082"),
    (Place::Project, "worker.restate.ingress", "'http://restate:8081'", "http://restate:8082"),
    (Place::Project, "worker.restate.admin", "'http://restate:9071'", "http://restate:9072"),
    (Place::Project, "worker.restate.identity_key", "publickeyv1_a", "publickeyv1_b"),
    (Place::Project, "worker.restate.unsigned", "true", "true"),
    (Place::Project, "signals.keys", SIGNERS, SIGNERS),
    (Place::Project, "signals.max_age", "7s", "7s"),
    (Place::Project, "signals.require", "true", "true"),
];

/// A public key.
const SIGNERS: &str = r#"{"shop":"MCowBQYDK2VwAyEAgTl17/wcCLRr6U/3X/GCzcgS+dKuLHqW3NjQhe5Gy8E="}"#;
const ISSUER: &str = "MCowBQYDK2VwAyEAgTl17/wcCLRr6U/3X/GCzcgS+dKuLHqW3NjQhe5Gy8E=";

/// Keys that mean nothing alone.
const AGENT: &str = "name: a\ninstructions: Help.\nknowledge: docs\n\
                     tools: {search_knowledge: {}, read_file: {root: docs}, web_fetch: {}, \
                     web_search: {}, current_time: {}, sql_query: {database: docs/a.md}, \
                     stock: {command: [/bin/sh], description: d}, \
                     weather: {http: {url: \"https://a.example/\"}, description: d}, \
                     shop: {openapi: {document: docs/shop.json}}, \
                     helper: {agent: docs/a.md, description: d}, \
                     shell: {root: docs, allow: [/bin/ls]}, code_execute: {}}\n\
                     search_tools: {above: 9}\n\
                     output: {schema: {}}\n\
                     cache: {enabled: true}\n\
                     guardrails: {rules: {search_knowledge: {words: [x]}}}\n\
                     memory: {strategy: summary}\n";

const PROJECT: &str = "providers: {mine: {path: /p}}\n\
                       pools: {mine: {models: [openai/o4-mini], strategy: weighted}}\n\
                       prices: {mine: {model: openai/gpt-9, input: 9}}\n\
                       license: {issuer: MCowBQYDK2VwAyEAbTl17/wcCLRr6U/3X/GCzcgS+dKuLHqW3NjQhe5Gy8E=}\n";

pub(crate) fn other(key: &Key) -> (&'static str, &'static str) {
    let row = OTHER.iter().find(|row| row.0 == key.place && row.1 == key.path);
    row.map_or_else(|| panic!("no value for {}", key.path), |row| (row.2, row.3))
}

/// A tool that takes the key.
fn tool_of(path: &str) -> &'static str {
    match path.strip_prefix("tools.*.").unwrap_or_default() {
        "root" | "max_bytes" => "read_file",
        "hosts" | "networks" | "ports" | "max_chars" => "web_fetch",
        "engine" | "url" => "web_search",
        "zone" => "current_time",
        "database" | "max_rows" => "sql_query",
        "description" | "parameters" | "idempotent" | "command" | "folder" | "env" | "answer"
        | "sandbox" | "reads" | "writes" | "network" | "max_cpu" | "max_memory"
        | "max_processes" => "stock",
        "allow" => "shell",
        "languages" | "tools" | "max_calls" => "code_execute",
        "agent" => "helper",
        key if key.starts_with("http.") => "weather",
        key if key.starts_with("openapi.") => "shop",
        _ => "search_knowledge",
    }
}

/// The same value written as nested groups.
pub(crate) fn nested(path: &str, value: &str) -> String {
    let mut text = String::new();
    let levels: Vec<&str> = path.split('.').collect();
    for (depth, level) in levels.iter().enumerate() {
        let name = match (*level, levels.first()) {
            ("*", Some(&"tools" | &"approvals" | &"guardrails")) => tool_of(path),
            ("*", _) => "mine",
            _ => level,
        };
        let value = if depth + 1 == levels.len() { value } else { "" };
        let _ = writeln!(text, "{}{name}: {value}", "  ".repeat(depth));
    }
    text
}

/// The agent of the base file with one line of it replaced by another.
pub(crate) fn agent_text(key: &Key, value: &str) -> String {
    let line = nested(key.path, value);
    let top = format!("{}:", key.path.split('.').next().unwrap());
    let own = key.path.starts_with("tools.*.") && tool_of(key.path) != "search_knowledge";
    let kept = AGENT.lines().filter(|line| !line.starts_with(&top));
    let mut text = kept.fold(String::new(), |text, line| text + line + "\n");
    text.push_str(&line);
    // What was replaced along with the key is put back beside it.
    if key.path == "tools.*.max_bytes" {
        text.push_str("    root: docs\n");
    }
    if tool_of(key.path) == "shell" {
        text.push_str("    root: docs\n");
    }
    if key.path == "tools.*.max_rows" {
        text.push_str("    database: docs/a.md\n");
    }
    if tool_of(key.path) == "stock" {
        let rest = [("description", "d"), ("command", "[/bin/sh]")];
        let rest = rest.iter().filter(|(name, _)| !key.path.ends_with(name));
        for (name, value) in rest {
            let _ = writeln!(text, "    {name}: {value}");
        }
    }
    if tool_of(key.path) == "weather" {
        if key.path != "tools.*.http.url" {
            text.push_str("      url: https://a.example/\n");
        }
        text.push_str("    description: d\n");
    }
    if tool_of(key.path) == "shop" && key.path != "tools.*.openapi.document" {
        text.push_str("      document: docs/shop.json\n");
    }
    if tool_of(key.path) == "helper" {
        text.push_str("    description: d\n");
    }
    if key.path.starts_with("search_tools.") && key.path != "search_tools.above" {
        text.push_str("  above: 9\n");
    }
    if own {
        text.push_str("  search_knowledge: {}\n");
    }
    if key.path.starts_with("knowledge.") && key.path != "knowledge.folder" {
        text.push_str("  folder: docs\n");
    }
    if key.path.starts_with("cache.") && key.path != "cache.enabled" {
        text.push_str("  enabled: true\n");
    }
    if key.path.starts_with("guardrails.rules.") && key.path != "guardrails.rules.*.words" {
        text.push_str("      words: [x]\n");
    } else if key.path.starts_with("guardrails.") && !key.path.starts_with("guardrails.rules.") {
        text.push_str("  rules: {search_knowledge: {words: [x]}}\n");
    }
    if key.path.starts_with("memory.") && key.path != "memory.strategy" {
        text.push_str("  strategy: summary\n");
    }
    if key.path.starts_with("output.") && key.path != "output.schema" {
        text.push_str("  schema: {}\n");
    }
    text
}

pub(crate) fn disk(files: &[(&str, &str)]) -> tempfile::TempDir {
    let documents = [
        ("docs/a.md", "a"),
        ("docs/deeper/b.md", "b"),
        ("docs/shop.json", "{}"),
        ("docs/other.json", "{\"a\": 1}"),
    ];
    folder(files.iter().copied().chain(documents))
}

#[test]
fn every_key_has_another_value_to_be_tried_with() {
    assert_eq!(OTHER.len(), KEYS.len());
}

#[test]
fn every_key_of_an_agent_file_changes_the_agent() {
    for key in KEYS.iter().filter(|key| key.place == Place::Agent) {
        let (in_file, in_variable) = other(key);
        let base = disk(&[("agent.yaml", AGENT)]);
        let unchanged = agent(base.path(), &[], &Flags::new()).unwrap().agent;
        let variable = key.variable().replace("<NAME>", &tool_of(key.path).to_uppercase());
        let expected_set = !in_variable.is_empty();
        let changed = agent(base.path(), &[(&variable, in_variable)], &Flags::new()).unwrap();
        assert_eq!(changed.agent != unchanged, expected_set, "{variable}");

        std::fs::write(base.path().join("agent.yaml"), agent_text(key, in_file)).unwrap();
        let changed = agent(base.path(), &[], &Flags::new());
        let changed = changed.unwrap_or_else(|error| panic!("{}: {error}", key.path));
        assert_ne!(changed.agent, unchanged, "{}", key.path);
        let name = key.path.replace('*', tool_of(key.path));
        let origin = changed.origins.iter().find(|origin| origin.key == name).unwrap();
        assert!(matches!(origin.source, Source::File { .. }), "{origin:?}");
    }
}

#[test]
fn every_key_of_a_project_file_changes_the_project() {
    for key in KEYS.iter().filter(|key| key.place == Place::Project) {
        let (in_file, in_variable) = other(key);
        let base = disk(&[("largestack.yaml", PROJECT)]);
        let of = |environment: &[(&str, &str)]| {
            project(base.path(), environment, &Flags::new()).unwrap()
        };
        let unchanged = of(&[]).project;
        let variable = key.variable().replace("<NAME>", "MINE");
        // The default of a wire is the only wire there is.
        let is_default = key.path == "providers.*.wire";
        assert_eq!(of(&[(&variable, in_variable)]).project == unchanged, is_default, "{variable}");

        let mut text = nested(key.path, in_file);
        if key.path.starts_with("pools.") && key.path != "pools.*.models" {
            text.push_str("    models: [openai/o4-mini]\n");
        }
        if key.path.starts_with("prices.") && key.path != "prices.*.model" {
            text.push_str("    model: openai/gpt-9\n");
        }
        if key.path.starts_with("prices.") && key.path != "prices.*.input" {
            text.push_str("    input: 9\n");
        }
        if key.path == "license.file" {
            let _ = writeln!(text, "  issuer: {ISSUER}");
        }
        if key.path == "pools.*.weights" {
            text.push_str("    strategy: weighted\n");
        }
        std::fs::write(base.path().join("largestack.yaml"), text).unwrap();
        let changed = of(&[]);
        assert_ne!(changed.project, unchanged, "{}", key.path);
        let name = key.path.replace('*', "mine");
        let origin = changed.origins.iter().find(|origin| origin.key == name).unwrap();
        assert!(matches!(origin.source, Source::File { .. }), "{origin:?}");
    }
}

/// Each tool that takes keys of its own, and one that takes none.
const ALL: &str = "{calculator: {}, read_file: {root: docs}, web_fetch: {}, web_search: {}, \
                   current_time: {}, sql_query: {database: docs/a.md}, \
                   stock: {command: [/bin/sh], description: d}, \
                   weather: {http: {url: \"https://a.example/\"}, description: d}, \
                   shop: {openapi: {document: docs/shop.json}}, \
                   helper: {agent: docs/a.md, description: d}, \
                   shell: {root: docs, allow: [/bin/ls]}, code_execute: {}}";

#[test]
fn what_is_read_is_what_the_table_lists() {
    let folder = disk(&[
        (
            "agent.yaml",
            &*format!(
                "{LEAST}tools: {ALL}\napprovals: {{tools: {{calculator: {{}}}}}}\n\
                 guardrails: {{rules: {{mine: {{words: [x]}}}}}}\n"
            ),
        ),
        (
            "largestack.yaml",
            "providers: {mine: {}}\npools: {mine: {models: [openai/o3]}}\n\
             prices: {mine: {model: openai/o3, input: 1}}\n",
        ),
    ]);
    let settings = agent(folder.path(), &[], &Flags::new()).unwrap();
    let tools = ["calculator", "read_file", "web_fetch", "web_search", "current_time", "sql_query"];
    let tools: Vec<_> = tools
        .into_iter()
        .chain(["stock", "weather", "shop", "helper", "shell", "code_execute"])
        .collect();
    let starred = |key: &str| {
        tools.iter().fold(key.replace(".mine.", ".*."), |key, tool| {
            key.replace(&format!("tools.{tool}."), "tools.*.")
        })
    };
    let mut read: Vec<String> =
        settings.origins.iter().map(|origin| starred(&origin.key)).collect();
    let mut listed: Vec<String> = KEYS.iter().map(|key| key.path.to_owned()).collect();
    // The environment alone decides this.
    listed.push("home".to_owned());
    read.sort();
    read.dedup();
    listed.sort();
    listed.dedup();
    assert_eq!(read, listed);
}

#[test]
fn the_defaults_of_the_table_are_the_defaults() {
    let folder = disk(&[("agent.yaml", LEAST)]);
    let settings = agent(folder.path(), &[], &Flags::new()).unwrap();
    let mut compared = 0;
    let own = |key: &&Key| key.place == Place::Agent && !key.path.contains('*');
    for key in KEYS.iter().filter(own) {
        let origin = settings.origins.iter().find(|origin| origin.key == key.path).unwrap();
        let written = key.default.replace('`', "");
        let listed = format!("[{written}]");
        match written.as_str() {
            "required" | "empty" | "auto" | "none" | "every tool" | "every capability" => {}
            prose if prose.starts_with("the ") => assert_eq!(origin.value, "none", "{}", key.path),
            _ => {
                assert!([&written, &listed].contains(&&origin.value), "{origin:?} {written}");
                compared += 1;
            }
        }
    }
    assert!(compared >= 14, "{compared}");
}

#[test]
fn a_settings_struct_holds_what_was_written_and_not_only_something_else() {
    let text = "name: a\ninstructions: |\n  Two\n  lines.\nknowledge: docs\n\
                tools: [search_knowledge]\nbudget: 0.1\nlimits: {wall_clock: 90s}\n\
                settings: {extra: {n: 1.50, big: 12345678901234567890}}\npermissions: {allow: []}\n";
    let folder = disk(&[("agent.yaml", text)]);
    let agent = agent(folder.path(), &[], &Flags::new()).unwrap().agent;
    assert_eq!(&*agent.instructions, "Two\nlines.\n");
    assert_eq!(agent.knowledge.as_ref().unwrap().folder, folder.path().join("docs"));
    assert_eq!(agent.limits.budget.unwrap().nanos(), 100_000_000);
    assert_eq!(agent.limits.wall_clock.unwrap().as_secs(), 90);
    let extra = agent.settings.extra.unwrap();
    assert_eq!(extra.as_str(), r#"{"n":1.5,"big":12345678901234567890}"#);
    assert_eq!(agent.permissions.allow, Some(std::collections::BTreeSet::new()));
    assert_eq!(agent.file, Path::new(&folder.path().join("agent.yaml")));
}

#[test]
fn an_alias_stands_for_what_it_names_and_is_shown_where_it_stands() {
    let text = format!("{LEAST}model: &m openai/o3\nfallbacks: [*m]\nbudget: &b 0.10\n");
    let folder = disk(&[("agent.yaml", text.as_str())]);
    let agent_of = |text: &str| {
        std::fs::write(folder.path().join("agent.yaml"), text).unwrap();
        agent(folder.path(), &[], &Flags::new())
    };
    let settings = agent_of(&text).unwrap();
    assert_eq!(&*settings.agent.fallbacks[0], "openai/o3");
    assert_eq!(settings.agent.limits.budget.unwrap().nanos(), 100_000_000);
    let wrong = format!("{LEAST}model: &m openai/o3\nlimits: {{max_turns: *m}}\n");
    let error = agent_of(&wrong).unwrap_err();
    assert_eq!(error.problems().len(), 1);
    assert!(error.problems()[0].source.to_string().ends_with("agent.yaml:4:21"), "{error}");
}

#[test]
fn every_key_of_a_tool_changes_how_it_is_run() {
    let options = |text: &str| {
        let folder = disk(&[("agent.yaml", text)]);
        let agent = agent(folder.path(), &[], &Flags::new()).unwrap().agent;
        let mut options = ToolOptions { breaker: None, ..ToolOptions::default() };
        agent.tools[0].settings.apply(&mut options);
        options
    };
    let general = |key: &&Key| tool_of(key.path) == "search_knowledge";
    for key in KEYS.iter().filter(|key| key.path.starts_with("tools.*.")).filter(general) {
        let name = key.path.rsplit('.').next().unwrap();
        let base = format!("{LEAST}tools:\n  calculator:\n    breaker: 9\n");
        let base = if name == "breaker" { base.replace("    breaker: 9\n", "") } else { base };
        let changed = format!("{base}    {name}: {}\n", other(key).0);
        assert_ne!(options(&base), options(&changed), "{name}");
    }
}
