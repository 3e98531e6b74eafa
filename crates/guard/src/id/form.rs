//! How identity numbers are written, and all ways of writing them at once.
//!
//! A form is a line of characters: `d` a digit, `U` a letter, `x` either, ` ` a space, `-` a hyphen
//! or dash, `_` a space or a hyphen, `.`, `/`, `(` and `)` themselves. After a `>` the number may
//! end behind any character.

use std::collections::HashMap;
use std::ops::Range;

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

impl Spec {
    /// How it is told, in words.
    pub(super) fn about(&self) -> String {
        let check = if self.check.validates { "its check digits" } else { "its structure" };
        let words = self.words.first().copied().unwrap_or_default();
        let context = match (self.clear.is_empty(), self.strict) {
            (false, _) => "also without words around it that say so",
            (true, false) => "where words say that an identity number is meant",
            (true, true) => "where words name it",
        };
        let form = self.clear.first().or(self.vague.first()).copied().unwrap_or_default();
        format!("written like {form}; {check}; {context}, such as {words}")
    }

    /// Its ways of writing as a regular expression.
    pub(super) fn shape(&self) -> String {
        let forms = self.clear.iter().chain(self.vague).map(|form| {
            let (least, more) = form.split_once('>').unwrap_or((form, ""));
            let mut shape: String = least.bytes().map(expression).collect();
            for sign in more.bytes() {
                shape.push_str("(?:");
                shape.push_str(expression(sign));
            }
            shape.push_str(&")?".repeat(more.len()));
            shape
        });
        forms.collect::<Vec<_>>().join("|")
    }
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    /// For each state, the one after each class.
    after: Vec<[State; CLASSES]>,
    /// For each state, which of `ending` end there.
    ended: Vec<Range<usize>>,
    ending: Vec<Form>,
}

/// What has been read of a number: the forms that may still come, and, in the highest bit, whether
/// some of them end here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State(u16);

impl State {
    const NONE: Self = Self(0);
    /// Where reading begins: every form may still come.
    pub(super) const START: Self = Self(1);
    const ENDS: u16 = 1 << 15;

    /// Whether some of its forms end there.
    pub(super) const fn ends(self) -> bool {
        self.0 & Self::ENDS != 0
    }

    fn number(self) -> usize {
        usize::from(self.0 & !Self::ENDS)
    }
}

impl Forms {
    pub(super) fn new<'t>(specs: impl Iterator<Item = &'static Spec> + 't) -> Self {
        let mut this = Self {
            known: Vec::new(),
            goes_on: vec![[Set::NONE; CLASSES]; MOST],
            ends: vec![Set::NONE; MOST + 1],
            all: Set::NONE,
            after: Vec::new(),
            ended: Vec::new(),
            ending: Vec::new(),
        };
        for spec in specs {
            spec.clear.iter().for_each(|form| this.add(spec, form, true));
            spec.vague.iter().for_each(|form| this.add(spec, form, false));
        }
        debug_assert!(this.known.len() <= FORMS, "{} forms", this.known.len());
        this.determine();
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

    /// Those of a state's forms that go on with `class`; nothing where none does.
    pub(super) fn step(&self, state: State, class: Class) -> Option<State> {
        let after = self.after.get(state.number())?;
        let next = after.get(class as usize).copied().unwrap_or(State::NONE);
        (next != State::NONE).then_some(next)
    }

    /// Those of a state's forms that end there.
    pub(super) fn ended(&self, state: State) -> &[Form] {
        self.ended
            .get(state.number())
            .and_then(|forms| self.ending.get(forms.clone()))
            .unwrap_or_default()
    }

    /// Makes every state that can be reached, so that a character is one look into a table.
    fn determine(&mut self) {
        // What has been read says which forms may still come, and how many characters they have.
        let mut states = vec![(Set::NONE, 0), (self.all, 0)];
        let mut numbers: HashMap<(Set, usize), u16> = HashMap::new();
        while let Some((set, length)) = states.get(self.after.len()).copied() {
            let begins = self.ending.len();
            let ends = self.ends.get(length).map_or(Set::NONE, |ends| set.and(ends));
            self.ending.extend(ends.iter().filter_map(|form| self.known.get(form).copied()));
            self.ended.push(begins..self.ending.len());
            let mut after = [State::NONE; CLASSES];
            for (class, to) in after.iter_mut().enumerate() {
                let place = self.goes_on.get(length).and_then(|place| place.get(class));
                let next = place.map_or(Set::NONE, |going| set.and(going));
                let free = u16::try_from(states.len()).ok().filter(|free| *free < State::ENDS);
                let Some(free) = free.filter(|_| !next.is_empty()) else { continue };
                let number = *numbers.entry((next, length + 1)).or_insert(free);
                if number == free {
                    states.push((next, length + 1));
                }
                let ends = self.ends.get(length + 1);
                let ends = ends.is_some_and(|ends| !next.and(ends).is_empty());
                *to = State(number | if ends { State::ENDS } else { 0 });
            }
            self.after.push(after);
        }
        debug_assert!(states.len() < usize::from(State::ENDS), "{} states", states.len());
    }
}

/// A sign of a form in a regular expression.
const fn expression(sign: u8) -> &'static str {
    match sign {
        b'd' => "[0-9]",
        b'U' => "[A-Za-z]",
        b'x' => "[0-9A-Za-z]",
        b'_' => "[ -]",
        b'-' => "-",
        b'.' => r"\.",
        b'/' => "/",
        b'(' => r"\(",
        b')' => r"\)",
        _ => " ",
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
