//! The waiting room of late fixes: a backlog is followed in the order of its times, in whatever order it comes.
//!
//! The fixes of a backlog stay here, sorted, until there are too many; what they gave is known, so that one that belongs between others
//! can have them looked at anew. Beyond [`ROOM`] half of them leave for good: their time is known from then on.
use super::moving::seconds;
use super::spans::{Span, Spans};
use crate::activity::walking::{GAP_MS, Sighting, Stretch, Walking};

/// How many late fixes wait: so many in any order give what they would have given in order.
pub(super) const ROOM: usize = 128;
/// A fix this soon after the beginning of known time still shows where the way before it led, seconds.
const EDGE_S: u32 = 60;

/// The time that is known from elsewhere.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    /// What was followed before.
    pub spans: &'a Spans,
    /// What the live run has followed so far.
    pub live: Option<Span>,
}

impl Known<'_> {
    /// The span that holds a moment.
    pub fn holding(&self, t: u32) -> Option<Span> {
        self.spans.holding(t).or(self.live.filter(|live| (live.from..=live.to).contains(&t)))
    }

    /// True when some known time begins after one moment and before another.
    fn begins_between(&self, a: u32, b: u32) -> bool {
        let within = |span: Span| a < span.from && span.from < b;
        self.spans.after(a).is_some_and(within) || self.live.is_some_and(within)
    }

    /// True when what was at `a` says nothing of the way to `b`.
    fn divides(&self, a: u32, b: u32) -> bool {
        self.begins_between(a, b) || self.holding(a).is_some_and(|span| a < span.to)
    }
}

/// Late fixes, oldest first, and what they gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Room {
    sightings: Vec<Sighting>,
    /// The walking that has seen all of them.
    walking: Walking,
    given: Vec<Stretch>,
}

/// What a late fix changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Correction {
    /// What was given before and holds no more.
    pub less: Vec<Stretch>,
    /// What is given now.
    pub more: Vec<Stretch>,
    /// The time that is known from now on, because it left the room.
    pub left: Vec<Span>,
}

impl Room {
    /// Takes a sighting in. `None` when it says nothing: it is here already, or lies in known time and not at its edge.
    pub fn take(&mut self, sighting: Sighting, known: Known<'_>) -> Option<Correction> {
        let at = seconds(sighting.t());
        let place = self.sightings.binary_search_by_key(&sighting.t(), Sighting::t).err()?;
        if !self.leads_to(place, at, known) {
            return None;
        }
        let mut correction = Correction::default();
        let is_last = place == self.sightings.len();
        self.sightings.insert(place, sighting);
        if is_last {
            let mut more = Vec::new();
            let before = self.sightings.len().checked_sub(2).and_then(|before| self.sightings.get(before)).copied();
            follow(&mut self.walking, before, &sighting, known, &mut more);
            self.given.extend(&more);
            correction.more = more;
        } else {
            correction.less = std::mem::take(&mut self.given);
            self.look_again(known);
            correction.more.clone_from(&self.given);
        }
        if self.sightings.len() >= ROOM {
            correction.left = self.leave(place, known);
        }
        Some(correction)
    }

    /// True when the way of those who wait leads to a moment just after known time begins, or from the one at which it ends.
    fn leads_to(&self, place: usize, at: u32, known: Known<'_>) -> bool {
        let Some(span) = known.holding(at) else { return true };
        let before = place.checked_sub(1).and_then(|before| self.sightings.get(before));
        let arrives = at - span.from <= EDGE_S && before.is_some_and(|before| !known.divides(seconds(before.t()), at));
        let next = self.sightings.get(place);
        arrives || (at == span.to && next.is_some_and(|next| !known.divides(at, seconds(next.t()))))
    }

    fn look_again(&mut self, known: Known<'_>) {
        self.walking = Walking::default();
        self.given.clear();
        let mut before = None;
        for sighting in &self.sightings {
            follow(&mut self.walking, before, sighting, known, &mut self.given);
            before = Some(*sighting);
        }
    }

    /// Half of the room leaves: the one that the newest comer is not in.
    fn leave(&mut self, newest: usize, known: Known<'_>) -> Vec<Span> {
        let half = self.sightings.len() / 2;
        let Some(cut) = self.sightings.get(half).map(Sighting::t) else { return Vec::new() };
        let older_leaves = newest >= half;
        // The one at which they part is in both halves.
        let left = if older_leaves { self.sightings.get(..=half) } else { self.sightings.get(half..) };
        let mut left = pieces(left.unwrap_or_default(), known);
        // What was given for good is known time, too, silences that were taken for walks among it.
        let mut leaves =
            |from: i64, to: i64| left.extend((from < to).then(|| Span { from: seconds(from), to: seconds(to) }));
        if older_leaves {
            self.sightings.drain(..half);
            self.given.retain_mut(|stretch| {
                let gone = stretch.until(cut);
                leaves(gone.from, gone.to);
                (stretch.metres, stretch.from) = (stretch.metres - gone.metres, stretch.from.max(cut));
                stretch.to > cut
            });
        } else {
            self.sightings.truncate(half + 1);
            self.given.retain_mut(|stretch| {
                leaves(stretch.from.max(cut), stretch.to);
                *stretch = stretch.until(cut);
                stretch.from < cut
            });
            self.walking = Walking::default();
            let mut before = None;
            for sighting in &self.sightings {
                follow(&mut self.walking, before, sighting, known, &mut Vec::new());
                before = Some(*sighting);
            }
        }
        left
    }

    /// Everybody leaves. What the newest gave that was not certain yet counts.
    pub fn close(mut self, known: Known<'_>) -> Correction {
        let more = self.walking.finish().into_iter().collect();
        Correction { less: Vec::new(), more, left: self.times(known) }
    }

    /// The times that those in the room tell of.
    pub fn times(&self, known: Known<'_>) -> Vec<Span> {
        let given = self.given.iter().map(|stretch| Span { from: seconds(stretch.from), to: seconds(stretch.to) });
        pieces(&self.sightings, known).into_iter().chain(given).collect()
    }

    /// What this takes beside its own size, bytes.
    #[cfg(test)]
    pub fn heap_bytes(&self) -> usize {
        self.sightings.capacity() * size_of::<Sighting>() + self.given.capacity() * size_of::<Stretch>()
    }
}

/// Goes on from one sighting to the next. Way that lies in known time does not count, and a silence counts where it looks like a walk.
fn follow(
    walking: &mut Walking,
    before: Option<Sighting>,
    next: &Sighting,
    known: Known<'_>,
    given: &mut Vec<Stretch>,
) {
    let at = seconds(next.t());
    if before.is_some_and(|before| known.divides(seconds(before.t()), at)) {
        given.extend(walking.finish());
        *walking = Walking::default();
    }
    let told = walking.see(next);
    let end = known.holding(at).map_or(i64::MAX, |span| i64::from(span.from) * 1_000 + 999);
    given.extend(told.walked.map(|stretch| stretch.until(end.max(stretch.from))));
    let silence = told.silence.zip(walking.newest());
    if let Some((from, to)) = silence
        && let Some(metres) = from.walk_to(to)
    {
        given.push(Stretch { metres, from: from.t, to: to.t });
    }
    if known.holding(at).is_some() {
        // Where known time begins the way ends.
        given.extend(walking.finish().map(|stretch| stretch.until(end.max(stretch.from))));
        let place = walking.newest();
        *walking = Walking::default();
        if let Some(place) = place {
            walking.see(&place.into());
        }
    }
}

/// The times of sightings that follow each other.
fn pieces(sightings: &[Sighting], known: Known<'_>) -> Vec<Span> {
    let mut pieces: Vec<Span> = Vec::new();
    let mut before: Option<i64> = None;
    for sighting in sightings {
        let (t, at) = (sighting.t(), seconds(sighting.t()));
        let follows = before.is_some_and(|before| t - before <= GAP_MS && !known.divides(seconds(before), at));
        match pieces.last_mut() {
            Some(piece) if follows => piece.to = at,
            _ => pieces.push(Span { from: at, to: at }),
        }
        before = Some(t);
    }
    pieces
}
