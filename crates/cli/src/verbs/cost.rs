//! `largestack cost`: what was spent, and what a call will cost.

mod predict;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use largestack_ports::journal::{CostBy, CostRow};
use largestack_ports::ledger::{Account, BudgetKey};
use largestack_types::errors::{Code, LargestackError};
use largestack_types::money::Money;
use largestack_types::usage::Usage;
use serde::Serialize;

use crate::args::Global;
use crate::compose::{self, blocking};
use crate::exit;
use crate::failure::Outcome;
use crate::render::amount::grouped;
use crate::render::run_json::dollars;
use crate::render::style::{STRONG, painted};
use crate::render::table::{Flush, Table};
use crate::render::text::one_line;
use crate::screen::Screen;
use crate::shared::{For, Shared};

/// What to group by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    Agent,
    Model,
    Day,
}

/// What was spent.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Cost {
    #[command(subcommand)]
    what: Option<What>,
    /// The project to report on; the nearest one unless given
    path: Option<PathBuf>,
    /// What to group by
    #[arg(long, value_enum, default_value = "model", value_name = "WHAT")]
    by: By,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Say what a call will cost before it is made
    Predict(predict::Predict),
}

#[derive(Serialize)]
struct Document {
    by: &'static str,
    rows: Vec<Row>,
    total: Row,
    budgets: Vec<Budget>,
}

/// A scope with a limit. Amounts are in nano-dollars, limits `null` where there is none.
#[derive(Serialize)]
struct Budget {
    kind: &'static str,
    name: String,
    spent: Spent,
    limits: Limits,
    reserved_nanos: i64,
    estimated_nanos: i64,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "fields of a document name their unit")]
struct Spent {
    total_nanos: i64,
    day_nanos: i64,
    month_nanos: i64,
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "fields of a document name their unit")]
struct Limits {
    total_nanos: Option<i64>,
    day_nanos: Option<i64>,
    month_nanos: Option<i64>,
}

impl Budget {
    fn of((key, account): &(BudgetKey, Account)) -> Self {
        Self {
            kind: key.kind.as_str(),
            name: key.name.to_string(),
            spent: Spent {
                total_nanos: account.spent.nanos(),
                day_nanos: account.spent_day.nanos(),
                month_nanos: account.spent_month.nanos(),
            },
            limits: Limits {
                total_nanos: account.limits.total.map(Money::nanos),
                day_nanos: account.limits.day.map(Money::nanos),
                month_nanos: account.limits.month.map(Money::nanos),
            },
            reserved_nanos: account.reserved.nanos(),
            estimated_nanos: account.estimated.nanos(),
        }
    }
}

#[derive(Serialize)]
struct Row {
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    calls: u64,
    /// Of these, answered from the cache.
    cached_calls: u64,
    usage: Usage,
    cost_nanos: i64,
    cost_usd: String,
}

impl Row {
    fn of(key: Option<String>, row: &CostRow) -> Self {
        Self {
            key,
            calls: row.calls,
            cached_calls: row.cached,
            usage: row.usage,
            cost_nanos: row.cost.nanos(),
            cost_usd: dollars(row.cost),
        }
    }
}

impl Cost {
    pub(crate) fn json(&self) -> bool {
        match &self.what {
            Some(What::Predict(predict)) => predict.json,
            None => self.json,
        }
    }

    pub(crate) fn perform(&self, global: &Global, screen: &mut Screen) -> Outcome {
        if let Some(What::Predict(predict)) = &self.what {
            return predict.perform(global, screen);
        }
        let (_, shared) = Shared::of_project(global, self.path.as_deref(), For::Reading)?;
        let (by, name) = match self.by {
            By::Agent => (CostBy::Agent, "agent"),
            By::Model => (CostBy::Model, "model"),
            By::Day => (CostBy::Day, "day"),
        };
        let rows = blocking(shared.journal.costs(&compose::scope(), by))??;
        let total = total(&rows)?;
        let budgets = blocking(shared.limited(&compose::scope()))??;
        if self.json {
            let document = Document {
                by: name,
                rows: rows.iter().map(|row| Row::of(Some(row.key.clone()), row)).collect(),
                total: Row::of(None, &total),
                budgets: budgets.iter().map(Budget::of).collect(),
            };
            screen.json(&document)?;
        } else if rows.is_empty() {
            screen.print("Nothing was spent: no model has been called yet.\n")?;
        } else {
            screen.print(&table(name, &rows, &total))?;
        }
        if !self.json && !budgets.is_empty() {
            screen.print(&format!("\n{}", budget_table(&budgets)))?;
        }
        Ok(exit::DONE)
    }
}

fn total(rows: &[CostRow]) -> Result<CostRow, LargestackError> {
    let start = CostRow {
        key: "total".to_owned(),
        calls: 0,
        usage: Usage::default(),
        cost: Money::ZERO,
        cached: 0,
    };
    rows.iter().try_fold(start, |sum, row| {
        let cost = sum.cost.checked_add(row.cost).map_err(|_| {
            LargestackError::other(Code::Budget, "the total of all costs is out of range")
        })?;
        let (calls, usage) = (sum.calls + row.calls, sum.usage.plus(row.usage));
        Ok(CostRow { key: sum.key, calls, usage, cost, cached: sum.cached + row.cached })
    })
}

fn table(by: &'static str, rows: &[CostRow], total: &CostRow) -> String {
    let mut table = Table::new(&[
        (by, Flush::Left),
        ("calls", Flush::Right),
        ("input", Flush::Right),
        ("output", Flush::Right),
        ("cached", Flush::Right),
        ("cost", Flush::Right),
    ]);
    let shown = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), grouped);
    for row in rows.iter().chain([total]) {
        let calls = match row.cached {
            0 => grouped(row.calls),
            some => format!("{} ({} from cache)", grouped(row.calls), grouped(some)),
        };
        table.row(vec![
            one_line(&row.key, 60),
            calls,
            shown(row.usage.input_tokens),
            shown(row.usage.output_tokens),
            shown(row.usage.cache_read_tokens),
            row.cost.to_string(),
        ]);
    }
    let last = rows.len();
    table.lines(|row, _, cell| if row == last { painted(STRONG, cell) } else { cell })
}

/// A row for each limit of each scope.
fn budget_table(budgets: &[(BudgetKey, Account)]) -> String {
    let mut table = Table::new(&[
        ("budget", Flush::Left),
        ("window", Flush::Left),
        ("spent", Flush::Right),
        ("reserved", Flush::Right),
        ("limit", Flush::Right),
    ]);
    for (key, account) in budgets {
        let windows = [
            ("in all", account.spent, account.limits.total),
            ("today", account.spent_day, account.limits.day),
            ("this month", account.spent_month, account.limits.month),
        ];
        for (window, spent, limit) in windows {
            let Some(limit) = limit else { continue };
            let mut spent = spent.to_string();
            if account.estimated > Money::ZERO {
                spent.push_str(" (partly estimated)");
            }
            table.row(vec![
                one_line(&key.to_string(), 60),
                window.to_owned(),
                spent,
                account.reserved.to_string(),
                limit.to_string(),
            ]);
        }
    }
    table.lines(|_, _, cell| cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_that_money_cannot_hold_is_an_error() {
        let row = |cost| CostRow {
            key: "m".into(),
            calls: 1,
            usage: Usage::default(),
            cost: Money::from_nanos(cost),
            cached: 0,
        };
        assert_eq!(total(&[row(2), row(3)]).unwrap().cost, Money::from_nanos(5));
        assert!(total(&[row(i64::MAX), row(1)]).is_err());
    }
}
