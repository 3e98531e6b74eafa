//! Reads the number that starts at a place, by every form at once.

use std::ops::Range;

use super::form::{Class, Form, Forms, MOST, State};
use super::words::{Around, Said};
use crate::digits::{Separator, digit, digit_before, separator};
use crate::layer::Hit;
use crate::view::{View, goes_on, is_word};

/// The characters of a number, without what divides them, in capitals.
struct Characters {
    text: [u8; MOST],
    length: usize,
    /// Whether a small letter is among them.
    small: bool,
}

impl Characters {
    const NONE: Self = Self { text: [0; MOST], length: 0, small: false };

    fn extend(&mut self, written: &[u8]) {
        let characters = written.iter().filter(|byte| byte.is_ascii_alphanumeric());
        let places = self.text.iter_mut().skip(self.length);
        for (place, character) in places.zip(characters) {
            *place = character.to_ascii_uppercase();
            self.length += 1;
            self.small |= character.is_ascii_lowercase();
        }
    }

    fn text(&self) -> &[u8] {
        self.text.get(..self.length).unwrap_or_default()
    }
}

/// The longest number that starts at `start`; of those, the one that the words around it name.
pub(super) fn read(view: &View<'_>, start: usize, forms: &Forms) -> Option<Hit> {
    if !may_start(view, start) {
        return None;
    }
    let (mut state, mut end) = (State::START, start);
    // What was read up to the last place where a form ends: few numbers come to one.
    let (mut read, mut done) = (Characters::NONE, start);
    let mut around = None;
    let mut best: Option<Hit> = None;
    while let Some((class, width)) = class_at(view, end) {
        let Some(next) = forms.step(state, class) else { break };
        (state, end) = (next, end + width);
        if !state.ends() || !may_end(view, end) {
            continue;
        }
        let divided = number_before(view, start) || number_after(view, end);
        let forms = forms.ended(state);
        if forms.iter().any(|form| !(form.spaced && divided)) {
            read.extend(view.slice(done, end));
            done = end;
            let around = around.get_or_insert_with(|| Around::new(view, start));
            best = named(start..end, (&read, divided), forms, around).or(best);
        }
    }
    best
}

/// The best of the forms that end here. Where the words before name one of them, it is that or
/// nothing.
fn named(
    span: Range<usize>,
    (read, divided): (&Characters, bool),
    forms: &[Form],
    around: &Around<'_, '_>,
) -> Option<Hit> {
    let holds = |form: &&Form| !(form.spaced && divided) && (form.spec.check.holds)(read.text());
    // Most numbers are none: the words are not even read.
    if !forms.iter().any(|form| holds(&form)) {
        return None;
    }
    let is_named = |form: &Form| around.said_before(form.spec.words) == Said::This;
    let some_named = forms.iter().any(is_named);
    forms
        .iter()
        .filter(|form| holds(form) && (!some_named || is_named(form)))
        .filter_map(|form| hit(span.clone(), read, *form, around))
        .max_by_key(|hit| hit.score)
}

/// The class of what stands at `at`, and its width.
fn class_at(view: &View<'_>, at: usize) -> Option<(Class, usize)> {
    let byte = view.get(at);
    if byte.is_ascii() {
        return class(byte).map(|class| (class, 1));
    }
    separator(view, at).map(|(separator, width)| {
        let class = match separator {
            Separator::Space => Class::Space,
            Separator::Dash => Class::Dash,
            Separator::Dot => Class::Dot,
        };
        (class, width)
    })
}

#[expect(clippy::indexing_slicing, reason = "made while compiling, which an index outside ends")]
fn class(byte: u8) -> Option<Class> {
    const CLASS: [Option<Class>; 128] = {
        let mut class = [None; 128];
        let mut byte: u8 = 0;
        while byte < 128 {
            class[byte as usize] = match byte {
                b'0'..=b'9' => Some(Class::Digit),
                b'a'..=b'z' | b'A'..=b'Z' => Some(Class::Letter),
                b' ' => Some(Class::Space),
                b'-' => Some(Class::Dash),
                b'.' => Some(Class::Dot),
                b'/' => Some(Class::Slash),
                b'(' => Some(Class::Open),
                b')' => Some(Class::Close),
                _ => None,
            };
            byte += 1;
        }
        class
    };
    CLASS.get(usize::from(byte)).copied().flatten()
}

/// The match of a form whose check holds, if the words say enough.
fn hit(span: Range<usize>, read: &Characters, form: Form, around: &Around<'_, '_>) -> Option<Hit> {
    let Form { spec, clear, .. } = form;
    // Letters of codes are capitals; in small ones a code is likelier to be a word.
    let enough = match (clear && !read.small, spec.strict) {
        (true, _) => Said::Nothing,
        (false, false) => Said::Some,
        (false, true) => Said::This,
    };
    let before = around.said_before(spec.words);
    let after = || before.max(around.said_after(span.end, spec.words));
    let said = if before < enough { after() } else { before };
    let clearly = match said {
        Said::This => 79,
        Said::Some => 65,
        Said::Nothing => 60,
    };
    let validated = spec.check.validates;
    let score: u8 = if validated { clearly + 20 } else { clearly };
    (said >= enough).then_some(Hit { span, score, detector: spec.name, validated })
}

/// Whether a number may start at `start`: not inside a word, a longer number, an amount or a path.
pub(super) fn may_start(view: &View<'_>, start: usize) -> bool {
    let before = view.back(start, 1);
    let further = view.back(start, 2);
    match before {
        b'.' | b'-' | b'/' | b':' => {
            let goes_on = is_word(further) || start > 1 && view.is_taken_out(start - 2);
            !(goes_on || start > 0 && digit_before(view, start - 1))
        }
        b'$' | b'+' | b'#' | b'@' | b'%' | b'&' | b'\\' => false,
        _ => !is_word(before),
    }
}

/// Whether a number may end at `end`.
fn may_end(view: &View<'_>, end: usize) -> bool {
    let next = view.get(end);
    if goes_on(next) || (next >= 0x80 && digit(view, end).is_some()) {
        return false;
    }
    match next {
        b'-' | b'.' | b'/' | b':' => !goes_on(view.get(end + 1)),
        b'@' | b'%' | b'\\' => false,
        _ => true,
    }
}

/// Whether a group of digits and a space stand before. What was taken out may have been one: a number
/// is read the same before and after it was.
fn number_before(view: &View<'_>, start: usize) -> bool {
    view.back(start, 1) == b' '
        && start > 1
        && (digit_before(view, start - 1) || view.is_taken_out(start - 2))
}

/// Whether a space and a digit follow, or what was taken out.
fn number_after(view: &View<'_>, end: usize) -> bool {
    view.get(end) == b' ' && (digit(view, end + 1).is_some() || view.is_taken_out(end + 1))
}
