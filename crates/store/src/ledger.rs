//! The port of the ledger over what each database can do in a transaction: written once, for all.

/// Implements [`Ledger`](largestack_ports::ledger::Ledger) for a store with the functions `try_*`
/// of its `budgets.rs`. A macro and not a trait: futures of a trait's functions would have to be
/// boxed for their own sake, and a trait of another crate cannot be implemented for all of one's
/// types at once.
macro_rules! ledger_of {
    ($store:ty) => {
        impl $store {
            /// Sets money aside; `size` may look at the accounts before.
            async fn set_aside(
                &self,
                keys: &Arc<[BudgetKey]>,
                size: impl Fn(&Account) -> Money + Clone + Send + Sync + 'static,
            ) -> PortResult<Reservation> {
                match self.try_set_aside(keys, size.clone()).await.map_err(LargestackError::from) {
                    // Perhaps only because of what somebody left behind.
                    Err(refused @ LargestackError::BudgetExceededError(_)) => {
                        if self.try_sweep().await?.is_empty() {
                            return Err(refused);
                        }
                        Ok(self.try_set_aside(keys, size).await?)
                    }
                    other => other,
                }
            }

            async fn tightest(&self, keys: &[BudgetKey]) -> PortResult<Option<Money>> {
                let mut tightest: Option<Money> = None;
                for key in keys {
                    let left = self.try_look(key).await?.left();
                    tightest = left.into_iter().chain(tightest).min();
                }
                Ok(tightest)
            }
        }

        impl Ledger for $store {
            fn reserve<'a>(
                &'a self,
                keys: &'a Arc<[BudgetKey]>,
                amount: Money,
            ) -> BoxFuture<'a, PortResult<Reservation>> {
                self.within(self.set_aside(keys, move |_| amount))
            }

            fn lease<'a>(
                &'a self,
                key: &'a BudgetKey,
                least: Money,
                most: Money,
            ) -> BoxFuture<'a, PortResult<Reservation>> {
                let keys: Arc<[BudgetKey]> = Arc::from([key.clone()]);
                self.within(async move {
                    self.set_aside(&keys, move |account| account.slice(least, most)).await
                })
            }

            fn report<'a>(
                &'a self,
                reservation: &'a Reservation,
                seen: Money,
            ) -> BoxFuture<'a, PortResult<()>> {
                self.within(async move { Ok(self.try_report(reservation, seen).await?) })
            }

            fn settle<'a>(
                &'a self,
                reservation: &'a Reservation,
                used: Money,
            ) -> BoxFuture<'a, PortResult<()>> {
                self.within(async move { Ok(self.try_settle(reservation, used).await?) })
            }

            fn meter<'a>(
                &'a self,
                tenant: &'a TenantId,
                used: Money,
            ) -> BoxFuture<'a, PortResult<()>> {
                self.within(async move {
                    Ok(self.try_meter(&BudgetKey::everything_of(tenant), used).await?)
                })
            }

            fn available<'a>(
                &'a self,
                keys: &'a Arc<[BudgetKey]>,
            ) -> BoxFuture<'a, PortResult<Option<Money>>> {
                self.within(self.tightest(keys))
            }

            fn set_limits<'a>(
                &'a self,
                key: &'a BudgetKey,
                limits: BudgetLimits,
            ) -> BoxFuture<'a, PortResult<()>> {
                self.within(async move {
                    self.limited_scopes()?.note(key, limits);
                    Ok(self.try_set_limits(key, limits).await?)
                })
            }

            fn account<'a>(&'a self, key: &'a BudgetKey) -> BoxFuture<'a, PortResult<Account>> {
                self.within(async move { Ok(self.try_look(key).await?) })
            }

            fn open<'a>(
                &'a self,
                key: &'a BudgetKey,
                limit: Option<Money>,
                spent: Money,
            ) -> BoxFuture<'a, PortResult<()>> {
                self.within(async move { Ok(self.try_open(key, limit, spent).await?) })
            }

            fn close<'a>(&'a self, key: &'a BudgetKey) -> BoxFuture<'a, ()> {
                // What stays is the account of a run that is over, which nobody reads.
                self.within(async move { drop(self.try_forget(key).await) })
            }

            fn shared(&self, scope: &Scope, agent: &Arc<str>) -> Vec<BudgetKey> {
                let limited = self.limited_scopes();
                limited.map_or_else(|_| Vec::new(), |limited| limited.around_run(scope, agent))
            }

            fn sweep(&self) -> BoxFuture<'_, PortResult<Vec<Expired>>> {
                self.within(async move { Ok(self.try_sweep().await?) })
            }
        }
    };
}

pub(crate) use ledger_of;
