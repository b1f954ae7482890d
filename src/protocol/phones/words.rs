//! What a person reads of a friend in a phone's app: "free till 18:00, 240 m".
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::UnixMs;
use crate::protocol::server::{Friend, rounded};

/// How much a screen has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// A list of friends: `18:00`.
    List,
    /// One line: `18` at the full hour.
    Line,
}

/// How far a friend is, in words.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distance {
    /// Metres between the points at which the two are shown.
    pub metres: f64,
    /// One of the points is the middle of an area.
    pub about: bool,
}

impl Distance {
    /// `240 m`, `1.2 km`, `about 12 km`.
    #[must_use]
    pub fn words(self) -> String {
        let metres = rounded(self.metres);
        let about = if self.about { "about " } else { "" };
        if metres < 1_000.0 {
            format!("{about}{metres:.0} m")
        } else if metres < 10_000.0 && (metres / 100.0).round() % 10.0 > 0.5 {
            format!("{about}{:.1} km", metres / 1_000.0)
        } else {
            format!("{about}{:.0} km", metres / 1_000.0)
        }
    }
}

/// `free till 18:00`, `free` or `busy`: times in the reader's zone.
#[must_use]
pub fn availability(friend: &Friend, now: UnixMs, zone: &TimeZone, room: Room) -> String {
    if !friend.free {
        return "busy".to_owned();
    }
    match friend.until.and_then(|until| till(until, now, zone, room)) {
        Some(till) => format!("free till {till}"),
        None => "free".to_owned(),
    }
}

/// A friend in a list: `Bob: free till 18:00, 240 m`.
#[must_use]
pub fn card(friend: &Friend, distance: Option<Distance>, now: UnixMs, zone: &TimeZone) -> String {
    let availability = availability(friend, now, zone, Room::List);
    let away = distance.map(|distance| format!(", {}", distance.words())).unwrap_or_default();
    format!("{}: {availability}{away}", friend.name)
}

/// A friend on one line: `Bob 240 m, free till 18`.
#[must_use]
pub fn line(friend: &Friend, distance: Option<Distance>, now: UnixMs, zone: &TimeZone) -> String {
    let availability = availability(friend, now, zone, Room::Line);
    let away = distance.map(|distance| format!(" {}", distance.words())).unwrap_or_default();
    format!("{}{away}, {availability}", friend.name)
}

/// A notice that a friend came near: `240 m from you, free till 18:00`. `named`: it must say itself who it is.
#[must_use]
pub fn notice(friend: &Friend, distance: Option<Distance>, named: bool, now: UnixMs, zone: &TimeZone) -> String {
    let availability = availability(friend, now, zone, Room::List);
    let name = if named { format!("{} ", friend.name) } else { String::new() };
    let away = distance.map_or_else(|| "near you".to_owned(), |distance| format!("{} from you", distance.words()));
    format!("{name}{away}, {availability}")
}

fn till(until: i64, now: UnixMs, zone: &TimeZone, room: Room) -> Option<String> {
    let at = |ms: i64| Some(Timestamp::from_millisecond(ms).ok()?.to_zoned(zone.clone()));
    let (until, now) = (at(until)?, at(now.0)?);
    let days = now.date().until(until.date()).map_or(i32::MAX, |span| span.get_days());
    let (hour, minute) = (until.hour(), until.minute());
    let time = if room == Room::Line && minute == 0 { hour.to_string() } else { format!("{hour:02}:{minute:02}") };
    Some(match days {
        0 => time,
        1..=6 => format!("{} {time}", until.strftime("%a")),
        _ => until.strftime("%-d %b").to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_805_112_000_000;
    const HOUR: i64 = 3_600_000;

    fn bob(free: bool, until: Option<i64>) -> Friend {
        let (user, name) = ("bob".to_owned(), "Bob".to_owned());
        Friend { user, name, online: true, free, note: None, until, near: false, place: None }
    }

    #[test]
    fn a_friend_is_told_in_few_words_in_the_readers_own_time() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let away = Some(Distance { metres: 243.0, about: false });
        let words = |free, until, away| card(&bob(free, until), away, UnixMs(NOON), &berlin);
        assert_eq!(words(true, Some(NOON + 5 * HOUR), away), "Bob: free till 18:00, 240 m");
        assert_eq!(words(true, None, None), "Bob: free");
        assert_eq!(words(false, None, away), "Bob: busy, 240 m");
        assert_eq!(words(true, Some(NOON + 24 * HOUR), None), "Bob: free till Tue 13:00");
        assert_eq!(words(true, Some(NOON + 24 * 9 * HOUR), None), "Bob: free till 24 Mar");
        assert_eq!(line(&bob(true, Some(NOON + 5 * HOUR)), away, UnixMs(NOON), &berlin), "Bob 240 m, free till 18");
        let half = bob(true, Some(NOON + 5 * HOUR + HOUR / 2));
        assert_eq!(line(&half, None, UnixMs(NOON), &TimeZone::UTC), "Bob, free till 17:30");
        let (told, named) =
            (notice(&half, away, false, UnixMs(NOON), &berlin), notice(&half, None, true, UnixMs(NOON), &berlin));
        assert_eq!(told, "240 m from you, free till 18:30");
        assert_eq!(named, "Bob near you, free till 18:30");
    }

    #[test]
    fn distances_are_rounded_as_everywhere() {
        for (metres, words) in [
            (0.0, "0 m"),
            (4.0, "0 m"),
            (243.0, "240 m"),
            (996.0, "1 km"),
            (1_234.0, "1.2 km"),
            (2_000.0, "2 km"),
            (12_345.0, "12 km"),
        ] {
            assert_eq!(Distance { metres, about: false }.words(), words);
        }
        assert_eq!(Distance { metres: 1_234.0, about: true }.words(), "about 1.2 km");
    }
}
