//! `agent.yaml`: what an agent is.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use largestack_engine::definition::InDoubt;
use largestack_guard::Policy;
use largestack_guard::content::ContentPolicy;
use largestack_policy::Taint;
use largestack_ports::tool::Capability;
use largestack_types::call::{
    OnLoss, OutputMode, OutputSchema, PromptCache, ReasoningEffort, Settings as CallSettings,
};
use largestack_types::limits::{Limits, OnLimit};

use crate::approvals::{self, Approvals};
use crate::catalogue::Catalogue;
use crate::guardrails;
use crate::memory::{self, Memory};
use crate::node::{Entry, Node, Value};
use crate::origin::Source;
use crate::policies;
use crate::problem::Wrong;
use crate::project::Words;
use crate::provider_policy::{self, ProviderRule};
use crate::read::{Fields, Read};
use crate::routing::{self, Fallback, ReplyCache};
use crate::show::Show;
use crate::taint;
use crate::tools::{self, Raise, SearchTools, ToolUse};
use crate::value;

/// An agent as its file, the environment and flags describe it.
#[derive(Clone, Debug, PartialEq)]
pub struct Agent {
    /// Its file.
    pub file: PathBuf,
    /// The folder the file is in.
    pub folder: PathBuf,
    /// Its name.
    pub name: Arc<str>,
    /// What it is for, for people; empty for nothing.
    pub description: Arc<str>,
    /// What the operator tells the model.
    pub instructions: Arc<str>,
    /// The model: never `auto`.
    pub model: Arc<str>,
    /// Models to try when the first fails, in order.
    pub fallbacks: Vec<Arc<str>>,
    /// When they take over.
    pub fallback: Fallback,
    /// Which replies are given again; `None` for none.
    pub cache: Option<ReplyCache>,
    /// Labels of which a provider must have one; none for every provider.
    pub residency: Vec<Arc<str>>,
    /// Who may be told which kinds of data.
    pub provider_policy: Vec<ProviderRule>,
    /// Sampling and the like.
    pub settings: CallSettings,
    /// The shape of answers; `None` for text.
    pub output: Option<Output>,
    /// Tools that the model may call, in order.
    pub tools: Vec<ToolUse>,
    /// When tools are kept back until the model looks for them; `None` for never.
    pub search_tools: Option<SearchTools>,
    /// Documents to answer from.
    pub knowledge: Option<Knowledge>,
    /// Files that may be attached to a question.
    pub media: Media,
    /// Limits of a run, its budget among them.
    pub limits: Limits,
    /// What a run is told of its session.
    pub memory: Memory,
    /// Tools that may be used.
    pub permissions: Permissions,
    /// Calls that a person has to agree to.
    pub approvals: Approvals,
    /// What is done about what the guards find.
    pub guardrails: Policy,
    /// What is done about the content of texts, beside the values in them.
    pub content: ContentPolicy,
    /// What untrusted text and private data leave of tools.
    pub taint: Taint,
    /// Files with the operator's own policies about calls; none for none.
    pub policies: Vec<PathBuf>,
    /// How often a run goes on after a failure that may pass.
    pub retries: u32,
    /// What to do with a call that was cut off and may have had an effect.
    pub in_doubt: InDoubt,
}

/// The shape of answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// What fits.
    pub schema: OutputSchema,
    /// How the model is brought to it.
    pub mode: OutputMode,
    /// How often an answer that does not fit is sent back.
    pub retries: u32,
}

/// Documents to answer from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Knowledge {
    /// The folder they are in.
    pub folder: PathBuf,
    /// Patterns of files that are documents, within the folder.
    pub include: Vec<Arc<str>>,
    /// Patterns of files that are not.
    pub exclude: Vec<Arc<str>>,
    /// Passages that a search returns when the model asks for no other number.
    pub top_k: u32,
    /// The model that puts the best passages in order.
    pub reranker: Option<Arc<str>>,
    /// What becomes of a search that it does not answer.
    pub on_reranker_failure: OnRerankerFailure,
}

/// What becomes of a search whose reranker does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnRerankerFailure {
    /// Passages stay in the order of their words, with a note.
    OwnOrder,
    /// The search fails.
    Fail,
}

/// Files that may be attached to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// The only folders they may be in; `None` for the agent's own and the current one.
    pub folders: Option<Vec<PathBuf>>,
    /// Bytes of one of them.
    pub max_bytes: u32,
}

/// Tools that may be used. Denial wins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// The only tools that may be used; `None` for every tool, empty for none.
    pub allow: Option<BTreeSet<String>>,
    /// Tools that may not be used.
    pub deny: BTreeSet<String>,
    /// Only tools that say what they do and do nothing else; `None` asks nothing.
    pub allow_capabilities: Option<BTreeSet<Capability>>,
    /// Tools that do any of these may not be used.
    pub deny_capabilities: BTreeSet<Capability>,
    /// Whether a denied call ends the run.
    pub raise: bool,
}

/// What documents are when nobody says.
const DOCUMENTS: &[&str] = &["**/*.md", "**/*.markdown", "**/*.txt"];
/// Passages that a search returns when nobody says.
pub const DEFAULT_TOP_K: u32 = 8;
/// How often an answer that does not fit is sent back when nobody says.
const DEFAULT_OUTPUT_RETRIES: u32 = 1;
/// The most that `output.retries` may say.
const MAX_OUTPUT_RETRIES: u32 = 10;
/// The most that `retries` may say.
const MAX_RETRIES: u32 = 10;
/// Bytes of an attached file when nobody says.
const DEFAULT_MEDIA_BYTES: u32 = 20 << 20;
/// The most passages that `knowledge.top_k` may ask for.
pub const MAX_TOP_K: u32 = 20;

macro_rules! shown_by_name {
    ($($type:ty: $names:ident = [$($name:literal => $value:expr),+ $(,)?];)+) => {$(
        const $names: &[(&str, $type)] = &[$(($name, $value)),+];

        impl Show for $type {
            fn show(&self) -> String {
                let name = $names.iter().find(|(_, value)| value == self).map(|(name, _)| *name);
                name.unwrap_or_default().to_owned()
            }
        }
    )+};
}

shown_by_name! {
    OnRerankerFailure: ON_RERANKER =
        ["own-order" => OnRerankerFailure::OwnOrder, "fail" => OnRerankerFailure::Fail];
    OnLimit: ON_LIMIT = ["finish" => OnLimit::Finish, "error" => OnLimit::Error];
    InDoubt: IN_DOUBT = [
        "ask" => InDoubt::Ask,
        "tell-model" => InDoubt::TellModel,
        "fail" => InDoubt::Fail,
    ];
    ReasoningEffort: EFFORTS = [
        "none" => ReasoningEffort::None,
        "minimal" => ReasoningEffort::Minimal,
        "low" => ReasoningEffort::Low,
        "medium" => ReasoningEffort::Medium,
        "high" => ReasoningEffort::High,
        "xhigh" => ReasoningEffort::Xhigh,
        "max" => ReasoningEffort::Max,
    ];
    PromptCache: CACHES = [
        "5m" => PromptCache::FiveMinutes,
        "1h" => PromptCache::OneHour,
    ];
    OnLoss: ON_LOSS = ["report" => OnLoss::Report, "refuse" => OnLoss::Refuse];
    OutputMode: MODES = [
        "auto" => OutputMode::Auto,
        "native" => OutputMode::Native,
        "tool" => OutputMode::Tool,
        "prompt" => OutputMode::Prompt,
    ];
}

/// `knowledge: PATH` written out, so that one layer may say the folder and another the rest.
pub(crate) fn expanded(mut root: Node) -> Node {
    if let Value::Map(entries) = &mut root.value {
        for entry in entries.iter_mut().filter(|entry| entry.key == "knowledge") {
            if matches!(entry.node.value, Value::Scalar(_)) {
                let source = entry.node.source.clone();
                let empty = Node::empty(source.clone());
                let node = std::mem::replace(&mut entry.node, empty);
                let folder = Entry { key: "folder".to_owned(), source, node };
                entry.node.value = Value::Map(vec![folder]);
            }
        }
    }
    root
}

/// The agent, with its model as written, and what was wrong in the report of the fields.
pub(crate) fn read(
    mut fields: Fields<'_>,
    file: PathBuf,
    catalogue: &Catalogue<'_>,
) -> (Agent, Source) {
    let name = name(&mut fields);
    let description = fields.get("description", "".into(), value::text).value;
    let instructions = fields.required("instructions", value::some_text).value;
    let model = fields.get("model", "auto".into(), value::some_text);
    let known_model = |node: &Node| {
        let model = value::some_text(node)?;
        catalogue.check_model(&model).map(|()| model)
    };
    let fallbacks = fields.list("fallbacks", Vec::new(), known_model).value;
    let fallback = routing::fallback(fields.section("fallback"), catalogue);
    let cache = routing::cache(fields.section("cache"));
    let residency = fields.list("residency", Vec::new(), value::some_text).value;
    let provider_policy = provider_policy::read(fields.section("provider_policy"), catalogue);
    let settings = settings(fields.section("settings"));
    let output = output(fields.section("output"));
    let tools = tools::read(&mut fields, catalogue);
    let search_tools = tools::search(fields.section("search_tools"), catalogue, &tools.value);
    let knowledge = knowledge(&mut fields, catalogue, &tools);
    let media = media(fields.section("media"), catalogue);
    let limits = limits(&mut fields);
    let memory = memory::read(fields.section("memory"));
    let permissions = permissions(fields.section("permissions"), catalogue, &tools.value);
    let approvals = approvals::read(fields.section("approvals"), catalogue, &tools.value);
    let (guardrails, content) = guardrails::read(fields.section("guardrails"));
    let taint = taint::read(fields.section("taint"));
    let policies = policies::read(&mut fields, catalogue.working_folder);
    let in_doubt = fields.get("in_doubt", InDoubt::default(), value::choice(IN_DOUBT)).value;
    let retries = fields.get("retries", 0, value::whole(0, MAX_RETRIES)).value;
    fields.finish();
    let agent = Agent {
        folder: crate::locate::folder_of(&file),
        file,
        name,
        description,
        instructions,
        model: model.value,
        fallbacks,
        fallback,
        cache,
        residency,
        provider_policy,
        settings,
        output,
        tools: tools.value,
        search_tools,
        knowledge,
        media,
        limits,
        memory,
        permissions,
        approvals,
        guardrails,
        content,
        taint,
        policies,
        retries,
        in_doubt,
    };
    (agent, model.source)
}

pub(crate) fn name(fields: &mut Fields<'_>) -> Arc<str> {
    let fits = |name: &str| {
        (1..=64).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let read = |node: &Node| {
        let name = value::text(node)?;
        if fits(&name) {
            Ok(name)
        } else {
            Err(Wrong::value("a name is 1 to 64 of letters, digits, `-` and `_`"))
        }
    };
    fields.required("name", read).value
}

fn settings(mut fields: Fields<'_>) -> CallSettings {
    let settings = CallSettings {
        max_output_tokens: fields.optional("max_output_tokens", value::whole(1, u32::MAX)),
        temperature: fields.optional("temperature", value::number(0.0, 2.0)),
        top_p: fields.optional("top_p", value::number(0.0, 1.0)),
        top_k: fields.optional("top_k", value::whole(1, u32::MAX)),
        frequency_penalty: fields.optional("frequency_penalty", value::number(-2.0, 2.0)),
        presence_penalty: fields.optional("presence_penalty", value::number(-2.0, 2.0)),
        stop: stop(&mut fields),
        seed: fields.optional("seed", value::integer),
        parallel_tool_calls: fields.optional("parallel_tool_calls", value::boolean),
        reasoning_effort: fields.optional("reasoning_effort", value::choice(EFFORTS)),
        reasoning_budget_tokens: fields
            .optional("reasoning_budget_tokens", value::whole(0, u32::MAX)),
        prompt_cache: fields.optional("prompt_cache", value::choice(CACHES)),
        metadata: fields
            .optional("metadata", value::group::<Words>)
            .map(|words| words.0)
            .unwrap_or_default(),
        on_unsupported: fields.get("on_unsupported", OnLoss::Report, value::choice(ON_LOSS)).value,
        on_lossy_schema: fields
            .get("on_lossy_schema", OnLoss::Report, value::choice(ON_LOSS))
            .value,
        // The shape of answers has a section of its own.
        output_schema: None,
        output_mode: OutputMode::Auto,
        extra: fields.optional("extra", value::object),
    };
    fields.finish();
    settings
}

fn stop(fields: &mut Fields<'_>) -> Vec<String> {
    let list = fields.list("stop", Vec::new(), value::text).value;
    list.iter().map(|text| text.as_ref().to_owned()).collect()
}

fn output(mut fields: Fields<'_>) -> Option<Output> {
    let schema = fields.optional("schema", value::schema);
    let name = fields.get("name", "answer".into(), value::some_text);
    let mode = fields.get("mode", OutputMode::Auto, value::choice(MODES));
    let retries =
        fields.get("retries", DEFAULT_OUTPUT_RETRIES, value::whole(0, MAX_OUTPUT_RETRIES));
    let said = [&name.source, &mode.source, &retries.source];
    let said = said.into_iter().find(|source| **source != Source::Default).cloned();
    if schema.is_none()
        && let Some(source) = said
    {
        let key = fields.key("schema");
        fields.report.wrong(&source, &key, Wrong::Missing);
    }
    fields.finish();
    let schema = OutputSchema { name: name.value, schema: schema? };
    Some(Output { schema, mode: mode.value, retries: retries.value })
}

fn tool(node: &Node, catalogue: &Catalogue<'_>, tools: &[ToolUse]) -> Result<Arc<str>, Wrong> {
    let name = value::some_text(node)?;
    tools::known(&name, catalogue, tools).map(|()| name)
}

fn knowledge(
    fields: &mut Fields<'_>,
    catalogue: &Catalogue<'_>,
    tools: &Read<Vec<ToolUse>>,
) -> Option<Knowledge> {
    let mut section = fields.section("knowledge");
    let folder = section.get("folder", None, |node| value::some_text(node).map(Some));
    let documents = DOCUMENTS.iter().map(|pattern| Arc::from(*pattern)).collect();
    let include = section.list("include", documents, value::some_text);
    let exclude = section.list("exclude", Vec::new(), value::some_text);
    let top_k = section.get("top_k", DEFAULT_TOP_K, value::whole(1, MAX_TOP_K));
    let ranks = |node: &Node| catalogue.reranker(node).map(Some);
    let reranker = section.get("reranker", None, ranks);
    let own_order = OnRerankerFailure::OwnOrder;
    let on_failure = section.get("on_reranker_failure", own_order, value::choice(ON_RERANKER));
    let said = [&top_k.source, &reranker.source, &on_failure.source];
    let stray = [&include.source, &exclude.source]
        .into_iter()
        .chain(said)
        .find(|source| **source != Source::Default)
        .cloned();
    section.finish();
    let searched = tools.value.iter().any(|tool| *tool.name == *catalogue.knowledge_tool);
    let Some(path) = folder.value else {
        if let Some(source) = stray {
            fields.report.wrong(&source, "knowledge.folder", Wrong::Missing);
        } else if searched {
            let detail = format!("`{}` needs `knowledge`", catalogue.knowledge_tool);
            fields.report.wrong(&tools.source, "tools", Wrong::value(detail));
        }
        return None;
    };
    let folder_path = folder.source.folder(catalogue.working_folder).join(&*path);
    if !folder_path.is_dir() {
        let detail = format!("there is no folder {}", folder_path.display());
        fields.report.wrong(&folder.source, "knowledge.folder", Wrong::value(detail));
    }
    if !searched {
        let kind = Wrong::Value {
            detail: "nothing searches it".to_owned(),
            advice: Some(format!("Add `{}` to `tools`", catalogue.knowledge_tool)),
        };
        fields.report.wrong(&folder.source, "knowledge", kind);
    }
    Some(Knowledge {
        folder: folder_path,
        include: include.value,
        exclude: exclude.value,
        top_k: top_k.value,
        reranker: reranker.value,
        on_reranker_failure: on_failure.value,
    })
}

fn media(mut fields: Fields<'_>, catalogue: &Catalogue<'_>) -> Media {
    let folder = |node: &Node| {
        let path = value::some_text(node)?;
        let folder = node.source.folder(catalogue.working_folder).join(&*path);
        if folder.is_dir() {
            Ok(folder.to_string_lossy().into_owned())
        } else {
            Err(Wrong::value(format!("there is no folder {}", folder.display())))
        }
    };
    let folders = fields.optional_list("folders", folder);
    let max_bytes = fields.get("max_bytes", DEFAULT_MEDIA_BYTES, value::whole(1, u32::MAX)).value;
    fields.finish();
    let folders = folders.map(|folders| folders.into_iter().map(PathBuf::from).collect());
    Media { folders, max_bytes }
}

fn limits(fields: &mut Fields<'_>) -> Limits {
    let default = Limits::default();
    let budget = fields.get("budget", default.budget, value::or_none(value::money)).value;
    let mut section = fields.section("limits");
    let count = |least| value::whole(least, u32::MAX);
    let limits = Limits {
        budget,
        max_turns: section.get("max_turns", default.max_turns, count(1)).value,
        wall_clock: section
            .get("wall_clock", default.wall_clock, value::or_none(value::duration))
            .value,
        max_repeats: section.get("max_repeats", default.max_repeats, count(0)).value,
        max_idle_turns: section.get("max_idle_turns", default.max_idle_turns, count(0)).value,
        max_parallel_tools: section
            .get("max_parallel_tools", default.max_parallel_tools, count(1))
            .value,
        max_tool_calls: section
            .get("max_tool_calls", default.max_tool_calls, value::or_none(count(0)))
            .value,
        max_depth: section.get("max_depth", default.max_depth, count(0)).value,
        max_children: section.get("max_children", default.max_children, count(0)).value,
        on_limit: section.get("on_limit", default.on_limit, value::choice(ON_LIMIT)).value,
    };
    section.finish();
    limits
}

fn permissions(
    mut fields: Fields<'_>,
    catalogue: &Catalogue<'_>,
    tools: &[ToolUse],
) -> Permissions {
    // An absent list allows everything, an empty one nothing. A misspelt denial would allow what
    // it names, so both are checked.
    let allow = fields.optional_list("allow", |node| tool(node, catalogue, tools));
    let deny = fields.list("deny", Vec::new(), |node| tool(node, catalogue, tools)).value;
    let allow_capabilities = fields.optional_list("allow_capabilities", tools::capability);
    let deny_capabilities = fields.list("deny_capabilities", Vec::new(), tools::capability).value;
    let raise = fields.get("on_denied", Raise(false), tools::raise).value.0;
    fields.finish();
    let set = |names: Vec<Arc<str>>| names.iter().map(|name| name.as_ref().to_owned()).collect();
    Permissions {
        allow: allow.map(set),
        deny: set(deny),
        allow_capabilities: allow_capabilities.map(|list| list.into_iter().collect()),
        deny_capabilities: deny_capabilities.into_iter().collect(),
        raise,
    }
}
