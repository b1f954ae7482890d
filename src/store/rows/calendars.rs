//! People's calendars: where they come from, when they make busy, and the lines that say so for later.
use crate::activity::timetable::{Busy, MOST_BUSY};
use crate::domain::{UnixMs, UserNo};
use crate::protocol::feed_url::FeedUrl;
use crate::store::codec::{Decoder, Encoder, RowError};

use super::{Row, Table};

const VERSION: u8 = 1;

/// Where a calendar comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CalendarSource {
    /// Sent by the person.
    Upload,
    /// Fetched from an address, which is a secret: who knows it can read the calendar.
    Feed(Box<Feed>),
}

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// The address.
    pub url: FeedUrl,
    /// The server's name for what it sent last.
    pub etag: Option<String>,
    /// When the server says that changed last.
    pub last_modified: Option<String>,
    /// BLAKE3 of what it sent last: not all servers say that something is unchanged.
    pub digest: [u8; 32],
    /// When the server last answered well.
    pub fetched: UnixMs,
    /// What went wrong since; `None`: nothing.
    pub error: Option<FetchFailure>,
}

/// Why the newest state of a subscription could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchFailure {
    /// For programs.
    pub code: String,
    /// For people.
    pub message: String,
    /// How often in a row.
    pub times: u32,
}

/// A person's calendar, as far as it is needed all the time.
#[derive(Clone, Debug, PartialEq)]
pub struct CalendarRow {
    /// Whose.
    pub no: UserNo,
    /// When the person gave it: names it among those they had before.
    pub given: UnixMs,
    /// Where it comes from.
    pub source: CalendarSource,
    /// When it makes busy.
    pub busy: Busy,
    /// How many events it has.
    pub events: u32,
    /// What was not used and why, in words.
    pub notes: Vec<String>,
}

/// The lines that say when a calendar makes busy: its busy intervals are worked out from them anew as time goes on.
#[derive(Clone, PartialEq, Eq)]
pub struct CalendarTextRow {
    /// Whose.
    pub no: UserNo,
    /// A small iCalendar file, without anything that was written for people.
    pub text: String,
}

impl std::fmt::Debug for CalendarTextRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CalendarTextRow").field("no", &self.no).field("bytes", &self.text.len()).finish()
    }
}

impl Row for CalendarRow {
    const TABLE: Table = Table::Calendars;
    type Key = UserNo;

    fn key_bytes(no: &UserNo) -> Vec<u8> {
        no.0.to_be_bytes().to_vec()
    }

    fn key(&self) -> UserNo {
        self.no
    }

    fn encode(&self) -> Vec<u8> {
        let mut row = Encoder::versioned(VERSION);
        row.int(self.given.0);
        row.u8(u8::from(matches!(self.source, CalendarSource::Feed(_))));
        if let CalendarSource::Feed(feed) = &self.source {
            encode_feed(&mut row, feed);
        }
        encode_busy(&mut row, &self.busy);
        row.uint(u64::from(self.events));
        row.uint(self.notes.len() as u64);
        self.notes.iter().for_each(|note| row.text(note));
        row.finish()
    }

    fn decode(key: &[u8], value: &[u8]) -> Result<Self, RowError> {
        let mut key = Decoder::new(key);
        let no = UserNo(key.key_u32()?);
        key.finish()?;
        let mut row = Decoder::versioned(value, VERSION)?;
        let given = UnixMs(row.int()?);
        let source = match row.u8()? {
            0 => CalendarSource::Upload,
            1 => CalendarSource::Feed(Box::new(decode_feed(&mut row)?)),
            _ => return Err(RowError::Value("a calendar's source")),
        };
        let busy = decode_busy(&mut row)?;
        let events = row.uint32()?;
        let count = row.count()?;
        let mut notes = Vec::with_capacity(count);
        for _ in 0..count {
            notes.push(row.text()?.to_owned());
        }
        row.finish()?;
        Ok(Self { no, given, source, busy, events, notes })
    }
}

fn encode_feed(row: &mut Encoder, feed: &Feed) {
    let Feed { url, etag, last_modified, digest, fetched, error } = feed;
    let flag = |on: bool, bit: u8| if on { bit } else { 0 };
    row.u8(flag(etag.is_some(), 1) | flag(last_modified.is_some(), 2) | flag(error.is_some(), 4));
    row.text(url.reveal());
    etag.iter().chain(last_modified).for_each(|text| row.text(text));
    row.raw(digest);
    row.int(fetched.0);
    if let Some(FetchFailure { code, message, times }) = error {
        row.text(code);
        row.text(message);
        row.uint(u64::from(*times));
    }
}

fn decode_feed(row: &mut Decoder<'_>) -> Result<Feed, RowError> {
    let flags = row.u8()?;
    if flags > 7 {
        return Err(RowError::Value("a subscription's flags"));
    }
    let url = FeedUrl::parse(row.text()?)?;
    let mut optional = |bit: u8| -> Result<Option<String>, RowError> {
        if flags & bit == 0 { Ok(None) } else { Ok(Some(row.text()?.to_owned())) }
    };
    let (etag, last_modified) = (optional(1)?, optional(2)?);
    let digest = row.array()?;
    let fetched = UnixMs(row.int()?);
    let error = if flags & 4 == 0 {
        None
    } else {
        let (code, message) = (row.text()?.to_owned(), row.text()?.to_owned());
        Some(FetchFailure { code, message, times: row.uint32()? })
    };
    Ok(Feed { url, etag, last_modified, digest, fetched, error })
}

/// Each begin and end as what it is more than the end or begin before it.
fn encode_busy(row: &mut Encoder, busy: &Busy) {
    let (from, to) = busy.known();
    row.int(from);
    row.uint(to.saturating_sub(from).unsigned_abs());
    row.uint(busy.intervals().count() as u64);
    let mut before = from;
    for (begin, end) in busy.intervals() {
        row.uint(begin.saturating_sub(before).unsigned_abs());
        row.uint(end.saturating_sub(begin).unsigned_abs());
        before = end;
    }
}

fn decode_busy(row: &mut Decoder<'_>) -> Result<Busy, RowError> {
    let wrong = RowError::Value("busy intervals");
    let from = row.int()?;
    let span = row.uint32()?;
    let to = from.checked_add(i64::from(span)).ok_or(wrong)?;
    let count = row.count()?;
    if count > MOST_BUSY {
        return Err(wrong);
    }
    let mut intervals = Vec::with_capacity(count);
    let mut at = from;
    for place in 0..count {
        let (gap, length) = (row.uint32()?, row.uint32()?);
        if length == 0 || (gap == 0 && place > 0) {
            return Err(wrong);
        }
        let begin = at.checked_add(i64::from(gap)).ok_or(wrong)?;
        at = begin.checked_add(i64::from(length)).filter(|end| *end <= to).ok_or(wrong)?;
        intervals.push((begin, at));
    }
    Ok(Busy::merge(from, to, intervals).0)
}

impl Row for CalendarTextRow {
    const TABLE: Table = Table::CalendarTexts;
    type Key = UserNo;

    fn key_bytes(no: &UserNo) -> Vec<u8> {
        no.0.to_be_bytes().to_vec()
    }

    fn key(&self) -> UserNo {
        self.no
    }

    fn encode(&self) -> Vec<u8> {
        let mut row = Encoder::versioned(VERSION);
        row.text(&self.text);
        row.finish()
    }

    fn decode(key: &[u8], value: &[u8]) -> Result<Self, RowError> {
        let mut key = Decoder::new(key);
        let no = UserNo(key.key_u32()?);
        key.finish()?;
        let mut row = Decoder::versioned(value, VERSION)?;
        let text = row.text()?.to_owned();
        row.finish()?;
        Ok(Self { no, text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    prop_compose! {
        fn any_feed()(
            path in "[a-z]{1,12}", etag in proptest::option::of("[ -~]{0,20}"), last_modified in proptest::option::of("[ -~]{0,30}"),
            digest: [u8; 32], fetched: i64, error in proptest::option::of(("[a-z_]{1,12}", "[ -~é]{0,40}", any::<u32>())),
        ) -> Feed {
            let error = error.map(|(code, message, times)| FetchFailure { code, message, times });
            let url = FeedUrl::parse(&format!("https://example.org/{path}.ics?key=1")).unwrap();
            Feed { url, etag, last_modified, digest, fetched: UnixMs(fetched), error }
        }
    }

    proptest! {
        #[test]
        fn a_calendar_is_read_back_as_written(
            no: u32, given: i64, feed in proptest::option::of(any_feed()), from in -1_i64 << 40..1_i64 << 40, length in 0..2_000_000_i64,
            spans in proptest::collection::vec((0..2_000_000_i64, 0..90_000_i64), 0..30), events: u32,
            notes in proptest::collection::vec("[ -~]{0,40}", 0..4), text in "[ -~\n]{0,200}",
        ) {
            let spans = spans.into_iter().map(|(begin, length)| (from + begin, from + begin + length)).collect();
            let busy = Busy::merge(from, from + length, spans).0;
            let source = feed.map_or(CalendarSource::Upload, |feed| CalendarSource::Feed(Box::new(feed)));
            let row = CalendarRow { no: UserNo(no), given: UnixMs(given), source, busy, events, notes };
            prop_assert_eq!(CalendarRow::decode(&CalendarRow::key_bytes(&row.key()), &row.encode()), Ok(row));
            let row = CalendarTextRow { no: UserNo(no), text };
            prop_assert_eq!(CalendarTextRow::decode(&CalendarTextRow::key_bytes(&row.key()), &row.encode()), Ok(row));
        }
    }
}
