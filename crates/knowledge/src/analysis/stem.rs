//! English stems: the Snowball rules plus the irregular forms that no suffix rule reaches.

use std::cell::RefCell;
use std::collections::HashMap;

use rust_stemmers::{Algorithm, Stemmer};

use super::comparison::positive;

/// Irregular forms and the word they belong to.
const IRREGULAR: &[(&str, &str)] = &[
    ("paid", "pay"),
    ("sent", "send"),
    ("bought", "buy"),
    ("sold", "sell"),
    ("kept", "keep"),
    ("lost", "lose"),
    ("broken", "break"),
    ("broke", "break"),
    ("took", "take"),
    ("taken", "take"),
    ("gave", "give"),
    ("given", "give"),
    ("went", "go"),
    ("gone", "go"),
    ("made", "make"),
    ("held", "hold"),
    ("told", "tell"),
    ("found", "find"),
    ("left", "leave"),
    ("met", "meet"),
    ("chosen", "choose"),
    ("chose", "choose"),
    ("written", "write"),
    ("wrote", "write"),
    ("written", "write"),
    ("ran", "run"),
    ("running", "run"),
    ("began", "begin"),
    ("begun", "begin"),
    ("brought", "bring"),
    ("built", "build"),
    ("caught", "catch"),
    ("came", "come"),
    ("done", "do"),
    ("drawn", "draw"),
    ("driven", "drive"),
    ("fell", "fall"),
    ("fallen", "fall"),
    ("forgot", "forget"),
    ("forgotten", "forget"),
    ("frozen", "freeze"),
    ("froze", "freeze"),
    ("got", "get"),
    ("gotten", "get"),
    ("grew", "grow"),
    ("grown", "grow"),
    ("heard", "hear"),
    ("hidden", "hide"),
    ("knew", "know"),
    ("known", "know"),
    ("led", "lead"),
    ("lent", "lend"),
    ("meant", "mean"),
    ("said", "say"),
    ("seen", "see"),
    ("saw", "see"),
    ("shown", "show"),
    ("slept", "sleep"),
    ("spent", "spend"),
    ("spoken", "speak"),
    ("spoke", "speak"),
    ("stolen", "steal"),
    ("stood", "stand"),
    ("stuck", "stick"),
    ("sworn", "swear"),
    ("taught", "teach"),
    ("thrown", "throw"),
    ("threw", "throw"),
    ("thought", "think"),
    ("understood", "understand"),
    ("woken", "wake"),
    ("worn", "wear"),
    ("won", "win"),
    ("men", "man"),
    ("women", "woman"),
    ("children", "child"),
    ("people", "person"),
    ("feet", "foot"),
    ("mice", "mouse"),
    ("knives", "knife"),
    ("lives", "life"),
    ("wives", "wife"),
    ("shelves", "shelf"),
    ("halves", "half"),
    ("loaves", "loaf"),
    ("thieves", "thief"),
    ("scarves", "scarf"),
    ("teeth", "tooth"),
    ("geese", "goose"),
    ("oxen", "ox"),
    ("criteria", "criterion"),
    ("data", "datum"),
    ("bent", "bend"),
    ("shaken", "shake"),
    ("shook", "shake"),
    ("torn", "tear"),
    ("spun", "spin"),
    ("swum", "swim"),
    ("drank", "drink"),
    ("drunk", "drink"),
    ("sang", "sing"),
    ("sank", "sink"),
    ("bitten", "bite"),
    ("blown", "blow"),
    ("laid", "lay"),
    ("dealt", "deal"),
    ("felt", "feel"),
    ("fought", "fight"),
    ("sought", "seek"),
    ("shot", "shoot"),
    ("struck", "strike"),
    ("swept", "sweep"),
    ("dug", "dig"),
    ("hung", "hang"),
    ("rode", "ride"),
    ("ridden", "ride"),
    ("risen", "rise"),
    ("rose", "rise"),
    ("drove", "drive"),
    ("drew", "draw"),
    ("flew", "fly"),
    ("slid", "slide"),
    ("stole", "steal"),
    ("became", "become"),
    ("indices", "index"),
    ("indexes", "index"),
    ("matrices", "matrix"),
    ("better", "good"),
    ("best", "good"),
    ("fewer", "few"),
    ("dying", "die"),
    ("ate", "eat"),
    ("eaten", "eat"),
    ("fed", "feed"),
    ("flown", "fly"),
];

thread_local! {
    static STEMS: RefCell<HashMap<String, String>> = RefCell::new(HashMap::new());
}

/// Above this many remembered words the memory starts anew; a document set rarely has more.
const REMEMBERED: usize = 50_000;

/// The stem of a folded word. Numbers and short words are their own stem.
pub fn stem(word: &str) -> String {
    if word.len() < 3 || !word.bytes().all(|b| b.is_ascii_alphabetic()) {
        return word.to_owned();
    }
    STEMS.with_borrow_mut(|known| {
        if let Some(found) = known.get(word) {
            return found.clone();
        }
        let base = IRREGULAR.iter().find(|(form, _)| *form == word).map(|(_, base)| *base);
        let base = base.or_else(|| positive(word)).unwrap_or(word);
        let stem = Stemmer::create(Algorithm::English).stem(base).into_owned();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(word.to_owned(), stem.clone());
        stem
    })
}

/// How near two stems are that begin alike: 0.9 for forms of one word that the stemmer keeps apart (`deliver`, `deliveri`), 0.7 for a
/// word and a compound of it (`crypto`, `cryptocurr`), else 0.
pub fn kinship(a: &str, b: &str) -> f64 {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if short.len() < 5
        || !long.starts_with(short)
        || !short.bytes().all(|b| b.is_ascii_alphabetic())
    {
        return 0.0;
    }
    if long.len() - short.len() <= 3 {
        0.9
    } else if short.len() >= 6 {
        0.7
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_one_word_share_a_stem() {
        for (a, b) in [
            ("returns", "returned"),
            ("paid", "pays"),
            ("approval", "approve"),
            ("policies", "policy"),
            ("sent", "sending"),
        ] {
            assert_eq!(stem(a), stem(b), "{a} {b}");
        }
        assert_eq!(stem("2.5"), "2.5");
    }

    #[test]
    fn kin_are_long_words_that_differ_in_a_short_ending() {
        assert!(kinship(&stem("deliver"), &stem("delivery")) > 0.8);
        assert!(kinship(&stem("crypto"), &stem("cryptocurrency")) > 0.5);
        for (a, b) in [("plan", "plane"), ("contract", "contrast"), ("inter", "internation")] {
            assert!(kinship(a, b) < 0.1, "{a} {b}");
        }
    }
}
