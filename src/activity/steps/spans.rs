//! Which time of a device is accounted for already, so that nothing is counted twice.

/// How many spans are kept apart. Beyond it the two that lie closest become one: what still arrives for the time between
/// them is not counted, rather than twice.
pub(super) const SPANS: usize = 48;

/// A span of time, seconds since 1970, `from <= to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub from: u32,
    pub to: u32,
}

/// Spans that neither overlap nor touch, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Spans(Vec<Span>);

impl Spans {
    /// Adds a span.
    pub fn insert(&mut self, mut from: u32, mut to: u32) {
        let begin = self.0.partition_point(|span| span.to < from);
        let end = self.0.partition_point(|span| span.from <= to);
        if begin < end {
            let touched = self.0.get(begin..end).unwrap_or_default();
            from = touched.first().map_or(from, |span| span.from.min(from));
            to = touched.last().map_or(to, |span| span.to.max(to));
        }
        self.0.splice(begin..end.max(begin), [Span { from, to }]);
        if self.0.len() > SPANS {
            self.join_closest();
        }
    }

    fn join_closest(&mut self) {
        let gaps = self.0.windows(2).enumerate();
        let gap = |pair: &[Span]| match pair {
            [a, b] => b.from.saturating_sub(a.to),
            _ => u32::MAX,
        };
        let closest = gaps.min_by_key(|(_, pair)| gap(pair)).map(|(place, _)| place);
        if let Some(place) = closest
            && let Some(to) = self.0.get(place + 1).map(|next| next.to)
        {
            self.0.remove(place + 1);
            if let Some(span) = self.0.get_mut(place) {
                span.to = to;
            }
        }
    }

    /// The span that holds a moment.
    pub fn holding(&self, t: u32) -> Option<Span> {
        self.0.get(self.0.partition_point(|span| span.to < t)).copied().filter(|span| span.from <= t)
    }

    /// The first span that begins after a moment.
    pub fn after(&self, t: u32) -> Option<Span> {
        self.0.get(self.0.partition_point(|span| span.from <= t)).copied()
    }

    /// The parts of spans that lie within `from..to`.
    pub fn within(&self, from: u32, to: u32) -> impl Iterator<Item = Span> + '_ {
        let begin = self.0.partition_point(|span| span.to <= from);
        let spans = self.0.get(begin..).unwrap_or_default().iter().take_while(move |span| span.from < to);
        spans
            .map(move |span| Span { from: span.from.max(from), to: span.to.min(to) })
            .filter(|span| span.from < span.to)
    }

    /// The parts of `from..to` that lie in no span.
    pub fn gaps(&self, from: u32, to: u32) -> Vec<Span> {
        let mut gaps = Vec::new();
        let mut at = from;
        for span in self.within(from, to) {
            if span.from > at {
                gaps.push(Span { from: at, to: span.from });
            }
            at = span.to;
        }
        if at < to {
            gaps.push(Span { from: at, to });
        }
        gaps
    }

    /// Seconds of `from..to` that lie in spans.
    pub fn seconds(&self, from: u32, to: u32) -> u32 {
        self.within(from, to).map(|span| span.to - span.from).sum()
    }

    /// Forgets what lies before `t`.
    pub fn forget_before(&mut self, t: u32) {
        self.0.retain(|span| span.to >= t);
    }

    pub fn all(&self) -> &[Span] {
        &self.0
    }

    /// Spans that are in order already; `None` when they are not.
    pub fn from_sorted(spans: Vec<Span>) -> Option<Self> {
        let apart = spans.is_sorted_by(|a, b| a.to < b.from);
        (apart && spans.len() <= SPANS && spans.iter().all(|span| span.from <= span.to)).then_some(Self(spans))
    }

    /// What this takes beside its own size, bytes.
    #[cfg(test)]
    pub fn heap_bytes(&self) -> usize {
        self.0.capacity() * size_of::<Span>()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn spans_are_the_union_of_what_was_inserted(
            inserted in proptest::collection::vec((0..400_u32, 0..30_u32), 0..SPANS), from in 0..400_u32, length in 0..100_u32,
        ) {
            let mut spans = Spans::default();
            inserted.iter().for_each(|(from, length)| spans.insert(*from, from + length));
            prop_assert_eq!(Spans::from_sorted(spans.all().to_vec()), Some(spans.clone()));
            let holds = |t: u32| inserted.iter().any(|(from, length)| (*from..=from + length).contains(&t));
            prop_assert!((0..500).all(|t| spans.holding(t).is_some() == holds(t)));
            let seconds = (from..from + length).filter(|t| inserted.iter().any(|(from, n)| (*from..from + n).contains(t)));
            prop_assert_eq!(spans.seconds(from, from + length), seconds.count() as u32);
            let gaps: u32 = spans.gaps(from, from + length).iter().map(|gap| gap.to - gap.from).sum();
            prop_assert_eq!(gaps + spans.seconds(from, from + length), length);
        }

        #[test]
        fn spans_are_never_more_than_are_kept_and_never_uncover_what_was_covered(
            inserted in proptest::collection::vec((0..1_000_000_u32, 0..300_u32), 0..200),
        ) {
            let mut spans = Spans::default();
            inserted.iter().for_each(|(from, length)| spans.insert(*from, from + length));
            prop_assert!(spans.all().len() <= SPANS);
            prop_assert!(inserted.iter().all(|(from, length)| spans.gaps(*from, from + length).is_empty()));
        }
    }
}
