//! In what a request differs from one that is recorded, so that a person sees what has changed.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::asked::Asked;

/// Differences that are shown.
const SHOWN: usize = 5;
/// Characters of a value that are shown.
const WIDTH: usize = 60;

/// The recorded request that differs least, by its number from 1, and in what.
pub(crate) fn nearest<'a>(
    asked: &Asked,
    recorded: impl Iterator<Item = (usize, &'a Asked)>,
) -> Option<(usize, Vec<String>)> {
    let differences = recorded.map(|(number, other)| (number, differences(asked, other)));
    differences.min_by_key(|(_, differences)| differences.len())
}

/// What to say of a request that is not recorded.
pub(crate) fn describe(
    asked: &Asked,
    nearest: Option<(usize, Vec<String>)>,
    spent: bool,
) -> String {
    let title = asked.title();
    match nearest {
        _ if spent => format!("{title}: every recording of this request has been given already"),
        None => format!("{title}: no recorded exchange is left"),
        Some((number, differences)) => {
            let more = differences.len().saturating_sub(SHOWN);
            let mut shown: Vec<String> = differences.into_iter().take(SHOWN).collect();
            if more > 0 {
                shown.push(format!("and {more} more"));
            }
            format!("{title}: it differs from recorded exchange {number} in {}", shown.join("; "))
        }
    }
}

fn differences(asked: &Asked, recorded: &Asked) -> Vec<String> {
    let (asked, recorded) = (leaves(asked), leaves(recorded));
    let paths: std::collections::BTreeSet<&String> = asked.keys().chain(recorded.keys()).collect();
    let differs = paths.into_iter().filter(|path| asked.get(*path) != recorded.get(*path));
    let nothing = || "nothing".to_owned();
    differs
        .map(|path| {
            let was = recorded.get(path).map_or_else(nothing, |value| shown(value));
            let is = asked.get(path).map_or_else(nothing, |value| shown(value));
            format!("{path}: recorded {was}, asked {is}")
        })
        .collect()
}

fn leaves(asked: &Asked) -> BTreeMap<String, String> {
    let mut leaves = BTreeMap::new();
    leaves.insert("provider".to_owned(), asked.provider.clone());
    leaves.insert("method".to_owned(), asked.method.clone());
    leaves.insert("path".to_owned(), asked.path.clone());
    if let Some(value) = asked.body.value() {
        walk(&value, "body".to_owned(), &mut leaves);
    } else {
        let body = asked.body.text.clone().or_else(|| asked.body.base64.clone());
        leaves.extend(body.map(|body| ("body".to_owned(), body)));
    }
    leaves
}

fn walk(value: &Value, path: String, leaves: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(properties) if !properties.is_empty() => {
            for (name, value) in properties {
                walk(value, format!("{path}.{name}"), leaves);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (number, value) in items.iter().enumerate() {
                walk(value, format!("{path}[{number}]"), leaves);
            }
        }
        other => drop(leaves.insert(path, other.to_string())),
    }
}

/// A value, cut where it is long.
fn shown(value: &str) -> String {
    match value.char_indices().nth(WIDTH) {
        Some((at, _)) => format!("{}..", value.get(..at).unwrap_or_default()),
        None => value.to_owned(),
    }
}
