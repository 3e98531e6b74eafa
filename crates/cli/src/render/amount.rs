//! Numbers as people read them.

use std::time::Duration;

use largestack_types::time::Timestamp;
use largestack_types::usage::Usage;

/// `12,345`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `0.4 ms`, `12 ms`, `1.25 s`, `3 min 05 s`.
pub(crate) fn lasted(duration: Duration) -> String {
    let (millis, seconds) = (duration.as_millis(), duration.as_secs());
    match () {
        () if millis < 10 => format!("{:.1} ms", duration.as_secs_f64() * 1e3),
        () if millis < 1_000 => format!("{millis} ms"),
        () if seconds < 60 => format!("{:.2} s", duration.as_secs_f64()),
        () => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

/// `12.3 MiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match units.into_iter().find(|(size, _)| bytes >= *size) {
        Some((size, unit)) => {
            let tenths = bytes.saturating_mul(10) / size;
            format!("{}.{} {unit}", grouped(tenths / 10), tenths % 10)
        }
        None => format!("{bytes} B"),
    }
}

/// `2026-01-31 10:11:12`, in UTC.
pub(crate) fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    text.get(..19).unwrap_or(&text).replace('T', " ")
}

/// `1,200 + 34 tokens`: in and out, `?` for what nobody reported.
pub(crate) fn tokens(usage: &Usage) -> String {
    let shown = |count: Option<u64>| count.map_or_else(|| "?".to_owned(), grouped);
    match (usage.input_tokens, usage.output_tokens) {
        (None, None) => "no token counts".to_owned(),
        (input, output) => format!("{} + {} tokens", shown(input), shown(output)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(grouped(1_234_567), "1,234,567");
    }

    #[test]
    fn durations_are_as_long_as_they_matter() {
        assert_eq!(lasted(Duration::from_micros(420)), "0.4 ms");
        assert_eq!(lasted(Duration::from_millis(10)), "10 ms");
        assert_eq!(lasted(Duration::from_millis(1_250)), "1.25 s");
        assert_eq!(lasted(Duration::from_secs(185)), "3 min 05 s");
    }

    #[test]
    fn sizes_are_cut_to_a_tenth() {
        assert_eq!(bytes(1_023), "1023 B");
        assert_eq!(bytes(1_024), "1.0 KiB");
        assert_eq!(bytes(5 * (1 << 20) + (1 << 19)), "5.5 MiB");
        assert_eq!(bytes(3 << 40), "3,072.0 GiB");
    }

    #[test]
    fn moments_and_tokens_say_what_is_known() {
        let at = Timestamp::from_micros(951_782_400_123_456);
        assert_eq!(moment(at), "2000-02-29 00:00:00");
        assert_eq!(tokens(&Usage::default()), "no token counts");
        let some = Usage { input_tokens: Some(1_200), ..Usage::default() };
        assert_eq!(tokens(&some), "1,200 + ? tokens");
    }
}
