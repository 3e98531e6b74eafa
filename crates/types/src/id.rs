//! Ids: UUIDv7 printed with a prefix (`run_...`), so that a log line says what it names.
//!
//! Ids are made by the ids port (they need a clock and randomness); here they are only values. An
//! id is never a capability: whoever holds one still needs the scope.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// Text that is not an id of the expected kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an id of the form {prefix}<32 hexadecimal digits>")]
pub struct NotAnId {
    /// What was given.
    pub text: String,
    /// The prefix that was expected, underscore included.
    pub prefix: &'static str,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// The prefix of the printed form.
            pub const PREFIX: &'static str = $prefix;

            /// From the moment (milliseconds since 1970) and 74 bits of randomness (the last six
            /// of the 80 given are replaced by version and variant), as RFC 9562 lays out UUIDv7.
            pub fn new(unix_millis: u64, random: [u8; 10]) -> Self {
                Self(uuid::Builder::from_unix_timestamp_millis(unix_millis, &random).into_uuid())
            }

            /// From a number, for tests and fixtures.
            pub const fn from_u128(number: u128) -> Self {
                Self(Uuid::from_u128(number))
            }

            /// The sixteen bytes, time-ordered.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                f.write_str(self.0.as_simple().encode_lower(&mut [0; 32]))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                text.strip_prefix($prefix)
                    .filter(|digits| digits.len() == 32)
                    .and_then(|digits| Uuid::try_parse(digits).ok())
                    .map(Self)
                    .ok_or_else(|| NotAnId { text: text.to_owned(), prefix: $prefix })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

ids! {
    /// One run of an agent, and its journal.
    RunId = "run_";
    /// A question to a person that a run waits for.
    ApprovalId = "apr_";
    /// A conversation that several runs continue.
    SessionId = "ses_";
    /// Money set aside for a call that is under way.
    ReservationId = "rsv_";
    /// A running process that holds leases.
    OwnerId = "own_";
}

/// The number of an effect within its run: derived from the run's facts, never random, so that a
/// replay names the same effect the same way. 0 is the run's own input.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct EffectId(u32);

impl EffectId {
    /// The run's input, which no effect produced.
    pub const INPUT: Self = Self(0);

    /// The effect with this ordinal in its run.
    pub const fn new(ordinal: u32) -> Self {
        Self(ordinal)
    }

    /// The ordinal.
    pub const fn ordinal(self) -> u32 {
        self.0
    }

    /// The key under which an effect is performed at most once: unique over all runs, the same at
    /// each attempt.
    pub fn idempotency_key(self, run: RunId) -> String {
        let mut key = String::with_capacity(48);
        key.push_str(RunId::PREFIX);
        key.push_str(run.0.as_simple().encode_lower(&mut [0; 32]));
        key.push('.');
        key.push_str(&self.0.to_string());
        key
    }
}

impl fmt::Display for EffectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "e{}", self.0)
    }
}

/// A tool call's own id (`call_<effect>`): ours, unique in its run. The provider's id, which may
/// be empty or repeat, is kept beside it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct CallId(u32);

impl CallId {
    /// The call that the effect with this ordinal performs.
    pub const fn of(effect: EffectId) -> Self {
        Self(effect.0)
    }

    /// The effect that performs the call.
    pub const fn effect(self) -> EffectId {
        EffectId(self.0)
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "call_{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_print_with_their_prefix_and_read_back() {
        let id = RunId::new(1_700_000_000_000, [7; 10]);
        let text = id.to_string();
        assert!(text.starts_with("run_018bcfe56800"), "{text}");
        assert_eq!(text.parse(), Ok(id));
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{text}\""));
    }

    #[test]
    fn an_id_of_another_kind_is_refused_with_what_was_expected() {
        let error = "apr_018bcfe5680070070707070707070707".parse::<RunId>().unwrap_err();
        assert_eq!(error.prefix, "run_");
        assert!("run_018b".parse::<RunId>().is_err());
    }

    #[test]
    fn later_ids_sort_after_earlier_ones() {
        assert!(RunId::new(1, [255; 10]) < RunId::new(2, [0; 10]));
    }

    #[test]
    fn an_effect_has_one_key_over_all_runs() {
        let (a, b) = (RunId::from_u128(1), RunId::from_u128(2));
        assert_ne!(EffectId::new(1).idempotency_key(a), EffectId::new(1).idempotency_key(b));
    }
}
