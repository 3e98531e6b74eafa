//! What a call costs, in integers: list prices by provider, model, medium, tier, length of input
//! and day, as data. What nobody has priced costs an unknown amount, never nothing.

mod book;
mod predict;
mod rates;
mod section;
mod tier;

pub use book::{BadBook, Book, Day, Entry, Origin};
pub use predict::{Prediction, predict};
pub use rates::{Medium, Rates};
pub use section::{Dollars, LongSection, MediumSection, RatesSection, Section, TierSection};
pub use tier::{Tier, asked, served};

use largestack_types::money::{Money, MoneyOverflow};
use largestack_types::usage::Usage;

/// Thousandths that make one.
const AS_LISTED: u32 = 1_000;

/// What a model costs, in each tier and for each length of input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    pub(crate) rates: Rates,
    /// Rates of calls with more input than this many tokens, the fewest first. They hold for all
    /// tokens of such a call.
    pub(crate) long: Vec<(u64, Rates)>,
    pub(crate) tiers: Vec<(Tier, TierPrice)>,
}

/// What another tier than the standard one costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TierPrice {
    /// The standard rates of tokens times this many thousandths.
    Times(u32),
    /// Rates of its own, for every length of input.
    Rates(Box<Rates>),
}

/// What a call can use at the most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Tokens sent.
    pub input: u64,
    /// Tokens generated.
    pub output: u64,
    /// Searches that are paid for one by one.
    pub searches: u64,
    /// Whether the input may hold sound or images.
    pub media: bool,
    /// The tier that is asked for; a provider may serve in the standard one instead.
    pub tier: Tier,
}

impl Bounds {
    /// Text in the standard tier.
    pub fn tokens(input: u64, output: u64) -> Self {
        Self { input, output, ..Self::default() }
    }
}

/// What was billed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bill {
    /// The sum of all lines that have a rate.
    pub cost: Money,
    /// The first kind of unit that was used and has none.
    pub unpriced: Option<&'static str>,
}

/// Why nobody can say what a call costs at the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPrice {
    /// There is no rate for it.
    #[error("no rate is known for {0}")]
    Unpriced(&'static str),
    /// The sum is beyond what an amount of money can be.
    #[error(transparent)]
    Range(#[from] MoneyOverflow),
}

impl Price {
    /// These rates in the standard tier, for every length of input.
    pub const fn of(rates: Rates) -> Self {
        Self { rates, long: Vec::new(), tiers: Vec::new() }
    }

    /// Nano-dollars per million tokens of text in and out.
    pub const fn flat(input: i64, output: i64) -> Self {
        Self::of(Rates::flat(input, output))
    }

    /// What nobody charges for.
    pub const fn free() -> Self {
        Self::flat(0, 0)
    }

    /// Whether every rate is known to be nothing.
    pub fn is_free(&self) -> bool {
        self.rates.is_free() && self.long.is_empty()
    }

    /// The rates of short calls in the standard tier.
    pub const fn rates(&self) -> &Rates {
        &self.rates
    }

    /// Rates of calls with more input than so many tokens.
    pub fn long(&self) -> &[(u64, Rates)] {
        &self.long
    }

    /// The tiers that have a price, with what they cost for short calls.
    pub fn tiers(&self) -> impl Iterator<Item = (Tier, Rates, u32)> {
        self.tiers.iter().map(|(tier, price)| match price {
            TierPrice::Times(times) => (*tier, self.rates, *times),
            TierPrice::Rates(rates) => (*tier, **rates, AS_LISTED),
        })
    }

    /// Whether this tier has a price.
    pub fn has(&self, tier: Tier) -> bool {
        tier == Tier::Standard || self.tiers.iter().any(|(known, _)| *known == tier)
    }

    /// What a call with this usage cost: one line for each kind of unit, each rounded once. A count
    /// that the provider did not report adds nothing: whoever books a call without usage must book
    /// what was reserved. In a tier without a price it is billed as in the standard one.
    pub fn cost(&self, usage: &Usage, tier: Tier) -> Result<Bill, MoneyOverflow> {
        let (rates, times) = self.at(tier, usage.input_tokens.unwrap_or(0));
        let unpriced = (!self.has(tier)).then_some("the tier");
        let mut bill = Bill { cost: Money::ZERO, unpriced };
        for line in rates.lines(usage).filter(|line| line.units > 0) {
            let Some(rate) = line.rate else {
                bill.unpriced = bill.unpriced.or(Some(line.what));
                continue;
            };
            let times = if line.tokens { times } else { AS_LISTED };
            bill.cost = bill.cost.checked_add(Money::line(line.units, rate, times)?)?;
        }
        Ok(bill)
    }

    /// The most a call within these bounds can cost: all input at its dearest kind, in the dearer
    /// of the standard tier and the one that is asked for, at the dearest length. One nano-dollar a
    /// line is added, since rounding kind by kind can come out above rounding the sum.
    pub fn worst_case(&self, bounds: Bounds) -> Result<Money, NoPrice> {
        if !self.has(bounds.tier) {
            return Err(NoPrice::Unpriced("the tier"));
        }
        let mut most = Money::ZERO;
        let lengths = self
            .long
            .iter()
            .map(|(above, _)| above.saturating_add(1))
            .filter(|l| *l <= bounds.input);
        for length in std::iter::once(0).chain(lengths) {
            let other = (bounds.tier != Tier::Standard).then_some(bounds.tier);
            for tier in std::iter::once(Tier::Standard).chain(other) {
                let (rates, times) = self.at(tier, length);
                most = most.max(rates.worst_case(bounds, times)?);
            }
        }
        Ok(most)
    }

    /// The rates of a tier for so much input, and the thousandths by which rates of tokens are
    /// multiplied.
    fn at(&self, tier: Tier, input: u64) -> (&Rates, u32) {
        let own = self.tiers.iter().find(|(known, _)| *known == tier).map(|(_, price)| price);
        if let Some(TierPrice::Rates(rates)) = own {
            return (rates, AS_LISTED);
        }
        let long = self.long.iter().rev().find(|(above, _)| input > *above);
        let times = match own {
            Some(TierPrice::Times(times)) => *times,
            _ => AS_LISTED,
        };
        (long.map_or(&self.rates, |(_, rates)| rates), times)
    }
}

#[cfg(test)]
mod tests;
