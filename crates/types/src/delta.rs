//! What a model says while it says it. Deltas are live only: the reply that ends the call is the
//! fact that supersedes them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A piece of a reply under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Delta {
    /// More text.
    Text {
        /// The characters.
        text: String,
    },
    /// More reasoning.
    Reasoning {
        /// The characters.
        text: String,
    },
    /// A tool call begins.
    ToolCall {
        /// Which one of the reply, from 0.
        index: u32,
        /// The provider's id; may be empty.
        id: Arc<str>,
        /// The tool.
        name: Arc<str>,
    },
    /// More of a tool call's arguments.
    Arguments {
        /// Which one of the reply, from 0.
        index: u32,
        /// The characters.
        text: String,
    },
    /// More of a refusal.
    Refusal {
        /// The characters.
        text: String,
    },
}
