//! The password of a URL: `scheme://user:password@host`, as connection strings have it.

use std::ops::Range;

use crate::view::{BARRIER, END, View};

/// Longest user name.
const USER: usize = 64;
/// Longest password.
const PASSWORD: usize = 256;
/// User, colon and password.
#[cfg(test)]
pub(super) const LONGEST: usize = USER + 1 + PASSWORD;

/// Where the password stands, reading on after `://`.
pub(super) fn read(view: &View<'_>, at: usize) -> Option<Range<usize>> {
    let user = run(view, at, USER, b':');
    if view.get(user) != b':' {
        return None;
    }
    let start = user + 1;
    let end = run(view, start, PASSWORD, b'@');
    let password = view.slice(start, end);
    // Colons end a user name, so that a port is not taken for a password; braces are a template's.
    let real = end > start && !password.iter().any(|b| matches!(b, b'{' | b'}' | b'$' | b'*'));
    (real && view.get(end) == b'@' && !is_stop(view.get(end + 1))).then_some(start..end)
}

fn run(view: &View<'_>, at: usize, most: usize, stop: u8) -> usize {
    let mut end = at;
    while end < at + most && view.get(end) != stop && !is_stop(view.get(end)) {
        end += 1;
    }
    end
}

const fn is_stop(byte: u8) -> bool {
    byte.is_ascii_whitespace()
        || matches!(byte, b'/' | b'?' | b'#' | b'<' | b'>' | b'"' | b'\'' | b'`' | b'[' | b']')
        || matches!(byte, b'@' | BARRIER | END)
}
