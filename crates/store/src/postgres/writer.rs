//! The one task of a process that writes for runs: it takes everything that is queued and commits it
//! in one transaction, and says now and then that the process lives.

use std::sync::Arc;
use std::time::Duration;

use largestack_types::errors::LargestackError;
use largestack_types::id::OwnerId;
use largestack_types::scope::TenantId;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};
use tokio::time::{Instant, timeout};

use crate::error::{Result, StoreError};
use crate::postgres::fault::ServerError;
use crate::postgres::losses::Ending;
use crate::postgres::queue::{Group, Next, Queue};
use crate::postgres::server::PARTING;
use crate::postgres::told::Told;
use crate::postgres::{connect, leases, rows};

/// How often a transaction is begun anew that the server rolled back for the sake of another.
const ATTEMPTS: usize = 5;

/// How long it waits before a connection is made anew, at first and at most.
pub(super) const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(5);

/// The writer of a process.
pub(super) struct Writer {
    pub(super) connection: PgConnection,
    pub(super) queue: Arc<Queue>,
    pub(super) told: Arc<Told>,
    pub(super) process: OwnerId,
    /// How the connection is made anew.
    pub(super) way: PgConnectOptions,
    /// How long it waits before that.
    pub(super) patience: Duration,
    /// How long a lease lasts without a sign of life.
    pub(super) lasting: Duration,
}

impl Writer {
    /// Writes until the queue is closed. A transaction that fails takes its runs with it.
    pub(super) async fn run(mut self) {
        let _ending = Ending(Arc::clone(&self.queue));
        let between = self.lasting / 3;
        let mut beat = Instant::now() + between;
        loop {
            match self.queue.next(beat).await {
                Next::Write(group, ticket) => match self.write(&group).await {
                    Ok(events) => {
                        self.patience = SHORTEST;
                        self.queue.committed(ticket, events, group.rows.is_empty());
                        self.told.say(group.rows.iter().map(|rows| rows.run));
                    }
                    Err(error) => self.give_up(group, error).await,
                },
                Next::Beat => {
                    let tenants = self.queue.lock().tenants();
                    // A connection that is lost while nothing is written is replaced before it is
                    // missed; where that fails, the next commit says so.
                    // One that gets no answer says nothing, and is not waited for longer than that.
                    let said = timeout(self.lasting, self.beat(&tenants)).await;
                    if !matches!(said, Ok(Ok(()))) {
                        let _replaced = self.reconnect().await;
                    }
                    beat = Instant::now() + between;
                }
                Next::End => break,
            }
        }
        let tenants = self.queue.lock().tenants();
        // A server that does not answer is not waited for: it finds out by itself.
        let _left = timeout(PARTING, async move {
            let _left = leases::leave(&mut self.connection, &tenants, self.process).await;
            let _closed = self.connection.close().await;
        })
        .await;
    }

    /// What was to be written may be there or not: nothing is built on it. A run that was taken over
    /// says nothing against the connection; whatever else fails is tried no more on this one.
    async fn give_up(&mut self, group: Group, error: StoreError) {
        let gone = !matches!(error, StoreError::Lost { .. });
        self.queue.lose(group, &LargestackError::from(error), gone);
        while gone && !self.queue.pause(self.patience).await {
            self.patience = LONGEST.min(self.patience * 2);
            if self.reconnect().await.is_ok() {
                self.queue.resume();
                break;
            }
        }
    }

    async fn reconnect(&mut self) -> Result<()> {
        self.connection = connect::again(&self.way, self.process).await?;
        Ok(())
    }

    async fn beat(&mut self, tenants: &[String]) -> Result<()> {
        if tenants.is_empty() {
            return Ok(self.connection.ping().await?);
        }
        leases::renew(&mut self.connection, tenants, self.process, self.lasting).await
    }

    async fn write(&mut self, group: &Group) -> Result<u64> {
        for _ in 1..ATTEMPTS {
            match self.answered(group).await {
                Err(StoreError::Server(error)) if error.was_rolled_back() => {}
                other => return other,
            }
        }
        self.answered(group).await
    }

    /// What is not answered for as long as a lease lasts is given up with its connection: by then
    /// others may have taken the runs over.
    async fn answered(&mut self, group: &Group) -> Result<u64> {
        let lasting = self.lasting;
        let silent = || StoreError::Server(ServerError::Silent(lasting));
        timeout(lasting, self.transact(group)).await.unwrap_or_else(|_| Err(silent()))
    }

    async fn transact(&mut self, group: &Group) -> Result<u64> {
        let tenants = group.tenants();
        if group.is_one_statement(&tenants) {
            return part(&mut self.connection, group, &tenants, self.process).await;
        }
        let mut transaction = self.connection.begin().await?;
        let events = part(&mut transaction, group, &tenants, self.process).await?;
        transaction.commit().await?;
        Ok(events)
    }
}

async fn part(
    connection: &mut PgConnection,
    group: &Group,
    tenants: &[TenantId],
    process: OwnerId,
) -> Result<u64> {
    let mut events = 0;
    for tenant in tenants {
        let mut of_tenant: Vec<_> =
            group.rows.iter().filter(|rows| rows.tenant == *tenant).collect();
        // A run's rows stay in their order, and runs are locked in one.
        of_tenant.sort_by_key(|rows| rows.run);
        if !of_tenant.is_empty() {
            events += rows::insert(connection, tenant, &of_tenant, process).await?;
        }
        rows::release(connection, tenant, group).await?;
    }
    Ok(events)
}
