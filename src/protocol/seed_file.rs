//! Lines out of bytes as they arrive: for files and streamed bodies of seed lines, in bounded memory.
use super::seed_line::{SeedCode, SeedError};

/// The longest line, bytes without its line break.
pub const LINE_BYTES: usize = 4_096;
/// How many bytes tell a text from what merely ends in `.csv`.
const HEAD_BYTES: usize = 4;

/// Splits bytes into lines of UTF-8, however they are cut into chunks. A byte order mark at the beginning and `\r` before
/// `\n` are dropped; empty lines, lines of spaces and `# comments` are skipped and counted.
#[derive(Clone, Debug, Default)]
pub struct LineSplitter {
    /// The beginning of a line whose end has not arrived.
    partial: Vec<u8>,
    /// The first bytes of the whole, until there are enough to judge.
    head: Vec<u8>,
    begun: bool,
    /// In the rest of a line that was too long.
    skipping: bool,
    /// The bytes are no text at all: nothing more is read.
    hopeless: bool,
    line: u64,
    skipped: u64,
}

/// A line that holds something, or why it could not be read.
pub type Line<'a> = Result<&'a str, SeedError>;

impl LineSplitter {
    /// A splitter at the beginning of a file.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many lines were empty or comments.
    #[must_use]
    pub const fn skipped(&self) -> u64 {
        self.skipped
    }

    /// The number of the newest line begun, from 1; 0 before the first.
    #[must_use]
    pub const fn line(&self) -> u64 {
        self.line
    }

    /// Takes the next bytes and hands every line that is complete to `each`, with its number from 1.
    pub fn feed(&mut self, bytes: &[u8], mut each: impl FnMut(u64, Line<'_>)) {
        if self.begun {
            self.split(bytes, &mut each);
            return;
        }
        self.head.extend_from_slice(bytes);
        if self.head.len() >= HEAD_BYTES {
            self.begin(&mut each);
        }
    }

    /// Says that nothing more comes: hands out the last line if it had no line break.
    pub fn finish(mut self, mut each: impl FnMut(u64, Line<'_>)) -> Counts {
        if !self.begun {
            self.begin(&mut each);
        }
        if !self.partial.is_empty() {
            let last = std::mem::take(&mut self.partial);
            self.line += 1;
            self.judge(&last, &mut each);
        }
        Counts { lines: self.line, skipped: self.skipped }
    }

    fn begin(&mut self, each: &mut impl FnMut(u64, Line<'_>)) {
        self.begun = true;
        let head = std::mem::take(&mut self.head);
        if let Some(hint) = no_text(&head) {
            self.hopeless = true;
            self.line = 1;
            let message = format!("this is not text in UTF-8: it {hint}");
            each(1, Err(SeedError { column: 1, code: SeedCode::BadUtf8, field: None, message }));
            return;
        }
        self.split(head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&head), each);
    }

    fn split(&mut self, bytes: &[u8], each: &mut impl FnMut(u64, Line<'_>)) {
        if self.hopeless {
            return;
        }
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            let (line, tail) = rest.split_at(end);
            rest = tail.get(1..).unwrap_or_default();
            if std::mem::take(&mut self.skipping) {
                continue;
            }
            self.line += 1;
            if self.partial.is_empty() {
                self.judge(line, each);
            } else {
                let mut whole = std::mem::take(&mut self.partial);
                whole.extend_from_slice(line.get(..line.len().min(LINE_BYTES + 2)).unwrap_or_default());
                self.judge(&whole, each);
                whole.clear();
                self.partial = whole;
            }
        }
        if self.skipping {
            return;
        }
        // One byte more than a line may have, and its `\r`: enough to know that it is too long.
        let room = (LINE_BYTES + 2).saturating_sub(self.partial.len());
        self.partial.extend_from_slice(rest.get(..rest.len().min(room)).unwrap_or_default());
        if self.partial.len() > LINE_BYTES + 1 {
            self.partial.clear();
            self.skipping = true;
            self.line += 1;
            each(self.line, Err(too_long()));
        }
    }

    fn judge(&mut self, bytes: &[u8], each: &mut impl FnMut(u64, Line<'_>)) {
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        if bytes.len() > LINE_BYTES {
            each(self.line, Err(too_long()));
            return;
        }
        match std::str::from_utf8(bytes) {
            Ok(line) if is_blank(line) => self.skipped += 1,
            Ok(line) => each(self.line, Ok(line)),
            Err(error) => {
                let message = "this line is not UTF-8".to_owned();
                let column = error.valid_up_to() + 1;
                each(self.line, Err(SeedError { column, code: SeedCode::BadUtf8, field: None, message }));
            }
        }
    }
}

/// What a splitter has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Lines, of every kind.
    pub lines: u64,
    /// Of these, empty or comments.
    pub skipped: u64,
}

fn is_blank(line: &str) -> bool {
    let line = line.trim_matches([' ', '\t']);
    line.is_empty() || line.starts_with('#')
}

fn too_long() -> SeedError {
    let message = format!("a line must have at most {LINE_BYTES} bytes");
    SeedError { column: LINE_BYTES + 1, code: SeedCode::LineTooLong, field: None, message }
}

/// Says what a file is that is no UTF-8 text, from its first bytes.
#[must_use]
pub fn no_text(head: &[u8]) -> Option<&'static str> {
    match head {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [0, 1..=0xFF, 0, 1..=0xFF] | [1..=0xFF, 0, 1..=0xFF, 0] => {
            Some("looks like UTF-16")
        }
        [0x1F, 0x8B, ..] => Some("looks like gzip"),
        [b'P', b'K', 3 | 5 | 7, 4 | 6 | 8] => Some("looks like zip"),
        _ => None,
    }
}
