//! Reserving and settling in the budgets of one agent and its tenant, until killed.

use std::error::Error;
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::sync::Arc;

use largestack_ports::ledger::{BudgetKey, Ledger, Sliced};
use largestack_types::errors::LargestackError;
use largestack_types::id::RunId;
use largestack_types::money::Money;
use largestack_types::scope::Scope;

/// The most that one call can cost, in nano-dollars.
const WORST: u64 = 60;

/// Makes this many calls; ends early, and orderly, when the budget is used up.
pub(crate) fn spend(
    runtime: &tokio::runtime::Runtime,
    ledger: Arc<dyn Ledger>,
    sliced: bool,
    calls: u64,
) -> Result<(), Box<dyn Error>> {
    let ledger: Arc<dyn Ledger> = if sliced { Arc::new(Sliced::new(ledger)) } else { ledger };
    runtime.block_on(calls_of(&*ledger, sliced, calls))
}

async fn calls_of(ledger: &dyn Ledger, sliced: bool, calls: u64) -> Result<(), Box<dyn Error>> {
    let (scope, dice) = (Scope::local(), RandomState::new());
    let run = BudgetKey::run_tree(&scope, RunId::from_u128(1));
    let [agent, _, tenant] = BudgetKey::around_run(&scope, &"a".into());
    let keys: Arc<[BudgetKey]> = if sliced {
        ledger.open(&run, None, Money::ZERO).await?;
        Arc::from([run.clone(), agent, tenant])
    } else {
        Arc::from([agent, tenant])
    };
    let mut out = std::io::stdout();
    for call in 0..calls {
        let worst = dice.hash_one((call, "worst")) % WORST;
        let used = dice.hash_one((call, "used")) % (worst + 1);
        let money = |nanos: u64| i64::try_from(nanos).map(Money::from_nanos);
        let taken = match ledger.reserve(&keys, money(worst)?).await {
            Ok(taken) => taken,
            Err(LargestackError::BudgetExceededError(_)) => break,
            Err(error) => return Err(error.into()),
        };
        ledger.settle(&taken, money(used)?).await?;
        writeln!(out, "settled {used}")?;
        out.flush()?;
    }
    if sliced {
        ledger.close(&run).await;
    }
    writeln!(out, "closed")?;
    out.flush()?;
    Ok(())
}

/// What the one call of a stream has set aside, in nano-dollars.
const STREAM: i64 = 1_000_000;

/// What it uses from one report to the next.
const STEP: i64 = 10;

/// Makes one call that goes on and on, and says what it has reported, until killed.
pub(crate) fn stream(
    runtime: &tokio::runtime::Runtime,
    ledger: Arc<dyn Ledger>,
    sliced: bool,
) -> Result<(), Box<dyn Error>> {
    let ledger: Arc<dyn Ledger> = if sliced { Arc::new(Sliced::new(ledger)) } else { ledger };
    runtime.block_on(async {
        let [agent, _, tenant] = BudgetKey::around_run(&Scope::local(), &"a".into());
        let keys: Arc<[BudgetKey]> = Arc::from([agent, tenant]);
        let taken = ledger.reserve(&keys, Money::from_nanos(STREAM)).await?;
        let mut out = std::io::stdout();
        for step in 1.. {
            let seen = step * STEP;
            ledger.report(&taken, Money::from_nanos(seen)).await?;
            writeln!(out, "told {seen}")?;
            out.flush()?;
        }
        Ok(())
    })
}
