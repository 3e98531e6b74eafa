//! The hosts that links may lead to.

use std::fmt;

/// Names of hosts: `docs.example.org`, or `*.example.org` for every name below one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hosts {
    names: Vec<Box<str>>,
    below: Vec<Box<str>>,
}

/// A name that is none of a host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct BadHost(pub(crate) String);

impl fmt::Display for BadHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(name) = self;
        write!(f, "`{name}` is no name of a host: `docs.example.org` or `*.example.org`")
    }
}

impl Hosts {
    pub(crate) fn of<S: AsRef<str>>(names: &[S]) -> Result<Self, BadHost> {
        let mut hosts = Self::default();
        for name in names {
            let lower = name.as_ref().to_ascii_lowercase();
            let (plain, list) = match lower.strip_prefix("*.") {
                Some(below) => (below, &mut hosts.below),
                None => (lower.as_str(), &mut hosts.names),
            };
            let label = |label: &str| {
                (1..=63).contains(&label.len())
                    && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            };
            if plain.len() > 253 || !plain.split('.').all(label) {
                return Err(BadHost(name.as_ref().to_owned()));
            }
            list.push(plain.into());
        }
        Ok(hosts)
    }

    /// Whether a host, in plain letters and with a port or without, is on the list.
    pub(crate) fn has(&self, named: &str) -> bool {
        let (host, port) = named.split_once(':').unwrap_or((named, ""));
        if !port.bytes().all(|b| b.is_ascii_digit()) {
            return false;
        }
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let below = |name: &str| {
            host.strip_suffix(name).is_some_and(|left| left.len() > 1 && left.ends_with('.'))
        };
        self.names.iter().any(|name| **name == *host) || self.below.iter().any(|name| below(name))
    }
}
