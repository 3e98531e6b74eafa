//! Sessions of the in-memory journal.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use largestack_types::errors::Result;
use largestack_types::id::{RunId, SessionId};
use largestack_types::scope::Scope;
use largestack_types::time::Timestamp;

use super::{MemoryJournal, Runs, Tenant, ready};
use crate::BoxFuture;
use crate::journal::Lease;
use crate::sessions::{
    Conversation, Held, IfAbsent, Remembered, Session, SessionKey, Sessions, exists, held_by,
};

/// A user's session.
type Name = (Arc<str>, SessionId);

/// A session and the run that speaks in it, or did last.
#[derive(Debug)]
struct Entry {
    said: Conversation,
    holder: Option<RunId>,
}

/// The sessions of a tenant.
#[derive(Debug, Default)]
pub(super) struct Kept(HashMap<Name, Entry>);

impl Kept {
    /// Adds what a run leaves, unless the session is not the one that it holds.
    pub(super) fn remember(&mut self, lease: &Lease, said: Remembered) {
        let name = name(&lease.scope, said.session);
        let Some(entry) = self.0.get_mut(&name).filter(|kept| kept.holder == Some(lease.run))
        else {
            return;
        };
        let kept = &mut entry.said;
        kept.digest = said.digest.or(kept.digest.take());
        if let Some(exchange) = said.exchange {
            kept.session.updated = kept.session.updated.max(exchange.at);
            kept.exchanges.retain(|other| other.run != exchange.run);
            kept.exchanges.push(exchange);
            kept.session.exchanges = kept.exchanges.len() as u64;
        }
    }

    fn make(&mut self, scope: &Scope, said: Conversation) {
        self.0.insert(name(scope, said.session.id), Entry { said, holder: None });
    }
}

impl Tenant {
    /// Forgets the sessions whose time is over, but those in which a run speaks, unless it is this
    /// one, which begins anew.
    fn sweep(&mut self, now: Timestamp, anew: Option<RunId>) -> u64 {
        let Self { sessions, runs, .. } = self;
        let before = sessions.0.len();
        sessions.0.retain(|_, entry| {
            !entry.said.session.is_over(now)
                || entry.speaker(runs).is_some_and(|speaker| Some(speaker) != anew)
        });
        (before - sessions.0.len()) as u64
    }
}

impl Entry {
    /// The run that speaks in it.
    fn speaker(&self, runs: &Runs) -> Option<RunId> {
        self.holder.filter(|run| runs.get(run).is_some_and(|log| log.holder.is_some()))
    }
}

fn name(scope: &Scope, session: SessionId) -> Name {
    (scope.principal().into(), session)
}

fn empty(session: Session) -> Conversation {
    Conversation { session, exchanges: Vec::new(), digest: None }
}

impl Sessions for MemoryJournal {
    fn create<'a>(
        &'a self,
        scope: &'a Scope,
        key: &'a SessionKey,
        ttl: Option<Duration>,
    ) -> BoxFuture<'a, Result<Session>> {
        if let Err(error) = key.check() {
            return ready(Err(error));
        }
        self.take_in(scope, empty(Session::new(key, ttl, self.now())))
    }

    fn take_in<'a>(
        &'a self,
        scope: &'a Scope,
        mut conversation: Conversation,
    ) -> BoxFuture<'a, Result<Session>> {
        let now = self.now();
        conversation.session.exchanges = conversation.exchanges.len() as u64;
        ready(self.with(scope, |tenant| {
            tenant.sweep(now, None);
            let session = conversation.session.clone();
            if tenant.sessions.0.contains_key(&name(scope, session.id)) {
                return Err(exists(&session.id.into()));
            }
            tenant.sessions.make(scope, conversation);
            Ok(session)
        }))
    }

    fn hold<'a>(
        &'a self,
        lease: &'a Lease,
        key: &'a SessionKey,
        absent: IfAbsent,
    ) -> BoxFuture<'a, Result<Option<Held>>> {
        let now = self.now();
        ready(key.check().and_then(|()| {
            self.with(&lease.scope, |tenant| {
                tenant.sweep(now, Some(lease.run));
                let name = name(&lease.scope, key.id());
                let anew = !tenant.sessions.0.contains_key(&name);
                if anew {
                    let IfAbsent::Make(ttl) = absent else { return Ok(None) };
                    tenant.sessions.make(&lease.scope, empty(Session::new(key, ttl, now)));
                }
                let Some(entry) = tenant.sessions.0.get_mut(&name) else { return Ok(None) };
                let speaker = entry.speaker(&tenant.runs).filter(|other| *other != lease.run);
                if let Some(other) = speaker {
                    return Err(held_by(key.id(), other));
                }
                entry.holder = Some(lease.run);
                entry.said.session.updated = entry.said.session.updated.max(now);
                Ok(Some(Held { made: anew, said: entry.said.clone() }))
            })
        }))
    }

    fn list<'a>(&'a self, scope: &'a Scope, limit: usize) -> BoxFuture<'a, Result<Vec<Session>>> {
        let now = self.now();
        ready(Ok(self.with(scope, |tenant| {
            let own = tenant.sessions.0.iter().filter(|((who, _), _)| **who == *scope.principal());
            let kept = own.map(|(_, entry)| &entry.said.session);
            let mut list: Vec<_> = kept.filter(|session| !session.is_over(now)).cloned().collect();
            list.sort_by_key(|session| std::cmp::Reverse((session.updated, session.id)));
            list.truncate(limit);
            list
        })))
    }

    fn load<'a>(
        &'a self,
        scope: &'a Scope,
        session: SessionId,
    ) -> BoxFuture<'a, Result<Option<Conversation>>> {
        let now = self.now();
        ready(Ok(self.with(scope, |tenant| {
            let kept = tenant.sessions.0.get(&name(scope, session)).map(|entry| &entry.said);
            kept.filter(|said| !said.session.is_over(now)).cloned()
        })))
    }

    fn delete<'a>(&'a self, scope: &'a Scope, session: SessionId) -> BoxFuture<'a, Result<bool>> {
        ready(self.with(scope, |tenant| {
            let name = name(scope, session);
            let Some(entry) = tenant.sessions.0.get(&name) else { return Ok(false) };
            if let Some(run) = entry.speaker(&tenant.runs) {
                return Err(held_by(session, run));
            }
            Ok(tenant.sessions.0.remove(&name).is_some())
        }))
    }

    fn prune<'a>(&'a self, scope: &'a Scope) -> BoxFuture<'a, Result<u64>> {
        let now = self.now();
        ready(Ok(self.with(scope, |tenant| tenant.sweep(now, None))))
    }
}
