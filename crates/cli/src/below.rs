//! The agents that an agent's file names: tools of others, and those that take over where one fails.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use largestack_config::{self as config, Declared, Flags, Settings};
use largestack_types::errors::{Code, LargestackError, Result};

use crate::compose::{is_offline, settings};

/// The agents that a project's agent names, and those that they name, by file.
pub(crate) fn agents_below(
    top: &Settings<config::Agent>,
) -> Result<BTreeMap<PathBuf, config::Agent>> {
    let described = &top.agent;
    let mut found: BTreeMap<PathBuf, config::Agent> = BTreeMap::new();
    let mut open = vec![(described.clone(), vec![described.file.clone()])];
    while let Some((agent, above)) = open.pop() {
        for (place, file) in named(&agent) {
            let wrong = |why: &str| {
                let detail = format!("{place} of agent `{}`: {why}", agent.name);
                LargestackError::other(Code::Config, detail)
            };
            if let Some(from) = above.iter().position(|known| same(known, file)) {
                let round = above.get(from..).unwrap_or_default().iter().chain([file]);
                let round: Vec<_> = round.map(|file| file.display().to_string()).collect();
                return Err(wrong(&format!("it calls itself: {}", round.join(" -> "))));
            }
            let other = settings(file, &Flags::new())?.agent;
            if !serves(top, &other.model) {
                let model = &other.model;
                return Err(wrong(&format!("this project knows nobody who serves `{model}`")));
            }
            let mut others = found.iter().filter(|(known, _)| *known != file);
            let taken =
                other.name == described.name || others.any(|(_, agent)| agent.name == other.name);
            if taken {
                return Err(wrong("another agent has its name, by which fallbacks and budgets go"));
            }
            let mut path = above.clone();
            path.push(file.clone());
            found.insert(file.clone(), other.clone());
            open.push((other, path));
        }
    }
    Ok(found)
}

/// The agents of a workflow and those that they name, by file.
pub(crate) fn agents_of(
    top: &Settings<config::Workflow>,
) -> Result<BTreeMap<PathBuf, config::Agent>> {
    let mut found: BTreeMap<PathBuf, config::Agent> = BTreeMap::new();
    for agent in top.agent.all_agents() {
        let (project, origins) = (top.project.clone(), Vec::new());
        let settings = Settings { project, agent: agent.clone(), origins };
        let below = agents_below(&settings)?;
        for (file, agent) in below.into_iter().chain([(agent.file.clone(), agent.clone())]) {
            let same = found.iter().find(|(known, a)| **known != file && a.name == agent.name);
            if let Some((other, _)) = same {
                let detail = format!(
                    "{} and {}: two agents are named `{}`, by which fallbacks and budgets go",
                    other.display(),
                    file.display(),
                    agent.name
                );
                return Err(LargestackError::other(Code::Config, detail));
            }
            found.insert(file, agent);
        }
    }
    Ok(found)
}

/// The files of the agents that one names, with the key that does.
fn named(agent: &config::Agent) -> Vec<(String, &PathBuf)> {
    let tools = agent.tools.iter().filter_map(|tool| match &tool.declared {
        Some(Declared::Agent(other)) => Some((format!("tools.{}", tool.name), &other.file)),
        _ => None,
    });
    let after = agent.fallback.agents.iter().map(|file| ("fallback.agents".to_owned(), file));
    tools.chain(after).collect()
}

fn same(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

/// Whether a model is served to the agents of a project, whose providers all of them use.
fn serves(top: &Settings<config::Agent>, model: &str) -> bool {
    let project = &top.project;
    is_offline(model)
        || project.pools.contains_key(model)
        || project.providers.resolve(model).is_ok()
}
