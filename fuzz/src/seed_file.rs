//! A file of seed lines as it arrives. The first two bytes choose where it is cut.
use letshang::protocol::seed_file::{Counts, LINE_BYTES, LineSplitter};
use letshang::protocol::seed_line::{SeedCode, SeedError};

use super::oracle::{cuts, is_short, pieces};
use super::seed_lines;

/// More than this is not read a byte at a time too.
const SHORT: usize = 1_024;

/// However the bytes are cut, it is the same lines; they are all accounted for; and each is a seed line or is refused.
pub fn hold(input: &[u8]) {
    let Some((seed, file)) = input.split_first_chunk::<2>() else { return };
    let (lines, counts) = split([file]);
    let mut ways = vec![cuts(u16::from_le_bytes(*seed), file.len())];
    if file.len() <= SHORT {
        ways.push((1..file.len()).collect());
    }
    for ends in ways {
        assert_eq!(split(pieces(file, &ends)), (lines.clone(), counts), "cut at {ends:?}");
    }
    assert!(lines.windows(2).all(|pair| pair[0].0 < pair[1].0), "numbers rise");
    assert!(lines.iter().all(|(number, _)| (1..=counts.lines).contains(number)));
    assert_eq!(lines.len() as u64 + counts.skipped, counts.lines, "no line is lost");
    for (_, line) in &lines {
        match line {
            Ok(line) => {
                assert!(!line.contains('\n') && line.len() <= LINE_BYTES && !line.is_empty(), "{line:?}");
                seed_lines::hold_line(line);
            }
            Err(error) => {
                assert!(matches!(error.code, SeedCode::BadUtf8 | SeedCode::LineTooLong));
                is_short(&error.to_string(), file);
            }
        }
    }
}

type Lines = Vec<(u64, Result<String, SeedError>)>;

fn split<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Lines, Counts) {
    let mut lines = Vec::new();
    let mut splitter = LineSplitter::new();
    let mut keep = |number, line: Result<&str, SeedError>| lines.push((number, line.map(str::to_owned)));
    for piece in pieces {
        splitter.feed(piece, &mut keep);
    }
    let counts = splitter.finish(&mut keep);
    (lines, counts)
}
