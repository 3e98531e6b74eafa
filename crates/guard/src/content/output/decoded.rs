//! A piece of text as whoever shows it will read it: character references, escapes of Markdown and
//! JSON resolved, with where each character stood.

/// A character and the byte where what stands for it begins.
pub(super) type Placed = (char, usize);

/// Names of the character references that an address can be hidden behind (HTML, section 13.5).
const NAMED: [(&str, char); 17] = [
    ("colon;", ':'),
    ("sol;", '/'),
    ("bsol;", '\\'),
    ("period;", '.'),
    ("commat;", '@'),
    ("num;", '#'),
    ("quest;", '?'),
    ("lpar;", '('),
    ("rpar;", ')'),
    ("lbrack;", '['),
    ("rbrack;", ']'),
    ("equals;", '='),
    ("Tab;", '\t'),
    ("NewLine;", '\n'),
    ("amp;", '&'),
    ("quot;", '"'),
    ("apos;", '\''),
];

/// The characters of a text. Tabs and line breaks are left out, as readers of addresses leave them
/// out. `escapes`: whether a backslash takes its meaning from what follows it.
pub(super) fn decoded(text: &str, escapes: bool) -> Vec<Placed> {
    let mut plain = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(rest) = text.get(at..)
        && let Some(first) = rest.chars().next()
    {
        let (letter, read) = match first {
            '&' => reference(rest),
            '\\' if escapes => escape(rest),
            _ => None,
        }
        .unwrap_or((first, first.len_utf8()));
        if !matches!(letter, '\t' | '\n' | '\r') {
            plain.push((letter, at));
        }
        at += read;
    }
    plain
}

/// What a character reference stands for, and how long it is.
fn reference(text: &str) -> Option<(char, usize)> {
    let name = text.strip_prefix('&')?;
    let Some(number) = name.strip_prefix('#') else {
        let (named, letter) = NAMED.iter().find(|(named, _)| name.starts_with(named))?;
        return Some((*letter, 1 + named.len()));
    };
    let (digits, radix, before) = match number.strip_prefix(['x', 'X']) {
        Some(digits) => (digits, 16, 3),
        None => (number, 10, 2),
    };
    let length = digits.bytes().take(16).take_while(|b| char::from(*b).is_digit(radix)).count();
    let code = u32::from_str_radix(digits.get(..length)?, radix).ok()?;
    let closed = digits.as_bytes().get(length) == Some(&b';');
    Some((char::from_u32(code)?, before + length + usize::from(closed)))
}

/// What an escape stands for: of Markdown (`\:`, section 2.4 of CommonMark) or of JSON (`\u003a`).
fn escape(text: &str) -> Option<(char, usize)> {
    let escaped = text.strip_prefix('\\')?;
    let first = escaped.chars().next()?;
    if first.is_ascii_punctuation() {
        return Some((first, 2));
    }
    let digits = escaped.strip_prefix('u')?.get(..4)?;
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    Some((char::from_u32(u32::from_str_radix(digits, 16).ok()?)?, 6))
}
