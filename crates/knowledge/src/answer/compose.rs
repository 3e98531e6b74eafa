//! Joining quotes into a readable answer with numbered citations.

use super::Found;

/// A numbered source of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Citation {
    /// The number that the text refers to, from 1.
    pub number: u32,
    /// The document.
    pub path: String,
    /// First and last line, from 1, inclusive.
    pub lines: (u32, u32),
    /// Headings above it.
    pub heading: String,
    /// What is quoted.
    pub quote: String,
}

/// An answer in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The text, with `[n]` after what source n says.
    pub text: String,
    /// The sources in order of their numbers; none when nothing was answered.
    pub citations: Vec<Citation>,
    /// The clauses that the documents do not answer.
    pub unanswered: Vec<String>,
}

impl Reply {
    /// Whether any clause was answered.
    pub fn is_answered(&self) -> bool {
        !self.citations.is_empty()
    }
}

/// What is said when nothing answers the question.
pub(super) const NO_ANSWER: &str = "The documents do not answer this question.";

/// Joins what was found for the clauses of one question.
pub fn compose(found: &[Found]) -> Reply {
    let mut reply = Reply { text: String::new(), citations: Vec::new(), unanswered: Vec::new() };
    let mut said: Vec<String> = Vec::new();
    for clause in found {
        for quote in &clause.quotes {
            let known =
                reply.citations.iter().position(|c| c.path == quote.path && c.lines == quote.lines);
            let at = known.unwrap_or(reply.citations.len());
            let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
            let line = format!("{} [{number}]", finished(&quote.text));
            if said.contains(&line) {
                continue;
            }
            if known.is_none() {
                reply.citations.push(Citation {
                    number,
                    path: quote.path.clone(),
                    lines: quote.lines,
                    heading: quote.heading.clone(),
                    quote: quote.text.clone(),
                });
            }
            said.push(line);
        }
        if clause.quotes.is_empty() {
            reply.unanswered.push(clause.clause.text.clone());
        }
    }
    if said.is_empty() {
        NO_ANSWER.clone_into(&mut reply.text);
        return reply;
    }
    reply.text = said.join(" ");
    for open in &reply.unanswered {
        reply.text.push_str("\n\nThe documents do not answer: \"");
        reply.text.push_str(open.trim_end_matches('?'));
        reply.text.push_str("?\"");
    }
    reply
}

/// A text that ends like a sentence.
fn finished(text: &str) -> String {
    let text = text.trim_end_matches([';', ',', ':']);
    if text.ends_with(['.', '!', '?', ')', '`', '"', '\u{3002}']) {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}
