//! A licence that an operator asks for before anything runs in a deployment of theirs. Nobody else
//! asks for one: without a requirement there is nothing here to check.

use largestack_types::errors::LicenseRequiredError;
use largestack_types::time::Timestamp;

/// What an operator requires, and how far it is met.
pub trait License: Send + Sync + 'static {
    /// Whether a run may begin now. Asked before each run, so that a licence also ends while a
    /// process goes on.
    fn check(&self, now: Timestamp) -> Result<(), LicenseRequiredError>;
}
