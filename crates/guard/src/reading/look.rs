//! Looks at every byte of a text that cost next to nothing, and tell that it holds no disguise of a
//! kind: written so that the compiler turns them into instructions for many bytes at once.

/// How many bytes are looked at together.
const STRIDE: usize = 64;

/// Signs that stand for letters inside words.
pub(super) const fn is_sign(byte: u8) -> bool {
    matches!(byte, b'@' | b'$' | b'!' | b'|')
}

const fn letter(byte: u8) -> bool {
    (byte | 0x20).wrapping_sub(b'a') < 26
}

const fn digit(byte: u8) -> bool {
    byte.wrapping_sub(b'0') < 10
}

/// Whether a word could mix letters with digits or signs before its end, which has signs of its own:
/// a digit or a sign before a letter, or a digit behind a letter or a sign.
pub(super) fn mixes(text: &[u8]) -> bool {
    let mixed = |first: u8, next: u8| {
        (digit(first) | is_sign(first)) & letter(next)
            | (letter(first) | is_sign(first)) & digit(next)
    };
    let (firsts, nexts) = (text, text.get(1..).unwrap_or_default());
    let (strides, rest) = nexts.as_chunks::<STRIDE>();
    let (also, _) = firsts.as_chunks::<STRIDE>();
    let any = |firsts: &[u8], nexts: &[u8]| {
        firsts.iter().zip(nexts).fold(false, |any, (first, next)| any | mixed(*first, *next))
    };
    also.iter().zip(strides).any(|(firsts, nexts)| any(firsts, nexts))
        || any(firsts.get(nexts.len() - rest.len()..).unwrap_or_default(), rest)
}

/// How many letters and digits stand alone in ASCII.
pub(super) fn alone(text: &[u8]) -> usize {
    let joins = |byte: u8| letter(byte) | digit(byte);
    let count = |before: &[u8], these: &[u8], after: &[u8]| -> u8 {
        let three = before.iter().zip(these).zip(after);
        three.fold(0, |count, ((before, this), after)| {
            count + u8::from(joins(*this) & !joins(*before) & !joins(*after))
        })
    };
    // The two ends have one neighbour each.
    let (Some(first), Some(last)) = (text.first(), text.last()) else { return 0 };
    let [Some(second), Some(before_last)] = [text.get(1), text.iter().nth_back(1)] else {
        return usize::from(joins(*first));
    };
    let ends = usize::from(joins(*first) & !joins(*second))
        + usize::from(joins(*last) & !joins(*before_last));
    let inner = text.chunks(STRIDE).enumerate().map(|(stride, before)| {
        let from = |ahead: usize| text.get(stride * STRIDE + ahead..).unwrap_or_default();
        let (these, after) = (from(1), from(2));
        match (before.first_chunk::<STRIDE>(), these.first_chunk(), after.first_chunk()) {
            (Some(before), Some(these), Some(after)) => {
                let (these, after): (&[u8; STRIDE], &[u8; STRIDE]) = (these, after);
                usize::from(count(before, these, after))
            }
            _ => usize::from(count(before, these, after)),
        }
    });
    ends + inner.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_sign_behind_a_word_mixes_nothing() {
        for text in ["done!", "a|", "(300)", "x", "", "no digits here!!", "$", "5 $ 5"] {
            assert!(!mixes(text.as_bytes()), "{text}");
        }
        for text in ["1gn0re", "a1", "1a", "p@ss", "ab$5", "$5"] {
            assert!(mixes(text.as_bytes()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_could_be_mixed_is_seen(text in "[a1@! ]{0,200}") {
            let words = text.split(' ').map(|word| word.trim_end_matches('!').trim_end_matches(['!', '@']));
            let mixed = |word: &str| {
                let letters = word.bytes().filter(u8::is_ascii_alphabetic).count();
                letters > 0 && letters < word.len()
            };
            for word in words {
                prop_assert!(!mixed(word) || mixes(text.as_bytes()), "{word}");
            }
        }

        #[test]
        fn what_stands_alone_is_counted_at_every_place(text in "[a1. -]{0,200}") {
            let words = text.split(|c: char| !c.is_alphanumeric());
            prop_assert_eq!(alone(text.as_bytes()), words.filter(|word| word.len() == 1).count());
        }
    }
}
