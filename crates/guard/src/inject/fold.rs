//! Text as it is compared with stems: lower case, without accents and vowel signs, `_` as a space; with
//! the way back.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// A text as it is compared.
pub(super) struct Folded {
    pub(super) text: String,
    /// For each byte of `text`, where its character stands in the source; one more for the end.
    /// `None`: at the same place.
    source: Option<Vec<usize>>,
    /// Names as programs have them, `send_note`, whose `_` are spaces here.
    pub(super) identifiers: Vec<Range<usize>>,
}

impl Folded {
    pub(super) fn of(source: &str) -> Self {
        if source.is_ascii() && !source.contains('_') {
            let (text, identifiers) = (source.to_ascii_lowercase(), Vec::new());
            return Self { text, source: None, identifiers };
        }
        let mut places = Vec::with_capacity(source.len() + 1);
        let mut folded = Self {
            text: String::with_capacity(source.len()),
            source: None,
            identifiers: Vec::new(),
        };
        let (mut begun, mut joined) = (0, false);
        for (at, letter) in source.char_indices() {
            let here = folded.text.len();
            if !(letter.is_ascii_alphabetic() || letter == '_') {
                if joined && here - begun > 4 {
                    folded.identifiers.push(begun..here);
                }
                (begun, joined) = (here + letter.len_utf8(), false);
            }
            joined |= letter == '_' && here > begun;
            for lower in letter.to_lowercase() {
                each(lower, |plain| folded.text.push(plain));
            }
            places.resize(folded.text.len(), at);
        }
        if joined && folded.text.len() - begun > 4 {
            folded.identifiers.push(begun..folded.text.len());
        }
        places.push(source.len());
        folded.source = Some(places);
        folded
    }

    /// Where a span stands in the source.
    pub(super) fn source(&self, span: Range<usize>) -> Range<usize> {
        let Some(source) = &self.source else { return span };
        let at = |byte: usize| source.get(byte).copied().unwrap_or_default();
        at(span.start)..at(span.end)
    }

    /// Spans that end with a mark that ends a sentence, a semicolon or a line.
    pub(super) fn sentences(&self) -> Vec<Range<usize>> {
        let mut spans = Vec::new();
        let mut start = 0;
        let mut ended = false;
        for (at, letter) in self.text.char_indices() {
            let ends = matches!(letter, '.' | '!' | '?' | '。' | '؟' | '।' | '\n' | ';');
            // A full stop inside a word or a number ends nothing.
            if ended && !ends && (letter.is_whitespace() || !self.text[..at].ends_with('.')) {
                push(&self.text, &mut spans, start..at);
                start = at;
            }
            ended = ends;
        }
        push(&self.text, &mut spans, start..self.text.len());
        spans
    }
}

fn push(text: &str, spans: &mut Vec<Range<usize>>, span: Range<usize>) {
    if text.get(span.clone()).is_some_and(|sentence| !sentence.trim().is_empty()) {
        spans.push(span);
    }
}

/// Lower case and folded, for the stems.
pub(super) fn folded(stem: &str) -> String {
    Folded::of(&stem.nfkc().collect::<String>()).text
}

/// What a lower-case letter is compared as; nothing for a mark.
fn each(letter: char, mut push: impl FnMut(char)) {
    match letter {
        '_' => push(' '),
        '\u{2018}' | '\u{2019}' => push('\''),
        'ß' => {
            push('s');
            push('s');
        }
        'ø' => push('o'),
        'ı' => push('i'),
        'ё' => push('е'),
        'آ' | 'أ' | 'إ' | 'ٱ' => push('ا'),
        'ى' => push('ي'),
        'ة' => push('ه'),
        '\u{0640}'
        | '\u{064b}'..='\u{065f}'
        | '\u{0670}'
        | '\u{093c}'
        | '\u{0300}'..='\u{036f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{00ad}'
        | '\u{feff}' => {}
        'à'..='ɏ' | 'ḁ'..='ỿ' | '\u{0958}'..='\u{095f}' => {
            std::iter::once(letter).nfd().filter(|part| !is_combining_mark(*part)).for_each(push);
        }
        _ => push(letter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_compared_without_case_accents_and_vowel_signs_and_leads_back() {
        let text = "Olvídalo_Ё أَنْت";
        let folded = Folded::of(text);
        assert_eq!(folded.text, "olvidalo е انت");
        assert_eq!(&text[folded.source(0..5)], "Olvíd");
        assert_eq!(folded.source(0..folded.text.len()), 0..text.len());
    }

    #[test]
    fn a_sentence_ends_with_its_mark_and_a_point_in_a_number_ends_none() {
        let folded = Folded::of("Pay 2.50 now! 好。第二句\nlast");
        let said: Vec<&str> =
            folded.sentences().into_iter().map(|span| folded.text[span].trim()).collect();
        assert_eq!(said, ["pay 2.50 now!", "好。", "第二句", "last"]);
    }
}
