//! What tests have shown of each provider. The figures are generated (`cargo xtask evidence`) from
//! what ran, never written by hand.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The best evidence for one capability of one provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Evidence {
    /// Real traffic was replayed.
    Recorded,
    /// An official client or a published vector agreed.
    Oracle,
    /// Only a provider of ours was asked.
    Simulated,
    /// Nothing was shown.
    #[default]
    None,
}

impl Evidence {
    /// As a cell of the table.
    pub(super) const fn letter(self) -> &'static str {
        match self {
            Self::Recorded => "R",
            Self::Oracle => "O",
            Self::Simulated => "S",
            Self::None => "-",
        }
    }
}

/// The columns, in order.
pub(super) const CAPABILITIES: &[&str] =
    &["whole", "stream", "tools", "schema", "media", "reasoning", "history", "errors"];

#[derive(Deserialize)]
struct Figures {
    providers: BTreeMap<String, BTreeMap<String, Evidence>>,
}

/// What is shown of a provider, for every column.
pub(super) fn of(provider: &str) -> Vec<(&'static str, Evidence)> {
    let figures: Option<Figures> =
        serde_json::from_str(include_str!("../../../../../docs/evidence.json")).ok();
    let row = figures.and_then(|mut figures| figures.providers.remove(provider));
    let row = row.unwrap_or_default();
    let cell = |name: &&'static str| (*name, row.get(*name).copied().unwrap_or_default());
    CAPABILITIES.iter().map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_can_be_read_and_name_only_columns_that_are_shown() {
        let text = include_str!("../../../../../docs/evidence.json");
        let figures: Figures = serde_json::from_str(text).unwrap();
        assert!(figures.providers.len() > 10, "{}", figures.providers.len());
        for name in figures.providers.values().flat_map(BTreeMap::keys) {
            assert!(CAPABILITIES.contains(&name.as_str()), "{name}");
        }
    }
}
