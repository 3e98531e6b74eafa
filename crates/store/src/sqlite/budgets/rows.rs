//! The rows of accounts and reservations.

use largestack_ports::ledger::{Account, BudgetKey, BudgetLimits};
use largestack_types::id::OwnerId;
use largestack_types::money::Money;
use largestack_types::scope::TenantId;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::error::{Result, StoreError};
use crate::reservations::Kept;
use crate::scopes;
use crate::sqlite::rows::integer;

fn failed(connection: &Connection) -> impl Fn(rusqlite::Error) -> StoreError + '_ {
    |error| StoreError::sql(connection.path().unwrap_or_default().as_ref(), error)
}

fn money(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Money>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Money::from_nanos))
}

fn nanos(money: Option<Money>) -> Option<i64> {
    money.map(Money::nanos)
}

const ACCOUNT: &str = "limit_total, limit_day, limit_month, spent, spent_day, spent_month, day,
    month, reserved, estimated";

fn read_account(row: &Row<'_>) -> rusqlite::Result<Account> {
    let sum = |column| Ok::<_, rusqlite::Error>(Money::from_nanos(row.get(column)?));
    Ok(Account {
        limits: BudgetLimits { total: money(row, 0)?, day: money(row, 1)?, month: money(row, 2)? },
        spent: sum(3)?,
        spent_day: sum(4)?,
        spent_month: sum(5)?,
        day: row.get(6)?,
        month: row.get(7)?,
        reserved: sum(8)?,
        estimated: sum(9)?,
    })
}

/// The account of a key, where there is one.
pub(crate) fn account(connection: &Connection, key: &BudgetKey) -> Result<Option<Account>> {
    let select =
        format!("SELECT {ACCOUNT} FROM budgets WHERE tenant = ?1 AND kind = ?2 AND name = ?3");
    let found = connection.prepare_cached(&select).and_then(|mut statement| {
        let key = params![key.tenant.as_str(), key.kind.as_str(), key.name.to_string()];
        statement.query_row(key, read_account).optional()
    });
    found.map_err(failed(connection))
}

/// Every account of a tenant with a limit, by kind and name.
pub(crate) fn limited(
    connection: &Connection,
    tenant: &TenantId,
) -> Result<Vec<(BudgetKey, Account)>> {
    // A file that was last written before there were budgets has none.
    let there = connection
        .prepare_cached("SELECT 1 FROM sqlite_schema WHERE name = 'budgets'")
        .and_then(|mut statement| statement.exists([]));
    if !there.map_err(failed(connection))? {
        return Ok(Vec::new());
    }
    let select = format!(
        "SELECT {ACCOUNT}, kind, name FROM budgets WHERE tenant = ?1 AND
             (limit_total IS NOT NULL OR limit_day IS NOT NULL OR limit_month IS NOT NULL)
         ORDER BY kind, name"
    );
    let rows = connection.prepare_cached(&select).and_then(|mut statement| {
        let rows = statement.query_map([tenant.as_str()], |row| {
            Ok((row.get::<_, String>(10)?, row.get::<_, String>(11)?, read_account(row)?))
        })?;
        rows.collect::<rusqlite::Result<Vec<_>>>()
    });
    let rows = rows.map_err(failed(connection))?;
    let key = |(kind, name, account): (String, String, Account)| {
        let key = BudgetKey::read(tenant.clone(), &kind, &name);
        Ok((key.ok_or(StoreError::Value { what: "budget" })?, account))
    };
    rows.into_iter().map(key).collect()
}

/// Writes the account of a key.
pub(crate) fn save(connection: &Connection, key: &BudgetKey, account: &Account) -> Result<()> {
    let insert = format!(
        "INSERT OR REPLACE INTO budgets (tenant, kind, name, {ACCOUNT})
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
    );
    let written = connection.prepare_cached(&insert).and_then(|mut statement| {
        statement.execute(params![
            key.tenant.as_str(),
            key.kind.as_str(),
            key.name.to_string(),
            nanos(account.limits.total),
            nanos(account.limits.day),
            nanos(account.limits.month),
            account.spent.nanos(),
            account.spent_day.nanos(),
            account.spent_month.nanos(),
            account.day,
            account.month,
            account.reserved.nanos(),
            account.estimated.nanos(),
        ])
    });
    written.map(drop).map_err(failed(connection))
}

/// Forgets the account of a key.
pub(crate) fn forget(connection: &Connection, key: &BudgetKey) -> Result<()> {
    let delete = "DELETE FROM budgets WHERE tenant = ?1 AND kind = ?2 AND name = ?3";
    let key = params![key.tenant.as_str(), key.kind.as_str(), key.name.to_string()];
    let deleted = connection.prepare_cached(delete).and_then(|mut delete| delete.execute(key));
    deleted.map(drop).map_err(failed(connection))
}

const RESERVATION: &str = "tenant, owner, number, amount, scopes, reported, estimated";

/// Keeps a reservation.
pub(crate) fn insert(
    connection: &Connection,
    owner: OwnerId,
    number: u64,
    amount: Money,
    keys: &[BudgetKey],
) -> Result<()> {
    let (tenant, scopes) = scopes::written(keys)?;
    let insert =
        format!("INSERT INTO reservations ({RESERVATION}) VALUES (?1, ?2, ?3, ?4, ?5, NULL, NULL)");
    let written = connection.prepare_cached(&insert).and_then(|mut insert| {
        let row =
            params![tenant.as_str(), owner.as_bytes(), integer(number), amount.nanos(), scopes];
        insert.execute(row)
    });
    written.map(drop).map_err(failed(connection))
}

type Raw = (String, [u8; 16], i64, i64, String, Option<Money>, Option<Money>);

fn read_raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    Ok((
        row.get(0)?,
        row.get(1)?,
        row.get(2)?,
        row.get(3)?,
        row.get(4)?,
        money(row, 5)?,
        money(row, 6)?,
    ))
}

fn kept((tenant, owner, number, amount, scopes, reported, estimated): Raw) -> Result<Kept> {
    let wrong = || StoreError::Value { what: "reservation" };
    let tenant = TenantId::new(&tenant).map_err(|_| wrong())?;
    Ok(Kept {
        owner: OwnerId::from_u128(u128::from_be_bytes(owner)),
        number: u64::try_from(number).map_err(|_| wrong())?,
        amount: Money::from_nanos(amount),
        keys: scopes::read(&tenant, &scopes)?,
        reported,
        estimated,
        tenant,
    })
}

/// A reservation, unless it is settled.
pub(crate) fn find(
    connection: &Connection,
    tenant: &TenantId,
    owner: OwnerId,
    number: u64,
) -> Result<Option<Kept>> {
    let select = format!(
        "SELECT {RESERVATION} FROM reservations WHERE tenant = ?1 AND owner = ?2 AND number = ?3"
    );
    let found = connection.prepare_cached(&select).and_then(|mut statement| {
        let key = params![tenant.as_str(), owner.as_bytes(), integer(number)];
        statement.query_row(key, read_raw).optional()
    });
    found.map_err(failed(connection))?.map(kept).transpose()
}

/// Whoever has something set aside.
pub(crate) fn owners(connection: &Connection) -> Result<Vec<OwnerId>> {
    let select = "SELECT DISTINCT owner FROM reservations WHERE estimated IS NULL";
    let owners = connection.prepare_cached(select).and_then(|mut statement| {
        let rows = statement.query_map([], |row| row.get::<_, [u8; 16]>(0))?;
        rows.collect::<rusqlite::Result<Vec<_>>>()
    });
    let owners = owners.map_err(failed(connection))?;
    Ok(owners.into_iter().map(|id| OwnerId::from_u128(u128::from_be_bytes(id))).collect())
}

/// What an owner has set aside, of every tenant.
pub(crate) fn of_owner(connection: &Connection, owner: OwnerId) -> Result<Vec<Kept>> {
    let select = format!(
        "SELECT {RESERVATION} FROM reservations WHERE owner = ?1 AND estimated IS NULL
         ORDER BY tenant, number"
    );
    let rows = connection.prepare_cached(&select).and_then(|mut statement| {
        let rows = statement.query_map([owner.as_bytes()], read_raw)?;
        rows.collect::<rusqlite::Result<Vec<_>>>()
    });
    rows.map_err(failed(connection))?.into_iter().map(kept).collect()
}

/// Sets what a reservation has cost so far, or was booked at.
pub(crate) fn note(connection: &Connection, kept: &Kept) -> Result<()> {
    let update = "UPDATE reservations SET reported = ?4, estimated = ?5
         WHERE tenant = ?1 AND owner = ?2 AND number = ?3";
    let written = connection.prepare_cached(update).and_then(|mut statement| {
        statement.execute(params![
            kept.tenant.as_str(),
            kept.owner.as_bytes(),
            integer(kept.number),
            nanos(kept.reported),
            nanos(kept.estimated),
        ])
    });
    written.map(drop).map_err(failed(connection))
}

/// Forgets a reservation that is settled.
pub(crate) fn remove(connection: &Connection, kept: &Kept) -> Result<()> {
    let delete = "DELETE FROM reservations WHERE tenant = ?1 AND owner = ?2 AND number = ?3";
    let written = connection.prepare_cached(delete).and_then(|mut statement| {
        let key = params![kept.tenant.as_str(), kept.owner.as_bytes(), integer(kept.number)];
        statement.execute(key)
    });
    written.map(drop).map_err(failed(connection))
}
