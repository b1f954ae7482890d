//! The files of a replay: surveyed completely before anything is sent, then read again in order of time.
use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::plan::Span;
use crate::domain::{FixFields, UnixMs};
use crate::protocol::gpx;
use crate::protocol::seed_line::{LineSplitter, SeedLine};

/// How many faulty lines of a file are listed.
const LISTED: u64 = 50;
/// How much of a file is read at once, bytes.
const CHUNK: usize = 64 * 1024;

/// One event of a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When it happened.
    pub t: UnixMs,
    /// What.
    pub item: Item,
}

/// What a recording holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// A line of a seed file: somebody's position and availability.
    Seed(SeedLine),
    /// A point of a GPX track: the caller's own.
    Fix(FixFields),
}

/// Files that have been read through and found fit to send.
#[derive(Debug, Default)]
pub struct Recording {
    seed_files: Vec<PathBuf>,
    tracks: Vec<Vec<FixFields>>,
    /// True when a file is a GPX recording.
    pub has_gpx: bool,
    /// From the earliest to the latest event; `None` without events.
    pub span: Option<Span>,
    /// How many events there are to send.
    pub events: u64,
    /// Faulty lines of seed files.
    pub bad_lines: u64,
    /// Empty lines and comments of seed files.
    pub skipped_lines: u64,
}

impl Recording {
    /// Reads every file through. Faulty seed lines are listed on `out` and counted; of GPX files nothing may be faulty.
    ///
    /// # Errors
    /// When a file cannot be read, or a GPX file is refused.
    pub fn read(files: &[PathBuf], out: &mut dyn Write) -> anyhow::Result<Self> {
        let mut recording = Self::default();
        for path in files {
            let name = path.display();
            if is_gpx(path)? {
                let points = read_gpx(path).with_context(|| format!("{name} is refused, nothing was sent"))?;
                recording.add_track(points);
            } else {
                recording.survey_seeds(path, out).with_context(|| format!("cannot read {name}"))?;
            }
        }
        Ok(recording)
    }

    fn add_track(&mut self, mut points: Vec<FixFields>) {
        points.sort_by_key(|point| point.t);
        for point in &points {
            self.widen(UnixMs(point.t));
        }
        self.has_gpx = true;
        self.tracks.push(points);
    }

    fn widen(&mut self, t: UnixMs) {
        self.events += 1;
        self.span = Some(self.span.map_or(Span::of(t), |span| span.with(Span::of(t))));
    }

    fn survey_seeds(&mut self, path: &Path, out: &mut dyn Write) -> anyhow::Result<()> {
        let mut seeds = SeedFile::open(path)?;
        let mut bad = 0;
        while let Some(line) = seeds.next_line()? {
            match line {
                Ok(seed) => self.widen(seed.t),
                Err((number, error)) => {
                    bad += 1;
                    if bad <= LISTED {
                        writeln!(out, "{}: line {number}, {error}", path.display())?;
                    }
                }
            }
        }
        if bad > LISTED {
            writeln!(out, "{}: {} more faulty lines", path.display(), bad - LISTED)?;
        }
        self.bad_lines += bad;
        self.skipped_lines += seeds.skipped;
        self.seed_files.push(path.to_owned());
        Ok(())
    }
}

fn is_gpx(path: &Path) -> anyhow::Result<bool> {
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gpx")) {
        return Ok(true);
    }
    let mut head = Vec::new();
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    file.take(512).read_to_end(&mut head).with_context(|| format!("cannot read {}", path.display()))?;
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&head);
    Ok(text.trim_ascii_start().first() == Some(&b'<'))
}

fn read_gpx(path: &Path) -> anyhow::Result<Vec<FixFields>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(gpx::FILE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(gpx::parse(&bytes)?)
}

type Parsed = Result<SeedLine, (u64, crate::protocol::seed_line::SeedError)>;

/// A seed file that is read bit by bit.
struct SeedFile {
    file: File,
    splitter: Option<LineSplitter>,
    waiting: VecDeque<Parsed>,
    chunk: Vec<u8>,
    skipped: u64,
}

impl SeedFile {
    fn open(path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path)?;
        if file.metadata()?.is_dir() {
            bail!("it is a folder");
        }
        let splitter = Some(LineSplitter::new());
        Ok(Self { file, splitter, waiting: VecDeque::new(), chunk: vec![0; CHUNK], skipped: 0 })
    }

    fn next_line(&mut self) -> std::io::Result<Option<Parsed>> {
        loop {
            if let Some(line) = self.waiting.pop_front() {
                return Ok(Some(line));
            }
            let Some(splitter) = &mut self.splitter else { return Ok(None) };
            let read = match self.file.read(&mut self.chunk) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            let waiting = &mut self.waiting;
            let each = |number, line: Result<&str, _>| {
                waiting.push_back(line.and_then(SeedLine::parse).map_err(|error| (number, error)));
            };
            if read > 0 {
                splitter.feed(self.chunk.get(..read).unwrap_or_default(), each);
            } else if let Some(splitter) = self.splitter.take() {
                self.skipped = splitter.finish(each).skipped;
            }
        }
    }
}

enum Source {
    Seeds(Box<SeedFile>),
    Track(std::vec::IntoIter<FixFields>),
}

impl Source {
    fn next(&mut self) -> std::io::Result<Option<Event>> {
        match self {
            Self::Track(points) => {
                Ok(points.next().map(|fields| Event { t: UnixMs(fields.t), item: Item::Fix(fields) }))
            }
            Self::Seeds(file) => {
                while let Some(line) = file.next_line()? {
                    if let Ok(line) = line {
                        return Ok(Some(Event { t: line.t, item: Item::Seed(line) }));
                    }
                }
                Ok(None)
            }
        }
    }
}

/// The events of all files, earliest first as far as each file is in order itself.
pub struct Timeline {
    sources: Vec<(Source, Option<Event>)>,
}

impl Timeline {
    /// Opens the files again.
    ///
    /// # Errors
    /// When a file cannot be opened any more.
    pub fn open(recording: &Recording) -> anyhow::Result<Self> {
        let mut sources = Vec::new();
        for path in &recording.seed_files {
            let file = SeedFile::open(path).with_context(|| format!("cannot open {}", path.display()))?;
            sources.push(Source::Seeds(Box::new(file)));
        }
        sources.extend(recording.tracks.iter().map(|track| Source::Track(track.clone().into_iter())));
        let mut timeline = Self { sources: Vec::new() };
        for mut source in sources {
            let first = source.next()?;
            timeline.sources.push((source, first));
        }
        Ok(timeline)
    }
}

impl Iterator for Timeline {
    type Item = std::io::Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        let waiting = self.sources.iter_mut().filter(|(_, event)| event.is_some());
        let (source, event) = waiting.min_by_key(|(_, event)| event.as_ref().map(|event| event.t))?;
        match source.next() {
            Ok(following) => std::mem::replace(event, following).map(Ok),
            Err(error) => {
                *event = None;
                Some(Err(error))
            }
        }
    }
}
