//! Tools whose calls are programs: each call is a run of its own below the run that makes it, in which
//! the program stands in the place of the model. What it asks for are calls of the agent's own tools,
//! so they pass the agent's own stages, are recorded, and are not made again after a crash.

use std::sync::Arc;

use largestack_types::tool::ToolSpec;

use crate::model::Model;
use crate::tool::{ToolFailure, ToolOptions, ToolOutput};

/// A tool whose calls are programs.
///
/// A call's arguments are the input of its run, as JSON. [`Self::model`] is asked with that and with
/// what the program's calls have returned, and answers with the next calls or with the end.
pub trait ScriptTool: Send + Sync + 'static {
    /// The agent's tools that programs may call, by name.
    fn tools(&self) -> &[Arc<str>];

    /// What the model is told, where these are the tools that programs may call; what does not fit.
    fn spec(&self, callable: &[ToolSpec]) -> Result<ToolSpec, String>;

    /// How it is run. Its timeout counts beside the agent's limit of time, whichever ends first.
    fn options(&self) -> ToolOptions;

    /// What performs programs: a function of the call that it is asked with and of nothing else.
    fn model(&self) -> Arc<dyn Model>;

    /// Calls that one program may make.
    fn max_calls(&self) -> u32;

    /// The call's result, out of the words that its run ended with.
    fn result(&self, words: &str) -> Result<ToolOutput, ToolFailure>;
}
