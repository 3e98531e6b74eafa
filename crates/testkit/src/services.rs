//! Servers that some tests need: told by a variable, and missed aloud.

use std::io::Write as _;
use std::path::PathBuf;

/// Where a Postgres server is, in which a test may make schemas.
const POSTGRES: &str = "LARGESTACK_TEST_POSTGRES";
/// The certificate of the authority that the server's own certificate is of, in PEM.
const AUTHORITY: &str = "LARGESTACK_TEST_POSTGRES_CA";
/// A Python with the vendors' official clients.
const ORACLE: &str = "LARGESTACK_ORACLE_PYTHON";
/// Set where a missing service is a failure and not a reason to skip a test.
const REQUIRED: &str = "LARGESTACK_REQUIRE_SERVICES";

/// The address of a Postgres server, as `postgres://user@host:port/database`. Without one the test
/// is to be skipped, which is said on standard error.
///
/// # Panics
///
/// Where services are required and there is none.
pub fn postgres() -> Option<String> {
    told(POSTGRES, "no Postgres server")
}

/// The file with the certificate of the authority that the Postgres server's own is of; the server
/// then speaks TLS as `localhost`. Missed like the server itself.
///
/// # Panics
///
/// Where services are required and there is none.
pub fn postgres_authority() -> Option<String> {
    told(AUTHORITY, "no certificate of a Postgres server")
}

/// The Python interpreter for [`crate::oracle`]. Without one the test is to be skipped, which is
/// said on standard error.
///
/// # Panics
///
/// Where services are required and there is none.
pub fn oracle() -> Option<PathBuf> {
    told(ORACLE, "no Python with the vendors' clients").map(PathBuf::from)
}

#[expect(clippy::disallowed_methods, reason = "what a test runs against is no setting")]
fn told(variable: &str, missing: &str) -> Option<String> {
    let value = std::env::var(variable).ok().filter(|value| !value.is_empty());
    if value.is_none() {
        let required = std::env::var(REQUIRED).is_ok_and(|required| !required.is_empty());
        assert!(!required, "{missing}: set {variable}");
        // A reader that has gone away has seen enough.
        let _ = writeln!(std::io::stderr(), "skipped: {missing}; set {variable}");
    }
    value
}
