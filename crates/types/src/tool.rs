//! What a model is told about a tool, and what the engine must know of it.

use std::collections::BTreeSet;
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

/// What a tool does to the world, as its author or operator declares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Looks at something.
    Read,
    /// Changes or adds something.
    Write,
    /// Removes something.
    Delete,
    /// Sends something to somebody.
    Send,
    /// Moves money.
    Pay,
    /// Runs code or commands.
    Execute,
    /// Hands its arguments to a service outside, whatever for: a page that is fetched reads them.
    Egress,
}

impl Capability {
    /// Every capability, with its name in configuration.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("read", Self::Read),
        ("write", Self::Write),
        ("delete", Self::Delete),
        ("send", Self::Send),
        ("pay", Self::Pay),
        ("execute", Self::Execute),
        ("egress", Self::Egress),
    ];

    /// The name in configuration.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, known)| *known == self).map_or("", |(name, _)| *name)
    }

    /// The capability with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, capability)| *capability)
    }
}

/// A set of capabilities.
pub type Capabilities = BTreeSet<Capability>;
