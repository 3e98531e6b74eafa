//! Removing trees of runs, and what they leave to nobody: what may go is looked up beside whoever
//! writes, and goes some trees at a time, so that nobody waits long. What has come since the look is
//! looked at again in the transaction that removes.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use largestack_engine::event::Forked;
use largestack_ports::BoxFuture;
use largestack_ports::journal::RunSummary;
use largestack_ports::retention::{Compaction, Kept, Pruned, Retention, Rule};
use largestack_types::errors::Result as PortResult;
use largestack_types::hash::Hash;
use largestack_types::id::{OwnerId, RunId};
use largestack_types::scope::Scope;
use rusqlite::{Connection, Row, params};

use crate::error::{Result, StoreError};
use crate::retention::{Ties, choose, over};
use crate::sqlite::owners;
use crate::sqlite::retention::plan::{Look, Plan, Spared};
use crate::sqlite::signals;
use crate::sqlite::store::{Store, failed};
use crate::sqlite::vault::overwriting;

mod compact;
mod plan;

/// Between two transactions, for others.
const PAUSE: Duration = Duration::from_millis(25);

/// A connection, and whose rows are meant.
struct Of<'c> {
    connection: &'c Connection,
    tenant: &'c str,
    path: &'c Path,
}

impl Of<'_> {
    /// What a question about the tenant's rows yields, row by row.
    fn each<T>(
        &self,
        select: &str,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let mut select = self.connection.prepare_cached(select).map_err(failed(&self.path))?;
        let rows = select.query_map([self.tenant], read).map_err(failed(&self.path))?;
        rows.collect::<rusqlite::Result<_>>().map_err(failed(&self.path))
    }

    fn lines(&self) -> Result<Vec<RunSummary>> {
        let data: Vec<String> =
            self.each("SELECT data FROM runs WHERE tenant = ?1", |row| row.get(0))?;
        let read = |data: &String| serde_json::from_str(data);
        let lines: Result<_, _> = data.iter().map(read).collect();
        lines.map_err(|_| StoreError::Value { what: "run summary" })
    }

    /// The runs that a living process holds.
    fn held(&self, owners: &Path) -> Result<HashSet<RunId>> {
        let held = self.each("SELECT run, process FROM leases WHERE tenant = ?1", |row| {
            Ok((id(row, 0)?, OwnerId::from_u128(u128::from_be_bytes(row.get(1)?))))
        })?;
        let held = held.into_iter().filter(|(_, process)| owners::lives(owners, *process));
        Ok(held.map(|(run, _)| run).collect())
    }

    fn ties(&self, owners: &Path) -> Result<Ties> {
        let said = self.each("SELECT run FROM exchanges WHERE tenant = ?1", |row| id(row, 0))?;
        let forked = "SELECT run, data FROM journal WHERE tenant = ?1 AND kind = 'forked'";
        let forked = self.each(forked, |row| Ok((id(row, 0)?, row.get::<_, String>(1)?)))?;
        let of = |(run, data): &(RunId, String)| {
            let forked: Forked = serde_json::from_str(data)
                .map_err(|_| StoreError::Value { what: "forked event" })?;
            Ok((*run, forked.of))
        };
        Ok(Ties {
            held: self.held(owners)?,
            in_sessions: said.into_iter().collect(),
            forks: forked.iter().map(of).collect::<Result<_>>()?,
        })
    }

    /// The hashes that runs name, and how many events and bytes they have.
    fn named(&self, runs: &BTreeSet<RunId>) -> Result<(HashSet<Hash>, u64, u64)> {
        let (mut named, mut events, mut bytes) = (HashSet::new(), 0, 0);
        let mut select = self
            .connection
            .prepare_cached("SELECT data FROM journal WHERE tenant = ?1 AND run = ?2")
            .map_err(failed(&self.path))?;
        for run in runs {
            let of = params![self.tenant, run.as_bytes()];
            let mut rows = select.query(of).map_err(failed(&self.path))?;
            while let Some(row) = rows.next().map_err(failed(&self.path))? {
                let data = text(row, 0).map_err(failed(&self.path))?;
                events += 1;
                bytes += data.len() as u64;
                named.extend(Hash::named_in(data));
            }
        }
        Ok((named, events, bytes))
    }

    /// Takes those out that runs which stay name, too.
    fn without_named_elsewhere(
        &self,
        named: &mut HashMap<Hash, usize>,
        going: &BTreeSet<RunId>,
    ) -> Result<()> {
        let mut select = self
            .connection
            .prepare_cached("SELECT run, data FROM journal WHERE tenant = ?1")
            .map_err(failed(&self.path))?;
        let mut rows = select.query([self.tenant]).map_err(failed(&self.path))?;
        while let Some(row) = rows.next().map_err(failed(&self.path))? {
            if named.is_empty() {
                return Ok(());
            }
            let run = id(row, 0).map_err(failed(&self.path))?;
            if !going.contains(&run) {
                let data = text(row, 1).map_err(failed(&self.path))?;
                Hash::named_in(data).for_each(|hash| _ = named.remove(&hash));
            }
        }
        Ok(())
    }

    /// Whether a conversation holds what was said in a run that is not here: what such words refer to
    /// is sealed, and nobody knows which parts.
    fn has_foreign_words(&self) -> Result<bool> {
        let foreign = "SELECT count(*) FROM exchanges e WHERE e.tenant = ?1 AND NOT EXISTS
             (SELECT 1 FROM runs r WHERE r.tenant = e.tenant AND r.run = e.run)";
        let counts: Vec<i64> = self.each(foreign, |row| row.get(0))?;
        Ok(counts.iter().any(|count| *count > 0))
    }

    /// How many of these parts there are, and their bytes.
    fn sizes(&self, parts: &HashSet<Hash>) -> Result<(u64, u64)> {
        let size = "SELECT length(data) FROM blobs WHERE tenant = ?1 AND hash = ?2";
        let mut select = self.connection.prepare_cached(size).map_err(failed(&self.path))?;
        let (mut blobs, mut bytes) = (0, 0);
        for hash in parts {
            let mut rows =
                select.query(params![self.tenant, hash.as_bytes()]).map_err(failed(&self.path))?;
            if let Some(row) = rows.next().map_err(failed(&self.path))? {
                blobs += 1;
                bytes +=
                    u64::try_from(row.get::<_, i64>(0).map_err(failed(&self.path))?).unwrap_or(0);
            }
        }
        Ok((blobs, bytes))
    }

    fn remove(&self, runs: &BTreeSet<RunId>, parts: &HashSet<Hash>) -> Result<()> {
        let remove = |statement: &str, key: &[u8]| {
            self.connection
                .prepare_cached(statement)
                .and_then(|mut delete| delete.execute(params![self.tenant, key]))
                .map_err(failed(&self.path))
        };
        for run in runs {
            for statement in [
                "DELETE FROM journal WHERE tenant = ?1 AND run = ?2",
                "DELETE FROM runs WHERE tenant = ?1 AND run = ?2",
                "DELETE FROM leases WHERE tenant = ?1 AND run = ?2",
                "DELETE FROM vault_keys WHERE tenant = ?1 AND root = ?2",
                "DELETE FROM vault_values WHERE tenant = ?1 AND root = ?2",
                "DELETE FROM signals WHERE tenant = ?1 AND root = ?2",
            ] {
                remove(statement, run.as_bytes())?;
            }
        }
        for hash in parts {
            remove("DELETE FROM blobs WHERE tenant = ?1 AND hash = ?2", hash.as_bytes())?;
        }
        self.remove_questions(runs)
    }

    fn remove_questions(&self, runs: &BTreeSet<RunId>) -> Result<()> {
        let asked = "SELECT id, json_extract(data, '$.run') FROM approvals WHERE tenant = ?1";
        let asked = self.each(asked, |row| {
            Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, Option<String>>(1)?))
        })?;
        for (question, run) in asked {
            let run = run.and_then(|run| run.parse::<RunId>().ok());
            if !run.is_some_and(|run| runs.contains(&run)) {
                continue;
            }
            for statement in [
                "DELETE FROM approvals WHERE tenant = ?1 AND id = ?2",
                "DELETE FROM approval_votes WHERE tenant = ?1 AND id = ?2",
                "DELETE FROM approval_tokens WHERE tenant = ?1 AND id = ?2",
            ] {
                self.connection
                    .prepare_cached(statement)
                    .and_then(|mut delete| delete.execute(params![self.tenant, question]))
                    .map_err(failed(&self.path))?;
            }
        }
        Ok(())
    }
}

fn id(row: &Row<'_>, column: usize) -> rusqlite::Result<RunId> {
    Ok(RunId::from_u128(u128::from_be_bytes(row.get(column)?)))
}

fn text<'r>(row: &'r Row<'_>, column: usize) -> rusqlite::Result<&'r str> {
    Ok(row.get_ref(column)?.as_str()?)
}

/// What may go, from one look at everything.
fn look(of: &Of<'_>, owners: &Path, rule: Rule) -> Result<Plan> {
    let (lines, ties) = (of.lines()?, of.ties(owners)?);
    let (going, kept) = choose(&lines, &ties, &rule);
    let mut trees: BTreeMap<RunId, BTreeSet<RunId>> = BTreeMap::new();
    for line in lines.iter().filter(|line| going.contains(&line.run)) {
        trees.entry(line.root).or_default().insert(line.run);
    }
    let mut plan = Plan::of(trees, ties.forks, kept);
    for index in 0..plan.trees.len() {
        let Some(tree) = plan.trees.get_mut(index) else { continue };
        let (named, events, bytes) = of.named(&tree.runs)?;
        plan.parts.extend(named.iter().map(|hash| (*hash, index)));
        (tree.named, tree.events, tree.bytes) = (named, events, bytes);
    }
    if !plan.parts.is_empty() && of.has_foreign_words()? {
        plan.parts.clear();
    }
    of.without_named_elsewhere(&mut plan.parts, &going)?;
    let mut with: HashMap<usize, HashSet<Hash>> = HashMap::new();
    for (hash, index) in &plan.parts {
        with.entry(*index).or_default().insert(*hash);
    }
    for (index, parts) in with {
        let (_, in_parts) = of.sizes(&parts)?;
        let Some(tree) = plan.trees.get_mut(index) else { continue };
        tree.in_parts = in_parts;
    }
    plan.upto = of.last_row()?;
    Ok(plan)
}

impl Of<'_> {
    fn last_row(&self) -> Result<i64> {
        let last = "SELECT coalesce(max(position), 0) FROM journal";
        self.connection.query_row(last, [], |row| row.get(0)).map_err(failed(&self.path))
    }

    /// What rows behind this one name, and what they were forked from.
    fn since(&self, upto: i64) -> Result<Look> {
        let mut look = Look::default();
        let mut select = self
            .connection
            .prepare_cached("SELECT kind, data FROM journal WHERE position > ?2 AND tenant = ?1")
            .map_err(failed(&self.path))?;
        let mut rows = select.query(params![self.tenant, upto]).map_err(failed(&self.path))?;
        while let Some(row) = rows.next().map_err(failed(&self.path))? {
            let data = text(row, 1).map_err(failed(&self.path))?;
            look.named.extend(Hash::named_in(data));
            if text(row, 0).map_err(failed(&self.path))? == "forked" {
                let forked: Forked = serde_json::from_str(data)
                    .map_err(|_| StoreError::Value { what: "forked event" })?;
                look.forked.insert(forked.of);
            }
        }
        Ok(look)
    }

    /// Why a tree stays that was to go; `None` where it goes.
    fn stays(&self, runs: &BTreeSet<RunId>, look: &Look, owners: &Path) -> Result<Option<Spared>> {
        if runs.iter().any(|run| look.forked.contains(run)) {
            return Ok(Some(Spared::Forked));
        }
        let one = |select: &str, run: &RunId| {
            let mut select = self.connection.prepare_cached(select).map_err(failed(&self.path))?;
            let mut rows =
                select.query(params![self.tenant, run.as_bytes()]).map_err(failed(&self.path))?;
            let row = rows.next().map_err(failed(&self.path))?;
            let process = row.map(|row| row.get::<_, [u8; 16]>(0)).transpose();
            process.map_err(failed(&self.path))
        };
        for run in runs {
            let held = one("SELECT process FROM leases WHERE tenant = ?1 AND run = ?2", run)?;
            let held = held.map(|process| OwnerId::from_u128(u128::from_be_bytes(process)));
            if held.is_some_and(|process| owners::lives(owners, process)) {
                return Ok(Some(Spared::Held));
            }
            if one("SELECT run FROM exchanges WHERE tenant = ?1 AND run = ?2", run)?.is_some() {
                return Ok(Some(Spared::InSession));
            }
        }
        Ok(None)
    }
}

/// Removes some trees of a plan in one transaction, but those of which something has come since. What
/// is spared is noted in the plan.
fn remove(of: &Of<'_>, owners: &Path, plan: &mut Plan, some: Range<usize>) -> Result<Pruned> {
    let look = of.since(plan.upto)?;
    let (mut pruned, mut runs, mut parts) = (Pruned::default(), BTreeSet::new(), HashSet::new());
    for index in some {
        let Some(tree) = plan.trees.get(index) else { continue };
        let forked = tree.runs.iter().any(|run| plan.forked_by_spared.contains(run));
        let why = if forked { Some(Spared::Forked) } else { of.stays(&tree.runs, &look, owners)? };
        if let Some(why) = why {
            plan.spare(index, why);
            continue;
        }
        pruned.runs += tree.runs.len() as u64;
        (pruned.events, pruned.bytes) = (pruned.events + tree.events, pruned.bytes + tree.bytes);
        runs.extend(tree.runs.iter().copied());
        let last = tree.named.iter().filter(|hash| plan.parts.get(*hash) == Some(&index));
        parts.extend(last.filter(|hash| !plan.spared.contains(hash) && !look.named.contains(hash)));
    }
    let (blobs, in_blobs) = of.sizes(&parts)?;
    (pruned.blobs, pruned.bytes) = (blobs, pruned.bytes + in_blobs);
    overwriting(of.connection, || of.remove(&runs, &parts))?;
    Ok(pruned)
}

/// Keeps others from removing runs of this folder at the same time.
fn alone(folder: &Path) -> Result<File> {
    let path = folder.join("prune.lock");
    let open = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file =
        open.map_err(|source| StoreError::ReadOnly { path: path.clone(), source: Some(source) })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(_) => Err(StoreError::Busy { path }),
    }
}

impl Retention for Store {
    fn prune<'a>(&'a self, scope: &'a Scope, rule: Rule) -> BoxFuture<'a, PortResult<Pruned>> {
        let (tenant, path): (Arc<str>, PathBuf) =
            (scope.tenant().as_str().into(), self.state_path());
        let (folder, owners) = (self.folder().to_owned(), self.folder().join("owners"));
        Box::pin(async move {
            let mut only_one = None;
            if !rule.dry_run {
                only_one = Some(alone(&folder)?);
                // What this process has queued is there first: runs that it has given back.
                self.write(|_| Ok(())).await?;
            }
            let at = (Arc::clone(&tenant), path.clone(), owners.clone());
            // All that it counts is of one moment, and it stands in nobody's way.
            let plan = self.read_state(move |connection| {
                let (tenant, path, owners) = at;
                let _moment = connection.unchecked_transaction().map_err(failed(&path))?;
                let of = Of { connection, tenant: &tenant, path: &path };
                let plan = look(&of, &owners, rule)?;
                let (blobs, in_blobs) = of.sizes(&plan.parts.keys().copied().collect())?;
                Ok((plan, blobs, in_blobs))
            });
            let (mut plan, blobs, in_blobs) = plan.await?;
            if rule.dry_run {
                let whole = plan.whole();
                return Ok(Pruned { blobs, bytes: whole.bytes + in_blobs, ..whole });
            }
            let mut pruned = Pruned::default();
            for some in plan.batches() {
                let at = (Arc::clone(&tenant), path.clone(), owners.clone());
                let (left, removed) = self
                    .write(move |connection| {
                        let (tenant, path, owners) = at;
                        let of = Of { connection, tenant: &tenant, path: &path };
                        let removed = remove(&of, &owners, &mut plan, some)?;
                        Ok((plan, removed))
                    })
                    .await?;
                plan = left;
                pruned.runs += removed.runs;
                pruned.events += removed.events;
                pruned.blobs += removed.blobs;
                pruned.bytes += removed.bytes;
                // Who waits for the lock asks for it again and again, and finds it free now.
                self.read_state(|_| {
                    std::thread::sleep(PAUSE);
                    Ok(())
                })
                .await?;
            }
            self.write(move |connection| signals::sweep(connection, &tenant, rule.before)).await?;
            drop(only_one);
            Ok(Pruned { kept: plan.kept, ..pruned })
        })
    }

    fn over<'a>(
        &'a self,
        scope: &'a Scope,
        rule: Rule,
    ) -> BoxFuture<'a, PortResult<(Vec<RunId>, Kept)>> {
        let (tenant, path): (Arc<str>, PathBuf) =
            (scope.tenant().as_str().into(), self.state_path());
        let owners = self.folder().join("owners");
        Box::pin(async move {
            if !rule.dry_run {
                // What this process has queued is there first: runs that it has given back.
                self.write(|_| Ok(())).await?;
            }
            let found = self.read_state(move |connection| {
                let of = Of { connection, tenant: &tenant, path: &path };
                let (runs, kept) = over(&of.lines()?, of.held(&owners)?, &rule);
                Ok((runs.into_iter().collect(), kept))
            });
            found.await
        })
    }

    fn compact<'a>(
        &'a self,
        scope: &'a Scope,
        compaction: Compaction,
    ) -> BoxFuture<'a, PortResult<bool>> {
        let (tenant, path): (Arc<str>, PathBuf) =
            (scope.tenant().as_str().into(), self.state_path());
        let (folder, owners) = (self.folder().to_owned(), self.folder().join("owners"));
        Box::pin(async move {
            // Whoever removes runs has looked at what they name, and at no row that comes later.
            let only_one = alone(&folder)?;
            let done = self.write(move |connection| {
                let of = Of { connection, tenant: &tenant, path: &path };
                overwriting(connection, || compact::compact(&of, &owners, &compaction))
            });
            let done = done.await?;
            drop(only_one);
            Ok(done)
        })
    }
}

#[cfg(test)]
mod tests;
