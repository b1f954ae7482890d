//! A look at the engine's journal before the engine opens it. The engine drops everything from the first byte that it
//! does not understand; that is right for the torn end that a crash leaves, and wrong when whole commits follow.
//!
//! The engine's format, version 3: a commit is `1, items u32, seqno u64`, then items `2, type u8, compression u8,
//! keyspace u64, key length u16, value length u32, stored length u32, key, value` or `4, keyspace u64`, then
//! `3, XXH3-64 of the items' bytes u64, "FJL" 3`. Numbers are little-endian. After the last commit the file is zeros.
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use rustix::fs::{SeekFrom as Extent, seek};
use xxhash_rust::xxh3::Xxh3;

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const CLEAR: u8 = 4;
const TRAILER: &[u8; 4] = b"FJL\x03";
/// Sequence numbers rise by little and never get far; the engine would die of one near its limit.
const NEAR: u64 = 1 << 32;
const HIGHEST: u64 = 1 << 48;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Commits, and then nothing.
    Sound,
    /// Commits, and then a part of one, from this byte on: it was acknowledged to nobody.
    Torn(u64),
    /// Something else at this byte, and whole commits after it.
    Damaged(u64),
}

/// Reads a journal from end to end and changes nothing.
pub(super) fn examine(path: &Path) -> io::Result<Verdict> {
    let mut file = File::open(path)?;
    let mut reader = BufReader::with_capacity(1 << 18, &mut file);
    let (mut good, mut last, mut buffer) = (0, None, Vec::new());
    while let Some((seqno, length)) = commit(&mut reader, &mut buffer) {
        if seqno > HIGHEST || last.is_some_and(|last| seqno <= last || seqno.saturating_sub(last) > NEAR) {
            break;
        }
        last = Some(seqno);
        good = length.saturating_add(good);
    }
    drop(reader);
    let rest = read_rest(&mut file, good)?;
    if rest.iter().all(|byte| *byte == 0) {
        return Ok(Verdict::Sound);
    }
    // Whole commits further on, whatever their numbers, are not the torn end of anything.
    let is_commit = |at: usize| {
        let Some(mut bytes) = rest.get(at..).filter(|bytes| could_be_commit(bytes)) else { return false };
        commit(&mut bytes, &mut Vec::new()).is_some()
    };
    let is_damaged = (1..rest.len()).any(is_commit);
    Ok(if is_damaged { Verdict::Damaged(good) } else { Verdict::Torn(good) })
}

/// Cuts a torn end off.
pub(super) fn cut(path: &Path, length: u64) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(length)?;
    file.sync_all()
}

/// The rest of the file up to the hole at its end.
fn read_rest(file: &mut File, from: u64) -> io::Result<Vec<u8>> {
    let mut end = from;
    while let Ok(data) = seek(&*file, Extent::Data(end)) {
        end = seek(&*file, Extent::Hole(data))?;
    }
    file.seek(SeekFrom::Start(from))?;
    let mut rest = Vec::new();
    file.take(end.saturating_sub(from)).read_to_end(&mut rest)?;
    Ok(rest)
}

fn could_be_commit(bytes: &[u8]) -> bool {
    bytes.first() == Some(&START) && matches!(bytes.get(13), Some(&(ITEM | CLEAR)))
}

/// Reads one commit: its sequence number and length. `None` for anything that is not a whole, sound commit.
fn commit(reader: &mut impl Read, buffer: &mut Vec<u8>) -> Option<(u64, u64)> {
    if array(reader)? != [START] {
        return None;
    }
    let items = u32::from_le_bytes(array(reader)?);
    let seqno = u64::from_le_bytes(array(reader)?);
    let mut length = 1 + 4 + 8;
    let mut hash = Xxh3::new();
    for _ in 0..items {
        buffer.clear();
        buffer.extend_from_slice(&array::<9>(reader)?);
        match buffer.first() {
            Some(&CLEAR) => {}
            Some(&ITEM) => {
                // The last of the keyspace's bytes, then the three lengths.
                let rest = array::<12>(reader)?;
                let [_, _, key_low, key_high, _, _, _, _, stored @ ..] = rest;
                buffer.extend_from_slice(&rest);
                let length =
                    u32::from(u16::from_le_bytes([key_low, key_high])).saturating_add(u32::from_le_bytes(stored));
                append(reader, length, buffer)?;
            }
            _ => return None,
        }
        hash.update(buffer);
        length = (buffer.len() as u64).saturating_add(length);
    }
    if array(reader)? != [END] {
        return None;
    }
    let checksum = u64::from_le_bytes(array(reader)?);
    length = length.saturating_add(1 + 8 + 4);
    (checksum == hash.digest() && array(reader)? == *TRAILER).then_some((seqno, length))
}

/// Reads bytes without reserving memory for more than there are.
fn append(reader: &mut impl Read, length: u32, buffer: &mut Vec<u8>) -> Option<()> {
    const STEP: u32 = 1 << 20;
    let mut left = length;
    while left > 0 {
        let (from, step) = (buffer.len(), left.min(STEP));
        buffer.resize(from.saturating_add(step as usize), 0);
        reader.read_exact(buffer.get_mut(from..)?).ok()?;
        left = left.saturating_sub(step);
    }
    Some(())
}

fn array<const N: usize>(reader: &mut impl Read) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fjall::{Database, KeyspaceCreateOptions, PersistMode};

    /// What the engine itself writes.
    fn written(commits: u8) -> (tempfile::TempDir, std::path::PathBuf, Vec<u8>) {
        let dir = tempfile::tempdir().unwrap();
        let db = Database::builder(dir.path().join("db")).open().unwrap();
        let rows = db.keyspace("rows", KeyspaceCreateOptions::default).unwrap();
        for n in 0..commits {
            let mut batch = db.batch().durability(Some(PersistMode::Buffer));
            batch.insert(&rows, [n], vec![n; 30]);
            batch.insert(&rows, [n, n], vec![n; usize::from(n)]);
            batch.remove(&rows, [n + 1]);
            batch.commit().unwrap();
        }
        let mut bytes = std::fs::read(dir.path().join("db/0.jnl")).unwrap();
        bytes.truncate(bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1);
        let path = dir.path().join("copy");
        std::fs::write(&path, &bytes).unwrap();
        (dir, path, bytes)
    }

    #[test]
    fn what_the_engine_wrote_is_sound_with_and_without_zeros_behind() {
        let (_dir, path, mut bytes) = written(20);
        assert_eq!(examine(&path).unwrap(), Verdict::Sound);
        bytes.resize(bytes.len() + 10_000, 0);
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(examine(&path).unwrap(), Verdict::Sound);
        std::fs::write(&path, []).unwrap();
        assert_eq!(examine(&path).unwrap(), Verdict::Sound);
    }

    #[test]
    fn the_last_commit_is_torn_wherever_it_ends_and_whatever_is_wrong_in_it() {
        let (_dir, path, bytes) = written(20);
        let (_other, _, shorter) = written(19);
        let last = shorter.len();
        for end in last + 1..bytes.len() {
            std::fs::write(&path, &bytes[..end]).unwrap();
            assert_eq!(examine(&path).unwrap(), Verdict::Torn(last as u64), "{end}");
            let mut hole = bytes.clone();
            hole[end - 1..].fill(0);
            std::fs::write(&path, &hole).unwrap();
            let verdict = examine(&path).unwrap();
            assert!(matches!(verdict, Verdict::Torn(_) | Verdict::Sound), "{end}: {verdict:?}");
        }
        for at in last..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 0x10;
            std::fs::write(&path, &bad).unwrap();
            let verdict = examine(&path).unwrap();
            // The number of the very last commit is the one thing that nothing else confirms.
            let is_number = (last + 5..last + 13).contains(&at);
            assert!(verdict == Verdict::Torn(last as u64) || (is_number && verdict == Verdict::Sound), "{at}");
        }
    }

    #[test]
    fn any_bit_before_the_last_two_commits_is_damage() {
        let (_dir, path, bytes) = written(6);
        let (_other, _, shorter) = written(4);
        for at in 0..shorter.len() {
            for bit in 0..8 {
                let mut bad = bytes.clone();
                bad[at] ^= 1 << bit;
                std::fs::write(&path, &bad).unwrap();
                let verdict = examine(&path).unwrap();
                // Likewise a lower number of the very first commit.
                let is_number = (5..13).contains(&at) && verdict == Verdict::Sound;
                assert!(matches!(verdict, Verdict::Damaged(_)) || is_number, "bit {bit} of byte {at}: {verdict:?}");
            }
        }
    }
}
