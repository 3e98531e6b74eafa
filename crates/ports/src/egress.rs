//! The one way out for tools: requests to addresses that a model or a page has named. Whoever
//! implements it looks at every address before it connects, and again after every redirect.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use largestack_types::error::{Code, Coded};

use crate::BoxFuture;
use crate::vault::Sensitive;

mod block;

pub use block::{Block, NotABlock};

/// What an agent may reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The only hosts that may be asked: names and addresses as they stand, `*.example.com` for
    /// all names below. `None` for every host with a public address.
    pub hosts: Option<Vec<String>>,
    /// Networks that may be reached although they are not public.
    pub networks: Vec<Block>,
    /// Ports that may be asked.
    pub ports: Vec<u16>,
    /// Redirects that are followed; one more is an error.
    pub redirects: u32,
}

impl Default for Reach {
    /// Every public host, on the ports of HTTP.
    fn default() -> Self {
        Self { hosts: None, networks: Vec::new(), ports: vec![80, 443], redirects: 5 }
    }
}

impl Reach {
    /// Whether a host is among those that may be asked. `host` is in lower case, without a dot at
    /// its end.
    pub fn allows(&self, host: &str) -> bool {
        let Some(hosts) = &self.hosts else { return true };
        hosts.iter().any(|allowed| match allowed.strip_prefix("*.") {
            Some(above) => host
                .strip_suffix(above)
                .is_some_and(|below| below.len() > 1 && below.ends_with('.')),
            None => allowed.eq_ignore_ascii_case(host),
        })
    }

    /// Whether an address is in one of the networks that may be reached although they are not
    /// public.
    pub fn allows_private(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|block| block.contains(address))
    }
}

/// A request to somewhere outside.
#[derive(Clone, Debug)]
pub struct Errand {
    /// `GET`, `POST` and so on, in capitals.
    pub method: Arc<str>,
    /// The whole address.
    pub url: Arc<str>,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// Headers that carry credentials: they go to the first host and to no other.
    pub credentials: Vec<(String, Sensitive)>,
    /// The body; `None` for none.
    pub body: Option<Bytes>,
    /// What may be reached.
    pub reach: Arc<Reach>,
    /// Beginnings of content types that are read (`text/`); none for any.
    pub accepts: &'static [&'static str],
    /// Bytes of the answer's body that are read, decompressed; the rest is left.
    pub most: usize,
    /// How long all of it may take.
    pub total: Duration,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// HTTP status: 404 is an answer.
    pub status: u16,
    /// Where it came from, after redirects.
    pub url: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// The content type without parameters, in lower case; empty when none was named.
    pub content_type: String,
    /// The body.
    pub body: Bytes,
    /// Whether more of the body was left.
    pub cut: bool,
}

/// An errand that came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EgressError {
    /// The address is none, or not of a kind that is reached.
    #[error("{0}")]
    Address(String),
    /// Somebody said no: the rules of the agent, or the address is not public.
    #[error("{host} may not be reached: {why}")]
    Forbidden {
        /// The host, as it was named.
        host: String,
        /// Why.
        why: String,
    },
    /// There is no such host, or it cannot be connected to. Nothing was sent.
    #[error("{host} cannot be reached: {detail}")]
    Unreachable {
        /// The host.
        host: String,
        /// What went wrong.
        detail: String,
    },
    /// It was reached, and then something broke.
    #[error("{host} broke off: {detail}")]
    Broken {
        /// The host.
        host: String,
        /// What went wrong.
        detail: String,
    },
    /// It took too long.
    #[error("{host} did not answer within {} ms", after.as_millis())]
    Late {
        /// The host.
        host: String,
        /// How long was waited.
        after: Duration,
    },
    /// More redirects than are followed.
    #[error("{host} redirects more than {most} times")]
    Redirects {
        /// The first host.
        host: String,
        /// How many are followed.
        most: u32,
    },
    /// The answer is of a kind that was not asked for.
    #[error("{host} answered with {found}, which is not read here")]
    Type {
        /// The host.
        host: String,
        /// The content type.
        found: String,
    },
}

impl EgressError {
    /// Whether it is certain that no request has left.
    pub const fn nothing_was_sent(&self) -> bool {
        matches!(self, Self::Address(_) | Self::Forbidden { .. } | Self::Unreachable { .. })
    }
}

impl Coded for EgressError {
    fn code(&self) -> Code {
        match self {
            Self::Address(_) => Code::Input,
            Self::Forbidden { .. } => Code::Egress,
            _ => Code::Tool,
        }
    }

    fn message(&self) -> String {
        self.to_string()
    }

    fn retryable(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Broken { .. } | Self::Late { .. })
    }
}

/// Runs errands. Dropping the future ends the connection.
pub trait Egress: Send + Sync + 'static {
    /// Runs one.
    fn run(&self, errand: Errand) -> BoxFuture<'_, Result<Fetched, EgressError>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_hosts_means_what_it_says_and_an_empty_one_nobody() {
        let reach = |hosts: &[&str]| Reach {
            hosts: Some(hosts.iter().map(|host| (*host).to_owned()).collect()),
            ..Reach::default()
        };
        assert!(Reach::default().allows("anybody.example"));
        assert!(!reach(&[]).allows("anybody.example"));
        let some = reach(&["Example.com", "*.example.org", "93.184.216.34"]);
        for good in ["example.com", "a.example.org", "a.b.example.org", "93.184.216.34"] {
            assert!(some.allows(good), "{good}");
        }
        for bad in ["a.example.com", "example.org", ".example.org", "badexample.org", "com"] {
            assert!(!some.allows(bad), "{bad}");
        }
    }
}
