//! A workflow over the state of its project: its graph or its pattern, with the agents that it names.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use largestack_agent::{Agent, AgentBuilder, Runtime};
use largestack_config::{self as config, Nodes, OnMember, PatternUse, Settings, Shape};
use largestack_engine::graph::{Graph, Work};
use largestack_flow::{NodeTool, OnError, Seat, Team, Workflow, WorkflowBuilder, patterns};
use largestack_guard::inject;
use largestack_http::TokioTasks;
use largestack_ports::approvals::Approvals;
use largestack_ports::clock::Clock;
use largestack_ports::ids::Ids;
use largestack_ports::journal::Journal;
use largestack_ports::license::License;
use largestack_store::Store;
use largestack_tools::wait;
use largestack_types::errors::{Code, LargestackError, Result};

use super::agent::{Parts, agent};
use super::house::{Base, Stand, base_over};
use crate::below::agents_of;
use crate::shared::Shared;
use crate::tools::{self, Outside};

/// A workflow with everything it runs on.
pub(crate) struct FlowHouse {
    /// The workflow.
    pub(crate) workflow: Workflow,
    /// Work that must be over before the process ends.
    pub(crate) tasks: TokioTasks,
    /// Time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Randomness.
    pub(crate) ids: Arc<dyn Ids>,
    /// Where its runs are kept.
    pub(crate) journal: Arc<dyn Journal>,
    /// Questions to people.
    pub(crate) approvals: Option<Arc<dyn Approvals>>,
    /// What the workflow runs on.
    pub(crate) runtime: Runtime,
}

/// Builds a workflow over a store. Called inside the async runtime.
pub(crate) async fn flow_house(
    settings: &Settings<config::Workflow>,
    store: &Store,
) -> Result<FlowHouse> {
    let shared = Shared::open(settings.project.postgres.as_deref(), store)?;
    flow_house_over(settings, store, shared).await
}

/// The same over what is shared with others, however that was opened.
pub(crate) async fn flow_house_over(
    settings: &Settings<config::Workflow>,
    store: &Store,
    shared: Shared,
) -> Result<FlowHouse> {
    let project = &settings.project;
    let described = &settings.agent;
    let below = agents_of(settings)?;
    let top = (&described.name, below.values());
    let base = base_over(project, top, shared, Stand::default()).await?;
    let license = project.license.as_ref().map(|license| {
        let license: Arc<dyn License> = Arc::new(license.load());
        license
    });
    let making = Making { base: &base, store, below: &below, license };
    let workflow = making.workflow(described)?;
    let Base { runtime, tasks, .. } = base;
    Ok(FlowHouse {
        workflow,
        tasks,
        clock: Arc::clone(&runtime.clock),
        ids: Arc::clone(&runtime.ids),
        journal: Arc::clone(&runtime.journal),
        approvals: runtime.tools.approvals.clone(),
        runtime,
    })
}

/// What the workflows of one file are made of.
struct Making<'m> {
    base: &'m Base,
    store: &'m Store,
    /// Every agent, by file.
    below: &'m BTreeMap<PathBuf, config::Agent>,
    license: Option<Arc<dyn License>>,
}

impl Making<'_> {
    fn workflow(&self, described: &config::Workflow) -> Result<Workflow> {
        let builder = match &described.shape {
            Shape::Nodes(nodes) => self.nodes(described, nodes)?,
            Shape::Pattern(used) => self.pattern(described, used)?,
        };
        let limits = &described.limits;
        let builder = builder
            .within(|own| {
                own.budget = limits.budget;
                own.wall_clock = limits.wall_clock;
                own.max_parallel = limits.max_parallel;
            })
            .approvals(described.terms.clone())
            .guardrails(described.guardrails);
        builder.build(self.runtime().clone())
    }

    fn runtime(&self) -> &Runtime {
        &self.base.runtime
    }

    fn nodes(&self, described: &config::Workflow, nodes: &Nodes) -> Result<WorkflowBuilder> {
        let mut builder = self.with_tools(described, &nodes.graph)?;
        for (node, asked) in &nodes.asked {
            let agent = self.agent(described, &asked.agent)?;
            let agent: Agent = if asked.decides {
                let choices = nodes.graph.find(node).map_or(&[][..], |node| &node.choices);
                patterns::deciding(agent, choices.iter().map(|word| &**word), self.runtime())?
            } else {
                agent.build(self.runtime().clone())?
            };
            builder = builder.bind(node, &agent);
        }
        for (node, inner) in &nodes.workflows {
            builder = builder.bind_workflow(node, &self.workflow(inner)?);
        }
        Ok(builder)
    }

    /// The graph with the tools that its nodes call, and those that undo one.
    fn with_tools(&self, described: &config::Workflow, graph: &Graph) -> Result<WorkflowBuilder> {
        let tools = node_tools(described, &self.base.outside)?;
        let of = |node: &str, name: &str| {
            let found = tools.iter().find(|tool| tool.name() == name);
            found.ok_or_else(|| {
                let known: Vec<&str> = tools.iter().map(NodeTool::name).collect();
                let known = known.join(", ");
                let detail =
                    format!("node `{node}`: there is no tool `{name}` (there are {known})");
                LargestackError::other(Code::Config, detail)
            })
        };
        let mut builder = Workflow::of(graph.clone());
        for node in &graph.nodes {
            if let Work::Function { function, .. } = &node.work {
                builder = builder.bind_tool(&node.name, of(&node.name, function)?);
            }
            if let Some(undo) = &node.undo {
                builder = builder.bind_undo(&node.name, of(&node.name, &undo.function)?);
            }
        }
        Ok(builder)
    }

    fn pattern(&self, described: &config::Workflow, used: &PatternUse) -> Result<WorkflowBuilder> {
        let seat = |name: &Arc<str>| {
            let about = described.agent(name).map(|agent| Arc::clone(&agent.description));
            let seat = Seat::new(Arc::clone(name), self.agent(described, name)?);
            Ok::<_, LargestackError>(seat.about(about.unwrap_or_default()))
        };
        let mut team = Team::new(Arc::clone(&described.name), used.pattern.name);
        for name in &used.members {
            team = team.member(seat(name)?);
        }
        for (role, name) in &used.roles {
            team = team.role(*role, seat(name)?);
        }
        for (member, to) in &used.hands {
            team = team.hands_to(Arc::clone(member), to.clone());
        }
        for (what, number) in &used.numbers {
            team = team.at_most(*what, *number);
        }
        for (what, text) in &used.texts {
            team = team.told(*what, Arc::clone(text));
        }
        for (member, stand_in) in &used.instead {
            team = team.instead(Arc::clone(member), seat(stand_in)?);
        }
        team = team.on_error(match used.on_error {
            OnMember::Fail => OnError::Fail,
            OnMember::Skip => OnError::Skip,
            OnMember::Retry(tries) => OnError::Retry(tries),
        });
        if let Some(watch) = &used.watch {
            team = team.watched(watch.clone());
        }
        team = team.among(used.words.get("options").into_iter().flatten().cloned());
        for tool in node_tools(described, &self.base.outside)? {
            team = team.acting_by(tool);
        }
        team.builder(self.runtime())
    }

    fn agent(&self, described: &config::Workflow, name: &str) -> Result<AgentBuilder> {
        let found = described.agent(name).ok_or_else(|| {
            let detail = format!("the workflow `{}` has no agent `{name}`", described.name);
            LargestackError::other(Code::Config, detail)
        })?;
        let parts = Parts {
            store: self.store,
            reranker: &self.base.reranker,
            outside: &self.base.outside,
            runtime: &self.base.runtime,
            below: self.below,
        };
        let builder = agent(found, parts)?;
        Ok(match &self.license {
            Some(license) => builder.license(Arc::clone(license)),
            None => builder,
        })
    }
}

/// The tools that a workflow describes.
fn node_tools(described: &config::Workflow, outside: &Outside) -> Result<Vec<NodeTool>> {
    let mut all: Vec<NodeTool> = Vec::new();
    for named in &described.tools {
        if named.declared.is_none() && [wait::EVENT, wait::SLEEP].contains(&&*named.name) {
            return Err(LargestackError::with_advice(
                Code::Config,
                format!("tools.{}: a tool that a node calls cannot wait", named.name),
                "Let a node wait: `event: NAME`, or `sleep: 1h`",
            ));
        }
        // No model is told of them.
        let injection = inject::Policy::all(inject::Action::Allow);
        for tool in tools::made(named, injection, outside)? {
            let tool = NodeTool::new(tool).with_options(|options| named.settings.apply(options));
            if all.iter().any(|known| known.name() == tool.name()) {
                let detail = format!("tools.{}: two tools are named `{}`", named.name, tool.name());
                return Err(LargestackError::other(Code::Config, detail));
            }
            all.push(tool);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_can_name_is_what_can_be_built() {
        let named = config::PATTERNS.iter().map(|pattern| {
            let roles: Vec<&str> = pattern.roles.iter().map(|role| role.key).collect();
            (pattern.name, roles)
        });
        let built = Team::PATTERNS.iter().map(|(name, roles)| (*name, roles.to_vec()));
        assert_eq!(named.collect::<Vec<_>>(), built.collect::<Vec<_>>());
    }
}
