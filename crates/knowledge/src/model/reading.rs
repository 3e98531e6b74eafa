//! Reading tool results: search results as passages with their places, any other text as a passage of the tool's own.

use largestack_types::message::Message;
use largestack_types::part::{Body, ToolResult};
use serde::Deserialize;

use crate::analysis::stem;
use crate::answer::{Corpus, Passage};

/// Everything that the tools returned.
#[derive(Debug, Default)]
pub struct Reading {
    /// Passages, the best of each result before the second best of any.
    pub passages: Vec<Passage>,
    /// What the results say of the whole knowledge base.
    pub corpus: Corpus,
    /// Tools that failed, with what they said.
    pub failures: Vec<String>,
}

/// The part of a search result that is understood; fields that are absent are done without.
#[derive(Deserialize)]
struct Result {
    #[serde(default)]
    passages: u32,
    #[serde(default)]
    terms: std::collections::BTreeMap<String, u32>,
    hits: Vec<Hit>,
}

#[derive(Deserialize)]
struct Hit {
    #[serde(default, alias = "source", alias = "file", alias = "url")]
    path: String,
    #[serde(default)]
    lines: Option<(u32, u32)>,
    #[serde(default, alias = "title")]
    heading: String,
    #[serde(alias = "content", alias = "snippet")]
    text: String,
    #[serde(default)]
    score: f64,
}

impl Reading {
    /// Reads the results in these messages.
    pub fn of<'a>(messages: impl Iterator<Item = &'a Message>) -> Self {
        let mut out = Self::default();
        let mut results: Vec<Vec<Passage>> = Vec::new();
        for part in messages.flat_map(|message| &message.parts) {
            if let Body::ToolResult(result) = &part.body {
                results.push(out.result(result));
            }
        }
        let longest = results.iter().map(Vec::len).max().unwrap_or(0);
        for place in 0..longest {
            for passage in results.iter().filter_map(|result| result.get(place)) {
                let known = out.passages.iter().any(|p| {
                    p.path == passage.path && p.lines == passage.lines && p.text == passage.text
                });
                if !known {
                    out.passages.push(passage.clone());
                }
            }
        }
        out
    }

    fn result(&mut self, result: &ToolResult) -> Vec<Passage> {
        if result.is_error {
            self.failures.push(format!("{}: {}", result.name, result.text));
            return Vec::new();
        }
        let material = material(&result.text);
        let Ok(read) = serde_json::from_str::<Result>(material) else {
            return vec![own(result, material)];
        };
        self.corpus.passages = self.corpus.passages.max(read.passages);
        for (word, count) in read.terms {
            let known = self.corpus.frequencies.entry(stem(&word)).or_default();
            *known = count.max(*known);
        }
        read.hits.into_iter().map(|hit| passage(hit, result)).collect()
    }
}

fn passage(hit: Hit, result: &ToolResult) -> Passage {
    let count = u32::try_from(hit.text.lines().count().max(1)).unwrap_or(u32::MAX);
    Passage {
        path: if hit.path.is_empty() { result.name.to_string() } else { hit.path },
        lines: hit.lines.unwrap_or((1, count)),
        title: hit.heading.split(" > ").next().unwrap_or_default().to_owned(),
        heading: hit.heading,
        text: hit.text,
        score: hit.score,
    }
}

/// What a result says, without the marks of a run that has other people's words marked.
fn material(text: &str) -> &str {
    let inside = text.strip_prefix("<data-").and_then(|rest| rest.split_once(">\n"));
    let inside = inside.and_then(|(mark, rest)| rest.strip_suffix(&format!("\n</data-{mark}>")));
    inside.unwrap_or(text)
}

/// A text result as a passage named after its tool; lines are the result's own.
fn own(result: &ToolResult, text: &str) -> Passage {
    let count = u32::try_from(text.lines().count().max(1)).unwrap_or(u32::MAX);
    Passage {
        path: format!("{} result", result.name),
        lines: (1, count),
        text: text.to_owned(),
        ..Passage::default()
    }
}
