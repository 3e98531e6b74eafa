//! Servers that some tests need: told by a variable, and missed aloud.

use std::io::Write as _;
use std::path::PathBuf;

mod restate;

pub use restate::{RestateServer, free_port};

/// Where a Postgres server is, in which a test may make schemas.
const POSTGRES: &str = "LARGESTACK_TEST_POSTGRES";
/// The certificate of the authority that the server's own certificate is of, in PEM.
const AUTHORITY: &str = "LARGESTACK_TEST_POSTGRES_CA";
/// A Python with the vendors' official clients.
const ORACLE: &str = "LARGESTACK_ORACLE_PYTHON";
/// The program `restate-server`.
const RESTATE: &str = "LARGESTACK_TEST_RESTATE";
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

/// The program of a Restate server, which a test starts on ports of its own. Without one the test is
/// to be skipped, which is said on standard error.
///
/// # Panics
///
/// Where services are required and there is none.
pub fn restate() -> Option<PathBuf> {
    told(RESTATE, "no Restate server").map(PathBuf::from)
}

/// The user that owns the databases of tests; without special rights.
const USER: &str = "largestack_test";

/// A database of its own in a Postgres server, dropped at the end.
pub struct Database {
    server: String,
    name: String,
}

impl Database {
    /// Makes it, in a server whose address is as [`postgres`] gives it; `name` is made this
    /// process's own.
    ///
    /// # Panics
    ///
    /// Where the server's tools are not there, or refuse.
    pub fn new(server: &str, name: &str) -> Self {
        let name = format!("{name}_{}", std::process::id());
        // It may be there already.
        let _made = server_tool("createuser", server, &["--no-superuser", USER]);
        assert!(server_tool("createdb", server, &["--owner", USER, &name]), "{name}");
        Self { server: server.to_owned(), name }
    }

    /// Its address, for its owner; with a password, though the server may not ask for one.
    pub fn url(&self) -> String {
        let host = self.server.rsplit_once('@').map_or("", |(_, host)| host);
        let host = host.split('/').next().unwrap_or_default();
        format!("postgres://{USER}:secret-word@{host}/{}", self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let _gone = server_tool("dropdb", &self.server, &["--force", &self.name]);
    }
}

/// Runs one of the tools that come with the server.
fn server_tool(name: &str, server: &str, arguments: &[&str]) -> bool {
    let place = server.split_once("://").map_or(server, |(_, place)| place);
    let (user, rest) = place.split_once('@').unwrap_or(("postgres", place));
    let host = rest.split('/').next().unwrap_or_default();
    let (host, port) = host.split_once(':').unwrap_or((host, "5432"));
    let place = ["--host", host, "--port", port, "--username", user];
    let done = std::process::Command::new(name).args(place).args(arguments).output();
    done.is_ok_and(|done| done.status.success())
}

#[expect(clippy::disallowed_methods, reason = "what a test runs against is no setting")]
fn told(variable: &str, missing: &str) -> Option<String> {
    let value = std::env::var(variable).ok().filter(|value| !value.is_empty());
    if value.is_none() {
        skipped(&format!("{missing}; set {variable}"));
    }
    value
}

/// Says aloud what a test goes without.
///
/// # Panics
/// Where nothing may be missing.
#[expect(clippy::disallowed_methods, reason = "what a test runs against is no setting")]
pub fn skipped(missing: &str) {
    let required = std::env::var(REQUIRED).is_ok_and(|required| !required.is_empty());
    assert!(!required, "{missing}");
    // A reader that has gone away has seen enough.
    let _ = writeln!(std::io::stderr(), "skipped: {missing}");
}
