//! Flows: steps that listen to each other. A step starts the flow, or runs when what it listens to has
//! happened; what it says is what those hear that listen to it, as far down as it goes.

use std::sync::Arc;

use largestack_agent::{Agent, Runtime};
use largestack_engine::graph::{Join, Node, Work};
use largestack_types::errors::Result;

use crate::builder::WorkflowBuilder;
use crate::function::Function;
use crate::workflow::Workflow;

/// What a step listens to.
#[derive(Clone, Debug)]
pub enum Trigger {
    /// A step that is done.
    After(Arc<str>),
    /// A router that has said this word.
    On(Arc<str>, Arc<str>),
    /// All of them, each time that all have happened again.
    And(Vec<Self>),
    /// Any of them, each time that one happens.
    Or(Vec<Self>),
    /// The first of them that happens, and none after it.
    First(Vec<Self>),
}

/// When this step is done.
pub fn after(step: impl Into<Arc<str>>) -> Trigger {
    Trigger::After(step.into())
}

/// When this router has said this word.
pub fn on(router: impl Into<Arc<str>>, word: impl Into<Arc<str>>) -> Trigger {
    Trigger::On(router.into(), word.into())
}

/// When all of them have happened.
pub fn and(all: impl IntoIterator<Item = Trigger>) -> Trigger {
    Trigger::And(all.into_iter().collect())
}

/// When any of them happens.
pub fn or(any: impl IntoIterator<Item = Trigger>) -> Trigger {
    Trigger::Or(any.into_iter().collect())
}

impl From<&str> for Trigger {
    fn from(step: &str) -> Self {
        after(step)
    }
}

/// What a step does.
pub enum Does {
    /// A function is called.
    Function(Function),
    /// An agent is asked this.
    Agent(Agent, Arc<str>),
}

impl From<Function> for Does {
    fn from(function: Function) -> Self {
        Self::Function(function)
    }
}

impl<P: Into<Arc<str>>> From<(&Agent, P)> for Does {
    fn from((agent, prompt): (&Agent, P)) -> Self {
        Self::Agent(agent.clone(), prompt.into())
    }
}

/// A flow being described: a workflow, said by who listens to whom. What each step says stands in the
/// state under the step's name.
#[must_use]
pub struct Flow {
    builder: WorkflowBuilder,
}

impl Flow {
    /// A flow that is given these keys.
    pub fn new<K: Into<Arc<str>>>(
        name: impl Into<Arc<str>>,
        inputs: impl IntoIterator<Item = K>,
    ) -> Self {
        let builder = Workflow::builder(name);
        let builder = inputs.into_iter().fold(builder, WorkflowBuilder::input);
        Self { builder }
    }

    /// A step that begins with the flow. There may be several.
    pub fn start(mut self, name: impl Into<Arc<str>>, does: impl Into<Does>) -> Self {
        let name = name.into();
        self.builder = self.builder.start(Arc::clone(&name));
        self.step(name, does, |node| node)
    }

    /// A step that runs when this has happened.
    pub fn listen(
        self,
        name: impl Into<Arc<str>>,
        to: impl Into<Trigger>,
        does: impl Into<Does>,
    ) -> Self {
        let (name, to) = (name.into(), to.into());
        let join = join_of(&to);
        let flow = self.step(Arc::clone(&name), does, |node| node.with(|node| node.join = join));
        flow.lead(&name, to, &mut 0)
    }

    /// A step that runs when this has happened and says one of these words, to which others listen.
    pub fn router<C: Into<Arc<str>>>(
        self,
        name: impl Into<Arc<str>>,
        words: impl IntoIterator<Item = C>,
        to: impl Into<Trigger>,
        function: Function,
    ) -> Self {
        let (name, to) = (name.into(), to.into());
        let join = join_of(&to);
        let words: Vec<Arc<str>> = words.into_iter().map(Into::into).collect();
        let flow = self.step(Arc::clone(&name), function, |node| {
            node.choosing(words).with(|node| node.join = join)
        });
        flow.lead(&name, to, &mut 0)
    }

    /// Says more of the workflow that it makes.
    pub fn with(mut self, change: impl FnOnce(WorkflowBuilder) -> WorkflowBuilder) -> Self {
        self.builder = change(self.builder);
        self
    }

    /// The workflow. A word of a router to which nobody listens ends its branch.
    pub fn build(self, runtime: Runtime) -> Result<Workflow> {
        self.builder.end_unheard().build(runtime)
    }

    fn step(
        mut self,
        name: Arc<str>,
        does: impl Into<Does>,
        change: impl FnOnce(Node) -> Node,
    ) -> Self {
        self.builder = match does.into() {
            Does::Function(function) => self.builder.function_with(name, function, change),
            Does::Agent(agent, prompt) => self.builder.agent_with(name, &agent, prompt, change),
        };
        self
    }

    /// What leads to a node: where triggers stand inside others, by nodes that do nothing.
    fn lead(mut self, to: &Arc<str>, trigger: Trigger, inner: &mut usize) -> Self {
        match trigger {
            Trigger::After(step) => self.builder = self.builder.then(step, Arc::clone(to)),
            Trigger::On(router, word) => {
                self.builder = self.builder.when(router, word, Arc::clone(to));
            }
            Trigger::And(all) | Trigger::Or(all) | Trigger::First(all) => {
                for trigger in all {
                    if matches!(trigger, Trigger::After(_) | Trigger::On(..)) {
                        self = self.lead(to, trigger, inner);
                        continue;
                    }
                    *inner += 1;
                    let meets: Arc<str> = format!("{to}-{inner}").into();
                    let join = join_of(&trigger);
                    let node = Node::new(Arc::clone(&meets), Work::Pass);
                    self.builder = self.builder.node(node.with(|node| node.join = join));
                    self = self.lead(&meets, trigger, inner);
                    self.builder = self.builder.then(meets, Arc::clone(to));
                }
            }
        }
        self
    }
}

const fn join_of(trigger: &Trigger) -> Join {
    match trigger {
        Trigger::And(_) => Join::Every,
        Trigger::First(_) => Join::First,
        Trigger::Or(_) | Trigger::After(_) | Trigger::On(..) => Join::Any,
    }
}
