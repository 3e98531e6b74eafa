//! The kill switch as every process of the server sees it: read when somebody says that it has
//! changed, and several times a second where nothing was heard.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use largestack_ports::switch::Thrown;
use largestack_types::time::Timestamp;
use sqlx::postgres::PgListener;
use sqlx::{PgPool, Row as _};
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
    pool: PgPool,
    /// Under one lock from reading to telling, so that an older state never follows a newer one.
    reading: Mutex<()>,
}

impl Watch {
    /// Reads the switches as they are now.
    pub(super) async fn read(pool: PgPool) -> Result<Self> {
        let watch =
            Self { switches: watch::Sender::new(HashMap::new()), pool, reading: Mutex::new(()) };
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
        let _reading = self.reading.lock().await;
        let mut transaction = connect::begin_as_operator(&self.pool).await?;
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
        self.switches.send_if_modified(|known| {
            let changed = *known != switches;
            *known = switches;
            changed
        });
        Ok(())
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
