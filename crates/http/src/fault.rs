//! What a failure of the network means: timeouts by phase, and provider errors that say whether
//! trying again can help. Never an address with its query, never a header.

use std::borrow::Cow;
use std::error::Error as _;
use std::io;
use std::io::ErrorKind::{InvalidData, InvalidInput};
use std::sync::Arc;
use std::time::Duration;

use largestack_types::errors::{LargestackError, ProviderError, ProviderTimeoutError};

/// The `provider_code` of a failure before the request left: nothing can have been charged.
pub(crate) const CONNECT: &str = "connect";

/// A limit of time that ran out.
pub(crate) fn timeout(
    provider: &Arc<str>,
    phase: &'static str,
    after: Duration,
) -> LargestackError {
    ProviderTimeoutError {
        provider: provider.clone(),
        phase: Cow::Borrowed(phase),
        after_ms: u64::try_from(after.as_millis()).unwrap_or(u64::MAX),
    }
    .into()
}

/// A request that could not even be made.
pub(crate) fn unusable(provider: &Arc<str>, detail: impl Into<String>) -> LargestackError {
    failure(provider, detail.into(), Some(CONNECT), false)
}

/// What a failure of reqwest means.
pub(crate) fn of(
    provider: &Arc<str>,
    error: &reqwest::Error,
    connect: Duration,
) -> LargestackError {
    if error.is_connect() {
        if error.is_timeout() {
            return timeout(provider, "connect", connect);
        }
        let detail = format!("cannot connect: {}", innermost(error));
        // A certificate that is not accepted now is not accepted in a second either.
        return failure(provider, detail, Some(CONNECT), !has_io_error(error, &[InvalidData]));
    }
    if error.is_builder() {
        return unusable(provider, format!("the request cannot be made: {}", innermost(error)));
    }
    // Everything that ends a body is a decoding error to reqwest, a reset as well.
    let what = if error.is_decode() && has_io_error(error, &[InvalidData, InvalidInput]) {
        "the body cannot be decompressed"
    } else {
        "the connection broke off"
    };
    failure(provider, format!("{what}: {}", innermost(error)), None, true)
}

fn failure(
    provider: &Arc<str>,
    detail: String,
    code: Option<&str>,
    transient: bool,
) -> LargestackError {
    ProviderError {
        provider: provider.clone(),
        status: None,
        detail,
        provider_code: code.map(str::to_owned),
        request_id: None,
        transient,
    }
    .into()
}

/// The cause at the root, which says most; the links above it repeat the address.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    let mut text = String::from("the request failed");
    while let Some(error) = cause {
        text = error.to_string();
        cause = error.source();
    }
    text
}

/// Whether the cause is a failure of input and output of one of these kinds.
fn has_io_error(error: &reqwest::Error, kinds: &[io::ErrorKind]) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.downcast_ref::<io::Error>().is_some_and(|e| kinds.contains(&e.kind())) {
            return true;
        }
        cause = error.source();
    }
    false
}
