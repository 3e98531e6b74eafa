//! Describing a workflow: nodes with what they name, and what leads from one to the next.

mod tools;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use largestack_agent::{Agent, Runtime};
use largestack_engine::graph::{
    END, Edge, Graph, GraphLimits, Node, Reducer, Reducers, Supervision, Template, Undo, When, Work,
};
use largestack_guard::Policy;
use largestack_ports::approvals::Terms;
use largestack_types::errors::{Code, LargestackError, Result};
use serde_json::Value;

use crate::function::Function;
use crate::tool::NodeTool;
use crate::workflow::{Core, Workflow};

/// A workflow being described. [`WorkflowBuilder::build`] reports everything that does not fit.
#[must_use]
pub struct WorkflowBuilder {
    graph: Graph,
    reducers: Reducers,
    agents: BTreeMap<Arc<str>, Agent>,
    functions: BTreeMap<Arc<str>, Function>,
    tools: BTreeMap<Arc<str>, NodeTool>,
    workflows: BTreeMap<Arc<str>, Workflow>,
    terms: Terms,
    policy: Policy,
    problems: Vec<String>,
}

impl WorkflowBuilder {
    pub(crate) fn new(name: Arc<str>) -> Self {
        Self {
            graph: Graph::new(name),
            reducers: Reducers::default(),
            agents: BTreeMap::new(),
            functions: BTreeMap::new(),
            tools: BTreeMap::new(),
            workflows: BTreeMap::new(),
            terms: Terms::default(),
            policy: Policy::default(),
            problems: Vec::new(),
        }
    }

    /// A graph as data. What its nodes name is bound with [`WorkflowBuilder::bind`],
    /// [`WorkflowBuilder::bind_workflow`], [`WorkflowBuilder::bind_tool`] and
    /// [`WorkflowBuilder::define`].
    pub(crate) fn of(graph: Graph) -> Self {
        Self { graph, ..Self::new("".into()) }
    }

    /// Which agent a node asks that was said as data. The node is given the hash of its definition.
    pub fn bind(mut self, node: &str, agent: &Agent) -> Self {
        let known = self.graph.nodes.iter_mut().find(|known| &*known.name == node);
        match known.map(|known| (&known.name, &mut known.work)) {
            Some((name, Work::Agent { agent: named, definition, .. })) => {
                *named = Arc::clone(&agent.definition().agent);
                *definition = Some(agent.definition_hash());
                self.agents.insert(Arc::clone(name), agent.clone());
            }
            _ => self.problems.push(format!("`{node}` is no node at which an agent is asked")),
        }
        self
    }

    /// Which workflow a node runs that was said as data.
    pub fn bind_workflow(mut self, node: &str, workflow: &Workflow) -> Self {
        let known = self.graph.nodes.iter_mut().find(|known| &*known.name == node);
        match known.map(|known| (&known.name, &mut known.work)) {
            Some((name, Work::Graph { graph, definition, .. })) => {
                *graph = Arc::clone(&workflow.graph().name);
                *definition = Some(workflow.definition_hash());
                self.workflows.insert(Arc::clone(name), workflow.clone());
            }
            _ => self.problems.push(format!("`{node}` is no node at which a workflow runs")),
        }
        self
    }

    /// A key that a run is given.
    pub fn input(mut self, key: impl Into<Arc<str>>) -> Self {
        self.graph.inputs.push(key.into());
        self
    }

    /// How writes to a key are brought together.
    pub fn channel(mut self, key: impl Into<Arc<str>>, reducer: Reducer) -> Self {
        self.graph.channels.insert(key.into(), reducer);
        self
    }

    /// Brings writes to a key together by a function of one's own: what stands there, what is
    /// written. It must be pure.
    pub fn reducer(
        mut self,
        key: impl Into<Arc<str>>,
        reduce: impl Fn(&Value, &Value) -> Result<Value, String> + Send + Sync + 'static,
    ) -> Self {
        let key = key.into();
        self.reducers = self.reducers.with(Arc::clone(&key), reduce);
        self.channel(Arc::clone(&key), Reducer::Custom(key))
    }

    /// A node at which an agent is asked this, with places for keys of the state: `{{ task }}`.
    pub fn agent(
        self,
        name: impl Into<Arc<str>>,
        agent: &Agent,
        prompt: impl Into<Arc<str>>,
    ) -> Self {
        self.agent_with(name, agent, prompt, |node| node)
    }

    /// The same with more said about the node.
    pub fn agent_with(
        mut self,
        name: impl Into<Arc<str>>,
        agent: &Agent,
        prompt: impl Into<Arc<str>>,
        change: impl FnOnce(Node) -> Node,
    ) -> Self {
        let work = Work::Agent {
            agent: Arc::clone(&agent.definition().agent),
            definition: Some(agent.definition_hash()),
            prompt: Template::new(prompt),
        };
        let node = change(Node::new(name, work));
        self.agents.insert(Arc::clone(&node.name), agent.clone());
        self.node(node)
    }

    /// A node at which a function is called.
    pub fn function(self, name: impl Into<Arc<str>>, function: Function) -> Self {
        self.function_with(name, function, |node| node)
    }

    /// The same with more said about the node.
    pub fn function_with(
        mut self,
        name: impl Into<Arc<str>>,
        function: Function,
        change: impl FnOnce(Node) -> Node,
    ) -> Self {
        let name = name.into();
        let idempotent = function.idempotent;
        let work = Work::Function { function: Arc::clone(&name), idempotent, with: None };
        let node = change(Node::new(Arc::clone(&name), work));
        self = self.define(name, function);
        self.node(node)
    }

    /// A node at which another workflow runs, with values of these keys: its own, then ours. What
    /// it answers is the node's output.
    pub fn workflow<K: Into<Arc<str>>, V: Into<Arc<str>>>(
        mut self,
        name: impl Into<Arc<str>>,
        workflow: &Workflow,
        inputs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let inputs = inputs.into_iter().map(|(theirs, ours)| (theirs.into(), ours.into()));
        let work = Work::Graph {
            graph: Arc::clone(&workflow.graph().name),
            definition: Some(workflow.definition_hash()),
            inputs: inputs.collect(),
        };
        let node = Node::new(name, work);
        self.workflows.insert(Arc::clone(&node.name), workflow.clone());
        self.node(node)
    }

    /// A node at which a person is asked and chooses; without choices they say yes, or no, which
    /// fails the node.
    pub fn question<C: Into<Arc<str>>>(
        self,
        name: impl Into<Arc<str>>,
        question: impl Into<Arc<str>>,
        choices: impl IntoIterator<Item = C>,
    ) -> Self {
        let work = Work::Question { question: Template::new(question) };
        self.node(Node::new(name, work).choosing(choices))
    }

    /// A node at which something from outside is waited for.
    pub fn event(self, name: impl Into<Arc<str>>, event: impl Into<Arc<str>>) -> Self {
        self.node(Node::new(name, Work::Event { event: event.into() }))
    }

    /// A node at which time passes.
    pub fn sleep(self, name: impl Into<Arc<str>>, duration: Duration) -> Self {
        self.node(Node::new(name, Work::Sleep { duration }))
    }

    /// A node, said in full. What it names is to be defined beside.
    pub fn node(mut self, node: Node) -> Self {
        self.graph.nodes.push(node);
        self
    }

    /// A function that nodes name; the one that undoes a node, too.
    pub fn define(mut self, name: impl Into<Arc<str>>, function: Function) -> Self {
        let name = name.into();
        if self.functions.insert(Arc::clone(&name), function).is_some() {
            self.problems.push(format!("there are two functions `{name}`"));
        }
        self
    }

    /// Undoes a node by this function when the run fails or is cancelled after it.
    pub fn undo(self, node: &str, function: Function) -> Self {
        self.undo_with(node, function, |undo| undo)
    }

    /// The same with more said about it.
    pub fn undo_with(
        mut self,
        node: &str,
        function: Function,
        change: impl FnOnce(Undo) -> Undo,
    ) -> Self {
        let name: Arc<str> = format!("undo_{node}").into();
        let undo = Undo::new(Arc::clone(&name), function.idempotent);
        match self.graph.nodes.iter_mut().find(|known| &*known.name == node) {
            Some(known) => known.undo = Some(change(undo)),
            None => self.problems.push(format!("`{node}` is to be undone, and is no node yet")),
        }
        self.define(name, function)
    }

    /// Watches nodes together: when one fails for good, some of them begin again.
    pub fn supervise(mut self, group: Supervision) -> Self {
        self.graph.supervised.push(group);
        self
    }

    /// What leads from one node to another.
    pub fn then(self, from: impl Into<Arc<str>>, to: impl Into<Arc<str>>) -> Self {
        self.edge(Edge::new(from, to))
    }

    /// What leads from one node to another when it has chosen this.
    pub fn when(
        self,
        from: impl Into<Arc<str>>,
        choice: impl Into<Arc<str>>,
        to: impl Into<Arc<str>>,
    ) -> Self {
        self.edge(Edge::new(from, to).on(choice))
    }

    /// What leads from one node to another.
    pub fn edge(mut self, edge: Edge) -> Self {
        self.graph.edges.push(edge);
        self
    }

    /// Says more about a node.
    pub fn change(mut self, node: &str, change: impl FnOnce(&mut Node)) -> Self {
        match self.graph.nodes.iter_mut().find(|known| &*known.name == node) {
            Some(known) => change(known),
            None => self.problems.push(format!("more is said about `{node}`, which is no node")),
        }
        self
    }

    /// Where it begins, beside where else it does.
    pub fn start(mut self, node: impl Into<Arc<str>>) -> Self {
        self.graph.start.push(node.into());
        self
    }

    /// The key whose value is the answer.
    pub fn answer(mut self, key: impl Into<Arc<str>>) -> Self {
        self.graph.output = Some(key.into());
        self
    }

    /// A cycle is a mistake.
    pub fn acyclic(mut self) -> Self {
        self.graph.acyclic = true;
        self
    }

    /// Limits of each run.
    pub fn limits(mut self, limits: GraphLimits) -> Self {
        self.graph.limits = limits;
        self
    }

    /// Changes the limits that it has, such as those of a pattern.
    pub fn within(mut self, change: impl FnOnce(&mut GraphLimits)) -> Self {
        change(&mut self.graph.limits);
        self
    }

    /// On which terms people are asked.
    pub fn approvals(mut self, terms: Terms) -> Self {
        self.terms = terms;
        self
    }

    /// What the guard does about what it finds in the state.
    pub fn guardrails(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// What the agent of a node is asked, as it was said.
    pub(crate) fn prompt_of(&self, node: &str) -> Arc<str> {
        match self.graph.find(node).map(|node| &node.work) {
            Some(Work::Agent { prompt, .. }) => prompt.as_str().into(),
            _ => "".into(),
        }
    }

    /// With an end for each choice that no edge leaves on.
    pub(crate) fn end_unheard(mut self) -> Self {
        let mut ends = Vec::new();
        for node in &self.graph.nodes {
            for choice in &node.choices {
                let on = When::Choice(Arc::clone(choice));
                let heard = |edge: &Edge| edge.from == node.name && edge.when == on;
                if !self.graph.edges.iter().any(heard) {
                    ends.push(Edge::new(Arc::clone(&node.name), END).on(Arc::clone(choice)));
                }
            }
        }
        self.graph.edges.extend(ends);
        self
    }

    /// Checks everything as a whole.
    pub fn build(self, runtime: Runtime) -> Result<Workflow> {
        let unfit = |why: String| LargestackError::other(Code::Config, why);
        let mut problems = self.problems;
        for node in &self.graph.nodes {
            let name = &node.name;
            let (known, what) = match &node.work {
                Work::Agent { .. } => (self.agents.contains_key(name), "agent"),
                Work::Function { function, .. } => {
                    (self.functions.contains_key(function), "function")
                }
                Work::Graph { .. } => (self.workflows.contains_key(name), "workflow"),
                _ => (true, ""),
            };
            if !known {
                problems.push(format!("node `{name}`: nobody has said which {what} it is"));
            }
            if let Some(below) = self.workflows.get(name)
                && listens(below)
            {
                problems.push(format!(
                    "node `{name}`: the workflow waits for an event, which only one at the top is told of"
                ));
            }
            if let Some(undo) = &node.undo
                && !self.functions.contains_key(&undo.function)
            {
                problems.push(format!(
                    "node `{name}`: nobody has said which function `{}` is that undoes it",
                    undo.function
                ));
            }
        }
        problems.extend(self.terms.problem().map(|why| format!("approvals: {why}")));
        if !problems.is_empty() {
            let name = &self.graph.name;
            return Err(unfit(format!(
                "the workflow `{name}` cannot run: {}",
                problems.join("; ")
            )));
        }
        let (json, hash) =
            self.graph.sealed().map_err(|error| unfit(format!("it is no JSON: {error}")))?;
        let checked = self.graph.check(self.reducers);
        let checked = checked.map_err(|invalid| LargestackError::from_coded(&invalid))?;
        Ok(Workflow(Arc::new(Core {
            checked: Arc::new(checked),
            sealed: Bytes::copy_from_slice(json.as_str().as_bytes()),
            hash,
            agents: self.agents,
            functions: self.functions,
            workflows: self.workflows,
            terms: self.terms,
            policy: self.policy,
            runtime,
        })))
    }
}

/// Whether it waits for an event. What is below it was refused when it was built.
fn listens(workflow: &Workflow) -> bool {
    workflow.graph().nodes.iter().any(|node| matches!(node.work, Work::Event { .. }))
}
