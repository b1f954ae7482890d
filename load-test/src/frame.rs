//! WebSocket frames for the client's side (RFC 6455), as few lines as the load generator needs: it writes whole masked
//! frames and reads whole unmasked ones. Not for speed (tokio-tungstenite measured within 6 % on sending) but so that sending
//! never waits, on a stream that another task reads, and so that an idle connection holds no buffers. The tests talk to
//! tokio-tungstenite, so each checks the other.

/// A whole text.
pub const TEXT: u8 = 0x1;
/// The end of the conversation; the payload begins with a code.
pub const CLOSE: u8 = 0x8;
/// "Are you there?"
pub const PING: u8 = 0x9;
/// "I am."
pub const PONG: u8 = 0xA;

/// The key of the handshake and the answer that belongs to it: RFC 6455's own example. The key proves nothing to
/// anyone; that it is answered rightly shows that the other side speaks WebSocket.
pub const HANDSHAKE: (&str, &str) = ("dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");

/// Longer frames than this are not expected from a server, bytes.
const LONGEST: usize = 4 << 20;

/// A frame as it was received.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What kind of frame.
    pub opcode: u8,
    /// What it carries.
    pub payload: &'a [u8],
}

/// The bytes are no frame that a server may send here: masked, fragmented, reserved bits set, or longer than 4 MiB.
#[derive(Debug, PartialEq, Eq)]
pub struct NotAFrame;

/// Appends one whole masked frame.
#[expect(clippy::cast_possible_truncation, reason = "each length is cast where it was found to fit")]
pub fn write(out: &mut Vec<u8>, opcode: u8, payload: &[u8], key: [u8; 4]) {
    out.push(0x80 | opcode);
    match payload.len() {
        length @ 0..=125 => out.push(0x80 | length as u8),
        length @ 126..=65_535 => {
            out.push(0x80 | 126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            out.push(0x80 | 127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&key);
    let start = out.len();
    out.extend_from_slice(payload);
    if let Some(masked) = out.get_mut(start..) {
        mask(masked, key);
    }
}

/// Masks or unmasks in place.
pub fn mask(bytes: &mut [u8], key: [u8; 4]) {
    let wide = u64::from(u32::from_ne_bytes(key));
    let wide = wide << 32 | wide;
    let mut words = bytes.chunks_exact_mut(8);
    for word in &mut words {
        if let Ok(eight) = <[u8; 8]>::try_from(&*word) {
            word.copy_from_slice(&(u64::from_ne_bytes(eight) ^ wide).to_ne_bytes());
        }
    }
    for (byte, key) in words.into_remainder().iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

/// The first frame in `bytes` and how many bytes it takes; `None` when it is not complete yet.
///
/// # Errors
/// When no server may send this.
pub fn read(bytes: &[u8]) -> Result<Option<(Frame<'_>, usize)>, NotAFrame> {
    let &[first, second, ref rest @ ..] = bytes else { return Ok(None) };
    if first & 0xF0 != 0x80 || second & 0x80 != 0 {
        return Err(NotAFrame);
    }
    let (length, header) = match second {
        126 => match rest.first_chunk::<2>() {
            Some(&length) => (usize::from(u16::from_be_bytes(length)), 4),
            None => return Ok(None),
        },
        127 => match rest.first_chunk::<8>() {
            Some(&length) => (usize::try_from(u64::from_be_bytes(length)).unwrap_or(usize::MAX), 10),
            None => return Ok(None),
        },
        length => (usize::from(length), 2),
    };
    if length > LONGEST {
        return Err(NotAFrame);
    }
    let end = header + length;
    Ok(bytes.get(header..end).map(|payload| (Frame { opcode: first & 0x0F, payload }, end)))
}

/// The code of a close frame; 1005 when it has none.
#[must_use]
pub fn close_code(payload: &[u8]) -> u16 {
    payload.first_chunk::<2>().map_or(1005, |&code| u16::from_be_bytes(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(length: usize) -> Vec<u8> {
        let payload: Vec<u8> = (0..length).map(|i| u8::try_from(i % 251).unwrap()).collect();
        let mut out = Vec::new();
        write(&mut out, TEXT, &payload, [1, 2, 3, 4]);
        out
    }

    /// What a server would send: the same without the mask.
    fn unmasked(frame: &[u8], header: usize) -> Vec<u8> {
        let mut out = frame[..header].to_vec();
        out[1] &= 0x7F;
        let mut payload = frame[header + 4..].to_vec();
        mask(&mut payload, [1, 2, 3, 4]);
        out.extend(payload);
        out
    }

    #[test]
    fn a_frame_of_every_length_form_comes_back_as_it_was_sent() {
        for (length, header) in [(0, 2), (1, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            let bytes = unmasked(&written(length), header);
            let (frame, taken) = read(&bytes).unwrap().unwrap();
            assert_eq!((frame.opcode, frame.payload.len(), taken), (TEXT, length, bytes.len()));
            assert!(frame.payload.iter().enumerate().all(|(i, &byte)| usize::from(byte) == i % 251));
        }
    }

    #[test]
    fn a_frame_cut_anywhere_is_waited_for() {
        let bytes = unmasked(&written(300), 4);
        for cut in 0..bytes.len() {
            assert_eq!(read(&bytes[..cut]), Ok(None), "{cut}");
        }
    }

    #[test]
    fn what_no_server_may_send_is_refused() {
        let masked = written(5);
        let fragment = [0x01, 0x00];
        let reserved = [0xC1, 0x00];
        let endless = [0x82, 127, 0, 0, 1, 0, 0, 0, 0, 0];
        for bytes in [&masked[..], &fragment, &reserved, &endless] {
            assert_eq!(read(bytes), Err(NotAFrame));
        }
    }
}
