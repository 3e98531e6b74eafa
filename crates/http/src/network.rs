//! How the process reaches the network: through a proxy or not, whom it trusts beside the system,
//! and how large what goes and comes may be.

use std::fmt;
use std::sync::Arc;

use hyper_util::client::proxy::matcher::Matcher;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// How the process reaches the network. The proxy variables of the environment are not read: a
/// variable left over from elsewhere must not receive conversations.
#[derive(Clone, Default)]
pub struct Network {
    pub(crate) proxy: Option<Proxy>,
    pub(crate) trust: Trust,
    pub(crate) limits: Limits,
}

/// Sizes that end an exchange, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of a request's body.
    pub request: usize,
    /// Of a reply's body, once it is decompressed.
    pub reply: u64,
}

impl Default for Limits {
    /// 256 MiB each way: more than any provider takes or sends in one piece.
    fn default() -> Self {
        Self { request: 256 << 20, reply: 256 << 20 }
    }
}

/// A network that cannot be: the proxy's address is not one, or a file holds no certificates.
/// Never names the address, which may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WrongNetwork(String);

/// Which certificate authorities are believed.
#[derive(Clone, Default)]
pub(crate) struct Trust {
    pub(crate) roots: Vec<CertificateDer<'static>>,
    pub(crate) without_system: bool,
}

/// A proxy, and for whom it is used.
#[derive(Clone)]
pub(crate) struct Proxy {
    /// Its address without credentials, for people.
    address: Arc<str>,
    pub(crate) matcher: Arc<Matcher>,
}

/// The kinds of proxies there are: a tunnel by `CONNECT`, and SOCKS 5, both of which resolve the
/// names of hosts themselves.
const PROXIES: [&str; 3] = ["http", "socks5", "socks5h"];

impl Network {
    /// The same through a proxy: `http://`, `socks5://` or `socks5h://`, with `USER:PASSWORD@`
    /// where it wants them. Hosts in `except` (names with their subdomains, addresses, networks
    /// like `10.0.0.0/8`, with commas between; `*` for all) are reached directly.
    pub fn through(mut self, proxy: &str, except: &str) -> Result<Self, WrongNetwork> {
        let wrong = || {
            let kinds = "http://HOST:PORT, socks5://HOST:PORT or socks5h://HOST:PORT";
            WrongNetwork(format!("the proxy's address is none of {kinds}"))
        };
        let parsed = url::Url::parse(proxy).map_err(|_| wrong())?;
        let host = parsed.host_str().filter(|host| !host.is_empty()).ok_or_else(wrong)?;
        if !PROXIES.contains(&parsed.scheme()) || !matches!(parsed.path(), "" | "/") {
            return Err(wrong());
        }
        let matcher = Matcher::builder().all(proxy.to_owned()).no(except.to_owned()).build();
        let port = parsed.port().map_or(String::new(), |port| format!(":{port}"));
        self.proxy = Some(Proxy {
            address: format!("{}://{host}{port}", parsed.scheme()).into(),
            matcher: Arc::new(matcher),
        });
        Ok(self)
    }

    /// The same, believing the certificate authorities of a PEM file beside the system's.
    pub fn trusting(mut self, pem: &[u8]) -> Result<Self, WrongNetwork> {
        let roots = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
        let roots = roots.ok().filter(|roots| !roots.is_empty());
        let roots = roots.ok_or_else(|| {
            WrongNetwork("the file with certificate authorities holds none in PEM".to_owned())
        })?;
        // What is no certificate is found out here, and not at the first request.
        let mut store = rustls::RootCertStore::empty();
        for root in &roots {
            store.add(root.clone()).map_err(|error| {
                WrongNetwork(format!("a certificate authority is not usable: {error}"))
            })?;
        }
        self.trust.roots.extend(roots);
        Ok(self)
    }

    /// The same, believing only what [`Network::trusting`] was given.
    #[must_use]
    pub const fn without_system_roots(mut self) -> Self {
        self.trust.without_system = true;
        self
    }

    /// The same with other limits of size.
    #[must_use]
    pub const fn limited(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network")
            .field("proxy", &self.proxy.as_ref().map(|proxy| &proxy.address))
            .field("roots", &self.trust.roots.len())
            .field("system_roots", &!self.trust.without_system)
            .field("limits", &self.limits)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_an_address_of_a_kind_that_is_spoken_and_its_password_never_prints() {
        for good in ["http://proxy:3128", "http://u:s3cr3t@proxy", "socks5h://[::1]:1080"] {
            let network = Network::default().through(good, "").unwrap();
            assert!(!format!("{network:?}").contains("s3cr3t"), "{network:?}");
        }
        for wrong in
            ["", "proxy:3128", "https://u:s3cr3t@proxy", "socks4://proxy", "http://proxy/path"]
        {
            let error = Network::default().through(wrong, "").unwrap_err().to_string();
            assert!(error.contains("proxy's address") && !error.contains("s3cr3t"), "{error}");
        }
    }

    #[test]
    fn a_file_without_certificates_is_refused() {
        let garbage = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for wrong in [&b""[..], b"not PEM", garbage] {
            assert!(Network::default().trusting(wrong).is_err());
        }
    }
}
