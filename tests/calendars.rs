//! Calendar files: what they say of being busy. Our own ones, in `tests/fixtures/ics`, with every interval they must give, and real ones,
//! which lie beside the project in `../shared/data/ics` and are not part of it.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use letshang::activity::calendar::{
    Calendar, CalendarError, LONGEST_LINE, MOST_BYTES, MOST_EVENTS, MOST_EXDATES, MOST_NOTES, Window, read,
};
use letshang::domain::UnixMs;

const DAY: i64 = 86_400_000;

fn at(text: &str) -> UnixMs {
    let text = if text.contains('T') { text.to_owned() } else { format!("{text}T00:00:00Z") };
    UnixMs(text.parse::<Timestamp>().unwrap().as_millisecond())
}

fn window(from: &str, to: &str) -> Window {
    Window { from: at(from), to: at(to) }
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ics").join(name)).unwrap()
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

/// `26T08:00-26T09:00`: day and time of begin and end, in UTC.
fn shown(calendar: &Calendar) -> String {
    let time = |t: i64| Timestamp::from_second(t).unwrap().strftime("%dT%H:%M").to_string();
    let spans = calendar.busy.intervals().map(|(from, to)| format!("{}-{}", time(from), time(to)));
    spans.collect::<Vec<_>>().join(" ")
}

struct Row {
    file: &'static str,
    zone: &'static str,
    from: &'static str,
    to: &'static str,
    busy: &'static str,
    notes: &'static [&'static str],
}

const ROWS: &[Row] = &[
    Row {
        file: "clocks-back.ics",
        zone: "Europe/Berlin",
        from: "2026-10-24",
        to: "2026-10-27",
        busy: "24T21:00-25T04:00 25T08:30-25T09:15",
        notes: &[],
    },
    Row {
        file: "hour-twice.ics",
        zone: "UTC",
        from: "2026-10-24",
        to: "2026-10-27",
        busy: "25T00:30-25T00:35",
        notes: &[],
    },
    Row {
        file: "clocks-forward.ics",
        zone: "UTC",
        from: "2026-03-07",
        to: "2026-03-12",
        busy: "07T07:30-07T08:00 08T07:30-08T08:00 09T06:30-09T07:00",
        notes: &[],
    },
    Row {
        file: "short-day.ics",
        zone: "America/New_York",
        from: "2026-03-07",
        to: "2026-03-12",
        busy: "08T05:00-09T04:00",
        notes: &[],
    },
    Row {
        file: "moved.ics",
        zone: "UTC",
        from: "2026-11-01",
        to: "2026-11-12",
        busy: "02T10:00-02T10:15 03T10:00-03T10:15 03T13:00-03T13:30 04T16:00-04T17:00 08T10:00-08T10:15 \
               10T09:00-10T09:15",
        notes: &[],
    },
    Row {
        file: "from-then-on.ics",
        zone: "UTC",
        from: "2026-11-01",
        to: "2026-11-12",
        busy: "02T17:00-02T18:00 03T17:00-03T18:00 04T18:00-04T19:30 05T18:00-05T19:30 06T18:00-06T19:30",
        notes: &[],
    },
    Row {
        file: "windows-zones.ics",
        zone: "UTC",
        from: "2026-10-25",
        to: "2026-10-30",
        busy: "26T08:00-26T09:00 26T16:00-26T17:00 27T08:00-27T08:30 28T00:00-28T00:30",
        notes: &[],
    },
    Row {
        file: "own-zone.ics",
        zone: "Europe/Berlin",
        from: "2026-10-24",
        to: "2026-10-30",
        busy: "24T09:30-24T10:30 25T10:30-25T11:30 26T10:30-26T11:30 27T12:00-27T13:00",
        notes: &["the time zone \"Atlantis/Capital\" is not known: its times are taken as UTC"],
    },
    Row {
        file: "floating-and-days.ics",
        zone: "Asia/Tokyo",
        from: "2026-10-25",
        to: "2026-11-05",
        busy: "27T07:00-27T07:30 28T15:00-30T15:00 31T15:00-02T15:00",
        notes: &["1 event left out: no length"],
    },
    Row {
        file: "exceptions.ics",
        zone: "UTC",
        from: "2026-10-19",
        to: "2026-11-02",
        busy: "19T05:00-19T05:30 20T13:00-20T14:00 22T05:00-22T05:30 23T05:00-23T05:30 23T10:00-23T10:30 \
               24T05:00-24T05:30 24T10:00-24T10:45 25T06:00-25T06:30 27T06:00-27T06:30 27T14:00-27T15:00 \
               29T06:00-29T06:30 30T06:00-30T06:30",
        notes: &[],
    },
    Row {
        file: "not-busy.ics",
        zone: "UTC",
        from: "2026-10-25",
        to: "2026-10-29",
        busy: "26T10:00-26T11:00 27T08:00-27T09:00 27T10:00-27T11:00",
        notes: &["1 event left out: the end is before the start"],
    },
    Row {
        file: "one-id.ics",
        zone: "UTC",
        from: "2026-10-25",
        to: "2026-10-29",
        busy: "26T10:00-26T11:00 27T08:00-27T09:00 27T10:00-27T11:00",
        notes: &[],
    },
    Row {
        file: "damaged.ics",
        zone: "UTC",
        from: "2026-10-25",
        to: "2026-10-29",
        busy: "26T08:00-26T09:00 26T11:00-26T12:00",
        notes: &[
            "1 event left out: the file ends within it",
            "1 line left out: longer than 8192 bytes",
            "1 line left out: not of the form NAME:value",
            "parts within parts within parts are left out",
        ],
    },
];

#[test]
fn each_file_says_exactly_when_its_person_is_busy() {
    for row in ROWS {
        let calendar = read(&fixture(row.file), &zone(row.zone), window(row.from, row.to)).unwrap();
        assert_eq!(shown(&calendar), row.busy, "{}", row.file);
        assert_eq!(calendar.notes, row.notes, "{}", row.file);
    }
}

#[test]
fn there_is_a_row_for_every_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ics");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    let mut rows: Vec<_> = ROWS.iter().map(|row| row.file.to_owned()).collect();
    rows.sort();
    assert_eq!(files, rows);
}

/// What is kept says the same again, now and for a later window, and nothing that anybody wrote for people.
#[test]
fn what_is_kept_is_enough_to_go_on_with_and_says_nothing_else() {
    for row in ROWS {
        let bytes = fixture(row.file);
        let (first, zone) = (window(row.from, row.to), zone(row.zone));
        let calendar = read(&bytes, &zone, first).unwrap();
        for later in [0, 3 * DAY, 20 * DAY, 300 * DAY] {
            let window = Window { from: first.from + later, to: first.to + later };
            let (from_file, from_kept) =
                (read(&bytes, &zone, window).unwrap(), read(calendar.kept.as_bytes(), &zone, window).unwrap());
            assert_eq!(shown(&from_kept), shown(&from_file), "{} {later}", row.file);
            assert!(from_kept.kept.len() <= calendar.kept.len(), "{}", row.file);
        }
        let text = String::from_utf8_lossy(&bytes);
        for line in text.lines().filter(|line| line.starts_with("SUMMARY") || line.starts_with("UID")) {
            let words = line.split_once(':').unwrap().1.split(['\\', ' ']).filter(|word| word.len() > 3);
            for word in words {
                assert!(!calendar.kept.contains(word), "{}: {word} in\n{}", row.file, calendar.kept);
            }
        }
    }
}

fn calendar_of(events: &str) -> String {
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{events}END:VCALENDAR\r\n")
}

fn event(id: usize, lines: &str) -> String {
    format!("BEGIN:VEVENT\r\nUID:{id}\r\n{lines}\r\nEND:VEVENT\r\n")
}

const HERE: (&str, &str) = ("2026-11-20", "2026-12-05");

/// Rules that have brought other programs down (security.md, "RRULE bombs"), and some of our own.
fn bombs() -> Vec<(String, bool)> {
    let all = |to: usize| (0..to).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let rule = |rule: &str| format!("DTSTART:20261101T090000Z\r\nDURATION:PT1H\r\nRRULE:{rule}");
    let dense = format!("BYHOUR={};BYMINUTE={};BYSECOND={}", all(24), all(60), all(60));
    vec![
        (rule("FREQ=SECONDLY"), true),
        (rule("FREQ=MINUTELY;INTERVAL=1"), true),
        (rule("FREQ=DAILY;COUNT=1000000000"), false),
        (rule(&format!("FREQ=YEARLY;COUNT=1;{dense}")), true),
        (rule(&format!("FREQ=DAILY;COUNT=1;{dense}")), true),
        (rule(&format!("FREQ=YEARLY;BYSETPOS=-1;{dense}")), true),
        (rule("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), false),
        (rule("FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30"), false),
        (rule("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31"), false),
        (rule("FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30"), false),
        (rule("FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6"), false),
        (rule("FREQ=WEEKLY;BYDAY=MO;BYSETPOS=2"), false),
        (rule("FREQ=HOURLY;BYMINUTE=0,15,30,45"), true),
        (rule("FREQ=DAILY;INTERVAL=0"), false),
        (rule("FREQ=HOURLY;COUNT=1000000000"), false),
        ("DTSTART:19000101T000000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=HOURLY;COUNT=1000000000".to_owned(), true),
        ("DTSTART:19000101T000000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=DAILY".to_owned(), false),
        ("DTSTART:19000101T000000Z\r\nDURATION:P9999W\r\nRRULE:FREQ=DAILY".to_owned(), false),
        (format!("{}\r\nEXRULE:FREQ=DAILY", rule("FREQ=DAILY")), false),
    ]
}

#[test]
fn a_bomb_is_cut_and_the_other_events_are_used() {
    for (bomb, is_too_complex) in bombs() {
        let good = event(2, "DTSTART:20261123T100000Z\r\nDTEND:20261123T110000Z");
        let text = calendar_of(&format!("{}{good}", event(1, &bomb)));
        let started = Instant::now();
        let calendar = read(text.as_bytes(), &TimeZone::UTC, window(HERE.0, HERE.1)).unwrap();
        let took = started.elapsed();
        // A fiftieth of that in a release build (`cargo bench --bench calendars`).
        assert!(took < Duration::from_secs(2), "{bomb}: {took:?}");
        assert_eq!(
            calendar.notes.iter().any(|note| note.contains("too_complex")),
            is_too_complex,
            "{bomb}: {calendar:?}"
        );
        let ten = at("2026-11-23T10:00:00Z").0 / 1_000;
        assert!(calendar.busy.intervals().any(|(from, to)| from <= ten && ten < to), "{bomb}: {}", shown(&calendar));
    }
}

#[test]
fn a_file_full_of_bombs_is_cut_as_a_whole() {
    let bomb = "DTSTART:20261101T090000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30";
    let mut events: String = (1..MOST_EVENTS).map(|id| event(id, bomb)).collect();
    events.push_str(&event(0, "DTSTART:20261101T100000Z\r\nDURATION:PT1H\r\nRRULE:FREQ=WEEKLY"));
    let started = Instant::now();
    let calendar = read(calendar_of(&events).as_bytes(), &TimeZone::UTC, window(HERE.0, HERE.1)).unwrap();
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    assert!(calendar.notes.iter().any(|note| note.contains("too_complex")), "{:?}", calendar.notes);
    assert_eq!(shown(&calendar), "22T10:00-22T11:00 29T10:00-29T11:00", "what is plain is used all the same");
}

#[test]
fn what_is_too_much_is_refused_or_left_out_with_a_reason() {
    let read = |text: &str| read(text.as_bytes(), &TimeZone::UTC, window(HERE.0, HERE.1));
    assert_eq!(read(&" ".repeat(MOST_BYTES + 1)), Err(CalendarError::TooManyBytes));
    let one = "BEGIN:VEVENT\nEND:VEVENT\n";
    assert_eq!(read(&calendar_of(&one.repeat(MOST_EVENTS + 1))), Err(CalendarError::TooManyEvents));
    assert!(read(&calendar_of(&one.repeat(MOST_EVENTS))).is_ok());
    let rules = "BEGIN:STANDARD\nDTSTART:19700101T000000\nEND:STANDARD\n".repeat(10_000);
    let zone = format!("BEGIN:VTIMEZONE\nTZID:x\n{rules}END:VTIMEZONE\n");
    assert_eq!(read(&calendar_of(&zone)), Err(CalendarError::TooManyZones));
    for page in ["<!DOCTYPE html><html>", "\n<HTML><body>Sign in</body>"] {
        assert_eq!(read(page), Err(CalendarError::WebPage), "{page}");
    }
    for other in ["", "BEGIN:VCARD\nEND:VCARD\n", "hello", "{\"events\": []}"] {
        assert_eq!(read(other), Err(CalendarError::NoCalendar), "{other}");
    }
    let dates = |count: usize| vec!["20261123T100000Z"; count].join("\nEXDATE:");
    let daily = |count| {
        event(1, &format!("DTSTART:20261101T100000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY\nEXDATE:{}", dates(count)))
    };
    assert!(read(&calendar_of(&daily(MOST_EXDATES))).unwrap().notes.is_empty());
    assert_eq!(
        read(&calendar_of(&daily(MOST_EXDATES + 1))).unwrap().notes,
        ["1 event left out: more than 1000 exceptions (too_large)"]
    );
    let long = "x".repeat(LONGEST_LINE + 1);
    let noted =
        read(&calendar_of(&event(1, &format!("SUMMARY:{long}\nDTSTART:20261123T100000Z\nDURATION:PT1H")))).unwrap();
    assert_eq!((noted.busy.intervals().count(), noted.notes.len()), (1, 1));
    let deep = "BEGIN:X\n".repeat(100_000);
    assert_eq!(read(&calendar_of(&deep)).unwrap().notes, ["parts within parts within parts are left out"]);
    let zones: String =
        (0..100).map(|n| event(n, &format!("DTSTART;TZID=Nowhere/{n}:20261123T100000\nDURATION:PT1H"))).collect();
    assert_eq!(read(&calendar_of(&zones)).unwrap().notes.len(), MOST_NOTES);
    let path = event(1, "DTSTART;TZID=../../etc/passwd:20261123T100000\nDURATION:PT1H");
    assert!(read(&calendar_of(&path)).unwrap().notes[0].contains("is not known"));
}

#[test]
fn starts_far_away_and_ends_before_starts_are_counted_and_left_out() {
    let rows = [
        ("DTSTART:00010101T000000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY", "1900"),
        ("DTSTART:99990101T000000Z\nDURATION:PT1H", "1900"),
        ("DTSTART:20261123T100000Z\nDTEND:20261123T090000Z", "before the start"),
        ("DTSTART:20261123T100000Z\nDURATION:-PT1H", "before the start"),
        ("DTSTART:20261123T100000Z\nDTEND:20261123T100000Z", "no length"),
        ("DTSTART:20260230T100000Z\nDURATION:PT1H", "no start"),
        ("DTSTART:never\nDURATION:PT1H", "no start"),
    ];
    for (lines, words) in rows {
        let calendar = read(calendar_of(&event(1, lines)).as_bytes(), &TimeZone::UTC, window(HERE.0, HERE.1)).unwrap();
        assert_eq!(shown(&calendar), "", "{lines}");
        assert!(calendar.notes.iter().any(|note| note.contains(words)), "{lines}: {:?}", calendar.notes);
    }
    let ended = event(1, "DTSTART:20261123T100000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=20200101T000000Z");
    let calendar = read(calendar_of(&ended).as_bytes(), &TimeZone::UTC, window(HERE.0, HERE.1)).unwrap();
    assert_eq!(shown(&calendar), "23T10:00-23T11:00", "the first time counts, whatever its rule says");
}

/// The folder of real calendars, where it is.
fn real() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = ["../shared", "../../shared"].map(|folder| root.join(folder).join("data/ics"));
    let found = found.into_iter().find(|path| path.exists());
    if found.is_none() {
        println!("skipped: ../shared/data/ics is absent");
    }
    found
}

#[test]
fn every_real_calendar_is_read_or_refused_with_a_reason_and_none_hangs() {
    let Some(folder) = real() else { return };
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 50);
    let (mut busy, mut noted) = (0, 0);
    for path in &files {
        let (bytes, name) = (std::fs::read(path).unwrap(), path.file_name().unwrap().to_string_lossy().into_owned());
        for year in ["1998", "2005", "2011", "2015", "2021", "2024", "2026"] {
            let from = at(&format!("{year}-07-01"));
            let window = Window { from, to: from + 15 * DAY };
            let started = Instant::now();
            let calendar =
                read(&bytes, &zone("Europe/Berlin"), window).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(started.elapsed() < Duration::from_secs(5), "{name}: {:?}", started.elapsed());
            assert!(calendar.notes.iter().all(|note| note.len() < 200), "{name}");
            let again = read(calendar.kept.as_bytes(), &zone("Europe/Berlin"), window).unwrap();
            assert_eq!(shown(&again), shown(&calendar), "{name} {year}");
            busy += calendar.busy.intervals().count();
            noted += calendar.notes.len();
        }
    }
    println!("{} files, {busy} busy intervals, {noted} notes", files.len());
}

/// Files whose busy times can be told by reading them.
#[test]
fn real_calendars_say_what_a_reader_sees_in_them() {
    let Some(folder) = real() else { return };
    let rows = [
        // Ten days from the 6th, at noon in Los Angeles, without the 8th and the 10th; what stands in the place of the 7th ends before it
        // begins.
        (
            "daily-count-exdate-recurrence-id.ics",
            "2015-07-01",
            "2015-07-20",
            "06T19:00-06T20:00 09T19:00-09T20:00 11T19:00-11T20:00 12T19:00-12T20:00 13T19:00-13T20:00 \
             14T19:00-14T20:00 15T19:00-15T20:00",
        ),
        ("valid__EXDATE-IN-UTC.ics", "2007-05-01", "2007-06-01", "08T10:15-08T11:15 29T10:15-29T11:15"),
    ];
    for (name, from, to, busy) in rows {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        assert_eq!(shown(&read(&bytes, &zone("Europe/Berlin"), window(from, to)).unwrap()), busy, "{name}");
    }
}
