//! What a failure of the network means: timeouts by phase, and provider errors that say whether
//! trying again can help. Never an address, never a header.

use std::borrow::Cow;
use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::client::legacy;
use largestack_types::errors::{LargestackError, ProviderError, ProviderTimeoutError};

/// The `provider_code` of a failure before the request left: nothing can have been charged.
const CONNECT: &str = "connect";

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

/// What a failure before the head of the reply means.
pub(crate) fn sending(
    provider: &Arc<str>,
    error: &legacy::Error,
    connect: Duration,
) -> LargestackError {
    if !error.is_connect() {
        return broke_off(provider, error);
    }
    if has_io_error(error, io::ErrorKind::TimedOut) {
        return timeout(provider, "connect", connect);
    }
    let detail = format!("cannot connect: {}", innermost(error));
    // A certificate that is not accepted now is not accepted in a second either.
    let transient = !has_io_error(error, io::ErrorKind::InvalidData);
    failure(provider, detail, Some(CONNECT), transient)
}

/// A connection that ended before its time.
pub(crate) fn broke_off(provider: &Arc<str>, error: &dyn Error) -> LargestackError {
    failure(provider, format!("the connection broke off: {}", innermost(error)), None, true)
}

/// A body that is not what its head says.
pub(crate) fn not_gzip(provider: &Arc<str>, error: &io::Error) -> LargestackError {
    failure(provider, format!("the body cannot be decompressed: {error}"), None, true)
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

/// The cause at the root, which says most.
fn innermost(error: &dyn Error) -> String {
    let mut root = error;
    while let Some(cause) = root.source() {
        root = cause;
    }
    root.to_string()
}

/// Whether the cause is a failure of input and output of this kind.
fn has_io_error(error: &dyn Error, kind: io::ErrorKind) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        // One failure around another is not among the causes of the outer one.
        let mut failure = error.downcast_ref::<io::Error>();
        while let Some(found) = failure {
            if found.kind() == kind {
                return true;
            }
            failure = found.get_ref().and_then(|inner| inner.downcast_ref());
        }
        cause = error.source();
    }
    false
}
