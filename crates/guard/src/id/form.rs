//! How identity numbers are written, and all ways of writing them at once.
//!
//! A form is a line of characters: `d` a digit, `U` a letter, `x` either, ` ` a space, `-` a hyphen
//! or dash, `_` a space or a hyphen, `.`, `/`, `(` and `)` themselves. After a `>` the number may
//! end behind any character.

use super::check::Check;

/// Most characters of a form.
pub(super) const MOST: usize = 44;
/// Most forms of a table.
const FORMS: usize = WORDS * 64;
const WORDS: usize = 4;

/// A kind of number.
pub(super) struct Spec {
    /// The detector's name: the country's code and the number's usual name.
    pub(super) name: &'static str,
    /// Ways of writing it that need no words around them.
    pub(super) clear: &'static [&'static str],
    /// Ways of writing it that other numbers are written in, too.
    pub(super) vague: &'static [&'static str],
    /// Whether the words must name this kind of number, and not just some identity number.
    pub(super) strict: bool,
    /// What the characters, without separators and in capitals, must fulfil.
    pub(super) check: Check,
    /// Words that name it, in lower case.
    pub(super) words: &'static [&'static str],
}

/// The class of a character of a text.
#[derive(Clone, Copy)]
pub(super) enum Class {
    Digit,
    Letter,
    Space,
    Dash,
    Dot,
    Slash,
    Open,
    Close,
}

const CLASSES: usize = 8;

/// A set of forms.
#[derive(Clone, Copy)]
pub(super) struct Set([u64; WORDS]);

impl Set {
    const NONE: Self = Self([0; WORDS]);

    pub(super) fn is_empty(self) -> bool {
        self.0 == [0; WORDS]
    }

    pub(super) fn and(self, other: &Self) -> Self {
        Self(std::array::from_fn(|i| word(&self, i) & word(other, i)))
    }

    fn add(&mut self, form: usize) {
        if let Some(word) = self.0.get_mut(form / 64) {
            *word |= 1 << (form % 64);
        }
    }

    /// The numbers of the forms in the set.
    pub(super) fn iter(self) -> impl Iterator<Item = usize> + Clone {
        self.0.into_iter().enumerate().flat_map(|(i, bits)| {
            std::iter::successors(Some(bits), |bits| Some(bits & bits.wrapping_sub(1)))
                .take_while(|bits| *bits != 0)
                .map(move |bits| i * 64 + bits.trailing_zeros() as usize)
        })
    }
}

fn word(set: &Set, i: usize) -> u64 {
    set.0.get(i).copied().unwrap_or(0)
}

/// One way of writing one kind of number.
#[derive(Clone, Copy)]
pub(super) struct Form {
    pub(super) spec: &'static Spec,
    /// Whether it needs no words around it.
    pub(super) clear: bool,
    /// Whether spaces divide it.
    pub(super) spaced: bool,
}

/// A table of kinds of numbers, made ready.
pub(super) struct Forms {
    known: Vec<Form>,
    /// The forms that go on with a class at a place.
    goes_on: Vec<[Set; CLASSES]>,
    /// The forms of a length.
    ends: Vec<Set>,
    all: Set,
}

impl Forms {
    pub(super) fn new<'t>(specs: impl Iterator<Item = &'static Spec> + 't) -> Self {
        let mut this = Self {
            known: Vec::new(),
            goes_on: vec![[Set::NONE; CLASSES]; MOST],
            ends: vec![Set::NONE; MOST + 1],
            all: Set::NONE,
        };
        for spec in specs {
            spec.clear.iter().for_each(|form| this.add(spec, form, true));
            spec.vague.iter().for_each(|form| this.add(spec, form, false));
        }
        debug_assert!(this.known.len() <= FORMS, "{} forms", this.known.len());
        this
    }

    fn add(&mut self, spec: &'static Spec, written: &str, clear: bool) {
        let number = self.known.len();
        let least = written.find('>').unwrap_or(written.len());
        let signs = written.bytes().filter(|sign| *sign != b'>');
        debug_assert!(signs.clone().count() <= MOST, "{written}");
        for (i, (place, sign)) in self.goes_on.iter_mut().zip(signs).enumerate() {
            let classes = accepted(sign);
            for class in classes {
                if let Some(set) = place.get_mut(*class as usize) {
                    set.add(number);
                }
            }
            let ends = i + 1 >= least && matches!(sign, b'd' | b'U' | b'x' | b')');
            if let Some(set) = self.ends.get_mut(i + 1).filter(|_| ends) {
                set.add(number);
            }
        }
        self.all.add(number);
        let spaced = written.contains([' ', '_']);
        self.known.push(Form { spec, clear, spaced });
    }

    /// Every form.
    pub(super) fn all(&self) -> Set {
        self.all
    }

    /// Those of `set` that go on with `class` at `place`.
    pub(super) fn step(&self, set: Set, place: usize, class: Class) -> Set {
        let next = self.goes_on.get(place).and_then(|place| place.get(class as usize));
        next.map_or(Set::NONE, |next| set.and(next))
    }

    /// Whether some of `set` are `length` characters long.
    pub(super) fn end(&self, set: Set, length: usize) -> bool {
        self.ends.get(length).is_some_and(|ends| !set.and(ends).is_empty())
    }

    /// Those of `set` that are `length` characters long.
    pub(super) fn ended(&self, set: Set, length: usize) -> impl Iterator<Item = Form> + Clone {
        let ended = self.ends.get(length).map_or(Set::NONE, |ends| set.and(ends));
        ended.iter().filter_map(|form| self.known.get(form).copied())
    }
}

fn accepted(sign: u8) -> &'static [Class] {
    match sign {
        b'd' => &[Class::Digit],
        b'U' => &[Class::Letter],
        b'x' => &[Class::Digit, Class::Letter],
        b' ' => &[Class::Space],
        b'-' => &[Class::Dash],
        b'_' => &[Class::Space, Class::Dash],
        b'.' => &[Class::Dot],
        b'/' => &[Class::Slash],
        b'(' => &[Class::Open],
        b')' => &[Class::Close],
        _ => &[],
    }
}
