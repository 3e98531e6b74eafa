//! The cassette of a case: asked for once, and held against what was asked of it.

use std::path::Path;

use largestack_cassette::{Cassette, Deck, RecordMode};
use largestack_config::Case;
use largestack_types::errors::{LargestackError, Result};

/// The cassette of a case, where it has one.
pub(super) struct Played(Option<Cassette>);

impl Played {
    /// Opens the cassette of a case; one that is not there is an error unless it is recorded.
    pub(super) fn of(case: &Case, folder: &Path, record: bool) -> Result<Self> {
        let mode = if record { RecordMode::All } else { RecordMode::None };
        let cassette = case.cassette.as_deref().map(|file| Cassette::open(folder.join(file), mode));
        let cassette = cassette.transpose().map_err(|error| {
            let error = LargestackError::from_coded(&error);
            let advice = "Record it with `largestack test --record`, which asks the provider";
            match &error {
                LargestackError::OtherError(said) => {
                    LargestackError::with_advice(said.code, said.detail.clone(), advice)
                }
                _ => error,
            }
        })?;
        Ok(Self(cassette))
    }

    /// What its transport needs.
    pub(super) fn deck(&self) -> Option<Deck> {
        self.0.as_ref().map(Cassette::deck)
    }

    /// What was not as recorded.
    pub(super) fn finish(self) -> Result<()> {
        self.0.map_or(Ok(()), Cassette::finish).map_err(|error| LargestackError::from_coded(&error))
    }
}
