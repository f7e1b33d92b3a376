use std::fmt;

/// The one table that a run prints.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<[String; 7]>,
}

const HEAD: [&str; 7] = ["what", "ours", "reference", "ratio", "p50 / p99 ms", "reference p50 / p99", "expected"];

impl Table {
    /// Without rows.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a row, and shows it at once: a run takes minutes.
    pub(crate) fn add(&mut self, row: [String; 7]) {
        eprintln!("{}", row.join(" | "));
        self.rows.push(row);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            self.rows.iter().map(|row| row[column].chars().count()).chain([HEAD[column].len()]).max().unwrap_or(0)
        };
        let line = |f: &mut fmt::Formatter<'_>, cells: &[String; 7]| {
            for (column, cell) in cells.iter().enumerate() {
                write!(f, "| {cell:<wide$} ", wide = width(column))?;
            }
            writeln!(f, "|")
        };
        line(f, &HEAD.map(str::to_owned))?;
        line(f, &std::array::from_fn(|column| "-".repeat(width(column))))?;
        self.rows.iter().try_for_each(|row| line(f, row))
    }
}

/// The median of what rounds gave, or why there is none.
pub(crate) fn median(mut of_rounds: Vec<f64>) -> Option<f64> {
    of_rounds.sort_by(f64::total_cmp);
    of_rounds.get(of_rounds.len() / 2).copied()
}
