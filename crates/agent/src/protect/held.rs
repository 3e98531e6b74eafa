//! Which kinds of values a text names by placeholders.

use std::cell::Cell;

use largestack_guard::detokenise;
use largestack_types::label::DataClasses;

use super::{RunGuard, kind_of};

impl RunGuard {
    /// The data classes of the values whose placeholders stand in a text.
    pub(crate) fn held_in(&self, text: &str) -> DataClasses {
        let found = Cell::new(DataClasses::EMPTY);
        if text.contains('<') {
            let _ = detokenise(text, &self.kept.nonce, |placeholder| {
                let class = DataClasses::of(kind_of(placeholder)?.data_class());
                found.set(found.get().union(class));
                None
            });
        }
        found.get()
    }
}
