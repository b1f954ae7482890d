//! What the world answers without changing.
use super::facts::{Counts, Live, Nearby, Neighbour, Person};
use super::index::{self, BoundingBox};
use super::limits::Exception;
use super::proximity::{Bond, Pair};
use super::sphere;
use super::world::{Slot, World};
use crate::domain::{LatLon, Precision, UnixMs, UserNo};

impl World {
    /// A person's newest live position, however old.
    #[must_use]
    pub fn live(&self, no: UserNo) -> Option<&Live> {
        self.slots.get(no)?.spot.as_ref().map(|spot| &spot.live)
    }

    /// A person's live position if it is not stale at `now`.
    #[must_use]
    pub fn fresh(&self, no: UserNo, now: UnixMs) -> Option<&Live> {
        let slot = self.slots.get(no)?;
        slot.spot.as_ref().map(|spot| &spot.live).filter(|_| self.is_fresh(slot, now))
    }

    /// Whether the live position is not stale at `now`.
    pub(super) fn is_fresh(&self, slot: &Slot, now: UnixMs) -> bool {
        slot.fresh_until(self.settings.fresh_ms, self.grace_ms()).is_some_and(|until| now <= until)
    }

    /// A person's radius and conditions.
    #[must_use]
    pub fn person(&self, no: UserNo) -> Option<&Person> {
        self.slots.get(no).map(|slot| &slot.person)
    }

    /// A person's friends, by rising number; empty for someone who was not inserted.
    #[must_use]
    pub fn friends(&self, no: UserNo) -> &[UserNo] {
        self.slots.get(no).map_or(&[], |slot| &slot.friends)
    }

    /// True from the pair's `Near` to its `Apart`.
    #[must_use]
    pub fn is_near(&self, a: UserNo, b: UserNo) -> bool {
        self.bonds.get(Pair::of(a, b)).is_some_and(|bond| bond.is_near())
    }

    /// The friends a person is near now, by rising number.
    #[must_use]
    pub fn near_friends(&self, no: UserNo) -> Vec<UserNo> {
        let bonded = self.slots.get(no).map_or(&[][..], |slot| &slot.bonded);
        bonded.iter().copied().filter(|other| self.is_near(no, *other)).collect()
    }

    /// When a pair that is near was announced: what [`World::restore_pair`] wants to know after a restart. For a pair that
    /// has parted, the announcement that still keeps it from being announced again.
    #[must_use]
    pub fn announced_at(&self, a: UserNo, b: UserNo) -> Option<UnixMs> {
        self.bonds.get(Pair::of(a, b)).map(|bond| match bond {
            Bond::Near(encounter) => encounter.announced,
            Bond::Cooling { until } => until - self.settings.announce_again_ms,
        })
    }

    /// The friends around a person's newest position as [`World::seen`] shows them to that person, nearest first: who is
    /// within the radius, in which order and how far, follows from the shown points alone. Nobody when the person has no
    /// position.
    #[must_use]
    pub fn nearby(&self, no: UserNo, query: &Nearby, now: UnixMs) -> Vec<Neighbour> {
        let Some(slot) = self.slots.get(no) else { return Vec::new() };
        let Some(here) = slot.spot.map(|spot| spot.here) else { return Vec::new() };
        let mut found: Vec<Neighbour> = Vec::new();
        let mut limited = slot.exceptions();
        for &user in slot.friends.iter() {
            let Some(zone) = self.zones.get(user) else { continue };
            let surely_far = zone.is_beyond(here, query.radius_m);
            if surely_far && limited.is_empty() {
                continue;
            }
            let exception = Exception::next(&mut limited, user);
            let precision = exception.map_or(Precision::Exact, |exception| exception.terms.taken);
            if (surely_far && precision.is_exact()) || (query.free_only && !zone.ready) {
                continue;
            }
            let Some(friend) = self.slots.get(user).filter(|friend| friend.person.shows_place()) else { continue };
            let Some(spot) = &friend.spot else { continue };
            let by_cell = if precision.is_exact() { None } else { friend.shown_by_cell(precision) };
            let (live, there) = match &by_cell {
                Some((live, centre)) => (live, *centre),
                None if precision.is_exact() => (&spot.live, spot.here),
                None => continue,
            };
            let distance_m = sphere::metres_between(here, there);
            if distance_m <= query.radius_m && self.is_fresh(friend, now) {
                found.push(Neighbour { user, distance_m, live: *live, precision, free: friend.person.free });
            }
        }
        let nearer = |a: &Neighbour, b: &Neighbour| a.distance_m.total_cmp(&b.distance_m).then(a.user.cmp(&b.user));
        if query.limit < found.len() {
            found.select_nth_unstable_by(query.limit, nearer);
            found.truncate(query.limit);
        }
        found.sort_unstable_by(nearer);
        found
    }

    /// Calls `f` with everyone whose newest live position is in view: exactly those, each once, in no particular order.
    /// Stale and busy people too, and positions as they were reported: what to show of them is the caller's. Who hides is
    /// left out.
    pub fn in_view(&self, view: &BoundingBox, f: &mut dyn FnMut(UserNo, &Live, &Person)) {
        let rects = view.rects();
        self.index.candidates(&rects, &mut |no| {
            let Some(slot) = self.slots.get(no).filter(|slot| !slot.person.hidden) else { return };
            if let Some(spot) = slot.spot.as_ref().filter(|spot| index::contains(&rects, spot.live.position)) {
                f(no, &spot.live, &slot.person);
            }
        });
    }

    /// Every pair that is near, in no particular order.
    pub fn near_pairs(&self) -> impl Iterator<Item = (UserNo, UserNo)> {
        self.bonds.near_pairs().map(|pair| (pair.a, pair.b))
    }

    /// How many people, how many of them online and free, how many near pairs.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts { near_pairs: self.bonds.near(), ..self.counts }
    }

    /// A person's disc: centre and radius in metres. Inside it no friend is looked at, but for those [`World::watched`].
    /// For this server alone: what a phone may know is [`World::quiet`].
    #[must_use]
    pub fn disc(&self, no: UserNo) -> Option<(LatLon, f64)> {
        let zone = self.zones.get(no).filter(|zone| zone.disc_m >= 0.0)?;
        Some((zone.centre.to_lat_lon()?, zone.disc_m))
    }

    /// The friends who are looked at on every fix of this person, because the two are close to coming near or to parting.
    #[must_use]
    pub fn watched(&self, no: UserNo) -> &[UserNo] {
        self.slots.get(no).map_or(&[], |slot| &slot.watched)
    }
}
