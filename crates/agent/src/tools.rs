//! The tools of an agent: by name, with their options and compiled schemas.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::quality::RandomState;
use largestack_ports::tool::{Access, Capability, Tool, ToolOptions};
use largestack_types::error::Coded as _;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::label::Origin;
use largestack_types::tool::ToolSpec;

mod attempts;
pub(crate) mod breaker;
pub(crate) mod cap;
pub(crate) mod execute;
mod options;
mod rules;
pub(crate) mod share;
mod validate;

pub(crate) use rules::ArgumentRules;
pub use validate::Validators;

/// A tool with how it is run: what its author says, as the operator changed it.
#[derive(Clone)]
pub struct Entry {
    /// The tool.
    pub tool: Arc<dyn Tool>,
    /// How it is run.
    pub options: Arc<ToolOptions>,
}

/// Where what a tool returns comes from, unless its operator says so. What a tool returns that says it
/// only changes or sends something is its word that it has: nothing was read for it.
pub fn returned_from(access: &Access, said: Origin) -> Origin {
    let brings = |does: &Capability| {
        matches!(does, Capability::Read | Capability::Execute | Capability::Egress)
    };
    let does = &access.capabilities;
    let is_receipt = said == Origin::Tool && !does.is_empty() && !does.iter().any(brings);
    access.origin.unwrap_or(if is_receipt { Origin::Agent } else { said })
}

/// The tools of an agent, in the order the model sees them.
#[derive(Clone, Default)]
pub struct Registry {
    tools: Vec<Entry>,
    /// Looked up twice a call, by names that the agent's author chose.
    index: HashMap<Arc<str>, usize, RandomState>,
}

/// A change of how a tool is run.
pub(crate) type ChangeOptions = Box<dyn FnOnce(&mut ToolOptions) + Send>;

impl Registry {
    /// The tools by name, and what does not fit.
    pub(crate) fn gathered(
        tools: impl Iterator<Item = Arc<dyn Tool>>,
        problems: &mut Vec<String>,
    ) -> Self {
        let mut registry = Self::default();
        for tool in tools {
            if let Err(error) = registry.add(tool) {
                problems.push(error.message());
            }
        }
        registry
    }

    /// Changes how they are run, and tells which are not here.
    pub(crate) fn change(
        &mut self,
        changes: Vec<(Arc<str>, ChangeOptions)>,
        problems: &mut Vec<String>,
    ) {
        for (tool, change) in changes {
            if !self.configure(&tool, change) {
                problems.push(format!("options are given for `{tool}`, which is not a tool"));
            }
        }
    }

    /// Adds a tool. Two of one name and options that contradict it are mistakes of configuration.
    pub fn add(&mut self, tool: Arc<dyn Tool>) -> Result<()> {
        let name = Arc::clone(&tool.spec().name);
        let fits = (1..=64).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        if !fits {
            let detail = format!("`{name}` cannot name a tool: 1 to 64 letters, digits, _ and -");
            return Err(LargestackError::other(Code::Config, detail));
        }
        if self.index.contains_key(&name) {
            let detail = format!("two tools are named `{name}`");
            return Err(LargestackError::other(Code::Config, detail));
        }
        self.index.insert(name, self.tools.len());
        let options = Arc::new(tool.options());
        self.tools.push(Entry { tool, options });
        Ok(())
    }

    /// Changes how a tool is run; `false` where there is no such tool.
    pub fn configure(&mut self, name: &str, change: impl FnOnce(&mut ToolOptions)) -> bool {
        let at = self.index.get(name).copied();
        let Some(entry) = at.and_then(|at| self.tools.get_mut(at)) else { return false };
        change(Arc::make_mut(&mut entry.options));
        true
    }

    /// What contradicts itself in the options of each tool.
    pub fn problems(&self) -> Vec<String> {
        self.tools.iter().flat_map(options::problems).collect()
    }

    /// The tool with this name.
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.tools.get(*self.index.get(name)?)
    }

    /// What the model is told, for the tools that `permitted` lets through.
    pub fn specs(&self, permitted: impl Fn(&Entry) -> bool) -> Arc<[ToolSpec]> {
        let entries = self.tools.iter().filter(|entry| permitted(entry));
        entries.map(|entry| entry.tool.spec().clone()).collect()
    }

    /// All tools.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.tools.iter()
    }
}
