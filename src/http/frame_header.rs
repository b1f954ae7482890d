//! The head of a WebSocket frame (RFC 6455, 5.2), judged before a byte of its payload is kept.
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]
use actix_http::ws::OpCode;

use crate::protocol::close::CloseCode;

/// The longest head a client can send: 2 bytes, 8 of length, 4 of mask.
pub(super) const LONGEST_HEAD: usize = 14;

/// Why a connection must close, and what its close frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The close code.
    pub code: CloseCode,
    /// A short reason for a person.
    pub why: &'static str,
}

impl Violation {
    pub(super) const fn protocol(why: &'static str) -> Self {
        Self { code: CloseCode::PROTOCOL, why }
    }

    pub(super) const fn not_utf8() -> Self {
        Self { code: CloseCode::NOT_UTF8, why: "the text is not UTF-8" }
    }
}

/// What the next frame may be, given what came before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// A fragmented message has begun and not ended.
    pub(super) message_open: bool,
    /// Payload bytes the message may still take.
    pub(super) room: usize,
    /// Fragments the message may still take.
    pub(super) fragments_left: u32,
    /// Binary messages are understood.
    pub(super) binary_allowed: bool,
}

/// A frame's head that keeps to the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) fin: bool,
    pub(super) opcode: OpCode,
    pub(super) mask: [u8; 4],
    pub(super) length: usize,
}

impl Head {
    /// Reads a head from the front of `src`: the head and its size, `None` when more bytes are needed. Everything is
    /// judged as soon as the bytes that tell it are there. A message's length that is not written in its shortest form
    /// is accepted: the RFC binds the sender to it and asks nothing of the receiver. A control frame's is not: its two
    /// long forms mean more than 125 bytes.
    pub(super) fn parse(src: &[u8], rules: Rules) -> Result<Option<(Self, usize)>, Violation> {
        let Some((&[first, second], rest)) = src.split_first_chunk::<2>() else { return Ok(None) };
        let fin = first & 0x80 != 0;
        let opcode = judge_first(first, fin, rules)?;
        if second & 0x80 == 0 {
            return Err(Violation::protocol("frames from a client must be masked"));
        }
        // With its mask of four bytes, a head has 6, 8 or 14.
        let (length, rest, used) = match second & 0x7F {
            126 | 127 if is_control(opcode) => return Err(Violation::protocol("control frame over 125 bytes")),
            126 => match rest.split_first_chunk::<2>() {
                Some((bytes, rest)) => (u64::from(u16::from_be_bytes(*bytes)), rest, 8),
                None => return Ok(None),
            },
            127 => match rest.split_first_chunk::<8>() {
                Some((bytes, rest)) => (u64::from_be_bytes(*bytes), rest, 14),
                None => return Ok(None),
            },
            short => (u64::from(short), rest, 6),
        };
        let length = judge_length(length, opcode, rules)?;
        let Some(&mask) = rest.first_chunk::<4>() else { return Ok(None) };
        Ok(Some((Self { fin, opcode, mask, length }, used)))
    }

    pub(super) const fn is_control(&self) -> bool {
        is_control(self.opcode)
    }
}

const fn is_control(opcode: OpCode) -> bool {
    matches!(opcode, OpCode::Close | OpCode::Ping | OpCode::Pong)
}

fn judge_first(first: u8, fin: bool, rules: Rules) -> Result<OpCode, Violation> {
    if first & 0x70 != 0 {
        return Err(Violation::protocol("reserved bits are set and no extension was agreed"));
    }
    let opcode = OpCode::from(first & 0x0F);
    match opcode {
        OpCode::Bad => Err(Violation::protocol("reserved opcode")),
        OpCode::Close | OpCode::Ping | OpCode::Pong if !fin => {
            Err(Violation::protocol("control frames cannot be fragmented"))
        }
        OpCode::Continue if !rules.message_open => Err(Violation::protocol("nothing to continue")),
        OpCode::Text | OpCode::Binary if rules.message_open => {
            Err(Violation::protocol("a message began inside an unfinished one"))
        }
        OpCode::Binary if !rules.binary_allowed => {
            Err(Violation { code: CloseCode::UNSUPPORTED, why: "binary messages are not understood" })
        }
        OpCode::Continue if rules.fragments_left == 0 => {
            Err(Violation { code: CloseCode::POLICY, why: "too many fragments" })
        }
        good => Ok(good),
    }
}

fn judge_length(length: u64, opcode: OpCode, rules: Rules) -> Result<usize, Violation> {
    if length > u64::MAX / 2 {
        return Err(Violation::protocol("the top bit of the length is set"));
    }
    match usize::try_from(length) {
        Ok(length) if is_control(opcode) || length <= rules.room => Ok(length),
        _ => Err(Violation { code: CloseCode::TOO_BIG, why: "message too big" }),
    }
}

/// The payload of a close frame: code and reason, `None` when it is empty.
pub(super) fn parse_close(payload: &[u8]) -> Result<Option<CloseCode>, Violation> {
    match payload.split_first_chunk::<2>() {
        None if payload.is_empty() => Ok(None),
        None => Err(Violation::protocol("a close payload of one byte")),
        Some((code, reason)) => {
            let code = u16::from_be_bytes(*code);
            if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
                return Err(Violation::protocol("a close code that must not be sent"));
            }
            if std::str::from_utf8(reason).is_err() {
                return Err(Violation::not_utf8());
            }
            Ok(Some(CloseCode(code)))
        }
    }
}

/// Takes the mask off `payload`, whose first byte is the `offset`-th of its frame.
pub(super) fn unmask(payload: &mut [u8], mask: [u8; 4], offset: usize) {
    let mut mask = mask;
    mask.rotate_left(offset % 4);
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = payload.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip([a, b, c, d, a, b, c]) {
        *byte ^= key;
    }
}
