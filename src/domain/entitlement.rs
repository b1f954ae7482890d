//! Who may know what of whom: the one decision behind every frame and answer about a person.
//!
//! [`sight`] is asked when something is made, and again with the facts of that moment when it is written out: what is no
//! longer allowed then does not leave.
use super::Precision;

/// What a viewer may know of an owner. In order: each allows all that the ones before allow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sight {
    /// Nothing, not even that there is such a person.
    #[default]
    Nothing,
    /// A friend, of whom the viewer sees what is seen of someone who is offline and busy and has no fresh position:
    /// the id and the name.
    Veiled,
    /// Also online, free, the note. No position, and nothing that follows from one.
    Presence,
    /// Also the centre of the cell in which they are, and what follows from that.
    Approximate,
    /// Also the position as reported.
    Exact,
}

/// What the decision depends on, of one owner and one viewer, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Relation {
    /// Owner and viewer are the same person.
    pub same: bool,
    /// They are friends: both lists have the other.
    pub friends: bool,
    /// What the owner shares with this friend now.
    pub sharing: Precision,
    /// The owner hides from everyone now.
    pub hidden: bool,
    /// The owner shows a position only while free.
    pub only_free: bool,
    /// The owner is free now.
    pub free: bool,
}

/// What the viewer may know of the owner.
#[must_use]
pub const fn sight(relation: &Relation) -> Sight {
    if relation.same {
        return Sight::Exact;
    }
    if !relation.friends {
        return Sight::Nothing;
    }
    if relation.hidden {
        return Sight::Veiled;
    }
    let place = match relation.sharing {
        Precision::Off => return Sight::Veiled,
        Precision::Approximate => Sight::Approximate,
        Precision::Exact => Sight::Exact,
    };
    if relation.only_free && !relation.free { Sight::Presence } else { place }
}

impl Sight {
    /// How precisely a position may be shown.
    #[must_use]
    pub const fn precision(self) -> Precision {
        match self {
            Self::Exact => Precision::Exact,
            Self::Approximate => Precision::Approximate,
            Self::Presence | Self::Veiled | Self::Nothing => Precision::Off,
        }
    }
}

impl From<Precision> for Sight {
    /// What is needed to be shown something of that precision.
    fn from(precision: Precision) -> Self {
        match precision {
            Precision::Off => Self::Presence,
            Precision::Approximate => Self::Approximate,
            Precision::Exact => Self::Exact,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every combination, against the rules as sentences.
    #[test]
    fn nobody_sees_more_than_was_agreed() {
        let bools = [false, true];
        for friends in bools {
            for hidden in bools {
                for only_free in bools {
                    for free in bools {
                        for sharing in [Precision::Off, Precision::Approximate, Precision::Exact] {
                            let relation = Relation { same: false, friends, sharing, hidden, only_free, free };
                            let seen = sight(&relation);
                            let context = format!("{relation:?}: {seen:?}");
                            assert_eq!(seen == Sight::Nothing, !friends, "{context}");
                            if friends {
                                let veiled = hidden || sharing == Precision::Off;
                                assert_eq!(seen == Sight::Veiled, veiled, "{context}");
                                let placeless = veiled || (only_free && !free);
                                let expected = if placeless { Precision::Off } else { sharing };
                                assert_eq!(seen.precision(), expected, "{context}");
                            }
                            let own = sight(&Relation { same: true, ..relation });
                            assert_eq!(own, Sight::Exact);
                        }
                    }
                }
            }
        }
    }
}
