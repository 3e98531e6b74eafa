//! What a call costs, in integers: list prices by provider, model and day, as data. A model
//! without a price costs an unknown amount, never nothing.

use std::sync::{Arc, LazyLock};

use largestack_types::money::{Money, MoneyOverflow};
use largestack_types::time::Timestamp;
use largestack_types::usage::Usage;
use serde::Deserialize;

/// Nano-US-dollars per million tokens of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Price {
    /// Input that no cache held.
    pub input: i64,
    /// Output, reasoning included.
    pub output: i64,
    /// Input read from the provider's cache; as other input when absent.
    #[serde(default)]
    pub cache_read: Option<i64>,
    /// Input written to the provider's cache; as other input when absent.
    #[serde(default)]
    pub cache_write: Option<i64>,
    /// Input written to the cache for an hour; as other writes when absent.
    #[serde(default)]
    pub cache_write_1h: Option<i64>,
}

/// The multiplier of a list price, in thousandths.
const AS_LISTED: u32 = 1_000;

impl Price {
    /// What a call with this usage cost: one line for each kind of token, each rounded once.
    /// A count that the provider did not report adds nothing: whoever books a call without usage
    /// must book what was reserved.
    pub fn cost(&self, usage: &Usage) -> Result<Money, MoneyOverflow> {
        let read = usage.cache_read_tokens.unwrap_or(0);
        let written = usage.cache_write_tokens.unwrap_or(0);
        let cached = read.saturating_add(written);
        // More cached than sent is a provider's miscount: no kind of token may count below zero.
        let plain = usage.input_tokens.unwrap_or(0).saturating_sub(cached);
        let hour = usage.cache_write_1h_tokens.unwrap_or(0).min(written);
        let write = self.cache_write.unwrap_or(self.input);
        let lines = [
            (plain, self.input),
            (read, self.cache_read.unwrap_or(self.input)),
            (written - hour, write),
            (hour, self.cache_write_1h.unwrap_or(write)),
            (usage.output_tokens.unwrap_or(0), self.output),
        ];
        lines.into_iter().try_fold(Money::ZERO, |sum, (units, price)| {
            sum.checked_add(Money::line(units, price, AS_LISTED)?)
        })
    }

    /// The most a call can cost that sends at most `input` tokens and may generate `output`: all
    /// input at its dearest kind. One nano-dollar a line is added, since rounding kind by kind can
    /// come out above rounding the sum.
    pub fn worst_case(&self, input: u64, output: u64) -> Result<Money, MoneyOverflow> {
        let kinds = [Some(self.input), self.cache_read, self.cache_write, self.cache_write_1h];
        let dearest = kinds.into_iter().flatten().max().unwrap_or(self.input);
        let input = Money::line(input, dearest, AS_LISTED)?;
        let sum = input.checked_add(Money::line(output, self.output, AS_LISTED)?)?;
        let slack = if sum == Money::ZERO && dearest == 0 { 0 } else { 5 };
        sum.checked_add(Money::from_nanos(slack))
    }
}

/// A price of a model from a day on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The provider.
    pub provider: Arc<str>,
    /// The model, or the beginning of its name and `*`.
    pub model: Arc<str>,
    /// The first day, as year, month and day in UTC.
    pub from: (i64, u8, u8),
    /// The price.
    pub price: Price,
}

/// One row of the table.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Row {
    provider: Arc<str>,
    model: Arc<str>,
    from: String,
    input: i64,
    output: i64,
    cache_read: Option<i64>,
    cache_write: Option<i64>,
    #[serde(rename = "cache-write-1h")]
    cache_write_1h: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    price: Vec<Row>,
}

/// A list of prices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Book {
    entries: Vec<Entry>,
}

/// A list of prices that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the price list cannot be read: {detail}")]
pub struct BadBook {
    /// What is wrong, and where.
    pub detail: String,
}

impl Book {
    /// The list that comes with the crate.
    pub fn builtin() -> &'static Self {
        static TABLE: LazyLock<Book> = LazyLock::new(|| {
            Book::of(crate::table::embedded(include_str!("prices.toml"))).unwrap_or_default()
        });
        &TABLE
    }

    /// Reads a list in TOML: `[[price]]` tables with `provider`, `model`, `from` (a day as
    /// `2025-04-14`), `input`, `output` and perhaps `cache-read` and `cache-write`, the prices in
    /// nano-dollars per million tokens.
    pub fn parse(text: &str) -> Result<Self, BadBook> {
        Self::of(toml::from_str(text).map_err(|error| BadBook { detail: error.to_string() })?)
    }

    fn of(table: Table) -> Result<Self, BadBook> {
        let entry = |row: Row| {
            let Row {
                provider,
                model,
                from,
                input,
                output,
                cache_read,
                cache_write,
                cache_write_1h,
            } = row;
            let prices = [Some(input), Some(output), cache_read, cache_write, cache_write_1h];
            if prices.into_iter().flatten().any(|price| price < 0) {
                return Err(BadBook { detail: format!("a price of `{model}` is below zero") });
            }
            let from = day(&from).ok_or_else(|| BadBook {
                detail: format!("`{from}` is not a day like 2025-04-14"),
            })?;
            let price = Price { input, output, cache_read, cache_write, cache_write_1h };
            Ok(Entry { provider, model, from, price })
        };
        let entries: Result<_, _> = table.price.into_iter().map(entry).collect();
        Ok(Self { entries: entries? })
    }

    /// Adds the entries of another list; where both fit equally well, the added ones win.
    pub fn extend(&mut self, other: Self) {
        self.entries.extend(other.entries);
    }

    /// All entries.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The price of a model at a time: of the entries that fit and have begun, the one with the
    /// most exact name, and of these the latest. `None` when the price is unknown.
    pub fn price(&self, provider: &str, model: &str, at: Timestamp) -> Option<Price> {
        let today = at.date();
        let fitting = self.entries.iter().filter(|e| &*e.provider == provider && e.from <= today);
        fitting
            .filter_map(|entry| exactness(&entry.model, model).map(|exact| (exact, entry)))
            .max_by_key(|(exact, entry)| (*exact, entry.from))
            .map(|(_, entry)| entry.price)
    }
}

/// How exactly a pattern names a model; `None` when it does not. A dated snapshot has the price of
/// its model, but any other longer name (`gpt-4o-audio-preview`) is another model.
fn exactness(pattern: &str, model: &str) -> Option<(u8, usize)> {
    if pattern == model {
        return Some((2, pattern.len()));
    }
    if let Some(prefix) = pattern.strip_suffix('*') {
        return model.starts_with(prefix).then_some((0, prefix.len()));
    }
    let date = model.strip_prefix(pattern)?.strip_prefix('-')?;
    day(date).map(|_| (1, pattern.len()))
}

/// Reads `2025-04-14`.
fn day(text: &str) -> Option<(i64, u8, u8)> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let digits = [(year, 4), (month, 2), (day, 2)]
        .iter()
        .all(|(part, len)| part.len() == *len && part.bytes().all(|b| b.is_ascii_digit()));
    let date = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    let sane = (1..=12).contains(&date.1) && (1..=31).contains(&date.2);
    (digits && sane && parts.next().is_none()).then_some(date)
}

#[cfg(test)]
mod tests;
