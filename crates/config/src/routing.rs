//! Who answers in whose place, and what is answered without asking anybody.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::catalogue::Catalogue;
use crate::locate;
use crate::problem::Wrong;
use crate::read::Fields;
use crate::show::Show;
use crate::value;

/// When a reply breaks off after a part of it was delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnBreak {
    /// The next model goes on behind it.
    #[default]
    Continue,
    /// The next model begins again.
    Restart,
    /// What was delivered is the reply, marked as broken off.
    Surface,
    /// The call fails.
    Fail,
}

/// A complete reply after which the next model is asked all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadContent {
    /// It says nothing.
    Empty,
    /// The model declined.
    Refusal,
    /// It does not fit the schema that was asked for.
    InvalidOutput,
}

/// When the next model of an agent's list takes over.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fallback {
    /// When a reply breaks off after a part of it was delivered.
    pub on_break: OnBreak,
    /// Where the next model cannot go on behind it; never `Continue`.
    pub cannot_continue: OnBreak,
    /// Complete replies that do not count.
    pub on_content: Vec<BadContent>,
    /// A model that may cost more than this many times the first one is passed over.
    pub max_price_factor: Option<f64>,
    /// Agents that take over where this one has failed, in order: their files.
    pub agents: Vec<PathBuf>,
}

const ON_BREAK: &[(&str, OnBreak)] = &[
    ("continue", OnBreak::Continue),
    ("restart", OnBreak::Restart),
    ("surface", OnBreak::Surface),
    ("fail", OnBreak::Fail),
];
const CANNOT_CONTINUE: &[(&str, OnBreak)] =
    &[("restart", OnBreak::Restart), ("surface", OnBreak::Surface), ("fail", OnBreak::Fail)];
const BAD_CONTENT: &[(&str, BadContent)] = &[
    ("empty", BadContent::Empty),
    ("refusal", BadContent::Refusal),
    ("invalid-output", BadContent::InvalidOutput),
];

fn name<T: PartialEq>(names: &[(&'static str, T)], of: &T) -> String {
    let known = names.iter().find(|(_, value)| value == of);
    known.map_or("", |(name, _)| name).to_owned()
}

impl Show for OnBreak {
    fn show(&self) -> String {
        name(ON_BREAK, self)
    }
}

impl Show for BadContent {
    fn show(&self) -> String {
        name(BAD_CONTENT, self)
    }
}

/// `fallback` of an agent.
pub(crate) fn fallback(mut fields: Fields<'_>, catalogue: &Catalogue<'_>) -> Fallback {
    let factor = value::or_none(value::number(0.0, 1_000.0));
    let fallback = Fallback {
        on_break: fields.get("on_break", OnBreak::Continue, value::choice(ON_BREAK)).value,
        cannot_continue: fields
            .get("cannot_continue", OnBreak::Restart, value::choice(CANNOT_CONTINUE))
            .value,
        on_content: fields.list("on_content", Vec::new(), value::choice(BAD_CONTENT)).value,
        max_price_factor: fields.get("max_price_factor", None, factor).value,
        agents: agents(&mut fields, catalogue),
    };
    fields.finish();
    fallback
}

/// The files of agents that take over.
fn agents(fields: &mut Fields<'_>, catalogue: &Catalogue<'_>) -> Vec<PathBuf> {
    let written = fields.list("agents", Vec::new(), value::some_text);
    let folder = written.source.folder(catalogue.working_folder);
    let mut files = Vec::new();
    for path in written.value {
        let path = folder.join(&*path);
        if let Ok(file) = locate::agent_file(&path) {
            files.push(file);
        } else {
            let key = fields.key("agents");
            let detail = format!("there is no agent {}", path.display());
            fields.report.wrong(&written.source, &key, Wrong::value(detail));
        }
    }
    files
}

/// Which replies are given again to a call that was made before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyCache {
    /// How long.
    pub ttl: Duration,
    /// Also calls that may be answered differently each time.
    pub sampled: bool,
    /// Also replies that call tools.
    pub tool_calls: bool,
}

/// `cache` of an agent; `None` while it is off.
pub(crate) fn cache(mut fields: Fields<'_>) -> Option<ReplyCache> {
    let enabled = fields.get("enabled", false, value::boolean).value;
    let cache = ReplyCache {
        ttl: fields.get("ttl", Duration::from_hours(1), value::duration).value,
        sampled: fields.get("sampled", false, value::boolean).value,
        tool_calls: fields.get("tool_calls", false, value::boolean).value,
    };
    fields.finish();
    enabled.then_some(cache)
}

/// How a model of a pool is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choose {
    /// By lot.
    Weighted,
    /// By latency.
    Latency,
    /// By price.
    Cheapest,
    /// By what it has learned.
    #[default]
    Bandit,
}

const CHOOSE: &[(&str, Choose)] = &[
    ("weighted", Choose::Weighted),
    ("latency", Choose::Latency),
    ("cheapest", Choose::Cheapest),
    ("bandit", Choose::Bandit),
];

impl Show for Choose {
    fn show(&self) -> String {
        name(CHOOSE, self)
    }
}

/// Models of which any may answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// The models.
    pub models: Vec<Arc<str>>,
    /// How one is chosen.
    pub strategy: Choose,
    /// For `weighted`, a weight for each model.
    pub weights: Vec<u32>,
}

/// Pools by their names, with where each model stands, so that it can be checked.
pub(crate) type Pools = BTreeMap<Arc<str>, Pool>;

/// `pools` of a project. Their models are checked when all providers are known.
pub(crate) fn pools(section: Fields<'_>) -> Pools {
    let prefix = section.key("");
    let (entries, report) = section.rest();
    let mut pools = Pools::new();
    for entry in entries {
        let path = format!("{prefix}{}", entry.key);
        let source = entry.source;
        let mut fields = Fields::of(entry.node, &path, report);
        let pool = Pool {
            models: fields.list("models", Vec::new(), value::some_text).value,
            strategy: fields.get("strategy", Choose::default(), value::choice(CHOOSE)).value,
            weights: fields.list("weights", Vec::new(), value::whole(0, 1_000_000)).value,
        };
        fields.finish();
        if pool.models.is_empty() {
            report.wrong(&source, &path, Wrong::value("a pool needs models"));
        } else if !pool.weights.is_empty() && pool.strategy != Choose::Weighted {
            let wrong = "weights are read with `strategy: weighted` only";
            report.wrong(&source, &path, Wrong::value(wrong));
        } else if !pool.weights.is_empty() && pool.weights.len() != pool.models.len() {
            report.wrong(&source, &path, Wrong::value("a weight for each model, or none"));
        }
        pools.insert(entry.key.as_str().into(), pool);
    }
    pools
}
