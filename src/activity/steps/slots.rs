//! Steps by the quarter of an hour in which they were taken.
//!
//! Every time zone in use is a whole number of quarters away from UTC, so a day of any of them is a whole number of slots: which
//! day a step belongs to can be decided anew when a person's zone changes.

/// The length of a slot, seconds.
pub(super) const SLOT_S: u32 = 900;
/// Parts of a step that are told apart, so that many short stretches add up without a loss.
pub(super) const PARTS: u32 = 16;

/// Steps of one quarter of an hour, in [`PARTS`] of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// Quarters of an hour since 1970.
    pub at: u32,
    pub parts: u32,
}

/// Slots with steps in them, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Slots(Vec<Slot>);

/// The parts of `parts` that belong to each slot of the span `from..to` (seconds since 1970) when they are spread evenly. Adds up to
/// `parts` exactly; a span of no length is its first slot.
fn spread(from: u32, to: u32, parts: u32) -> impl Iterator<Item = Slot> {
    let length = u64::from(to.saturating_sub(from));
    let until = move |t: u32| {
        let share = u64::from(parts) * u64::from(t.clamp(from, to.max(from)) - from);
        share.checked_div(length).and_then(|share| u32::try_from(share).ok()).unwrap_or(parts)
    };
    let last = if to > from { (to - 1) / SLOT_S } else { from / SLOT_S };
    (from / SLOT_S..=last).map(move |at| {
        let begin = if at == from / SLOT_S { 0 } else { until(at.saturating_mul(SLOT_S)) };
        let end = if at == last { parts } else { until((at + 1).saturating_mul(SLOT_S)) };
        Slot { at, parts: end - begin }
    })
}

impl Slots {
    /// Adds parts of steps, spread evenly over a span of seconds since 1970.
    pub fn add(&mut self, from: u32, to: u32, parts: u32) {
        spread(from, to, parts).filter(|slot| slot.parts > 0).for_each(|slot| self.put(slot));
    }

    /// Takes away what [`Slots::add`] added with the same arguments.
    pub fn take(&mut self, from: u32, to: u32, parts: u32) {
        for taken in spread(from, to, parts) {
            if let Ok(place) = self.0.binary_search_by_key(&taken.at, |slot| slot.at)
                && let Some(slot) = self.0.get_mut(place)
            {
                slot.parts = slot.parts.saturating_sub(taken.parts);
            }
        }
        self.0.retain(|slot| slot.parts > 0);
    }

    /// Adds to one slot.
    pub fn put(&mut self, more: Slot) {
        if let Some(last) = self.0.last_mut().filter(|last| last.at == more.at) {
            last.parts = last.parts.saturating_add(more.parts);
            return;
        }
        match self.0.binary_search_by_key(&more.at, |slot| slot.at) {
            Ok(place) => {
                if let Some(slot) = self.0.get_mut(place) {
                    slot.parts = slot.parts.saturating_add(more.parts);
                }
            }
            Err(place) => {
                self.0.reserve_exact(usize::from(self.0.len() == self.0.capacity()) * 8);
                self.0.insert(place, more);
            }
        }
    }

    /// Raises one slot to what another device has there.
    pub fn raise(&mut self, other: Slot) {
        let more = other.parts.saturating_sub(self.at(other.at));
        if more > 0 {
            self.put(Slot { parts: more, ..other });
        }
    }

    /// The parts of one slot.
    pub fn at(&self, at: u32) -> u32 {
        let place = self.0.binary_search_by_key(&at, |slot| slot.at).ok();
        place.and_then(|place| self.0.get(place)).map_or(0, |slot| slot.parts)
    }

    /// The slots from `from` up to but not including `to`.
    pub fn within(&self, from: u32, to: u32) -> &[Slot] {
        let begin = self.0.partition_point(|slot| slot.at < from);
        let end = self.0.partition_point(|slot| slot.at < to);
        self.0.get(begin..end).unwrap_or_default()
    }

    /// The parts from `from` up to but not including `to`.
    pub fn sum(&self, from: u32, to: u32) -> u32 {
        self.within(from, to).iter().fold(0, |sum, slot| sum.saturating_add(slot.parts))
    }

    /// Forgets the slots before `at`.
    pub fn forget_before(&mut self, at: u32) {
        self.0.retain(|slot| slot.at >= at);
    }

    pub fn all(&self) -> &[Slot] {
        &self.0
    }

    /// Slots that are in order already; `None` when they are not.
    pub fn from_sorted(slots: Vec<Slot>) -> Option<Self> {
        slots.is_sorted_by(|a, b| a.at < b.at).then_some(Self(slots))
    }

    /// What this takes beside its own size, bytes.
    #[cfg(test)]
    pub fn heap_bytes(&self) -> usize {
        self.0.capacity() * size_of::<Slot>()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nothing_is_lost_in_spreading_and_what_was_added_can_be_taken_away(
            from in 0..2_000_000_000_u32, length in 0..200_000_u32, parts in 0..4_000_000_u32,
        ) {
            let (to, mut slots) = (from + length, Slots::default());
            slots.add(1_000, 5_000, 777);
            let before = slots.clone();
            slots.add(from, to, parts);
            prop_assert_eq!(slots.sum(0, u32::MAX), 777 + parts);
            prop_assert!(slots.all().is_sorted_by(|a, b| a.at < b.at));
            slots.take(from, to, parts);
            prop_assert_eq!(slots, before);
        }
    }

    #[test]
    fn a_span_over_midnight_is_divided_by_time() {
        let mut slots = Slots::default();
        slots.add(86_400 - 600, 86_400 + 1_800, 400);
        assert_eq!((slots.sum(0, 96), slots.sum(96, 192)), (100, 300));
        slots.add(86_400, 86_400, 5);
        assert_eq!(slots.at(96), 155);
        assert_eq!(slots.at(5), 0);
    }
}
