//! The labelled corpus of injected and harmless texts, as its files give it.

use std::collections::HashSet;
use std::error::Error;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Languages of the corpus.
pub(super) const LANGUAGES: &[&str] = &["en", "es", "fr", "de", "pt", "ru", "zh", "ja", "hi", "ar"];

/// Where a text comes from.
pub(super) const CHANNELS: &[&str] = &[
    "user",
    "split",
    "tool_result",
    "document",
    "file_name",
    "image_alt",
    "mcp_description",
    "markdown",
    "html",
    "email",
    "code_comment",
    "log",
    "csv",
    "json",
    "calendar",
];

/// One side of a conversation that is given over several messages.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Message {
    pub(super) role: String,
    pub(super) content: String,
}

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Label {
    Attack,
    Benign,
}

/// One labelled text.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) family: String,
    pub(super) label: Label,
    pub(super) kind: String,
    pub(super) lang: String,
    pub(super) channel: String,
    pub(super) text: Option<String>,
    pub(super) messages: Option<Vec<Message>>,
}

impl Record {
    /// All its words; messages are joined by line breaks.
    pub(super) fn words(&self) -> String {
        let said = self.messages.iter().flatten().map(|message| message.content.as_str());
        self.text.as_deref().into_iter().chain(said).collect::<Vec<_>>().join("\n")
    }

    /// Five-grams in lower case: of characters in Chinese and Japanese, else of words.
    pub(super) fn five_grams(&self) -> HashSet<Vec<String>> {
        let text = self.words().to_lowercase();
        let units: Vec<String> = if matches!(self.lang.as_str(), "zh" | "ja") {
            text.chars().filter(|c| !c.is_whitespace()).map(String::from).collect()
        } else {
            text.split_whitespace().map(str::to_owned).collect()
        };
        let size = units.len().clamp(1, 5);
        units.windows(size).map(<[String]>::to_vec).collect()
    }
}

/// The folder of the corpus.
pub(super) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

/// The files of a part, sorted by name: what its hash covers. A part of harmless texts has one.
pub(super) fn files(part: &str) -> Vec<PathBuf> {
    let names = ["attack.jsonl", "benign.jsonl"].iter();
    names.map(|name| folder().join(part).join(name)).filter(|path| path.exists()).collect()
}

/// Every record of a part.
pub(super) fn records(part: &str) -> Result<Vec<Record>, Box<dyn Error>> {
    let mut all = Vec::new();
    for path in files(part) {
        for line in std::fs::read_to_string(&path)?.lines() {
            all.push(serde_json::from_str(line).map_err(|e| format!("{line}: {e}"))?);
        }
    }
    Ok(all)
}
