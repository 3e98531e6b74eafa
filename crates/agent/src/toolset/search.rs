//! `search_tools`: how a model finds tools that it was not told of. What it finds is a fact of the
//! run, so that a run that is taken up or told again offers the same tools.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use largestack_ports::BoxFuture;
use largestack_ports::tool::{
    Access, Capability, Tool, ToolContext, ToolFailure, ToolOptions, ToolOutput,
};
use largestack_types::error::Coded;
use largestack_types::json::Json;
use largestack_types::label::Origin;
use largestack_types::tool::ToolSpec;
use serde::Deserialize;

use super::rank::{self, Words};
use crate::pipeline::Permissions;
use crate::tools::{Entry, Registry};

/// The name of the tool that finds others.
pub const SEARCH_TOOLS: &str = "search_tools";

/// When tools are kept back because there are many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deferral {
    /// Tools that a model is told of at once; with more, all but those of `keep` are kept back.
    pub above: usize,
    /// Tools that are never kept back for that.
    pub keep: Vec<Arc<str>>,
    /// Tools that one search finds.
    pub results: usize,
}

impl Default for Deferral {
    /// Above 40 tools, 5 at a time.
    fn default() -> Self {
        Self { above: 40, keep: Vec::new(), results: 5 }
    }
}

/// The tool that finds others.
pub(crate) struct SearchTools {
    spec: ToolSpec,
    found: Arc<[(ToolSpec, Words)]>,
    results: usize,
}

impl SearchTools {
    /// Over the tools that are kept back.
    pub(crate) fn over(deferred: Vec<ToolSpec>, results: usize) -> Self {
        let description = format!(
            "Finds tools that are not listed here, among {}: by words for what they should do, at most \
{results} at a time. What is found can be called from the next turn on.",
            deferred.len()
        );
        let parameters = r#"{"type":"object","properties":{"query":{"type":"string","minLength":1,"maxLength":200,"description":"Words for what the tool should do."}},"required":["query"],"additionalProperties":false}"#;
        let spec = ToolSpec {
            name: SEARCH_TOOLS.into(),
            description: description.into(),
            parameters: Json::vouched(parameters),
            idempotent: true,
            origin: Origin::Operator,
            native: None,
            server: false,
        };
        let found = deferred.into_iter().map(|spec| {
            let words = Words::of(&spec);
            (spec, words)
        });
        Self { spec, found: found.collect(), results }
    }
}

impl Tool for SearchTools {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn options(&self) -> ToolOptions {
        let access = Access { capabilities: [Capability::Read].into(), ..Access::default() };
        ToolOptions { access, ..ToolOptions::default() }
    }

    fn call(
        &self,
        _: ToolContext,
        arguments: Json,
    ) -> BoxFuture<'static, Result<ToolOutput, ToolFailure>> {
        #[derive(Deserialize)]
        struct Arguments {
            query: String,
        }
        let Ok(Arguments { query }) = arguments.to() else {
            let failure = ToolFailure::new("`query` is missing");
            return Box::pin(std::future::ready(Err(failure)));
        };
        let best = rank::best(self.found.iter().map(|(_, words)| words), &query, self.results);
        let found: Vec<&ToolSpec> =
            best.into_iter().filter_map(|index| Some(&self.found.get(index)?.0)).collect();
        let mut text = String::new();
        for spec in &found {
            let first = spec.description.lines().next().unwrap_or_default();
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{}: {first}", spec.name);
        }
        if found.is_empty() {
            text.push_str("Nothing fits these words. Try others, or go on without.");
        }
        let loads = found.into_iter().map(|spec| Arc::clone(&spec.name)).collect();
        let output = ToolOutput { loads, ..ToolOutput::text(text) };
        Box::pin(std::future::ready(Ok(output)))
    }
}

/// Keeps tools back as their sets say, and where there are too many; the names of those that are. The
/// tool that finds them is added, and may be used wherever any tool may.
pub(crate) fn keep_back(
    registry: &mut Registry,
    permissions: &mut Permissions,
    (mut names, deferral): (BTreeSet<Arc<str>>, Option<Deferral>),
) -> Result<Vec<Arc<str>>, String> {
    let permitted = |entry: &Entry| {
        permissions.permit(&entry.tool.spec().name, &entry.options.access.capabilities)
    };
    let results = deferral.as_ref().map_or(Deferral::default().results, |many| many.results);
    if let Some(many) = deferral {
        if let Some(name) = many.keep.iter().find(|name| registry.get(name).is_none()) {
            return Err(format!("`{name}` is never kept back, and is not a tool"));
        }
        if results == 0 {
            return Err("a search of tools has to find at least one".to_owned());
        }
        if registry.iter().filter(|entry| permitted(entry)).count() > many.above {
            let all = registry.iter().map(|entry| Arc::clone(&entry.tool.spec().name));
            names.extend(all.filter(|name| !many.keep.contains(name)));
        }
    }
    let specs: Vec<ToolSpec> = registry
        .iter()
        .filter(|entry| names.contains(&entry.tool.spec().name) && permitted(entry))
        .map(|entry| entry.tool.spec().clone())
        .collect();
    if specs.is_empty() {
        return Ok(Vec::new());
    }
    let names = specs.iter().map(|spec| Arc::clone(&spec.name)).collect();
    let search = SearchTools::over(specs, results);
    let capabilities = search.options().access.capabilities;
    if let Some(allowed) = &mut permissions.allow {
        allowed.insert(SEARCH_TOOLS.to_owned());
    }
    if !permissions.permit(SEARCH_TOOLS, &capabilities) {
        return Err(format!("tools are kept back, and `{SEARCH_TOOLS}` is not permitted"));
    }
    registry.add(Arc::new(search)).map_err(|error| Coded::message(&error))?;
    Ok(names)
}
