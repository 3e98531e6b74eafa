//! One thing that is wrong, where it stands and what to do about it.

use std::fmt;

use crate::origin::Source;

/// One thing that is wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it stands.
    pub source: Source,
    /// The key it is about, with `.` between levels; empty for a whole file.
    pub key: String,
    /// What is wrong.
    pub kind: Wrong,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// A key or variable that nothing reads.
    Unknown {
        /// `key` or `environment variable`.
        what: &'static str,
        /// As it is written.
        name: String,
        /// What to do: the nearest known one, else the known ones.
        advice: String,
    },
    /// A key that stands twice.
    Duplicate {
        /// Line of the first, from 1.
        first: u32,
    },
    /// `<<`, which YAML 1.2 does not have.
    MergeKey,
    /// A key that has to be there.
    Missing,
    /// Another kind of value than the key takes.
    Type {
        /// What it takes.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// A word that older YAML reads as a boolean, without quotes.
    Ambiguous {
        /// The word.
        word: String,
    },
    /// A value outside of what the key takes.
    Value {
        /// Why it does not fit.
        detail: String,
        /// What to do, where something better can be said than that.
        advice: Option<String>,
    },
    /// Text that is not YAML.
    Syntax {
        /// The parser's words.
        detail: String,
    },
}

impl Wrong {
    /// A value that does not fit.
    pub(crate) fn value(detail: impl Into<String>) -> Self {
        Self::Value { detail: detail.into(), advice: None }
    }

    /// A name that is none of the known ones.
    pub(crate) fn unknown_name<'a>(
        what: &str,
        name: &str,
        known: impl Iterator<Item = &'a str> + Clone,
    ) -> Self {
        let near = crate::spelling::nearest(name, known.clone());
        let advice =
            near.map_or_else(|| known_words(known), |near| format!("Did you mean `{near}`?"));
        Self::Value { detail: format!("there is no {what} `{name}`"), advice: Some(advice) }
    }
}

/// All the words there are.
pub(crate) fn known_words<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<_> = words.map(|name| format!("`{name}`")).collect();
    if words.is_empty() {
        "There are none".to_owned()
    } else {
        format!("Known are {}", words.join(", "))
    }
}

impl Problem {
    /// What is wrong and where, in one line.
    pub fn message(&self) -> String {
        let Self { source, key, kind } = self;
        match kind {
            Wrong::Unknown { what, name, .. } => match source {
                Source::Environment(_) => format!("unknown {what} `{name}`"),
                _ => format!("{source}: unknown {what} `{name}`"),
            },
            Wrong::Duplicate { first } => {
                format!("{source}: `{key}` stands twice, first in line {first}")
            }
            Wrong::MergeKey => format!("{source}: `<<` is no key of YAML 1.2"),
            Wrong::Missing => format!("{source}: `{key}` is missing"),
            Wrong::Type { expected, found } => {
                format!("{source}: `{key}` takes {expected}, not {found}")
            }
            Wrong::Ambiguous { word } => {
                format!("{source}: `{key}` is the bare word `{word}`, which some read as a boolean")
            }
            Wrong::Value { detail, .. } if key.is_empty() => format!("{source}: {detail}"),
            Wrong::Value { detail, .. } => format!("{source}: `{key}`: {detail}"),
            Wrong::Syntax { detail } => format!("{source}: {detail}"),
        }
    }

    /// What to do about it, where that is known.
    pub fn advice(&self) -> Option<String> {
        match &self.kind {
            Wrong::Unknown { advice, .. } => Some(advice.clone()),
            Wrong::Duplicate { .. } => Some("Remove one of them".to_owned()),
            Wrong::MergeKey => Some("Write the keys out".to_owned()),
            Wrong::Missing => Some(format!("Add `{}: ..`", self.key)),
            Wrong::Ambiguous { word } => Some(format!("Put it in quotes: \"{word}\"")),
            Wrong::Value { advice, .. } => advice.clone(),
            Wrong::Type { .. } | Wrong::Syntax { .. } => None,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())?;
        match self.advice() {
            Some(advice) => write!(f, ". {advice}"),
            None => Ok(()),
        }
    }
}
