//! Questions to people, their answers and the rights that were handed on: each row vouched for with
//! a key made from the store's own. A question is locked while it is answered, so that of processes
//! that answer at once one is heard after the other.

use std::sync::Arc;

use largestack_ports::BoxFuture;
use largestack_ports::approvals::{
    Answer, Approval, Approvals, Listed, Question, Refused, Right, Token, Untrusted, Vote,
};
use largestack_types::errors::Result as PortResult;
use largestack_types::id::ApprovalId;
use largestack_types::scope::{Scope, TenantId};
use sqlx::PgConnection;

use crate::error::{Result, StoreError};
use crate::facts::integer;
use crate::postgres::server::{PostgresOptions, PostgresStore};
use crate::postgres::{master, runs, told, work};
use crate::seal::Key;
use crate::vouching::{
    json, no_question, nobody, place, refused, signing, text, token_text, vouched,
};

/// Data and seal.
type Row = (String, Vec<u8>);

async fn insert(
    connection: &mut PgConnection,
    tenant: &TenantId,
    question: &Question,
    options: &PostgresOptions,
) -> Result<()> {
    let key = signing(&master::key(connection, &options.key_file, &*options.ids).await?);
    let data = text(question)?;
    let place = place("question", tenant.as_str(), question.id, &data);
    let seal = key.seal(&*options.ids, &place, b"")?;
    sqlx::query(
        "INSERT INTO approvals (tenant, id, data, seal) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING",
    )
    .bind(tenant.as_str())
    .bind(question.id.as_bytes().as_slice())
    .bind(data)
    .bind(seal)
    .execute(connection)
    .await?;
    Ok(())
}

async fn load(
    connection: &mut PgConnection,
    tenant: &TenantId,
    id: ApprovalId,
    options: &PostgresOptions,
) -> Result<Option<Approval>> {
    let row: Option<Row> =
        sqlx::query_as("SELECT data, seal FROM approvals WHERE tenant = $1 AND id = $2")
            .bind(tenant.as_str())
            .bind(id.as_bytes().as_slice())
            .fetch_optional(&mut *connection)
            .await?;
    let Some((data, seal)) = row else { return Ok(None) };
    let key = signing(&master::existing(&options.key_file)?);
    vouched(&key, &place("question", tenant.as_str(), id, &data), &seal, id)?;
    let question: Question = json(&data)?;
    let over = runs::is_over(connection, tenant, question.run).await?;
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT data, seal FROM approval_votes WHERE tenant = $1 AND id = $2 ORDER BY position",
    )
    .bind(tenant.as_str())
    .bind(id.as_bytes().as_slice())
    .fetch_all(connection)
    .await?;
    let mut approval = Approval { question, votes: Vec::new(), over };
    for (data, seal) in rows {
        vouched(&key, &place("vote", tenant.as_str(), id, &data), &seal, id)?;
        approval.votes.push(json(&data)?);
    }
    Ok(Some(approval))
}

/// The ids of the latest questions, newest first.
async fn latest(
    connection: &mut PgConnection,
    tenant: &TenantId,
    most: usize,
) -> Result<Vec<ApprovalId>> {
    // What has no id of ours names no question.
    let ids: Vec<Vec<u8>> = sqlx::query_scalar(
        "SELECT id FROM approvals WHERE tenant = $1 AND length(id) = 16
         ORDER BY position DESC LIMIT $2",
    )
    .bind(tenant.as_str())
    .bind(integer(u64::try_from(most).unwrap_or(u64::MAX)))
    .fetch_all(connection)
    .await?;
    let id = |bytes: Vec<u8>| bytes.try_into().ok().map(u128::from_be_bytes);
    Ok(ids.into_iter().filter_map(id).map(ApprovalId::from_u128).collect())
}

/// What an answer or a hand-over works on, within one transaction.
struct Desk<'c> {
    connection: &'c mut PgConnection,
    tenant: &'c TenantId,
    id: ApprovalId,
    key: Key,
    approval: Approval,
    options: &'c PostgresOptions,
}

impl<'c> Desk<'c> {
    async fn open(
        connection: &'c mut PgConnection,
        tenant: &'c TenantId,
        id: ApprovalId,
        options: &'c PostgresOptions,
    ) -> Result<Self> {
        // Held until the end of the transaction: answers come one after the other.
        sqlx::query("SELECT FROM approvals WHERE tenant = $1 AND id = $2 FOR UPDATE")
            .bind(tenant.as_str())
            .bind(id.as_bytes().as_slice())
            .execute(&mut *connection)
            .await?;
        let approval = load(connection, tenant, id, options).await?;
        let approval = approval.ok_or_else(|| no_question(id))?;
        let key = signing(&master::existing(&options.key_file)?);
        Ok(Self { connection, tenant, id, key, approval, options })
    }

    /// Spends a token: in whose place who answers.
    async fn spend(&mut self, token: &Token) -> Result<(String, String)> {
        let (hash, id) = (token.hash(), self.id);
        let row: Option<(String, String, Vec<u8>)> = sqlx::query_as(
            "UPDATE approval_tokens SET used = true
             WHERE tenant = $1 AND hash = $2 AND id = $3 AND NOT used
             RETURNING granted, principal, seal",
        )
        .bind(self.tenant.as_str())
        .bind(hash.as_bytes().as_slice())
        .bind(id.as_bytes().as_slice())
        .fetch_optional(&mut *self.connection)
        .await?;
        let (granted, principal, seal) = row.ok_or_else(|| refused(&Refused::NoRight(id)))?;
        let data = token_text(hash, &granted, &principal);
        vouched(&self.key, &place("token", self.tenant.as_str(), id, &data), &seal, id)?;
        Ok((granted, principal))
    }

    /// Takes an answer: one for each right, whoever uses it.
    async fn answer(mut self, right: Right, answer: Answer) -> Result<Approval> {
        let at = self.options.clock.now();
        let (by, in_place_of): (Arc<str>, _) = match right {
            Right::Principal(principal) => (principal, None),
            Right::Token(token) => {
                let (granted, principal) = self.spend(&token).await?;
                (principal.into(), Some(Arc::from(granted)))
            }
        };
        let vote = Vote { by, in_place_of, answer, at };
        self.approval.take(vote.clone()).map_err(|why| refused(&why))?;
        let data = text(&vote)?;
        let place = place("vote", self.tenant.as_str(), self.id, &data);
        let seal = self.key.seal(&*self.options.ids, &place, b"")?;
        sqlx::query(
            "INSERT INTO approval_votes (tenant, id, principal, data, seal)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(self.tenant.as_str())
        .bind(self.id.as_bytes().as_slice())
        .bind(&**vote.holder())
        .bind(data)
        .bind(seal)
        .execute(&mut *self.connection)
        .await?;
        Ok(self.approval)
    }

    async fn delegate(self, from: &str, to: &str) -> Result<Token> {
        if !self.approval.is_for(from) {
            return Err(refused(&Refused::NotForYou { id: self.id, by: from.into() }));
        }
        if to.is_empty() {
            return Err(nobody());
        }
        let mut bytes = [0; 32];
        self.options.ids.fill(&mut bytes);
        let token = Token::new(bytes);
        let hash = token.hash();
        let place = place("token", self.tenant.as_str(), self.id, &token_text(hash, from, to));
        let seal = self.key.seal(&*self.options.ids, &place, b"")?;
        sqlx::query(
            "INSERT INTO approval_tokens (tenant, hash, id, granted, principal, seal)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(self.tenant.as_str())
        .bind(hash.as_bytes().as_slice())
        .bind(self.id.as_bytes().as_slice())
        .bind(from)
        .bind(to)
        .bind(seal)
        .execute(self.connection)
        .await?;
        Ok(token)
    }
}

impl Approvals for PostgresStore {
    fn ask<'a>(&'a self, scope: &'a Scope, question: Question) -> BoxFuture<'a, PortResult<()>> {
        self.inside(async move {
            let mut transaction = self.begin(scope.tenant()).await?;
            insert(&mut transaction, scope.tenant(), &question, &self.options).await?;
            transaction.commit().await?;
            Ok(())
        })
    }

    fn find<'a>(
        &'a self,
        scope: &'a Scope,
        id: ApprovalId,
    ) -> BoxFuture<'a, PortResult<Option<Approval>>> {
        self.after_queued(async move {
            let mut transaction = self.begin(scope.tenant()).await?;
            let approval = load(&mut transaction, scope.tenant(), id, &self.options).await?;
            transaction.commit().await?;
            Ok(approval)
        })
    }

    fn list<'a>(&'a self, scope: &'a Scope, most: usize) -> BoxFuture<'a, PortResult<Listed>> {
        self.after_queued(async move {
            let mut transaction = self.begin(scope.tenant()).await?;
            let mut listed = Listed::default();
            for id in latest(&mut transaction, scope.tenant(), most).await? {
                match load(&mut transaction, scope.tenant(), id, &self.options).await {
                    Ok(question) => listed.questions.extend(question),
                    // What is true of this row alone.
                    Err(error @ (StoreError::Refused(_) | StoreError::Value { .. })) => {
                        listed.untrusted.push(Untrusted { id, error: error.into() });
                    }
                    Err(error) => return Err(error),
                }
            }
            transaction.commit().await?;
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
        self.after_queued(async move {
            let mut transaction = self.begin(scope.tenant()).await?;
            let desk = Desk::open(&mut transaction, scope.tenant(), id, &self.options).await?;
            let approval = desk.answer(right, answer).await?;
            // What is below a run is gone on with by whoever takes that one up.
            let asks = runs::one(&mut transaction, scope.tenant(), approval.question.run).await?;
            let top = asks.map_or(approval.question.run, |asks| asks.root);
            let woken = work::wake(&mut transaction, (scope.tenant(), top)).await?;
            transaction.commit().await?;
            if woken {
                // One that is lost is made up for by workers that look by themselves.
                let _lost = told::notify(&self.pool, &self.channel, told::WORK).await;
            }
            Ok(approval)
        })
    }

    fn delegate<'a>(
        &'a self,
        scope: &'a Scope,
        id: ApprovalId,
        from: Arc<str>,
        to: Arc<str>,
    ) -> BoxFuture<'a, PortResult<Token>> {
        self.after_queued(async move {
            let mut transaction = self.begin(scope.tenant()).await?;
            let desk = Desk::open(&mut transaction, scope.tenant(), id, &self.options).await?;
            let token = desk.delegate(&from, &to).await?;
            transaction.commit().await?;
            Ok(token)
        })
    }
}
