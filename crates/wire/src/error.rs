//! What can go wrong between a call and a reply without the provider refusing: a call this wire
//! cannot say, a reply it cannot read, a model nobody serves.

use std::borrow::Cow;
use std::sync::Arc;

use largestack_types::error::{Code, Coded};
use largestack_types::errors::{LargestackError, ProviderError};

use crate::model::Target;

/// A call that cannot be said to this provider.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The provider's row names no address.
    #[error("provider `{provider}` has no base URL")]
    NoBaseUrl {
        /// The provider.
        provider: Arc<str>,
    },
    /// The provider's row leaves a word open that nobody says.
    #[error("provider `{provider}` needs `{name}`")]
    NoParam {
        /// The provider.
        provider: Arc<str>,
        /// The word, e.g. `region`.
        name: String,
        /// The environment variable that can say it.
        variable: Option<String>,
    },
    /// The provider's row names a protocol that does not exist.
    #[error("provider `{provider}` speaks the unknown wire `{wire}`")]
    NoSuchWire {
        /// The provider.
        provider: Arc<str>,
        /// The name in its row.
        wire: String,
    },
    /// The provider or model lacks what the call asks for and cannot do without.
    #[error("{model} of {provider} does not take {what}")]
    Unsupported {
        /// What was asked for.
        what: Cow<'static, str>,
        /// The provider.
        provider: Arc<str>,
        /// The model.
        model: Arc<str>,
    },
    /// Something would be left out, and the call's policy is to refuse then.
    #[error("{model} of {provider} would not be told of {what}")]
    Lossy {
        /// What, separated by commas.
        what: String,
        /// The provider.
        provider: Arc<str>,
        /// The model.
        model: Arc<str>,
    },
    /// `settings.extra` is not an object.
    #[error("`extra` is not a JSON object")]
    ExtraNotAnObject,
    /// `settings.extra` would change what other settings govern.
    #[error("`extra` may not set `{key}`")]
    ExtraReserved {
        /// The key.
        key: String,
    },
    /// `settings.extra` says a key twice: whoever reads it takes one of them, and nobody knows
    /// which.
    #[error("`extra` sets `{key}` twice")]
    ExtraTwice {
        /// The key.
        key: String,
    },
    /// A setting that is not a finite number.
    #[error("`{setting}` is not a finite number")]
    NotFinite {
        /// The setting.
        setting: &'static str,
    },
}

impl Coded for EncodeError {
    fn code(&self) -> Code {
        match self {
            Self::Unsupported { .. } | Self::Lossy { .. } => Code::Input,
            _ => Code::Config,
        }
    }

    fn message(&self) -> String {
        self.to_string()
    }

    fn suggestion(&self) -> Cow<'_, str> {
        match self {
            Self::NoBaseUrl { provider } => {
                format!("Set `base-url` of `{provider}` in the `providers` section").into()
            }
            Self::NoParam { provider, name, variable } => {
                let section = format!("`providers.{provider}.params.{name}`");
                variable.as_ref().map_or_else(
                    || format!("Set {section}").into(),
                    |variable| format!("Set {variable}, or {section}").into(),
                )
            }
            Self::NoSuchWire { .. } => {
                let names: Vec<_> = crate::wire::WIRES.iter().map(|wire| wire.name()).collect();
                format!("Wires are: {}", names.join(", ")).into()
            }
            Self::Unsupported { .. } => "Use a model that takes it, or leave it out".into(),
            Self::Lossy { .. } => {
                "Leave it out, use a model that takes it, or let losses be reported instead".into()
            }
            Self::ExtraTwice { .. } => "Leave one of them out".into(),
            Self::ExtraReserved { .. } => "Use the setting or argument made for it".into(),
            _ => self.code().suggestion().into(),
        }
    }
}

/// A request body that means no call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It is not JSON, or not of the protocol's shape.
    #[error("the request cannot be read: {detail}")]
    Malformed {
        /// Why, with the place in the body.
        detail: String,
    },
    /// A well-formed request that says something no call can.
    #[error("the request says what no call can: {what}")]
    Unsupported {
        /// What.
        what: String,
    },
}

impl Coded for ReadError {
    fn code(&self) -> Code {
        Code::Input
    }

    fn message(&self) -> String {
        self.to_string()
    }
}

/// A reply that cannot be read to its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The body is not what the protocol promises.
    #[error("the reply cannot be read: {detail}")]
    Malformed {
        /// Why, with the place in the body.
        detail: String,
    },
    /// The body is well formed, but holds no reply.
    #[error("the reply holds no {missing}")]
    NotAReply {
        /// What is missing.
        missing: &'static str,
    },
    /// The stream ended before the reply was complete.
    #[error("the stream ended before the reply was complete")]
    Truncated,
    /// One event of a stream is larger than the limit.
    #[error("an event of the stream is larger than {limit} bytes")]
    EventTooLarge {
        /// The limit.
        limit: usize,
    },
}

impl Coded for DecodeError {
    fn code(&self) -> Code {
        Code::Provider
    }

    fn message(&self) -> String {
        self.to_string()
    }

    fn retryable(&self) -> bool {
        // What was garbled or cut on the way may arrive next time; an endless event will not end.
        !matches!(self, Self::EventTooLarge { .. })
    }
}

impl DecodeError {
    /// The same as an error of the provider.
    pub fn at(&self, target: &Target) -> LargestackError {
        ProviderError {
            provider: target.provider.name.clone(),
            status: None,
            detail: self.to_string(),
            provider_code: None,
            request_id: None,
            transient: self.retryable(),
        }
        .into()
    }
}

/// A model name that no provider answers to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no provider serves the model `{model}`")]
pub struct ModelUnknown {
    /// What was asked for.
    pub model: String,
    /// The nearest name that would work.
    pub nearest: Option<String>,
}

impl Coded for ModelUnknown {
    fn code(&self) -> Code {
        Code::ModelUnknown
    }

    fn message(&self) -> String {
        self.to_string()
    }

    fn suggestion(&self) -> Cow<'_, str> {
        match &self.nearest {
            Some(nearest) => format!("Did you mean `{nearest}`?").into(),
            None => self.code().suggestion().into(),
        }
    }
}

macro_rules! into_largestack {
    ($($error:ident),+) => {$(
        impl From<$error> for LargestackError {
            fn from(error: $error) -> Self {
                Self::from_coded(&error)
            }
        }
    )+};
}

into_largestack!(EncodeError, ReadError, ModelUnknown);
