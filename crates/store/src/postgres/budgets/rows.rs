//! The rows of accounts and reservations.

use std::collections::BTreeMap;

use largestack_ports::ledger::{Account, BudgetKey, BudgetLimits, Reservation};
use largestack_types::id::OwnerId;
use largestack_types::money::Money;
use largestack_types::scope::TenantId;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};

use crate::error::{Result, StoreError};
use crate::reservations::Kept;
use crate::scopes;

/// Accounts by key, in the order in which all transactions lock them.
pub(super) type Accounts = BTreeMap<BudgetKey, Account>;

fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn nanos(money: Option<Money>) -> Option<i64> {
    money.map(Money::nanos)
}

fn read(row: &PgRow) -> Result<Account> {
    let sum = |name: &str| row.try_get::<i64, _>(name).map(Money::from_nanos);
    let limit =
        |name: &str| row.try_get::<Option<i64>, _>(name).map(|nanos| nanos.map(Money::from_nanos));
    Ok(Account {
        limits: BudgetLimits {
            total: limit("limit_total")?,
            day: limit("limit_day")?,
            month: limit("limit_month")?,
        },
        spent: sum("spent")?,
        spent_day: sum("spent_day")?,
        spent_month: sum("spent_month")?,
        day: row.try_get("day")?,
        month: row.try_get("month")?,
        reserved: sum("reserved")?,
        estimated: sum("estimated")?,
    })
}

/// An account as it is, without waiting for anybody.
pub(super) async fn look(connection: &mut PgConnection, key: &BudgetKey) -> Result<Account> {
    let row = sqlx::query("SELECT * FROM budgets WHERE tenant = $1 AND kind = $2 AND name = $3")
        .bind(key.tenant.as_str())
        .bind(key.kind.as_str())
        .bind(key.name.to_string())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map_or_else(|| Ok(Account::default()), read)
}

/// Every account of a tenant with a limit, by kind and name.
pub(super) async fn limited(
    connection: &mut PgConnection,
    tenant: &TenantId,
) -> Result<Vec<(BudgetKey, Account)>> {
    let rows = sqlx::query(
        "SELECT * FROM budgets WHERE tenant = $1 AND
             (limit_total IS NOT NULL OR limit_day IS NOT NULL OR limit_month IS NOT NULL)
         ORDER BY kind, name",
    )
    .bind(tenant.as_str())
    .fetch_all(connection)
    .await?;
    let account = |row: &PgRow| {
        let key = BudgetKey::read(tenant.clone(), row.try_get("kind")?, row.try_get("name")?);
        Ok((key.ok_or(StoreError::Value { what: "budget" })?, read(row)?))
    };
    rows.iter().map(account).collect()
}

/// Locks the accounts of keys, in their order; those that are not there are made, or left out.
pub(super) async fn lock<'k>(
    connection: &mut PgConnection,
    keys: impl IntoIterator<Item = &'k BudgetKey>,
    make: bool,
) -> Result<Accounts> {
    let mut accounts = Accounts::new();
    for key in keys {
        accounts.insert(key.clone(), Account::default());
    }
    let mut absent = Vec::new();
    for (key, account) in &mut accounts {
        if make {
            sqlx::query(
                "INSERT INTO budgets (tenant, kind, name) VALUES ($1, $2, $3)
                 ON CONFLICT DO NOTHING",
            )
            .bind(key.tenant.as_str())
            .bind(key.kind.as_str())
            .bind(key.name.to_string())
            .execute(&mut *connection)
            .await?;
        }
        let row = sqlx::query(
            "SELECT * FROM budgets WHERE tenant = $1 AND kind = $2 AND name = $3 FOR UPDATE",
        )
        .bind(key.tenant.as_str())
        .bind(key.kind.as_str())
        .bind(key.name.to_string())
        .fetch_optional(&mut *connection)
        .await?;
        match row {
            Some(row) => *account = read(&row)?,
            None => absent.push(key.clone()),
        }
    }
    for key in absent {
        accounts.remove(&key);
    }
    Ok(accounts)
}

/// Writes accounts that are locked.
pub(super) async fn save(connection: &mut PgConnection, accounts: &Accounts) -> Result<()> {
    for (key, account) in accounts {
        sqlx::query(
            "UPDATE budgets SET limit_total = $4, limit_day = $5, limit_month = $6, spent = $7,
                 spent_day = $8, spent_month = $9, day = $10, month = $11, reserved = $12,
                 estimated = $13
             WHERE tenant = $1 AND kind = $2 AND name = $3",
        )
        .bind(key.tenant.as_str())
        .bind(key.kind.as_str())
        .bind(key.name.to_string())
        .bind(nanos(account.limits.total))
        .bind(nanos(account.limits.day))
        .bind(nanos(account.limits.month))
        .bind(account.spent.nanos())
        .bind(account.spent_day.nanos())
        .bind(account.spent_month.nanos())
        .bind(account.day)
        .bind(account.month)
        .bind(account.reserved.nanos())
        .bind(account.estimated.nanos())
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Forgets the account of a key.
pub(super) async fn forget(connection: &mut PgConnection, key: &BudgetKey) -> Result<()> {
    sqlx::query("DELETE FROM budgets WHERE tenant = $1 AND kind = $2 AND name = $3")
        .bind(key.tenant.as_str())
        .bind(key.kind.as_str())
        .bind(key.name.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

/// Keeps a reservation.
pub(super) async fn insert(
    connection: &mut PgConnection,
    (owner, number): (OwnerId, u64),
    amount: Money,
    (tenant, scopes): (&TenantId, &str),
) -> Result<()> {
    sqlx::query(
        "INSERT INTO reservations (tenant, owner, number, amount, scopes)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(tenant.as_str())
    .bind(owner.as_bytes().as_slice())
    .bind(integer(number))
    .bind(amount.nanos())
    .bind(scopes)
    .execute(connection)
    .await?;
    Ok(())
}

fn kept(row: &PgRow) -> Result<Kept> {
    let wrong = || StoreError::Value { what: "reservation" };
    let tenant = TenantId::new(row.try_get("tenant")?).map_err(|_| wrong())?;
    let money =
        |name: &str| row.try_get::<Option<i64>, _>(name).map(|nanos| nanos.map(Money::from_nanos));
    Ok(Kept {
        owner: owner(row)?,
        number: u64::try_from(row.try_get::<i64, _>("number")?).map_err(|_| wrong())?,
        amount: Money::from_nanos(row.try_get("amount")?),
        keys: scopes::read(&tenant, row.try_get("scopes")?)?,
        reported: money("reported")?,
        estimated: money("estimated")?,
        tenant,
    })
}

fn owner(row: &PgRow) -> Result<OwnerId> {
    let bytes: Vec<u8> = row.try_get("owner")?;
    let bytes = bytes.try_into().map_err(|_| StoreError::Value { what: "reservation" })?;
    Ok(OwnerId::from_u128(u128::from_be_bytes(bytes)))
}

/// Locks a reservation, unless it is settled.
pub(super) async fn find(
    connection: &mut PgConnection,
    tenant: &TenantId,
    (owner, number): (OwnerId, u64),
) -> Result<Option<Kept>> {
    let row = sqlx::query(
        "SELECT * FROM reservations WHERE tenant = $1 AND owner = $2 AND number = $3 FOR UPDATE",
    )
    .bind(tenant.as_str())
    .bind(owner.as_bytes().as_slice())
    .bind(integer(number))
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(kept).transpose()
}

/// Whoever has something set aside, of the transaction's tenant.
pub(super) async fn owners(connection: &mut PgConnection) -> Result<Vec<OwnerId>> {
    let rows = sqlx::query("SELECT DISTINCT owner FROM reservations WHERE estimated IS NULL")
        .fetch_all(connection)
        .await?;
    rows.iter().map(owner).collect()
}

/// Locks what an owner has set aside, of the transaction's tenant.
pub(super) async fn of_owner(connection: &mut PgConnection, owner: OwnerId) -> Result<Vec<Kept>> {
    let rows = sqlx::query(
        "SELECT * FROM reservations WHERE owner = $1 AND estimated IS NULL
         ORDER BY number FOR UPDATE",
    )
    .bind(owner.as_bytes().as_slice())
    .fetch_all(connection)
    .await?;
    rows.iter().map(kept).collect()
}

/// Sets what a reservation has cost so far, and says whether it is still open. One that is booked
/// stays as it is.
pub(super) async fn report(
    connection: &mut PgConnection,
    tenant: &TenantId,
    reservation: &Reservation,
    seen: Money,
) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE reservations SET reported = $4
         WHERE tenant = $1 AND owner = $2 AND number = $3 AND estimated IS NULL",
    )
    .bind(tenant.as_str())
    .bind(reservation.owner.as_bytes().as_slice())
    .bind(integer(reservation.number))
    .bind(seen.nanos())
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Sets what a reservation was booked at.
pub(super) async fn note(connection: &mut PgConnection, kept: &Kept) -> Result<()> {
    sqlx::query(
        "UPDATE reservations SET estimated = $4
         WHERE tenant = $1 AND owner = $2 AND number = $3",
    )
    .bind(kept.tenant.as_str())
    .bind(kept.owner.as_bytes().as_slice())
    .bind(integer(kept.number))
    .bind(nanos(kept.estimated))
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets a reservation that is settled.
pub(super) async fn remove(connection: &mut PgConnection, kept: &Kept) -> Result<()> {
    sqlx::query("DELETE FROM reservations WHERE tenant = $1 AND owner = $2 AND number = $3")
        .bind(kept.tenant.as_str())
        .bind(kept.owner.as_bytes().as_slice())
        .bind(integer(kept.number))
        .execute(connection)
        .await?;
    Ok(())
}
