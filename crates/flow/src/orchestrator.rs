//! One door to every way in which agents work together, by its name: for those who choose it in a
//! configuration, and for those who know it from elsewhere.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use largestack_agent::{Agent, AgentBuilder, Runtime};
use largestack_engine::graph::{END, GraphLimits, Join, Writes};
use largestack_types::errors::{Code, LargestackError, Result};

use crate::builder::WorkflowBuilder;
use crate::function::{Function, NodeOutput};
use crate::patterns::{
    Member, map_reduce, object, one_of, parallel, router, sequential, supervisor, text, typed,
};
use crate::workflow::Workflow;

/// A way of working together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// One after the other.
    Sequential,
    /// Side by side.
    Parallel,
    /// Each once all have said what they say that lead to it; no cycles.
    Dag,
    /// One at a time: each says who is next, among those that it leads to.
    StateMachine,
    /// One of them, picked by a classifier.
    Router,
    /// Whoever a manager gives work to, until it has the answer.
    Supervisor,
    /// The first for each item, the second for all that was said.
    MapReduce,
}

impl Strategy {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Sequential,
        Self::Parallel,
        Self::Dag,
        Self::StateMachine,
        Self::Router,
        Self::Supervisor,
        Self::MapReduce,
    ];

    /// The name as it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sequential => "sequential",
            Self::Parallel => "parallel",
            Self::Dag => "dag",
            Self::StateMachine => "state_machine",
            Self::Router => "router",
            Self::Supervisor => "supervisor",
            Self::MapReduce => "map_reduce",
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Strategy {
    type Err = LargestackError;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.iter().copied().find(|known| known.name() == name).ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.iter().map(|known| known.name()).collect();
            let detail = format!("there is no strategy `{name}`, but {}", known.join(", "));
            LargestackError::other(Code::Config, detail)
        })
    }
}

/// Agents that work together in one of the ways there are: a builder of a workflow and nothing more.
#[must_use]
pub struct Orchestrator {
    name: Arc<str>,
    strategy: Strategy,
    agents: Vec<(Arc<str>, AgentBuilder, Arc<str>)>,
    edges: Vec<(Arc<str>, Arc<str>)>,
    /// The classifier or the manager.
    lead: Option<AgentBuilder>,
    fallback: Option<Arc<str>>,
    rounds: u32,
    limits: GraphLimits,
}

impl Orchestrator {
    /// Nobody yet, working like this.
    pub fn new(name: impl Into<Arc<str>>, strategy: Strategy) -> Self {
        Self {
            name: name.into(),
            strategy,
            agents: Vec::new(),
            edges: Vec::new(),
            lead: None,
            fallback: None,
            rounds: 10,
            limits: GraphLimits::default(),
        }
    }

    /// With this agent under this name, and what others are told it is for.
    pub fn agent(
        mut self,
        name: impl Into<Arc<str>>,
        agent: AgentBuilder,
        about: impl Into<Arc<str>>,
    ) -> Self {
        self.agents.push((name.into(), agent, about.into()));
        self
    }

    /// What leads from one agent to another: of a `dag` and a `state_machine`.
    pub fn flow(mut self, from: impl Into<Arc<str>>, to: impl Into<Arc<str>>) -> Self {
        self.edges.push((from.into(), to.into()));
        self
    }

    /// Who picks: the classifier of a `router`, the manager of a `supervisor`.
    pub fn led_by(mut self, agent: AgentBuilder) -> Self {
        self.lead = Some(agent);
        self
    }

    /// The agent that a `router` asks where none fits.
    pub fn otherwise(mut self, name: impl Into<Arc<str>>) -> Self {
        self.fallback = Some(name.into());
        self
    }

    /// How often a manager gives work, or an agent of a `state_machine` is asked; 10 unless said.
    pub const fn rounds(mut self, rounds: u32) -> Self {
        self.rounds = rounds;
        self
    }

    /// Limits of a run, its budget among them. How often a node is visited is [`Self::rounds`]'.
    pub const fn limits(mut self, limits: GraphLimits) -> Self {
        self.limits = limits;
        self
    }

    /// The workflow: it is given a `task`, of a `map_reduce` the `items`.
    pub fn build(self, runtime: Runtime) -> Result<Workflow> {
        let wants_edges = matches!(self.strategy, Strategy::Dag | Strategy::StateMachine);
        let strategy = self.strategy;
        if !wants_edges && !self.edges.is_empty() {
            return Err(unfit(format!("`{strategy}` takes no edges between agents")));
        }
        if self.agents.is_empty() {
            return Err(unfit("there is no agent".to_owned()));
        }
        let (rounds, limits) = (self.rounds, self.limits.clone());
        let builder = self.builder(&runtime)?;
        let max_visits = match strategy {
            Strategy::Supervisor | Strategy::StateMachine => rounds.saturating_add(1),
            _ => limits.max_visits,
        };
        builder.limits(GraphLimits { max_visits, ..limits }).build(runtime)
    }

    fn builder(self, runtime: &Runtime) -> Result<WorkflowBuilder> {
        let name = Arc::clone(&self.name);
        match self.strategy {
            Strategy::Sequential => Ok(sequential(name, members(self.agents, runtime)?)),
            Strategy::Parallel => Ok(parallel(name, members(self.agents, runtime)?)),
            Strategy::Dag => self.dag(runtime),
            Strategy::StateMachine => self.state_machine(runtime),
            Strategy::Router => {
                let lead = self.lead.ok_or_else(|| unfit("a router needs `led_by`".to_owned()))?;
                let mut all = members(self.agents, runtime)?;
                let other = self.fallback.map(|name| {
                    let at = all.iter().position(|member| member.name == name);
                    let nobody = || unfit(format!("there is no agent `{name}` to ask otherwise"));
                    at.map(|at| all.remove(at)).ok_or_else(nobody)
                });
                router(name, lead, (all, other.transpose()?), runtime)
            }
            Strategy::Supervisor => {
                let lead =
                    self.lead.ok_or_else(|| unfit("a supervisor needs `led_by`".to_owned()))?;
                supervisor(name, lead, members(self.agents, runtime)?, (self.rounds, runtime))
            }
            Strategy::MapReduce => match <[Member; 2]>::try_from(members(self.agents, runtime)?) {
                Ok([mapper, reducer]) => {
                    let (ask, sum_up) = (mapper.about.to_string(), reducer.about.to_string());
                    let most = self.limits.max_parallel;
                    Ok(map_reduce(name, (mapper, &ask), (reducer, &sum_up), most))
                }
                Err(all) => Err(unfit(format!(
                    "a map_reduce has two agents, for each item and for all, and these are {}",
                    all.len()
                ))),
            },
        }
    }

    /// Each is told the task and what those said that lead to it.
    fn dag(self, runtime: &Runtime) -> Result<WorkflowBuilder> {
        let mut builder = Workflow::builder(self.name).input("task").acyclic();
        for member in members(self.agents, runtime)? {
            let before = self.edges.iter().filter(|(_, to)| *to == member.name);
            let said = before.map(|(from, _)| format!("\n\n{from} said:\n{{{{ {from} }}}}"));
            let prompt = format!("{{{{ task }}}}{}", said.collect::<String>());
            builder = builder.agent(Arc::clone(&member.name), &member.agent, prompt);
        }
        Ok(self.edges.into_iter().fold(builder, |builder, (from, to)| builder.then(from, to)))
    }

    /// The first begins; one that leads to several says which, or `end`.
    fn state_machine(self, runtime: &Runtime) -> Result<WorkflowBuilder> {
        let mut builder = Workflow::builder(self.name).input("task");
        let first = self.agents.first().map(|(name, ..)| Arc::clone(name));
        for (name, agent, about) in self.agents {
            let to = || self.edges.iter().filter(|(from, _)| *from == name).map(|(_, to)| to);
            let words: Vec<Arc<str>> = to().cloned().chain([END.into()]).collect();
            let schema = object(&[
                ("answer", text("What you have to say.")),
                ("next", one_of(words.iter().map(|word| &**word))),
            ]);
            let led_to = self.edges.iter().any(|(_, to)| *to == name);
            let before = if led_to { "\n\nSaid before: {{ state.answer }}" } else { "" };
            let next = words.join(", ");
            let prompt = format!("{{{{ task }}}}\n\n{about}{before}\n\nWho is next: {next}");
            let agent = typed(agent, "state", &schema, runtime)?;
            builder = builder.agent_with(Arc::clone(&name), &agent, prompt, |node| {
                node.choosing(words.clone()).with(|node| {
                    node.choose = Some("/next".into());
                    node.join = Join::Any;
                    node.writes = Writes::Key("state".into());
                })
            });
            for word in words {
                let to = if &*word == END { "answer".into() } else { Arc::clone(&word) };
                builder = builder.when(Arc::clone(&name), word, to);
            }
        }
        let answer = Function::new(|context| {
            let answer = context.state.pointer("/state/answer").cloned().unwrap_or_default();
            async move { Ok(NodeOutput::from(answer)) }
        });
        let builder = builder
            .function_with("answer", answer, |node| node.with(|node| node.join = Join::First))
            .answer("answer");
        Ok(first.into_iter().fold(builder, WorkflowBuilder::start))
    }
}

fn members(
    agents: Vec<(Arc<str>, AgentBuilder, Arc<str>)>,
    runtime: &Runtime,
) -> Result<Vec<Member>> {
    let built = agents.into_iter().map(|(name, agent, about)| {
        let agent: Agent = agent.build(runtime.clone())?;
        Ok(Member::new(&agent).named(name).about(about))
    });
    built.collect()
}

fn unfit(why: String) -> LargestackError {
    LargestackError::other(Code::Config, why)
}
