//! The path of an address, without what says whose it is.

use super::names;
use super::{MARKER, Redactor};

/// The path and the parameters of an address. Host, user and password are not kept: the row of the
/// provider says who was asked.
pub(crate) fn path(url: &str, redactor: &Redactor) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let begins = rest.find(['/', '?']).unwrap_or(rest.len());
    let rest = rest.get(begins..).unwrap_or_default();
    let rest = rest.split('#').next().unwrap_or_default();
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut after_holder = false;
    let segments: Vec<String> = path
        .split('/')
        .map(|segment| {
            let whose = after_holder || is_id(segment);
            after_holder = names::holds_account(segment);
            let colons = segment.replace("%3A", ":").replace("%3a", ":");
            if whose && !segment.is_empty() { MARKER.to_owned() } else { redactor.clean(&colons) }
        })
        .collect();
    let mut parameters: Vec<String> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) if names::is_open_parameter(name) => {
                format!("{name}={}", redactor.clean(value))
            }
            Some((name, _)) => format!("{}={MARKER}", redactor.clean(name)),
            None => redactor.clean(pair),
        })
        .collect();
    parameters.sort();
    let mut path = segments.join("/");
    if !parameters.is_empty() {
        path = format!("{path}?{}", parameters.join("&"));
    }
    path
}

/// Whether a segment is a number that somebody was given: a UUID, or as long.
fn is_id(segment: &str) -> bool {
    let digits = segment.bytes().filter(u8::is_ascii_hexdigit).count();
    digits >= 24 && digits + segment.matches('-').count() == segment.len()
}
