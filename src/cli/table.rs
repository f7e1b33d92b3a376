use comfy_table::{Cell, Color, ColumnConstraint, ContentArrangement, Table as Drawn, Width, presets};

use super::screen::{Look, colour_of};
use super::words::plain;

/// Blanks between two columns.
const GAP: u16 = 2;
/// A column that may be cut off keeps at least this much.
const LEAST: u16 = 12;

/// Rows under headings, aligned. On a terminal the last column gives way where there is no room.
pub(super) struct Table {
    drawn: Drawn,
    colour: bool,
    wraps: bool,
}

/// One cell; states are coloured by their word.
pub(super) enum Column<'t> {
    /// Text from anywhere.
    Text(&'t str),
    /// A word that says how things stand.
    State(&'t str),
    /// A figure or an age: to the right.
    Figure(String),
}

impl Table {
    /// A table with these headings.
    pub(super) fn of(headings: &[&str], look: &Look) -> Self {
        let mut drawn = Drawn::new();
        drawn.load_style(presets::NOTHING);
        drawn.set_header(
            headings.iter().map(|heading| coloured(Cell::new(heading), look.colour, Some(Color::DarkGrey))),
        );
        match look.width {
            Some(width) => drawn.set_content_arrangement(ContentArrangement::Dynamic).set_width(width),
            None => drawn.set_content_arrangement(ContentArrangement::Disabled),
        };
        if look.colour {
            drawn.enforce_styling()
        } else {
            drawn.force_no_tty()
        };
        Self { drawn, colour: look.colour, wraps: false }
    }

    /// The last column goes on in the next line where there is no room, instead of being cut off: for what has to be read
    /// to its end.
    pub(super) fn wrapping(self) -> Self {
        Self { wraps: true, ..self }
    }

    /// Adds a row.
    pub(super) fn row(&mut self, columns: &[Column<'_>]) {
        let mut row = comfy_table::Row::new();
        for column in columns {
            row.add_cell(match column {
                Column::Text(text) => Cell::new(plain(text)),
                Column::State(word) => coloured(Cell::new(plain(word)), self.colour, colour_of(word)),
                Column::Figure(figure) => Cell::new(figure).set_alignment(comfy_table::CellAlignment::Right),
            });
        }
        if !self.wraps {
            row.max_height(1);
        }
        self.drawn.add_row(row);
    }

    /// The lines, without blanks at their ends.
    pub(super) fn text(mut self) -> String {
        let last = self.drawn.column_count().saturating_sub(1);
        for (index, column) in self.drawn.column_iter_mut().enumerate() {
            column.set_padding((0, if index == last { 0 } else { GAP }));
            column.set_constraint(if index == last {
                ColumnConstraint::LowerBoundary(Width::Fixed(LEAST))
            } else {
                ColumnConstraint::ContentWidth
            });
        }
        self.drawn.trim_fmt()
    }
}

fn coloured(cell: Cell, colour: bool, with: Option<Color>) -> Cell {
    match with.filter(|_| colour) {
        Some(with) => cell.fg(with),
        None => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::super::screen::tests::look;
    use super::*;

    fn drawn(look: &Look) -> String {
        let mut table = Table::of(&["ISSUE", "STATE", "AGE", "TITLE"], look);
        table.row(&[
            Column::Text("acme/web#4"),
            Column::State("queued"),
            Column::Figure("3h".into()),
            Column::Text("Mend the door of the shed"),
        ]);
        table.row(&[
            Column::Text("a/b#17"),
            Column::State("escalated"),
            Column::Figure("12d".into()),
            Column::Text("日本\u{1b}[2J\nx"),
        ]);
        table.text()
    }

    #[test]
    fn columns_are_aligned_and_nothing_is_cut_off_where_nobody_looks() {
        assert_eq!(
            drawn(&look(None)),
            "ISSUE       STATE      AGE  TITLE\n\
             acme/web#4  queued      3h  Mend the door of the shed\n\
             a/b#17      escalated  12d  日本\u{fffd}[2J\u{fffd}x"
        );
    }

    #[test]
    fn on_a_terminal_the_last_column_gives_way_and_every_row_stays_one_line() {
        let text = drawn(&look(Some(44)));
        assert_eq!(
            text,
            "ISSUE       STATE      AGE  TITLE\n\
             acme/web#4  queued      3h  Mend the door o…\n\
             a/b#17      escalated  12d  日本\u{fffd}[2J\u{fffd}x"
        );
    }

    #[test]
    fn what_has_to_be_read_whole_goes_on_in_the_next_line() {
        let mut table = Table::of(&["V", "WHY"], &look(Some(24))).wrapping();
        table.row(&[Column::Figure("1".into()), Column::Text("two strikes: the build never ends")]);
        assert_eq!(table.text(), "V  WHY\n1  two strikes: the\n   build never ends");
    }

    #[test]
    fn states_are_coloured_on_a_terminal_alone() {
        assert!(!drawn(&look(Some(80))).contains('\u{1b}'));
        let text = drawn(&Look { colour: true, ..look(Some(80)) });
        assert!(text.contains("\u{1b}[38;5;9mescalated"), "{text:?}");
    }
}
