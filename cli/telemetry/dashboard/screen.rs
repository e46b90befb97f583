//! Where things stand on the screen.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Widget};

use super::history::COLUMN;
use super::palette::Palette;
use super::{Board, list, panel};

/// How the tiles are arranged in an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Panels in so many columns, each so many rows high.
    Panels { columns: u16, rows: u16 },
    /// One line each.
    List,
}

impl Form {
    /// Panels if all fit, in as few columns as that takes; else a list.
    fn of(area: Rect, tiles: usize) -> Self {
        let tiles = u16::try_from(tiles.max(1)).unwrap_or(u16::MAX);
        for columns in 1..=(area.width / panel::LEAST.0).max(1) {
            let rows = area.height / tiles.div_ceil(columns);
            if rows >= panel::LEAST.1 && area.width / columns >= panel::LEAST.0 {
                return Self::Panels { columns, rows: rows.min(panel::MOST_ROWS) };
            }
        }
        Self::List
    }
}

/// Draws the board into an area of any size.
pub fn draw(board: &Board, palette: Palette, area: Rect, buffer: &mut Buffer) {
    let [head, body, foot] = parts(area);
    Paragraph::new(heading(board, usize::from(head.width), palette)).render(head, buffer);
    match Form::of(body, board.tiles.len()) {
        Form::Panels { columns, rows } => panels(board, palette, (columns, rows), body, buffer),
        Form::List => lines(board, palette, body, buffer),
    }
    Paragraph::new(footing(board, body, palette)).render(foot, buffer);
}

/// Devices that a page of this area holds, and thus how far a page scrolls.
#[must_use]
pub fn page(board: &Board, area: Rect) -> usize {
    let [_, body, _] = parts(area);
    match Form::of(body, board.tiles.len()) {
        Form::Panels { .. } => board.tiles.len(),
        Form::List => usize::from(body.height.saturating_sub(1)),
    }
}

/// Head, body and foot; small screens have no foot, the smallest no head.
fn parts(area: Rect) -> [Rect; 3] {
    let head = u16::from(area.height >= 3);
    let foot = u16::from(area.height >= 8);
    Layout::vertical([Constraint::Length(head), Constraint::Fill(1), Constraint::Length(foot)]).areas(area)
}

fn panels(board: &Board, palette: Palette, (columns, rows): (u16, u16), area: Rect, buffer: &mut Buffer) {
    for (tile, at) in board.tiles.iter().zip(0..) {
        let (column, row) = (at % columns, at / columns);
        // Widths that do not divide leave no gap at the right.
        let edge = |column: u16| area.x + (u32::from(area.width) * u32::from(column) / u32::from(columns)) as u16;
        let place = Rect::new(edge(column), area.y + row * rows, edge(column + 1) - edge(column), rows);
        panel::draw(tile, board.now, palette, place.intersection(area), buffer);
    }
}

fn lines(board: &Board, palette: Palette, area: Rect, buffer: &mut Buffer) {
    let width = usize::from(area.width);
    let room = usize::from(area.height.saturating_sub(1));
    let first = board.scrolled.min(board.tiles.len().saturating_sub(room));
    let mut lines = vec![list::headings(width, palette)];
    lines.extend(board.tiles.iter().skip(first).take(room).map(|tile| list::row(tile, board.now, width, palette)));
    Paragraph::new(lines).render(area, buffer);
}

fn heading(board: &Board, width: usize, palette: Palette) -> Line<'static> {
    let mut spans = vec![Span::styled(" isotherm ", palette.title())];
    if let Some(trouble) = &board.trouble {
        spans.push(Span::styled(format!(" {trouble}"), palette.alarm()));
        return Line::from(spans);
    }
    let number = board.tiles.len();
    let mut facts = vec![board.source.clone(), if number == 1 { "1 GPU".to_owned() } else { format!("{number} GPUs") }];
    if let Some((watts, limit)) = board.power() {
        facts.push(if limit > 0.0 { format!("{watts:.0} W of {limit:.0} W") } else { format!("{watts:.0} W") });
    }
    facts.extend(board.hottest().map(|celsius| format!("hottest {celsius} degC")));
    let clock = time_of_day(board.now);
    for fact in facts {
        spans.push(Span::styled(" │ ", palette.quiet()));
        spans.push(Span::raw(fact));
    }
    let used: usize = spans.iter().map(Span::width).sum();
    if width > used + clock.len() {
        spans.push(Span::raw(" ".repeat(width - used - clock.len() - 1)));
        spans.push(Span::styled(clock, palette.quiet()));
    }
    Line::from(spans)
}

fn footing(board: &Board, body: Rect, palette: Palette) -> Line<'static> {
    let mut text = " q quit".to_owned();
    let room = usize::from(body.height.saturating_sub(1));
    let is_list = Form::of(body, board.tiles.len()) == Form::List;
    if is_list && board.tiles.len() > room {
        let first = board.scrolled.min(board.tiles.len() - room);
        text += &format!("   ↑ ↓ scroll: GPUs {} to {} of {}", first + 1, first + room, board.tiles.len());
    }
    text += &format!("   a column is the mean of {COLUMN} s");
    Line::styled(text, palette.quiet())
}

/// Time of day in UTC: recordings and logs have no other.
fn time_of_day(now: i64) -> String {
    let seconds = now.div_euclid(1_000_000_000).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02} UTC", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_where_they_fit_and_a_list_where_not() {
        let form = |width, height, tiles| Form::of(Rect::new(0, 0, width, height), tiles);
        assert_eq!(form(80, 22, 2), Form::Panels { columns: 1, rows: 11 });
        assert_eq!(form(120, 38, 8), Form::Panels { columns: 2, rows: 9 });
        assert_eq!(form(80, 22, 8), Form::List);
        assert_eq!(form(20, 4, 1), Form::List);
        assert_eq!(form(0, 0, 0), Form::List);
        assert_eq!(form(500, 200, 1), Form::Panels { columns: 1, rows: panel::MOST_ROWS });
    }
}
