//! A price as people write it: dollars as decimal text, in the list that comes with the crate and,
//! with the same names, in a configuration.

use std::fmt;

use largestack_types::money::Money;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use super::{BadBook, Medium, Price, Rates, Tier, TierPrice};

/// An amount of dollars, exactly as it is written: in quotes, or a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dollars(pub Money);

/// A price. What is absent is unknown, or as its neighbour where [`Rates`] says so. Tokens are in
/// dollars per million, searches and calls in dollars per thousand.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct Section {
    /// The first day in UTC, as `2025-04-14`; absent for as long as anybody remembers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// See [`Rates::input`], and so on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Dollars>,
    /// See [`Rates::output`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Dollars>,
    /// See [`Rates::cache_read`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<Dollars>,
    /// See [`Rates::cache_write`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<Dollars>,
    /// See [`Rates::cache_write_1h`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<Dollars>,
    /// See [`Rates::reasoning`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Dollars>,
    /// Sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio: Option<MediumSection>,
    /// Images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<MediumSection>,
    /// A thousand searches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<Dollars>,
    /// A thousand calls, in addition to their tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Dollars>,
    /// Calls with much input, the fewest tokens first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub long: Vec<LongSection>,
    /// The tier that goes before others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<TierSection>,
    /// The tier with more tokens a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fast: Option<TierSection>,
    /// The tier that waits until there is room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flex: Option<TierSection>,
    /// The tier that is done within a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<TierSection>,
}

/// Dollars per million tokens of a medium.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct MediumSection {
    /// See [`Medium::input`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Dollars>,
    /// See [`Medium::cache_read`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<Dollars>,
    /// See [`Medium::output`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Dollars>,
}

/// Dollars per million tokens, where another length of input or tier has its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct RatesSection {
    /// See [`Rates::input`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Dollars>,
    /// See [`Rates::output`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Dollars>,
    /// See [`Rates::cache_read`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<Dollars>,
    /// See [`Rates::cache_write`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<Dollars>,
    /// See [`Rates::cache_write_1h`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<Dollars>,
    /// See [`Rates::reasoning`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Dollars>,
    /// Sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio: Option<MediumSection>,
    /// Images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<MediumSection>,
}

/// What calls with much input cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct LongSection {
    /// Calls with more tokens of input than this.
    pub above: u64,
    /// The rates of all their tokens.
    pub rates: RatesSection,
}

/// What another tier costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TierSection {
    /// So many times the standard rates of tokens, in thousandths: `"0.5"` is half.
    Times(u32),
    /// Rates of its own.
    Rates(RatesSection),
}

struct DollarsVisitor;

impl Visitor<'_> for DollarsVisitor {
    type Value = Dollars;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount in dollars like \"2.50\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Dollars, E> {
        let wrong = || E::custom(format!("`{text}` is no amount in dollars"));
        Money::parse_dollars(text).map(Dollars).ok_or_else(wrong)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Dollars, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Dollars, E> {
        self.visit_str(&number.to_string())
    }

    /// The shortest decimals that read as this number: what was written.
    fn visit_f64<E: Error>(self, number: f64) -> Result<Dollars, E> {
        self.visit_str(&number.to_string())
    }
}

impl<'de> Deserialize<'de> for Dollars {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DollarsVisitor)
    }
}

impl Serialize for Dollars {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.to_string().trim_start_matches('$'))
    }
}

impl Serialize for TierSection {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Rates(rates) => rates.serialize(serializer),
            Self::Times(times) => {
                let factor = Money::from_nanos(i64::from(*times) * 1_000_000);
                Dollars(factor).serialize(serializer)
            }
        }
    }
}

struct TierVisitor;

impl<'de> Visitor<'de> for TierVisitor {
    type Value = TierSection;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a factor like \"0.5\", or rates")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<TierSection, E> {
        // A factor has three decimals where an amount has nine.
        let nanos = Money::parse_dollars(text).map(Money::nanos).filter(|nanos| *nanos > 0);
        let times = nanos.filter(|nanos| nanos % 1_000_000 == 0).map(|nanos| nanos / 1_000_000);
        times
            .and_then(|times| u32::try_from(times).ok())
            .map(TierSection::Times)
            .ok_or_else(|| E::custom(format!("`{text}` is no factor like 0.5")))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<TierSection, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<TierSection, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<TierSection, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TierSection, A::Error> {
        RatesSection::deserialize(MapAccessDeserializer::new(map)).map(TierSection::Rates)
    }
}

impl<'de> Deserialize<'de> for TierSection {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TierVisitor)
    }
}

fn per_million(dollars: Option<Dollars>) -> Option<i64> {
    dollars.map(|Dollars(amount)| amount.nanos())
}

fn per_thousand(dollars: Option<Dollars>) -> Result<Option<i64>, BadBook> {
    let million = |Dollars(amount): Dollars| amount.nanos().checked_mul(1_000);
    match dollars {
        None => Ok(None),
        Some(dollars) => million(dollars).map(Some).ok_or_else(|| BadBook::new("too dear")),
    }
}

impl MediumSection {
    fn medium(section: Option<Self>) -> Medium {
        let Self { input, cache_read, output } = section.unwrap_or_default();
        let [input, cache_read, output] = [input, cache_read, output].map(per_million);
        Medium { input, cache_read, output }
    }
}

impl RatesSection {
    /// With what a search and a call cost at any length and in any tier.
    fn rates(self, search: Option<i64>, request: Option<i64>) -> Rates {
        Rates {
            input: per_million(self.input),
            output: per_million(self.output),
            cache_read: per_million(self.cache_read),
            cache_write: per_million(self.cache_write),
            cache_write_1h: per_million(self.cache_write_1h),
            reasoning: per_million(self.reasoning),
            audio: MediumSection::medium(self.audio),
            image: MediumSection::medium(self.image),
            search,
            request,
        }
    }
}

impl Section {
    /// Dollars per million tokens in and out.
    pub fn flat(input: Money, output: Money) -> Self {
        let (input, output) = (Some(Dollars(input)), Some(Dollars(output)));
        Self { input, output, ..Self::default() }
    }

    /// The price that it says.
    pub fn price(&self) -> Result<Price, BadBook> {
        let (search, request) = (per_thousand(self.search)?, per_thousand(self.request)?);
        let rates = RatesSection {
            input: self.input,
            output: self.output,
            cache_read: self.cache_read,
            cache_write: self.cache_write,
            cache_write_1h: self.cache_write_1h,
            reasoning: self.reasoning,
            audio: self.audio,
            image: self.image,
        };
        let rates = rates.rates(search, request);
        if rates.stated().next().is_none() {
            return Err(BadBook::new("it names no rate"));
        }
        let long: Vec<_> =
            self.long.iter().map(|long| (long.above, long.rates.rates(search, request))).collect();
        if !long.is_sorted_by(|(a, _), (b, _)| a < b) {
            return Err(BadBook::new("the fewest tokens come first in `long`"));
        }
        let tiers = [
            (Tier::Priority, self.priority),
            (Tier::Fast, self.fast),
            (Tier::Flex, self.flex),
            (Tier::Batch, self.batch),
        ];
        let tiers = tiers.into_iter().filter_map(|(tier, section)| {
            Some(match section? {
                TierSection::Times(times) => (tier, TierPrice::Times(times)),
                TierSection::Rates(rates) => {
                    (tier, TierPrice::Rates(Box::new(rates.rates(search, request))))
                }
            })
        });
        Ok(Price { rates, long, tiers: tiers.collect() })
    }
}
