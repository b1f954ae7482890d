//! A client's bytes → messages. The first byte chooses the limits, the next two where the stream is cut.
use bytes::Bytes;
use letshang::http::frame_reader::{FrameReader, Message, ReaderEvent, ReaderLimits};
use letshang::protocol::close::CloseCode;

use super::oracle::{cuts, is_short};

/// More than this is not read a byte at a time too.
const SHORT: usize = 512;

/// However the stream is cut, it is the same events; each keeps the limits; and what was understood is understood again.
pub fn hold(input: &[u8]) {
    let Some(([choice, low, high], stream)) = input.split_first_chunk::<3>() else { return };
    let limits = ReaderLimits {
        frame_bytes: [16_384, 125, 1_024, 70_000][usize::from(choice & 3)],
        fragments: [64, 2][usize::from(choice >> 2 & 1)],
        binary_allowed: choice & 8 != 0,
    };
    let whole = Bytes::copy_from_slice(stream);
    let (events, reader) = read(limits, &whole, &[]);
    keep_the_limits(&events, limits, stream);
    let seed = u16::from_le_bytes([*low, *high]);
    let mut ways = vec![cuts(seed, stream.len())];
    if stream.len() <= SHORT {
        ways.push((1..stream.len()).collect());
    }
    for ends in ways {
        let (cut, in_pieces) = read(limits, &whole, &ends);
        assert_eq!(cut, events, "cut at {ends:?}");
        assert_eq!(in_pieces.unfinished(), reader.unfinished(), "{ends:?}");
        // A text that is wrong may be told so before its frame is whole.
        assert!(
            in_pieces.frames() == reader.frames() || matches!(events.last(), Some(ReaderEvent::Bad(_))),
            "{ends:?}"
        );
    }
    assert!(reader.dropped() <= stream.len());
    understood_again(&events, limits);
}

/// What is read of a stream that arrives in pieces, which end at `ends` and at its end.
fn read(limits: ReaderLimits, stream: &Bytes, ends: &[usize]) -> (Vec<ReaderEvent>, FrameReader) {
    let mut reader = FrameReader::new(limits);
    let mut events = Vec::new();
    let begins = [0].into_iter().chain(ends.iter().copied());
    for (begin, end) in begins.zip(ends.iter().copied().chain([stream.len()])) {
        let mut input = stream.slice(begin..end);
        while let Some(event) = reader.next(&mut input) {
            events.push(event);
        }
        assert!(input.is_empty(), "all of it is read");
    }
    (events, reader)
}

fn keep_the_limits(events: &[ReaderEvent], limits: ReaderLimits, stream: &[u8]) {
    for (at, event) in events.iter().enumerate() {
        match event {
            ReaderEvent::Message(Message::Text(text)) => assert!(text.len() <= limits.frame_bytes),
            ReaderEvent::Message(Message::Binary(bytes)) => {
                assert!(limits.binary_allowed && bytes.len() <= limits.frame_bytes);
            }
            ReaderEvent::Ping(payload) => assert!(payload.len() <= 125),
            ReaderEvent::Pong => {}
            ReaderEvent::Close(_) => assert_eq!(at + 1, events.len(), "nothing is read after a close"),
            ReaderEvent::Bad(violation) => {
                assert_eq!(at + 1, events.len(), "nothing is read after a fault");
                assert!(matches!(violation.code.0, 1002 | 1003 | 1007 | 1008 | 1009), "{violation:?}");
                is_short(violation.why, stream);
            }
        }
    }
    // Two bytes of head and four of mask at least.
    assert!(events.len() <= stream.len() / 6 + 1);
}

/// Every event but a fault can be said again in one frame, and that frame is read as the same event.
fn understood_again(events: &[ReaderEvent], limits: ReaderLimits) {
    let sound: Vec<&ReaderEvent> = events.iter().filter(|event| !matches!(event, ReaderEvent::Bad(_))).collect();
    let said: Vec<u8> = sound.iter().flat_map(|event| frame_of(event)).collect();
    let (again, reader) = read(limits, &Bytes::from(said), &[]);
    assert_eq!(again.iter().collect::<Vec<_>>(), sound);
    assert_eq!((reader.unfinished(), reader.frames()), (None, sound.len() as u64));
}

fn frame_of(event: &ReaderEvent) -> Vec<u8> {
    match event {
        ReaderEvent::Message(Message::Text(text)) => frame(1, text.as_bytes()),
        ReaderEvent::Message(Message::Binary(bytes)) => frame(2, bytes),
        ReaderEvent::Ping(payload) => frame(9, payload),
        ReaderEvent::Close(Some(CloseCode(code))) => frame(8, &code.to_be_bytes()),
        ReaderEvent::Close(None) => frame(8, b""),
        ReaderEvent::Pong | ReaderEvent::Bad(_) => frame(10, b""),
    }
}

fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x37, 0xFA, 0x21, 0x3D];
    let mut bytes = vec![0x80 | opcode];
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short @ ..126), _) => bytes.push(0x80 | short),
        (_, Ok(medium)) => {
            bytes.push(0x80 | 126);
            bytes.extend_from_slice(&medium.to_be_bytes());
        }
        _ => {
            bytes.push(0x80 | 127);
            bytes.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(&mask);
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}
