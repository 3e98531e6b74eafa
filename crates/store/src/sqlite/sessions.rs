//! Sessions: what was said, sealed by a key of the session, which is itself sealed by the master
//! key. Exchanges arrive with the batches of the journal, sealed by whoever appends.

use std::path::{Path, PathBuf};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use largestack_ports::BoxFuture;
use largestack_ports::ids::Ids;
use largestack_ports::journal::Lease;
use largestack_ports::sessions::{
    Conversation, Held, IfAbsent, Remembered, Session, SessionKey, Sessions, exists, held_by,
};
use largestack_types::errors::Result as PortResult;
use largestack_types::id::{RunId, SessionId};
use largestack_types::scope::{Scope, TenantId};
use largestack_types::time::Timestamp;
use rusqlite::Connection;

use crate::error::{Result, StoreError};
use crate::seal::Key;
use crate::sqlite::store::Store;
use crate::sqlite::{owners, vault};
use crate::talk::{self, Keys, Said, open_key, seal_digest, seal_exchange};

pub(crate) mod rows;

use crate::place::Place;

/// What the writer needs to make and open keys, and to know which processes live.
#[derive(Clone)]
struct Forge {
    file: PathBuf,
    ids: Arc<dyn Ids>,
    owners: PathBuf,
}

/// Seals what a run leaves to the session that it holds. `None` where it holds none: the session
/// was gone when the run was taken up again.
pub(crate) fn seal(store: &Store, lease: &Lease, said: &Remembered) -> Result<Option<Said>> {
    let of = (lease.scope.tenant().clone(), lease.run);
    let Some((place, key)) = store.session_keys()?.get(&of).cloned() else { return Ok(None) };
    let ids = &*store.writing()?.options.ids;
    Ok(Some(Said::of(ids, &key, place, lease.run, said)?))
}

/// Lets go of the key of the session that a run holds.
pub(crate) fn forget_key(store: &Store, tenant: &TenantId, run: RunId) {
    if let Ok(mut keys) = store.session_keys() {
        keys.remove(&(tenant.clone(), run));
    }
}

/// Makes a session with a key of its own; `None` where there is one.
fn make(
    connection: &Connection,
    forge: &Forge,
    place: &Place,
    session: &Session,
) -> Result<Option<Key>> {
    let master = vault::master_key(connection, &forge.file, &*forge.ids)?;
    let key = Key::random(&*forge.ids);
    let sealed = master.seal(&*forge.ids, &place.of_key(), key.bytes())?;
    let made = rows::insert(connection, place, session, (&master.name(), &sealed))?;
    Ok(made.then_some(key))
}

/// Writes a whole conversation.
fn put(
    connection: &Connection,
    forge: &Forge,
    place: &Place,
    conversation: &Conversation,
    now: Timestamp,
) -> Result<()> {
    sweep(connection, &forge.owners, (&place.tenant, None), now)?;
    let Some(key) = make(connection, forge, place, &conversation.session)? else {
        return Err(exists(&place.session.into()).into());
    };
    for said in &conversation.exchanges {
        rows::add(connection, place, &seal_exchange(&*forge.ids, &key, place, said)?)
            .map_err(rows::failed(connection))?;
    }
    if let Some(digest) = &conversation.digest {
        let sealed = seal_digest(&*forge.ids, &key, place, digest)?;
        rows::set_digest(connection, place, &sealed).map_err(rows::failed(connection))?;
    }
    Ok(())
}

/// The run that speaks in a session: the one that took it last, while its process lives.
fn speaker(
    connection: &Connection,
    owners: &Path,
    tenant: &TenantId,
    holder: Option<RunId>,
) -> Result<Option<RunId>> {
    let Some(run) = holder else { return Ok(None) };
    let process = rows::process_of(connection, tenant, run)?;
    Ok(process.is_some_and(|process| owners::lives(owners, process)).then_some(run))
}

/// Takes a session for a run: its key, and whether it was made; `None` where none is.
fn hold(
    connection: &Connection,
    forge: &Forge,
    (place, key, run): (&Place, &SessionKey, RunId),
    (now, absent): (Timestamp, IfAbsent),
) -> Result<Option<(Key, bool)>> {
    sweep(connection, &forge.owners, (&place.tenant, Some(run)), now)?;
    let taken = if let Some(found) = rows::find(connection, place)? {
        let other = found.holder.filter(|other| *other != run);
        if let Some(other) = speaker(connection, &forge.owners, &place.tenant, other)? {
            return Err(held_by(place.session, other).into());
        }
        (open_key(&forge.file, place, &found.key)?, false)
    } else {
        let IfAbsent::Make(ttl) = absent else { return Ok(None) };
        let session = Session::new(key, ttl, now);
        (make(connection, forge, place, &session)?.ok_or(StoreError::Sealed)?, true)
    };
    rows::take(connection, place, run, now)?;
    Ok(Some(taken))
}

/// A session and what was said in it.
fn load(
    connection: &Connection,
    file: &Path,
    place: &Place,
    now: Timestamp,
) -> Result<Option<Conversation>> {
    let Some(found) = rows::find(connection, place)? else { return Ok(None) };
    if found.session.is_over(now) {
        return Ok(None);
    }
    let key = open_key(file, place, &found.key)?;
    let exchanges = rows::exchanges(connection, place)?;
    talk::open(&key, place, found.session, exchanges, found.digest).map(Some)
}

/// Deletes a session and what its placeholders stand for; the keys are overwritten, so that they
/// cannot be found in free pages either.
fn erase(connection: &Connection, place: &Place) -> Result<bool> {
    vault::overwriting(connection, || {
        vault::remove(connection, &place.tenant, place.vault())?;
        rows::delete(connection, place)
    })
}

/// Deletes a session in which nobody speaks.
fn delete(connection: &Connection, owners: &Path, place: &Place) -> Result<bool> {
    let holder = rows::find(connection, place)?.and_then(|found| found.holder);
    match speaker(connection, owners, &place.tenant, holder)? {
        Some(run) => Err(held_by(place.session, run).into()),
        None => erase(connection, place),
    }
}

/// Forgets the sessions of a tenant whose time is over, but those in which a run speaks, unless it is
/// this one, which begins anew.
fn sweep(
    connection: &Connection,
    owners: &Path,
    (tenant, anew): (&TenantId, Option<RunId>),
    now: Timestamp,
) -> Result<u64> {
    let mut gone = 0;
    for (place, holder) in rows::over(connection, tenant, now)? {
        let holder = holder.filter(|run| Some(*run) != anew);
        if speaker(connection, owners, tenant, holder)?.is_none() {
            erase(connection, &place)?;
            gone += 1;
        }
    }
    Ok(gone)
}

impl Store {
    fn session_keys(&self) -> Result<MutexGuard<'_, Keys>> {
        Ok(self.writing()?.session_keys.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn forge(&self) -> Result<(Forge, Timestamp)> {
        let options = &self.writing()?.options;
        let (file, owners) = (self.key_file(), self.0.folder.join("owners"));
        let forge = Forge { file, ids: Arc::clone(&options.ids), owners };
        Ok((forge, options.clock.now()))
    }
}

impl Sessions for Store {
    fn create<'a>(
        &'a self,
        scope: &'a Scope,
        key: &'a SessionKey,
        ttl: Option<Duration>,
    ) -> BoxFuture<'a, PortResult<Session>> {
        async move {
            key.check()?;
            let session = Session::new(key, ttl, self.forge()?.1);
            self.take_in(scope, Conversation { session, exchanges: Vec::new(), digest: None }).await
        }
        .boxed()
    }

    fn take_in<'a>(
        &'a self,
        scope: &'a Scope,
        mut conversation: Conversation,
    ) -> BoxFuture<'a, PortResult<Session>> {
        let place = Place::of(scope, conversation.session.id);
        async move {
            let (forge, now) = self.forge()?;
            conversation.session.exchanges = conversation.exchanges.len() as u64;
            let session = conversation.session.clone();
            let put =
                move |connection: &Connection| put(connection, &forge, &place, &conversation, now);
            self.write(put).await.map(|()| session)
        }
        .boxed()
    }

    fn hold<'a>(
        &'a self,
        lease: &'a Lease,
        key: &'a SessionKey,
        absent: IfAbsent,
    ) -> BoxFuture<'a, PortResult<Option<Held>>> {
        let (place, run) = (Place::of(&lease.scope, key.id()), lease.run);
        let wanted = key.clone();
        async move {
            key.check()?;
            let (forge, now) = self.forge()?;
            let (file, at) = (forge.file.clone(), place.clone());
            let holding = self.writing()?.writer.note(move |connection| {
                hold(connection, &forge, (&at, &wanted, run), (now, absent))
            });
            let Some((data_key, is_new)) = holding.await? else { return Ok(None) };
            let of = (place.tenant.clone(), run);
            self.session_keys()?.insert(of, (place.clone(), data_key));
            let load = move |connection: &Connection| load(connection, &file, &place, now);
            let said = self.read_state(load).await?;
            Ok(said.map(|said| Held { made: is_new, said }))
        }
        .boxed()
    }

    fn list<'a>(
        &'a self,
        scope: &'a Scope,
        limit: usize,
    ) -> BoxFuture<'a, PortResult<Vec<Session>>> {
        let (tenant, principal) = (scope.tenant().clone(), scope.principal().to_owned());
        async move {
            let now = self.time()?;
            let list = move |connection: &Connection| {
                rows::list(connection, (&tenant, &principal), now, limit)
            };
            self.read_state(list).await
        }
        .boxed()
    }

    fn load<'a>(
        &'a self,
        scope: &'a Scope,
        session: SessionId,
    ) -> BoxFuture<'a, PortResult<Option<Conversation>>> {
        let (place, file) = (Place::of(scope, session), self.key_file());
        async move {
            let now = self.time()?;
            self.read_state(move |connection| load(connection, &file, &place, now)).await
        }
        .boxed()
    }

    fn delete<'a>(
        &'a self,
        scope: &'a Scope,
        session: SessionId,
    ) -> BoxFuture<'a, PortResult<bool>> {
        let (place, owners) = (Place::of(scope, session), self.0.folder.join("owners"));
        self.write(move |connection| delete(connection, &owners, &place))
    }

    fn prune<'a>(&'a self, scope: &'a Scope) -> BoxFuture<'a, PortResult<u64>> {
        let tenant = scope.tenant().clone();
        async move {
            let (forge, now) = self.forge()?;
            let over = move |connection: &Connection| {
                sweep(connection, &forge.owners, (&tenant, None), now)
            };
            self.write(over).await
        }
        .boxed()
    }
}
