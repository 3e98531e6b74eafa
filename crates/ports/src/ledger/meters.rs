//! What tenants without a limit have used, as far as the shared ledger has not been told of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use futures::future::Shared;
use largestack_types::errors::{LargestackError, Result};
use largestack_types::money::Money;
use largestack_types::scope::TenantId;

use super::Ledger;
use super::account::out_of_range;
use crate::BoxFuture;

/// The meters of a process.
#[derive(Default)]
pub(super) struct Meters(Mutex<State>);

#[derive(Default)]
struct State {
    due: HashMap<TenantId, Money>,
    writing: Option<Writing>,
}

/// Shared by whoever waits for it: somebody who goes away half-way leaves it to the next, so that
/// nothing is written twice or never.
type Writing = Shared<BoxFuture<'static, Written>>;

/// What could not be written, and why.
#[derive(Clone)]
struct Written {
    left: Arc<[(TenantId, Money)]>,
    error: Option<LargestackError>,
}

impl Meters {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what a tenant has used.
    pub(super) fn add(&self, tenant: &TenantId, used: Money) -> Result<()> {
        if used != Money::ZERO {
            self.state().add(tenant, used)?;
        }
        Ok(())
    }

    /// Tells the shared ledger of all that is due.
    pub(super) async fn write(&self, shared: &Arc<dyn Ledger>) -> Result<()> {
        loop {
            let Some(writing) = self.state().begin(shared) else { return Ok(()) };
            let written = writing.clone().await;
            let mut state = self.state();
            // Whoever is first puts back what is left.
            if state.writing.as_ref().is_some_and(|now| now.ptr_eq(&writing)) {
                state.writing = None;
                for (tenant, used) in written.left.iter() {
                    state.add(tenant, *used)?;
                }
            }
            if let Some(error) = written.error {
                return Err(error);
            }
        }
    }
}

impl State {
    fn add(&mut self, tenant: &TenantId, used: Money) -> Result<()> {
        if let Some(due) = self.due.get_mut(tenant) {
            *due = due.checked_add(used).map_err(out_of_range)?;
        } else {
            self.due.insert(tenant.clone(), used);
        }
        Ok(())
    }

    /// What is being written, or is from now on; `None` where nothing is due.
    fn begin(&mut self, shared: &Arc<dyn Ledger>) -> Option<Writing> {
        if self.writing.is_none() && !self.due.is_empty() {
            let due = std::mem::take(&mut self.due);
            self.writing = Some(write(Arc::clone(shared), due).boxed().shared());
        }
        self.writing.clone()
    }
}

async fn write(shared: Arc<dyn Ledger>, due: HashMap<TenantId, Money>) -> Written {
    let (mut left, mut error) = (Vec::new(), None);
    for (tenant, used) in due {
        if let Err(failed) = shared.meter(&tenant, used).await {
            left.push((tenant, used));
            error = Some(failed);
        }
    }
    Written { left: left.into(), error }
}
