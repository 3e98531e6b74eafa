//! The kinds of numbers that are known, by region.

mod americas;
mod asia;
mod bank;
mod europe;
mod europe_more;
mod india;

use std::sync::OnceLock;

use super::form::{Forms, Spec};

/// Identity numbers. Made ready when the first text is scanned.
pub(super) fn identities() -> &'static Forms {
    static FORMS: OnceLock<Forms> = OnceLock::new();
    FORMS.get_or_init(|| Forms::new(identity_specs()))
}

/// The kinds of identity numbers.
pub(super) fn identity_specs() -> impl Iterator<Item = &'static Spec> {
    let specs = [india::SPECS, europe::SPECS, europe_more::SPECS, americas::SPECS, asia::SPECS];
    specs.into_iter().flatten()
}

/// The kinds of bank accounts and codes.
pub(super) fn account_specs() -> impl Iterator<Item = &'static Spec> {
    bank::SPECS.iter()
}

/// Bank accounts.
pub(super) fn accounts() -> &'static Forms {
    static FORMS: OnceLock<Forms> = OnceLock::new();
    FORMS.get_or_init(|| Forms::new(account_specs()))
}
