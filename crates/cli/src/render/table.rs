//! Columns.

/// On which side a column is flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flush {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A table of plain cells under headings.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<(&'static str, Flush)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns.
    pub(crate) fn new(columns: &[(&'static str, Flush)]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row: a cell for each column.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The lines, headings first. `paint` styles the padded cell of a row and column.
    pub(crate) fn lines(&self, paint: impl Fn(usize, usize, String) -> String) -> String {
        let width = |column: usize, heading: &str| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).chain([heading.chars().count()]).max()
        };
        let widths: Vec<usize> = (self.columns.iter().enumerate())
            .map(|(column, (heading, _))| width(column, heading).unwrap_or(0))
            .collect();
        let mut text = String::new();
        let headings = self.columns.iter().map(|(heading, _)| (*heading).to_owned());
        let heading = self.line(&headings.collect::<Vec<_>>(), &widths, |_, cell| {
            super::style::painted(super::style::FAINT, cell)
        });
        text.push_str(&heading);
        for (number, row) in self.rows.iter().enumerate() {
            text.push_str(&self.line(row, &widths, |column, cell| paint(number, column, cell)));
        }
        text
    }

    fn line(
        &self,
        cells: &[String],
        widths: &[usize],
        paint: impl Fn(usize, String) -> String,
    ) -> String {
        let last = cells.len().saturating_sub(1);
        let mut line = String::new();
        let columns = cells.iter().zip(&self.columns).zip(widths);
        for (column, ((cell, (_, flush)), width)) in columns.enumerate() {
            let cell = match flush {
                // Nothing is padded at the end of a line.
                Flush::Left if column == last => cell.clone(),
                Flush::Left => format!("{cell:<width$}"),
                Flush::Right => format!("{cell:>width$}"),
            };
            line.push_str(&paint(column, cell));
            if column != last {
                line.push_str("  ");
            }
        }
        line.push('\n');
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table =
            Table::new(&[("name", Flush::Left), ("n", Flush::Right), ("", Flush::Left)]);
        table.row(vec!["a".into(), "1,000".into(), "x".into()]);
        table.row(vec!["longer".into(), "2".into(), String::new()]);
        let lines = table.lines(|_, _, cell| cell);
        let lines: Vec<&str> = lines.lines().skip(1).collect();
        assert_eq!(lines, ["a       1,000  x", "longer      2  "]);
    }
}
