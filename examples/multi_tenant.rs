//! One process, many tenants: each has its own scope, its own budget and its own runs. What one
//! has, another cannot name, read or spend.
#![expect(clippy::print_stdout, reason = "an example shows itself")]

use largestack::errors::Coded as _;
use largestack::ports::ledger::{BudgetKey, BudgetLimits};
use largestack::prices::{self, Book};
use largestack::{Agent, Local, Money, NotATenant, Scope, TenantId};
use largestack_testkit::{TestModel, Turn};

/// Who asks, once authentication has proved it.
fn caller(tenant: &str, who: &str) -> Result<Scope, NotATenant> {
    Ok(Scope::authenticated(TenantId::new(tenant)?, who))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let script = TestModel::repeating([Turn::text("Done.").usage(1_000, 100)]);
    // Two dollars for a million tokens in, ten for a million out.
    let mut list = Book::default();
    let price =
        prices::Section::flat(Money::from_nanos(2_000_000_000), Money::from_nanos(10_000_000_000));
    list.define("test", "shared", &price)?;
    let runtime = Local::new().model("test/shared", script).prices(list).build()?;
    let agent = Agent::builder("clerk").model("test/shared").build(runtime.clone())?;

    let (acme, globex) = (caller("acme", "ann")?, caller("globex", "gil")?);
    for (scope, cents) in [(&acme, 2), (&globex, 500)] {
        let limit = BudgetLimits::total(Some(Money::from_nanos(cents * 10_000_000)));
        runtime.ledger.set_limits(&BudgetKey::tenant(scope), limit).await?;
    }

    // Both work until acme has spent its two cents; globex does not notice.
    for round in 1..=8 {
        for scope in [&acme, &globex] {
            let tenant = scope.tenant();
            match agent.run(scope, "Do it.").await {
                Ok(answer) => println!("{round} {tenant}: {}", answer.cost),
                Err(error) => println!("{round} {tenant}: {}", error.code()),
            }
        }
    }
    for scope in [&acme, &globex] {
        let account = runtime.ledger.account(&BudgetKey::tenant(scope)).await?;
        println!("{} has spent {}", scope.tenant(), account.spent);
    }

    // A run of one tenant does not exist for the other.
    let run = agent.run(&globex, "Do it.").await?.run;
    println!("globex sees {} event(s)", runtime.journal.read(&globex, run, 0).await?.len());
    println!("acme sees {} event(s)", runtime.journal.read(&acme, run, 0).await?.len());
    Ok(())
}
