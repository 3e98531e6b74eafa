//! The wire `anthropic-messages`, and the same messages at Bedrock and Vertex.

mod faults;
mod laws;
mod recorded;
mod requests;
mod settings;
mod streams;

use std::sync::Arc;

use largestack_types::json::Json;
use largestack_types::part::{Native, Part};
use largestack_wire::{Param, Provider, Target, model};

const NAME: &str = "anthropic-messages";

/// A model of a row, with every open word said.
pub(crate) fn target(name: &str) -> Target {
    let mut target = model::resolve(name).unwrap();
    let mut provider = Provider::clone(&target.provider);
    for (name, param) in &mut provider.params {
        *param = Param { value: Some(format!("some-{name}")), ..Param::default() };
    }
    target.provider = Arc::new(provider);
    target
}

/// What this wire would have said beside.
pub(crate) fn native(fields: &str) -> Native {
    Native { wire: NAME.into(), fields: Json::parse(fields).unwrap() }
}

/// The same part as this wire would have made it.
pub(crate) fn ours(part: Part, fields: &str) -> Part {
    Part { native: Some(native(fields)), ..part }
}
