//! The arithmetic of one account, the same wherever accounts are kept.

use std::borrow::Cow;

use largestack_types::errors::{BudgetExceededError, Code, LargestackError, Result};
use largestack_types::money::{Money, MoneyOverflow};
use largestack_types::time::Timestamp;

use super::BudgetKind;

/// What may be spent, in each window that has a limit. Days and months are those of UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BudgetLimits {
    /// In all.
    pub total: Option<Money>,
    /// Per day.
    pub day: Option<Money>,
    /// Per month.
    pub month: Option<Money>,
}

impl BudgetLimits {
    /// A limit in all.
    pub const fn total(limit: Option<Money>) -> Self {
        Self { total: limit, day: None, month: None }
    }

    /// Whether anything is limited.
    pub const fn is_some(&self) -> bool {
        self.total.is_some() || self.day.is_some() || self.month.is_some()
    }
}

/// What a scope may spend, has spent and has set aside.
///
/// What is set aside counts in the windows of now, and is booked in the windows of its settlement:
/// a call over midnight is never outside of both days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// What may be spent.
    pub limits: BudgetLimits,
    /// Spent in all.
    pub spent: Money,
    /// Spent in [`Account::day`].
    pub spent_day: Money,
    /// Spent in [`Account::month`].
    pub spent_month: Money,
    /// Days since 1970-01-01.
    pub day: i64,
    /// Months since year 0.
    pub month: i64,
    /// Set aside for calls under way and for slices.
    pub reserved: Money,
    /// The part of what was spent that is an estimate, because whoever used it has died.
    pub estimated: Money,
}

const DAY_MICROS: i64 = 86_400_000_000;

fn month(now: Timestamp) -> i64 {
    let (year, month, _) = now.date();
    year * 12 + i64::from(month) - 1
}

/// An amount beyond the range of money.
pub(crate) fn out_of_range(_: MoneyOverflow) -> LargestackError {
    LargestackError::other(Code::Budget, "an amount of money is out of range")
}

/// Only what is not negative can be set aside or booked.
pub(crate) fn refuse_negative(amount: Money) -> Result<()> {
    if amount < Money::ZERO {
        let detail = format!("{amount} cannot be reserved or booked");
        return Err(LargestackError::other(Code::Budget, detail));
    }
    Ok(())
}

/// A scope in one of its windows, as errors name it.
fn scope_of(window: &str, kind: BudgetKind) -> Cow<'static, str> {
    if window.is_empty() {
        Cow::Borrowed(kind.as_str())
    } else {
        Cow::Owned(format!("{window}{}", kind.as_str()))
    }
}

impl Account {
    /// The windows of now. A clock that goes back changes nothing.
    pub fn roll(&mut self, now: Timestamp) {
        let day = now.micros().div_euclid(DAY_MICROS);
        if day <= self.day {
            return;
        }
        self.day = day;
        self.spent_day = Money::ZERO;
        let month = month(now);
        if month > self.month {
            self.month = month;
            self.spent_month = Money::ZERO;
        }
    }

    /// Each limit with its window's name and what was spent in it.
    fn windows(&self) -> [(&'static str, Option<Money>, Money); 3] {
        [
            ("", self.limits.total, self.spent),
            ("daily ", self.limits.day, self.spent_day),
            ("monthly ", self.limits.month, self.spent_month),
        ]
    }

    /// What is left in the tightest window; `None` without a limit.
    pub fn left(&self) -> Option<Money> {
        let left = self.windows().into_iter().filter_map(|(_, limit, spent)| {
            let committed = spent.checked_add(self.reserved).ok();
            let left = committed.and_then(|committed| limit?.checked_sub(committed).ok());
            limit.map(|_| left.unwrap_or_default().max(Money::ZERO))
        });
        left.min()
    }

    /// Sets money aside, or says which window cannot cover it.
    pub fn hold(&mut self, kind: BudgetKind, amount: Money) -> Result<()> {
        refuse_negative(amount)?;
        let reserved = self.reserved.checked_add(amount).map_err(out_of_range)?;
        for (window, limit, spent) in self.windows() {
            let after = spent.checked_add(reserved).map_err(out_of_range)?;
            if let Some(budget) = limit.filter(|limit| after > *limit) {
                let committed = spent.checked_add(self.reserved).map_err(out_of_range)?;
                let scope = scope_of(window, kind);
                let error = BudgetExceededError { scope, committed, needed: amount, budget };
                return Err(error.into());
            }
        }
        self.reserved = reserved;
        Ok(())
    }

    /// Whether a call that has set `amount` aside may go on after using `seen` of it: whether that
    /// fits beside what others have spent and set aside. It always does until a limit is lowered or
    /// somebody uses more than was set aside; then every call stops before the limit is passed.
    pub fn may_go_on(&self, kind: BudgetKind, amount: Money, seen: Money) -> Result<()> {
        refuse_negative(seen)?;
        let others = self.reserved.checked_sub(amount).unwrap_or_default().max(Money::ZERO);
        for (window, limit, spent) in self.windows() {
            let committed = spent.checked_add(others).map_err(out_of_range)?;
            let after = committed.checked_add(seen).map_err(out_of_range)?;
            if let Some(budget) = limit.filter(|limit| after > *limit) {
                let scope = scope_of(window, kind);
                return Err(BudgetExceededError { scope, committed, needed: seen, budget }.into());
            }
        }
        Ok(())
    }

    /// How large a slice may be, so that what is left can still be shared: a quarter of it, at
    /// least `least` and at most `most`. Whether `least` fits is for [`Account::hold`] to say.
    pub fn slice(&self, least: Money, most: Money) -> Money {
        let fair = self.left().map_or(most, |left| Money::from_nanos(left.nanos() / 4));
        fair.min(most).max(least)
    }

    /// Frees what was set aside.
    pub fn free(&mut self, amount: Money) {
        // More than is reserved can only have been freed before: by closing the account.
        let left = self.reserved.checked_sub(amount).unwrap_or_default();
        self.reserved = left.max(Money::ZERO);
    }

    /// Whether this much can be booked.
    pub fn can_book(&self, used: Money) -> Result<()> {
        refuse_negative(used)?;
        self.spent.checked_add(used).map(|_| ()).map_err(out_of_range)
    }

    /// Books money as spent; nothing is changed where that leaves the range of money.
    pub fn book(&mut self, used: Money) -> Result<()> {
        refuse_negative(used)?;
        self.spent = self.spent.checked_add(used).map_err(out_of_range)?;
        // Parts of the total, and so within its range.
        self.spent_day = self.spent_day.checked_add(used).map_err(out_of_range)?;
        self.spent_month = self.spent_month.checked_add(used).map_err(out_of_range)?;
        Ok(())
    }

    /// Books what an owner that is gone may have used.
    pub fn estimate(&mut self, amount: Money) -> Result<()> {
        self.book(amount)?;
        self.estimated = self.estimated.checked_add(amount).map_err(out_of_range)?;
        Ok(())
    }

    /// Takes an estimate back, because what was used is known after all. It leaves the windows of
    /// now, in which it may not have been: their spending never goes below zero.
    pub fn unestimate(&mut self, amount: Money) {
        for spent in
            [&mut self.spent, &mut self.spent_day, &mut self.spent_month, &mut self.estimated]
        {
            *spent = spent.checked_sub(amount).unwrap_or_default().max(Money::ZERO);
        }
    }
}
