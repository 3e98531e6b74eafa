//! Addresses in decoded text, and whether their hosts are on a list.
//!
//! Read as browsers read them (WHATWG URL, sections 4.4 and 4.5), and where readers differ, as the
//! one who would go elsewhere: what is not plainly an address of a host on the list is none.

use std::ops::Range;

use super::decoded::Placed;
use super::hosts::Hosts;

/// Schemes that run or hold what they name.
const NEVER: [&str; 3] = ["javascript", "vbscript", "file"];
/// Schemes whose host follows whatever number of slashes.
const SPECIAL: [&str; 5] = ["http", "https", "ws", "wss", "ftp"];

/// The first address whose host is not on the list, from `from` on: a range of `text`. `before`:
/// what stands before the text.
pub(super) fn unlisted(
    text: &[Placed],
    from: usize,
    before: Option<char>,
    hosts: &Hosts,
) -> Option<Range<usize>> {
    (from..text.len()).find_map(|at| {
        let start = match letter(text, at)? {
            ':' => scheme(text, at, hosts)?,
            '/' | '\\' => bare(text, at, before, hosts).then_some(at)?,
            'w' | 'W' => www(text, at, before, hosts).then_some(at)?,
            _ => return None,
        };
        // Whoever asks goes on behind it.
        Some(start.max(from)..end(text, start).max(at + 1))
    })
}

fn letter(text: &[Placed], at: usize) -> Option<char> {
    text.get(at).map(|(letter, _)| *letter)
}

fn letters(text: &[Placed], from: usize) -> impl Iterator<Item = char> + '_ {
    text.get(from..).unwrap_or_default().iter().map(|(letter, _)| *letter)
}

fn slash(letter: char) -> bool {
    matches!(letter, '/' | '\\')
}

/// Where an address begins whose scheme ends at this colon, if it is not on the list.
fn scheme(text: &[Placed], colon: usize, hosts: &Hosts) -> Option<usize> {
    let part = |at: &usize| {
        letter(text, *at).is_some_and(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    };
    // Longer ones than this have no meaning to anybody.
    let length = (1..=32).take_while(|back| colon.checked_sub(*back).as_ref().is_some_and(part));
    let start = colon - length.count();
    if start == colon {
        return None;
    }
    let name: String = letters(text, start).take(colon - start).collect();
    let name = name.to_ascii_lowercase();
    let slashes = letters(text, colon + 1).take_while(|c| slash(*c)).count();
    let after = colon + 1 + slashes;
    let says = letters(text, after).any(|c| !c.is_whitespace());
    let bad = if NEVER.contains(&name.as_str()) {
        says
    } else if name == "data" {
        holds_data(text, colon + 1)
    } else if slashes >= 2 || SPECIAL.contains(&name.as_str()) {
        let authority = Authority::of(text, after);
        (slashes > 0 || authority.names_host()) && !authority.is_listed(hosts)
    } else {
        false
    };
    bad.then_some(start)
}

/// Whether what follows `data:` is content: `text/html,`, `image/png;base64,` or only a comma.
fn holds_data(text: &[Placed], from: usize) -> bool {
    let mut slashes = 0;
    for (at, letter) in letters(text, from).take(128).enumerate() {
        match letter {
            ',' | ';' => return slashes == 1 || at == 0,
            '/' => slashes += 1,
            _ if letter.is_ascii_alphanumeric() || "+-.".contains(letter) => {}
            _ => return false,
        }
    }
    slashes == 1
}

/// Whether an address without a scheme begins here (`//host`), and is not on the list.
fn bare(text: &[Placed], at: usize, before: Option<char>, hosts: &Hosts) -> bool {
    let last = if at == 0 { before } else { letter(text, at - 1) };
    let opens = |c: char| c.is_whitespace() || c.is_control() || "([{<=\"',;:]".contains(c);
    if !last.is_none_or(opens) {
        return false;
    }
    let slashes = letters(text, at).take_while(|c| slash(*c)).count();
    if slashes < 2 {
        return false;
    }
    let authority = Authority::of(text, at + slashes);
    authority.names_host() && !authority.is_listed(hosts)
}

/// Whether a name that readers make a link of begins here, and is not on the list.
fn www(text: &[Placed], at: usize, before: Option<char>, hosts: &Hosts) -> bool {
    let last = if at == 0 { before } else { letter(text, at - 1) };
    let within = |c: char| c.is_alphanumeric() || "/\\.@-_".contains(c);
    let named = letters(text, at).zip("www.".chars()).filter(|(a, b)| a.eq_ignore_ascii_case(b));
    if named.count() < 4 || last.is_some_and(within) {
        return false;
    }
    let authority = Authority::of(text, at);
    authority.length > 4 && !authority.is_listed(hosts)
}

/// What stands where a host should: up to a slash, a question mark or a hash, or a character that no
/// address may hold there.
struct Authority<'t> {
    text: &'t [Placed],
    length: usize,
}

impl<'t> Authority<'t> {
    fn of(text: &'t [Placed], from: usize) -> Self {
        let text = text.get(from..).unwrap_or_default();
        let bracketed = letter(text, 0) == Some('[');
        let ends = |c: char| {
            "/\\?#|^<>\"`".contains(c) || c.is_whitespace() || (!bracketed && "[]".contains(c))
        };
        let length = text.iter().take_while(|(c, _)| !ends(*c)).count();
        Self { text: text.get(..length).unwrap_or_default(), length }
    }

    fn letters(&self) -> impl Iterator<Item = char> + '_ {
        letters(self.text, 0)
    }

    /// Whether this can be the name of a host, and not only some word after two slashes.
    fn names_host(&self) -> bool {
        let says = |c: char| c.is_alphanumeric() || c == '[';
        self.letters().next().is_some_and(says)
            && (self.letters().any(|c| ".:@%。．[".contains(c))
                || self.letters().take(9).collect::<String>().eq_ignore_ascii_case("localhost"))
    }

    /// An authority that says nothing names no host, so that nothing is sent.
    fn is_listed(&self, hosts: &Hosts) -> bool {
        if !self.letters().any(char::is_alphanumeric) {
            return true;
        }
        let plain = |c: &char| c.is_ascii_alphanumeric() || "-.:".contains(*c);
        let named: String = self.letters().take_while(plain).collect();
        let rest: String = self.letters().skip(named.len()).collect();
        // A user's name before the host, a host in other letters or in percent signs, or more of a
        // name behind a comma: readers do not agree where that leads.
        let leads_on = rest.contains(['@', '%'])
            || !rest.is_ascii()
            || rest.split('.').skip(1).any(|label| label.starts_with(char::is_alphanumeric));
        !leads_on && hosts.has(&named)
    }
}

/// Where an address ends, its closing punctuation left out.
fn end(text: &[Placed], start: usize) -> usize {
    let mut open = 0_usize;
    let mut end = start;
    for letter in letters(text, start) {
        match letter {
            '(' => open += 1,
            ')' if open == 0 => break,
            ')' => open -= 1,
            ']' | '|' => break,
            _ => {}
        }
        end += 1;
    }
    let closes = |at: usize| letter(text, at).is_some_and(|c| ".,;:!?'*_~\\}".contains(c));
    while end > start + 1 && closes(end - 1) {
        end -= 1;
    }
    end
}
