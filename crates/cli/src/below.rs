//! The agents that are tools of others.

use std::collections::BTreeMap;
use std::path::PathBuf;

use largestack_config::{self as config, Declared, Flags};
use largestack_types::errors::{Code, LargestackError, Result};

use crate::compose::settings;

/// The agents that an agent calls, and those that they call, by file.
pub(crate) fn agents_below(described: &config::Agent) -> Result<BTreeMap<PathBuf, config::Agent>> {
    let mut found: BTreeMap<PathBuf, config::Agent> = BTreeMap::new();
    let mut open = vec![(described.clone(), vec![described.file.clone()])];
    while let Some((agent, above)) = open.pop() {
        for tool in &agent.tools {
            let Some(Declared::Agent(other)) = &tool.declared else { continue };
            let wrong = |why: &str| {
                let detail = format!("tools.{} of agent `{}`: {why}", tool.name, agent.name);
                LargestackError::other(Code::Config, detail)
            };
            let same = |file: &PathBuf| match (file.canonicalize(), other.file.canonicalize()) {
                (Ok(one), Ok(two)) => one == two,
                _ => *file == other.file,
            };
            if above.iter().any(same) {
                return Err(wrong("it calls itself, by itself or by others"));
            }
            let child = settings(&other.file, &Flags::new())?.agent;
            if child.knowledge.is_some() {
                return Err(wrong("an agent with `knowledge` cannot be a tool yet"));
            }
            let others = found.iter().filter(|(file, _)| **file != other.file);
            let taken = others
                .map(|(_, agent)| &agent.name)
                .chain([&described.name])
                .any(|name| *name == child.name);
            if taken {
                return Err(wrong("another agent has its name, by which fallbacks and budgets go"));
            }
            let mut path = above.clone();
            path.push(other.file.clone());
            found.insert(other.file.clone(), child.clone());
            open.push((child, path));
        }
    }
    Ok(found)
}
