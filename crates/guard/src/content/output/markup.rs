//! HTML of which only what does nothing stays: elements and attributes on the list of `ammonia`,
//! addresses of the schemes http, https and mailto. Placeholders of values stay as they are.

use std::collections::HashSet;
use std::sync::LazyLock;

use ammonia::Builder;

use crate::opaque::token_at;

/// Stands around a placeholder's number while the markup is read. They mean nothing to anybody, and
/// are taken out of what a model says.
const OPEN: char = '\u{fdd0}';
const CLOSE: char = '\u{fdd1}';

static BUILDER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::default();
    builder.url_schemes(HashSet::from(["http", "https", "mailto"]));
    builder
});

/// The markup that may be shown.
pub(super) fn clean(text: &str) -> String {
    let text = text.replace([OPEN, CLOSE], "");
    let (mut open, mut tokens, mut done) = (String::with_capacity(text.len()), Vec::new(), 0);
    for (at, _) in text.match_indices('<') {
        if at < done {
            continue;
        }
        let Some((_, end)) = token_at(&text, at) else { continue };
        open.push_str(text.get(done..at).unwrap_or_default());
        open.extend([OPEN.to_string(), tokens.len().to_string(), CLOSE.to_string()]);
        tokens.push(text.get(at..end).unwrap_or_default());
        done = end;
    }
    open.push_str(text.get(done..).unwrap_or_default());
    let clean = BUILDER.clean(&open).to_string();
    if tokens.is_empty() {
        return clean;
    }
    let mut pieces = clean.split(OPEN);
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (number, rest) = piece.split_once(CLOSE).unwrap_or((piece, ""));
        let token = number.parse::<usize>().ok().and_then(|number| tokens.get(number));
        out.push_str(token.copied().unwrap_or_default());
        out.push_str(rest);
    }
    out
}
