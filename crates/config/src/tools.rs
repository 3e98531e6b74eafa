//! `tools` of an agent: which it has, and how each is run. A list of names is short for a group
//! with nothing said about them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use largestack_ports::limits::Rate;
use largestack_ports::tool::{
    ApprovalRule, ArgumentRule, BreakerOptions, Capability, Growth, ToolOptions,
};
use largestack_types::json::Json;
use largestack_types::label::{DataClass, Origin};
use largestack_types::scope::TenantId;

use crate::approvals;
use crate::built_in::{self, ToolOwn};
use crate::catalogue::Catalogue;
use crate::declared::{self, Declared};
use crate::node::{Entry, Node, Value};
use crate::origin::Source;
use crate::problem::Wrong;
use crate::read::{Fields, Read};
use crate::show::Show;
use crate::taint;
use crate::value;

/// A tool of an agent, and what is said of how it is run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolUse {
    /// Its name.
    pub name: Arc<str>,
    /// What is said; the rest is as the tool's author left it.
    pub settings: ToolSettings,
    /// What a built-in tool is told beside.
    pub own: ToolOwn,
    /// What it is, where the file makes it.
    pub declared: Option<Declared>,
}

/// How a tool is run, where the file says something.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolSettings {
    /// How long one attempt may take.
    pub timeout: Option<Duration>,
    /// Attempts after the first.
    pub retries: Option<u32>,
    /// How pauses between attempts grow.
    pub backoff: Option<Growth>,
    /// The first pause.
    pub backoff_unit: Option<Duration>,
    /// The longest pause.
    pub backoff_max: Option<Duration>,
    /// Whether pauses vary.
    pub jitter: Option<bool>,
    /// Failures after which it is left alone.
    pub breaker: Option<u32>,
    /// The time in which they fall.
    pub breaker_window: Option<Duration>,
    /// How long it is left alone.
    pub breaker_cooldown: Option<Duration>,
    /// Calls of this agent.
    pub calls_per_minute: Option<u32>,
    /// Calls of all agents of a tenant.
    pub tenant_calls_per_minute: Option<u32>,
    /// How long a result is given again.
    pub cache: Option<Duration>,
    /// The version of its behaviour.
    pub version: Option<Arc<str>>,
    /// What it does to the world.
    pub capabilities: Option<Vec<Capability>>,
    /// Where its results come from.
    pub origin: Option<Origin>,
    /// Kinds of data that its results hold.
    pub classes: Option<Vec<DataClass>>,
    /// Kinds of sensitive values that it is given in clear.
    pub reveals: Option<Vec<DataClass>>,
    /// What arguments must fit.
    pub arguments: Option<Json>,
    /// What arguments of a tenant's calls must fit.
    pub tenant_arguments: BTreeMap<TenantId, Json>,
    /// Characters of a result that the model sees.
    pub max_result_chars: Option<u32>,
    /// Whether a failure ends the run.
    pub raise: Option<bool>,
    /// Whether a person has to agree first.
    pub approval: Option<ApprovalRule>,
}

impl ToolUse {
    /// Whether a tool of this name may come of it. What the operations of a document are named is
    /// found out when they are made into tools.
    pub(crate) fn gives(&self, name: &str) -> bool {
        matches!(self.declared, Some(Declared::OpenApi(_))) || *self.name == *name
    }
}

const GROWTHS: &[(&str, Growth)] = &[
    ("none", Growth::None),
    ("constant", Growth::Constant),
    ("linear", Growth::Linear),
    ("exponential", Growth::Exponential),
];
/// Whether a failure is raised.
const ON_ERROR: &[(&str, bool)] = &[("tell", false), ("raise", true)];

impl Show for Growth {
    fn show(&self) -> String {
        let known = GROWTHS.iter().find(|(_, growth)| growth == self);
        known.map_or("", |(name, _)| name).to_owned()
    }
}

impl Show for Capability {
    fn show(&self) -> String {
        self.name().to_owned()
    }
}

impl Show for DataClass {
    fn show(&self) -> String {
        self.name().to_owned()
    }
}

impl ToolSettings {
    /// Changes options to what is said.
    pub fn apply(&self, options: &mut ToolOptions) {
        set(&mut options.timeout, self.timeout);
        set(&mut options.retries, self.retries);
        set(&mut options.backoff.growth, self.backoff);
        set(&mut options.backoff.unit, self.backoff_unit);
        set(&mut options.backoff.most, self.backoff_max);
        set(&mut options.backoff.jitter, self.jitter);
        self.apply_breaker(options);
        let rate = |calls: u32| Some(Rate::per_minute(calls.into()));
        set(&mut options.agent_rate, self.calls_per_minute.map(rate));
        set(&mut options.tenant_rate, self.tenant_calls_per_minute.map(rate));
        set(&mut options.cache, self.cache.map(Some));
        set(&mut options.version, self.version.clone());
        let access = &mut options.access;
        set(&mut access.capabilities, self.capabilities.as_deref().map(items));
        set(&mut access.origin, self.origin.map(Some));
        set(&mut access.classes, self.classes.as_deref().map(items));
        set(&mut access.approval, self.approval);
        set(&mut access.reveals, self.reveals.as_deref().map(items));
        let everybody = self.arguments.iter().map(|schema| (None, schema));
        let tenants = self.tenant_arguments.iter();
        let tenants = tenants.map(|(tenant, schema)| (Some(tenant.clone()), schema));
        access.arguments.extend(
            everybody
                .chain(tenants)
                .map(|(tenant, schema)| ArgumentRule { tenant, schema: schema.clone() }),
        );
        set(&mut options.max_result_chars, self.max_result_chars.map(|chars| chars as usize));
        set(&mut options.raise, self.raise);
    }

    fn apply_breaker(&self, options: &mut ToolOptions) {
        if let Some(failures) = self.breaker {
            options.breaker = Some(BreakerOptions::after(failures));
        }
        if let Some(breaker) = &mut options.breaker {
            set(&mut breaker.window, self.breaker_window);
            set(&mut breaker.cooldown, self.breaker_cooldown);
        }
    }
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn items<T: Copy, S: FromIterator<T>>(list: &[T]) -> S {
    list.iter().copied().collect()
}

/// `tools: [a, b]` written out, so that a layer above may say how one of them is run.
pub(crate) fn expanded(mut root: Node) -> Node {
    let Value::Map(entries) = &mut root.value else { return root };
    for entry in entries.iter_mut().filter(|entry| entry.key == "tools") {
        if matches!(entry.node.value, Value::List(_)) {
            named(&mut entry.node);
        }
    }
    root
}

/// A list of names as a group. Items that are no names stay where they are, to be reported there.
fn named(node: &mut Node) {
    let Ok(items) = value::items(node) else { return };
    let name = |item: &Node| value::some_text(item).ok().map(|name| name.as_ref().to_owned());
    let Some(names) = items.iter().map(name).collect::<Option<Vec<_>>>() else { return };
    let entries = names.into_iter().zip(&items).map(|(key, item)| {
        let source = item.source.clone();
        Entry { key, source: source.clone(), node: Node::empty(source) }
    });
    node.value = Value::Map(entries.collect());
}

/// When tools are kept back until the model looks for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchTools {
    /// Tools that a model is told of at once.
    pub above: u32,
    /// Tools that are never kept back.
    pub keep: Vec<Arc<str>>,
    /// Tools that one search finds.
    pub results: u32,
}

/// When tools are kept back.
pub(crate) fn search(
    mut fields: Fields<'_>,
    catalogue: &Catalogue<'_>,
    tools: &[ToolUse],
) -> Option<SearchTools> {
    let above = fields.optional("above", value::whole(1, u32::MAX));
    let kept = |node: &Node| {
        let name = value::some_text(node)?;
        known(&name, catalogue, tools).map(|()| name)
    };
    let keep = fields.list("keep", Vec::new(), kept);
    let results = fields.get("results", 5, value::whole(1, 50));
    let said = [&keep.source, &results.source];
    let said = said.into_iter().find(|source| !matches!(source, Source::Default)).cloned();
    if let (None, Some(source)) = (above, said) {
        let key = fields.key("above");
        fields.report.wrong(&source, &key, Wrong::Missing);
    }
    fields.finish();
    above.map(|above| SearchTools { above, keep: keep.value, results: results.value })
}

/// Whether there is a tool of this name, built in or made by the file.
pub(crate) fn known(name: &str, catalogue: &Catalogue<'_>, tools: &[ToolUse]) -> Result<(), Wrong> {
    let made = |tool: &ToolUse| tool.declared.is_some() && tool.gives(name);
    if tools.iter().any(made) { Ok(()) } else { catalogue.check_tool(name) }
}

/// The tools, in order, and where they stand.
pub(crate) fn read(fields: &mut Fields<'_>, catalogue: &Catalogue<'_>) -> Read<Vec<ToolUse>> {
    let path = fields.key("tools");
    let Some(mut node) = fields.take("tools") else {
        let none: Vec<Arc<str>> = Vec::new();
        let source = crate::origin::Source::Default;
        fields.report.origin(&path, none.show(), &source);
        return Read { value: Vec::new(), source };
    };
    named(&mut node);
    let source = node.source.clone();
    if !matches!(node.value, Value::Map(_) | Value::Null) {
        // What is no name in a list is reported where it stands.
        let items = value::items(&node).unwrap_or_default();
        let report = &mut *fields.report;
        let wrong = items.iter().filter_map(|item| Some((item, value::some_text(item).err()?)));
        let before = report.problems.len();
        for (item, wrong) in wrong {
            report.wrong(&item.source, &path, wrong);
        }
        if report.problems.len() == before {
            let (expected, found) = ("a list of tools".to_owned(), node.found());
            report.wrong(&source, &path, Wrong::Type { expected, found });
        }
        return Read { value: Vec::new(), source };
    }
    let (entries, report) = Fields::of(node, &path, fields.report).rest();
    let names: Vec<String> = entries.iter().map(|entry| entry.key.clone()).collect();
    report.origin(&path, names.show(), &source);
    let mut tools = Vec::with_capacity(entries.len());
    for entry in entries {
        let name: Arc<str> = entry.key.as_str().into();
        let kind = declared::kind(&entry.node);
        let known = match kind {
            Some(_) => declared::check_name(&name, catalogue),
            None => catalogue.check_tool(&name),
        };
        if let Err(wrong) = known {
            report.wrong(&entry.source, &path, wrong);
        }
        let mut fields = Fields::of(entry.node, &format!("{path}.{name}"), report);
        let own = match kind {
            Some(_) => ToolOwn::default(),
            None => built_in::read(&name, &mut fields, catalogue),
        };
        let declared = kind.and_then(|kind| declared::read(kind, &mut fields, catalogue));
        let settings = settings(fields);
        tools.push(ToolUse { name, settings, own, declared });
    }
    Read { value: tools, source }
}

fn settings(mut fields: Fields<'_>) -> ToolSettings {
    let count = || value::whole(1, u32::MAX);
    let settings = ToolSettings {
        timeout: fields.optional("timeout", value::duration),
        retries: fields.optional("retries", value::whole(0, 100)),
        backoff: fields.optional("backoff", value::choice(GROWTHS)),
        backoff_unit: fields.optional("backoff_unit", value::duration),
        backoff_max: fields.optional("backoff_max", value::duration),
        jitter: fields.optional("jitter", value::boolean),
        breaker: fields.optional("breaker", count()),
        breaker_window: fields.optional("breaker_window", value::duration),
        breaker_cooldown: fields.optional("breaker_cooldown", value::duration),
        calls_per_minute: fields.optional("calls_per_minute", count()),
        tenant_calls_per_minute: fields.optional("tenant_calls_per_minute", count()),
        cache: fields.optional("cache", value::duration),
        version: fields.optional("version", value::some_text),
        capabilities: fields.optional_list("capabilities", capability),
        origin: fields.optional("origin", taint::origin),
        classes: fields.optional_list("classes", class),
        reveals: fields.optional_list("reveals", class),
        arguments: fields.optional("arguments", value::schema),
        tenant_arguments: tenant_arguments(&mut fields),
        max_result_chars: fields.optional("max_result_chars", count()),
        raise: fields.optional("on_error", raise).map(|raise| raise.0),
        approval: fields.optional("approval", approvals::rule),
    };
    fields.finish();
    settings
}

/// Whether something ends the run, as the file says it.
pub(crate) struct Raise(pub(crate) bool);

/// `tell` or `raise`.
pub(crate) fn raise(node: &Node) -> Result<Raise, Wrong> {
    value::choice(ON_ERROR)(node).map(Raise)
}

impl Show for Raise {
    fn show(&self) -> String {
        let known = ON_ERROR.iter().find(|(_, raise)| *raise == self.0);
        known.map_or("", |(name, _)| name).to_owned()
    }
}

fn tenant_arguments(fields: &mut Fields<'_>) -> BTreeMap<TenantId, Json> {
    let by_tenant = |node: &Node| {
        let rules = value::group::<BTreeMap<TenantId, Json>>(node)?;
        let wrong = rules.iter().find_map(|(tenant, rule)| {
            let why = value::schema_problem(rule)?;
            Some(Wrong::value(format!("what stands under `{tenant}` is no JSON Schema: {why}")))
        });
        wrong.map_or(Ok(ByTenant(rules)), Err)
    };
    fields.optional("tenant_arguments", by_tenant).map(|rules| rules.0).unwrap_or_default()
}

/// Schemas by tenant.
struct ByTenant(BTreeMap<TenantId, Json>);

impl Show for ByTenant {
    fn show(&self) -> String {
        let names: Vec<String> = self.0.keys().map(ToString::to_string).collect();
        names.show()
    }
}

/// A capability.
pub(crate) fn capability(node: &Node) -> Result<Capability, Wrong> {
    value::choice(Capability::ALL)(node)
}

/// A class of data.
pub(crate) fn class(node: &Node) -> Result<DataClass, Wrong> {
    let name = value::some_text(node)?;
    let known = DataClass::ALL.iter().copied();
    known
        .clone()
        .find(|class| class.name() == &*name)
        .ok_or_else(|| Wrong::unknown_name("data class", &name, known.map(DataClass::name)))
}
