//! The kinds of numbers that are known, by region.

mod americas;
mod asia;
mod bank;
mod europe;
mod europe_more;
mod india;

use std::sync::OnceLock;

use super::form::Forms;

/// Identity numbers. Made ready when the first text is scanned.
pub(super) fn identities() -> &'static Forms {
    static FORMS: OnceLock<Forms> = OnceLock::new();
    let specs = [india::SPECS, europe::SPECS, europe_more::SPECS, americas::SPECS, asia::SPECS];
    FORMS.get_or_init(|| Forms::new(specs.into_iter().flatten()))
}

/// Bank accounts.
pub(super) fn accounts() -> &'static Forms {
    static FORMS: OnceLock<Forms> = OnceLock::new();
    FORMS.get_or_init(|| Forms::new(bank::SPECS.iter()))
}
