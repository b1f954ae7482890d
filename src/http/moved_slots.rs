//! The newest position of each friend that a connection has not been told yet.
use rustc_hash::FxHashMap;

use crate::actors::downlink::MovedFriend;
use crate::domain::UserNo;

/// Up to this many friends are found by looking at each.
const FEW: usize = 16;

/// One slot per friend; in order of who moved first.
#[derive(Debug, Default)]
pub(super) struct MovedSlots {
    friends: Vec<MovedFriend>,
    /// Where each friend is in `friends`; kept only beyond [`FEW`].
    places: FxHashMap<UserNo, usize>,
}

impl MovedSlots {
    pub(super) const fn is_empty(&self) -> bool {
        self.friends.is_empty()
    }

    /// Puts a friend's newest position in its slot; true when an older one waited there.
    pub(super) fn put(&mut self, friend: &MovedFriend) -> bool {
        if let Some(slot) = self.place(friend.no).and_then(|place| self.friends.get_mut(place)) {
            (slot.live, slot.precision) = (friend.live, friend.precision);
            return true;
        }
        self.friends.push(friend.clone());
        if self.friends.len() > FEW {
            self.index_from(self.places.len());
        }
        false
    }

    /// Empties a friend's slot.
    pub(super) fn forget(&mut self, friend: UserNo) {
        if let Some(place) = self.place(friend) {
            self.friends.remove(place);
            self.reindex();
        }
    }

    /// Takes the first `most` slots.
    pub(super) fn take(&mut self, most: usize) -> Vec<MovedFriend> {
        if self.friends.len() <= most {
            self.places = FxHashMap::default();
            return std::mem::take(&mut self.friends);
        }
        let rest = self.friends.split_off(most);
        let first = std::mem::replace(&mut self.friends, rest);
        self.reindex();
        first
    }

    fn place(&self, friend: UserNo) -> Option<usize> {
        if self.friends.len() > FEW {
            self.places.get(&friend).copied()
        } else {
            self.friends.iter().position(|known| known.no == friend)
        }
    }

    fn reindex(&mut self) {
        self.places = FxHashMap::default();
        if self.friends.len() > FEW {
            self.index_from(0);
        }
    }

    fn index_from(&mut self, first: usize) {
        self.places.extend(self.friends.iter().enumerate().skip(first).map(|(place, friend)| (friend.no, place)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{LatLon, Precision, UnixMs, UserId};
    use crate::spatial::world::Live;

    fn friend(no: u32, t: i64) -> MovedFriend {
        let position = LatLon::new(1.0, 2.0).unwrap();
        let live = Live { position, t: UnixMs(t), accuracy: None, speed: None, heading: None };
        MovedFriend {
            no: UserNo(no),
            user: UserId::parse(&format!("u{no}"), "user").unwrap(),
            live,
            precision: Precision::Exact,
        }
    }

    fn taken(slots: &mut MovedSlots, most: usize) -> Vec<(u32, i64)> {
        slots.take(most).iter().map(|f| (f.no.0, f.live.t.0)).collect()
    }

    #[test]
    fn the_latest_position_of_each_friend_is_kept_however_many_there_are() {
        for friends in [1, 15, 16, 17, 18, 300] {
            let mut slots = MovedSlots::default();
            for round in 0..3 {
                for no in 0..friends {
                    assert_eq!(slots.put(&friend(no, round)), round > 0, "{friends} friends, round {round}, {no}");
                }
            }
            let expected: Vec<_> = (0..friends).map(|no| (no, 2)).collect();
            assert_eq!(taken(&mut slots, usize::MAX), expected);
            assert!(slots.is_empty());
        }
    }

    #[test]
    fn what_does_not_fit_stays_and_still_coalesces() {
        let mut slots = MovedSlots::default();
        for no in 0..40 {
            slots.put(&friend(no, 0));
        }
        assert_eq!(taken(&mut slots, 10).len(), 10);
        assert!(slots.put(&friend(39, 7)), "39 still waits");
        assert!(!slots.put(&friend(0, 7)), "0 was taken");
        let rest = taken(&mut slots, usize::MAX);
        assert_eq!((rest.len(), rest[29], rest[30]), (31, (39, 7), (0, 7)));
    }

    #[test]
    fn a_forgotten_friend_is_not_told_about() {
        for friends in [3, 17, 18, 40] {
            let mut slots = MovedSlots::default();
            for no in 0..friends {
                slots.put(&friend(no, 0));
            }
            slots.forget(UserNo(1));
            slots.forget(UserNo(999));
            assert!(slots.put(&friend(friends - 1, 5)));
            let left = taken(&mut slots, usize::MAX);
            assert!(left.len() == friends as usize - 1 && left.iter().all(|(no, _)| *no != 1), "{left:?}");
        }
    }
}
