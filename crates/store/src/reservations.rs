//! A reservation as every form of the store keeps it, and what becomes of accounts when it ends.

use std::sync::Arc;

use largestack_ports::ledger::{Account, BudgetKey, Expired};
use largestack_types::errors::Result;
use largestack_types::id::OwnerId;
use largestack_types::money::Money;
use largestack_types::scope::TenantId;
use largestack_types::time::Timestamp;

/// A reservation that is kept.
pub(crate) struct Kept {
    pub(crate) tenant: TenantId,
    pub(crate) owner: OwnerId,
    pub(crate) number: u64,
    pub(crate) amount: Money,
    pub(crate) keys: Arc<[BudgetKey]>,
    pub(crate) reported: Option<Money>,
    pub(crate) estimated: Option<Money>,
}

impl Kept {
    /// Frees what was set aside, or what was booked in its place, and books what was used.
    pub(crate) fn settle(&self, account: &mut Account, used: Money, now: Timestamp) -> Result<()> {
        account.roll(now);
        match self.estimated {
            Some(estimated) => account.unestimate(estimated),
            None => account.free(self.amount),
        }
        account.book(used)
    }

    /// The account of the tenant whose meter runs with it, where that has no limit.
    pub(crate) fn meter(&self) -> Option<BudgetKey> {
        BudgetKey::metered(&self.keys).map(BudgetKey::everything_of)
    }

    /// Books what was used where nothing was set aside.
    pub(crate) fn meter_in(
        &self,
        account: &mut Account,
        used: Money,
        now: Timestamp,
    ) -> Result<()> {
        account.roll(now);
        account.unestimate(self.estimated.unwrap_or_default());
        account.book(used)
    }

    /// Books what the owner may have used where nothing was set aside.
    pub(crate) fn estimate_in(&self, account: &mut Account, now: Timestamp) -> Result<()> {
        account.roll(now);
        account.estimate(self.left_behind())
    }

    /// What is booked where the owner is gone: the amount last reported, else all of it.
    pub(crate) fn left_behind(&self) -> Money {
        self.reported.unwrap_or(self.amount)
    }

    /// Books what the owner may have used.
    pub(crate) fn expire(&self, account: &mut Account, now: Timestamp) -> Result<()> {
        account.roll(now);
        account.free(self.amount);
        account.estimate(self.left_behind())
    }

    /// Notes that it was booked. Its row stays: whoever knows better may still settle it.
    pub(crate) fn booked(&mut self) -> Expired {
        let booked = self.left_behind();
        self.estimated = Some(booked);
        let (owner, keys) = (self.owner, Arc::clone(&self.keys));
        Expired { owner, keys, booked, in_full: self.reported.is_none() }
    }
}
