//! Processes that spend from shared budgets and are killed in the middle.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};

use largestack_ports::ledger::{Account, BudgetKey, BudgetLimits, Ledger};
use largestack_types::money::Money;
use largestack_types::scope::Scope;

/// A process that spends. Killed when it is dropped.
struct Spender {
    child: Child,
    out: BufReader<ChildStdout>,
    settled: i64,
    told: i64,
    closed: bool,
}

impl Spender {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_largestack-store-child"))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out, settled: 0, told: 0, closed: false }
    }

    fn of(place: &[&str], how: &str) -> Self {
        Self::start(&[place, &[how, "40"]].concat())
    }

    fn hear(&mut self, text: &str) {
        match text.split_once(' ') {
            Some(("settled", nanos)) => self.settled += nanos.parse::<i64>().unwrap(),
            Some(("told", nanos)) => self.told = nanos.parse().unwrap(),
            _ => self.closed |= text == "closed",
        }
    }

    /// Listens to this many calls, or to its end.
    fn listen(&mut self, calls: usize) {
        for _ in 0..calls {
            let mut line = String::new();
            if self.out.read_line(&mut line).unwrap() == 0 {
                return;
            }
            self.hear(line.trim_end());
        }
    }

    /// Kills it in the middle of whatever it does, and reads what it had said.
    fn kill(mut self) -> i64 {
        self.end();
        self.settled
    }

    fn end(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        // A line that was cut says nothing.
        let whole = rest.rfind('\n').map_or("", |end| &rest[..end]).to_owned();
        whole.lines().for_each(|line| self.hear(line));
    }
}

impl Drop for Spender {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// What the scopes may spend.
const LIMITS: [Money; 2] = [Money::from_nanos(6_000), Money::from_nanos(5_000)];

/// How each process reserves.
const WAYS: [&str; 3] = ["direct", "direct", "sliced"];

/// The scopes with limits.
pub(crate) fn limited() -> [BudgetKey; 2] {
    let [agent, _, tenant] = BudgetKey::around_run(&Scope::local(), &"a".into());
    [agent, tenant]
}

/// No limit is passed, by what is spent and what is set aside.
async fn look(ledger: &dyn Ledger) -> Vec<Account> {
    let mut accounts = Vec::new();
    for (key, limit) in limited().iter().zip(LIMITS) {
        let account = ledger.account(key).await.unwrap();
        let committed = account.spent.checked_add(account.reserved).unwrap();
        assert!(committed <= limit, "{account:?}");
        accounts.push(account);
    }
    accounts
}

/// Processes spend, are killed and replaced. No limit is ever passed, everything acknowledged is
/// booked, and nothing stays set aside. `place` is what a process is told of where the budgets are.
pub(crate) async fn processes_that_are_killed_never_pass_a_limit(
    ledger: &dyn Ledger,
    place: &[&str],
) {
    for (key, limit) in limited().iter().zip(LIMITS) {
        ledger.set_limits(key, BudgetLimits::total(Some(limit))).await.unwrap();
    }
    let mut acknowledged = 0;
    let mut spenders = WAYS.map(|how| Some(Spender::of(place, how)));
    for round in 0..3 {
        for (how, slot) in WAYS.iter().zip(&mut spenders) {
            let mut victim = slot.take().unwrap();
            victim.listen(3 + round);
            look(ledger).await;
            acknowledged += victim.kill();
            *slot = Some(Spender::of(place, how));
        }
    }
    acknowledged += spenders.into_iter().flatten().map(Spender::kill).sum::<i64>();
    // A server needs a moment to notice that somebody is gone.
    let mut before = look(ledger).await;
    for _ in 0..10_000 {
        ledger.sweep().await.unwrap();
        before = look(ledger).await;
        if before.iter().all(|account| account.reserved == Money::ZERO) {
            break;
        }
    }
    for account in &before {
        assert_eq!(account.reserved, Money::ZERO);
        assert!(account.spent.nanos() >= acknowledged, "{acknowledged} {account:?}");
        assert!(account.estimated > Money::ZERO, "nobody was killed in the middle");
        assert!(account.estimated <= account.spent);
    }
    // Who comes after them finds what is left, and who ends orderly leaves no estimate.
    let mut last = Spender::of(place, "sliced");
    last.listen(usize::MAX);
    assert!(last.closed);
    for (before, after) in before.into_iter().zip(look(ledger).await) {
        assert_eq!(after.spent.nanos(), before.spent.nanos() + last.settled);
        assert_eq!((after.estimated, after.reserved), (before.estimated, Money::ZERO));
    }
}

/// What a call sets aside that goes on until its process is killed, and how much a report adds.
const STREAM: i64 = 1_000_000;
const STEP: i64 = 10;

/// A process in the middle of a call is killed: what it reported last is booked, not all that it
/// had set aside.
pub(crate) async fn a_killed_process_is_booked_at_its_last_report(
    ledger: &dyn Ledger,
    place: &[&str],
) {
    for key in limited() {
        let limit = Some(Money::from_nanos(100 * STREAM));
        ledger.set_limits(&key, BudgetLimits::total(limit)).await.unwrap();
    }
    // The rest of a slice may have been used by calls that nobody heard of.
    for (how, rest) in [("direct", 0), ("sliced", 7 * STREAM)] {
        for reports in [1, 4, 20] {
            let before = accounts(ledger).await;
            let mut killed = Spender::start(&[place, &[how]].concat());
            killed.listen(reports);
            killed.end();
            assert!(killed.told >= STEP);
            for _ in 0..10_000 {
                ledger.sweep().await.unwrap();
                if accounts(ledger).await.iter().all(|account| account.reserved == Money::ZERO) {
                    break;
                }
            }
            for (before, after) in before.iter().zip(accounts(ledger).await) {
                assert_eq!(after.reserved, Money::ZERO);
                let booked = after.spent.checked_sub(before.spent).unwrap();
                assert_eq!(after.estimated.checked_sub(before.estimated), Ok(booked));
                // The report that it was killed in may have been made and not been told.
                let beyond = booked.nanos() - rest - killed.told;
                assert!(beyond == 0 || beyond == STEP, "{how}: {beyond} beyond {}", killed.told);
            }
        }
    }
}

async fn accounts(ledger: &dyn Ledger) -> Vec<Account> {
    let mut accounts = Vec::new();
    for key in limited() {
        accounts.push(ledger.account(&key).await.unwrap());
    }
    accounts
}
