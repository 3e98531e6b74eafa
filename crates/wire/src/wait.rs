//! How long a provider asks to wait, in all the ways they say it.

use crate::fault::header;

/// The wait that response headers ask for, in milliseconds: `retry-after-ms`, `retry-after` in
/// seconds or as a date (compared with the response's own `date`: no clock here), else the reset
/// of the rate limits of which nothing remains.
pub fn retry_after_ms(headers: &[(String, String)]) -> Option<u64> {
    if let Some(ms) = header(headers, &["retry-after-ms"]).and_then(|v| v.parse::<f64>().ok()) {
        return millis(ms / 1_000.0);
    }
    if let Some(value) = header(headers, &["retry-after"]) {
        if let Ok(seconds) = value.parse::<f64>() {
            return millis(seconds);
        }
        let now = header(headers, &["date"]).and_then(http_date)?;
        return http_date(value).map(|then| then.saturating_sub(now).saturating_mul(1_000));
    }
    let resets = ["requests", "tokens"].into_iter().filter_map(|what| {
        let remaining = header(headers, &[&format!("x-ratelimit-remaining-{what}")])?;
        let reset = header(headers, &[&format!("x-ratelimit-reset-{what}")])?;
        if remaining == "0" { duration(reset) } else { None }
    });
    resets.max()
}

/// The wait in a sentence such as `Please try again in 7.66s.`, in milliseconds.
pub(crate) fn in_sentence(text: &str) -> Option<u64> {
    let (_, rest) = text.split_once("try again in ")?;
    duration(rest.split_whitespace().next()?.trim_end_matches(['.', ',']))
}

/// Reads `1h2m3.5s`, `20ms` or plain seconds as milliseconds.
fn duration(text: &str) -> Option<u64> {
    if let Ok(seconds) = text.parse::<f64>() {
        return millis(seconds);
    }
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at_checked(digits)?;
        let letters = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(letters)?;
        total += number.parse::<f64>().ok()?
            * match unit {
                "ms" => 0.001,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3_600.0,
                "d" => 86_400.0,
                _ => return None,
            };
        rest = tail;
    }
    millis(total)
}

/// Seconds as whole milliseconds, rounded up; nothing for what is negative, endless or longer
/// than a year.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked before the cast"
)]
fn millis(seconds: f64) -> Option<u64> {
    // A tenth of a microsecond less, so that 1.1 s is 1100 ms and not 1101.
    (0.0..=31_536_000.0)
        .contains(&seconds)
        .then(|| (seconds * 1_000.0 - 1e-4).ceil().max(0.0) as u64)
}

/// Seconds since 1970 of an IMF-fixdate (`Sun, 06 Nov 1994 08:49:37 GMT`, RFC 9110 5.6.7).
fn http_date(text: &str) -> Option<u64> {
    let mut words = text.split([' ', ':']).skip(1);
    let mut number = || words.next()?.parse::<u64>().ok();
    let day = number()?;
    let month =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = text.split([' ', ':']).skip(2);
    let name = words.next()?;
    let month = (1..).zip(month).find(|(_, known)| *known == name).map(|(number, _)| number)?;
    let mut number = || words.next()?.parse::<u64>().ok();
    let (year, hour, minute, second) = (number()?, number()?, number()?, number()?);
    let days = days_from_civil(year, month, day)?;
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// Days since 1970-01-01, after Howard Hinnant's "chrono-compatible low-level date algorithms".
fn days_from_civil(year: u64, month: u64, day: u64) -> Option<u64> {
    let year = if month <= 2 { year.checked_sub(1)? } else { year };
    let era = year / 400;
    let year_of_era = year % 400;
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted + 2) / 5 + day.checked_sub(1)?;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era.checked_mul(146_097)? + day_of_era).checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(headers: &[(&str, &str)]) -> Option<u64> {
        let owned: Vec<_> =
            headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        retry_after_ms(&owned)
    }

    #[test]
    fn every_way_to_say_a_wait_is_understood() {
        assert_eq!(wait(&[("Retry-After-Ms", "250"), ("retry-after", "9")]), Some(250));
        assert_eq!(wait(&[("retry-after", "2")]), Some(2_000));
        assert_eq!(wait(&[("retry-after", "1.1")]), Some(1_100));
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(wait(&[date, ("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")]), Some(30_000));
        assert_eq!(wait(&[date, ("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")]), Some(0));
        assert_eq!(wait(&[("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")]), None);
        assert_eq!(wait(&[("retry-after", "-1")]), None);
        assert_eq!(wait(&[("retry-after", "NaN")]), None);
        assert_eq!(wait(&[]), None);
    }

    #[test]
    fn a_reset_counts_only_where_nothing_remains() {
        let requests =
            [("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "6m0s")];
        let tokens = [("x-ratelimit-remaining-tokens", "12"), ("x-ratelimit-reset-tokens", "9h")];
        assert_eq!(wait(&[requests, tokens].concat()), Some(360_000));
        assert_eq!(wait(&tokens), None);
    }

    #[test]
    fn a_wait_in_a_sentence_is_found() {
        let said = "Rate limit reached. Please try again in 7.66s. Visit the page to learn more.";
        assert_eq!(in_sentence(said), Some(7_660));
        assert_eq!(in_sentence("Please try again in 20ms."), Some(20));
        assert_eq!(in_sentence("Please try again in a while."), None);
        assert_eq!(in_sentence("no"), None);
    }

    #[test]
    fn dates_count_from_1970() {
        assert_eq!(http_date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(http_date("Tue, 29 Feb 2000 00:00:00 GMT"), Some(951_782_400));
        assert_eq!(http_date("yesterday"), None);
    }
}
