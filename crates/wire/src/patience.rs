//! How long a provider may take, where a row or a configuration says something else than usual.

use std::time::Duration;

use largestack_types::duration::optional;
use serde::{Deserialize, Serialize};

/// Limits of time of an exchange with a provider. What is absent is as usual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Patience {
    /// Until a connection stands.
    #[serde(with = "optional", skip_serializing_if = "Option::is_none")]
    pub connect: Option<Duration>,
    /// From the request to the beginning of a reply that is streamed. One that comes whole begins
    /// when it is finished: for it there is `total`.
    #[serde(with = "optional", skip_serializing_if = "Option::is_none")]
    pub first_byte: Option<Duration>,
    /// From one piece of a reply to the next.
    #[serde(with = "optional", skip_serializing_if = "Option::is_none")]
    pub idle: Option<Duration>,
    /// For the whole exchange.
    #[serde(with = "optional", skip_serializing_if = "Option::is_none")]
    pub total: Option<Duration>,
}

impl Patience {
    /// The same with everything that the other one says.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self {
            connect: other.connect.or(self.connect),
            first_byte: other.first_byte.or(self.first_byte),
            idle: other.idle.or(self.idle),
            total: other.total.or(self.total),
        }
    }
}
