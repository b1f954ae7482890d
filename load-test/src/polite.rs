//! A phone that keeps quiet as asked (PROTOCOL.md, `quiet`): when it looks at its receiver, and when it reports. Pure: time and
//! places are parameters. Shared with the simulated day in `tests/spatial_oracle`, which is why it stands on its own.
//!
//! It reports at the earliest of: it has left its zone, the zone is about to run out, it is asked, the person became free or busy. Without a
//! zone it is an ordinary phone with a movement filter: it reports when it has moved, and now and then so that it stays fresh. That is at every
//! look at first, for then somebody passes by; who has been on the way among friends for a quarter of an hour, where nobody is given a zone, is as slow as
//! ordinary phones are.

/// Between two looks at the receiver at the least, milliseconds: the sampling delay.
pub const SAMPLE_MS: i64 = 5_000;
/// So much before a zone runs out it is renewed, milliseconds.
const RENEW_MS: i64 = 30_000;
/// Without a zone: movement is reported at every look for so long, and then this often at the most, milliseconds.
const PASSING_MS: i64 = 900_000;
const ORDINARY_MS: i64 = 30_000;
/// Without a zone: a report at least this often, milliseconds. A position is fresh for ten minutes.
const HEARTBEAT_MS: i64 = 540_000;
/// Without a zone: less than this is no movement, metres.
const STEP_M: f64 = 5.0;
/// Two deviations per axis over the radius within which 68 of 100 errors lie.
const TWO_DEVIATIONS: f64 = 2.0 / 1.51;
/// The protocol's sphere, metres.
const EARTH_RADIUS_M: f64 = 6_371_008.8;

/// What the receiver says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// Degrees.
    pub lat: f64,
    /// Degrees.
    pub lon: f64,
    /// 68 of 100 looks are off by less than this, metres.
    pub acc: f64,
}

/// How somebody gets about, as a phone tells without its receiver (its motion sensors).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pace {
    /// Does not move.
    Still,
    /// On foot.
    Walking,
    /// By bicycle.
    Cycling,
    /// By anything faster.
    Riding,
}

impl Pace {
    /// Of somebody who moves at this speed, m/s.
    #[must_use]
    pub fn of(speed: f64) -> Self {
        match speed {
            x if x < 0.3 => Self::Still,
            x if x < 2.5 => Self::Walking,
            x if x < 8.0 => Self::Cycling,
            _ => Self::Riding,
        }
    }

    /// Nobody of this pace is faster, m/s.
    const fn fastest(self) -> f64 {
        match self {
            Self::Still => 0.0,
            Self::Walking => 2.5,
            Self::Cycling => 8.0,
            Self::Riding => 35.0,
        }
    }
}

/// Why a phone reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// It never did.
    First,
    /// It left its zone.
    Exit,
    /// Its zone is about to run out.
    Lease,
    /// It was asked.
    Asked,
    /// The person became free or busy.
    Availability,
    /// It has no zone and has moved.
    Moved,
    /// It has no zone and stays fresh.
    Heartbeat,
}

#[derive(Clone, Copy, Debug)]
struct Zone {
    radius: f64,
    until: i64,
}

/// One phone.
#[derive(Clone, Debug)]
pub struct Polite {
    zone: Option<Zone>,
    /// What it last reported, and when.
    last: Option<(Look, i64)>,
    /// What it last saw, and when.
    seen: Option<(Look, i64)>,
    /// Since when it has had no zone, or has moved without one.
    bare: i64,
    asked: bool,
    flipped: bool,
    pace: Pace,
    look_at: i64,
    /// How often it has looked at its receiver.
    pub looks: u64,
}

impl Default for Polite {
    fn default() -> Self {
        let look_at = i64::MIN;
        let pace = Pace::Riding;
        Self {
            zone: None,
            last: None,
            seen: None,
            bare: look_at,
            asked: false,
            flipped: false,
            pace,
            look_at,
            looks: 0,
        }
    }
}

impl Polite {
    /// A `quiet` frame came at `now`, Unix milliseconds as `until` is.
    pub fn hear(&mut self, radius: f64, until: i64, now: i64) {
        if radius <= 0.0 {
            self.asked = true;
            self.look_at = now;
            return;
        }
        let had = self.zone.is_some();
        self.zone = (until > now + RENEW_MS).then_some(Zone { radius, until });
        if had && self.zone.is_none() {
            self.bare = now;
        }
        if let Some((seen, at)) = self.seen.filter(|_| !self.asked && !self.flipped) {
            self.look_at = self.next_look(seen, at);
        }
    }

    /// The person became free or busy: that is said with a position.
    pub const fn change_availability(&mut self) {
        self.flipped = true;
        self.look_at = i64::MIN;
    }

    /// Whether it looks at its receiver now, given how the person gets about.
    pub fn looks_at(&self, pace: Pace, now: i64) -> bool {
        now >= self.look_at || pace > self.pace
    }

    /// It has looked. Says whether it reports what it saw; then it has done so.
    pub fn look(&mut self, look: Look, pace: Pace, now: i64) -> Option<Cause> {
        self.looks += 1;
        if self.pace == Pace::Still && pace > Pace::Still {
            self.bare = now;
        }
        self.pace = pace;
        self.seen = Some((look, now));
        let cause = self.cause(look, now);
        if cause.is_some() {
            self.last = Some((look, now));
            (self.asked, self.flipped) = (false, false);
        }
        self.look_at = self.next_look(look, now);
        cause
    }

    fn cause(&self, look: Look, now: i64) -> Option<Cause> {
        let Some((last, at)) = self.last else { return Some(Cause::First) };
        let metres = metres_between(last, look);
        let margin = look.acc * TWO_DEVIATIONS;
        if self.asked {
            return Some(Cause::Asked);
        }
        if self.flipped {
            return Some(Cause::Availability);
        }
        // Who stands moves by noise alone.
        let step = if self.pace == Pace::Still { margin.max(STEP_M) } else { STEP_M };
        match self.zone {
            Some(zone) if metres - margin > zone.radius => Some(Cause::Exit),
            Some(zone) if now >= zone.until - RENEW_MS => Some(Cause::Lease),
            Some(_) => None,
            None if metres > step && now - at >= self.between(now) => Some(Cause::Moved),
            None => (now - at >= HEARTBEAT_MS).then_some(Cause::Heartbeat),
        }
    }

    /// Without a zone: between two reports at the least.
    const fn between(&self, now: i64) -> i64 {
        if now.saturating_sub(self.bare) < PASSING_MS { 0 } else { ORDINARY_MS }
    }

    /// Not before the edge can be reached, nor after the end. Who stands still cannot reach it.
    fn next_look(&self, look: Look, now: i64) -> i64 {
        let Some((last, at)) = self.last else { return now + SAMPLE_MS };
        let (edge, end) = match self.zone {
            Some(zone) => (zone.radius - metres_between(last, look), zone.until - RENEW_MS),
            None => (0.0, at + HEARTBEAT_MS),
        };
        let between = if self.zone.is_some() { 0 } else { at + self.between(now) - now };
        let reached = if self.pace == Pace::Still { f64::INFINITY } else { edge.max(0.0) / self.pace.fastest() * 1e3 };
        #[expect(clippy::cast_possible_truncation, reason = "saturates; the end comes first")]
        let wait = (reached as i64).max(between).clamp(SAMPLE_MS, (end - now).max(SAMPLE_MS));
        now + wait
    }
}

fn metres_between(a: Look, b: Look) -> f64 {
    let (lat_a, lat_b) = (a.lat.to_radians(), b.lat.to_radians());
    let (half_lat, half_lon) = ((lat_b - lat_a) / 2.0, (b.lon - a.lon).to_radians() / 2.0);
    let chord2 = half_lat.sin().powi(2) + lat_a.cos() * lat_b.cos() * half_lon.sin().powi(2);
    2.0 * EARTH_RADIUS_M * chord2.sqrt().min(1.0).asin()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000_000;

    fn north(metres: f64) -> Look {
        Look { lat: 52.0 + metres / 111_195.0, lon: 13.0, acc: 7.55 }
    }

    fn in_a_zone(radius: f64) -> Polite {
        let mut phone = Polite::default();
        assert_eq!(phone.look(north(0.0), Pace::Still, NOW), Some(Cause::First));
        phone.hear(radius, NOW + 1_800_000, NOW);
        phone.look(north(0.0), Pace::Still, NOW);
        phone
    }

    #[test]
    fn who_stays_in_the_zone_says_nothing_until_it_is_about_to_run_out() {
        let mut phone = in_a_zone(500.0);
        assert_eq!(phone.look(north(509.0), Pace::Walking, NOW + 60_000), None, "two deviations are 10 m");
        assert_eq!(phone.look(north(300.0), Pace::Walking, NOW + 1_769_999), None);
        assert_eq!(phone.look(north(300.0), Pace::Walking, NOW + 1_770_000), Some(Cause::Lease));
    }

    #[test]
    fn who_leaves_is_asked_or_changes_their_mind_reports_at_once_and_once() {
        let mut phone = in_a_zone(500.0);
        assert_eq!(phone.look(north(511.0), Pace::Walking, NOW + 60_000), Some(Cause::Exit));
        phone.hear(0.0, NOW + 90_000, NOW + 61_000);
        assert!(phone.looks_at(Pace::Still, NOW + 61_000));
        assert_eq!(phone.look(north(512.0), Pace::Walking, NOW + 61_000), Some(Cause::Asked));
        phone.change_availability();
        assert_eq!(phone.look(north(512.0), Pace::Still, NOW + 62_000), Some(Cause::Availability));
        assert_eq!(phone.look(north(512.0), Pace::Still, NOW + 63_000), None);
    }

    #[test]
    fn without_a_zone_it_reports_when_it_has_moved_and_stays_fresh() {
        let mut phone = in_a_zone(500.0);
        phone.hear(1.0, NOW, NOW);
        assert_eq!(phone.look(north(9.0), Pace::Still, NOW + 5_000), None, "noise");
        assert_eq!(phone.look(north(9.0), Pace::Walking, NOW + 10_000), Some(Cause::Moved));
        assert_eq!(phone.look(north(9.0), Pace::Still, NOW + 550_000), Some(Cause::Heartbeat));
        assert_eq!(phone.look(north(19.0), Pace::Walking, NOW + 560_000), Some(Cause::Moved));
        assert_eq!(phone.look(north(200.0), Pace::Walking, NOW + 1_460_000), Some(Cause::Moved));
        assert_eq!(
            phone.look(north(210.0), Pace::Walking, NOW + 1_465_000),
            None,
            "on the way for a quarter of an hour"
        );
        assert!(!phone.looks_at(Pace::Walking, NOW + 1_489_999) && phone.looks_at(Pace::Walking, NOW + 1_490_000));
        assert_eq!(phone.look(north(230.0), Pace::Walking, NOW + 1_490_000), Some(Cause::Moved));
    }

    #[test]
    fn the_receiver_rests_while_the_edge_cannot_be_reached() {
        let mut phone = in_a_zone(500.0);
        assert!(!phone.looks_at(Pace::Still, NOW + 1_700_000) && phone.looks_at(Pace::Still, NOW + 1_770_000));
        assert!(phone.looks_at(Pace::Walking, NOW + 1), "it stirs");
        phone.look(north(0.0), Pace::Walking, NOW);
        assert!(!phone.looks_at(Pace::Walking, NOW + 199_000) && phone.looks_at(Pace::Walking, NOW + 200_000));
        assert!(phone.looks_at(Pace::Riding, NOW + 10_000), "it gets faster");
        phone.look(north(499.0), Pace::Riding, NOW);
        assert!(!phone.looks_at(Pace::Riding, NOW + 4_999) && phone.looks_at(Pace::Riding, NOW + 5_000));
    }
}
