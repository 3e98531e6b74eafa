//! `tidy.toml`: the facts about the house that the checks compare with, and the exceptions, each
//! with its reason.

use std::collections::BTreeMap;

use regex::Regex;
use serde::Deserialize;

use crate::Outcome;
use crate::repo::Repo;

/// The file of the settings.
pub(crate) const FILE: &str = "tidy.toml";

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Layers, lowest first.
    #[serde(rename = "layer")]
    pub(crate) layers: Vec<Layer>,
    pub(crate) sideways: Vec<Sideways>,
    pub(crate) purity: Purity,
    #[serde(rename = "home")]
    pub(crate) homes: Vec<Home>,
    pub(crate) sizes: Sizes,
    /// Who may make a scope: file or folder, then why.
    pub(crate) scopes: BTreeMap<String, String>,
    pub(crate) machine: Machine,
    /// Pages whose links are not followed: path prefix, then why.
    pub(crate) foreign_links: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Layer {
    pub(crate) name: String,
    /// Short names of its crates, some of which may not exist yet.
    pub(crate) crates: Vec<String>,
    /// Layers that its crates may depend on.
    pub(crate) may_use: Vec<String>,
    /// Layers that only their tests may depend on.
    #[serde(default)]
    pub(crate) tests_may_use: Vec<String>,
}

/// An arrow between crates that their layers do not permit.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sideways {
    pub(crate) from: String,
    pub(crate) to: String,
    #[serde(default)]
    pub(crate) tests_only: bool,
    #[expect(dead_code, reason = "required, so that no exception stands without one")]
    reason: String,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Purity {
    /// Crates that only decide.
    pub(crate) crates: Vec<String>,
    /// Packages that none of them may depend on, at any depth.
    pub(crate) banned: Vec<String>,
    /// Packages that may pull in what is banned.
    #[serde(default)]
    pub(crate) let_through: Vec<String>,
}

/// Something that belongs in certain places only, or must stay out of some.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Home {
    pub(crate) name: String,
    /// Where it is looked for.
    pub(crate) view: View,
    #[serde(with = "pattern")]
    pub(crate) pattern: Regex,
    /// Path prefixes that are looked at; all when empty.
    #[serde(default)]
    pub(crate) within: Vec<String>,
    /// Path prefixes where it may stand.
    #[serde(default)]
    pub(crate) allowed_in: Vec<String>,
    pub(crate) reason: String,
}

/// A view of a Rust file.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum View {
    Code,
    Strings,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sizes {
    pub(crate) warn: usize,
    pub(crate) fail: usize,
    /// File, then why it may be longer.
    pub(crate) exceptions: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Machine {
    /// What no file may say: traces of one machine, hosts of registries.
    #[serde(with = "patterns")]
    pub(crate) patterns: Vec<Regex>,
    /// The only source of packages that the lock file may name.
    pub(crate) lock_source: String,
    /// File, then why it may.
    pub(crate) exceptions: BTreeMap<String, String>,
}

impl Settings {
    pub(crate) fn load(repo: &Repo) -> Outcome<Self> {
        let file = repo.file(FILE).ok_or("there is no tidy.toml")?;
        toml::from_str(&file.text).map_err(|error| format!("{FILE}: {error}").into())
    }

    #[cfg(test)]
    pub(crate) fn of(text: &str) -> Self {
        toml::from_str(text).unwrap_or_else(|error| panic!("{error}"))
    }
}

mod pattern {
    use regex::Regex;
    use serde::{Deserialize, Deserializer, de::Error};

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(reader: D) -> Result<Regex, D::Error> {
        Regex::new(&String::deserialize(reader)?).map_err(D::Error::custom)
    }
}

mod patterns {
    use regex::Regex;
    use serde::{Deserialize, Deserializer, de::Error};

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        reader: D,
    ) -> Result<Vec<Regex>, D::Error> {
        let texts = Vec::<String>::deserialize(reader)?;
        texts.iter().map(|text| Regex::new(text).map_err(D::Error::custom)).collect()
    }
}
