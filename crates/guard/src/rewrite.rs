//! Taking values out of a text and putting them back.

use std::borrow::Cow;
use std::ops::Range;

use crate::finding::{Finding, Kind};
use crate::opaque::{Token, token_at};
use crate::policy::{Action, Policy};
use crate::session::{Nonce, Session};

/// One place where a text changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(crate) span: Range<usize>,
    pub(crate) change: Change,
}

/// What happens there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// A look-alike of a placeholder is escaped, unless this session made it.
    Escape,
    /// Whatever looks like a placeholder is escaped: nobody from outside writes one.
    Disown,
    /// A value is taken out.
    Take(Kind, Action),
}

/// The places a policy changes, in order.
pub(crate) fn edits(findings: &[Finding], opaque: &[Range<usize>], policy: Policy) -> Vec<Edit> {
    let taken = findings.iter().filter_map(|f| {
        let action = policy.action(f.kind);
        let change = Change::Take(f.kind, action);
        action.alters().then(|| Edit { span: f.span.clone(), change })
    });
    let opaque = opaque.iter().map(|span| Edit { span: span.clone(), change: Change::Escape });
    let mut edits: Vec<Edit> = taken.chain(opaque).collect();
    edits.sort_by_key(|edit| edit.span.start);
    edits
}

/// What is made of the places that change.
pub(crate) type Revise = fn(Vec<Edit>) -> Vec<Edit>;

/// The same for a text from outside.
pub(crate) fn disowned(mut edits: Vec<Edit>) -> Vec<Edit> {
    for edit in edits.iter_mut().filter(|edit| edit.change == Change::Escape) {
        edit.change = Change::Disown;
    }
    edits
}

/// Writes what stands in place of `original`.
pub(crate) fn write(out: &mut String, original: &str, change: Change, session: &mut Session) {
    match change {
        Change::Escape | Change::Disown if is_escaped(change, original, session) => {
            out.push_str("<=");
            out.push_str(session.nonce().as_str());
            out.push('=');
            out.push_str(original.get(1..).unwrap_or_default());
        }
        Change::Escape | Change::Disown => out.push_str(original),
        Change::Take(kind, Action::Tokenise) => {
            let placeholder = session.placeholder(kind, original);
            out.push_str(&placeholder.unwrap_or_else(|| kind.marker()));
        }
        Change::Take(kind, _) => out.push_str(&kind.marker()),
    }
}

/// Whether a token is escaped: one that looks like a placeholder, and that this session did not make
/// or that somebody outside has written.
fn is_escaped(change: Change, token: &str, session: &Session) -> bool {
    match token_at(token, 0) {
        Some((Token::Placeholder(kind, number, nonce), _)) => {
            change == Change::Disown || !session.knows(kind, number, nonce)
        }
        _ => false,
    }
}

/// The text with every edit made; borrowed if none changes anything.
pub(crate) fn apply<'t>(text: &'t str, edits: &[Edit], session: &mut Session) -> Cow<'t, str> {
    let original = |edit: &Edit| text.get(edit.span.clone()).unwrap_or_default();
    let is_token = |change| matches!(change, Change::Escape | Change::Disown);
    let idle =
        |edit: &Edit| is_token(edit.change) && !is_escaped(edit.change, original(edit), session);
    if edits.iter().all(idle) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for edit in edits {
        out.push_str(text.get(done..edit.span.start).unwrap_or_default());
        write(&mut out, original(edit), edit.change, session);
        done = edit.span.end;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    Cow::Owned(out)
}

/// Puts a placeholder in place of every finding, and escapes what looks like one.
///
/// The findings are those of a scan of the same text. The pairs are in [`Session::take_fresh`].
pub fn tokenise<'t>(text: &'t str, findings: &[Finding], session: &mut Session) -> Cow<'t, str> {
    let opaque = crate::layer::run(text, Policy::all(Action::Allow)).opaque;
    apply(text, &edits(findings, &opaque, Policy::all(Action::Tokenise)), session)
}

/// Puts values back in place of the session's placeholders and undoes its escapes.
///
/// `lookup` gets the placeholder and returns its value, or nothing where the reader may not see
/// it; then the placeholder stays. Values are not looked at again.
pub fn detokenise<'t>(
    text: &'t str,
    nonce: &Nonce,
    mut lookup: impl FnMut(&str) -> Option<String>,
) -> Cow<'t, str> {
    let own = |found: &[u8]| found == nonce.as_str().as_bytes();
    let mut out = String::new();
    let mut done = 0;
    let mut at = 0;
    while let Some(i) = memchr::memchr(b'<', text.as_bytes().get(at..).unwrap_or_default()) {
        at += i;
        let Some((token, end)) = token_at(text, at) else {
            at += 1;
            continue;
        };
        let restored = match token {
            Token::Placeholder(_, _, found) if own(found) => {
                text.get(at..end).and_then(&mut lookup)
            }
            Token::Escape(found, inner) if own(found) => {
                text.get(inner..end).map(|inner| format!("<{inner}"))
            }
            _ => None,
        };
        if let Some(restored) = restored {
            out.push_str(text.get(done..at).unwrap_or_default());
            out.push_str(&restored);
            done = end;
        }
        at = end;
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(text.get(done..).unwrap_or_default());
    Cow::Owned(out)
}
