//! The address of a server, and how well the connection to it must be protected.

use std::net::IpAddr;
use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::postgres::fault::ServerError;

/// Where a server is, without the password.
pub(super) fn place(options: &PgConnectOptions) -> String {
    match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    }
}

/// Whether the connection stays on this machine.
fn is_local(options: &PgConnectOptions) -> bool {
    let host = options.get_host().trim_matches(['[', ']']);
    let loopback = || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    options.get_socket().is_some() || host == "localhost" || loopback()
}

/// Reads an address. A server elsewhere has to prove who it is, whether the address says so or not.
pub(super) fn read(url: &str) -> Result<PgConnectOptions, ServerError> {
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(ServerError::Address);
    }
    // The cause would show the address, and with it the password.
    let options = PgConnectOptions::from_str(url).map_err(|_| ServerError::Address)?;
    if is_local(&options) {
        return Ok(options);
    }
    match options.get_ssl_mode() {
        PgSslMode::Disable | PgSslMode::Allow => {
            Err(ServerError::InClear { place: place(&options).into() })
        }
        PgSslMode::VerifyCa => Ok(options),
        _ => Ok(options.ssl_mode(PgSslMode::VerifyFull)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> Option<String> {
        read(url).ok().map(|options| format!("{:?}", options.get_ssl_mode()))
    }

    #[test]
    fn a_server_elsewhere_has_to_prove_who_it_is() {
        let elsewhere = "postgres://ann:secret-word@db.example:6000/main";
        assert_eq!(mode(elsewhere).as_deref(), Some("VerifyFull"));
        for (said, done) in [
            ("prefer", Some("VerifyFull")),
            ("require", Some("VerifyFull")),
            ("verify-ca", Some("VerifyCa")),
            ("verify-full", Some("VerifyFull")),
            ("disable", None),
            ("allow", None),
        ] {
            assert_eq!(mode(&format!("{elsewhere}?sslmode={said}")).as_deref(), done, "{said}");
        }
        let error = read(&format!("{elsewhere}?sslmode=disable")).unwrap_err();
        assert!(error.to_string().contains("db.example:6000"), "{error}");
        assert!(!format!("{error:?}").contains("secret-word"));
        // An address that only looks like this machine's is not.
        let disguised = "postgres://ann@127.0.0.1.example/main?sslmode=disable";
        assert_eq!(mode(disguised), None);
        assert_eq!(mode("postgres://ann@127.0.0.1/main?host=db.example&sslmode=disable"), None);
    }

    #[test]
    fn a_server_on_this_machine_is_spoken_to_as_the_address_says() {
        for host in ["127.0.0.1", "localhost", "[::1]"] {
            let url = format!("postgres://ann@{host}/main?sslmode=disable");
            assert_eq!(mode(&url).as_deref(), Some("Disable"), "{host}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_being_shown() {
        for url in ["ann:secret-word", "postgres://ann:secret-word@host:port/main"] {
            let error = read(url).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("secret-word"), "{error:?}");
        }
    }
}
