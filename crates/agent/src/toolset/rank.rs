//! Which tools fit some words: plain counting, the same on every machine.

use std::collections::BTreeMap;

use largestack_types::tool::ToolSpec;
use serde_json::Value;

/// What a word counts in a tool's name, in the names of its arguments and in what is said of it.
const IN_NAME: u64 = 8;
const IN_ARGUMENT: u64 = 2;
const IN_WORDS: u64 = 1;
/// How much rarer a word counts than one that every tool has, at most.
const RARE: u64 = 16;

/// The words of a tool with what each counts.
pub(super) struct Words(BTreeMap<String, u64>);

impl Words {
    pub(super) fn of(spec: &ToolSpec) -> Self {
        let mut words = BTreeMap::new();
        let mut note = |text: &str, counts: u64| {
            for word in split(text) {
                let known = words.entry(word).or_insert(0);
                *known = counts.max(*known);
            }
        };
        note(&spec.name, IN_NAME);
        note(&spec.description, IN_WORDS);
        let schema: Value = spec.parameters.to().unwrap_or_default();
        let arguments = schema.get("properties").and_then(Value::as_object);
        for (name, argument) in arguments.into_iter().flatten() {
            note(name, IN_ARGUMENT);
            note(argument.get("description").and_then(Value::as_str).unwrap_or_default(), IN_WORDS);
        }
        Self(words)
    }

    /// What a word counts here; one that only begins like it, half.
    fn count(&self, word: &str) -> u64 {
        if let Some(count) = self.0.get(word) {
            return 2 * count;
        }
        let long = word.len() >= 4;
        let beginning = |(known, _): &(&String, &u64)| {
            long && (known.starts_with(word)
                || (known.len() >= 4 && word.starts_with(known.as_str())))
        };
        self.0.iter().filter(beginning).map(|(_, count)| *count).max().unwrap_or(0)
    }
}

/// The tools that fit a query, the best first, and in their own order where they fit as well.
pub(super) fn best<'w>(
    tools: impl Iterator<Item = &'w Words>,
    query: &str,
    most: usize,
) -> Vec<usize> {
    let tools: Vec<&Words> = tools.collect();
    let mut scores = vec![0_u64; tools.len()];
    for word in split(query) {
        let counts: Vec<u64> = tools.iter().map(|tool| tool.count(&word)).collect();
        let having = counts.iter().filter(|count| **count > 0).count().max(1) as u64;
        let rare = (tools.len() as u64 / having).clamp(1, RARE);
        for (score, count) in scores.iter_mut().zip(counts) {
            *score += count * rare;
        }
    }
    let mut order: Vec<(usize, u64)> =
        scores.into_iter().enumerate().filter(|(_, score)| *score > 0).collect();
    order.sort_by_key(|(index, score)| (std::cmp::Reverse(*score), *index));
    order.into_iter().take(most).map(|(index, _)| index).collect()
}

/// Words in lower case: `getUser_by-id` is four.
fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut before = ' ';
    for c in text.chars() {
        let hump = c.is_uppercase() && before.is_lowercase();
        if (!c.is_alphanumeric() || hump) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    if !word.is_empty() {
        words.push(word);
    }
    words.sort();
    words.dedup();
    words
}

#[cfg(test)]
mod tests {
    use largestack_types::json::Json;
    use largestack_types::label::Origin;

    use super::*;

    fn tool(name: &str, description: &str, argument: &str) -> Words {
        let parameters = serde_json::json!({"properties": {argument: {"description": "x"}}});
        Words::of(&ToolSpec {
            name: name.into(),
            description: description.into(),
            parameters: Json::of(&parameters).unwrap(),
            idempotent: false,
            origin: Origin::Tool,
            native: None,
            server: false,
        })
    }

    fn shop() -> Vec<Words> {
        vec![
            tool("list_orders", "All orders of a customer.", "customer"),
            tool("refundOrder", "Gives money back.", "order"),
            tool("send_mail", "Writes to a customer.", "address"),
        ]
    }

    #[test]
    fn the_name_counts_more_than_the_words_and_a_rare_word_more_than_a_common_one() {
        assert_eq!(best(shop().iter(), "refund", 9), [1]);
        assert_eq!(best(shop().iter(), "order refunds", 9)[0], 1);
        assert_eq!(best(shop().iter(), "customer mail", 9)[0], 2);
        assert_eq!(best(shop().iter(), "CUSTOMER", 9), [0, 2]);
    }

    #[test]
    fn what_fits_as_well_stays_in_order_and_what_does_not_is_left_out() {
        assert_eq!(best(shop().iter(), "customer", 1), [0]);
        assert!(best(shop().iter(), "weather", 9).is_empty());
        assert!(best(shop().iter(), " ,.", 9).is_empty());
        assert!(best([].iter(), "order", 9).is_empty());
    }

    #[test]
    fn words_are_found_in_every_way_of_writing_names() {
        assert_eq!(
            split("getUser_by-id, HTTP2 über"),
            ["by", "get", "http2", "id", "user", "über"]
        );
    }
}
