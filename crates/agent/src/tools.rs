//! The tools of an agent: by name, with their options and compiled schemas.

use std::collections::HashMap;
use std::sync::Arc;

use largestack_ports::tool::Tool;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::tool::ToolSpec;

pub(crate) mod cap;
pub(crate) mod execute;
mod validate;

pub use validate::Validators;

/// The tools of an agent, in the order the model sees them.
#[derive(Clone, Default)]
pub struct Registry {
    tools: Vec<Arc<dyn Tool>>,
    index: HashMap<Arc<str>, usize>,
}

impl Registry {
    /// Adds a tool. Two of one name are a mistake of configuration.
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
        self.tools.push(tool);
        Ok(())
    }

    /// The tool with this name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Tool>> {
        self.tools.get(*self.index.get(name)?)
    }

    /// What the model is told, for the tools that `permitted` lets through.
    pub fn specs(&self, permitted: impl Fn(&str) -> bool) -> Arc<[ToolSpec]> {
        let specs = self.tools.iter().map(|tool| tool.spec());
        specs.filter(|spec| permitted(&spec.name)).cloned().collect()
    }

    /// All tools.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Tool>> {
        self.tools.iter()
    }
}
