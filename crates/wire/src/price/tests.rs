use proptest::prelude::*;

use super::*;

const DAY: i64 = 86_400_000_000;
/// 2026-01-01.
const LATER: Timestamp = Timestamp::from_micros(20_454 * DAY);

fn price(model: &str) -> Option<Price> {
    Book::builtin().price("openai", model, LATER)
}

#[test]
fn the_built_in_list_reads_and_prices_every_row() {
    let text = include_str!("../prices.toml");
    let book = Book::parse(text).unwrap();
    assert_eq!(&book, Book::builtin());
    assert_eq!(book.entries().len(), text.matches("[[price]]").count());
}

#[test]
fn a_dated_snapshot_has_the_price_of_its_model_and_a_longer_name_has_none() {
    assert_eq!(price("gpt-4o-2024-08-06"), price("gpt-4o"));
    assert_ne!(price("gpt-4o-2024-05-13"), price("gpt-4o"));
    assert!(price("gpt-4o").is_some());
    assert_eq!(price("gpt-4o-audio-preview"), None);
    assert_eq!(price("gpt-4o-2024-13-45"), None);
    assert_eq!(Book::builtin().price("groq", "gpt-4o", LATER), None);
}

#[test]
fn a_price_begins_on_its_day() {
    let day = |number: i64| Timestamp::from_micros(number * DAY);
    // 2025-04-14 is day 20192.
    let book = Book::builtin();
    assert_eq!(book.price("openai", "gpt-4.1", Timestamp::from_micros(20_192 * DAY - 1)), None);
    assert!(book.price("openai", "gpt-4.1", day(20_192)).is_some());
    let mut raised = book.clone();
    let row = "[[price]]\nprovider = \"openai\"\nmodel = \"gpt-4.1\"\nfrom = \"2025-12-01\"\ninput = 1\noutput = 2\n";
    raised.extend(Book::parse(row).unwrap());
    assert_eq!(raised.price("openai", "gpt-4.1", day(20_192)), price("gpt-4.1"));
    assert_eq!(raised.price("openai", "gpt-4.1", LATER).unwrap().input, 1);
}

#[test]
fn what_runs_offline_is_free() {
    let free = Book::builtin().price("offline", "extractive", LATER).unwrap();
    let usage = Usage { input_tokens: Some(1 << 40), output_tokens: Some(9), ..Usage::default() };
    assert_eq!(free.cost(&usage), Ok(Money::ZERO));
    assert_eq!(free.worst_case(1 << 40, 9), Ok(Money::ZERO));
}

#[test]
fn each_kind_of_token_is_billed_at_its_own_price() {
    // gpt-4o-mini: 0.15, 0.60 and 0.075 dollars a million.
    let mini = price("gpt-4o-mini").unwrap();
    let usage = Usage {
        input_tokens: Some(1_000_000),
        output_tokens: Some(500_000),
        cache_read_tokens: Some(400_000),
        ..Usage::default()
    };
    assert_eq!(mini.cost(&usage).unwrap().to_string(), "$0.42");
    let nothing = Usage::default();
    assert_eq!(mini.cost(&nothing), Ok(Money::ZERO));
    let miscounted = Usage { input_tokens: Some(1), cache_read_tokens: Some(2), ..nothing };
    assert_eq!(mini.cost(&miscounted), Money::line(2, 75_000_000, 1_000));
}

#[test]
fn what_is_cached_for_an_hour_costs_more_than_what_is_cached_for_minutes() {
    let now = Timestamp::parse("2026-06-01T00:00:00Z").unwrap();
    let opus = Book::builtin().price("anthropic", "claude-opus-4-5", now).unwrap();
    let minutes = Usage {
        input_tokens: Some(1_000_000),
        cache_write_tokens: Some(1_000_000),
        ..Usage::default()
    };
    assert_eq!(opus.cost(&minutes).unwrap().to_string(), "$6.25");
    let hour = Usage { cache_write_1h_tokens: Some(1_000_000), ..minutes };
    assert_eq!(opus.cost(&hour).unwrap().to_string(), "$10.00");
    assert!(opus.worst_case(1_000_000, 0).unwrap() >= opus.cost(&hour).unwrap());
}

#[test]
fn cached_input_without_a_price_of_its_own_costs_what_other_input_costs() {
    let plain = Price {
        input: 5_000_000,
        output: 0,
        cache_read: None,
        cache_write: None,
        cache_write_1h: None,
    };
    let cached = Usage {
        input_tokens: Some(10),
        cache_read_tokens: Some(4),
        cache_write_tokens: Some(3),
        ..Usage::default()
    };
    assert_eq!(plain.cost(&cached), Ok(Money::from_nanos(50)));
}

#[test]
fn a_list_with_a_mistake_is_refused_whole() {
    let row = |line: &str| {
        format!("[[price]]\nprovider = \"p\"\nmodel = \"m\"\ninput = 1\noutput = 2\n{line}\n")
    };
    assert!(Book::parse(&row("from = \"2025-01-31\"")).is_ok());
    for wrong in ["from = \"2025-1-31\"", "from = \"2025-13-01\"", "from = \"x\"", ""] {
        assert!(Book::parse(&row(wrong)).is_err(), "{wrong}");
    }
    assert!(Book::parse(&row("from = \"2025-01-31\"\ncache-read = -1")).is_err());
    assert!(Book::parse(&row("from = \"2025-01-31\"\ncached = 1")).is_err());
}

proptest! {
    #[test]
    fn no_call_within_its_bounds_costs_more_than_its_worst_case(
        prices in [0i64..90_000_000_000, 0..90_000_000_000, 0..90_000_000_000, 0..90_000_000_000],
        has in [any::<bool>(), any::<bool>()],
        bound in 0u64..2_000_000,
        limit in 0u64..200_000,
        share in [0.0f64..=1.0, 0.0..=1.0, 0.0..=1.0, 0.0..=1.0],
    ) {
        let [input, output, cache_read, cache_write] = prices;
        let price = Price {
            input,
            output,
            cache_read: has[0].then_some(cache_read),
            cache_write: has[1].then_some(cache_write),
            cache_write_1h: has[1].then_some(cache_write.saturating_mul(2)),
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "shares of small numbers")]
        let part = |of: u64, share: f64| ((of as f64) * share) as u64;
        let sent = part(bound, share[0]);
        let read = part(sent, share[1]);
        let usage = Usage {
            input_tokens: Some(sent),
            output_tokens: Some(part(limit, share[2])),
            cache_read_tokens: Some(read),
            cache_write_tokens: Some(part(sent - read, share[3])),
            reasoning_tokens: None, cache_write_1h_tokens: has[0].then_some(part(sent - read, share[3]) / 2),
        };
        prop_assert!(price.cost(&usage).unwrap() <= price.worst_case(bound, limit).unwrap());
    }
}
