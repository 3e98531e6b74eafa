//! Rules of an operator's own: an expression or words, where they are looked for, and what is done.

use std::ops::Range;
use std::sync::Arc;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use super::action::RuleAction;
use super::words::Words;
use super::{BadContent, Place};

/// Largest compiled expression, bytes.
const SIZE: usize = 1 << 20;
/// Findings of an expression that are looked for in a text of any length.
const MOST_FOUND: usize = 256;
/// Bytes that are looked through for more of them: each search may read all of the text.
const WORK: usize = 128 << 20;
/// Longest expression, bytes.
const PATTERN: usize = 4096;

/// A rule as its operator says it: a `pattern`, `words` or both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RulePolicy {
    /// The texts it looks at.
    pub on: Vec<Place>,
    /// A regular expression without look-around and references back, so that it takes time linear in the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Words, or with `*` at the end beginnings of words, in any case and under disguises.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// What is done.
    pub action: RuleAction,
    /// What whoever asked is told when it blocks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Default for RulePolicy {
    fn default() -> Self {
        let on = vec![Place::Input, Place::Output];
        Self { on, pattern: None, words: Vec::new(), action: RuleAction::Block, message: None }
    }
}

/// A rule that can be asked.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) name: Arc<str>,
    pub(super) on: Vec<Place>,
    pub(super) action: RuleAction,
    pub(super) message: Option<Arc<str>>,
    pattern: Option<Regex>,
    words: Option<Words>,
}

impl Rule {
    pub(super) fn of(name: &str, policy: &RulePolicy) -> Result<Self, BadContent> {
        let wrong = |why: String| BadContent(format!("the rule `{name}` {why}"));
        let named = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
        if !(1..=64).contains(&name.len()) || !name.bytes().all(named) {
            return Err(wrong("needs a name of 1 to 64 letters, digits, `-` and `_`".to_owned()));
        }
        if policy.on.is_empty() {
            return Err(wrong("looks at nothing: `on` is empty".to_owned()));
        }
        if policy.pattern.is_none() && policy.words.is_empty() {
            return Err(wrong("looks for nothing: it needs a `pattern` or `words`".to_owned()));
        }
        let words = (!policy.words.is_empty()).then(|| Words::of(&policy.words)).transpose();
        Ok(Self {
            name: name.into(),
            on: policy.on.clone(),
            action: policy.action,
            message: policy.message.as_deref().map(Arc::from),
            pattern: policy.pattern.as_deref().map(compiled).transpose().map_err(wrong)?,
            words: words.map_err(|error| wrong(error.0))?,
        })
    }

    /// Where it finds something: bytes of the text. Behind as many findings as are looked for, of the
    /// expression and of the words, the rest of the text is one: each search may read all of what is left, and nothing that a rule takes out may
    /// stand behind the last one.
    pub(super) fn found(&self, text: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let mut patterns = self.pattern.iter().flat_map(|pattern| pattern.find_iter(text));
        let most = MOST_FOUND.max(WORK / text.len().max(1));
        found.extend(patterns.by_ref().take(most).map(|one| one.range()));
        if let Some(next) = patterns.next() {
            found.push(next.start()..text.len());
        }
        found.extend(self.words.iter().flat_map(|words| words.found(text, most)));
        found
    }
}

fn compiled(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > PATTERN {
        return Err(format!("has a pattern of more than {PATTERN} bytes"));
    }
    let limits = RegexBuilder::new(pattern).size_limit(SIZE).dfa_size_limit(SIZE).build();
    let compiled = limits.map_err(|error| {
        // The last line says what is wrong; those before draw where.
        let text = error.to_string();
        let last = text.lines().rev().map(str::trim).find(|line| !line.is_empty());
        format!("has a pattern that cannot be used: {}", last.unwrap_or_default())
    })?;
    if compiled.is_match("") {
        return Err("has a pattern that matches nothing at all, and so every text".to_owned());
    }
    Ok(compiled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, text: &str) -> Vec<Range<usize>> {
        let policy = RulePolicy { pattern: Some(pattern.to_owned()), ..RulePolicy::default() };
        Rule::of("rule", &policy).unwrap().found(text)
    }

    #[test]
    fn no_more_words_are_told_than_findings_of_an_expression() {
        let words = vec!["ab".to_owned(), "αβ".to_owned()];
        let policy = RulePolicy { words, ..RulePolicy::default() };
        let rule = Rule::of("rule", &policy).unwrap();
        let long = WORK / MOST_FOUND;
        let filled = |many: usize| format!("{}{}", "ab ".repeat(many), ".".repeat(long - 3 * many));
        let all = rule.found(&filled(MOST_FOUND));
        assert_eq!((all.len(), all.last().cloned()), (MOST_FOUND, Some(765..767)));
        let all = rule.found(&filled(MOST_FOUND + 2));
        assert_eq!((all.len(), all.last().cloned()), (MOST_FOUND + 1, Some(768..long)));
        // Those of another reading count with them.
        let text = format!("{}{}{}", "ab ".repeat(200), "&#97;b ".repeat(200), ".".repeat(long));
        assert_eq!(rule.found(&text).len(), MOST_FOUND + 1);
    }

    #[test]
    fn what_stands_behind_as_many_findings_as_are_looked_for_is_one() {
        // A table of addresses loses nothing but them.
        let table = "a@b.test,kept\n".repeat(2000);
        let all = found("[a-z]@[a-z.]+", &table);
        assert_eq!((all.len(), all.last().map(Range::len)), (2000, Some(8)));

        // So long that no more are looked for than in every text; each of these reads all that is left.
        let long = WORK / MOST_FOUND;
        let text = format!("{}{}", "xy".repeat(MOST_FOUND), "y".repeat(long - 2 * MOST_FOUND));
        let all = found("x", &text);
        assert_eq!((all.len(), all.last().cloned()), (MOST_FOUND, Some(510..511)));
        let text = format!("{}{}", "xy".repeat(MOST_FOUND + 2), "y".repeat(long));
        let all = found("x", &text);
        assert_eq!((all.len(), all.last().cloned()), (MOST_FOUND + 1, Some(512..text.len())));
        // Between the two, the longer the text the fewer.
        let many = found("x.*z|x", &"x".repeat(100_000));
        let most = WORK / 100_000;
        assert_eq!((many.len(), many.last().cloned()), (most + 1, Some(most..100_000)));
    }
}
