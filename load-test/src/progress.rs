//! How far it is: a bar on a terminal, plain lines elsewhere. Always on standard error, so that the report stays clean.
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

const BAR: usize = 30;
/// Between two lines where there is no terminal.
const LINES_APART: Duration = Duration::from_secs(10);
/// Between two lines of a run that has no end.
const FOREVER_LINES_APART: Duration = Duration::from_secs(60);
const BARS_APART: Duration = Duration::from_millis(200);

/// Shows one thing's progress after the other.
#[derive(Debug)]
pub struct Progress {
    terminal: bool,
    shown: Option<Instant>,
    open_line: bool,
}

impl Progress {
    /// On standard error, as it is.
    #[must_use]
    pub fn new() -> Self {
        Self { terminal: std::io::stderr().is_terminal(), shown: None, open_line: false }
    }

    /// One that has nothing to show for its first seconds: tests are over by then.
    #[cfg(test)]
    pub fn quiet() -> Self {
        Self { terminal: false, shown: Some(Instant::now()), open_line: false }
    }

    /// Shows a state if it is time to. `done` of `all`; `all` is 0 when there is no end.
    pub fn show(&mut self, what: &str, done: u64, all: u64, note: &str) {
        if !self.is_due(all) {
            return;
        }
        self.shown = Some(Instant::now());
        let text = line(what, done, all, note, self.terminal);
        // Progress that cannot be shown is no reason to stop.
        let _ = if self.terminal {
            self.open_line = true;
            write!(std::io::stderr(), "\r\x1b[2K{text}").and_then(|()| std::io::stderr().flush())
        } else {
            writeln!(std::io::stderr(), "{text}")
        };
    }

    /// Shows the state of something without an end; the words are made only when they are shown.
    pub fn show_with(&mut self, what: &str, note: impl FnOnce() -> String) {
        if self.is_due(0) {
            self.show(what, 0, 0, &note());
        }
    }

    fn is_due(&self, all: u64) -> bool {
        let apart = match (self.terminal, all) {
            (true, _) => BARS_APART,
            (false, 0) => FOREVER_LINES_APART,
            (false, _) => LINES_APART,
        };
        self.shown.is_none_or(|shown| shown.elapsed() >= apart)
    }

    /// Says something once, on a line of its own.
    pub fn say(&mut self, text: &str) {
        let clear = if self.open_line { "\r\x1b[2K" } else { "" };
        let _ = writeln!(std::io::stderr(), "{clear}{text}");
        self.open_line = false;
        self.shown = None;
    }
}

fn line(what: &str, done: u64, all: u64, note: &str, with_bar: bool) -> String {
    if all == 0 {
        return format!("{what}: {note}");
    }
    let done = done.min(all);
    if !with_bar {
        return format!("{what}: {done} of {all} {note}");
    }
    let filled = usize::try_from(done * BAR as u64 / all).unwrap_or(0);
    format!("{what} [{}{}] {done}/{all} {note}", "#".repeat(filled), ".".repeat(BAR - filled))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_a_bar_and_a_file_gets_words() {
        let bar = line("walking", 15, 30, "s", true);
        assert_eq!(bar, format!("walking [{}{}] 15/30 s", "#".repeat(15), ".".repeat(15)));
        assert_eq!(line("walking", 15, 30, "s", false), "walking: 15 of 30 s");
        assert_eq!(line("walking", 15, 0, "300 online", true), "walking: 300 online");
        assert!(line("walking", 99, 30, "s", true).contains("30/30"));
    }
}
