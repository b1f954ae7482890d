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
            self.line = self.line.saturating_add(1);
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
            self.line = self.line.saturating_add(1);
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
            self.line = self.line.saturating_add(1);
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
            Ok(line) if is_blank(line) => self.skipped = self.skipped.saturating_add(1),
            Ok(line) => each(self.line, Ok(line)),
            Err(error) => {
                let message = "this line is not UTF-8".to_owned();
                let column = error.valid_up_to().saturating_add(1);
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
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [0, 1..=0xFF, 0, 1..=0xFF, ..] | [1..=0xFF, 0, 1..=0xFF, 0, ..] => {
            Some("looks like UTF-16")
        }
        [0x1F, 0x8B, ..] => Some("looks like gzip"),
        [b'P', b'K', 3 | 5 | 7, 4 | 6 | 8, ..] => Some("looks like zip"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Seen = Vec<(u64, Result<String, SeedCode>)>;

    fn split(bytes: &[u8], cuts: &[usize]) -> (Seen, Counts) {
        let mut seen = Vec::new();
        let mut each =
            |number, line: Line<'_>| seen.push((number, line.map(str::to_owned).map_err(|error| error.code)));
        let mut splitter = LineSplitter::new();
        let mut begin = 0;
        for &cut in cuts {
            let end = cut.clamp(begin, bytes.len());
            splitter.feed(&bytes[begin..end], &mut each);
            begin = end;
        }
        splitter.feed(&bytes[begin..], &mut each);
        let counts = splitter.finish(&mut each);
        (seen, counts)
    }

    fn whole(bytes: &[u8]) -> Seen {
        split(bytes, &[]).0
    }

    fn fine(number: u64, line: &str) -> (u64, Result<String, SeedCode>) {
        (number, Ok(line.to_owned()))
    }

    #[test]
    fn line_breaks_of_both_kinds_a_mark_at_the_front_and_none_at_the_end() {
        assert_eq!(whole(b"one\r\ntwo\nthree"), [fine(1, "one"), fine(2, "two"), fine(3, "three")]);
        assert_eq!(whole(b"\xEF\xBB\xBFone\n"), [fine(1, "one")]);
        assert_eq!((whole(b""), whole(b"a")), (vec![], vec![fine(1, "a")]));
    }

    #[test]
    fn blank_lines_and_comments_are_skipped_and_counted() {
        let (seen, counts) = split(b"\n   \r\n# who, when\n  # too\none\n\n", &[]);
        assert_eq!((seen, counts), (vec![fine(5, "one")], Counts { lines: 6, skipped: 5 }));
    }

    #[test]
    fn a_line_that_is_not_utf8_is_named_and_the_rest_goes_on() {
        assert_eq!(whole(b"one\nt\xFFwo\nthree"), [fine(1, "one"), (2, Err(SeedCode::BadUtf8)), fine(3, "three")]);
    }

    #[test]
    fn a_line_of_4096_bytes_is_read_and_one_more_is_skipped_to_its_end() {
        let longest = "x".repeat(LINE_BYTES);
        assert_eq!(whole(format!("{longest}\r\nnext\n").as_bytes()), [fine(1, &longest), fine(2, "next")]);
        for end in ["", "\n", "\r\n"] {
            let seen = whole(format!("{longest}x{end}").as_bytes());
            assert_eq!(seen, [(1, Err(SeedCode::LineTooLong))], "{end:?}");
        }
        let huge = "y".repeat(1_000_000);
        assert_eq!(whole(format!("{huge}\nnext").as_bytes()), [(1, Err(SeedCode::LineTooLong)), fine(2, "next")]);
    }

    #[test]
    fn an_endless_line_takes_no_memory() {
        let mut splitter = LineSplitter::new();
        let mut errors = 0;
        for _ in 0..10_000 {
            splitter.feed(&[b'z'; 10_000], |_, line| errors += usize::from(line.is_err()));
        }
        assert_eq!(errors, 1);
        assert!(splitter.partial.capacity() <= 2 * (LINE_BYTES + 2));
    }

    #[test]
    fn what_is_no_text_is_told_apart_and_given_up() {
        for (bytes, hint) in [
            (b"\xFF\xFEu\0s\0\n\0".as_slice(), "UTF-16"),
            (b"\xFE\xFF\0u\0\n", "UTF-16"),
            (b"u\0s\0\n\0", "UTF-16"),
            (b"\x1F\x8B\x08\0\n\n", "gzip"),
            (b"PK\x03\x04\n\n", "zip"),
        ] {
            let mut messages = Vec::new();
            let mut splitter = LineSplitter::new();
            splitter.feed(bytes, |number, line| messages.push((number, line.unwrap_err().message)));
            splitter.finish(|_, _| panic!("nothing more is read"));
            assert_eq!((messages.len(), messages[0].0), (1, 1));
            assert!(messages[0].1.contains(hint), "{messages:?}");
        }
    }

    proptest! {
        #[test]
        fn however_the_bytes_are_cut_the_lines_are_the_same(
            pieces in proptest::collection::vec(prop_oneof![
                Just(b"\n".to_vec()), Just(b"\r\n".to_vec()), Just(b"\xEF\xBB\xBF".to_vec()), Just(b" # c".to_vec()),
                Just(b"\xFF".to_vec()), Just(vec![b'x'; LINE_BYTES - 1]), Just(vec![b'y'; LINE_BYTES]), "[a-z, \r]{0,6}".prop_map(String::into_bytes),
            ], 0..20),
            cuts in proptest::collection::vec(0_usize..20_000, 0..12),
        ) {
            let bytes = pieces.concat();
            let mut cuts = cuts;
            cuts.sort_unstable();
            let expected = split(&bytes, &[]);
            prop_assert_eq!(split(&bytes, &cuts), expected.clone());
            let everywhere: Vec<usize> = (0..bytes.len()).collect();
            prop_assert_eq!(split(&bytes, &everywhere), expected);
        }
    }
}
