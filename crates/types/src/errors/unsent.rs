//! Failures of a connection before a provider has read the request, by the `provider_code` that
//! the transport gives them: nothing can have been charged, and the same request may go out again.

/// No connection came to stand.
pub const CONNECT: &str = "connect";
/// The proxy cannot be reached, or refuses.
pub const PROXY: &str = "proxy";
/// The other side is certified by nobody who is believed here.
pub const UNKNOWN_CA: &str = "tls_unknown_ca";
/// The certificate is for another host.
pub const WRONG_HOST: &str = "tls_wrong_host";
/// The certificate is over, or not valid yet.
pub const EXPIRED: &str = "tls_expired";
/// The other side wants a certificate of the client, or refuses it.
pub const CLIENT_REFUSED: &str = "tls_client_refused";
/// Any other failure of TLS.
pub const TLS: &str = "tls";
/// The provider refused the request without having looked at it (HTTP/2's `REFUSED_STREAM`, and
/// what a `GOAWAY` leaves behind).
pub const UNREAD: &str = "unread";

/// Each code, and what to do.
const ADVICE: &[(&str, &str)] = &[
    (CONNECT, "Check the provider's base URL and the network; add a fallback model"),
    (PROXY, "Check `network.proxy`: its address, its port, and its user and password"),
    (
        UNKNOWN_CA,
        "Name your organisation's certificate authority in `network.ca_file`, if it is one of its",
    ),
    (WRONG_HOST, "Check the host in the provider's base URL: the certificate is for another one"),
    (EXPIRED, "Check this machine's clock; else the other side has to renew its certificate"),
    (
        CLIENT_REFUSED,
        "The other side asks for a client certificate; reach it through a proxy that has one",
    ),
    (TLS, "Check that the base URL's scheme and port are those of a server with TLS"),
    (UNREAD, "Try again, or add a fallback model"),
];

/// Whether this is one of the codes.
pub fn is(code: &str) -> bool {
    advice(code).is_some()
}

/// What to do about it.
pub fn advice(code: &str) -> Option<&'static str> {
    ADVICE.iter().find(|(known, _)| *known == code).map(|(_, advice)| *advice)
}
