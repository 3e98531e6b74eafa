//! Policies of an operator's own about calls of tools, in whatever language they are written: held
//! against an agent's tools when it is built, and asked before each call.

use std::sync::Arc;

use largestack_types::hash::Hash;
use largestack_types::json::Json;
use largestack_types::label::{DataClasses, Label};
use largestack_types::money::Money;
use largestack_types::policy::{Decision, Reason};
use largestack_types::scope::Scope;

use crate::tool::Capabilities;

/// Policies as they are written.
pub trait Policies: Send + Sync + 'static {
    /// The hash of everything that they say: an agent's definition names it, so that a run is not
    /// taken up under others unnoticed.
    fn hash(&self) -> Hash;

    /// Them, held against the tools of an agent; every problem with where it stands. A policy that
    /// speaks of what is not there is one: it would be silent about what was meant.
    fn bind(&self, tools: &[BoundTool<'_>]) -> Result<Arc<dyn CallPolicies>, Vec<String>>;
}

/// A tool that policies may speak of.
#[derive(Clone, Copy, Debug)]
pub struct BoundTool<'t> {
    /// Its name.
    pub name: &'t Arc<str>,
    /// What it does to the world; empty where nobody has said.
    pub does: &'t Capabilities,
    /// JSON Schema of its arguments, an object.
    pub parameters: &'t Json,
}

/// Policies that hold together with an agent's tools.
pub trait CallPolicies: Send + Sync + 'static {
    /// What they say of a call. The same call is always told the same.
    fn decide(&self, call: &PolicyCall<'_>) -> Decided;
}

/// A call that is about to be made.
#[derive(Clone, Copy, Debug)]
pub struct PolicyCall<'c> {
    /// For whom.
    pub scope: &'c Scope,
    /// By which agent.
    pub agent: &'c str,
    /// The agent's model.
    pub model: &'c str,
    /// The tool: one of those that the policies were held against.
    pub tool: &'c str,
    /// What it is called with, placeholders in place of sensitive values.
    pub arguments: &'c Json,
    /// The classes of those placeholders.
    pub placeholders: DataClasses,
    /// The label of everything that the model had read when it wrote the call.
    pub label: Label,
    /// Whether there is text among it that nobody vouches for.
    pub untrusted: bool,
    /// Whether every value of it stands in the user's own words, and it was not made before.
    pub from_user: bool,
    /// Whether a person has agreed to it.
    pub approved: bool,
    /// What the run has cost so far, with those below it that have ended.
    pub cost: Money,
}

/// What is said of a call, and by which policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// What becomes of it.
    pub decision: Decision,
    /// The policies that have decided so, each with its id; never empty.
    pub reasons: Vec<Reason>,
}
