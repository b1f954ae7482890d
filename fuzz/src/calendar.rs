//! A calendar file.
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use letshang::activity::calendar::{Calendar, LONGEST_LINE, MOST_NOTES, Window, read};
use letshang::activity::timetable::MOST_BUSY;
use letshang::domain::UnixMs;

use super::oracle::{NOW, is_short};

const DAY: i64 = 86_400_000;
/// Far more than any file takes, also in a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A file is refused in few words, or says when somebody is busy: in order, within the window, and again from what is kept of it, which
/// has nothing in it that could have been written for people.
pub fn hold(input: &[u8]) {
    let started = Instant::now();
    let zone = TimeZone::get("Europe/Berlin").unwrap_or(TimeZone::UTC);
    let window = Window { from: NOW - DAY, to: NOW + 15 * DAY };
    match read(input, &zone, window) {
        Err(error) => is_short(&error.to_string(), input),
        Ok(calendar) => {
            is_sound(&calendar, window, input);
            let again = read(calendar.kept.as_bytes(), &zone, window);
            let again = again.unwrap_or_else(|error| panic!("what is kept is no calendar: {error}\n{}", calendar.kept));
            is_sound(&again, window, calendar.kept.as_bytes());
            // Where there was too much to work out, other events may be worked out the second time.
            if !calendar.notes.iter().any(|note| note.contains("too")) {
                assert_eq!(again.busy, calendar.busy, "{}", calendar.kept);
            }
        }
    }
    assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
}

fn is_sound(calendar: &Calendar, Window { from, to }: Window, input: &[u8]) {
    let spans: Vec<_> = calendar.busy.intervals().collect();
    assert!(spans.len() <= MOST_BUSY);
    assert!(spans.iter().all(|(begin, end)| begin < end && is_within(*begin, from, to) && is_within(*end, from, to)));
    assert!(spans.windows(2).all(|pair| pair[0].1 < pair[1].0), "{spans:?}");
    assert!(calendar.notes.len() <= MOST_NOTES);
    calendar.notes.iter().for_each(|note| is_short(note, input));
    for line in calendar.kept.lines() {
        assert!(line.len() <= LONGEST_LINE + 100 && !line.contains(char::is_control), "{line:?}");
        let name = line.split([':', ';']).next().unwrap_or_default();
        assert!(!["SUMMARY", "DESCRIPTION", "LOCATION", "ATTENDEE", "ORGANIZER", "COMMENT"].contains(&name), "{line}");
    }
}

fn is_within(second: i64, UnixMs(from): UnixMs, UnixMs(to): UnixMs) -> bool {
    (from.div_euclid(1_000)..=to.div_euclid(1_000)).contains(&second)
}
