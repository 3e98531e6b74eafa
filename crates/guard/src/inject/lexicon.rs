//! The stems of the concepts: for any text in one automaton, for ASCII, nearly every text, by how its
//! words begin, which takes a small part of the time and of the making.

use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::fold::folded;
use super::heads::Heads;

/// The concepts, as they are kept.
const FILE: &str = include_str!("lexicon.txt");

/// A concept: its place in [`NAMES`].
pub(super) type Concept = usize;

/// Languages whose words look like those of others, so that a stem of theirs says nothing in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tongue {
    /// English, and all with a script of their own.
    Any,
    /// Spanish, French, Portuguese.
    Romance,
    German,
}

impl Tongue {
    /// That of a line below the name of a concept.
    const fn of_line(line: usize) -> Self {
        match line {
            1 | 2 | 4 => Self::Romance,
            3 => Self::German,
            _ => Self::Any,
        }
    }
}

/// A stem found in a text.
#[derive(Clone, Debug)]
pub(super) struct Hit {
    pub(super) concept: Concept,
    pub(super) tongue: Tongue,
    pub(super) span: Range<usize>,
}

struct Stem {
    concept: Concept,
    tongue: Tongue,
    whole: bool,
    anywhere: bool,
}

/// Concept of a word that only tells a language, by which line of `[~tongue]` it stands in.
pub(super) const TONGUE: Concept = usize::MAX;

/// The lexicon, made when the first text is scored.
pub(super) static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| Lexicon::read(FILE));

pub(super) struct Lexicon {
    /// The concepts' names, without dots and hyphens.
    pub(super) names: Vec<&'static str>,
    /// How many of them are of words; those of forms follow.
    pub(super) words: usize,
    /// Of each, whether it says nothing alone.
    silent: Vec<bool>,
    stems: Vec<Stem>,
    patterns: Vec<String>,
    /// Of all stems; made when the first text comes that is not ASCII.
    automaton: OnceLock<Option<AhoCorasick>>,
    words_of: Heads,
    forms: Option<AhoCorasick>,
    /// Which stems `forms` is made of.
    forms_of: Vec<usize>,
}

impl Lexicon {
    fn read(file: &'static str) -> Self {
        let (mut names, mut silent, mut words) = (Vec::new(), Vec::new(), 0);
        let (mut stems, mut patterns) = (Vec::new(), Vec::new());
        let (mut form, mut tongue, mut at_line) = (false, false, 0);
        for line in file.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']'))
                && !name.contains(' ')
            {
                (form, tongue, at_line) = (name.starts_with('.'), name == "~tongue", 0);
                if tongue {
                    at_line = 1;
                    continue;
                }
                words += usize::from(!form);
                silent.push(name.starts_with('-'));
                names.push(name.trim_start_matches(['.', '-']));
                continue;
            }
            let of_line = if form { Tongue::Any } else { Tongue::of_line(at_line) };
            at_line += usize::from(!line.is_empty());
            for stem in line.split('|').map(str::trim).filter(|stem| !stem.is_empty()) {
                let (stem, whole) = stem.strip_suffix('$').map_or((stem, false), |s| (s, true));
                let stem = folded(&stem.replace('¦', "|"));
                let anywhere =
                    form || stem.starts_with(unspaced) || !stem.starts_with(char::is_alphanumeric);
                let concept = if tongue { TONGUE } else { names.len() - 1 };
                let whole = whole && !anywhere;
                stems.push(Stem { concept, tongue: of_line, whole, anywhere });
                patterns.push(stem);
            }
        }
        let ascii = || {
            let all = patterns.iter().map(String::as_str).zip(&stems).zip(0..);
            all.filter(|((stem, _), _)| stem.is_ascii())
        };
        let words_of = ascii().filter(|((_, stem), _)| !stem.anywhere);
        let words_of = Heads::of(words_of.map(|((stem, _), at)| (stem, at)));
        let (forms, forms_of): (Vec<&str>, _) = ascii()
            .filter(|((_, stem), _)| stem.anywhere)
            .map(|((stem, _), at)| (stem, at))
            .unzip();
        let forms = automaton(AhoCorasickKind::DFA, &forms);
        let automaton = OnceLock::new();
        Self { names, words, silent, stems, patterns, automaton, words_of, forms, forms_of }
    }

    /// Whether a concept says nothing alone.
    pub(super) fn is_silent(&self, concept: Concept) -> bool {
        self.silent.get(concept).copied().unwrap_or_default()
    }

    /// Every stem in a folded text, in the order of where they begin.
    pub(super) fn hits(&self, text: &str) -> Vec<Hit> {
        let mut hits = Vec::new();
        if text.is_ascii() {
            let mut found = |start, end, stem| self.add(&mut hits, text, start..end, stem);
            self.words_of.each(text, &mut found);
            for form in self.forms.iter().flat_map(|forms| forms.find_overlapping_iter(text)) {
                if let Some(stem) = self.forms_of.get(form.pattern().as_usize()) {
                    found(form.start(), form.end(), *stem);
                }
            }
        } else if let Some(automaton) = self.automaton() {
            for found in automaton.find_overlapping_iter(text) {
                self.add(&mut hits, text, found.range(), found.pattern().as_usize());
            }
        }
        hits.sort_by_key(|hit| (hit.span.start, hit.span.end, hit.concept));
        hits
    }

    fn automaton(&self) -> Option<&AhoCorasick> {
        let make = || automaton(AhoCorasickKind::ContiguousNFA, &self.patterns);
        self.automaton.get_or_init(make).as_ref()
    }

    /// Adds a stem that was found, where it stands as it has to.
    fn add(&self, hits: &mut Vec<Hit>, text: &str, span: Range<usize>, stem: usize) {
        let Some(stem) = self.stems.get(stem) else { return };
        let joins = |letter: char| letter.is_alphanumeric() && !unspaced(letter);
        let touches = |letter: Option<char>| letter.is_some_and(joins);
        let before = || text.get(..span.start).and_then(|before| before.chars().next_back());
        let after = || text.get(span.end..).and_then(|after| after.chars().next());
        let begins = stem.anywhere || !touches(before());
        if begins && (!stem.whole || !touches(after())) {
            hits.push(Hit { concept: stem.concept, tongue: stem.tongue, span });
        }
    }
}

/// One that finds every one of these, also where they overlap.
fn automaton(kind: AhoCorasickKind, stems: &[impl AsRef<[u8]>]) -> Option<AhoCorasick> {
    // Of a file of this crate, which a test reads.
    AhoCorasick::builder().match_kind(MatchKind::Standard).kind(Some(kind)).build(stems).ok()
}

/// Letters of scripts in which a word does not begin after a space.
fn unspaced(letter: char) -> bool {
    matches!(letter, '\u{0600}'..='\u{06ff}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_whole_and_every_concept_has_stems() {
        assert!(LEXICON.automaton().is_some() && LEXICON.forms.is_some());
        assert!(LEXICON.stems.len() > 5_000, "{}", LEXICON.stems.len());
        for (concept, name) in LEXICON.names.iter().enumerate() {
            assert!(LEXICON.stems.iter().any(|stem| stem.concept == concept), "{name} is empty");
        }
    }

    #[test]
    fn ascii_is_read_as_any_other_text() {
        for stem in LEXICON.patterns.iter().filter(|stem| stem.is_ascii()) {
            let text = format!("so {stem}, {stem}s x{stem} .");
            let spans = |text: &str| -> Vec<(usize, Range<usize>)> {
                LEXICON.hits(text).into_iter().map(|hit| (hit.concept, hit.span)).collect()
            };
            assert_eq!(spans(&text), spans(&format!("{text}\u{2014}")), "{stem}");
        }
    }

    #[test]
    fn a_stem_begins_a_word_and_one_that_is_whole_ends_it() {
        let names = |text: &str| -> Vec<&str> {
            let found = LEXICON.hits(text);
            let mut names: Vec<_> =
                found.iter().filter_map(|hit| LEXICON.names.get(hit.concept).copied()).collect();
            names.dedup();
            names
        };
        assert!(names("ignored").contains(&"override"));
        assert!(!names("signore").contains(&"override"));
        assert!(names("the ai said").contains(&"ai") && !names("the aim").contains(&"ai"));
        assert!(names("请忽略规定").contains(&"override"));
    }
}
