//! What waits in an outbox, and how it becomes bytes.
use std::collections::VecDeque;
use std::sync::Arc;

use actix_http::ws::OpCode;
use bytes::Bytes;
use bytestring::ByteString;

use super::moved_slots::MovedSlots;
use super::outbox::OutboxLimits;
use crate::actors::downlink::{About, FriendList, Gate, MovedFriend};
use crate::domain::{Sight, UserNo};
use crate::protocol::close::CloseCode;
use crate::protocol::moved;
use crate::protocol::server::{Friend, NearbyFriend, ServerFrame};

/// What the body hands over at once. With [`super::outbox::WRITE_BUFFER`] it stays within the 8 KiB that actix-http gives every
/// connection, which therefore never grow.
const CHUNK: usize = 7 * 1024;
/// Friends in one `moved` frame, about 12 KiB; more make several frames.
const FRIENDS_PER_FRAME: usize = 100;
/// A queue that emptied keeps room for this many frames.
const IDLE_CAPACITY: usize = 8;

/// About what a friend takes in a list that is not encoded yet, bytes.
const LISTED: usize = 200;

/// Whom a frame tells of, and what one must be allowed to know of each to read it.
#[derive(Debug, Default)]
pub(super) enum Told {
    #[default]
    Nobody,
    One(UserNo, Sight),
    Listed(Vec<(UserNo, Sight)>),
    Moved(Vec<MovedFriend>),
}

/// What waits its turn and must not be dropped.
#[derive(Debug)]
pub(super) enum Waiting {
    /// Encoded, and about nobody but the receiver.
    Frame(OpCode, Bytes),
    /// About one person.
    About(Box<About>),
    /// About many.
    Friends(Box<FriendList>),
}

impl Waiting {
    /// Bytes, or about as many.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Frame(_, frame) => frame.len(),
            Self::About(about) => about.frame.len(),
            Self::Friends(list) => match list.as_ref() {
                FriendList::Welcome(_, friends) => LISTED * (friends.len() + 2),
                FriendList::Nearby(_, friends) => LISTED * (friends.len() + 1),
            },
        }
    }

    /// What of it may be written out to `reader` now.
    fn allowed(self, reader: &Reader) -> Option<Frame> {
        let mut told = Vec::new();
        let text = match self {
            Self::Frame(opcode, frame) => return Some(Frame { opcode, payload: frame, told: Told::Nobody }),
            Self::About(about) => {
                let (of, needs) = (about.of, about.needs);
                let (text, needs) =
                    reader.about(*about).map(|(text, whole)| (text, if whole { needs } else { Sight::Veiled }))?;
                return Some(Frame { opcode: OpCode::Text, payload: text.into_bytes(), told: Told::One(of, needs) });
            }
            Self::Friends(list) => match *list {
                FriendList::Welcome(welcome, friends) => {
                    let cut = |(no, made, friend): (UserNo, Sight, Friend)| {
                        let sight = reader.sight(no);
                        let friend = friend.cut_to(sight, made)?;
                        told.push((no, sight.min(made)));
                        Some(friend)
                    };
                    let friends = friends.into_iter().filter_map(cut).collect();
                    welcome.encode(friends)
                }
                FriendList::Nearby(id, friends) => {
                    let allowed = |(no, made, friend): (UserNo, Sight, NearbyFriend)| {
                        let allowed = reader.sight(no) >= made;
                        allowed.then(|| told.push((no, made)))?;
                        Some(friend)
                    };
                    let friends: Vec<_> = friends.into_iter().filter_map(allowed).collect();
                    ServerFrame::Nearby { id: id.as_ref(), friends: &friends }.encode()
                }
            },
        };
        Some(Frame { opcode: OpCode::Text, payload: text.into_bytes(), told: Told::Listed(told) })
    }

    fn is_about(&self, person: UserNo) -> bool {
        matches!(self, Self::About(about) if about.of == person)
    }
}

/// A frame that is to be written.
struct Frame {
    opcode: OpCode,
    payload: Bytes,
    told: Told,
}

/// Who reads an outbox, and who says what they may know. Without both nothing about people leaves.
#[derive(Clone, Debug, Default)]
pub(super) struct Reader {
    pub(super) no: Option<UserNo>,
    pub(super) gate: Option<Arc<dyn Gate>>,
}

impl Reader {
    fn sight(&self, owner: UserNo) -> Sight {
        match (&self.gate, self.no) {
            (Some(gate), Some(no)) => gate.sight(owner, no),
            _ => Sight::Nothing,
        }
    }

    /// What goes out of it, and whether that is the whole.
    fn about(&self, about: About) -> Option<(ByteString, bool)> {
        let (gate, no) = (self.gate.as_ref()?, self.no?);
        let sight = gate.sight(about.of, no);
        if sight >= about.needs && (!about.mutual || gate.sight(no, about.of) >= Sight::Presence) {
            return Some((about.frame, true));
        }
        gate.late_drop();
        about.otherwise.filter(|_| sight >= Sight::Veiled).map(|frame| (frame, false))
    }

    /// Whether all of it may still be known.
    fn may_know(&self, told: &Told) -> bool {
        let may = |no: UserNo, needs: Sight| self.sight(no) >= needs;
        match told {
            Told::Nobody => true,
            Told::One(no, needs) => may(*no, *needs),
            Told::Listed(list) => list.iter().all(|(no, needs)| may(*no, *needs)),
            Told::Moved(friends) => friends.iter().all(|friend| may(friend.no, Sight::from(friend.precision))),
        }
    }

    fn keep(&self, friends: &mut Vec<MovedFriend>) {
        match (&self.gate, self.no) {
            (Some(gate), Some(no)) => gate.keep(no, friends),
            _ => friends.clear(),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    /// The rest of a large frame that has begun.
    pub(super) begun: Bytes,
    /// Whom it tells of.
    pub(super) told: Told,
    /// Something of what has begun may not be known any more: the connection must break off.
    pub(super) taken_back: bool,
    pub(super) ping: bool,
    pub(super) pongs: VecDeque<Bytes>,
    pub(super) state: VecDeque<Waiting>,
    pub(super) reader: Reader,
    pub(super) state_bytes: usize,
    pub(super) ack: Option<u64>,
    pub(super) quiet: Option<ByteString>,
    pub(super) moved: MovedSlots,
    pub(super) crowd: Option<Bytes>,
    pub(super) close: Close,
    /// Nothing follows what is queued.
    pub(super) ended: bool,
    /// The actor waits until half of the room is free.
    pub(super) room_wanted: bool,
}

#[derive(Debug, Default)]
pub(super) enum Close {
    #[default]
    Open,
    Queued(Option<CloseCode>, ByteString),
    Sent,
}

impl Queue {
    pub(super) fn has_room(&self, limits: OutboxLimits) -> bool {
        self.state.len() <= limits.frames / 2 && self.state_bytes + self.begun.len() <= limits.bytes / 2
    }

    /// Drops everything that waits about a person.
    pub(super) fn forget(&mut self, person: UserNo) {
        self.moved.forget(person);
        if self.state.iter().any(|waiting| waiting.is_about(person)) {
            self.state.retain(|waiting| !waiting.is_about(person));
            self.state_bytes = self.state.iter().map(Waiting::len).sum();
        }
    }

    /// Up to [`CHUNK`] bytes of what waits, and how many frames begin in them.
    pub(super) fn next_chunk(&mut self) -> (Bytes, u64) {
        if !self.begun.is_empty() && !self.reader.may_know(&self.told) {
            (self.begun, self.taken_back) = (Bytes::new(), true);
        }
        if self.taken_back {
            return (Bytes::new(), 0);
        }
        if self.begun.len() >= CHUNK {
            return (self.begun.split_to(CHUNK), 0);
        }
        let mut out = Vec::new();
        out.extend_from_slice(&std::mem::take(&mut self.begun));
        let mut frames = 0;
        while out.len() < CHUNK && self.begun.is_empty() {
            let Some(Frame { opcode, payload, told }) = self.next_frame() else { break };
            frames += 1;
            self.write(opcode, payload, &mut out);
            self.told = if self.begun.is_empty() { Told::Nobody } else { told };
        }
        (Bytes::from(out), frames)
    }

    /// Writes a frame; what is beyond the chunk stays in `begun` and is not copied.
    fn write(&mut self, opcode: OpCode, mut payload: Bytes, out: &mut Vec<u8>) {
        out.reserve(payload.len().min(CHUNK) + 10);
        out.push(0x80 | u8::from(opcode));
        match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
            (Ok(short @ 0..=125), _) => out.push(short),
            (_, Ok(medium)) => {
                out.push(126);
                out.extend_from_slice(&medium.to_be_bytes());
            }
            _ => {
                out.push(127);
                out.extend_from_slice(&(payload.len() as u64).to_be_bytes());
            }
        }
        let fits = payload.len().min(CHUNK.saturating_sub(out.len()));
        out.extend_from_slice(&payload.split_to(fits));
        self.begun = payload;
    }

    fn next_frame(&mut self) -> Option<Frame> {
        let plain = |opcode, payload| Some(Frame { opcode, payload, told: Told::Nobody });
        if let Some(payload) = self.pongs.pop_front() {
            return plain(OpCode::Pong, payload);
        }
        if std::mem::take(&mut self.ping) {
            return plain(OpCode::Ping, Bytes::new());
        }
        while let Some(waiting) = self.state.pop_front() {
            self.state_bytes -= waiting.len();
            if self.state.is_empty() && self.state.capacity() > IDLE_CAPACITY {
                self.state = VecDeque::new();
            }
            if let Some(frame) = waiting.allowed(&self.reader) {
                return Some(frame);
            }
        }
        if let Some(seq) = self.ack.take() {
            let mut text = Vec::with_capacity(42);
            moved::encode_ack(seq, &mut text);
            return plain(OpCode::Text, Bytes::from(text));
        }
        if let Some(quiet) = self.quiet.take() {
            return plain(OpCode::Text, quiet.into_bytes());
        }
        while !self.moved.is_empty() {
            let mut friends = self.moved.take(FRIENDS_PER_FRAME);
            self.reader.keep(&mut friends);
            if friends.is_empty() {
                continue;
            }
            let mut text = Vec::with_capacity(32 + friends.len() * 128);
            moved::encode(friends.iter().map(|friend| (&friend.user, &friend.live, friend.precision)), &mut text);
            let told = Told::Moved(friends);
            return Some(Frame { opcode: OpCode::Text, payload: Bytes::from(text), told });
        }
        if let Some(crowd) = self.crowd.take() {
            return plain(OpCode::Binary, crowd);
        }
        let Close::Queued(code, reason) = &self.close else { return None };
        let payload = code.map_or_else(Vec::new, |code| [&code.0.to_be_bytes()[..], reason.as_ref()].concat());
        self.close = Close::Sent;
        plain(OpCode::Close, Bytes::from(payload))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{DisplayName, UnixMs, UserId};
    use crate::protocol::server::{Limits, Place, Welcome};

    const VIEWER: UserNo = UserNo(1);
    const FRIEND: UserNo = UserNo(2);

    /// What the friend shows the viewer at the moment of writing out, and the viewer the friend.
    #[derive(Debug)]
    struct Now {
        shown: Sight,
        back: Sight,
    }

    impl Gate for Now {
        fn sight(&self, owner: UserNo, _: UserNo) -> Sight {
            if owner == FRIEND { self.shown } else { self.back }
        }

        fn keep(&self, _: UserNo, friends: &mut Vec<MovedFriend>) {
            friends.retain(|friend| self.shown >= Sight::from(friend.precision));
        }

        fn late_drop(&self) {}
    }

    /// What leaves of one thing that waited, as text.
    fn written(waiting: Waiting, shown: Sight, back: Sight) -> String {
        let reader = Reader { no: Some(VIEWER), gate: Some(Arc::new(Now { shown, back })) };
        let mut queue = Queue { reader, ..Queue::default() };
        queue.state_bytes = waiting.len();
        queue.state.push_back(waiting);
        String::from_utf8_lossy(&queue.next_chunk().0).into_owned()
    }

    fn welcome() -> Waiting {
        let user = UserId::parse("viewer", "user").unwrap();
        let welcome = Welcome {
            name: DisplayName::from(&user),
            user,
            free: false,
            steps_today: 0,
            last_seq: 0,
            limits: Limits { frame_bytes: 1, fixes_per_frame: 1, frames_per_second: 1 },
            server_time: UnixMs(1),
        };
        let place = Place { lat: 52.520_8, lon: 13.405_4, t: 1, acc: None, approximate: false };
        let friend = Friend {
            user: "friend".to_owned(),
            name: "Friend".to_owned(),
            online: true,
            free: true,
            note: Some("coffee?".to_owned()),
            until: None,
            near: true,
            place: Some(place),
        };
        Waiting::Friends(Box::new(FriendList::Welcome(Box::new(welcome), vec![(FRIEND, Sight::Exact, friend)])))
    }

    #[test]
    fn a_welcome_that_waits_shows_friends_as_they_show_themselves_when_it_leaves() {
        let shows = |shown| {
            let text = written(welcome(), shown, Sight::Exact);
            ["\"friend\"", "52.5208", "coffee?", "\"near\":true"].map(|part| text.contains(part))
        };
        assert_eq!(shows(Sight::Exact), [true; 4]);
        assert_eq!(shows(Sight::Approximate), [true, false, true, true]);
        assert_eq!(shows(Sight::Presence), [true, false, true, true]);
        assert_eq!(shows(Sight::Veiled), [true, false, false, false]);
        assert_eq!(shows(Sight::Nothing), [false; 4]);
    }

    #[test]
    fn a_long_list_breaks_off_when_somebody_in_it_takes_back_what_they_showed() {
        use std::sync::atomic::{AtomicBool, Ordering};

        #[derive(Debug, Default)]
        struct Leaves(AtomicBool);

        impl Gate for Leaves {
            fn sight(&self, owner: UserNo, _: UserNo) -> Sight {
                let hides = owner == UserNo(1_500) && self.0.load(Ordering::Relaxed);
                if hides { Sight::Veiled } else { Sight::Exact }
            }

            fn keep(&self, _: UserNo, _: &mut Vec<MovedFriend>) {}

            fn late_drop(&self) {}
        }

        let read = |after_chunks: usize| {
            let gate = Arc::new(Leaves::default());
            let Waiting::Friends(list) = welcome() else { panic!("a list") };
            let FriendList::Welcome(welcome, mut friends) = *list else { panic!("a welcome") };
            let (_, sight, friend) = friends.remove(0);
            let many = (2..2_000).map(|no| {
                let user = format!("friend_{no}");
                (UserNo(no), sight, Friend { user, ..friend.clone() })
            });
            let waiting = Waiting::Friends(Box::new(FriendList::Welcome(welcome, many.collect())));
            let reader = Reader { no: Some(VIEWER), gate: Some(gate.clone()) };
            let mut queue = Queue { reader, state_bytes: waiting.len(), ..Queue::default() };
            queue.state.push_back(waiting);
            let mut heard = Vec::new();
            for at in 0.. {
                gate.0.store(at >= after_chunks, Ordering::Relaxed);
                let (chunk, _) = queue.next_chunk();
                if chunk.is_empty() {
                    break;
                }
                heard.extend_from_slice(&chunk);
            }
            (String::from_utf8_lossy(&heard).into_owned(), queue.taken_back)
        };
        let (whole, taken_back) = read(usize::MAX);
        assert!(whole.contains("friend_1999") && !taken_back);
        let (part, taken_back) = read(2);
        assert!(part.contains("friend_2\"") && !part.contains("friend_1500") && taken_back, "{}", part.len());
    }

    #[test]
    fn what_both_must_see_leaves_only_while_both_do() {
        let near = || {
            let frame = ByteString::from_static("{\"type\":\"near\"}");
            Waiting::About(Box::new(About { of: FRIEND, needs: Sight::Presence, mutual: true, frame, otherwise: None }))
        };
        assert!(written(near(), Sight::Exact, Sight::Exact).contains("near"));
        assert!(written(near(), Sight::Exact, Sight::Presence).contains("near"));
        assert_eq!(
            written(near(), Sight::Exact, Sight::Veiled),
            "",
            "the viewer hides: the friend hears nothing either"
        );
        assert_eq!(written(near(), Sight::Veiled, Sight::Exact), "");
    }
}
