//! Cutting a question where it begins to ask for something else.

use crate::analysis::{stop, tokens};

/// Above this many clauses the rest of the question is not taken apart.
const MAX_CLAUSES: usize = 4;

/// Words that can open a question.
pub(super) const ASKING: &[&str] = &[
    "who", "what", "when", "where", "which", "why", "how", "do", "does", "did", "is", "are", "can",
    "could", "may", "must", "should", "will", "would", "whom", "whose", "am", "has", "have", "was",
    "were",
];

/// Question words.
pub(super) const WH: &[&str] =
    &["who", "what", "when", "where", "which", "why", "how", "whom", "whose"];

/// Verbs that ask without a question word.
const REQUESTS: &[&str] = &[
    "tell",
    "explain",
    "describe",
    "list",
    "show",
    "name",
    "give",
    "find",
    "summarise",
    "summarize",
];

/// Whether a piece of a question asks for something.
pub(super) fn is_asking(text: &str) -> bool {
    let words = tokens(text);
    let first = words.first().map(|t| t.text.as_str()).unwrap_or_default();
    text.ends_with('?')
        || ASKING.contains(&first)
        || REQUESTS.contains(&first)
        || words.iter().any(|t| matches!(t.text.as_str(), "how" | "why" | "who"))
}

/// Words that follow the verb of a question and not of a statement.
const SUBJECT_PRONOUNS: &[&str] =
    &["i", "you", "we", "they", "it", "he", "she", "there", "the", "my", "this", "that"];

/// Cuts at question marks, full stops and where `and` or a comma is followed by the opening of another question.
pub(super) fn split(question: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for span in crate::analysis::sentence::sentences(question) {
        for part in question.get(span).unwrap_or_default().split(['\n', ';']) {
            split_sentence(part, &mut out);
        }
    }
    out
}

fn split_sentence(part: &str, out: &mut Vec<String>) {
    let words = tokens(part);
    let mut start = 0;
    for (at, token) in words.iter().enumerate().skip(2) {
        let Some(before) = words.get(at - 1) else { continue };
        let comma = part.get(before.span.end..token.span.start).unwrap_or_default().contains(',');
        let joins = matches!(before.text.as_str(), "and" | "but" | "also" | "so" | "then");
        let next = words.get(at + 1).map(|t| t.text.as_str()).unwrap_or_default();
        let word = token.text.as_str();
        let asks = if joins {
            ASKING.contains(&word)
        } else {
            comma
                && (WH.contains(&word) && word != "which"
                    || ASKING.contains(&word) && SUBJECT_PRONOUNS.contains(&next))
        };
        let cut = if joins { before.span.start } else { token.span.start };
        let long_enough = tokens(part.get(start..cut).unwrap_or_default())
            .iter()
            .any(|t| !stop::is_stop(&t.text));
        if asks && long_enough && out.len() + 1 < MAX_CLAUSES {
            push(part.get(start..cut), out);
            start = token.span.start;
        }
    }
    push(part.get(start..), out);
}

fn push(text: Option<&str>, out: &mut Vec<String>) {
    let text = text.unwrap_or_default().trim().trim_end_matches([',', ' ']).trim();
    if !tokens(text).iter().any(|t| !stop::is_stop(&t.text)) {
        return;
    }
    if out.len() >= MAX_CLAUSES {
        if let Some(last) = out.last_mut() {
            last.push(' ');
            last.push_str(text);
        }
    } else {
        out.push(text.to_owned());
    }
}
