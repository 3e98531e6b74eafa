//! Who stands in for a member, and what becomes of a team when one fails.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::pattern::unknown_agent;
use crate::node::{Node, Value};
use crate::problem::Wrong;
use crate::read::Fields;
use crate::show::Show;
use crate::value;

/// What becomes of a team when a member fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnMember {
    /// It fails.
    #[default]
    Fail,
    /// It goes on without the member.
    Skip,
    /// The member is tried so often.
    Retry(u32),
}

impl Show for OnMember {
    fn show(&self) -> String {
        match self {
            Self::Fail => "fail".to_owned(),
            Self::Skip => "skip".to_owned(),
            Self::Retry(tries) => format!("retry: {tries}"),
        }
    }
}

/// `on_error`: a word, or `{retry: N}`.
pub(super) fn on_error(fields: &mut Fields<'_>) -> OnMember {
    const WORDS: &[(&str, OnMember)] = &[("fail", OnMember::Fail), ("skip", OnMember::Skip)];
    let read = |node: &Node| {
        let Value::Map(entries) = &node.value else { return value::choice(WORDS)(node) };
        match entries.as_slice() {
            [entry] if entry.key == "retry" => {
                value::whole(1, 1_000)(&entry.node).map(OnMember::Retry)
            }
            _ => Err(Wrong::Value {
                detail: "takes `fail`, `skip` or `{retry: N}`".to_owned(),
                advice: None,
            }),
        }
    };
    fields.get("on_error", OnMember::default(), read).value
}

/// `instead`: members, each with the agent that is asked where it has failed.
pub(super) fn instead(
    fields: &mut Fields<'_>,
    declared: &[Arc<str>],
) -> BTreeMap<Arc<str>, Arc<str>> {
    let path = fields.key("instead");
    let Some(node) = fields.take("instead") else { return BTreeMap::new() };
    let Value::Map(entries) = node.value else {
        let expected = "members, each with an agent".to_owned();
        let wrong = Wrong::Type { expected, found: node.found() };
        fields.report.wrong(&node.source, &path, wrong);
        return BTreeMap::new();
    };
    let mut instead = BTreeMap::new();
    for entry in entries {
        let of: Arc<str> = entry.key.as_str().into();
        let names = || declared.iter().map(|name| &**name);
        let read = value::some_text(&entry.node).and_then(|name| {
            for known in [&of, &name] {
                if !declared.contains(known) {
                    return Err(unknown_agent(known, names()));
                }
            }
            if name == of { Err(Wrong::value("stands in for itself")) } else { Ok(name) }
        });
        match read {
            Ok(name) => drop(instead.insert(of, name)),
            Err(wrong) => {
                fields.report.wrong(&entry.node.source, &format!("{path}.{of}"), wrong);
            }
        }
    }
    instead
}

/// Says who is stood in for and is no member.
pub(super) fn members_only(
    instead: &BTreeMap<Arc<str>, Arc<str>>,
    members: &[Arc<str>],
    fields: &mut Fields<'_>,
) {
    let source = fields.source().clone();
    for of in instead.keys().filter(|of| !members.contains(of)) {
        let wrong = Wrong::unknown_name("member", of, members.iter().map(|name| &**name));
        fields.report.wrong(&source, "instead", wrong);
    }
}
