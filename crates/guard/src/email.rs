//! E-mail addresses: an ASCII local part, a domain with a top-level label of letters. Handles,
//! package versions, SSH remotes, image names and the user part of a URL are left alone.

use crate::digits::digit;
use crate::layer::{Hit, Step};
use crate::view::{Verdict, View, goes_on, is_word};

/// Longest local part (RFC 5321, section 4.5.3.1.1).
const LOCAL: usize = 64;
/// Longest domain (RFC 5321, section 4.5.3.1.2, less the length octets).
const DOMAIN: usize = 253;
/// Local part, `@` and domain.
pub(crate) const LONGEST: usize = LOCAL + 1 + DOMAIN;

/// What is found, how it is told, and its shape.
pub(crate) const DETECTORS: &[(&str, &str, &str)] = &[(
    "email",
    "RFC 5321 with an ASCII local part; not a handle, SSH remote, version or URL user",
    r"[A-Za-z0-9_.+%'&~-]+@[A-Za-z0-9.-]+",
)];

/// Endings of file names that follow an `@` (as in `logo@2x.png`), not top-level domains.
const FILES: &[&[u8]] = &[b"png", b"jpg", b"jpeg", b"gif", b"svg", b"webp", b"css", b"js"];

/// The next address that starts at or after `from`.
pub(crate) fn next(view: &View<'_>, from: usize) -> Step {
    let mut at = from;
    while let Some(i) = memchr::memchr(b'@', view.slice(at, view.len())) {
        at += i;
        let start = local_start(view, at);
        match view.decide(|view| address(view, start?, at)) {
            Verdict::Open => return Step::Open(start.unwrap_or(at)),
            Verdict::Final(Some(hit)) => return Step::Found(hit),
            Verdict::Final(None) => at += 1,
        }
    }
    if view.is_last() {
        return Step::Clear;
    }
    match local_start(view, view.len()) {
        Some(start) if start < view.len() => Step::Open(start),
        _ => Step::Clear,
    }
}

/// Where the run of local-part characters before `at` starts, or nothing if it is too long.
fn local_start(view: &View<'_>, at: usize) -> Option<usize> {
    let length = (1..=LOCAL + 1).take_while(|n| is_local(view.back(at, *n))).count();
    (length <= LOCAL).then_some(at - length)
}

fn address(view: &View<'_>, start: usize, at: usize) -> Option<Hit> {
    let local = view.slice(start, at);
    let skip = local.iter().take_while(|b| !b.is_ascii_alphanumeric()).count();
    let (start, local) = (start + skip, local.get(skip..)?);
    let dotted = local.windows(2).any(|pair| pair == b"..");
    if local.is_empty() || local.ends_with(b".") || dotted || is_url_user(view, start) {
        return None;
    }
    let end = domain_end(view, at + 1)?;
    let ssh = local == b"git" && view.get(end) == b':';
    (!ssh).then_some(Hit { span: start..end, score: 90, detector: "email", validated: false })
}

/// `https://user@host`: the part of a URL, not an address.
fn is_url_user(view: &View<'_>, start: usize) -> bool {
    view.back(start, 1) == b'/' && view.back(start, 2) == b'/'
}

fn domain_end(view: &View<'_>, start: usize) -> Option<usize> {
    let mut end = start;
    while end <= start + DOMAIN && is_domain(view.get(end)) {
        end += 1;
    }
    if end > start + DOMAIN
        || goes_on(view.get(end))
        || view.get(end) == b'@'
        || digit(view, end).is_some()
    {
        return None;
    }
    // The full stop of a sentence is not part of the domain.
    let domain = view.slice(start, end);
    let domain = domain.strip_suffix(b".").unwrap_or(domain);
    let mut labels = domain.rsplit(|b| *b == b'.');
    let top = labels.next()?;
    let named = (2..=24).contains(&top.len())
        && (top.iter().all(u8::is_ascii_alphabetic) || top.starts_with(b"xn--"));
    let file = FILES.iter().any(|f| top.eq_ignore_ascii_case(f));
    let mut count = 0;
    let valid = labels.all(|label| {
        count += 1;
        (1..=63).contains(&label.len()) && !label.starts_with(b"-") && !label.ends_with(b"-")
    });
    (named && !file && valid && count > 0).then_some(start + domain.len())
}

pub(crate) const fn is_local(byte: u8) -> bool {
    is_word(byte) || matches!(byte, b'.' | b'+' | b'-' | b'%' | b'\'' | b'&' | b'~')
}

const fn is_domain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')
}

#[cfg(test)]
mod tests;
