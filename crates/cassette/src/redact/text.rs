//! Bodies that are no JSON, and values as they are written in different places.

use std::fmt::Write as _;
use std::ops::Range;

use super::MARKER;
use super::edit::Edit;
use super::names;

/// A value as it stands in JSON and in an address; as it stands in text is the first.
pub(super) fn forms(value: &str) -> Vec<String> {
    let json = serde_json::to_string(value).unwrap_or_default();
    // Without the quotes, of which the value may have some of its own beside them.
    let json = json.get(1..json.len().saturating_sub(1)).unwrap_or_default().to_owned();
    let slashes = json.replace('/', "\\/");
    let mut forms =
        vec![value.to_owned(), json, slashes, percent(value, false), percent(value, true)];
    forms.dedup();
    forms
}

/// As in an address; in a form a space is a plus sign.
fn percent(value: &str, form: bool) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b' ' if form => text.push('+'),
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'.' | b'_' | b'~' => {
                text.push(char::from(byte));
            }
            // Writing into a string cannot fail.
            _ => drop(write!(text, "%{byte:02X}")),
        }
    }
    text
}

/// The lines of a body, or what stands behind `data:` in them, with their places.
pub(super) fn lines(body: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    body.split_inclusive('\n').map(move |line| {
        let begins = at;
        at += line.len();
        let data = line.strip_prefix("data:").unwrap_or(line);
        let data = data.trim_start();
        (begins + line.len() - data.len(), data.trim_end())
    })
}

/// The fields of a form that may not be kept: all but those that are known to be harmless.
pub(super) fn form(body: &str, edits: &mut Vec<Edit>) {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '%');
    let body = body.trim_end();
    let pairs = || body.split('&').map(|pair| pair.split_once('='));
    let is_form = pairs().all(|pair| {
        pair.is_some_and(|(name, value)| {
            !name.is_empty() && name.chars().all(is_name) && !value.contains(char::is_whitespace)
        })
    });
    if !is_form {
        return;
    }
    let mut at = 0;
    for (name, value) in pairs().flatten() {
        let begins = at + name.len() + 1;
        at = begins + value.len() + 1;
        if !value.is_empty() && !names::is_open_field(name) {
            edits.push(Edit { range: begins..begins + value.len(), with: MARKER.to_owned() });
        }
    }
}

/// The elements of XML that hold a secret.
pub(super) fn elements(body: &str, edits: &mut Vec<Edit>) {
    let mut at = 0;
    while let Some(open) = body.get(at..).and_then(|rest| rest.find('<')) {
        let begins = at + open + 1;
        let rest = body.get(begins..).unwrap_or_default();
        let Some(close) = rest.find('>') else { return };
        at = begins + close + 1;
        let name = rest.get(..close).unwrap_or_default();
        let name = name.split(char::is_whitespace).next().unwrap_or_default();
        let local = name.rsplit(':').next().unwrap_or_default();
        if names::is_secret_element(local) {
            let text = body.get(at..).unwrap_or_default();
            let length = text.find('<').unwrap_or(text.len());
            if length > 0 {
                edits.push(Edit { range: at..at + length, with: MARKER.to_owned() });
            }
        }
    }
}

/// Ids of accounts that are told by their look: those of organisations and projects as vendors
/// print them in messages, and the twelve digits in an Amazon resource name.
pub(super) fn accounts(text: &str) -> Vec<Range<usize>> {
    const PREFIXES: &[&str] = &["org-", "proj_", "acct_", "user-"];
    const SHORTEST: usize = 8;
    let mut found = Vec::new();
    for prefix in PREFIXES {
        for (at, prefix) in text.match_indices(prefix) {
            let before = text.get(..at).and_then(|t| t.chars().next_back());
            let rest = text.get(at + prefix.len()..).unwrap_or_default();
            let length = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
            let mixed =
                rest.bytes().take(length).any(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
            if length >= SHORTEST && mixed && !before.is_some_and(char::is_alphanumeric) {
                found.push(at..at + prefix.len() + length);
            }
        }
    }
    for (at, _) in text.match_indices("arn:aws") {
        // arn:partition:service:region:account:resource
        let mut fields = text.get(at..).unwrap_or_default().split(':');
        let lead: usize = fields.by_ref().take(4).map(|field| field.len() + 1).sum();
        let account = fields.next().unwrap_or_default();
        if account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()) {
            found.push(at + lead..at + lead + account.len());
        }
    }
    found
}
