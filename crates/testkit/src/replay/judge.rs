//! Whose doing a difference is between what we write of a reply and what the recording client
//! wrote of it. Three are compared, leaf by leaf: what the provider said, what we write, what the
//! client wrote. Only what was not said by the provider can be the client's addition, and only
//! what was said, as it was said, can be left out or changed by it. So a leaf that was said and
//! went back, and that we do not write, is our loss; one that we write and nobody said is our
//! invention; and neither passes as an edit.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::json::{Difference, differences, equal, show};
use super::laws::Broken;
use super::said::{Said, same_base64, same_key};

/// What the protocol itself says of an item: these words need not have been said.
const STRUCTURE: &[&str] = &["role", "type"];

/// Compares the items of a conversation. Says what the client edited, if it did.
pub(super) fn judge(
    key: &str,
    ours: &[Value],
    theirs: &[Value],
    said: &Said,
    broken: &mut Vec<Broken>,
) -> Option<String> {
    let mut edited = None;
    let mut found = Vec::new();
    aligned(&mut String::new(), ours, theirs, &mut found);
    let spare: Vec<(&str, &Value)> = found.iter().filter_map(only_leaf).collect();
    for Found { difference, within, repeated } in found {
        let path = &difference.path;
        // It was said, but not so often.
        let merged = within.is_some() && is_merged(&difference, &spare);
        let whose = match (repeated, merged) {
            (true, _) => Whose::Ours,
            (_, true) => Whose::Clients("merged an item into"),
            _ => whose(&difference, within, said),
        };
        match whose {
            Whose::Nobodys => {}
            Whose::Clients(what) => edited = Some(format!("the client {what} {path}")),
            Whose::Ours => {
                let (ours, theirs) = (show(difference.ours), show(difference.theirs));
                let detail = format!("written {ours}, recorded {theirs}");
                broken.push((format!("/history/{key}{path}"), detail));
            }
        }
    }
    edited
}

/// A difference, and what stands around it.
struct Found<'v> {
    difference: Difference<'v>,
    /// The object of ours in which a field is missing or too much.
    within: Option<&'v Value>,
    /// Whether it is an item that we write more than once.
    repeated: bool,
}

impl<'v> Found<'v> {
    fn new(path: &str, ours: Option<&'v Value>, theirs: Option<&'v Value>) -> Self {
        Self {
            difference: Difference { path: path.to_owned(), ours, theirs },
            within: None,
            repeated: false,
        }
    }
}

/// The only thing that an item says which we write and the client does not.
fn only_leaf<'v>(found: &Found<'v>) -> Option<(&'v str, &'v Value)> {
    let item = found.difference.ours.filter(|_| found.within.is_none())?;
    let mut all = Vec::new();
    leaves("", item, &mut all);
    let [only] = all[..] else { return None };
    found.difference.theirs.is_none().then_some(only)
}

/// Whether a field of theirs is all that a spare item of ours says: a seal that came alone, and
/// that the client put to the words before it.
fn is_merged(difference: &Difference<'_>, spare: &[(&str, &Value)]) -> bool {
    let (None, Some(Value::String(sent))) = (difference.ours, difference.theirs) else {
        return false;
    };
    let key = named(&difference.path);
    spare.iter().any(|(held, leaf)| {
        let same = |text: &str| text == sent || same_base64(text, sent);
        same_key(held, key) && leaf.as_str().is_some_and(same)
    })
}

/// Differences of two lists whose items belong together in order: equal ones first, then those of
/// one kind that are left between them. Lists inside are compared in the same way.
fn aligned<'v>(
    path: &mut String,
    ours: &'v [Value],
    theirs: &'v [Value],
    found: &mut Vec<Found<'v>>,
) {
    let length = path.len();
    for (index, (own, item)) in paired(ours, theirs).into_iter().enumerate() {
        let _ = write!(path, "/{index}");
        match (own, item) {
            (Some(own), Some(item)) => compare(path, own, item, found),
            (own, item) => {
                let equals = |own| ours.iter().filter(|other| equal(own, other)).count();
                let repeated = own.is_some_and(|own| equals(own) > 1);
                found.push(Found { repeated, ..Found::new(path, own, item) });
            }
        }
        path.truncate(length);
    }
}

fn compare<'v>(path: &mut String, own: &'v Value, item: &'v Value, found: &mut Vec<Found<'v>>) {
    let length = path.len();
    match (own, item) {
        (Value::Array(a), Value::Array(b)) => aligned(path, a, b, found),
        (Value::Object(a), Value::Object(b)) => {
            let alike = |fields: &'v Map<String, Value>, key: &str| {
                let same = || fields.iter().find(|(other, _)| same_key(other, key));
                fields.get(key).or_else(|| same().map(|(_, value)| value))
            };
            for key in a.keys().chain(b.keys().filter(|key| alike(a, key).is_none())) {
                let _ = write!(path, "/{}", key.replace('~', "~0").replace('/', "~1"));
                match (alike(a, key), alike(b, key)) {
                    (Some(a), Some(b)) => compare(path, a, b, found),
                    (ours, theirs) => {
                        found.push(Found { within: Some(own), ..Found::new(path, ours, theirs) });
                    }
                }
                path.truncate(length);
            }
        }
        (a, b) if differences(a, b).is_empty() => {}
        (a, b) => found.push(Found::new(path, Some(a), Some(b))),
    }
}

type Pair<'v> = (Option<&'v Value>, Option<&'v Value>);

fn paired<'v>(ours: &'v [Value], theirs: &'v [Value]) -> Vec<Pair<'v>> {
    let said = |item: &Value| {
        let named = ["role", "type"].iter().find_map(|key| item.get(key)?.as_str());
        named.map(str::to_owned)
    };
    // A message may leave its type out; then a field that both have tells that they are of a kind.
    let shares = |own: &Value, item: &Value| match (own, item) {
        (Value::Object(own), Value::Object(item)) => {
            own.keys().any(|key| item.keys().any(|other| same_key(key, other)))
        }
        _ => false,
    };
    let of_a_kind = |own: &Value, item: &Value| match (said(own), said(item)) {
        (Some(own), Some(item)) => own == item,
        _ => shares(own, item),
    };
    let mut pairs = Vec::new();
    let mut ours = ours;
    for (at, item) in theirs.iter().enumerate() {
        let later = theirs.get(at + 1..).unwrap_or_default();
        let equals = ours.iter().position(|own| equal(own, item));
        // One of ours that equals a later one of theirs belongs to that one.
        let free = |own: &&Value| !later.iter().any(|other| equal(own, other));
        let alike = || ours.iter().take_while(free).position(|own| of_a_kind(own, item));
        match equals.or_else(alike) {
            Some(at) => {
                let (skipped, rest) = ours.split_at(at);
                pairs.extend(skipped.iter().map(|own| (Some(own), None)));
                pairs.push((rest.first(), Some(item)));
                ours = rest.get(1..).unwrap_or_default();
            }
            None => pairs.push((None, Some(item))),
        }
    }
    pairs.extend(ours.iter().map(|own| (Some(own), None)));
    pairs
}

/// Whose doing a difference is.
enum Whose {
    /// Two spellings of one thing.
    Nobodys,
    Clients(&'static str),
    Ours,
}

fn whose(difference: &Difference<'_>, within: Option<&Value>, said: &Said) -> Whose {
    let key = named(&difference.path);
    match (difference.ours, difference.theirs) {
        (Some(own), Some(sent)) if is_long_form(own, sent) || is_long_form(sent, own) => {
            Whose::Nobodys
        }
        (Some(own), Some(sent)) if is_nothing(own) && is_nothing(sent) => Whose::Nobodys,
        (Some(Value::String(own)), Some(Value::String(sent))) if same_base64(own, sent) => {
            Whose::Nobodys
        }
        (Some(own), Some(sent))
            if key.ends_with("id")
                && said.calls_without_id()
                && !all_said(key, own, said)
                && !any_said(key, sent, said) =>
        {
            Whose::Clients("made up")
        }
        (Some(own), None) if all_said(key, own, said) => Whose::Clients("left out"),
        (None, Some(sent)) if !any_said(key, sent, said) => Whose::Clients("added"),
        // The provider said this very object without the field, and no other with it.
        (None, Some(_))
            if !said.has_field(key) && within.is_some_and(|own| said.has_object(own)) =>
        {
            Whose::Clients("added")
        }
        (Some(own), Some(sent)) if all_said(key, own, said) => {
            if !any_said(key, sent, said) {
                Whose::Clients("changed")
            } else if is_cut(own, sent) {
                Whose::Clients("cut")
            } else {
                Whose::Ours
            }
        }
        _ => Whose::Ours,
    }
}

/// The last word of a path that is no place in a list.
fn named(path: &str) -> &str {
    path.rsplit('/').find(|word| word.parse::<usize>().is_err()).unwrap_or_default()
}

/// The leaves of a value that say something, each with the field it stands in.
fn leaves<'v>(key: &'v str, value: &'v Value, into: &mut Vec<(&'v str, &'v Value)>) {
    match value {
        Value::Null => {}
        Value::String(text) if text.is_empty() => {}
        Value::Array(items) => items.iter().for_each(|item| leaves(key, item, into)),
        Value::Object(fields) => fields.iter().for_each(|(key, field)| leaves(key, field, into)),
        leaf if !STRUCTURE.contains(&key) => into.push((key, leaf)),
        _ => {}
    }
}

fn all_said(key: &str, value: &Value, said: &Said) -> bool {
    let mut all = Vec::new();
    leaves(key, value, &mut all);
    all.into_iter().all(|(key, leaf)| said.has(key, leaf))
}

fn any_said(key: &str, value: &Value, said: &Said) -> bool {
    let mut all = Vec::new();
    leaves(key, value, &mut all);
    all.into_iter().any(|(key, leaf)| said.has(key, leaf))
}

fn is_nothing(value: &Value) -> bool {
    let mut all = Vec::new();
    leaves("", value, &mut all);
    all.is_empty()
}

/// Whether a text is part of another that was said as a whole.
fn is_cut(own: &Value, sent: &Value) -> bool {
    match (own, sent) {
        (Value::String(own), Value::String(sent)) => own != sent && own.contains(sent.as_str()),
        _ => false,
    }
}

/// Whether one is a text and the other a list of one block with that text.
fn is_long_form(own: &Value, sent: &Value) -> bool {
    let one = sent.as_array().filter(|list| list.len() == 1).and_then(|list| list.first());
    one.and_then(|block| block.get("text")) == Some(own)
}

#[cfg(test)]
mod tests;
