use proptest::prelude::*;

use super::*;

fn shown(expression: &str) -> String {
    evaluate(expression).map_or_else(|wrong| format!("! {wrong}"), |number| number.to_string())
}

#[test]
fn decimals_and_fractions_are_exact() {
    for (expression, result) in [
        ("0.1 + 0.2", "0.3"),
        ("1/3 + 1/3 + 1/3", "1"),
        ("19.99 * 3", "59.97"),
        ("(12.5 - 3) * 4 / 8", "4.75"),
        ("2^100", "1267650600228229401496703205376"),
        ("2 ** -2", "0.25"),
        ("-2^2", "-4"),
        ("2^3^2", "512"),
        ("-7 % 3", "2"),
        ("1.5e3 + 1_000", "2500"),
        ("round(2.675, 2)", "2.68"),
        ("round(-2.5)", "-3"),
        ("sqrt(2.25)", "1.5"),
        ("max(1, 2.5, -3) - min(4, 3)", "-0.5"),
        ("ceil(-1.2) + floor(-1.2)", "-3"),
        ("(-1)^1000000001", "-1"),
        ("6 ÷ 2 × 3 − 1", "8"),
    ] {
        assert_eq!(shown(expression), result, "{expression}");
    }
}

#[test]
fn what_is_not_exact_is_marked() {
    assert_eq!(shown("1/3"), "~0.3333333333333333333333333333");
    assert_eq!(shown("sqrt(2)"), "~1.414213562373095");
    assert_eq!(shown("10^200"), "~1e200");
    assert_eq!(shown("round(pi, 2)"), "~3.14");
    assert_eq!(shown("sin(0) + 1"), "~1");
}

#[test]
fn what_comes_to_nothing_says_why() {
    for (expression, why) in [
        ("", "character 1"),
        ("1 +", "character 4"),
        ("(1", "character 3"),
        ("1 2", "character 3"),
        ("1..2", "character 1"),
        ("__import__('os')", "character 1"),
        ("open(1)", "no `open`"),
        ("sqrt(1, 2)", "another number"),
        ("1 / (2 - 2)", "zero"),
        ("0 ^ -1", "zero"),
        ("5 % 0", "zero"),
        ("sqrt(-1)", "no real number"),
        ("ln(0)", "no real number"),
        ("10^400", "too large"),
        ("9^9^9^9", "too large"),
    ] {
        assert!(
            shown(expression).starts_with("! ") && shown(expression).contains(why),
            "{expression}: {}",
            shown(expression)
        );
    }
}

#[test]
fn length_and_depth_have_limits_on_both_sides() {
    let nested = |depth: usize| format!("{}1{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(shown(&nested(MAX_DEPTH)), "1");
    assert_eq!(evaluate(&nested(MAX_DEPTH + 1)).unwrap_err(), Wrong::TooLarge);
    assert_eq!(evaluate(&"-".repeat(900)).unwrap_err(), Wrong::TooLarge);
    let long = |length: usize| "1+".repeat(length / 2) + "1";
    assert!(evaluate(&long(MAX_LENGTH - 2)).is_ok());
    assert_eq!(evaluate(&long(MAX_LENGTH)).unwrap_err(), Wrong::TooLarge);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[0-9a-z.()+*/%^, e-]{0,60}") {
        let _ = evaluate(&text);
    }

    #[test]
    fn sums_and_products_of_decimals_are_those_of_integers(a in -1_000_000i128..1_000_000, b in 1i128..1_000_000) {
        let cents = |n: i128| format!("({}{}.{:02})", if n < 0 { "-" } else { "" }, n.abs() / 100, n.abs() % 100);
        let sum = evaluate(&format!("({} + {}) * 100", cents(a), cents(b))).unwrap();
        prop_assert_eq!(sum.to_string(), (a + b).to_string());
        let there_and_back = evaluate(&format!("{} / {} * {}", cents(a), cents(b), cents(b))).unwrap();
        let as_it_was = evaluate(&cents(a)).unwrap();
        prop_assert_eq!(there_and_back.to_string(), as_it_was.to_string());
    }
}
