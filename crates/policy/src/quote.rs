//! Where the values of a call stand in what was read: in the user's own words, or in private data.

use std::collections::{BTreeSet, HashSet};

use largestack_types::label::{DataClasses, Label, Origin, Origins};
use largestack_types::message::{Message, Role};
use largestack_types::part::{Arguments, Body, Part};
use serde_json::Value;

use crate::judge::ToolCall;

/// Words that have to follow one another in a private text for a value to quote it.
const QUOTED_WORDS: usize = 4;
/// Bytes of a value below which it quotes nothing: numbers and small words stand in every text.
const LEAST_QUOTE: usize = 6;

/// Whether every value of a call stands in the words of the user or the operator, and it has not been
/// made before: who asks for a payment asks for one.
pub fn is_users_own(call: &ToolCall<'_>) -> bool {
    let Some(arguments) = call.arguments else { return false };
    let Ok(value) = arguments.to::<Value>() else { return false };
    let own = Own::of(call.messages);
    let mut any = false;
    let mut all = true;
    leaves(&value, &mut |leaf| match leaf {
        Value::String(text) if text.trim().is_empty() => {}
        Value::Null => {}
        leaf => {
            any = true;
            all &= own.has(leaf);
        }
    });
    any && all && times_asked(call, &value) <= 1
}

/// How often the model has asked for this call: with the same values, some of them or more.
fn times_asked(call: &ToolCall<'_>, value: &Value) -> usize {
    let wanted = values(value);
    let parts = call.messages.iter().flat_map(|message| &message.parts);
    let same = parts.filter_map(Part::as_tool_call).filter(|asked| {
        let Arguments::Json(arguments) = &asked.arguments else { return false };
        let Ok(asked_for) = arguments.to::<Value>() else { return false };
        let asked_for = values(&asked_for);
        *asked.name == *call.tool && (asked_for.is_subset(&wanted) || wanted.is_subset(&asked_for))
    });
    same.count()
}

/// The values that stand for something, as they are compared: 50 is 50.0, letter case and spaces do
/// not count.
fn values(value: &Value) -> BTreeSet<String> {
    let mut values = BTreeSet::new();
    leaves(value, &mut |leaf| {
        values.extend(match leaf {
            Value::String(text) => Some(normal(text)).filter(|text| !text.is_empty()),
            Value::Number(number) => number.as_f64().map(|number| number.to_string()),
            Value::Bool(said) => Some(said.to_string()),
            _ => None,
        });
    });
    values
}

/// What the user and the operator have written themselves.
struct Own {
    texts: Vec<String>,
    numbers: Vec<f64>,
}

impl Own {
    fn of(messages: &[std::sync::Arc<Message>]) -> Self {
        let texts: Vec<String> = own_parts(messages).map(normal).collect();
        let numbers = texts.iter().flat_map(|text| numbers(text)).collect();
        Self { texts, numbers }
    }

    fn has(&self, leaf: &Value) -> bool {
        match leaf {
            Value::String(text) => self.says(&normal(text)),
            Value::Number(number) => number.as_f64().is_some_and(|n| self.numbers.contains(&n)),
            // Neither a yes nor a no can be found in words.
            _ => false,
        }
    }

    /// Whether the text stands there as whole words.
    fn says(&self, text: &str) -> bool {
        self.texts.iter().any(|own| {
            own.match_indices(text).any(|(at, _)| {
                let before = own.get(..at).and_then(|before| before.chars().next_back());
                let after = own.get(at + text.len()..).and_then(|after| after.chars().next());
                !before.is_some_and(char::is_alphanumeric)
                    && !after.is_some_and(char::is_alphanumeric)
            })
        })
    }
}

/// Texts that only the user and the operator had a hand in.
fn own_parts(messages: &[std::sync::Arc<Message>]) -> impl Iterator<Item = &str> {
    let own = Origins::of(Origin::Operator).union(Origins::of(Origin::User));
    let is_own = move |label: Label| {
        !label.origins.is_empty() && label.origins.iter().all(|origin| own.contains(origin))
    };
    messages
        .iter()
        .filter(|message| matches!(message.role, Role::User | Role::System))
        .flat_map(|message| &message.parts)
        .filter(move |part| is_own(part.label))
        .filter_map(Part::as_text)
}

/// The classes, of these, of private texts that the arguments quote and the user's own words do not
/// hold.
pub(crate) fn quoted_classes(call: &ToolCall<'_>, classes: DataClasses) -> DataClasses {
    let Some(value) = call.arguments.and_then(|json| json.to::<Value>().ok()) else {
        return DataClasses::EMPTY;
    };
    let plain: Vec<String> = texts(call.messages)
        .filter(|(label, _)| label.classes.is_empty())
        .map(|(_, text)| normal(text))
        .collect();
    let mut values = Vec::new();
    leaves(&value, &mut |leaf| {
        let text = match leaf {
            Value::String(text) => normal(text),
            Value::Number(number) => number.to_string(),
            _ => return,
        };
        if text.len() >= LEAST_QUOTE && !plain.iter().any(|plain| plain.contains(&text)) {
            values.push(text);
        }
    });
    if values.is_empty() {
        return DataClasses::EMPTY;
    }
    let private = texts(call.messages).filter_map(|(label, text)| {
        let private: DataClasses =
            label.classes.iter().filter(|class| classes.contains(*class)).collect();
        (!private.is_empty()).then(|| (private, normal(text)))
    });
    private
        .filter(|(_, text)| any_quotes(&values, text))
        .fold(DataClasses::EMPTY, |found, (private, _)| found.union(private))
}

/// Whether one of the values stands in a text, or shares some words in a row with it. All are normal.
fn any_quotes(values: &[String], text: &str) -> bool {
    if values.iter().any(|value| text.contains(value)) {
        return true;
    }
    let words: Vec<&str> = text.split(' ').collect();
    let runs: HashSet<&[&str]> = words.windows(QUOTED_WORDS).collect();
    values.iter().any(|value| {
        let words: Vec<&str> = value.split(' ').collect();
        words.windows(QUOTED_WORDS).any(|run| runs.contains(run))
    })
}

/// What was read and not said by the model itself.
fn texts(messages: &[std::sync::Arc<Message>]) -> impl Iterator<Item = (Label, &str)> {
    let read = messages.iter().filter(|message| message.role != Role::Assistant);
    read.flat_map(|message| &message.parts).filter_map(|part| match &part.body {
        Body::Text(text) => Some((part.label, &**text)),
        Body::ToolResult(result) => Some((part.label, &*result.text)),
        _ => None,
    })
}

/// The values of a JSON value that hold no others.
fn leaves(value: &Value, look: &mut impl FnMut(&Value)) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| leaves(item, look)),
        Value::Object(fields) => fields.values().for_each(|field| leaves(field, look)),
        leaf => look(leaf),
    }
}

/// Small letters, one space between words.
fn normal(text: &str) -> String {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    words.join(" ")
}

/// The numbers of a text, with or without commas between thousands.
fn numbers(text: &str) -> impl Iterator<Item = f64> {
    let of_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '-');
    text.split(move |c: char| !of_number(c)).filter_map(|word| {
        let word = word.trim_end_matches(['.', ',', '-']).replace(',', "");
        word.parse().ok()
    })
}
