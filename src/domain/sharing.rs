//! What one person lets one friend see of them.
use super::UnixMs;

/// How precisely a position is shown. In order: each shows more than the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Precision {
    /// Not at all: the friend sees someone who is offline.
    Off,
    /// The centre of a fixed cell of about 1 km.
    Approximate,
    /// As reported.
    #[default]
    Exact,
}

/// A person's choice for one friend, with an optional end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sharing {
    /// What holds until `until`.
    pub precision: Precision,
    /// When that ends; `None`: when it is changed.
    pub until: Option<UnixMs>,
    /// What holds from `until` on. After `exact` and `approximate` that is `off`; after a pause (`off` with an end) it is
    /// what held before the pause.
    pub then: Precision,
}

impl Sharing {
    /// A choice that replaces `self` at `now`. An end in the past is no end that can be kept: the caller refuses it.
    #[must_use]
    pub fn changed_to(&self, precision: Precision, until: Option<UnixMs>, now: UnixMs) -> Self {
        let then = match (until, precision) {
            (None, _) => precision,
            (Some(_), Precision::Off) => self.settled(now),
            (Some(_), _) => Precision::Off,
        };
        Self { precision, until, then }
    }

    /// What holds once every end has come.
    fn settled(&self, now: UnixMs) -> Precision {
        // A pause of a pause returns to what held before the first; sharing for a while ends in `off` all the same.
        match (self.until, self.precision) {
            (Some(until), _) if until <= now => self.then,
            (Some(_), Precision::Off) => self.then,
            (Some(_), _) => Precision::Off,
            (None, precision) => precision,
        }
    }

    /// What holds at `now`.
    #[must_use]
    pub fn at(&self, now: UnixMs) -> Precision {
        if self.until.is_some_and(|until| until <= now) { self.then } else { self.precision }
    }

    /// When what holds at `now` ends by itself.
    #[must_use]
    pub fn ends(&self, now: UnixMs) -> Option<UnixMs> {
        self.until.filter(|until| *until > now)
    }
}

impl Precision {
    /// As reported.
    #[must_use]
    pub const fn is_exact(self) -> bool {
        matches!(self, Self::Exact)
    }

    /// The protocol's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Approximate => "approximate",
            Self::Exact => "exact",
        }
    }

    /// Reads the protocol's word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Off, Self::Approximate, Self::Exact].into_iter().find(|precision| precision.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sharing_for_a_while_ends_in_off_and_a_pause_returns_to_what_was() {
        let always = Sharing::default();
        let hour = always.changed_to(Precision::Exact, Some(UnixMs(100)), UnixMs(0));
        assert_eq!([hour.at(UnixMs(99)), hour.at(UnixMs(100))], [Precision::Exact, Precision::Off]);
        let pause = always.changed_to(Precision::Off, Some(UnixMs(100)), UnixMs(0));
        assert_eq!([pause.at(UnixMs(99)), pause.at(UnixMs(100))], [Precision::Off, Precision::Exact]);
        let longer = pause.changed_to(Precision::Off, Some(UnixMs(200)), UnixMs(50));
        assert_eq!([longer.at(UnixMs(199)), longer.at(UnixMs(200))], [Precision::Off, Precision::Exact]);
        let paused_hour = hour.changed_to(Precision::Off, Some(UnixMs(50)), UnixMs(10));
        assert_eq!(
            paused_hour.at(UnixMs(60)),
            Precision::Off,
            "the hour was given up: nothing opens by itself that was to end"
        );
        let for_good = pause.changed_to(Precision::Off, None, UnixMs(10));
        assert_eq!(for_good.at(UnixMs(i64::MAX)), Precision::Off);
    }
}
