//! Questions to people, their answers and the rights that were handed on: each row vouched for with
//! a key made from the store's own, so that a row written by anybody else is refused.

use std::path::Path;
use std::sync::Arc;

use largestack_ports::BoxFuture;
use largestack_ports::approvals::{
    Answer, Approval, Approvals, Listed, Question, Refused, Right, Token, Untrusted, Vote,
};
use largestack_ports::ids::Ids;
use largestack_types::errors::Result as PortResult;
use largestack_types::hash::Hash;
use largestack_types::id::ApprovalId;
use largestack_types::scope::Scope;
use largestack_types::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::{Result, StoreError};
use crate::keyfile;
use crate::seal::Key;
use crate::sqlite::runs;
use crate::sqlite::store::{Store, failed};
use crate::sqlite::vault::{changed_key, master_key};
use crate::vouching::{
    json, no_question, nobody, place, refused, signing, text, token_text, vouched,
};

/// Position, tenant, id, data and seal of a row.
type Vouched = (i64, String, [u8; 16], String, Vec<u8>);
/// Tenant, hash, id, granted, principal and seal of a token's row.
type VouchedToken = (String, [u8; 32], [u8; 16], String, String, Vec<u8>);

/// Vouches with the next master key for every row that the present one has vouched for; a forged row
/// stays one.
pub(super) fn vouch_anew(
    connection: &Connection,
    ids: &dyn Ids,
    old: &Key,
    new: &Key,
) -> Result<()> {
    let (old, new) = (signing(old), signing(new));
    for (kind, table) in [("question", "approvals"), ("vote", "approval_votes")] {
        let rows: Vec<Vouched> = connection
            .prepare(&format!("SELECT position, tenant, id, data, seal FROM {table}"))
            .and_then(|mut select| select.query_map([], |row| row.try_into())?.collect())
            .map_err(sql(connection))?;
        for (position, tenant, id, data, seal) in rows {
            let id = ApprovalId::from_u128(u128::from_be_bytes(id));
            let place = place(kind, &tenant, id, &data);
            if old.open(&place, &seal).is_ok() {
                let update = format!("UPDATE {table} SET seal = ?2 WHERE position = ?1");
                let row = params![position, new.seal(ids, &place, b"")?];
                connection.execute(&update, row).map_err(sql(connection))?;
            }
        }
    }
    let tokens: Vec<VouchedToken> = connection
        .prepare("SELECT tenant, hash, id, granted, principal, seal FROM approval_tokens")
        .and_then(|mut select| select.query_map([], |row| row.try_into())?.collect())
        .map_err(sql(connection))?;
    for (tenant, hash, id, granted, principal, seal) in tokens {
        let id = ApprovalId::from_u128(u128::from_be_bytes(id));
        let data = token_text(Hash::from_bytes(hash), &granted, &principal);
        let place = place("token", &tenant, id, &data);
        if old.open(&place, &seal).is_ok() {
            let row = params![tenant, hash, new.seal(ids, &place, b"")?];
            let update = "UPDATE approval_tokens SET seal = ?3 WHERE tenant = ?1 AND hash = ?2";
            connection.execute(update, row).map_err(sql(connection))?;
        }
    }
    Ok(())
}

fn existing_key(connection: &Connection, file: &Path) -> Result<Key> {
    let master = match changed_key(connection, file)? {
        Some(changed) => Some(changed),
        None => keyfile::read(file)?,
    };
    master.map(|master| signing(&master)).ok_or_else(|| keyfile::gone(file))
}

fn sql(connection: &Connection) -> impl Fn(rusqlite::Error) -> StoreError {
    let path = connection.path().unwrap_or_default().to_owned();
    move |error| failed(&path)(error)
}

/// A row that is not even of the form in which one is kept was not written by the store.
fn unread(connection: &Connection, id: ApprovalId) -> impl Fn(rusqlite::Error) -> StoreError {
    let sql = sql(connection);
    move |error| match error {
        rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::Utf8Error(..) => refused(&Refused::Forged(id)),
        error => sql(error),
    }
}

fn insert(
    connection: &Connection,
    tenant: &str,
    question: &Question,
    (key, ids): (&Key, &dyn Ids),
) -> Result<()> {
    let data = text(question)?;
    let seal = key.seal(ids, &place("question", tenant, question.id, &data), b"")?;
    connection
        .prepare_cached(
            "INSERT INTO approvals (tenant, id, data, seal) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (tenant, id) DO NOTHING",
        )
        .and_then(|mut row| row.execute(params![tenant, question.id.as_bytes(), data, seal]))
        .map_err(sql(connection))?;
    Ok(())
}

type Row = (String, Vec<u8>);

fn load(
    connection: &Connection,
    tenant: &str,
    id: ApprovalId,
    key_file: &Path,
) -> Result<Option<Approval>> {
    let row: Option<Row> = connection
        .prepare_cached("SELECT data, seal FROM approvals WHERE tenant = ?1 AND id = ?2")
        .and_then(|mut select| {
            let at = params![tenant, id.as_bytes()];
            select.query_row(at, |row| Ok((row.get(0)?, row.get(1)?))).optional()
        })
        .map_err(unread(connection, id))?;
    let Some((data, seal)) = row else { return Ok(None) };
    let key = existing_key(connection, key_file)?;
    vouched(&key, &place("question", tenant, id, &data), &seal, id)?;
    let question: Question = json(&data)?;
    let over = runs::is_over(connection, tenant, question.run)?;
    let mut approval = Approval { question, votes: Vec::new(), over };
    let rows: Vec<Row> = connection
        .prepare_cached(
            "SELECT data, seal FROM approval_votes WHERE tenant = ?1 AND id = ?2 ORDER BY position",
        )
        .and_then(|mut select| {
            let rows = select
                .query_map(params![tenant, id.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        })
        .map_err(unread(connection, id))?;
    for (data, seal) in rows {
        vouched(&key, &place("vote", tenant, id, &data), &seal, id)?;
        approval.votes.push(json(&data)?);
    }
    Ok(Some(approval))
}

/// The ids of the latest questions, newest first.
fn latest(connection: &Connection, tenant: &str, most: i64) -> Result<Vec<ApprovalId>> {
    // What has no id of ours names no question.
    let select = "SELECT id FROM approvals WHERE tenant = ?1 AND typeof(id) = 'blob'
        AND length(id) = 16 ORDER BY position DESC LIMIT ?2";
    let ids: Vec<[u8; 16]> = connection
        .prepare_cached(select)
        .and_then(|mut select| select.query_map(params![tenant, most], |row| row.get(0))?.collect())
        .map_err(sql(connection))?;
    Ok(ids.into_iter().map(|id| ApprovalId::from_u128(u128::from_be_bytes(id))).collect())
}

fn write_vote(
    connection: &Connection,
    tenant: &str,
    id: ApprovalId,
    vote: &Vote,
    (key, ids): (&Key, &dyn Ids),
) -> Result<()> {
    let data = text(vote)?;
    let seal = key.seal(ids, &place("vote", tenant, id, &data), b"")?;
    connection
        .prepare_cached(
            "INSERT INTO approval_votes (tenant, id, principal, data, seal)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )
        .and_then(|mut row| {
            row.execute(params![tenant, id.as_bytes(), &**vote.holder(), data, seal])
        })
        .map_err(sql(connection))?;
    Ok(())
}

/// Spends a token: who it lets answer, in whose place.
fn spend(
    connection: &Connection,
    tenant: &str,
    id: ApprovalId,
    token: &Token,
    key: &Key,
) -> Result<(String, String)> {
    let hash = token.hash();
    let row: Option<(String, String, Vec<u8>)> = connection
        .prepare_cached(
            "UPDATE approval_tokens SET used = 1
             WHERE tenant = ?1 AND hash = ?2 AND id = ?3 AND used = 0
             RETURNING granted, principal, seal",
        )
        .and_then(|mut update| {
            let at = params![tenant, hash.as_bytes(), id.as_bytes()];
            let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
            update.query_row(at, row).optional()
        })
        .map_err(sql(connection))?;
    let (granted, principal, seal) = row.ok_or_else(|| refused(&Refused::NoRight(id)))?;
    let data = token_text(hash, &granted, &principal);
    vouched(key, &place("token", tenant, id, &data), &seal, id)?;
    Ok((granted, principal))
}

/// What an answer or a hand-over works on, within one transaction.
struct Desk<'c> {
    connection: &'c Connection,
    tenant: &'c str,
    id: ApprovalId,
    key: Key,
    approval: Approval,
}

impl<'c> Desk<'c> {
    fn open(
        connection: &'c Connection,
        tenant: &'c str,
        id: ApprovalId,
        key_file: &Path,
    ) -> Result<Self> {
        let approval = load(connection, tenant, id, key_file)?.ok_or_else(|| no_question(id))?;
        let key = existing_key(connection, key_file)?;
        Ok(Self { connection, tenant, id, key, approval })
    }

    fn entitled(&self, principal: &str) -> Result<()> {
        if self.approval.is_for(principal) {
            return Ok(());
        }
        Err(refused(&Refused::NotForYou { id: self.id, by: principal.into() }))
    }

    /// Takes an answer: one for each right, whoever uses it.
    fn answer(
        mut self,
        right: Right,
        answer: Answer,
        at: Timestamp,
        ids: &dyn Ids,
    ) -> Result<Approval> {
        let (by, in_place_of): (Arc<str>, _) = match right {
            Right::Principal(principal) => (principal, None),
            Right::Token(token) => {
                let (granted, principal) =
                    spend(self.connection, self.tenant, self.id, &token, &self.key)?;
                (principal.into(), Some(Arc::from(granted)))
            }
        };
        self.approval.take(Vote { by, in_place_of, answer, at }).map_err(|why| refused(&why))?;
        if let Some(vote) = self.approval.votes.last() {
            write_vote(self.connection, self.tenant, self.id, vote, (&self.key, ids))?;
        }
        Ok(self.approval)
    }

    fn delegate(self, from: &str, to: &str, ids: &dyn Ids) -> Result<Token> {
        self.entitled(from)?;
        if to.is_empty() {
            return Err(nobody());
        }
        let mut bytes = [0; 32];
        ids.fill(&mut bytes);
        let token = Token::new(bytes);
        let data = token_text(token.hash(), from, to);
        let seal = self.key.seal(ids, &place("token", self.tenant, self.id, &data), b"")?;
        self.connection
            .prepare_cached(
                "INSERT INTO approval_tokens (tenant, hash, id, granted, principal, seal)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )
            .and_then(|mut insert| {
                let hash = token.hash();
                let id = self.id.as_bytes();
                insert.execute(params![self.tenant, hash.as_bytes(), id, from, to, seal])
            })
            .map_err(sql(self.connection))?;
        Ok(token)
    }
}

impl Approvals for Store {
    fn ask<'a>(&'a self, scope: &'a Scope, question: Question) -> BoxFuture<'a, PortResult<()>> {
        let (tenant, file) = (scope.tenant().clone(), self.key_file());
        let ids = self.writing().map(|writing| Arc::clone(&writing.options.ids));
        self.write(move |connection| {
            let ids = ids?;
            let key = signing(&master_key(connection, &file, &*ids)?);
            insert(connection, tenant.as_str(), &question, (&key, &*ids))
        })
    }

    fn find<'a>(
        &'a self,
        scope: &'a Scope,
        id: ApprovalId,
    ) -> BoxFuture<'a, PortResult<Option<Approval>>> {
        let (tenant, file) = (scope.tenant().clone(), self.key_file());
        self.read_state(move |connection| load(connection, tenant.as_str(), id, &file))
    }

    fn list<'a>(&'a self, scope: &'a Scope, most: usize) -> BoxFuture<'a, PortResult<Listed>> {
        let (tenant, file) = (scope.tenant().clone(), self.key_file());
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.read_state(move |connection| {
            let mut listed = Listed::default();
            for id in latest(connection, tenant.as_str(), most)? {
                match load(connection, tenant.as_str(), id, &file) {
                    Ok(question) => listed.questions.extend(question),
                    // What is true of this row alone.
                    Err(error @ (StoreError::Refused(_) | StoreError::Value { .. })) => {
                        listed.untrusted.push(Untrusted { id, error: error.into() });
                    }
                    Err(error) => return Err(error),
                }
            }
            Ok(listed)
        })
    }

    fn answer<'a>(
        &'a self,
        scope: &'a Scope,
        id: ApprovalId,
        right: Right,
        answer: Answer,
    ) -> BoxFuture<'a, PortResult<Approval>> {
        let (tenant, file) = (scope.tenant().clone(), self.key_file());
        let options = self.writing().map(|writing| writing.options.clone());
        self.write(move |connection| {
            let options = options?;
            let desk = Desk::open(connection, tenant.as_str(), id, &file)?;
            desk.answer(right, answer, options.clock.now(), &*options.ids)
        })
    }

    fn delegate<'a>(
        &'a self,
        scope: &'a Scope,
        id: ApprovalId,
        from: Arc<str>,
        to: Arc<str>,
    ) -> BoxFuture<'a, PortResult<Token>> {
        let (tenant, file) = (scope.tenant().clone(), self.key_file());
        let ids = self.writing().map(|writing| Arc::clone(&writing.options.ids));
        self.write(move |connection| {
            let ids = ids?;
            Desk::open(connection, tenant.as_str(), id, &file)?.delegate(&from, &to, &*ids)
        })
    }
}
