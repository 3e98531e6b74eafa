//! The kill switch: throwing, lifting, and what was done with it.

use futures::FutureExt as _;
use largestack_ports::BoxFuture;
use largestack_ports::switch::{Switch, Thrown};
use largestack_types::errors::Result as PortResult;
use largestack_types::scope::Scope;
use largestack_types::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::Result;
use crate::sqlite::rows::integer;
use crate::sqlite::store::{Store, failed};
use crate::sqlite::watch;
use crate::switches::{SwitchChange, SwitchScope, find, wait};

fn note(connection: &Connection, scope: &str, action: &str, act: &Thrown) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO switch_history (tenant, action, by, reason, at) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![scope, action, act.by, act.reason, act.at.micros()])?;
    Ok(())
}

fn throw(connection: &Connection, scope: &str, act: &Thrown) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO switches (tenant, by, reason, at) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![scope, act.by, act.reason, act.at.micros()])?;
    note(connection, scope, "throw", act)
}

fn lift(connection: &Connection, scope: &str, act: &Thrown) -> rusqlite::Result<Option<Thrown>> {
    let lifted = connection
        .prepare_cached("DELETE FROM switches WHERE tenant = ?1 RETURNING by, reason, at")?
        .query_row([scope], |row| {
            let at = Timestamp::from_micros(row.get(2)?);
            Ok(Thrown { by: row.get(0)?, reason: row.get(1)?, at })
        })
        .optional()?;
    if lifted.is_some() {
        note(connection, scope, "lift", act)?;
    }
    Ok(lifted)
}

fn history(connection: &Connection, limit: u64) -> rusqlite::Result<Vec<(String, bool, Thrown)>> {
    connection
        .prepare_cached(
            "SELECT tenant, action, by, reason, at FROM switch_history
             ORDER BY position DESC LIMIT ?1",
        )?
        .query_map([integer(limit)], |row| {
            let (action, at): (String, i64) = (row.get(1)?, row.get(4)?);
            let at = Timestamp::from_micros(at);
            let act = Thrown { by: row.get(2)?, reason: row.get(3)?, at };
            Ok((row.get(0)?, action == "throw", act))
        })?
        .collect()
}

impl Switch for Store {
    fn thrown(&self, scope: &Scope) -> Option<Thrown> {
        find(&self.0.switch.now(), scope.tenant().as_str())
    }

    fn wait(&self, scope: &Scope) -> BoxFuture<'static, Thrown> {
        wait(self.0.switch.subscribe(), scope.tenant().clone()).boxed()
    }
}

impl Store {
    /// Throws the kill switch. Durable when this returns, seen by this process at once and by
    /// every other process of the store within a second. One that is on already is replaced.
    pub fn throw_switch(
        &self,
        scope: &SwitchScope,
        by: &str,
        reason: &str,
    ) -> BoxFuture<'_, PortResult<Thrown>> {
        self.change_switch(scope, by, reason, |connection, scope, act| {
            throw(connection, scope, &act).map(|()| act)
        })
    }

    /// Lifts the kill switch; what it said, or `None` when it was off.
    pub fn lift_switch(
        &self,
        scope: &SwitchScope,
        by: &str,
        reason: &str,
    ) -> BoxFuture<'_, PortResult<Option<Thrown>>> {
        self.change_switch(scope, by, reason, |connection, scope, act| {
            lift(connection, scope, &act)
        })
    }

    fn change_switch<T: Send + 'static>(
        &self,
        scope: &SwitchScope,
        by: &str,
        reason: &str,
        change: impl FnOnce(&Connection, &str, Thrown) -> rusqlite::Result<T> + Send + 'static,
    ) -> BoxFuture<'_, PortResult<T>> {
        let writing = match self.writing() {
            Ok(writing) => writing,
            Err(error) => return futures::future::ready(Err(error.into())).boxed(),
        };
        let at = writing.options.clock.now();
        let act = Thrown { by: by.to_owned(), reason: reason.to_owned(), at };
        let (scope, path) = (scope.as_str().to_owned(), self.state_path());
        let written =
            self.write(move |connection| change(connection, &scope, act).map_err(failed(&path)));
        let refresh = self.0.switch.refresher();
        async move {
            let result = written.await?;
            refresh().map_err(failed(&self.state_path()))?;
            Ok(result)
        }
        .boxed()
    }

    /// The switches that are on.
    pub fn switches(&self) -> BoxFuture<'_, PortResult<Vec<(SwitchScope, Thrown)>>> {
        let path = self.state_path();
        self.read_state(move |connection| {
            let switches = watch::read(connection).map_err(failed(&path))?;
            let mut switches = switches
                .into_iter()
                .map(|(scope, thrown)| Ok((SwitchScope::parse(&scope)?, thrown)))
                .collect::<Result<Vec<_>>>()?;
            switches.sort_by(|(a, _), (b, _)| a.cmp(b));
            Ok(switches)
        })
    }

    /// The last throws and lifts, newest first.
    pub fn switch_history(&self, limit: u64) -> BoxFuture<'_, PortResult<Vec<SwitchChange>>> {
        let path = self.state_path();
        self.read_state(move |connection| {
            let changes = history(connection, limit).map_err(failed(&path))?;
            let change = |(scope, on, act): (String, bool, Thrown)| {
                Ok(SwitchChange { scope: SwitchScope::parse(&scope)?, on, act })
            };
            changes.into_iter().map(change).collect()
        })
    }
}
