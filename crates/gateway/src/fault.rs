//! What a failed attempt means for the next one.

use std::sync::Arc;

use largestack_types::error::Code;
use largestack_types::errors::{LargestackError, ProviderError, unsent};

/// The `provider_code` of a call that a breaker refused.
const CIRCUIT_OPEN: &str = "circuit_open";

/// What to do after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// The same request may succeed in a moment.
    Transient,
    /// Not here, but another model may answer.
    Elsewhere,
    /// It would fail everywhere, or somebody said no.
    Final,
}

/// What an error means. Credentials, wrong requests, budgets and switches are final: to send the
/// same conversation to somebody else because a key is wrong would hide the mistake.
pub(crate) fn class(error: &LargestackError) -> Class {
    match error {
        LargestackError::ProviderError(e) if is_open_circuit(e) => Class::Elsewhere,
        LargestackError::ProviderRateLimitError(e) if e.exhausted => Class::Elsewhere,
        LargestackError::ProviderError(e) if !e.transient => Class::Final,
        // One's own limit: only those of a model or provider do not hold for another.
        LargestackError::RateLimitExceededError(e) if matches!(&*e.scope, "model" | "provider") => {
            Class::Elsewhere
        }
        LargestackError::ProviderError(_)
        | LargestackError::ProviderTimeoutError(_)
        | LargestackError::ProviderRateLimitError(_) => Class::Transient,
        _ => Class::Final,
    }
}

/// Whether a provider refused the request for its form: a model that takes no beginning of its
/// own reply says so in this way.
pub(crate) fn refused_as_written(error: &LargestackError) -> bool {
    match error {
        LargestackError::ProviderError(e) => matches!(e.status, Some(400 | 422)),
        _ => false,
    }
}

/// Whether an attempt ended before anybody outside was told anything of the call: no key, no such
/// model here, no money for it.
pub(crate) fn was_not_asked(error: &LargestackError) -> bool {
    match error {
        LargestackError::ProviderAuthError(e) => e.detail.is_empty(),
        LargestackError::BudgetExceededError(_) | LargestackError::RateLimitExceededError(_) => {
            true
        }
        LargestackError::OtherError(e) => {
            matches!(e.code, Code::Budget | Code::Config | Code::Input | Code::ModelUnknown)
        }
        _ => false,
    }
}

/// What the end of a call says about the health of a model and its provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    /// It answered, if only to refuse.
    Answers,
    /// The provider said that this did not work.
    Down,
    /// It broke off or took too long: the model, as far as anybody can know.
    Lost,
    /// No connection to the provider came to stand.
    Unreachable,
    /// It was not asked.
    Unknown,
}

/// What an error says about health. A rate limit and a wrong request are answers: they do not open a
/// circuit.
pub(crate) fn health(error: &LargestackError) -> Health {
    match error {
        LargestackError::ProviderError(e) if is_open_circuit(e) => Health::Unknown,
        LargestackError::ProviderError(e) if e.transient => {
            match (e.status, e.provider_code.as_deref()) {
                (Some(_), _) | (None, Some(unsent::UNREAD)) => Health::Down,
                (None, Some(code)) if unsent::is(code) => Health::Unreachable,
                (None, _) => Health::Lost,
            }
        }
        LargestackError::ProviderTimeoutError(e) if e.phase == unsent::CONNECT => {
            Health::Unreachable
        }
        LargestackError::ProviderTimeoutError(_) => Health::Lost,
        LargestackError::ProviderError(e) if e.status.is_some() => Health::Answers,
        LargestackError::ProviderAuthError(e) if !e.detail.is_empty() => Health::Answers,
        LargestackError::ProviderRateLimitError(_)
        | LargestackError::ContextWindowExceededError(_) => Health::Answers,
        LargestackError::OtherError(e) if e.code == Code::ModelUnknown => Health::Answers,
        _ => Health::Unknown,
    }
}

/// Whether a transport says that nothing of a request left this process: no key, a store of keys that
/// does not open, no address, no connection.
pub(crate) fn never_left(error: &LargestackError) -> bool {
    match error {
        LargestackError::ProviderError(e) => {
            e.status.is_none() && e.provider_code.as_deref().is_some_and(unsent::is)
        }
        LargestackError::ProviderTimeoutError(e) => e.phase == unsent::CONNECT,
        LargestackError::ProviderAuthError(_) | LargestackError::OtherError(_) => true,
        _ => false,
    }
}

/// Whether an attempt that had been sent, delivered nothing and reported nothing may be charged
/// for all the same: whatever the provider did not refuse.
pub(crate) fn may_be_charged(error: &LargestackError) -> bool {
    match error {
        LargestackError::ProviderError(e) => e.status.is_none() && !never_left(error),
        // A gateway of the provider that gave up waiting says 504 and nothing of the bill.
        LargestackError::ProviderTimeoutError(_) => !never_left(error),
        LargestackError::ProviderAuthError(_)
        | LargestackError::ProviderRateLimitError(_)
        | LargestackError::ContextWindowExceededError(_)
        | LargestackError::ModelRequestsBlockedError(_) => false,
        LargestackError::OtherError(e) => {
            !matches!(e.code, Code::ModelUnknown | Code::ModelBlocked)
        }
        _ => true,
    }
}

/// A call that was not made because the provider is down, or this model of it.
pub(crate) fn open_circuit(
    (provider, model): (&Arc<str>, Option<&str>),
    failures: u32,
    wait_ms: u128,
) -> LargestackError {
    let who = model.map_or_else(String::new, |model| format!("`{model}` is "));
    ProviderError {
        provider: provider.clone(),
        status: None,
        detail: format!("{who}not asked for {wait_ms} ms more, after {failures} failures in a row"),
        provider_code: Some(CIRCUIT_OPEN.to_owned()),
        request_id: None,
        transient: true,
    }
    .into()
}

fn is_open_circuit(error: &ProviderError) -> bool {
    error.status.is_none() && error.provider_code.as_deref() == Some(CIRCUIT_OPEN)
}
