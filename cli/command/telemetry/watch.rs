//! `isotherm telemetry watch`: the dashboard on a terminal.

use std::io::IsTerminal;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use isotherm_recording::meter::unix_nanos;
use isotherm_recording::{Meter, MeterError, Reading};
use ratatui::DefaultTerminal;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::layout::Rect;

use crate::args::TelemetryWatch;
use crate::exit::{self, Code};
use crate::fault::Fault;
use crate::telemetry::dashboard::{Board, Palette, draw, page};
use crate::telemetry::{Pace, Stop, open};

/// Longest time between two frames.
const FRAME: Duration = Duration::from_millis(250);

/// Shows the dashboard until it is left, or prints one frame of it.
pub(super) fn run(options: &TelemetryWatch) -> Result<Code, Fault> {
    if !options.once && !(std::io::stdout().is_terminal() && std::io::stdin().is_terminal()) {
        return Err(Fault::Usage(
            "`telemetry watch` draws on a terminal, and this is none\n  = help: --once prints one frame as text; `telemetry record` is for files".to_owned(),
        ));
    }
    let meter = open(&options.meter)?;
    let board = Board::new(meter.source(), meter.devices());
    if options.once {
        return once(meter, board);
    }
    let polls = poll_beside(meter, Duration::from_secs_f64(1.0 / options.rate));
    let stop = Stop::on_signals();
    let mut terminal = ratatui::try_init().map_err(terminal_fault)?;
    let outcome = show(&mut terminal, board, &polls, &stop);
    ratatui::restore();
    outcome.map_err(terminal_fault)?;
    Ok(exit::SUCCESS)
}

fn terminal_fault(error: std::io::Error) -> Fault {
    Fault::Usage(format!("the terminal cannot be drawn on: {error}\n  = help: --once prints one frame as text"))
}

/// What a poll gave.
type Poll = Result<Vec<Reading>, MeterError>;

/// Polls in a thread of its own: a source that is slow to answer must not keep anybody from leaving.
fn poll_beside(mut meter: Box<dyn Meter>, period: Duration) -> Receiver<Poll> {
    let (sender, receiver): (SyncSender<Poll>, _) = sync_channel(64);
    std::thread::spawn(move || {
        let started = Instant::now();
        let mut pace = Pace::new(period);
        loop {
            let mut readings = Vec::new();
            let poll = meter.read(&mut readings).map(|()| readings);
            // A terminal that takes no frames for a while misses polls; memory does not grow.
            if let Err(TrySendError::Disconnected(_)) = sender.try_send(poll) {
                return;
            }
            let due = started + pace.following(started.elapsed());
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
    });
    receiver
}

fn show(terminal: &mut DefaultTerminal, mut board: Board, polls: &Receiver<Poll>, stop: &Stop) -> std::io::Result<()> {
    let palette = Palette::of_environment();
    while !stop.is_set() {
        for poll in polls.try_iter() {
            take(&mut board, poll);
        }
        board.at(unix_nanos());
        let mut area = Rect::ZERO;
        terminal.draw(|frame| {
            area = frame.area();
            draw(&board, palette, area, frame.buffer_mut());
        })?;
        let next = Instant::now() + FRAME;
        while event::poll(next.saturating_duration_since(Instant::now()))? {
            match event::read()? {
                Event::Key(key) if key.kind != KeyEventKind::Release => {
                    if leaves(key) {
                        return Ok(());
                    }
                    scroll(&mut board, key.code, area);
                    break;
                }
                Event::Resize(..) => break,
                _ => {}
            }
        }
    }
    Ok(())
}

fn take(board: &mut Board, poll: Poll) {
    match poll {
        Ok(readings) => board.take(&readings),
        Err(error) => board.fail(error.to_string()),
    }
}

fn leaves(key: KeyEvent) -> bool {
    let interrupts = key.modifiers.contains(KeyModifiers::CONTROL) && matches!(key.code, KeyCode::Char('c' | 'd'));
    interrupts || matches!(key.code, KeyCode::Esc | KeyCode::Char('q' | 'Q'))
}

fn scroll(board: &mut Board, key: KeyCode, area: Rect) {
    let page = page(board, area);
    let last = board.devices().saturating_sub(page);
    let at = board.scrolled.min(last);
    board.scrolled = match key {
        KeyCode::Down | KeyCode::Char('j') => at + 1,
        KeyCode::Up | KeyCode::Char('k') => at.saturating_sub(1),
        KeyCode::PageDown | KeyCode::Char(' ') => at + page,
        KeyCode::PageUp => at.saturating_sub(page),
        KeyCode::Home | KeyCode::Char('g') => 0,
        KeyCode::End | KeyCode::Char('G') => last,
        _ => at,
    }
    .min(last);
}

/// One frame as plain text, as wide as the terminal, else 80.
fn once(mut meter: Box<dyn Meter>, mut board: Board) -> Result<Code, Fault> {
    let mut readings = Vec::new();
    meter.read(&mut readings).map_err(|error| Fault::Unavailable(error.to_string()))?;
    board.take(&readings);
    board.at(unix_nanos());
    let (width, height) = ratatui::crossterm::terminal::size().unwrap_or((80, 24));
    let area = Rect::new(0, 0, width.clamp(20, 400), height.clamp(5, 400));
    let mut buffer = Buffer::empty(area);
    draw(&board, Palette::new(false), area, &mut buffer);
    let mut text = String::new();
    for row in area.rows() {
        let line: String = row.columns().map(|cell| buffer[cell.as_position()].symbol()).collect();
        text += line.trim_end();
        text.push('\n');
    }
    crate::command::print(&text)?;
    Ok(exit::SUCCESS)
}
