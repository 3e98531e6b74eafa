//! The list of runs.

use super::amount::{grouped, moment};
use super::style::{FAINT, STRONG, of_status, painted};
use super::table::{Flush, Table};
use super::text::one_line;
use crate::standing::Standing;

/// Characters of a question in the list.
const QUESTION: usize = 60;

/// The runs as a table, one a line.
pub(crate) fn list(runs: &[Standing]) -> String {
    let mut table = Table::new(&[
        ("run", Flush::Left),
        ("started (UTC)", Flush::Left),
        ("agent", Flush::Left),
        ("status", Flush::Left),
        ("turns", Flush::Right),
        ("tokens", Flush::Right),
        ("cost", Flush::Right),
        ("question", Flush::Left),
    ]);
    for standing in runs {
        let run = &standing.run;
        table.row(vec![
            run.run.to_string(),
            moment(run.started),
            one_line(&run.agent, 24),
            standing.word().to_owned(),
            run.turns.to_string(),
            grouped(run.usage.total_tokens()),
            run.cost.to_string(),
            one_line(&run.input, QUESTION),
        ]);
    }
    table.lines(|row, column, cell| match (column, runs.get(row)) {
        (0, _) => painted(STRONG, cell),
        (1, _) => painted(FAINT, cell),
        (3, Some(run)) => painted(of_status(run.run.status), cell),
        _ => cell,
    })
}
