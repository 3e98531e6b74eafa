//! Servers that some tests need: told by a variable, and missed aloud.

use std::io::Write as _;

/// Where a Postgres server is, in which a test may make schemas.
const POSTGRES: &str = "LARGESTACK_TEST_POSTGRES";
/// Set where a missing service is a failure and not a reason to skip a test.
const REQUIRED: &str = "LARGESTACK_REQUIRE_SERVICES";

/// The address of a Postgres server, as `postgres://user@host:port/database`. Without one the test
/// is to be skipped, which is said on standard error.
///
/// # Panics
///
/// Where services are required and there is none.
#[expect(clippy::disallowed_methods, reason = "what a test runs against is no setting")]
pub fn postgres() -> Option<String> {
    let address = std::env::var(POSTGRES).ok().filter(|address| !address.is_empty());
    if address.is_none() {
        let required = std::env::var(REQUIRED).is_ok_and(|required| !required.is_empty());
        assert!(!required, "no Postgres server: set {POSTGRES}");
        // A reader that has gone away has seen enough.
        let _ = writeln!(std::io::stderr(), "skipped: no Postgres server; set {POSTGRES}");
    }
    address
}
