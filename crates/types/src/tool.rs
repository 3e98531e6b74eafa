//! What a model is told about a tool, and what the engine must know of it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::json::Json;
use crate::label::Origin;
use crate::part::Native;

/// A tool as data: enough to offer it, to check a call against it and to know what a crash in the
/// middle of it means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// The name a model calls it by.
    pub name: Arc<str>,
    /// What it does, for the model.
    pub description: Arc<str>,
    /// JSON Schema (2020-12) of its arguments, an object.
    pub parameters: Json,
    /// Running it twice with one key has the effect of running it once. Only such a tool is run
    /// again after a crash or retried.
    #[serde(default)]
    pub idempotent: bool,
    /// What its results are labelled with.
    #[serde(default = "tool_origin")]
    pub origin: Origin,
    /// What one provider protocol is told of it beside: strictness, a cache mark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native: Option<Native>,
    /// The provider runs it itself: `native` is its whole declaration, and no other wire can
    /// offer it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub server: bool,
}

const fn tool_origin() -> Origin {
    Origin::Tool
}
