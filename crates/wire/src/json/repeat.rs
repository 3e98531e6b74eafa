//! A stream repeats itself: most of its frames differ from the one before in a few words, a
//! number, some padding. Such a frame is compared instead of read. What it says is what its
//! decoder made of the one before, with the new words.
//!
//! The law: a frame is taken for a repetition only where reading it would give the same values in
//! every place but the named ones. It holds because these are whole JSON values, everything around
//! them is the same byte for byte, and what stands there now was read as one value too.

use std::borrow::Cow;
use std::ops::Range;

use serde::de::Deserialize;
use serde_json::value::RawValue;

use super::read::Reader;

/// Frames in a row that are remembered for nothing before no more are.
const PATIENCE: u8 = 8;
/// Values that may differ.
const MOST: usize = 3;

/// A value of a frame that another frame may have otherwise, as it is written there.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Differs<'a> {
    /// The characters of a string: the new words. Just one of the values.
    Words(&'a str),
    /// A value that the decoder reads anew.
    Value(&'a RawValue),
    /// A value that the decoder does not look at.
    Ignored(&'a RawValue),
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Words,
    Value,
    Ignored,
}

/// The frame before, and what its decoder made of it.
#[derive(Debug)]
pub(crate) struct Repeat<K> {
    text: String,
    event: String,
    places: Vec<(Range<usize>, Kind)>,
    meaning: Option<K>,
    /// Frames remembered since one was repeated.
    wasted: u8,
}

/// What a repetition says anew.
#[derive(Debug)]
pub(crate) struct Anew<'a> {
    pub(crate) words: Cow<'a, str>,
    pub(crate) value: Option<&'a RawValue>,
}

impl<K> Default for Repeat<K> {
    fn default() -> Self {
        let (text, event) = (String::new(), String::new());
        Self { text, event, places: Vec::new(), meaning: None, wasted: 0 }
    }
}

/// Where a piece of a text stands in it; `None` for a piece of something else.
fn place(text: &str, piece: &str) -> Option<Range<usize>> {
    let start = piece.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    let end = start.checked_add(piece.len())?;
    (end <= text.len()).then_some(start..end)
}

impl<K: Copy> Repeat<K> {
    /// Remembers a frame (its text is the trimmed one) that says `meaning` with some words, and
    /// nothing else that a frame before did not say.
    pub(crate) fn remember<'a>(
        &mut self,
        (event, text): (Option<&str>, &str),
        differs: impl IntoIterator<Item = Differs<'a>>,
        meaning: K,
    ) {
        self.meaning = None;
        if self.wasted >= PATIENCE {
            return;
        }
        self.places.clear();
        for differs in differs {
            let (found, kind) = match differs {
                // With its quotes: then it is a whole value.
                Differs::Words(words) => {
                    let inside = place(text, words);
                    (inside.and_then(|at| Some(at.start.checked_sub(1)?..at.end + 1)), Kind::Words)
                }
                Differs::Value(raw) => (place(text, raw.get()), Kind::Value),
                Differs::Ignored(raw) => (place(text, raw.get()), Kind::Ignored),
            };
            let Some(found) = found else { return };
            self.places.push((found, kind));
        }
        self.places.sort_unstable_by_key(|(place, _)| place.start);
        let apart = self.places.windows(2).all(|pair| match pair {
            [(before, _), (after, _)] => before.end <= after.start,
            _ => true,
        });
        if !apart || self.places.len() > MOST {
            return;
        }
        self.text.clear();
        self.text.push_str(text);
        self.event.clear();
        self.event.push_str(event.unwrap_or_default());
        self.meaning = Some(meaning);
        self.wasted += 1;
    }

    /// What a frame says anew, if it repeats the one that is remembered, and the meaning of that.
    /// Of a frame that says something else its decoder has to remember anew: what stood in several
    /// frames may change and change back.
    pub(crate) fn of<'a>(
        &mut self,
        (event, text): (Option<&str>, &'a str),
    ) -> Option<(Anew<'a>, K)> {
        let meaning = self.meaning?;
        let anew = self.compared(event, text);
        if anew.is_some() {
            self.wasted = 0;
        } else {
            self.meaning = None;
        }
        anew.map(|anew| (anew, meaning))
    }

    fn compared<'a>(&self, event: Option<&str>, text: &'a str) -> Option<Anew<'a>> {
        if event.unwrap_or_default() != self.event {
            return None;
        }
        let (mut reader, mut done) = (Reader::new(text), 0);
        let mut anew = Anew { words: Cow::Borrowed(""), value: None };
        for (place, kind) in &self.places {
            reader.same(self.text.get(done..place.start)?)?;
            done = place.end;
            match kind {
                Kind::Words => anew.words = reader.words()?,
                Kind::Value => anew.value = Some(<&RawValue>::deserialize(&mut reader).ok()?),
                Kind::Ignored => reader.pass()?,
            }
        }
        reader.same(self.text.get(done..)?)?;
        (reader.is_over() && !anew.words.is_empty()).then_some(anew)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Remembers a frame with words, a padding and a count, and says what becomes of another.
    fn then(first: &str, second: &str) -> Option<(String, Option<String>)> {
        #[derive(serde::Deserialize)]
        struct Said<'a> {
            #[serde(borrow)]
            words: &'a str,
            #[serde(borrow)]
            pad: &'a RawValue,
            #[serde(borrow)]
            count: &'a RawValue,
        }
        let mut repeat = Repeat::default();
        let said: Said<'_> = serde_json::from_str(first).unwrap();
        let differs =
            [Differs::Ignored(said.pad), Differs::Value(said.count), Differs::Words(said.words)];
        repeat.remember((None, first), differs, 7);
        let (anew, meaning) = repeat.of((None, second))?;
        assert_eq!(meaning, 7);
        Some((anew.words.into_owned(), anew.value.map(|raw| raw.get().to_owned())))
    }

    const FIRST: &str = r#"{"n":1,"words":"one","count":{"a":1},"pad":"xx"}"#;

    #[test]
    fn what_differs_where_it_may_is_a_repetition() {
        let said = |words: &str, count: &str| Some((words.to_owned(), Some(count.to_owned())));
        for (second, becomes) in [
            (r#"{"n":1,"words":"two","count":{"a":12},"pad":"y"}"#, said("two", r#"{"a":12}"#)),
            (r#"{"n":1,"words":"a\"\n","count":0,"pad":[{}]}"#, said("a\"\n", "0")),
            (r#"{"n":1,"words":"\u00e9","count":"\"","pad":""}"#, said("é", r#""\"""#)),
        ] {
            assert_eq!(then(FIRST, second), becomes, "{second}");
        }
    }

    #[test]
    fn what_differs_elsewhere_or_is_no_value_is_none() {
        for second in [
            r#"{"n":2,"words":"two","count":1,"pad":"y"}"#,
            r#"{"n":1,"words":"","count":1,"pad":"y"}"#,
            r#"{"n":1,"words":"two","count":1,"pad":"y"} x"#,
            r#"{"n":1,"words":"two","count":1,"pad":"y""#,
            r#"{"n":1,"words":"two","count":01,"pad":"y"}"#,
            r#"{"n":1,"words":"two","more":1,"count":1,"pad":"y"}"#,
            r#"{"n":1,"words":null,"count":1,"pad":"y"}"#,
            "{\"n\":1,\"words\":\"t\two\",\"count\":1,\"pad\":\"y\"}",
            "",
        ] {
            assert_eq!(then(FIRST, second), None, "{second}");
        }
    }

    #[test]
    fn another_event_is_none_and_what_is_not_of_the_frame_is_not_remembered() {
        let mut repeat = Repeat::default();
        repeat.remember((Some("a"), r#"{"w":"x"}"#), [], ());
        assert!(repeat.of((None, r#"{"w":"x"}"#)).is_none());
        repeat.remember((None, r#"{"w":"x"}"#), [Differs::Words("elsewhere")], ());
        assert!(repeat.meaning.is_none());
    }

    #[test]
    fn after_anything_else_nothing_is_remembered() {
        let text = r#"{"w":"x"}"#;
        let mut repeat = Repeat::default();
        repeat.remember((None, text), [Differs::Words(&text[6..7])], ());
        assert!(repeat.of((None, r#"{"w":"y"}"#)).is_some());
        assert!(repeat.of((None, r#"{"v":"y"}"#)).is_none());
        assert!(repeat.of((None, r#"{"w":"y"}"#)).is_none());
    }

    #[test]
    fn a_stream_that_does_not_repeat_itself_is_given_up() {
        let mut repeat = Repeat::default();
        for count in 0..=PATIENCE {
            let text = format!(r#"{{"n":{count},"w":"x"}}"#);
            let words = text.get(text.len() - 3..text.len() - 2).unwrap();
            repeat.remember((None, &text), [Differs::Words(words)], ());
            assert_eq!(repeat.meaning.is_some(), count < PATIENCE);
        }
    }
}
