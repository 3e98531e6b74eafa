//! `switch`: cases in order, each with what has to hold of the state and where it leads.

use std::sync::Arc;

use largestack_engine::graph::{Case, Test};
use serde_json::{Number, Value as Json};

use super::edges::{Target, target};
use crate::node::{Node, Value};
use crate::problem::Wrong;
use crate::read::{Fields, Report};
use crate::value;

/// The tests, as a file names them.
const TESTS: &[&str] =
    &["is", "is_not", "one_of", "at_least", "at_most", "above", "below", "exists"];

/// A case, with where it leads.
pub(super) struct Written {
    pub(super) case: Case,
    pub(super) to: Target,
}

/// The cases of a node.
pub(super) fn read(node: &Node, key: &str, report: &mut Report) -> Vec<Written> {
    let items = match value::items(node) {
        Ok(items) if items.is_empty() => {
            report.wrong(&node.source, key, Wrong::value("there is no case"));
            return Vec::new();
        }
        Ok(items) => items,
        Err(wrong) => {
            report.wrong(&node.source, key, wrong);
            return Vec::new();
        }
    };
    let last = items.len().saturating_sub(1);
    let mut cases = Vec::new();
    for (at, item) in items.into_iter().enumerate() {
        let source = item.source.clone();
        let mut fields = Fields::of(item, key, report);
        let when = conditions(&mut fields);
        let to = fields.take("to");
        let path = fields.key("to");
        if at == last && !when.is_empty() {
            let wrong = Wrong::Value {
                detail: "the last case has to hold always, so that there is a way on".to_owned(),
                advice: Some("Add `- to: NODE` behind it; `to: end` ends the branch".to_owned()),
            };
            fields.report.wrong(&source, key, wrong);
        }
        match to.as_ref().map(target) {
            Some(Ok(to)) => {
                let choice = Arc::clone(&to.to);
                cases.push(Written { case: Case { when, choice }, to });
            }
            Some(Err(wrong)) => fields.report.wrong(&source, &path, wrong),
            None => fields.report.wrong(&source, &path, Wrong::Missing),
        }
        fields.finish();
    }
    cases
}

/// `if`: paths into the state, each with a value that it is or with a test.
fn conditions(fields: &mut Fields<'_>) -> Vec<(Arc<str>, Test)> {
    let path = fields.key("if");
    let Some(node) = fields.take("if") else { return Vec::new() };
    let Value::Map(entries) = node.value else {
        let found = node.found();
        let wrong = Wrong::Type { expected: "paths with what they have to be".to_owned(), found };
        fields.report.wrong(&node.source, &path, wrong);
        return Vec::new();
    };
    let mut when = Vec::new();
    for entry in entries {
        let place: Arc<str> = entry.key.as_str().into();
        match tests(&entry.node) {
            Ok(tests) => {
                when.extend(tests.into_iter().map(|test| (Arc::clone(&place), test)));
            }
            Err(wrong) => {
                fields.report.wrong(&entry.node.source, &format!("{path}.{place}"), wrong);
            }
        }
    }
    when
}

fn tests(node: &Node) -> Result<Vec<Test>, Wrong> {
    let Value::Map(entries) = &node.value else {
        return Ok(vec![Test::Is(json(node)?)]);
    };
    entries
        .iter()
        .map(|entry| {
            let inner = &entry.node;
            Ok(match entry.key.as_str() {
                "is" => Test::Is(json(inner)?),
                "is_not" => Test::IsNot(json(inner)?),
                "one_of" => Test::OneOf(
                    value::items(inner)?.iter().map(json).collect::<Result<_, Wrong>>()?,
                ),
                "at_least" => Test::AtLeast(number(inner)?),
                "at_most" => Test::AtMost(number(inner)?),
                "above" => Test::Above(number(inner)?),
                "below" => Test::Below(number(inner)?),
                "exists" => Test::Exists(value::boolean(inner)?),
                other => return Err(Wrong::unknown_name("test", other, TESTS.iter().copied())),
            })
        })
        .collect()
}

fn json(node: &Node) -> Result<Json, Wrong> {
    value::json(node)?.to().map_err(|error| Wrong::value(error.to_string()))
}

fn number(node: &Node) -> Result<Number, Wrong> {
    match json(node)? {
        Json::Number(number) => Ok(number),
        _ => Err(Wrong::Type { expected: "a number".to_owned(), found: node.found() }),
    }
}
