//! [`Table`]: columns as wide as they need to be.

use super::words::plain;

/// Rows of cells, and lines between them.
#[derive(Debug)]
pub(crate) struct Table {
    head: Vec<String>,
    rows: Vec<Row>,
}

#[derive(Debug)]
enum Row {
    Cells(Vec<String>),
    Line(String),
}

impl Table {
    pub(crate) fn new<const N: usize>(head: [&str; N]) -> Self {
        Self { head: head.map(str::to_owned).into(), rows: Vec::new() }
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [&str; N]) {
        self.rows.push(Row::Cells(cells.map(plain).into()));
    }

    /// A line of its own below the last row.
    pub(crate) fn line(&mut self, text: &str) {
        self.rows.push(Row::Line(plain(text)));
    }

    /// The lines, the head first; each with the row it shows, if it shows one.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut widths: Vec<usize> = self.head.iter().map(|cell| cell.chars().count()).collect();
        for row in &self.rows {
            let Row::Cells(cells) = row else { continue };
            for (width, cell) in widths.iter_mut().zip(cells) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let line = |cells: &[String]| {
            let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        let mut lines = vec![line(&self.head)];
        lines.extend(self.rows.iter().map(|row| match row {
            Row::Cells(cells) => line(cells),
            Row::Line(text) => format!("  {text}"),
        }));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(["A", "B"]);
        table.row(["long é", "x"]);
        table.line("why");
        table.row(["s", "\x1b[2J"]);
        assert_eq!(table.lines(), ["A       B", "long é  x", "  why", "s       \u{fffd}[2J"]);
    }
}
