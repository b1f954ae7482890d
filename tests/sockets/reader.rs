//! The reader itself: however the bytes are cut into chunks, the events are the same, and nothing stays behind.
use bytes::Bytes;
use letshang::http::frame_reader::{FrameReader, Message, ReaderEvent, ReaderLimits};
use proptest::prelude::*;

use crate::raw_ws::*;

const LIMITS: ReaderLimits = ReaderLimits { frame_bytes: 300, fragments: 4, binary_allowed: true };

fn events_of<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<ReaderEvent> {
    let mut reader = FrameReader::new(LIMITS);
    let mut events = Vec::new();
    for chunk in chunks {
        let mut input = Bytes::copy_from_slice(chunk);
        while let Some(event) = reader.next(&mut input) {
            events.push(event);
        }
        assert!(input.is_empty(), "unread bytes");
    }
    events
}

/// Frames as clients send them, good and bad.
fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        12 => prop::sample::select(vec![TEXT, BINARY, FIRST_TEXT, FIRST_BINARY, MIDDLE, LAST, PING, PONG]),
        1 => Just(CLOSE),
        1 => any::<u8>(),
    ];
    let payload = prop_oneof![
        4 => "[a-zé€😀]{0,30}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..20),
        1 => prop::collection::vec(Just(b'x'), 100..310),
    ];
    (first, payload, any::<bool>()).prop_map(
        |(first, payload, wide)| {
            if wide { frame_as(first, 64, &payload) } else { frame(first, &payload) }
        },
    )
}

/// What must come out, said as plainly as possible: frame by frame, each whole, by the book.
fn by_the_book(frames: &[Vec<u8>]) -> Vec<String> {
    let mut out = Vec::new();
    let mut open: Option<(bool, Vec<u8>, usize)> = None;
    for bytes in frames {
        let (first, second) = (bytes[0], bytes[1] & 0x7F);
        let at = match second {
            126 => 4,
            127 => 10,
            _ => 2,
        };
        let payload: Vec<u8> =
            bytes[at + 4..].iter().zip(bytes[at..at + 4].iter().cycle()).map(|(b, m)| b ^ m).collect();
        let (fin, opcode) = (first & 0x80 != 0, first & 0x0F);
        let bad = |code: u16| format!("bad {code}");
        if first & 0x70 != 0 || matches!(opcode, 3..=7 | 11..) || (opcode >= 8 && (!fin || second > 125)) {
            out.push(bad(1002));
            return out;
        }
        match opcode {
            8 => {
                let valid = |code| matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
                out.push(match payload[..] {
                    [] => "close".into(),
                    [a, b, ref reason @ ..] if valid(u16::from_be_bytes([a, b])) => {
                        if std::str::from_utf8(reason).is_ok() { "close".into() } else { bad(1007) }
                    }
                    _ => bad(1002),
                });
                return out;
            }
            9 => out.push(format!("ping {payload:?}")),
            10 => out.push("pong".into()),
            0 if open.is_none() => {
                out.push(bad(1002));
                return out;
            }
            1 | 2 if open.is_some() => {
                out.push(bad(1002));
                return out;
            }
            _ => {
                let (text, mut whole, pieces) = open.take().unwrap_or((opcode == 1, vec![], 0));
                if pieces == 4 {
                    out.push(bad(1008));
                    return out;
                }
                if whole.len() + payload.len() > 300 {
                    out.push(bad(1009));
                    return out;
                }
                whole.extend(payload);
                if text && std::str::from_utf8(&whole).is_err_and(|e| fin || e.error_len().is_some()) {
                    out.push(bad(1007));
                    return out;
                }
                if fin {
                    out.push(format!("message {text} {whole:?}"));
                } else {
                    open = Some((text, whole, pieces + 1));
                }
            }
        }
    }
    out
}

fn plainly(events: &[ReaderEvent]) -> Vec<String> {
    let plain = |event: &ReaderEvent| match event {
        ReaderEvent::Message(Message::Text(text)) => format!("message true {:?}", &text.as_bytes()[..]),
        ReaderEvent::Message(Message::Binary(bytes)) => format!("message false {:?}", &bytes[..]),
        ReaderEvent::Ping(payload) => format!("ping {:?}", &payload[..]),
        ReaderEvent::Pong => "pong".into(),
        ReaderEvent::Close(_) => "close".into(),
        ReaderEvent::Bad(violation) => format!("bad {}", violation.code.0),
    };
    events.iter().map(plain).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_frames_in_any_chunks_are_read_by_the_book(
        frames in prop::collection::vec(any_frame(), 1..12),
        cuts in prop::collection::vec(1_usize..40, 0..60),
    ) {
        let bytes = frames.concat();
        let expected = by_the_book(&frames);
        prop_assert_eq!(plainly(&events_of([&bytes[..]])), &expected[..], "in one chunk");
        prop_assert_eq!(plainly(&events_of(bytes.chunks(1))), &expected[..], "byte by byte");
        let mut rest = &bytes[..];
        let mut chunks = Vec::new();
        for cut in cuts {
            let (chunk, after) = rest.split_at(cut.min(rest.len()));
            chunks.push(chunk);
            rest = after;
        }
        chunks.push(rest);
        prop_assert_eq!(plainly(&events_of(chunks)), &expected[..], "cut at random");
    }

    #[test]
    fn noise_is_never_more_than_an_event_and_never_a_panic(noise in prop::collection::vec(any::<u8>(), 0..400)) {
        let whole = events_of([&noise[..]]);
        prop_assert_eq!(events_of(noise.chunks(1)), whole);
    }
}

#[test]
fn the_same_unfinished_message_keeps_its_name_and_another_gets_another() {
    let mut reader = FrameReader::new(ReaderLimits::default());
    let feed = |reader: &mut FrameReader, bytes: &[u8]| {
        let mut input = Bytes::copy_from_slice(bytes);
        while reader.next(&mut input).is_some() {}
        reader.unfinished()
    };
    assert_eq!(reader.unfinished(), None);
    let open = feed(&mut reader, &frame(FIRST_TEXT, b"one"));
    assert!(open.is_some());
    for bytes in [frame(PING, b""), frame(MIDDLE, b"x"), vec![LAST], vec![0x85]] {
        assert_eq!(feed(&mut reader, &bytes), open);
    }
    assert_eq!(feed(&mut reader, &frame(LAST, b"there")[2..]), None);
    let other = feed(&mut reader, &frame(TEXT, b"two")[..7]);
    assert!(other.is_some() && other != open);
    assert_eq!(feed(&mut reader, &frame(TEXT, b"two")[7..]), None);
    let head = feed(&mut reader, &frame(PING, b"three")[..1]);
    assert!(head.is_some() && head != other);
}
