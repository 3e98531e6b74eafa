//! Reads the number that starts at a place, by every form at once.

use std::ops::Range;

use super::form::{Class, Form, Forms, MOST, State};
use super::words::{Around, Said};
use crate::digits::{Separator, digit, digit_before, separator};
use crate::layer::Hit;
use crate::view::{View, goes_on, is_word};

/// The characters of a number, without what divides them.
struct Characters {
    text: [u8; MOST],
    length: usize,
    /// Whether a small letter is among them.
    small: bool,
}

impl Characters {
    fn push(&mut self, character: u8) {
        self.small |= character.is_ascii_lowercase();
        if let Some(place) = self.text.get_mut(self.length) {
            *place = character.to_ascii_uppercase();
            self.length += 1;
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
    let mut read = Characters { text: [0; MOST], length: 0, small: false };
    let (mut state, mut end) = (State::START, start);
    let around = Around::new(view, start);
    let mut best: Option<Hit> = None;
    while let Some((class, character, width)) = character(view, end) {
        let Some(next) = forms.step(state, class) else { break };
        state = next;
        if matches!(class, Class::Digit | Class::Letter) {
            read.push(character);
        }
        end += width;
        if forms.ends(state) && may_end(view, end) {
            best = named(view, start..end, &read, forms.ended(state), &around).or(best);
        }
    }
    best
}

/// The best of the forms that end here. Where the words before name one of them, it is that or
/// nothing.
fn named(
    view: &View<'_>,
    span: Range<usize>,
    read: &Characters,
    forms: impl Iterator<Item = Form> + Clone,
    around: &Around<'_, '_>,
) -> Option<Hit> {
    let divided = number_before(view, span.start) || number_after(view, span.end);
    let holds = |form: &Form| !(form.spaced && divided) && (form.spec.check.holds)(read.text());
    // Most numbers are none: the words are not even read.
    if !forms.clone().any(|form| holds(&form)) {
        return None;
    }
    let is_named = |form: &Form| around.said_before(form.spec.words) == Said::This;
    let some_named = forms.clone().any(|form| is_named(&form));
    forms
        .filter(|form| holds(form) && (!some_named || is_named(form)))
        .filter_map(|form| hit(span.clone(), read, form, around))
        .max_by_key(|hit| hit.score)
}

/// What stands at `at`: its class, the character in ASCII, and its width.
fn character(view: &View<'_>, at: usize) -> Option<(Class, u8, usize)> {
    let byte = view.get(at);
    if byte.is_ascii_alphabetic() {
        return Some((Class::Letter, byte, 1));
    }
    if let Some((value, width)) = digit(view, at) {
        return Some((Class::Digit, b'0' + value, width));
    }
    match byte {
        b'/' => Some((Class::Slash, byte, 1)),
        b'(' => Some((Class::Open, byte, 1)),
        b')' => Some((Class::Close, byte, 1)),
        _ => separator(view, at).map(|(separator, width)| {
            let class = match separator {
                Separator::Space => Class::Space,
                Separator::Dash => Class::Dash,
                Separator::Dot => Class::Dot,
            };
            (class, byte, width)
        }),
    }
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
