//! Tools that belong together: combined, filtered, renamed, told to ask a person, or kept back until
//! the model looks for them.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use largestack_ports::BoxFuture;
use largestack_ports::tool::{
    ApprovalRule, Tool, ToolContext, ToolFailure, ToolOptions, ToolOutput,
};
use largestack_types::json::Json;
use largestack_types::tool::ToolSpec;

mod rank;
pub(crate) mod search;

pub use search::{Deferral, SEARCH_TOOLS};

/// Tools that are added together. What is changed here is changed for whoever gets the set, and for
/// nobody else who has the same tools.
#[derive(Clone, Default)]
pub struct Toolset {
    tools: Vec<Arc<dyn Tool>>,
    /// Names of those that the model has to look for.
    deferred: BTreeSet<Arc<str>>,
    /// What was asked of tools that are not here.
    problems: Vec<String>,
}

impl fmt::Debug for Toolset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.tools.iter().map(|tool| &tool.spec().name);
        f.debug_list().entries(names).finish()
    }
}

impl FromIterator<Arc<dyn Tool>> for Toolset {
    fn from_iter<I: IntoIterator<Item = Arc<dyn Tool>>>(tools: I) -> Self {
        Self { tools: tools.into_iter().collect(), ..Self::default() }
    }
}

impl Toolset {
    /// No tools.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more tool.
    #[must_use]
    pub fn with(mut self, tool: impl Tool) -> Self {
        self.tools.push(Arc::new(tool));
        self
    }

    /// With those of another set, behind these. Two of one name are an error when an agent is built.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.tools.extend(other.tools);
        self.deferred.extend(other.deferred);
        self.problems.extend(other.problems);
        self
    }

    /// Only those that `keep` lets through.
    #[must_use]
    pub fn filtered(mut self, keep: impl Fn(&ToolSpec) -> bool) -> Self {
        self.tools.retain(|tool| keep(tool.spec()));
        let tools = &self.tools;
        self.deferred.retain(|name| tools.iter().any(|tool| tool.spec().name == *name));
        self
    }

    /// Each by a name that begins so.
    #[must_use]
    pub fn prefixed(self, prefix: &str) -> Self {
        self.named(|name| Some(format!("{prefix}{name}").into()))
    }

    /// One of them by another name. One that is not here is an error when an agent is built.
    #[must_use]
    pub fn renamed(mut self, from: &str, to: &str) -> Self {
        self.expect(from, "renamed");
        self.named(|name| (name == from).then(|| to.into()))
    }

    /// Every call of any of them waits for a person.
    #[must_use]
    pub fn requiring_approval(self) -> Self {
        self.with_options(|_, options| options.access.approval = ApprovalRule::Required)
    }

    /// Every call of these waits for a person. One that is not here is an error when an agent is
    /// built: what it was to guard would be unguarded.
    #[must_use]
    pub fn requiring_approval_of(mut self, names: &[&str]) -> Self {
        for name in names {
            self.expect(name, "to require an approval");
        }
        self.with_options(|spec, options| {
            if names.contains(&&*spec.name) {
                options.access.approval = ApprovalRule::Required;
            }
        })
    }

    /// The same run in another way.
    #[must_use]
    pub fn with_options(mut self, change: impl Fn(&ToolSpec, &mut ToolOptions)) -> Self {
        for tool in &mut self.tools {
            let mut options = tool.options();
            change(tool.spec(), &mut options);
            *tool = Changed::of(tool, tool.spec().clone(), options);
        }
        self
    }

    /// All of them kept back: the model is not told of them, and finds them with `search_tools`.
    #[must_use]
    pub fn deferred(mut self) -> Self {
        self.deferred.extend(self.tools.iter().map(|tool| Arc::clone(&tool.spec().name)));
        self
    }

    fn named(mut self, name: impl Fn(&str) -> Option<Arc<str>>) -> Self {
        for tool in &mut self.tools {
            let spec = tool.spec();
            let Some(new) = name(&spec.name) else { continue };
            if self.deferred.remove(&spec.name) {
                self.deferred.insert(Arc::clone(&new));
            }
            let (spec, options) = (ToolSpec { name: new, ..spec.clone() }, tool.options());
            *tool = Changed::of(tool, spec, options);
        }
        self
    }

    fn expect(&mut self, name: &str, what: &str) {
        if !self.tools.iter().any(|tool| &*tool.spec().name == name) {
            self.problems.push(format!("`{name}` is {what} in a toolset that has no such tool"));
        }
    }

    pub(crate) fn parts(self) -> Parts {
        (self.tools, self.deferred, self.problems)
    }
}

/// The tools, the names of those that are kept back, and what was asked of tools that are not here.
type Parts = (Vec<Arc<dyn Tool>>, BTreeSet<Arc<str>>, Vec<String>);

/// A tool that is told of, or run, in another way.
struct Changed {
    inner: Arc<dyn Tool>,
    spec: ToolSpec,
    options: ToolOptions,
}

impl Changed {
    fn of(inner: &Arc<dyn Tool>, spec: ToolSpec, options: ToolOptions) -> Arc<dyn Tool> {
        Arc::new(Self { inner: Arc::clone(inner), spec, options })
    }
}

impl Tool for Changed {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn options(&self) -> ToolOptions {
        self.options.clone()
    }

    fn call(
        &self,
        context: ToolContext,
        arguments: Json,
    ) -> BoxFuture<'static, Result<ToolOutput, ToolFailure>> {
        self.inner.call(context, arguments)
    }
}
