//! The Cedar schema that policies are held against, one for each tool: what a call's arguments are
//! differs by tool, and Cedar types a context by the action alone.

use largestack_types::label::{DataClass, Origin};
use largestack_types::tool::Capability;
use serde_json::{Value, json};

use crate::shape::Shape;

pub(crate) const USER: &str = "User";
pub(crate) const TENANT: &str = "Tenant";
pub(crate) const TOOL: &str = "Tool";
pub(crate) const CAPABILITY: &str = "Capability";
pub(crate) const ORIGIN: &str = "Origin";
pub(crate) const DATA_CLASS: &str = "DataClass";
pub(crate) const ACTION: &str = "Action";
/// The one action.
pub(crate) const CALL: &str = "call";
/// The capability of a tool of which nobody has said what it does.
pub(crate) const UNDECLARED: &str = "undeclared";

/// The names of a closed type; `None` for one that is open, or none of ours.
pub(crate) fn names(of: &str) -> Option<Vec<&'static str>> {
    match of {
        CAPABILITY => {
            let known = Capability::ALL.iter().map(|(name, _)| *name);
            Some(known.chain([UNDECLARED]).collect())
        }
        ORIGIN => Some(Origin::ALL.iter().copied().map(Origin::name).collect()),
        DATA_CLASS => Some(DataClass::ALL.iter().copied().map(DataClass::name).collect()),
        ACTION => Some(vec![CALL]),
        _ => None,
    }
}

/// The schema of calls of a tool with these arguments.
pub(crate) fn schema(arguments: &Shape) -> Value {
    let arguments =
        arguments.cedar().unwrap_or_else(|| json!({"type": "Record", "attributes": {}}));
    let set = |of: &str| json!({"type": "Set", "element": {"type": "Entity", "name": of}});
    let listed = |of: &str| json!({"enum": names(of)});
    json!({"": {
        "entityTypes": {
            USER: {"memberOfTypes": [TENANT]},
            TENANT: {},
            TOOL: {"memberOfTypes": [CAPABILITY]},
            CAPABILITY: listed(CAPABILITY),
            ORIGIN: listed(ORIGIN),
            DATA_CLASS: listed(DATA_CLASS),
        },
        "actions": {CALL: {"appliesTo": {
            "principalTypes": [USER],
            "resourceTypes": [TOOL],
            "context": {"type": "Record", "attributes": {
                "agent": {"type": "String"},
                "model": {"type": "String"},
                "cost": {"type": "Long"},
                "approved": {"type": "Boolean"},
                "untrusted": {"type": "Boolean"},
                "from_user": {"type": "Boolean"},
                "origins": set(ORIGIN),
                "classes": set(DATA_CLASS),
                "placeholders": set(DATA_CLASS),
                "arguments": arguments,
            }},
        }}},
    }})
}
