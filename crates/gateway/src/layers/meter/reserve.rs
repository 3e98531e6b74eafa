//! Setting money aside: the worst case of an attempt and, on every turn but the last, what one
//! more smallest call would cost, so that a run that meets its budget can still answer.

use std::sync::Arc;

use largestack_ports::ledger::{Ledger, Reservation};
use largestack_types::call::Settings;
use largestack_types::error::Code;
use largestack_types::errors::{LargestackError, Result};
use largestack_types::money::Money;
use largestack_wire::price::{Bounds, NoPrice, Price, Tier, asked};

use super::{FLOOR_TOKENS, Kept};
use crate::job::{Ask, Job};

/// What an attempt can cost.
#[derive(Clone, Debug)]
pub(crate) struct Quote {
    /// `None` when nobody knows, for the tier that is asked for.
    pub(super) price: Option<Arc<Price>>,
    /// The tier that is asked for.
    pub(super) tier: Tier,
    /// Whether the input holds media that have a price of their own.
    media: bool,
    /// No more tokens than this go in.
    pub(crate) input: u64,
    /// No more searches than this are made.
    pub(super) searches: u64,
    /// No more tokens than this are asked for.
    pub(crate) limit: u32,
    /// Whether one more call must remain possible.
    keep: bool,
}

/// What an attempt may do.
#[derive(Debug)]
pub(super) struct Reserved {
    pub(super) reservation: Option<Reservation>,
    pub(super) quote: Quote,
    clamped: bool,
}

fn out_of_range(_: NoPrice) -> LargestackError {
    LargestackError::other(Code::Budget, "the price of a call is out of range")
}

impl Quote {
    /// Not cheap; what is kept for the run makes it so.
    pub(crate) fn of(ask: &Ask) -> Self {
        if let Some(errand) = &ask.job.errand {
            let price = ask.route.price.clone();
            let (input, searches) = errand.bounds(price.as_deref());
            let tier = Tier::Standard;
            return Self { price, tier, media: false, input, searches, limit: 0, keep: false };
        }
        let context = &ask.job.context;
        let mut kept = context.slot.take_session::<Kept>().unwrap_or_default();
        let (input, media) =
            kept.input_bound(&ask.call, &ask.route.profile, ask.route.counter.as_ref());
        context.slot.put_session(kept);
        let extra = ask.call.settings.extra.as_ref();
        let tier = asked(extra);
        let listed = ask.route.price.clone();
        let price = listed.filter(|price| tier.as_ref().is_ok_and(|tier| price.has(*tier)));
        Self {
            media: media && price.is_some(),
            price,
            tier: tier.unwrap_or_default(),
            input,
            searches: 0,
            limit: ask.route.profile.output_limit(ask.call.settings.max_output_tokens),
            keep: context.keep_for_last_turn,
        }
    }

    /// Whether the attempt is made without asking the ledger.
    pub(super) fn needs_no_money(&self, ask: &Ask) -> bool {
        ask.job.context.budgets.is_empty() || self.is_free()
    }

    pub(super) fn is_free(&self) -> bool {
        self.price.as_ref().is_some_and(|price| price.is_free())
    }

    pub(super) fn unreserved(self) -> Reserved {
        Reserved { reservation: None, quote: self, clamped: false }
    }

    /// The most that the attempt can use with this many tokens of output.
    pub(super) const fn bounds(&self, output: u64) -> Bounds {
        let Self { input, searches, media, tier, .. } = *self;
        Bounds { input, output, searches, media, tier }
    }

    /// The most nano-dollars that the attempt can cost; 0 where nobody knows the price.
    pub(crate) fn nanos(&self) -> u64 {
        let bounds = self.bounds(u64::from(self.limit));
        let money = self.price.as_ref().and_then(|price| price.worst_case(bounds).ok());
        money.map_or(0, |money| u64::try_from(money.nanos()).unwrap_or(0))
    }

    /// What has to be set aside for this many tokens of output.
    fn needs(&self, price: &Price, output: u32) -> Result<Money, NoPrice> {
        let output = u64::from(output);
        let worst = price.worst_case(self.bounds(output))?;
        if !self.keep {
            return Ok(worst);
        }
        // The next call sends what this one said, and asks for the least.
        let next = self.input.saturating_add(output);
        let next = Bounds { input: next, ..self.bounds(u64::from(FLOOR_TOKENS)) };
        Ok(worst.checked_add(price.worst_case(next)?)?)
    }

    /// The most output that this money covers; the floor when it does not even cover that.
    fn fitting(&self, price: &Price, left: Money) -> u32 {
        let fits = |output| self.needs(price, output).is_ok_and(|money| money <= left);
        let (mut good, mut bad) = (FLOOR_TOKENS.min(self.limit), self.limit);
        while bad - good > 1 {
            let middle = good.midpoint(bad);
            if fits(middle) { good = middle } else { bad = middle }
        }
        good
    }
}

impl Reserved {
    /// Brings the attempt in line with what was set aside.
    pub(super) fn apply(&self, ask: &mut Ask) {
        let mut notes = ask.job.notes();
        notes.next_attempt();
        notes.bill.provider = Some(ask.route.provider.clone());
        if self.quote.price.is_none() {
            notes.flag("unpriced");
        }
        if self.clamped {
            notes.flag("clamped");
            let max_output_tokens = Some(self.quote.limit);
            let settings = Settings { max_output_tokens, ..Settings::clone(&ask.call.settings) };
            ask.call.settings = Arc::new(settings);
        }
    }

    pub(super) fn into_reservation(self) -> Option<Reservation> {
        self.reservation
    }
}

/// Sets the money aside where the whole of it is to be had at once; else nothing is done.
pub(super) fn reserve_now(ledger: &dyn Ledger, job: &Job, quote: Quote) -> Result<Reserved, Quote> {
    let whole = quote.price.as_ref().and_then(|price| quote.needs(price, quote.limit).ok());
    let taken = whole.and_then(|whole| ledger.reserve_now(&job.context.budgets, whole));
    match taken {
        Some(Ok(taken)) => Ok(Reserved { reservation: Some(taken), quote, clamped: false }),
        _ => Err(quote),
    }
}

/// Sets the money aside, for less output if need be.
pub(super) async fn reserve(
    ledger: Arc<dyn Ledger>,
    job: Arc<Job>,
    mut quote: Quote,
) -> Result<Reserved> {
    let keys = &job.context.budgets;
    let whole = quote.price.clone().map(|price| (quote.needs(&price, quote.limit), price));
    let (price, whole) = match whole {
        // A rate that is missing is a price that nobody knows.
        None | Some((Err(NoPrice::Unpriced(_)), _)) => {
            quote.price = None;
            return match ledger.available(keys).await? {
                None => Ok(quote.unreserved()),
                Some(_) => Err(no_price(&job)),
            };
        }
        Some((whole, price)) => (price, whole.map_err(out_of_range)?),
    };
    let refused = match ledger.reserve(keys, whole).await {
        Ok(taken) => return Ok(Reserved { reservation: Some(taken), quote, clamped: false }),
        Err(refused) => refused,
    };
    if !matches!(refused, LargestackError::BudgetExceededError(_)) {
        return Err(refused);
    }
    let Some(left) = ledger.available(keys).await? else { return Err(refused) };
    let asked = quote.limit;
    quote.limit = quote.fitting(&price, left);
    // Where this fails, too, the ledger says in which scope and how much the least would be.
    let least = quote.needs(&price, quote.limit).map_err(out_of_range)?;
    let reservation = Some(ledger.reserve(keys, least).await?);
    let clamped = quote.limit < asked;
    Ok(Reserved { reservation, quote, clamped })
}

fn no_price(job: &Job) -> LargestackError {
    let agent = &job.context.agent;
    LargestackError::with_advice(
        Code::Budget,
        format!("the model of `{agent}` has no known price, so that its budget cannot be kept"),
        "Add the model's price to the price list, or run without a budget",
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PRICE: Price = Price::flat(150_000_000, 600_000_000);

    fn quote(limit: u32, keep: bool) -> Quote {
        let price = Some(Arc::new(PRICE));
        Quote { price, tier: Tier::Standard, media: false, input: 1_000, searches: 0, limit, keep }
    }

    proptest! {
        #[test]
        fn the_most_output_that_fits_is_found(
            limit in 1_u32..20_000,
            keep: bool,
            nanos in 0_i64..20_000_000,
        ) {
            let quote = quote(limit, keep);
            let left = Money::from_nanos(nanos);
            let output = quote.fitting(&PRICE, left);
            let floor = FLOOR_TOKENS.min(limit);
            prop_assert!((floor..=limit).contains(&output));
            prop_assert!(output == floor || quote.needs(&PRICE, output).unwrap() <= left);
            // The limit itself is asked for before anything is clamped.
            prop_assert!(output + 1 >= limit || quote.needs(&PRICE, output + 1).unwrap() > left);
        }
    }

    #[test]
    fn keeping_a_last_turn_adds_one_smallest_call_that_sends_everything() {
        let (alone, kept) = (quote(500, false), quote(500, true));
        let next = PRICE.worst_case(Bounds::tokens(1_500, 256)).unwrap();
        let worst = PRICE.worst_case(Bounds::tokens(1_000, 500)).unwrap();
        assert_eq!(alone.needs(&PRICE, 500), Ok(worst));
        assert_eq!(kept.needs(&PRICE, 500), Ok(worst.checked_add(next).unwrap()));
    }
}
