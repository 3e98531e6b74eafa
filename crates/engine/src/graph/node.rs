//! A node as data: what is done there, when, how often, and what becomes of a failure.

use std::sync::Arc;
use std::time::Duration;

use largestack_types::hash::Hash;
use serde::{Deserialize, Serialize};

use super::expression::{Case, Expression};
use super::template::Template;

/// What is done at a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Work {
    /// An agent is asked, in a run of its own.
    Agent {
        /// The agent.
        agent: Arc<str>,
        /// Hash of its definition.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        definition: Option<Hash>,
        /// What it is asked, with places for keys of the state.
        prompt: Template,
    },
    /// A function is called with the state.
    Function {
        /// The function.
        function: Arc<str>,
        /// Whether it may be called again where nobody knows if it was called: it is given the same
        /// key each time.
        idempotent: bool,
        /// What it is given beside the state: the arguments of a tool.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        with: Option<Expression>,
    },
    /// Another graph is run, in a run of its own.
    Graph {
        /// The graph.
        graph: Arc<str>,
        /// Hash of its definition.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        definition: Option<Hash>,
        /// The keys it is given: theirs, then ours.
        inputs: Vec<(Arc<str>, Arc<str>)>,
    },
    /// A person is asked; the answer is the choice.
    Question {
        /// What they are asked.
        question: Template,
    },
    /// Something from outside is waited for, by its name.
    Event {
        /// The name.
        event: Arc<str>,
    },
    /// Time passes.
    Sleep {
        /// How long.
        duration: Duration,
    },
    /// A value is made of the state.
    Set {
        /// What it is made like.
        value: Expression,
    },
    /// The state decides: the first case that holds is the choice.
    Switch {
        /// The cases, in order. The last one has nothing that must hold.
        cases: Vec<Case>,
    },
    /// Nothing: branches meet or part here.
    Pass,
}

impl Work {
    /// A function of this name that may be called again.
    pub fn function(name: impl Into<Arc<str>>) -> Self {
        Self::Function { function: name.into(), idempotent: true, with: None }
    }

    /// Whether it may start again where nobody knows if it has happened. The runs of agents and
    /// graphs are found again, not begun again.
    pub const fn is_idempotent(&self) -> bool {
        !matches!(self, Self::Function { idempotent: false, .. })
    }
}

/// When a node with several edges leading to it is visited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Join {
    /// Once every edge has been taken that still can be.
    #[default]
    All,
    /// Once every edge has been taken; if one never is, it is not visited.
    Every,
    /// Each time that one is taken.
    Any,
    /// The first time that one is taken, and never again.
    First,
}

/// One task for each element of a list, all in one visit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Map {
    /// The key that holds the list.
    pub over: Arc<str>,
    /// Tasks of it in flight at once; `None` for as many as the graph allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_parallel: Option<u32>,
}

/// Where the output of a node goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Writes {
    /// To this key; of a map node, the list of all outputs in the order of the elements.
    Key(Arc<str>),
    /// It is an object whose fields go to keys, and these are all there may be.
    Keys(Vec<Arc<str>>),
    /// Nowhere.
    Nothing,
}

impl Writes {
    /// The keys it may write.
    pub fn keys(&self) -> &[Arc<str>] {
        match self {
            Self::Key(key) => std::slice::from_ref(key),
            Self::Keys(keys) => keys,
            Self::Nothing => &[],
        }
    }
}

/// How often a failure that may pass is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Tries in all, at least 1.
    pub tries: u32,
    /// The pause before the second; it doubles for each one after.
    pub pause: Duration,
    /// Whether failures are tried again that say of themselves that it does not help.
    #[serde(default)]
    pub whatever: bool,
}

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_mins(10);

impl Retry {
    /// The pause after this many tries.
    pub fn pause_after(&self, tries: u32) -> Duration {
        let factor = 1_u32.checked_shl(tries.saturating_sub(1)).unwrap_or(u32::MAX);
        self.pause.saturating_mul(factor.max(1)).min(LONGEST_PAUSE)
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self { tries: 1, pause: Duration::from_secs(1), whatever: false }
    }
}

/// What becomes of the run when a node has failed for good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// It fails: what is in flight is cancelled, what was done is undone where a node says how.
    #[default]
    Fail,
    /// It goes on as if the node had written nothing. Of a map node: `null` stands in the place of
    /// the element.
    Skip,
    /// Nothing that follows from the node happens; other branches go on.
    EndBranch,
    /// It takes the edges that leave on failure.
    Route,
}

/// What undoes a node when the run fails or is cancelled after it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Undo {
    /// The function; it is given the state as the node saw it, and the node's output.
    pub function: Arc<str>,
    /// As [`Work::Function`] has it.
    pub idempotent: bool,
    /// What it is given beside the state: there the node's output stands where the node wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<Expression>,
    /// How often it is tried again.
    #[serde(default)]
    pub retry: Retry,
    /// Whether it is called, too, where the node itself failed and may have done a part. Where
    /// nobody knows if the node did anything it is called in any case.
    #[serde(default)]
    pub when_failed: bool,
    /// How long one try may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
}

impl Undo {
    /// By this function, tried once.
    pub fn new(function: impl Into<Arc<str>>, idempotent: bool) -> Self {
        let (function, retry) = (function.into(), Retry::default());
        Self { function, idempotent, with: None, retry, when_failed: false, timeout: None }
    }
}

/// A node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Its name.
    pub name: Arc<str>,
    /// What is done there.
    pub work: Work,
    /// When it is visited.
    #[serde(default)]
    pub join: Join,
    /// Whether it has a task for each element of a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub map: Option<Map>,
    /// Where its output goes.
    pub writes: Writes,
    /// What it may choose: an edge leaves for each. Empty for a node that chooses nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<Arc<str>>,
    /// Where in its output the choice stands (a JSON pointer); `None` where the function says it
    /// beside its output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choose: Option<Arc<str>>,
    /// How often a failure is tried again.
    #[serde(default)]
    pub retry: Retry,
    /// How long one try may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// What becomes of the run when it has failed for good.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// Why a person has to agree before it happens, where one has to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Arc<str>>,
    /// What undoes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<Undo>,
}

impl Node {
    /// A node that writes its output to the key of its own name.
    pub fn new(name: impl Into<Arc<str>>, work: Work) -> Self {
        let name = name.into();
        let writes = match work {
            Work::Pass | Work::Sleep { .. } | Work::Switch { .. } => Writes::Nothing,
            _ => Writes::Key(Arc::clone(&name)),
        };
        Self {
            name,
            work,
            join: Join::default(),
            map: None,
            writes,
            choices: Vec::new(),
            choose: None,
            retry: Retry::default(),
            timeout: None,
            on_failure: OnFailure::default(),
            approval: None,
            undo: None,
        }
    }

    /// The same with another detail.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The same, choosing between these.
    #[must_use]
    pub fn choosing<C: Into<Arc<str>>>(mut self, choices: impl IntoIterator<Item = C>) -> Self {
        self.choices = choices.into_iter().map(Into::into).collect();
        self
    }

    /// The same, once for each element of the list under this key.
    #[must_use]
    pub fn over(mut self, key: impl Into<Arc<str>>) -> Self {
        self.map = Some(Map { over: key.into(), max_parallel: None });
        self
    }
}
