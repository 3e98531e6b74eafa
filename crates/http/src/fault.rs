//! What a failure of the network means: timeouts by phase, and provider errors that say whether
//! trying again can help. Never an address, never a header.

use std::borrow::Cow;
use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::client::legacy;
use largestack_types::errors::{LargestackError, ProviderError, ProviderTimeoutError, unsent};
use rustls::{AlertDescription, CertificateError};

use crate::connect::ProxyFailed;

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
    failure(provider, detail.into(), Some(unsent::CONNECT), false)
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
    if let Some(failed) = tls(provider, error) {
        return failed;
    }
    if causes(error).any(is_late) {
        return timeout(provider, "connect", connect);
    }
    if causes(error).any(<dyn Error>::is::<ProxyFailed>) {
        let detail = format!("cannot connect through the proxy: {}", innermost(error));
        return failure(provider, detail, Some(unsent::PROXY), true);
    }
    failure(provider, format!("cannot connect: {}", innermost(error)), Some(unsent::CONNECT), true)
}

/// A connection that ended before its time.
pub(crate) fn broke_off(provider: &Arc<str>, error: &(dyn Error + 'static)) -> LargestackError {
    // The other side's refusal of the client comes when TLS 1.3 has let the request go already.
    if let Some(failed) = tls(provider, error) {
        return failed;
    }
    if causes(error).any(is_unread) {
        let detail = "the provider refused the request unread".to_owned();
        return failure(provider, detail, Some(unsent::UNREAD), true);
    }
    let garbled = causes(error)
        .filter_map(|cause| cause.downcast_ref::<hyper::Error>())
        .any(hyper::Error::is_parse);
    let what = if garbled { "the reply is no HTTP" } else { "the connection broke off" };
    failure(provider, format!("{what}: {}", innermost(error)), None, !garbled)
}

/// A body that is not what its head says, or more than is sensible.
pub(crate) fn not_unpacked(provider: &Arc<str>, error: &io::Error) -> LargestackError {
    if error.kind() == io::ErrorKind::FileTooLarge {
        let detail = "the body unpacks to far more than it came as".to_owned();
        return failure(provider, detail, None, false);
    }
    failure(provider, format!("the body cannot be decompressed: {error}"), None, true)
}

/// A reply that is too long.
pub(crate) fn endless(provider: &Arc<str>, most: u64) -> LargestackError {
    failure(provider, format!("the reply is longer than {most} bytes"), None, false)
}

/// A request that is too long.
pub(crate) fn too_large(provider: &Arc<str>, most: usize) -> LargestackError {
    unusable(provider, format!("the request is longer than {most} bytes"))
}

/// What is wrong with the other side's certificate, or with ours.
fn tls(provider: &Arc<str>, error: &(dyn Error + 'static)) -> Option<LargestackError> {
    let cause = causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>())?;
    let code = match cause {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => unsent::UNKNOWN_CA,
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => unsent::WRONG_HOST,
        rustls::Error::InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        ) => unsent::EXPIRED,
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown
            | AlertDescription::AccessDenied,
        ) => unsent::CLIENT_REFUSED,
        _ => unsent::TLS,
    };
    // A certificate that is not accepted now is not accepted in a second either.
    Some(failure(provider, format!("no secure connection: {cause}"), Some(code), false))
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
fn innermost(error: &(dyn Error + 'static)) -> String {
    causes(error).last().map_or_else(|| error.to_string(), ToString::to_string)
}

/// An error and all its causes, from the outside in.
fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'e (dyn Error + 'static)| {
        let error: &'e (dyn Error + 'static) = *error;
        // What an error of input and output is made around is not among its own causes.
        let around = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        around.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source())
    })
}

fn is_late(cause: &(dyn Error + 'static)) -> bool {
    cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::TimedOut)
}

/// Whether HTTP/2 promises that the request was not looked at (RFC 9113, 8.7).
fn is_unread(cause: &(dyn Error + 'static)) -> bool {
    cause.downcast_ref::<h2::Error>().is_some_and(|error| match error.reason() {
        Some(h2::Reason::REFUSED_STREAM) => error.is_remote(),
        Some(h2::Reason::NO_ERROR) => error.is_go_away() && error.is_remote(),
        _ => false,
    })
}
