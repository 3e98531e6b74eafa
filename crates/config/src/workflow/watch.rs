//! `supervise`: nodes that are watched together, and who begins again when one of them fails.

use std::sync::Arc;

use largestack_engine::graph::{Restarts, Supervision};

use super::names;
use crate::node::{Node, Value as Written};
use crate::problem::Wrong;
use crate::read::{Fields, Report};
use crate::show::Show;
use crate::value;

const RESTARTS: &[(&str, Restarts)] = &[
    ("one-for-one", Restarts::OneForOne),
    ("one-for-all", Restarts::OneForAll),
    ("rest-for-one", Restarts::RestForOne),
];

impl Show for Restarts {
    fn show(&self) -> String {
        RESTARTS.iter().find(|(_, known)| known == self).map_or("", |(name, _)| name).to_owned()
    }
}

/// The groups of nodes that are watched.
pub(super) fn groups(fields: &mut Fields<'_>, known: &[Arc<str>]) -> Vec<Supervision> {
    let path = fields.key("supervise");
    let Some(node) = fields.take("supervise") else { return Vec::new() };
    let one = matches!(node.value, Written::Map(_)).then(|| vec![node.clone()]);
    let groups = match one.map_or_else(|| value::items(&node), Ok) {
        Ok(groups) => groups,
        Err(wrong) => {
            fields.report.wrong(&node.source, &path, wrong);
            return Vec::new();
        }
    };
    let report = &mut *fields.report;
    groups.into_iter().filter_map(|group| watched(group, &path, known, report)).collect()
}

fn watched(node: Node, path: &str, known: &[Arc<str>], report: &mut Report) -> Option<Supervision> {
    let source = node.source.clone();
    let mut group = Fields::of(node, path, report);
    let nodes = group.take("nodes");
    let rules = rules(&mut group);
    let Some(nodes) = nodes else {
        group.report.wrong(&source, &format!("{path}.nodes"), Wrong::Missing);
        group.finish();
        return None;
    };
    let mut watched: Vec<Arc<str>> = Vec::new();
    for item in names(&nodes).unwrap_or_default() {
        match value::some_text(&item) {
            Ok(name) if known.contains(&name) => watched.push(name),
            Ok(name) => {
                let wrong = Wrong::unknown_name("node", &name, known.iter().map(|name| &**name));
                group.report.wrong(&item.source, &format!("{path}.nodes"), wrong);
            }
            Err(wrong) => group.report.wrong(&item.source, &format!("{path}.nodes"), wrong),
        }
    }
    group.finish();
    Some(Supervision { nodes: watched, ..rules })
}

/// Who begins again, how often, and within what time.
fn rules(group: &mut Fields<'_>) -> Supervision {
    let default = Supervision::new(Vec::<Arc<str>>::new(), Restarts::default(), 3);
    Supervision {
        restarts: group.get("restarts", default.restarts, value::choice(RESTARTS)).value,
        most: group.get("most", default.most, value::whole(0, 1_000)).value,
        within: group.get("within", default.within, value::or_none(value::duration)).value,
        pause: group.get("pause", default.pause, value::duration).value,
        nodes: Vec::new(),
    }
}

/// How the members of a pattern are watched; they are all watched together.
pub(super) fn members(fields: &mut Fields<'_>) -> Supervision {
    let path = fields.key("supervise");
    let node =
        fields.take("supervise").unwrap_or_else(|| Node::empty(crate::origin::Source::Default));
    let mut group = Fields::of(node, &path, fields.report);
    let rules = rules(&mut group);
    group.finish();
    rules
}
