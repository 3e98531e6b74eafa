//! `largestack.yaml`: what the agents of a project share.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use largestack_wire::price::Book;
use largestack_wire::profile::Prefill;
use largestack_wire::{Auth, Patience, Registry, Section};

use crate::license::{self, License};
use crate::network::{self, Network};
use crate::node::Node;
use crate::prices;
use crate::problem::Wrong;
use crate::quotas::{self, Budgets, RateLimits};
use crate::read::{Fields, Read};
use crate::retention::{self, Retention};
use crate::routing::{self, Pool, Pools};
use crate::signals::{self, Signals};
use crate::value;
use crate::worker::{self, Workers};

/// What the agents of a project share, and where state lives.
#[derive(Clone, Debug, PartialEq)]
pub struct Project {
    /// Its file, where there is one.
    pub file: Option<PathBuf>,
    /// Where runs and indices are kept.
    pub state: PathBuf,
    /// Where state lives that belongs to no project, where the environment says so.
    pub home: Option<PathBuf>,
    /// The variable with the address of the Postgres server that keeps what machines share.
    pub postgres: Option<Arc<str>>,
    /// How long runs are kept.
    pub retention: Retention,
    /// The model of agents that name none: never `auto`.
    pub model: Arc<str>,
    /// The providers: the built-in rows and the project's own.
    pub providers: Registry,
    /// Models of which any may answer, by name.
    pub pools: BTreeMap<Arc<str>, Pool>,
    /// How providers are reached.
    pub network: Network,
    /// Whether no provider may be asked.
    pub models_blocked: bool,
    /// A licence that the operator asks for; `None` where nobody does.
    pub license: Option<License>,
    /// What all runs may spend together.
    pub budgets: Budgets,
    /// How fast they may go.
    pub limits: RateLimits,
    /// What calls cost: the price book and the project's own prices.
    pub prices: Book,
    /// How workers work, and how much may wait for them.
    pub workers: Workers,
    /// Whose signed events runs hear.
    pub signals: Signals,
}

/// What the file, variables and flags say.
pub(crate) struct Written {
    pub(crate) model: Read<Arc<str>>,
    pub(crate) state: Read<Option<Arc<str>>>,
    pub(crate) postgres: Option<Arc<str>>,
    pub(crate) retention: Retention,
    pub(crate) providers: Registry,
    pub(crate) pools: Pools,
    pub(crate) network: Network,
    pub(crate) models_blocked: bool,
    pub(crate) license: Option<License>,
    pub(crate) budgets: Budgets,
    pub(crate) limits: RateLimits,
    pub(crate) prices: Vec<prices::Written>,
    pub(crate) workers: Workers,
    pub(crate) signals: Signals,
}

pub(crate) fn read(mut fields: Fields<'_>) -> Written {
    let model = fields.get("model", "auto".into(), value::some_text);
    let state = fields.get("state", None, |node| value::some_text(node).map(Some));
    let mut store = fields.section("store");
    let postgres = store.optional("postgres", variable_name);
    store.finish();
    let retention = retention::read(fields.section("retention"));
    let pools = routing::pools(fields.section("pools"));
    let mut providers = providers(&mut fields);
    let aliases = fields.optional("aliases", value::group::<Words>);
    for (name, model) in aliases.map(|words| words.0).unwrap_or_default() {
        providers.alias(name, model);
    }
    let network = network::read(fields.section("network"));
    let models_blocked =
        fields.get("model_requests", Blocked(false), value::choice(MODEL_REQUESTS)).value.0;
    let license = license::read(fields.section("license"));
    let budgets = quotas::budgets(fields.section("budgets"));
    let limits = quotas::limits(fields.section("limits"));
    let prices = prices::read(fields.section("prices"));
    let workers = worker::read(fields.section("worker"));
    let signals = signals::read(fields.section("signals"));
    fields.finish();
    Written {
        model,
        state,
        postgres,
        retention,
        providers,
        pools,
        network,
        models_blocked,
        license,
        budgets,
        limits,
        prices,
        workers,
        signals,
    }
}

/// Whether no provider may be asked, as the file says it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Blocked(bool);

const MODEL_REQUESTS: &[(&str, Blocked)] = &[("allow", Blocked(false)), ("block", Blocked(true))];

impl crate::show::Show for Blocked {
    fn show(&self) -> String {
        let known = MODEL_REQUESTS.iter().find(|(_, blocked)| blocked == self);
        known.map_or("", |(name, _)| name).to_owned()
    }
}

fn providers(fields: &mut Fields<'_>) -> Registry {
    let mut registry = Registry::default();
    let section = fields.section("providers");
    let prefix = section.key("");
    // The names are the user's own, so whatever stands there is a provider.
    let mut sections = Vec::new();
    let (entries, report) = section.rest();
    for entry in entries {
        let path = format!("{prefix}{}", entry.key);
        let source = entry.source;
        let row = Fields::of(entry.node, &path, report);
        sections.push((entry.key, provider(row), source));
    }
    for (name, section, source) in sections {
        let fits = !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b));
        if fits {
            registry.define(name, section);
        } else {
            let wrong = Wrong::value("a provider's name is of a-z, 0-9, `-` and `_`");
            report.wrong(&source, &format!("{prefix}{name}"), wrong);
        }
    }
    registry
}

fn provider(mut fields: Fields<'_>) -> Section {
    let texts = |fields: &mut Fields<'_>, key| {
        let list = fields.optional_list(key, value::some_text);
        list.map(|list| list.iter().map(|text| text.as_ref().to_owned()).collect())
    };
    let text = |fields: &mut Fields<'_>, key| {
        fields.optional(key, value::some_text).map(|text| text.as_ref().to_owned())
    };
    let section = Section {
        wire: fields.optional("wire", wire).map(|text| text.as_ref().to_owned()),
        base_url: fields.optional("base-url", address).map(|text| text.as_ref().to_owned()),
        path: text(&mut fields, "path"),
        auth: fields.optional("auth", auth),
        key_env: texts(&mut fields, "key-env"),
        quirks: fields.optional_list("quirks", value::deserialised),
        lacks: fields.optional_list("lacks", value::deserialised),
        models: texts(&mut fields, "models"),
        also: texts(&mut fields, "also"),
        params: fields.optional("params", value::group::<Params>).map(|params| params.0),
        query: fields.optional("query", value::group::<Words>).map(|words| words.0),
        headers: fields.optional("headers", value::group::<Words>).map(|words| words.0),
        residency: texts(&mut fields, "residency"),
        timeouts: Some(timeouts(fields.section("timeouts"))),
        prefill: fields.optional("prefill", value::deserialised),
        embed: fields.optional("embed", embed).map(|text| text.as_ref().to_owned()),
        embed_path: text(&mut fields, "embed-path"),
        rerank: fields.optional("rerank", rerank).map(|text| text.as_ref().to_owned()),
        rerank_path: text(&mut fields, "rerank-path"),
    };
    fields.finish();
    section
}

fn timeouts(mut fields: Fields<'_>) -> Patience {
    let patience = Patience {
        connect: fields.optional("connect", value::duration),
        first_byte: fields.optional("first-byte", value::duration),
        idle: fields.optional("idle", value::duration),
        total: fields.optional("total", value::duration),
    };
    fields.finish();
    patience
}

fn wire(node: &Node) -> Result<Arc<str>, Wrong> {
    let name = value::some_text(node)?;
    // `none`: who only embeds or reranks.
    if &*name == "none" || largestack_wire::wire(&name).is_some() {
        return Ok(name);
    }
    let names = largestack_wire::WIRES.iter().map(|wire| wire.name());
    Err(Wrong::unknown_name("protocol", &name, names))
}

fn embed(node: &Node) -> Result<Arc<str>, Wrong> {
    use largestack_wire::embed::{EMBED_WIRES, embed_wire};
    let name = value::some_text(node)?;
    if embed_wire(&name).is_some() {
        return Ok(name);
    }
    let names = EMBED_WIRES.iter().map(|wire| wire.name());
    Err(Wrong::unknown_name("protocol of embeddings", &name, names))
}

fn rerank(node: &Node) -> Result<Arc<str>, Wrong> {
    use largestack_wire::rerank::{RERANK_WIRES, rerank_wire};
    let name = value::some_text(node)?;
    if rerank_wire(&name).is_some() {
        return Ok(name);
    }
    let names = RERANK_WIRES.iter().map(|wire| wire.name());
    Err(Wrong::unknown_name("protocol of rerankers", &name, names))
}

fn address(node: &Node) -> Result<Arc<str>, Wrong> {
    let text = value::some_text(node)?;
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match rest {
        // A key in an address would be shown wherever the address is.
        Some(rest) if rest.split('/').next().is_some_and(|host| host.contains('@')) => {
            Err(Wrong::value(
                "credentials have no place in an address; set the provider's key variable",
            ))
        }
        Some(rest) if !rest.is_empty() => Ok(text),
        _ => Err(Wrong::value(format!("`{text}` is no http or https address"))),
    }
}

/// The name of a variable. What is no name is not shown: it may be the secret itself.
fn variable_name(node: &Node) -> Result<Arc<str>, Wrong> {
    let name = value::some_text(node)?;
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.chars().all(word) && !name.starts_with(|c: char| c.is_ascii_digit()) {
        return Ok(name);
    }
    Err(Wrong::value(
        "the name of a variable is expected, such as DATABASE_URL; the address itself has no place \
         in a file",
    ))
}

fn auth(node: &Node) -> Result<Auth, Wrong> {
    value::deserialised(node).map_err(|_| Wrong::Type {
        expected: "`bearer`, `none` or `header: NAME`".to_owned(),
        found: node.found(),
    })
}

/// Types that are shown as the JSON they are.
macro_rules! shown_as_json {
    ($($type:ty),+) => {
        $(impl crate::show::Show for $type {
            fn show(&self) -> String {
                let text = serde_json::to_string(self).unwrap_or_default();
                text.trim_matches('"').to_owned()
            }
        })+
    };
}

pub(crate) use shown_as_json;

/// Texts by name, as a file writes them.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Words(pub(crate) BTreeMap<String, String>);

/// Words that an address leaves open, as a file writes them.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
struct Params(BTreeMap<String, largestack_wire::Param>);

shown_as_json!(Words, Params, Auth, largestack_wire::Quirk, largestack_wire::Field, Prefill);
