//! Tables for people: a header, and columns as wide as what is in them.

use super::terminal::{Paint, plain};

pub(super) struct Table {
    columns: &'static [Column],
    rows: Vec<Vec<Cell>>,
}

/// A column's title, and on which side its cells stand.
pub(super) enum Column {
    Left(&'static str),
    /// For numbers.
    Right(&'static str),
}

pub(super) struct Cell {
    text: String,
    paint: Option<Paint>,
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self {
            text: plain(text.as_ref()),
            paint: None,
        }
    }
}

impl Cell {
    pub fn painted(text: impl AsRef<str>, paint: Option<Paint>) -> Self {
        Self {
            paint,
            ..Self::from(text)
        }
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

impl Column {
    fn title(&self) -> &'static str {
        match self {
            Self::Left(title) | Self::Right(title) => title,
        }
    }
}

impl Table {
    pub fn new(columns: &'static [Column]) -> Self {
        Self {
            columns,
            rows: Vec::new(),
        }
    }

    /// A row has a cell for every column.
    pub fn push<const N: usize>(&mut self, cells: [Cell; N]) {
        debug_assert_eq!(N, self.columns.len());
        self.rows.push(cells.into());
    }

    /// Ends with a line break.
    pub fn render(&self, colour: bool) -> String {
        let titles = self.columns.iter().map(Column::title);
        let header: Vec<Cell> = titles
            .map(|title| Cell::painted(title, Some(Paint::Bold)))
            .collect();
        let rows = || std::iter::once(&header).chain(&self.rows);
        let widest = |column: usize| rows().map(|row| row[column].width()).max();
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|column| widest(column).unwrap_or(0))
            .collect();
        rows()
            .map(|row| self.line(row, &widths, colour) + "\n")
            .collect()
    }

    fn line(&self, row: &[Cell], widths: &[usize], colour: bool) -> String {
        let (mut line, mut gap) = (String::new(), 0);
        for ((cell, column), width) in row.iter().zip(self.columns).zip(widths) {
            let room = width - cell.width();
            let (before, after) = match column {
                Column::Left(_) => (0, room),
                Column::Right(_) => (room, 0),
            };
            if !cell.text.is_empty() {
                // Spaces wait for what follows them, so that no line ends in any.
                line.extend(std::iter::repeat_n(' ', gap + before));
                line += &match cell.paint.filter(|_| colour) {
                    Some(paint) => paint.on(&cell.text),
                    None => cell.text.clone(),
                };
                gap = 0;
            } else {
                gap += before;
            }
            gap += after + 2;
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&[
            Column::Left("NAME"),
            Column::Right("WEIGHT"),
            Column::Left("STATE"),
            Column::Left("WHY"),
        ]);
        table.push(["a".into(), "95%".into(), "ok".into(), "".into()]);
        table.push([
            "longer-name".into(),
            "5%".into(),
            Cell::painted("bad", Some(Paint::Red)),
            "a\u{1b}[0mb\nc".into(),
        ]);
        table.push(["".into(), "".into(), "".into(), "x".into()]);
        table
    }

    #[test]
    fn columns_stand_below_each_other() {
        let expected = "\
NAME         WEIGHT  STATE  WHY
a               95%  ok
longer-name      5%  bad    a[0mb c
                            x
";
        assert_eq!(table().render(false), expected);
    }

    #[test]
    fn colour_does_not_move_columns() {
        let shown = table().render(true);
        assert!(
            shown.contains("\u{1b}[31mbad\u{1b}[0m    a[0mb"),
            "{shown:?}"
        );
        assert!(
            shown.starts_with("\u{1b}[1mNAME\u{1b}[0m         "),
            "{shown:?}"
        );
    }
}
