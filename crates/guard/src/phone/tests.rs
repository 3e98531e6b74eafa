use crate::finding::Kind;
use crate::layer::run;
use crate::policy::{Action, Policy};

fn numbers(text: &str) -> Vec<&str> {
    let found = run(text, Policy::all(Action::Warn));
    let of_kind = found.findings.iter().filter(|f| f.kind == Kind::Phone);
    of_kind.map(|f| &text[f.span.clone()]).collect()
}

#[test]
fn international_numbers_need_no_context() {
    for number in [
        "+14155552671",
        "+1 415 555 2671",
        "+1 (415) 555-2671",
        "+91 98765 43210",
        "+91-9876543210",
        "+44 20 7946 0958",
        "+44 (0)20 7946 0958",
        "+49 30 901820",
        "+353 1 234 5678",
        "+971 50 123 4567",
    ] {
        assert_eq!(numbers(number), [number]);
        assert_eq!(numbers(&format!("({number}) 2024")), [number]);
    }
}

#[test]
fn north_american_numbers_are_told_by_their_marks() {
    for number in ["(415) 555-2671", "415-555-2671", "415.555.2671", "1-415-555-2671"] {
        assert_eq!(numbers(&format!("see {number}.")), [number]);
    }
}

#[test]
fn national_numbers_are_told_by_the_words_before() {
    for (before, number) in [
        ("call me at ", "4155552671"),
        ("Phone: ", "415 555 2671"),
        ("mobile no. ", "9876543210"),
        ("WhatsApp ", "98765 43210"),
        ("Tel. ", "020 7946 0958"),
        ("फ़ोन/phone ", "९८७६५४३२१०"),
    ] {
        assert_eq!(numbers(&format!("{before}{number}")), [number], "{before}{number}");
        assert!(numbers(&format!("value {number}")).is_empty(), "{number}");
    }
}

#[test]
fn numbers_that_are_no_telephone_numbers_are_left_alone() {
    for text in [
        "call at 2024-01-15 10:30",
        "phone us before 01-02-2024 10",
        "1700000000",
        "call 1700000000000",
        "order 4155552671",
        "hotel 4155552671",
        "115-555-2671",
        "415-155-2671",
        "INV-415-555-2671",
        "415-555-2671-88",
        "192.168.100.2000",
        "version 10.415.555.2671",
        "+05:30",
        "+1000",
        "+1 115 555 2671",
        "@@ -1700000000,7 +1700000000,7 @@",
        "3+4155552671",
        "a+14155552671",
    ] {
        let found = numbers(text);
        assert!(found.is_empty(), "{text}: {found:?}");
    }
}

#[test]
fn no_country_has_shorter_numbers_than_texts_are_looked_at_for() {
    for (code, least, _) in super::COUNTRIES {
        assert!(code.len() + least >= super::FEWEST_DIGITS, "+{code:?}");
    }
    assert_eq!(numbers("+49 30 90182"), ["+49 30 90182"]);
    assert_eq!(numbers("+49 30 9018"), [""; 0]);
}
