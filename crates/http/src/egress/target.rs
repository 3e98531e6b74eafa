//! What an address of an errand must be before anybody resolves it.

use std::net::IpAddr;

use largestack_ports::egress::{EgressError, Reach};
use url::{Host, Url};

/// The longest address.
const MAX_URL: usize = 2048;

/// An address that may be asked, if its host resolves to one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) url: Url,
    /// In lower case, in ASCII, without a dot at its end; an address without brackets.
    pub(super) host: String,
    /// The host, where it is an address already.
    pub(super) literal: Option<IpAddr>,
    pub(super) port: u16,
}

impl Target {
    pub(super) fn parse(text: &str, reach: &Reach) -> Result<Self, EgressError> {
        let wrong = |why: &str| EgressError::Address(why.to_owned());
        if text.len() > MAX_URL {
            return Err(wrong("the address is longer than 2048 bytes"));
        }
        // A browser takes these out; whoever checks the text before would have seen another one.
        if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
            return Err(wrong("the address holds white space or a backslash"));
        }
        let url = Url::parse(text).map_err(|error| wrong(&format!("no address: {error}")))?;
        Self::of(url, reach)
    }

    /// Where a redirect leads from here.
    pub(super) fn redirected(&self, location: &str, reach: &Reach) -> Result<Self, EgressError> {
        let url = self.url.join(location).map_err(|error| {
            EgressError::Address(format!("{} redirects to no address: {error}", self.host))
        })?;
        let next = Self::of(url, reach)?;
        if self.secure() && !next.secure() {
            return Err(next.forbidden("it is where a secure address redirects to, and is not"));
        }
        Ok(next)
    }

    fn of(mut url: Url, reach: &Reach) -> Result<Self, EgressError> {
        let wrong = |why: &str| EgressError::Address(why.to_owned());
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("only http and https addresses are reached"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("credentials have no place in an address"));
        }
        url.set_fragment(None);
        let (host, literal) = match url.host() {
            // What looks like a number in any way has become an address by now.
            Some(Host::Domain(name)) => (name.trim_end_matches('.').to_owned(), None),
            Some(Host::Ipv4(v4)) => (v4.to_string(), Some(IpAddr::V4(v4))),
            Some(Host::Ipv6(v6)) => (v6.to_string(), Some(IpAddr::V6(v6))),
            None => return Err(wrong("the address names no host")),
        };
        if host.is_empty() {
            return Err(wrong("the address names no host"));
        }
        let port = url.port_or_known_default().unwrap_or_default();
        let target = Self { url, host, literal, port };
        if !reach.ports.contains(&port) {
            return Err(target.forbidden(&format!("port {port} is none of those that are asked")));
        }
        if !reach.allows(&target.host) {
            return Err(target.forbidden("it is none of the hosts that may be asked"));
        }
        Ok(target)
    }

    pub(super) fn secure(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Whether both are one and the same for a browser.
    pub(super) fn same_origin(&self, other: &Self) -> bool {
        self.url.origin() == other.url.origin()
    }

    pub(super) fn forbidden(&self, why: &str) -> EgressError {
        EgressError::Forbidden { host: self.host.clone(), why: why.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Target, EgressError> {
        Target::parse(text, &Reach::default())
    }

    #[test]
    fn every_spelling_of_an_address_is_seen_as_that_address() {
        let loopback: IpAddr = "127.0.0.1".parse().unwrap();
        for host in [
            "127.0.0.1",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "0177.0.0.1",
            "127.1",
            "127.0.1",
            "017700000001",
            "127.0.0.1.",
            "①②⑦.0.0.1",
            "%31%32%37.0.0.1",
            "0x7F.0x0.0x0.0x1",
        ] {
            let target = parsed(&format!("http://{host}/")).unwrap();
            assert_eq!(target.literal, Some(loopback), "{host}");
        }
        let mapped = parsed("http://[::ffff:7f00:1]/").unwrap();
        assert_eq!(mapped.literal, Some("::ffff:127.0.0.1".parse().unwrap()));
        assert_eq!(parsed("https://BÜCHER.example./a#b").unwrap().host, "xn--bcher-kva.example");
    }

    #[test]
    fn what_is_no_plain_address_of_the_web_is_refused() {
        for wrong in [
            "",
            "example.com",
            "file:///etc/passwd",
            "ftp://example.com/",
            "gopher://example.com/",
            "http://",
            "http://user@example.com/",
            "http://user:pass@example.com/",
            "http://:pass@example.com/",
            "http://exa mple.com/",
            "http://example.com/\n",
            "http://example.com\\@evil.example/",
            "http://256.256.256.256/",
            "http://./",
            "javascript:alert(1)",
            "data:text/plain,x",
            "http://[::1/",
        ] {
            let error = parsed(wrong).unwrap_err();
            assert!(matches!(error, EgressError::Address(_)), "{wrong}: {error}");
        }
        let long = |length: usize| format!("http://example.com/{}", "a".repeat(length - 19));
        assert!(parsed(&long(2048)).is_ok() && parsed(&long(2049)).is_err());
    }

    #[test]
    fn only_ports_and_hosts_of_the_agent_are_asked_also_after_a_redirect() {
        let reach = Reach {
            hosts: Some(vec!["a.example".to_owned()]),
            ports: vec![80, 443, 8443],
            ..Reach::default()
        };
        let at = Target::parse("https://a.example:8443/x/y", &reach).unwrap();
        assert_eq!(
            at.redirected("../z?q", &reach).unwrap().url.as_str(),
            "https://a.example:8443/z?q"
        );
        for (location, why) in [
            ("https://b.example/", "none of the hosts"),
            ("https://a.example:22/", "port 22"),
            ("http://a.example/", "secure"),
            ("//user:pass@a.example/", "credentials"),
            ("file:///etc/passwd", "only http"),
        ] {
            let error = at.redirected(location, &reach).unwrap_err().to_string();
            assert!(error.contains(why), "{location}: {error}");
        }
    }
}
