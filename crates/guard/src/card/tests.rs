use crate::finding::Kind;
use crate::layer::run;
use crate::policy::{Action, Policy};

/// The cards of a text, as they stand in it.
fn cards(text: &str) -> Vec<(&str, &'static str)> {
    let found = run(text, Policy::all(Action::Warn));
    let cards = found.findings.iter().filter(|f| f.kind == Kind::Card);
    cards.map(|f| (&text[f.span.clone()], f.detector)).collect()
}

#[test]
fn test_numbers_of_every_network_are_found_in_one_piece_and_in_groups() {
    for (number, grouped, network) in [
        ("4111111111111111", "4111 1111 1111 1111", "card-visa"),
        ("4222222222222", "4222 2222 2222 2", "card-visa"),
        ("5555555555554444", "5555-5555-5555-4444", "card-mastercard"),
        ("2223003122003222", "2223 0031 2200 3222", "card-mastercard"),
        ("378282246310005", "3782 822463 10005", "card-amex"),
        ("30569309025904", "3056 930902 5904", "card-diners"),
        ("6011111111111117", "6011.1111.1111.1117", "card-discover"),
        ("3530111333300000", "3530\u{a0}1113\u{a0}3330\u{a0}0000", "card-jcb"),
        ("6205500000000000004", "6205 5000 0000 0000 004", "card-unionpay"),
        ("6759649826438453", "6759 6498 2643 8453", "card-maestro"),
    ] {
        for written in [number, grouped] {
            assert_eq!(cards(written), [(written, network)], "{written}");
            let sentence = format!("pay with {written}, exp 12/29.");
            assert_eq!(cards(&sentence), [(written, network)], "{sentence}");
        }
    }
}

#[test]
fn digits_of_other_scripts_are_digits() {
    for zero in ['०', '০', '௦', '٠', '۰', '０', '๐', '𝟎'] {
        let digit =
            |c: char| c.to_digit(10).and_then(|d| char::from_u32(zero as u32 + d)).unwrap_or(c);
        let text: String = "कार्ड 4111 1111 1111 1111 है".chars().map(digit).collect();
        assert_eq!(cards(&text).len(), 1, "{text}");
        let solid: String = "x 4111111111111111".chars().map(digit).collect();
        assert_eq!(cards(&solid).len(), 1, "{solid}");
    }
}

#[test]
fn any_single_wrong_digit_is_refused() {
    let number = "4111111111111111";
    for place in 0..number.len() {
        for digit in '0'..='9' {
            let mut wrong = number.to_owned();
            wrong.replace_range(place..=place, &digit.to_string());
            assert_eq!(cards(&wrong).is_empty(), wrong != number, "{wrong}");
        }
    }
}

#[test]
fn numbers_that_are_no_cards_are_left_alone() {
    for text in [
        "order 1234567890123456",
        "1234 5678 9012 3456",
        "1700000000000",
        "1700000000000000000",
        "2024-01-15 10:30:00.123456",
        "20240115103000123",
        "version 4.11.1111.1111.1111",
        "550e8400-e29b-41d4-a716-446655440000",
        "41111111-1111-4111-8111-111111111111",
        "4006381333931",
        "9780306406157",
        "a4111111111111111",
        "4111111111111111a",
        "4111111111111111.50",
        "0.4111111111111111",
        "3f4111111111111111",
        "_4111111111111111",
        "4111-1111-1111-1111-2222",
        "4111 1111-1111 1111",
        "4111  1111  1111  1111",
        "41111111111111111111",
        "0000000000000000",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    ] {
        assert_eq!(cards(text), [], "{text}");
    }
}

#[test]
fn a_long_number_in_one_piece_is_a_card_only_where_one_is_announced() {
    for number in ["4000000000000000006", "5029875928683246316"] {
        assert_eq!(cards(&format!("message {number}")), [], "{number}");
        assert_eq!(cards(&format!("the Card is {number}")).len(), 1, "{number}");
    }
}

#[test]
fn the_numbers_beside_a_card_are_not_part_of_it() {
    assert_eq!(cards("2 4111 1111 1111 1111 12 29 123")[0].0, "4111 1111 1111 1111");
    assert_eq!(cards("a,4111111111111111,5555555555554444").len(), 2);
    assert_eq!(cards("\"4111111111111111\"").len(), 1);
    assert_eq!(cards("4111111111111111.").len(), 1);
}

#[test]
fn thirteen_and_nineteen_digits_are_the_limits() {
    // Luhn-valid, of a network that has these lengths.
    assert_eq!(cards("500000000009"), []);
    assert_eq!(cards("5000000000013").len(), 1);
    assert_eq!(cards("6200000000000000000").len(), 1);
    assert_eq!(cards("62000000000000000005"), []);
}

#[test]
fn no_issuer_has_shorter_numbers_than_texts_are_looked_at_for() {
    let shortest = super::RANGES.iter().flat_map(|range| range.lengths).min();
    assert_eq!(shortest, Some(&super::FEWEST_DIGITS));
}
