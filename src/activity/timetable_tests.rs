//! Scenarios of calendars and weekly hours, with changes of clocks.
use proptest::prelude::*;

use super::*;
use crate::domain::weekly_hours::{Days, parse_minutes};

fn at(text: &str) -> UnixMs {
    UnixMs(text.parse::<Timestamp>().unwrap().as_millisecond())
}

/// `mon+tue 18:00-22:00`.
fn hours(entries: &[&str]) -> WeeklyHours {
    let entry = |text: &&str| {
        let (days, span) = text.split_once(' ').unwrap();
        let (from, to) = span.split_once('-').unwrap();
        let bit = |day: &str| 1 << crate::domain::weekly_hours::DAY_NAMES.iter().position(|name| *name == day).unwrap();
        let days = Days::from_bits(days.split('+').map(bit).sum()).unwrap();
        DayHours::new(days, parse_minutes(from).unwrap(), parse_minutes(to).unwrap()).unwrap()
    };
    WeeklyHours::new(&entries.iter().map(entry).collect::<Vec<_>>()).unwrap()
}

fn busy(spans: &[(&str, &str)]) -> Busy {
    let second = |text: &str| at(text).0 / 1_000;
    let (from, to) = (second("2026-10-20T00:00:00Z"), second("2026-11-05T00:00:00Z"));
    Busy::merge(from, to, spans.iter().map(|(from, to)| (second(from), second(to))).collect()).0
}

fn berlin() -> TimeZone {
    TimeZone::get("Europe/Berlin").unwrap()
}

fn table(busy: Option<Busy>, entries: &[&str]) -> Timetable {
    Timetable::new(busy, hours(entries), berlin()).unwrap()
}

/// Free or busy, who says so, and when that changes.
fn state(table: &Timetable, now: &str) -> (bool, Source, Option<String>) {
    let State { free, source, until } = table.state_at(at(now));
    (free, source, until.map(|until| timestamp(until).to_string()))
}

fn until(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn intervals_are_merged_and_cut_to_what_is_known() {
    let (merged, too_many) =
        Busy::merge(100, 200, vec![(150, 160), (90, 110), (160, 170), (155, 158), (190, 300), (180, 180)]);
    assert_eq!(merged.intervals().collect::<Vec<_>>(), [(100, 110), (150, 170), (190, 200)]);
    assert!(!too_many);
    let many = (0..5_000).map(|n| (n * 10, n * 10 + 1)).collect();
    let (merged, too_many) = Busy::merge(0, 100_000, many);
    assert_eq!((merged.intervals().count(), too_many), (MOST_BUSY, true));
    assert_eq!(Busy::merge(10, 0, vec![(0, 100)]).0.intervals().count(), 0);
}

#[test]
fn without_calendar_and_hours_there_is_no_timetable() {
    assert!(Timetable::new(None, WeeklyHours::default(), berlin()).is_none());
    assert_eq!(present(None, None, UnixMs(0)), Present::default());
}

#[test]
fn a_calendar_alone_says_free_between_its_events() {
    let table = table(Some(busy(&[("2026-10-21T08:00:00Z", "2026-10-21T09:00:00Z")])), &[]);
    assert_eq!(state(&table, "2026-10-21T07:59:59.999Z"), (true, Source::Calendar, until("2026-10-21T08:00:00Z")));
    assert_eq!(state(&table, "2026-10-21T08:00:00Z"), (false, Source::Calendar, until("2026-10-21T09:00:00Z")));
    assert_eq!(state(&table, "2026-10-21T09:00:00Z"), (true, Source::Calendar, None));
}

#[test]
fn weekly_hours_alone_come_and_go_over_midnight_and_over_the_end_of_the_week() {
    let table = table(None, &["mon+tue 18:00-22:00", "sun 22:00-02:00"]);
    assert_eq!(state(&table, "2026-10-20T16:30:00Z"), (true, Source::Hours, until("2026-10-20T20:00:00Z")));
    assert_eq!(state(&table, "2026-10-20T20:00:00Z"), (false, Source::Hours, until("2026-10-25T21:00:00Z")));
    // Sunday night, on the first day of winter time, into Monday.
    assert_eq!(state(&table, "2026-10-25T23:30:00Z"), (true, Source::Hours, until("2026-10-26T01:00:00Z")));
    assert_eq!(state(&table, "2026-10-26T01:00:00Z"), (false, Source::Hours, until("2026-10-26T17:00:00Z")));
}

#[test]
fn hours_that_touch_are_one() {
    let table = table(None, &["fri 20:00-24:00", "sat 00:00-02:00", "mon+tue+wed+thu+fri+sat+sun 06:00-07:00"]);
    assert_eq!(state(&table, "2026-10-23T19:00:00Z"), (true, Source::Hours, until("2026-10-24T00:00:00Z")));
    let always = self::table(None, &["mon+tue+wed+thu+fri+sat+sun 09:00-09:00"]);
    assert_eq!(state(&always, "2026-10-23T19:00:00Z"), (true, Source::Hours, None), "never ends");
}

#[test]
fn a_calendar_is_busy_within_the_hours_and_the_hours_decide_between_its_events() {
    let events =
        busy(&[("2026-10-20T17:00:00Z", "2026-10-20T18:00:00Z"), ("2026-10-20T19:30:00Z", "2026-10-20T21:00:00Z")]);
    let table = table(Some(events), &["tue 18:00-22:00"]);
    assert_eq!(state(&table, "2026-10-20T10:00:00Z"), (false, Source::Hours, until("2026-10-20T16:00:00Z")));
    assert_eq!(state(&table, "2026-10-20T16:00:00Z"), (true, Source::Hours, until("2026-10-20T17:00:00Z")));
    assert_eq!(state(&table, "2026-10-20T17:00:00Z"), (false, Source::Calendar, until("2026-10-20T18:00:00Z")));
    // The second event goes on after the hours: the next time to be free is next week, in winter time.
    assert_eq!(state(&table, "2026-10-20T19:30:00Z"), (false, Source::Calendar, until("2026-10-27T17:00:00Z")));
}

#[test]
fn an_hour_that_is_skipped_is_nobodys_and_one_that_comes_twice_is_twice_as_long() {
    let spring = table(None, &["sun 02:00-03:00", "sun 12:00-13:00"]);
    assert_eq!(state(&spring, "2026-03-29T00:30:00Z"), (false, Source::Hours, until("2026-03-29T10:00:00Z")));
    let autumn = table(None, &["sun 02:00-03:00"]);
    assert_eq!(state(&autumn, "2026-10-25T00:00:00Z"), (true, Source::Hours, until("2026-10-25T02:00:00Z")));
    assert_eq!(state(&autumn, "2026-10-24T23:59:59Z"), (false, Source::Hours, until("2026-10-25T00:00:00Z")));
}

#[test]
fn what_was_said_by_hand_goes_before_and_says_what_comes_after() {
    let table = table(Some(busy(&[("2026-10-21T08:00:00Z", "2026-10-21T09:00:00Z")])), &[]);
    let now = at("2026-10-21T08:30:00Z");
    let hand = Availability { free: true, note: None, until: Some(at("2026-10-21T08:45:00Z")) };
    let there = present(Some(&hand), Some(&table), now);
    assert_eq!((there.free, there.source, there.until), (true, Source::Hand, hand.until));
    assert_eq!(there.next, Some(Next { free: false, source: Source::Calendar }));
    assert_eq!(present(Some(&hand), None, now).next, Some(Next { free: false, source: Source::Default }));
    let after = present(Some(&hand), Some(&table), at("2026-10-21T08:45:00Z"));
    assert_eq!((after.free, after.source, after.until), (false, Source::Calendar, Some(at("2026-10-21T09:00:00Z"))));
    assert_eq!(after.next, Some(Next { free: true, source: Source::Calendar }));
    assert_eq!(after.shown(), Availability::default(), "friends do not learn when an appointment ends");
}

#[test]
fn the_free_spans_of_the_past_are_told() {
    let table = table(Some(busy(&[("2026-10-21T08:00:00Z", "2026-10-21T09:00:00Z")])), &["wed 09:00-12:00"]);
    let spans = table.free_between(at("2026-10-21T00:00:00Z"), at("2026-10-21T09:30:00Z"));
    assert_eq!(
        spans,
        [
            (at("2026-10-21T07:00:00Z"), at("2026-10-21T08:00:00Z")),
            (at("2026-10-21T09:00:00Z"), at("2026-10-21T09:30:00Z"))
        ]
    );
}

prop_compose! {
    fn any_table()(
        spans in proptest::collection::vec((0..1_382_400_i64, 1..40_000_i64), 0..12),
        entries in proptest::collection::vec((1..0x80_u8, 0..1_440_u16, 1..=1_440_u16), 0..5), has_calendar: bool,
        zone in proptest::sample::select(vec!["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    ) -> Option<Timetable> {
        let from = at("2026-10-20T00:00:00Z").0 / 1_000;
        let spans = spans.into_iter().map(|(begin, length)| (from + begin, from + begin + length)).collect();
        let busy = has_calendar.then(|| Busy::merge(from, from + 1_382_400, spans).0);
        let entry = |(days, from, to)| DayHours::new(Days::from_bits(days).unwrap(), from, to).unwrap();
        let entries: Vec<_> = entries.into_iter().map(entry).collect();
        Timetable::new(busy, WeeklyHours::new(&entries).unwrap(), TimeZone::get(zone).unwrap())
    }
}

proptest! {
    #[test]
    fn between_two_flips_nothing_changes_and_at_a_flip_it_does(table in any_table(), start in 0..1_200_000_i64) {
        let Some(table) = table else { return Ok(()) };
        let now = at("2026-10-20T00:00:00Z") + start * 1_000;
        let (free, _) = table.decide(now);
        let end = table.next_flip(now).unwrap_or(now + 86_400_000);
        prop_assert!(end > now);
        if table.next_flip(now).is_some() {
            prop_assert_ne!(table.decide(end).0, free);
        }
        for part in 0..40 {
            let t = UnixMs(now.0 + (end.0 - 1 - now.0) * part / 40);
            prop_assert_eq!(table.decide(t).0, free, "{:?}", timestamp(t));
        }
        let spans = table.free_between(now, end);
        prop_assert_eq!(spans, if free { vec![(now, end)] } else { Vec::new() });
    }
}
