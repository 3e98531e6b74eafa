//! The kill switch as every process of the server sees it: read when somebody says that it has
//! changed, and several times a second where nothing was heard.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use largestack_ports::switch::Thrown;
use largestack_types::id::OwnerId;
use largestack_types::time::Timestamp;
use sqlx::postgres::{PgConnectOptions, PgListener};
use sqlx::{Connection as _, PgConnection, Row as _};
use tokio::sync::{Mutex, watch};
use tokio::time::{sleep, timeout};

use crate::error::Result;
use crate::postgres::connect;
use crate::postgres::told::Told;
use crate::switches::Switches;

/// Well under the second within which a thrown switch must be seen everywhere.
const INTERVAL: Duration = Duration::from_millis(300);

/// The watched switches.
pub(super) struct Watch {
    switches: watch::Sender<Switches>,
    way: PgConnectOptions,
    process: OwnerId,
    /// Its own: it must not wait behind calls that all wait for something else. Under one lock from
    /// reading to telling, so that an older state never follows a newer one.
    connection: Mutex<Option<PgConnection>>,
}

/// Reads the switches of all tenants.
async fn switches(connection: &mut PgConnection) -> Result<Switches> {
    let mut transaction = connection.begin_with(connect::AS_OPERATOR).await?;
    let rows = sqlx::query("SELECT tenant, by, reason, at FROM switches")
        .fetch_all(&mut *transaction)
        .await?;
    transaction.commit().await?;
    let mut switches = Switches::new();
    for row in rows {
        let at = Timestamp::from_micros(row.try_get("at")?);
        let thrown = Thrown { by: row.try_get("by")?, reason: row.try_get("reason")?, at };
        switches.insert(row.try_get("tenant")?, thrown);
    }
    Ok(switches)
}

impl Watch {
    /// Reads the switches as they are now.
    pub(super) async fn read(way: PgConnectOptions, process: OwnerId) -> Result<Self> {
        let (switches, connection) = (watch::Sender::new(HashMap::new()), Mutex::default());
        let watch = Self { switches, way, process, connection };
        watch.refresh().await?;
        Ok(watch)
    }

    /// The switches as they were last read.
    pub(super) fn now(&self) -> watch::Ref<'_, Switches> {
        self.switches.borrow()
    }

    /// Told of every change.
    pub(super) fn subscribe(&self) -> watch::Receiver<Switches> {
        self.switches.subscribe()
    }

    /// Reads them anew.
    pub(super) async fn refresh(&self) -> Result<()> {
        let mut kept = self.connection.lock().await;
        // One on which reading fails, or is given up in the middle, is not kept.
        let read = match kept.take() {
            Some(mut connection) => switches(&mut connection).await.ok().map(|s| (connection, s)),
            None => None,
        };
        let (connection, switches) = if let Some(read) = read {
            read
        } else {
            let mut connection = connect::again(&self.way, self.process).await?;
            let switches = switches(&mut connection).await?;
            (connection, switches)
        };
        *kept = Some(connection);
        self.switches.send_if_modified(|known| {
            let changed = *known != switches;
            *known = switches;
            changed
        });
        Ok(())
    }

    /// Lets go of the connection.
    pub(super) async fn close(&self) {
        if let Some(connection) = self.connection.lock().await.take() {
            let _closed = connection.close().await;
        }
    }

    /// Goes on watching, for as long as it is polled.
    pub(super) async fn run(&self, told: &Told) {
        loop {
            let _silence = timeout(INTERVAL, told.switches.notified()).await;
            // A read that fails leaves the switches as they were known and is tried again.
            let _read = self.refresh().await;
        }
    }
}

/// Listens to what processes say, for as long as it is polled.
pub(super) async fn listen(mut listener: PgListener, told: Arc<Told>) {
    loop {
        match listener.try_recv().await {
            Ok(Some(said)) => told.hear(said.payload()),
            // The connection was lost, and is there again.
            Ok(None) => told.missed(),
            Err(_) => {
                told.missed();
                sleep(INTERVAL).await;
            }
        }
    }
}
