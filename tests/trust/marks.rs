//! Words and coordinates that say whose they are: whatever a viewer receives is searched for them, wherever they stand.
use std::collections::HashMap;

/// Somebody's secret, found in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    /// A person's id.
    Id(usize),
    /// A person's so-manieth name.
    Name(usize, u32),
    /// A person's so-manieth note.
    Note(usize, u32),
    /// The latitude or longitude of a person's so-manieth fix.
    Fix(usize, u32),
}

/// The id of a person.
pub fn id(person: usize) -> String {
    format!("idqx{person}z")
}

/// The name a person has after so many changes.
pub fn name(person: usize, version: u32) -> String {
    format!("Nameqx{person}v{version}z")
}

/// The note of a person's so-manieth freedom.
pub fn note(person: usize, version: u32) -> String {
    format!("noteqx{person}v{version}z")
}

/// Whose id this is.
pub fn person_of(id: &str) -> Option<usize> {
    id.strip_prefix("idqx")?.strip_suffix('z')?.parse().ok()
}

/// Every coordinate that was ever reported. No two fixes have one in common.
#[derive(Clone, Debug, Default)]
pub struct Coordinates(HashMap<u64, Mark>);

impl Coordinates {
    /// Notes whose they are.
    pub fn note(&mut self, person: usize, fix: u32, (lat, lon): (f64, f64)) {
        for degrees in [lat, lon] {
            let known = self.0.insert(degrees.to_bits(), Mark::Fix(person, fix));
            assert_eq!(known, None, "{degrees} was somebody's before");
        }
    }

    /// Whose coordinate this is.
    pub fn of(&self, degrees: f64) -> Option<Mark> {
        self.0.get(&degrees.to_bits()).copied()
    }

    /// Every mark in a text.
    pub fn marks(&self, text: &str) -> Vec<Mark> {
        let mut found = words(text);
        found.extend(numbers(text).filter_map(|degrees| self.of(degrees)));
        found.sort_unstable();
        found.dedup();
        found
    }
}

fn words(text: &str) -> Vec<Mark> {
    let mark = |at: usize| {
        let (before, after) = (&text[..at], &text[at + 2..]);
        let (number, after) = digits(after)?;
        let version = || digits(after.strip_prefix('v')?).map(|(version, _)| u32::try_from(version).unwrap());
        if before.ends_with("id") {
            Some(Mark::Id(number))
        } else if before.ends_with("Name") {
            Some(Mark::Name(number, version()?))
        } else if before.ends_with("note") {
            Some(Mark::Note(number, version()?))
        } else {
            None
        }
    };
    text.match_indices("qx").filter_map(|(at, _)| mark(at)).collect()
}

fn digits(text: &str) -> Option<(usize, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

/// Every number with a point in a text.
fn numbers(text: &str) -> impl Iterator<Item = f64> + '_ {
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | 'e' | 'E' | '+');
    text.split(move |c| !is_part(c)).filter(|word| word.contains('.')).filter_map(|word| word.parse().ok())
}

#[test]
fn marks_are_found_wherever_they_stand() {
    let mut coordinates = Coordinates::default();
    coordinates.note(3, 7, (52.521_300_1, -13.400_000_9));
    let text = format!(
        r#"PK..{{"user":"{}","{}":["x{}y",[-13.4000009,1]],"lat":5.25213001e1}}"#,
        id(1),
        name(2, 31),
        note(0, 4)
    );
    let expected = [Mark::Id(1), Mark::Name(2, 31), Mark::Note(0, 4), Mark::Fix(3, 7)];
    assert_eq!(coordinates.marks(&text), expected);
    assert_eq!(coordinates.marks("idqxz 52.5213 noteqx1z"), []);
    assert_eq!(person_of(&id(4)), Some(4));
}
