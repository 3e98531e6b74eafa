//! Degrees of adjectives: `deepest` and `deeper` are forms of `deep`, which no rule of suffixes can know.

use std::collections::HashMap;
use std::sync::OnceLock;

/// Adjectives of one or two syllables that are compared by endings.
const GRADABLE: &str = include_str!("gradable.txt");

/// The adjective that a folded word is a comparative or superlative of.
pub(super) fn positive(word: &str) -> Option<&'static str> {
    static FORMS: OnceLock<HashMap<String, &'static str>> = OnceLock::new();
    let forms = FORMS.get_or_init(|| {
        GRADABLE
            .split_whitespace()
            .flat_map(|base| {
                let before = before_ending(base);
                ["er", "est"].map(|ending| (format!("{before}{ending}"), base))
            })
            .collect()
    });
    forms.get(word).copied()
}

/// What stands before the ending: `larg`, `dri`, `bigg`, `deep`.
fn before_ending(base: &str) -> String {
    let is_vowel = |c: char| "aeiou".contains(c);
    let mut last = base.chars().rev();
    let tail = (last.next(), last.next(), last.next());
    match tail {
        (Some('e'), _, _) => base.trim_end_matches('e').to_owned(),
        (Some('y'), Some(c), _) if !is_vowel(c) => format!("{}i", base.trim_end_matches('y')),
        (Some(end), Some(vowel), Some(c))
            if !is_vowel(end) && !"wxy".contains(end) && is_vowel(vowel) && !is_vowel(c) =>
        {
            format!("{base}{end}")
        }
        _ => base.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparatives_and_superlatives_belong_to_their_adjective() {
        for (form, base) in [
            ("deepest", "deep"),
            ("larger", "large"),
            ("driest", "dry"),
            ("biggest", "big"),
            ("lower", "low"),
        ] {
            assert_eq!(positive(form), Some(base), "{form}");
        }
        assert_eq!(positive("number"), None);
        assert_eq!(positive("deep"), None);
    }
}
