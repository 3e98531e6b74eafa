//! Sessions: what was said, sealed by a key of the session, which is itself sealed by the master
//! key. Exchanges arrive with the batches of the journal, sealed by whoever appends.

use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use largestack_ports::BoxFuture;
use largestack_ports::journal::Lease;
use largestack_ports::sessions::{
    Conversation, Held, IfAbsent, Remembered, Session, SessionKey, Sessions, exists, held_by,
};
use largestack_types::errors::Result as PortResult;
use largestack_types::id::{RunId, SessionId};
use largestack_types::scope::{Scope, TenantId};
use largestack_types::time::Timestamp;
use sqlx::PgConnection;

use crate::error::Result;
use crate::place::Place;
use crate::postgres::barrier::Barrier;
use crate::postgres::server::{PostgresOptions, PostgresStore};
use crate::postgres::{leases, master, vault};
use crate::seal::Key;
use crate::talk::{self, Keys, Said, open_key, seal_digest, seal_exchange};

pub(super) mod rows;

/// Seals what a run leaves to the session that it holds. `None` where it holds none: the session
/// was gone when the run was taken up again.
pub(super) fn seal(
    store: &PostgresStore,
    lease: &Lease,
    said: &Remembered,
) -> Result<Option<Said>> {
    let of = (lease.scope.tenant().clone(), lease.run);
    let Some((place, key)) = store.session_keys().get(&of).cloned() else { return Ok(None) };
    Said::of(&*store.options.ids, &key, place, lease.run, said).map(Some)
}

/// Lets go of the key of the session that a run holds.
pub(super) fn forget_key(store: &PostgresStore, tenant: &TenantId, run: RunId) {
    store.session_keys().remove(&(tenant.clone(), run));
}

/// Makes a session with a key of its own; `None` where there is one.
async fn make(
    connection: &mut PgConnection,
    options: &PostgresOptions,
    place: &Place,
    session: &Session,
) -> Result<Option<Key>> {
    let master = master::key(connection, &options.key_file, &*options.ids).await?;
    let key = Key::random(&*options.ids);
    let sealed = master.seal(&*options.ids, &place.of_key(), key.bytes())?;
    let made = rows::insert(connection, place, session, (&master.name(), &sealed)).await?;
    Ok(made.then_some(key))
}

/// Writes a whole conversation.
async fn put(
    connection: &mut PgConnection,
    options: &PostgresOptions,
    place: &Place,
    conversation: &Conversation,
) -> Result<()> {
    sweep(connection, (&place.tenant, None), options.clock.now()).await?;
    let Some(key) = make(connection, options, place, &conversation.session).await? else {
        return Err(exists(&place.session.into()).into());
    };
    for said in &conversation.exchanges {
        let sealed = seal_exchange(&*options.ids, &key, place, said)?;
        rows::add(connection, place, &sealed).await?;
    }
    if let Some(digest) = &conversation.digest {
        let sealed = seal_digest(&*options.ids, &key, place, digest)?;
        rows::set_digest(connection, place, &sealed).await?;
    }
    Ok(())
}

/// The run that speaks in a session: the one that took it last, while its process lives.
async fn speaker(
    connection: &mut PgConnection,
    tenant: &TenantId,
    holder: Option<RunId>,
) -> Result<Option<RunId>> {
    let Some(run) = holder else { return Ok(None) };
    Ok(leases::is_held(connection, tenant, run).await?.then_some(run))
}

/// The key of a session that is there and that nobody else holds.
async fn found(
    connection: &mut PgConnection,
    options: &PostgresOptions,
    place: &Place,
    run: RunId,
) -> Result<Option<Key>> {
    let Some(found) = rows::find(connection, place, true).await? else { return Ok(None) };
    let other = found.holder.filter(|other| *other != run);
    if let Some(other) = speaker(connection, &place.tenant, other).await? {
        return Err(held_by(place.session, other).into());
    }
    open_key(&options.key_file, place, &found.key).map(Some)
}

/// Takes a session for a run: its key, and whether it was made; `None` where none is.
async fn hold(
    connection: &mut PgConnection,
    options: &PostgresOptions,
    (place, key, run): (&Place, &SessionKey, RunId),
    absent: IfAbsent,
) -> Result<Option<(Key, bool)>> {
    let now = options.clock.now();
    sweep(connection, (&place.tenant, Some(run)), now).await?;
    let mut taken = found(connection, options, place, run).await?.map(|key| (key, false));
    if taken.is_none() {
        let IfAbsent::Make(ttl) = absent else { return Ok(None) };
        let session = Session::new(key, ttl, now);
        taken = match make(connection, options, place, &session).await? {
            Some(key) => Some((key, true)),
            // Another process was faster, and may hold it.
            None => found(connection, options, place, run).await?.map(|key| (key, false)),
        };
    }
    rows::take(connection, place, run, now).await?;
    Ok(taken)
}

/// A session and what was said in it.
async fn load(
    connection: &mut PgConnection,
    options: &PostgresOptions,
    place: &Place,
    now: Timestamp,
) -> Result<Option<Conversation>> {
    let Some(found) = rows::find(connection, place, false).await? else { return Ok(None) };
    if found.session.is_over(now) {
        return Ok(None);
    }
    let key = open_key(&options.key_file, place, &found.key)?;
    let exchanges = rows::exchanges(connection, place).await?;
    talk::open(&key, place, found.session, exchanges, found.digest).map(Some)
}

/// Deletes a session and what its placeholders stand for.
async fn erase(connection: &mut PgConnection, place: &Place) -> Result<bool> {
    vault::remove(connection, &place.tenant, place.vault()).await?;
    rows::delete(connection, place).await
}

/// Deletes a session in which nobody speaks.
async fn delete(connection: &mut PgConnection, place: &Place) -> Result<bool> {
    let holder = rows::find(connection, place, true).await?.and_then(|found| found.holder);
    match speaker(connection, &place.tenant, holder).await? {
        Some(run) => Err(held_by(place.session, run).into()),
        None => erase(connection, place).await,
    }
}

/// Forgets the sessions of a tenant whose time is over, but those in which a run speaks, unless it is
/// this one, which begins anew.
async fn sweep(
    connection: &mut PgConnection,
    (tenant, anew): (&TenantId, Option<RunId>),
    now: Timestamp,
) -> Result<u64> {
    let mut gone = 0;
    for (place, holder) in rows::over(connection, tenant, now).await? {
        let holder = holder.filter(|run| Some(*run) != anew);
        if speaker(connection, tenant, holder).await?.is_none() {
            erase(connection, &place).await?;
            gone += 1;
        }
    }
    Ok(gone)
}

impl PostgresStore {
    fn session_keys(&self) -> MutexGuard<'_, Keys> {
        self.session_keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn try_hold(
        &self,
        lease: &Lease,
        key: &SessionKey,
        absent: IfAbsent,
    ) -> Result<Option<Held>> {
        key.check()?;
        let (place, run) = (Place::of(&lease.scope, key.id()), lease.run);
        // A run that has just let go of the session may still be on its way out.
        let gone = {
            let state = self.queue.lock();
            Barrier::at(&self.queue, &state, state.last())
        };
        gone.await?;
        let mut transaction = self.begin(&place.tenant).await?;
        // It need not outlive a crash of the server: what is said in it later does, and comes after.
        sqlx::query("SET LOCAL synchronous_commit = off").execute(&mut *transaction).await?;
        let wanted = (&place, key, run);
        let taken = hold(&mut transaction, &self.options, wanted, absent).await?;
        let Some((data_key, is_new)) = taken else { return Ok(None) };
        let said = load(&mut transaction, &self.options, &place, self.clock.now()).await?;
        transaction.commit().await?;
        let of = (place.tenant.clone(), run);
        self.session_keys().insert(of, (place, data_key));
        Ok(said.map(|said| Held { made: is_new, said }))
    }
}

impl Sessions for PostgresStore {
    fn create<'a>(
        &'a self,
        scope: &'a Scope,
        key: &'a SessionKey,
        ttl: Option<Duration>,
    ) -> BoxFuture<'a, PortResult<Session>> {
        Box::pin(async move {
            key.check()?;
            let session = Session::new(key, ttl, self.clock.now());
            self.take_in(scope, Conversation { session, exchanges: Vec::new(), digest: None }).await
        })
    }

    fn take_in<'a>(
        &'a self,
        scope: &'a Scope,
        mut conversation: Conversation,
    ) -> BoxFuture<'a, PortResult<Session>> {
        let place = Place::of(scope, conversation.session.id);
        self.after_queued(async move {
            conversation.session.exchanges = conversation.exchanges.len() as u64;
            let mut transaction = self.begin(&place.tenant).await?;
            put(&mut transaction, &self.options, &place, &conversation).await?;
            transaction.commit().await?;
            Ok(conversation.session)
        })
    }

    fn hold<'a>(
        &'a self,
        lease: &'a Lease,
        key: &'a SessionKey,
        absent: IfAbsent,
    ) -> BoxFuture<'a, PortResult<Option<Held>>> {
        self.inside(self.try_hold(lease, key, absent))
    }

    fn list<'a>(
        &'a self,
        scope: &'a Scope,
        limit: usize,
    ) -> BoxFuture<'a, PortResult<Vec<Session>>> {
        self.after_queued(async move {
            let (tenant, now) = (scope.tenant(), self.clock.now());
            let mut transaction = self.begin(tenant).await?;
            let of = (tenant, scope.principal());
            let sessions = rows::list(&mut transaction, of, now, limit).await?;
            transaction.commit().await?;
            Ok(sessions)
        })
    }

    fn load<'a>(
        &'a self,
        scope: &'a Scope,
        session: SessionId,
    ) -> BoxFuture<'a, PortResult<Option<Conversation>>> {
        let place = Place::of(scope, session);
        self.after_queued(async move {
            let mut transaction = self.begin(&place.tenant).await?;
            let now = self.clock.now();
            let said = load(&mut transaction, &self.options, &place, now).await?;
            transaction.commit().await?;
            Ok(said)
        })
    }

    fn delete<'a>(
        &'a self,
        scope: &'a Scope,
        session: SessionId,
    ) -> BoxFuture<'a, PortResult<bool>> {
        let place = Place::of(scope, session);
        self.after_queued(async move {
            let mut transaction = self.begin(&place.tenant).await?;
            let deleted = delete(&mut transaction, &place).await?;
            transaction.commit().await?;
            Ok(deleted)
        })
    }

    fn prune<'a>(&'a self, scope: &'a Scope) -> BoxFuture<'a, PortResult<u64>> {
        self.after_queued(async move {
            let mut transaction = self.begin(scope.tenant()).await?;
            let gone = sweep(&mut transaction, (scope.tenant(), None), self.clock.now()).await?;
            transaction.commit().await?;
            Ok(gone)
        })
    }
}
