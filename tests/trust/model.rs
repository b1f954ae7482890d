//! What each person may know of each other, as the rules say it in sentences. Nothing here asks the server or uses its code.
//!
//! The unit is what somebody *may have been told*: a friend who is shown exactly may be told every position that was the
//! newest one since that began. The moment it ends, everything that was not told yet may no longer be; what was the newest
//! position while it was not shared stays unknown, unless it still is the newest when it is shared again.
use std::collections::BTreeSet;

use super::grid;
use super::marks::Mark;
use crate::client::At;

/// How precisely a position is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Off,
    Approximate,
    Exact,
}

impl Level {
    pub const ALL: [Self; 3] = [Self::Off, Self::Approximate, Self::Exact];

    pub fn word(self) -> &'static str {
        ["off", "approximate", "exact"][self as usize]
    }
}

/// What one may know of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sees {
    Nothing,
    /// Id and name of somebody who seems to be gone.
    Name,
    /// Also whether online, whether free, the note.
    State,
    /// Also the cell.
    Cell,
    /// Also the place.
    Place,
}

impl Sees {
    /// The protocol's word.
    pub fn word(self) -> &'static str {
        ["nothing", "veiled", "presence", "approximate", "exact"][self as usize]
    }
}

/// A choice of what to share, with an optional end and what comes after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    pub level: Level,
    pub until: Option<i64>,
    after: Level,
}

impl Share {
    pub const ALWAYS: Self = Self { level: Level::Exact, until: None, after: Level::Exact };

    pub fn at(&self, now: i64) -> Level {
        if self.until.is_some_and(|until| now >= until) { self.after } else { self.level }
    }

    /// What will hold when every end has come.
    fn finally(&self) -> Level {
        if self.until.is_some() { self.after } else { self.level }
    }

    /// Forgets an end that has come.
    pub fn expire(&mut self, now: i64) {
        let level = self.at(now);
        if self.until.is_some_and(|until| now >= until) {
            *self = Self { level, until: None, after: level };
        }
    }

    /// Sharing for a while ends in nothing; a pause ends in what there would have been in the end without it.
    pub fn change(&mut self, level: Level, until: Option<i64>) {
        let after = match until {
            None => level,
            Some(_) if level == Level::Off => self.finally(),
            Some(_) => Level::Off,
        };
        *self = Self { level, until, after };
    }

    pub fn new(level: Level, until: Option<i64>) -> Self {
        let mut share = Self::ALWAYS;
        share.change(level, until);
        share
    }
}

/// A position that was reported.
#[derive(Clone, Copy, Debug)]
pub struct Fix {
    pub at: At,
    pub t: i64,
}

/// One person.
#[derive(Clone, Debug, Default)]
pub struct Person {
    pub alive: bool,
    pub name: u32,
    pub free: bool,
    pub note: Option<u32>,
    pub until: Option<i64>,
    pub hidden_until: Option<i64>,
    pub only_free: bool,
    pub fixes: Vec<Fix>,
}

impl Person {
    pub fn is_free(&self, now: i64) -> bool {
        self.free && self.until.is_none_or(|until| now < until)
    }

    pub fn is_hidden(&self, now: i64) -> bool {
        self.hidden_until.is_some_and(|until| now < until)
    }

    pub fn newest(&self) -> Option<(u32, Fix)> {
        let fix = *self.fixes.last()?;
        Some((u32::try_from(self.fixes.len() - 1).unwrap(), fix))
    }
}

/// What one may have been told of another so far.
#[derive(Clone, Debug, Default)]
pub struct Told {
    marks: BTreeSet<Mark>,
    /// Centres of cells.
    pub cells: Vec<At>,
}

/// Everything that matters of everybody.
#[derive(Clone, Debug)]
pub struct Model {
    pub now: i64,
    pub people: Vec<Person>,
    /// `[owner][viewer]`; `None`: no friends.
    pub shares: Vec<Vec<Option<Share>>>,
    /// `[who][whom]`.
    pub blocks: Vec<Vec<bool>>,
    told: Vec<Vec<Told>>,
    /// How old a cell may be and still be the one that is shown, ms.
    hold: i64,
}

impl Model {
    pub fn new(people: usize, now: i64, hold: i64) -> Self {
        let person = Person { alive: true, ..Person::default() };
        Self {
            now,
            people: vec![person; people],
            shares: vec![vec![None; people]; people],
            blocks: vec![vec![false; people]; people],
            told: vec![vec![Told::default(); people]; people],
            hold,
        }
    }

    pub fn everyone(&self) -> impl Iterator<Item = usize> + use<> {
        0..self.people.len()
    }

    pub fn alive(&self) -> Vec<usize> {
        self.everyone().filter(|person| self.people[*person].alive).collect()
    }

    pub fn are_friends(&self, a: usize, b: usize) -> bool {
        self.shares[a][b].is_some()
    }

    pub fn friends(&self, of: usize) -> BTreeSet<usize> {
        self.everyone().filter(|other| self.are_friends(*other, of)).collect()
    }

    /// What `viewer` may know of `owner` now.
    pub fn sees(&self, viewer: usize, owner: usize) -> Sees {
        let person = &self.people[owner];
        if viewer == owner {
            return Sees::Place;
        }
        let Some(share) = self.shares[owner][viewer].filter(|_| person.alive) else { return Sees::Nothing };
        let level = share.at(self.now);
        if person.is_hidden(self.now) || level == Level::Off {
            return Sees::Name;
        }
        if person.only_free && !person.is_free(self.now) {
            return Sees::State;
        }
        if level == Level::Exact { Sees::Place } else { Sees::Cell }
    }

    /// Whether `viewer` may be told this now.
    pub fn may_know(&self, viewer: usize, mark: Mark) -> bool {
        let (owner, needs) = match mark {
            Mark::Id(owner) => (owner, Sees::Name),
            Mark::Name(owner, _) => (owner, Sees::Name),
            Mark::Note(owner, _) => (owner, Sees::State),
            Mark::Fix(owner, _) => (owner, Sees::Place),
        };
        let known = matches!(mark, Mark::Id(_)) || self.told[viewer][owner].marks.contains(&mark);
        viewer == owner || (self.sees(viewer, owner) >= needs && known)
    }

    /// Whether `viewer` may be shown this cell for `owner` now.
    pub fn may_show_cell(&self, viewer: usize, owner: usize, shown: At) -> bool {
        let cells = &self.told[viewer][owner].cells;
        self.sees(viewer, owner) >= Sees::Cell && cells.iter().any(|cell| grid::same(*cell, shown))
    }

    /// The places at which `viewer` may take `owner` to be: for distances.
    pub fn shown_points(&self, viewer: usize, owner: usize) -> Vec<At> {
        match self.sees(viewer, owner) {
            Sees::Place => {
                let told = &self.told[viewer][owner].marks;
                let fixes = self.people[owner].fixes.iter().zip(0..);
                let is_known = |at: u32| viewer == owner || told.contains(&Mark::Fix(owner, at));
                fixes.filter(|(_, at)| is_known(*at)).map(|(fix, _)| fix.at).collect()
            }
            Sees::Cell => self.told[viewer][owner].cells.clone(),
            _ => Vec::new(),
        }
    }

    /// What follows from what is so now: to be called after every change.
    pub fn learn(&mut self) {
        for viewer in self.everyone() {
            for owner in self.everyone().filter(|owner| *owner != viewer) {
                let sees = self.sees(viewer, owner);
                let person = &self.people[owner];
                let told = &mut self.told[viewer][owner];
                told.marks.retain(|mark| match mark {
                    Mark::Fix(..) => sees >= Sees::Place,
                    Mark::Note(..) => sees >= Sees::State,
                    Mark::Name(..) | Mark::Id(_) => sees >= Sees::Name,
                });
                if sees < Sees::Cell {
                    told.cells.clear();
                }
                if sees >= Sees::Name {
                    told.marks.insert(Mark::Name(owner, person.name));
                }
                if let Some(note) = person.note.filter(|_| sees >= Sees::State && person.is_free(self.now)) {
                    told.marks.insert(Mark::Note(owner, note));
                }
                if let Some((at, _)) = person.newest().filter(|_| sees >= Sees::Place) {
                    told.marks.insert(Mark::Fix(owner, at));
                }
                if sees >= Sees::Cell {
                    // A cell that was left is not entered again for a while: which of the latest is shown is the grid's affair.
                    let begin = self.now - self.hold;
                    let newest = person.newest().map(|(_, fix)| fix);
                    let recent = person.fixes.iter().copied().filter(|fix| fix.t >= begin).chain(newest);
                    for cell in recent.map(|fix| grid::centre(fix.at)) {
                        if !told.cells.iter().any(|known| grid::same(*known, cell)) {
                            told.cells.push(cell);
                        }
                    }
                }
            }
        }
    }

    /// Whether something ended by itself after `from` and until `to`.
    pub fn ended_between(&self, from: i64, to: i64) -> bool {
        let own = self.people.iter().flat_map(|person| [person.until, person.hidden_until]);
        let shared = self.shares.iter().flatten().map(|share| share.as_ref()?.until);
        own.chain(shared).flatten().any(|end| from < end && end <= to)
    }

    pub fn befriend(&mut self, a: usize, b: usize, by_a: Share, by_b: Share) {
        self.shares[a][b] = Some(by_a);
        self.shares[b][a] = Some(by_b);
    }

    pub fn part(&mut self, a: usize, b: usize) {
        self.shares[a][b] = None;
        self.shares[b][a] = None;
    }

    pub fn block(&mut self, who: usize, whom: usize) {
        self.part(who, whom);
        self.blocks[who][whom] = true;
    }

    pub fn erase(&mut self, person: usize) {
        for other in self.everyone() {
            self.part(person, other);
            self.blocks[person][other] = false;
            self.blocks[other][person] = false;
        }
        self.people[person].alive = false;
    }
}

#[test]
fn what_was_reported_in_a_gap_stays_unknown_unless_it_is_still_so() {
    let mut model = Model::new(2, 0, 1_000);
    let fix = |model: &mut Model, t: i64| {
        model.now = t;
        model.people[0].fixes.push(Fix { at: (52.0, 13.0), t });
        model.learn();
    };
    model.befriend(0, 1, Share::ALWAYS, Share::ALWAYS);
    fix(&mut model, 1);
    assert!(model.may_know(1, Mark::Fix(0, 0)));
    model.part(0, 1);
    fix(&mut model, 2);
    fix(&mut model, 3);
    assert!(!model.may_know(1, Mark::Fix(0, 0)) && !model.may_know(1, Mark::Id(0)));
    model.befriend(0, 1, Share::ALWAYS, Share::ALWAYS);
    model.learn();
    let known = |model: &Model| [0, 1, 2].map(|at| model.may_know(1, Mark::Fix(0, at)));
    assert_eq!(known(&model), [false, false, true]);
    model.people[0].hidden_until = Some(10);
    model.learn();
    assert_eq!((known(&model), model.sees(1, 0)), ([false; 3], Sees::Name));
}
