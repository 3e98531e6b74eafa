use proptest::prelude::*;

use super::*;
use crate::model::Registry;
use largestack_types::time::Timestamp;

const DAY: i64 = 86_400_000_000;
/// 2026-11-01.
const NOW: Timestamp = Timestamp::from_micros(20_758 * DAY);

fn listed(provider: &str, model: &str) -> Option<std::sync::Arc<Price>> {
    Book::builtin().price(provider, model, NOW)
}

fn price(model: &str) -> Option<std::sync::Arc<Price>> {
    listed("openai", model)
}

fn cost(price: &Price, usage: Usage) -> String {
    price.cost(&usage, Tier::Standard).unwrap().cost.to_string()
}

fn own(text: &str) -> Section {
    toml::from_str(text).unwrap()
}

fn tokens(input: u64, output: u64) -> Usage {
    Usage { input_tokens: Some(input), output_tokens: Some(output), ..Usage::default() }
}

#[test]
fn the_built_in_list_reads_and_every_line_of_it_has_a_source_and_a_day() {
    let book = Book::parse(include_str!("../prices.toml")).unwrap();
    assert_eq!(&book, Book::builtin());
    assert!(book.entries().len() > 150, "{}", book.entries().len());
    let version = book.version();
    for entry in book.entries() {
        let Origin::Page { page, read: (year, month, day) } = &entry.origin else {
            panic!("{} has no page", entry.model);
        };
        assert!(page.starts_with("https://"), "{page}");
        let read = format!("{year:04}-{month:02}-{day:02}");
        assert!(*read <= *version, "{page} was read after {version}");
        let known = &*entry.provider == "offline"
            || Registry::builtin().provider(&entry.provider).is_some();
        assert!(known, "{} is no provider", entry.provider);
    }
    let mut keys: Vec<_> = book.entries().iter().map(|e| (&e.provider, &e.model, e.from)).collect();
    keys.sort();
    let all = keys.len();
    keys.dedup();
    assert_eq!(keys.len(), all, "two prices of one model from one day on");
}

#[test]
fn no_listed_model_has_rates_that_cannot_be_right() {
    for Entry { model, price, .. } in Book::builtin().entries() {
        let rates = price.rates();
        let input = rates.input.unwrap_or(0);
        assert!(rates.cache_read.is_none_or(|read| read < input), "{model}");
        assert!(rates.cache_write.is_none_or(|write| write >= input), "{model}");
        assert!(rates.cache_write_1h.is_none_or(|hour| Some(hour) > rates.cache_write), "{model}");
        // Whoever sells sound has a price for it.
        let speaks = ["audio", "realtime", "voice"].iter().any(|word| model.contains(word));
        assert!(!speaks || rates.audio.input.is_some(), "{model}");
        for (_, long) in price.long() {
            assert!(long.input > rates.input && long.output > rates.output, "{model}");
            assert_eq!(long.cache_write.is_some(), rates.cache_write.is_some(), "{model}");
            assert_eq!(long.cache_read.is_some(), rates.cache_read.is_some(), "{model}");
        }
    }
}

#[test]
fn a_dated_snapshot_has_the_price_of_its_model_and_a_longer_name_has_not() {
    assert_eq!(price("gpt-4o-2024-08-06"), price("gpt-4o"));
    assert_ne!(price("gpt-4o-2024-05-13"), price("gpt-4o"));
    assert!(price("gpt-4o").is_some());
    assert_ne!(price("gpt-4o-audio-preview"), price("gpt-4o"));
    for other in ["gpt-4o-realtime-preview", "gpt-4o-2024-13-45", "gpt-4o-", "gpt-4o-20241345"] {
        assert_eq!(price(other), None, "{other}");
    }
    let sonnet = listed("anthropic", "claude-sonnet-4-5");
    assert!(sonnet.is_some());
    assert_eq!(listed("anthropic", "claude-sonnet-4-5-20250929"), sonnet);
    assert_ne!(listed("anthropic", "claude-opus-5-5"), listed("anthropic", "claude-opus-5"));
    assert_eq!(listed("groq", "gpt-4o"), None);
    assert_eq!(listed("groq", "llama-9"), None, "groq is not free because it is unknown");
}

#[test]
fn a_price_begins_on_its_day() {
    let at = |number: i64| Timestamp::from_micros(number * DAY);
    // 2025-04-14 is day 20192, 2025-06-10 day 20249.
    let book = Book::builtin();
    assert_eq!(book.price("openai", "gpt-4.1", Timestamp::from_micros(20_192 * DAY - 1)), None);
    assert!(book.price("openai", "gpt-4.1", at(20_192)).is_some());
    let o3 = |day| book.price("openai", "o3", at(day)).unwrap().rates().input;
    assert_eq!((o3(20_248), o3(20_249)), (Some(10_000_000_000), Some(2_000_000_000)));
}

#[test]
fn a_price_of_ones_own_goes_before_every_listed_one_that_fits() {
    let mut book = Book::builtin().clone();
    let early = book.price("openai", "gpt-4o-2024-05-13", NOW);
    book.define("openai", "gpt-4.1", &own("from = \"2025-12-01\"\ninput = 1\noutput = \"2\""))
        .unwrap();
    book.define("openai", "gpt-4o*", &own("input = 1.5\noutput = 3")).unwrap();
    let before = Timestamp::from_micros(20_192 * DAY);
    assert_eq!(book.price("openai", "gpt-4.1", before).unwrap().rates().input, Some(2_000_000_000));
    assert_eq!(book.price("openai", "gpt-4.1", NOW).unwrap().rates().input, Some(1_000_000_000));
    assert_ne!(book.price("openai", "gpt-4o-2024-05-13", NOW), early);
    let entry = book.entry("openai", "gpt-4o-audio-preview", NOW).unwrap();
    assert_eq!(entry.origin, Origin::Own);
    assert_eq!(entry.price.rates().input, Some(1_500_000_000));
}

#[test]
fn what_runs_offline_is_free() {
    let free = listed("offline", "extractive").unwrap();
    assert!(free.is_free() && Price::free().is_free());
    assert_eq!(cost(&free, tokens(1 << 40, 9)), "$0.00");
    assert_eq!(free.worst_case(Bounds::tokens(1 << 40, 9)), Ok(Money::ZERO));
}

#[test]
fn each_kind_of_token_is_billed_at_its_own_price() {
    // gpt-4o-mini: 0.15, 0.60 and 0.075 dollars a million.
    let mini = price("gpt-4o-mini").unwrap();
    let usage = Usage { cache_read_tokens: Some(400_000), ..tokens(1_000_000, 500_000) };
    assert_eq!(cost(&mini, usage), "$0.42");
    assert_eq!(cost(&mini, Usage::default()), "$0.00");
    let miscounted =
        Usage { input_tokens: Some(1), cache_read_tokens: Some(2), ..Usage::default() };
    let bill = mini.cost(&miscounted, Tier::Standard).unwrap();
    assert_eq!(Ok(bill.cost), Money::line(2, 75_000_000, 1_000));
}

#[test]
fn cached_tokens_of_anthropic_stand_beside_the_input_and_never_make_a_cost_negative() {
    let sonnet = listed("anthropic", "claude-sonnet-4-5").unwrap();
    // 100 sent anew and 900 read from the cache, as the wire adds them up.
    let usage = Usage { cache_read_tokens: Some(900), ..tokens(1_000, 0) };
    assert_eq!(cost(&sonnet, usage), "$0.00057");
}

#[test]
fn what_is_cached_for_an_hour_costs_more_than_what_is_cached_for_minutes() {
    let opus = listed("anthropic", "claude-opus-4-5").unwrap();
    let minutes = Usage {
        input_tokens: Some(1_000_000),
        cache_write_tokens: Some(1_000_000),
        ..Usage::default()
    };
    assert_eq!(cost(&opus, minutes), "$6.25");
    let hour = Usage { cache_write_1h_tokens: Some(1_000_000), ..minutes };
    assert_eq!(cost(&opus, hour), "$10.00");
    let worst = opus.worst_case(Bounds::tokens(1_000_000, 0)).unwrap();
    assert!(worst >= opus.cost(&hour, Tier::Standard).unwrap().cost);
}

#[test]
fn cached_input_without_a_price_of_its_own_costs_what_other_input_costs() {
    let cached = Usage {
        input_tokens: Some(10),
        cache_read_tokens: Some(4),
        cache_write_tokens: Some(3),
        ..Usage::default()
    };
    let bill = Price::flat(5_000_000, 0).cost(&cached, Tier::Standard).unwrap();
    assert_eq!(bill.cost, Money::from_nanos(50));
}

#[test]
fn sound_and_images_have_prices_of_their_own_and_are_not_billed_as_text() {
    let audio = price("gpt-4o-audio-preview").unwrap();
    let spoken = Usage {
        input_audio_tokens: Some(1_000_000),
        output_audio_tokens: Some(100_000),
        ..tokens(2_000_000, 200_000)
    };
    // 1 M of text at 2.50, 1 M of sound at 40, 0.1 M of text at 10, 0.1 M of sound at 80.
    assert_eq!(cost(&audio, spoken), "$51.50");
    let flash = listed("google", "gemini-2.5-flash").unwrap();
    let cached = Usage {
        cache_read_tokens: Some(500_000),
        cache_read_audio_tokens: Some(500_000),
        input_audio_tokens: Some(1_000_000),
        ..tokens(1_000_000, 0)
    };
    assert_eq!(cost(&flash, cached), "$0.55");
    let drawn = listed("google", "gemini-2.5-flash-image").unwrap();
    let image = Usage { output_image_tokens: Some(1_290), ..tokens(0, 1_290) };
    assert_eq!(cost(&drawn, image), "$0.0387");
}

#[test]
fn reasoning_has_its_own_price_where_the_provider_has_one() {
    let mut rates = *Price::flat(1_000_000_000, 2_000_000_000).rates();
    let usage = Usage { reasoning_tokens: Some(600_000), ..tokens(0, 1_000_000) };
    assert_eq!(cost(&Price::of(rates), usage), "$2.00");
    rates.reasoning = Some(3_000_000_000);
    assert_eq!(cost(&Price::of(rates), usage), "$2.60");
}

#[test]
fn a_long_call_is_billed_at_the_rates_of_its_length_from_the_first_token_on() {
    let pro = listed("google", "gemini-2.5-pro").unwrap();
    assert_eq!(cost(&pro, tokens(200_000, 0)), "$0.25");
    assert_eq!(cost(&pro, tokens(200_001, 0)), "$0.5000025");
    assert_eq!(cost(&pro, tokens(400_000, 100_000)), "$2.50");
    let worst = |input| pro.worst_case(Bounds::tokens(input, 0)).unwrap().nanos();
    assert_eq!((worst(200_000), worst(200_001)), (250_000_013, 500_002_513));
    // xAI's begins at its number and not above it.
    let grok = listed("xai", "grok-4.3").unwrap();
    assert_eq!(cost(&grok, tokens(200_000, 0)), "$0.50");
}

#[test]
fn a_tier_has_its_own_rates_or_a_part_of_the_standard_ones() {
    let sonnet = listed("anthropic", "claude-sonnet-4-5").unwrap();
    let usage = Usage { searches: Some(1), ..tokens(1_000_000, 0) };
    let batch = sonnet.cost(&usage, Tier::Batch).unwrap();
    // Half of the long rate, and the search at its full price.
    assert_eq!((batch.cost.to_string().as_str(), batch.unpriced), ("$3.01", None));
    let five = price("gpt-5").unwrap();
    let priority = five.cost(&tokens(1_000_000, 0), Tier::Priority).unwrap();
    assert_eq!((priority.cost.to_string().as_str(), priority.unpriced), ("$2.50", None));
    let asked = Bounds { tier: Tier::Priority, ..Bounds::tokens(1_000_000, 0) };
    assert!(
        five.worst_case(asked).unwrap() > five.worst_case(Bounds::tokens(1_000_000, 0)).unwrap()
    );
    let halved = Bounds { tier: Tier::Batch, ..asked };
    let standard = five.worst_case(Bounds::tokens(1_000_000, 0));
    assert_eq!(five.worst_case(halved), standard, "who asks for less may get the standard tier");
}

#[test]
fn a_tier_without_a_price_is_unknown_before_a_call_and_flagged_after_it() {
    let mini = price("gpt-4.1-nano").unwrap();
    assert!(!mini.has(Tier::Priority));
    let asked = Bounds { tier: Tier::Priority, ..Bounds::tokens(1, 1) };
    assert_eq!(mini.worst_case(asked), Err(NoPrice::Unpriced("the tier")));
    let served = mini.cost(&tokens(1_000_000, 0), Tier::Priority).unwrap();
    assert_eq!((served.cost.to_string().as_str(), served.unpriced), ("$0.10", Some("the tier")));
}

#[test]
fn what_is_billed_counts_before_what_was_counted() {
    let command = listed("cohere", "command-a-03-2025").unwrap();
    let usage = Usage {
        billed_input_tokens: Some(41),
        billed_output_tokens: Some(25),
        cache_read_tokens: Some(144),
        ..tokens(1_441, 54)
    };
    assert_eq!(cost(&command, usage), "$0.0003525");
}

#[test]
fn searches_and_calls_are_billed_one_by_one() {
    let rerank = listed("cohere", "rerank-v3.5").unwrap();
    let usage = Usage { searches: Some(3), ..Usage::default() };
    assert_eq!(cost(&rerank, usage), "$0.006");
    let bounds = Bounds { searches: 3, ..Bounds::default() };
    assert_eq!(rerank.worst_case(bounds).unwrap(), Money::from_nanos(6_000_013));
    let called = own("input = \"1\"\noutput = \"1\"\nrequest = \"5\"").price().unwrap();
    assert_eq!(cost(&called, tokens(1_000_000, 0)), "$1.005");
}

#[test]
fn what_has_no_rate_is_unknown_and_not_nothing() {
    let embeds = price("text-embedding-3-small").unwrap();
    assert!(embeds.worst_case(Bounds::tokens(1_000, 0)).is_ok());
    let talks = embeds.worst_case(Bounds::tokens(1_000, 1));
    assert_eq!(talks, Err(NoPrice::Unpriced("output")));
    let bill = embeds.cost(&tokens(1_000_000, 1), Tier::Standard).unwrap();
    assert_eq!((bill.cost.to_string().as_str(), bill.unpriced), ("$0.02", Some("output")));
}

#[test]
fn amounts_are_read_as_they_are_written() {
    let of = |text: &str| own(text).price().unwrap().rates().input;
    assert_eq!(of("input = \"0.0375\""), Some(37_500_000));
    assert_eq!(of("input = 0.0375"), Some(37_500_000));
    assert_eq!(of("input = 2.675"), Some(2_675_000_000));
    assert_eq!(of("input = 3"), Some(3_000_000_000));
}

#[test]
fn a_price_with_a_mistake_is_refused() {
    let section = |text: &str| toml::from_str::<Section>(text);
    for wrong in [
        "input = \"-1\"",
        "input = -1",
        "input = \"1e3\"",
        "inputs = \"1\"",
        "input = \"1\"\nbatch = \"0\"",
        "input = \"1\"\nbatch = \"0.0001\"",
        "input = \"1\"\nbatch = { inputs = \"1\" }",
        "input = \"1\"\naudio = { reasoning = \"1\" }",
        "input = \"1\"\nlong = [{ rates = { input = \"2\" } }]",
    ] {
        assert!(section(wrong).is_err(), "{wrong}");
    }
    let long = |above: [u32; 2]| {
        let bands =
            above.map(|above| format!("{{ above = {above}, rates = {{ input = \"2\" }} }}"));
        own(&format!("input = \"1\"\nlong = [{}, {}]", bands[0], bands[1])).price()
    };
    assert!(long([1, 2]).is_ok() && long([2, 1]).is_err() && long([1, 1]).is_err());
    assert!(Section::default().price().is_err(), "no rate at all");
    let mut book = Book::default();
    let from = |text: &str| own(&format!("input = \"1\"\nfrom = \"{text}\""));
    assert!(book.define("p", "m", &from("2025-01-31")).is_ok());
    for wrong in ["2025-1-31", "2025-13-01", "x", ""] {
        assert!(book.define("p", "m", &from(wrong)).is_err(), "{wrong}");
    }
}

#[test]
fn a_list_without_a_version_a_page_or_a_day_is_refused() {
    let list = |version: &str, page: &str, read: &str| {
        Book::parse(&format!(
            "{version}\n[[list]]\nproviders = [\"p\"]\n{page}\n{read}\nmodels = {{ m = {{ input = \"1\" }} }}\n"
        ))
    };
    let (version, page, read) =
        ("version = \"1\"", "page = \"https://x\"", "read = \"2026-01-01\"");
    assert!(list(version, page, read).is_ok());
    assert!(list("", page, read).is_err());
    assert!(list(version, "", read).is_err());
    assert!(list(version, page, "").is_err());
    assert!(list(version, page, "read = \"today\"").is_err());
}

fn rate() -> impl Strategy<Value = Option<i64>> {
    proptest::option::of(0_i64..90_000_000_000)
}

fn rates() -> impl Strategy<Value = Rates> {
    let text = (0_i64..90_000_000_000, 0_i64..90_000_000_000, rate(), rate(), rate(), rate());
    let media = [rate(), rate(), rate(), rate(), rate()];
    (text, media, rate()).prop_map(|(text, media, request)| {
        let (input, output, cache_read, cache_write, cache_write_1h, reasoning) = text;
        let [audio_in, audio_read, audio_out, image_in, image_out] = media;
        Rates {
            input: Some(input),
            output: Some(output),
            cache_read,
            cache_write,
            cache_write_1h,
            reasoning,
            audio: Medium { input: audio_in, cache_read: audio_read, output: audio_out },
            image: Medium { input: image_in, cache_read: None, output: image_out },
            search: Some(1_000_000_000_000),
            request,
        }
    })
}

/// A share of a whole, in thousandths.
fn part(of: u64, share: u64) -> u64 {
    of * share / 1_000
}

proptest! {
    #[test]
    fn no_call_within_its_bounds_costs_more_than_its_worst_case(
        (short, long, tier) in (rates(), rates(), rates()),
        above in 0_u64..2_000_000,
        bound in 0_u64..2_000_000,
        limit in 0_u64..200_000,
        shares in proptest::array::uniform10(0_u64..=1_000),
        served in any::<bool>(),
    ) {
        let tiers = vec![(Tier::Priority, TierPrice::Rates(Box::new(tier))), (Tier::Flex, TierPrice::Times(1_250))];
        let price = Price { rates: short, long: vec![(above, long)], tiers };
        let [sent, read, written, hour, audio, image, out, thought, spoken, drawn] = shares;
        let sent = part(bound, sent);
        let read = part(sent, read);
        let written = part(sent - read, written);
        let fresh = sent - read - written;
        let output = part(limit, out);
        let spoken = part(output, spoken);
        let drawn = part(output - spoken, drawn);
        let usage = Usage {
            input_tokens: Some(sent),
            output_tokens: Some(output),
            cache_read_tokens: Some(read),
            cache_write_tokens: Some(written),
            cache_write_1h_tokens: Some(part(written, hour)),
            cache_read_audio_tokens: Some(part(read, audio)),
            input_audio_tokens: Some(part(read, audio) + part(fresh, audio)),
            input_image_tokens: Some(part(fresh - part(fresh, audio), image)),
            reasoning_tokens: Some(part(output - spoken - drawn, thought)),
            output_audio_tokens: Some(spoken),
            output_image_tokens: Some(drawn),
            searches: Some(2),
            ..Usage::default()
        };
        for tier in [Tier::Standard, Tier::Priority, Tier::Flex] {
            let bounds = Bounds { searches: 2, media: true, tier, ..Bounds::tokens(bound, limit) };
            let got = if served { tier } else { Tier::Standard };
            let bill = price.cost(&usage, got).unwrap();
            prop_assert_eq!(bill.unpriced, None);
            prop_assert!(bill.cost <= price.worst_case(bounds).unwrap(), "{} {}", tier, got);
        }
    }
}

#[test]
fn a_prediction_lies_below_its_worst_case_and_grows_with_the_answer() {
    use crate::profile::Profile;
    use largestack_types::call::{Call, ToolChoice};
    use largestack_types::message::Message;
    use largestack_types::part::PartId;
    let price = Price::flat(1_000_000_000, 2_000_000_000);
    let profile = Profile { max_output_tokens: Some(1_000), ..Profile::default() };
    let text = "word ".repeat(400);
    let call = Call {
        model: "openai/gpt-4o-mini".into(),
        messages: std::sync::Arc::new(vec![std::sync::Arc::new(Message::user(
            PartId::default(),
            text.as_str(),
        ))]),
        tools: std::sync::Arc::new([]),
        tool_choice: ToolChoice::Auto,
        settings: std::sync::Arc::default(),
        stream: false,
    };
    let guess = predict(&price, &profile, &call, None).unwrap();
    assert!((450..600).contains(&guess.input_tokens), "{guess:?}");
    assert_eq!(guess.output_tokens, guess.input_tokens + guess.input_tokens / 2);
    assert_eq!((guess.output_bound, guess.tier), (1_000, Tier::Standard));
    assert!(guess.low < guess.expected && guess.expected < guess.high);
    assert!(guess.high < guess.worst_case && guess.input_bound > 2_000);
    let known = predict(&price, &profile, &call, Some(10)).unwrap();
    assert_eq!(known.output_tokens, 10);
    assert!(known.expected < guess.expected && known.worst_case == guess.worst_case);
}
