//! GPX 1.0 and 1.1: the track points of a recording.
//!
//! Read: `trkpt` with `lat`, `lon`, `time`, `ele`; speed (m/s) and course from GPX 1.0, Garmin's and Apple's extensions;
//! accuracy from `hAcc` or `accuracy` (metres), else `hdop` × 5 m. Routes and waypoints are not recordings and are passed over.
//! All or nothing: one bad point refuses the file, with its line. Points keep the order of the file; within a segment time may go
//! back by at most a minute (a receiver that set its clock). A DTD and any entity beyond XML's own five are refused,
//! nothing is ever fetched, and size, points and depth are bounded.
use std::fmt;

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::seed_file::no_text;
use super::told;
use crate::domain::{FixFields, LatLon};

/// The largest file, bytes.
pub const FILE_BYTES: usize = 64 * 1024 * 1024;
/// The most points of one file.
pub const POINTS: usize = 100_000;
/// How deep elements may be nested.
const DEPTH: usize = 64;
/// The longest tag, and the longest text of a value that is read, bytes.
const TAG_BYTES: usize = 16 * 1024;
/// How far time may go back within a segment, milliseconds.
const BACK_MS: i64 = 60_000;
/// Metres of error per unit of horizontal dilution: what a civil receiver has under a clear sky.
const METRES_PER_HDOP: f64 = 5.0;

/// Why a file was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpxError {
    /// The line at fault, from 1; `None` when it is the file as a whole.
    pub line: Option<u64>,
    /// What is wrong, for a person.
    pub reason: String,
}

impl fmt::Display for GpxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

impl std::error::Error for GpxError {}

fn refuse<T>(reason: impl Into<String>) -> Result<T, GpxError> {
    Err(GpxError { line: None, reason: reason.into() })
}

/// Reads the track points of a GPX file.
///
/// # Errors
/// A [`GpxError`] with the line and the reason; nothing of such a file is returned.
pub fn parse(bytes: &[u8]) -> Result<Vec<FixFields>, GpxError> {
    if bytes.len() > FILE_BYTES {
        return refuse(format!("the file is larger than {} MiB", FILE_BYTES / 1024 / 1024));
    }
    if let Some(hint) = no_text(bytes.get(..4).unwrap_or(bytes)) {
        return refuse(format!("the file is no GPX: it {hint}"));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| GpxError {
        line: Some(newlines(bytes.get(..error.valid_up_to()).unwrap_or_default()).saturating_add(1)),
        reason: "not UTF-8".to_owned(),
    })?;
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = true;
    let mut import = Import::default();
    let mut counted = 0;
    let mut line = 1;
    loop {
        let begin = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX).min(text.len());
        line = newlines(text.as_bytes().get(counted..begin).unwrap_or_default()).saturating_add(line);
        counted = begin;
        let here = |reason: String| GpxError { line: Some(line), reason };
        match reader.read_event() {
            Ok(Event::Eof) => break,
            Ok(event) => import.take(&event, line).map_err(here)?,
            Err(error) => {
                let at = usize::try_from(reader.error_position()).unwrap_or(usize::MAX).min(text.len());
                let line = newlines(text.as_bytes().get(counted..at).unwrap_or_default()).saturating_add(line);
                return Err(GpxError { line: Some(line), reason: format!("not well-formed XML: {}", told(&error)) });
            }
        }
    }
    import.finish()
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().map(|&byte| u64::from(byte == b'\n')).sum()
}

/// A track point that is being read.
#[derive(Debug, Default)]
struct Point {
    line: u64,
    depth: usize,
    fields: FixFields,
    t: Option<i64>,
    accuracy: Option<f64>,
    hdop: Option<f64>,
}

#[derive(Debug, Default)]
struct Import {
    points: Vec<FixFields>,
    depth: usize,
    seen_root: bool,
    point: Option<Point>,
    /// The text of the element that is open innermost, when it is in a point.
    text: String,
    /// The time of the segment's newest point.
    before: Option<i64>,
}

type Step = Result<(), String>;

impl Import {
    fn take(&mut self, event: &Event<'_>, line: u64) -> Step {
        match event {
            Event::Start(tag) => self.open(tag, line),
            Event::Empty(tag) => {
                self.open(tag, line)?;
                self.close(tag.local_name().as_ref())
            }
            Event::End(tag) => self.close(tag.local_name().as_ref()),
            Event::Text(text) => self.read(&text.xml10_content()),
            Event::CData(text) => self.read(&text.xml10_content()),
            Event::GeneralRef(reference) => self.resolve(reference),
            Event::DocType(_) => Err("a document type (DTD) is not allowed".to_owned()),
            Event::Decl(declaration) => match declaration.encoding() {
                Some(Ok(name)) if !name.eq_ignore_ascii_case("utf-8") && !name.eq_ignore_ascii_case("us-ascii") => {
                    Err(format!("the encoding must be UTF-8, not {}", shown(&name)))
                }
                _ => Ok(()),
            },
            Event::Comment(_) | Event::PI(_) | Event::Eof => Ok(()),
        }
    }

    fn open(&mut self, tag: &BytesStart<'_>, line: u64) -> Step {
        if tag.len() > TAG_BYTES {
            return Err(format!("a tag must have at most {TAG_BYTES} bytes"));
        }
        self.depth = self.depth.saturating_add(1);
        if self.depth > DEPTH {
            return Err(format!("elements must be nested at most {DEPTH} deep"));
        }
        let name = tag.local_name();
        if self.depth == 1 {
            return self.open_root(tag);
        }
        self.text.clear();
        match (name.as_ref(), &self.point) {
            ("trkseg", None) => self.before = None,
            ("trkpt", None) => {
                if self.points.len() >= POINTS {
                    return Err(format!("a file must have at most {POINTS} track points"));
                }
                let lat = degrees(tag, "lat")?;
                let lon = degrees(tag, "lon")?;
                LatLon::new(lat, lon).map_err(|refusal| format!("{}, not {lat} {lon}", refusal.message))?;
                let fields = FixFields { lat, lon, ..FixFields::default() };
                self.point = Some(Point { line, depth: self.depth, fields, ..Point::default() });
            }
            ("trkpt", Some(_)) => return Err("a track point within a track point".to_owned()),
            _ => {}
        }
        Ok(())
    }

    fn open_root(&mut self, tag: &BytesStart<'_>) -> Step {
        if self.seen_root || tag.local_name().as_ref() != "gpx" {
            return Err(format!("the file is no GPX: its root is {}", shown(tag.local_name().as_ref())));
        }
        self.seen_root = true;
        let own = match tag.name().prefix() {
            Some(prefix) => format!("xmlns:{}", prefix.as_ref()),
            None => "xmlns".to_owned(),
        };
        let namespace = attribute(tag, &own)?;
        let known = ["http://www.topografix.com/GPX/1/0", "http://www.topografix.com/GPX/1/1"];
        match namespace {
            Some(namespace) if !known.contains(&namespace.as_str()) => {
                Err(format!("the file is no GPX 1.0 or 1.1: its namespace is {}", shown(&namespace)))
            }
            _ => Ok(()),
        }
    }

    fn read(&mut self, text: &str) -> Step {
        if self.depth == 0 && !text.trim().is_empty() {
            return Err("text outside the root element".to_owned());
        }
        if self.point.is_some() {
            if self.text.len().saturating_add(text.len()) > TAG_BYTES {
                return Err(format!("a value must have at most {TAG_BYTES} bytes"));
            }
            self.text.push_str(text);
        }
        Ok(())
    }

    fn resolve(&mut self, reference: &BytesRef<'_>) -> Step {
        let name = reference.xml10_content();
        if let Some(known) = quick_xml::escape::resolve_predefined_entity(&name) {
            return self.read(known);
        }
        match reference.resolve_char_ref() {
            Ok(Some(known)) => self.read(known.encode_utf8(&mut [0; 4])),
            _ => Err(format!("the entity {} is not allowed", shown(&name))),
        }
    }

    fn close(&mut self, name: &str) -> Step {
        let depth = self.depth;
        self.depth = depth.saturating_sub(1);
        let Some(point) = &mut self.point else { return Ok(()) };
        if point.depth == depth {
            return self.close_point();
        }
        let text = self.text.trim();
        if text.is_empty() {
            return Ok(());
        }
        let is_own = point.depth.saturating_add(1) == depth;
        match name {
            "time" if is_own => point.t = Some(time(text)?),
            "ele" if is_own => point.fields.alt = Some(number(text, "ele")?),
            "hdop" if is_own => point.hdop = Some(number(text, "hdop")?),
            "speed" => point.fields.speed = Some(number(text, "speed")?),
            "course" | "bearing" => point.fields.heading = Some(number(text, "course")?),
            "hAcc" | "hacc" | "accuracy" => point.accuracy = Some(number(text, "accuracy")?),
            _ => {}
        }
        self.text.clear();
        Ok(())
    }

    fn close_point(&mut self) -> Step {
        let Some(point) = self.point.take() else { return Ok(()) };
        let Some(t) = point.t else {
            return Err(format!("the track point of line {} has no time", point.line));
        };
        if self.before.is_some_and(|before| t < before.saturating_sub(BACK_MS)) {
            return Err(format!("time goes back by more than {} s within a segment", BACK_MS / 1_000));
        }
        self.before = Some(t);
        let acc = point.accuracy.or_else(|| point.hdop.map(|hdop| hdop * METRES_PER_HDOP));
        self.points.push(FixFields { t, acc, ..point.fields });
        Ok(())
    }

    fn finish(self) -> Result<Vec<FixFields>, GpxError> {
        if !self.seen_root {
            return refuse("the file is no GPX: it has no root element");
        }
        if self.depth > 0 {
            return refuse("the file ends within an element: it is cut off");
        }
        if self.points.is_empty() {
            return refuse("the file has no track points");
        }
        Ok(self.points)
    }
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Result<Option<String>, String> {
    for attribute in tag.attributes().with_checks(false) {
        let attribute = attribute.map_err(|error| format!("a bad attribute: {}", told(&error)))?;
        if attribute.key.as_ref() == name {
            return Ok(Some(attribute.value.into_owned()));
        }
    }
    Ok(None)
}

fn degrees(tag: &BytesStart<'_>, name: &str) -> Result<f64, String> {
    let text = attribute(tag, name)?.ok_or_else(|| format!("a track point without {name}"))?;
    number(text.trim(), name)
}

fn number(text: &str, name: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| format!("{name} {} is not a number", shown(text)))?;
    if number.is_finite() { Ok(number) } else { Err(format!("{name} {} is not a finite number", shown(text))) }
}

/// A time of day with or without an offset; without one it is UTC, as GPX asks.
fn time(text: &str) -> Result<i64, String> {
    let with_offset = text.parse::<jiff::Timestamp>();
    let timestamp = with_offset.or_else(|error| {
        text.parse::<jiff::civil::DateTime>()
            .and_then(|wall| jiff::tz::Offset::UTC.to_timestamp(wall))
            .map_err(|_| error)
    });
    let t = timestamp.map_err(|_| format!("time {} is not a time", shown(text)))?.as_millisecond();
    if t < 0 { Err(format!("time {} is before 1970", shown(text))) } else { Ok(t) }
}

/// A value from the file, quoted, short and harmless to print.
fn shown(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    let dots = if short.len() < text.len() { "…" } else { "" };
    format!("\"{}{dots}\"", short.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STROLL: &str = include_str!("../../tests/fixtures/stroll.gpx");

    fn gpx(points: &str) -> String {
        format!("<gpx version='1.1'><trk><trkseg>\n{points}\n</trkseg></trk></gpx>")
    }

    fn refusal(text: &str) -> String {
        parse(text.as_bytes()).unwrap_err().to_string()
    }

    const POINT: &str = "<trkpt lat='1' lon='2'><time>2026-03-02T12:00:00Z</time></trkpt>";

    #[test]
    fn a_stroll_is_read_with_what_its_extensions_say() {
        let points = parse(STROLL.as_bytes()).unwrap();
        let noon = 1_772_452_800_000;
        let first = FixFields {
            lat: 40.76435,
            lon: -73.96944,
            t: noon,
            alt: Some(21.5),
            acc: Some(6.0),
            ..FixFields::default()
        };
        let second = FixFields {
            lat: 40.76445,
            lon: -73.9694,
            t: noon + 10_500,
            speed: Some(1.25),
            heading: Some(14.0),
            ..FixFields::default()
        };
        let third = FixFields {
            lat: 40.76455,
            lon: -73.96935,
            t: noon + 60_000,
            speed: Some(0.8),
            acc: Some(4.5),
            ..FixFields::default()
        };
        assert_eq!(points, [first, second, third]);
    }

    #[test]
    fn version_1_0_a_prefix_a_mark_and_a_time_without_offset_are_all_gpx() {
        let one = "<gpx version='1.0' xmlns='http://www.topografix.com/GPX/1/0'><trk><trkseg>\
                   <trkpt lat='1' lon='2'><time>2026-03-02T12:00:00</time><speed>1.5</speed><course>90</course></trkpt>\
                   </trkseg></trk></gpx>";
        let point = parse(one.as_bytes()).unwrap()[0];
        assert_eq!((point.t, point.speed, point.heading), (1_772_452_800_000, Some(1.5), Some(90.0)));
        let prefixed = "\u{FEFF}<g:gpx xmlns:g='http://www.topografix.com/GPX/1/1'><g:trk><g:trkseg>\
                        <g:trkpt lat='1' lon='2'><g:time>2026-03-02T12:00:00&#90;</g:time></g:trkpt></g:trkseg></g:trk></g:gpx>";
        assert_eq!(parse(prefixed.as_bytes()).map(|points| points.len()), Ok(1));
    }

    #[test]
    fn one_bad_point_refuses_the_file_and_is_named() {
        let cases = [
            ("<trkpt lat='undefined' lon='2'/>", "line 3: lat \"undefined\" is not a number"),
            ("<trkpt lat='NaN' lon='2'/>", "line 3: lat \"NaN\" is not a finite number"),
            ("<trkpt lat='91' lon='2'/>", "line 3: lat must be -90 to 90 degrees, not 91 2"),
            ("<trkpt lon='2'/>", "line 3: a track point without lat"),
            ("<trkpt lat='1' lon='2'><ele>5</ele></trkpt>", "line 3: the track point of line 3 has no time"),
            ("<trkpt lat='1' lon='2'><time>noon</time></trkpt>", "line 3: time \"noon\" is not a time"),
            (
                "<trkpt lat='1' lon='2'><time>1969-12-31T23:59:59Z</time></trkpt>",
                "line 3: time \"1969-12-31T23:59:59Z\" is before 1970",
            ),
            ("<trkpt lat='1' lon='2'><ele>high</ele></trkpt>", "line 3: ele \"high\" is not a number"),
            ("<trkpt lat='1' lon='2'><trkpt lat='1' lon='2'/></trkpt>", "line 3: a track point within a track point"),
            (
                "<trkpt lat='1' lon='2'><time>2026-03-02T11:58:59Z</time></trkpt>",
                "line 3: time goes back by more than 60 s within a segment",
            ),
        ];
        for (bad, expected) in cases {
            assert_eq!(refusal(&gpx(&format!("{POINT}\n{bad}\n{POINT}"))), expected);
        }
    }

    #[test]
    fn segments_may_overlap_and_a_clock_may_be_set_back_a_little() {
        let back = "<trkpt lat='1' lon='2'><time>2026-03-02T11:59:00Z</time></trkpt>";
        assert!(parse(gpx(&format!("{POINT}{back}")).as_bytes()).is_ok());
        let earlier = "<trkpt lat='1' lon='2'><time>2026-03-01T11:59:00Z</time></trkpt>";
        assert!(parse(gpx(&format!("{POINT}</trkseg><trkseg>{earlier}")).as_bytes()).is_ok());
    }

    #[test]
    fn document_types_entities_and_foreign_files_are_refused() {
        let bomb = "<!DOCTYPE gpx [<!ENTITY a 'aaaa'>]>\n<gpx/>";
        assert_eq!(refusal(bomb), "line 1: a document type (DTD) is not allowed");
        let entity = gpx("<trkpt lat='1' lon='2'><time>&now;</time></trkpt>");
        assert_eq!(refusal(&entity), "line 2: the entity \"now\" is not allowed");
        assert!(refusal("<gpx xmlns='http://example.org/'/>").contains("its namespace is"));
        assert!(refusal("<kml/>").contains("its root is \"kml\""));
        assert!(refusal("<?xml version='1.0' encoding='ISO-8859-1'?><gpx/>").contains("must be UTF-8"));
        assert_eq!(refusal("PK\u{3}\u{4}rest"), "the file is no GPX: it looks like zip");
        assert_eq!(parse(b"\x1F\x8B\x08\0").unwrap_err().to_string(), "the file is no GPX: it looks like gzip");
        assert_eq!(parse(b"<gpx>\n\xFF</gpx>").unwrap_err().to_string(), "line 2: not UTF-8");
    }

    #[test]
    fn what_is_cut_off_or_empty_or_malformed_is_refused() {
        for text in [
            "",
            "   ",
            "hello",
            "<gpx",
            "<gpx><trk>",
            "<gpx></trk></gpx>",
            "<gpx/><gpx/>",
            "<gpx><wpt lat='1' lon='2'/></gpx>",
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
        let whole = gpx(POINT);
        for end in 1..whole.len() {
            assert!(parse(&whole.as_bytes()[..end]).is_err(), "cut after {end} bytes");
        }
    }

    #[test]
    fn size_points_and_depth_are_bounded() {
        let deep = format!("<gpx>{}", "<a>".repeat(1_000_000));
        assert_eq!(refusal(&deep), "line 1: elements must be nested at most 64 deep");
        let wide = gpx(&format!("<trkpt lat='1' lon='2' x='{}'/>", "x".repeat(1_000_000)));
        assert_eq!(refusal(&wide), "line 2: a tag must have at most 16384 bytes");
        let most = POINT.repeat(POINTS);
        assert_eq!(parse(gpx(&most).as_bytes()).map(|points| points.len()), Ok(POINTS));
        assert_eq!(refusal(&gpx(&(most + POINT))), "line 2: a file must have at most 100000 track points");
        assert_eq!(refusal(&" ".repeat(FILE_BYTES + 1)), "the file is larger than 64 MiB");
    }

    #[test]
    fn real_recordings_are_read_and_the_malformed_one_is_refused_with_its_line() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let folders = ["../shared", "../../shared"].map(|folder| root.join(folder).join("data/gpx"));
        let Some(folder) = folders.into_iter().find(|folder| folder.is_dir()) else {
            println!("skipped: ../shared/data/gpx is absent");
            return;
        };
        let read = |name: &str| parse(&std::fs::read(folder.join(name)).unwrap());
        for (name, points) in [
            ("304_to_UL_2019-02-18_0745.gpx", 2_144),
            ("apple_watch_route.gpx", 44),
            ("garmin-activity.gpx", 988),
            ("garmin_with_extensions.gpx", 3_540),
            ("Friday-Evening-Run.gpx", 17),
            ("wikipedia_example.gpx", 3),
            ("with_accuracy.gpx", 3),
        ] {
            assert_eq!(read(name).map(|points| points.len()), Ok(points), "{name}");
        }
        assert_eq!(read("bad.gpx").unwrap_err().to_string(), "line 5: lat \"undefined\" is not a number");
        assert_eq!(read("with_accuracy.gpx").unwrap()[0].acc, Some(25.0));
        assert_eq!(read("apple_watch_route.gpx").unwrap()[0].speed, Some(1.310_662));
    }
}
