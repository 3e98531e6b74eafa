//! What came of looking at an answer.

use std::sync::Arc;

use largestack_types::errors::LargestackError;
use largestack_types::id::EffectId;
use largestack_types::json::Json;
use largestack_types::message::Message;
use serde::{Deserialize, Serialize};

/// Data of [`crate::Event::OutputChecked`]. Without problems the answer stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutputChecked {
    /// The check.
    pub effect: EffectId,
    /// What is wrong, each with its place in the answer; values are left out or placeholders.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
    /// What the model reads, where it is sent back; else problems end the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feedback: Option<Arc<Message>>,
    /// The value, where a stage gave another than the reply means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Json>,
    /// Set where a stage ended the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raise: Option<LargestackError>,
}
