//! Bytes from a client → messages, in order: what came whole before a bad frame is handed out first, then the fault
//! with its close code. Lengths are judged on the head, payloads are unmasked into the message as they stream in and
//! texts are checked as they grow, so that memory follows what was received and never what was announced.
//!
//! `actix_http::ws::Codec` is not used to read: it buffers a frame before it judges its size, and gives no word of a
//! frame before its last byte is there (ARCHITECTURE.md, "Sockets").
#![cfg_attr(not(test), deny(clippy::arithmetic_side_effects))]
use actix_http::ws::OpCode;
use bytes::{Buf, Bytes};
use bytestring::ByteString;

pub use super::frame_header::Violation;
use super::frame_header::{Head, LONGEST_HEAD, Rules, parse_close, unmask};
use crate::protocol::close::CloseCode;

/// A whole message from a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Text, known to be UTF-8.
    Text(ByteString),
    /// Binary.
    Binary(Bytes),
}

/// What a client's bytes amount to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReaderEvent {
    /// A whole message.
    Message(Message),
    /// A ping with its payload.
    Ping(Bytes),
    /// A pong; whatever it carries.
    Pong,
    /// A close frame that keeps to the rules. Nothing is read after it.
    Close(Option<CloseCode>),
    /// A frame that breaks the rules. Nothing is read after it.
    Bad(Violation),
}

/// What a client may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReaderLimits {
    /// The largest message, bytes, in one frame or in all its fragments.
    pub frame_bytes: usize,
    /// The most frames of one message.
    pub fragments: u32,
    /// Whether binary messages are understood; otherwise they close with 1003.
    pub binary_allowed: bool,
}

impl Default for ReaderLimits {
    fn default() -> Self {
        Self { frame_bytes: 16_384, fragments: 64, binary_allowed: false }
    }
}

/// A frame whose head is known and whose payload is coming in.
#[derive(Clone, Copy, Debug)]
struct Frame {
    head: Head,
    received: usize,
}

/// Reads one client's frames. Holds nothing between messages: its buffers are given away or dropped.
#[derive(Debug)]
pub struct FrameReader {
    limits: ReaderLimits,
    /// The bytes of a head that came without the rest of it.
    head: [u8; LONGEST_HEAD],
    head_len: usize,
    frame: Option<Frame>,
    /// Frames of the open message; 0 when none is open.
    fragments: u32,
    binary: bool,
    message: Vec<u8>,
    /// How much of `message` is known to be whole UTF-8 characters.
    checked: usize,
    control: Vec<u8>,
    frames: u64,
    messages: u64,
    over: bool,
    /// Bytes that came after the end and were dropped.
    dropped: usize,
}

impl FrameReader {
    /// A reader at the start of a connection.
    #[must_use]
    pub const fn new(limits: ReaderLimits) -> Self {
        Self {
            limits,
            head: [0; LONGEST_HEAD],
            head_len: 0,
            frame: None,
            fragments: 0,
            binary: false,
            message: Vec::new(),
            checked: 0,
            control: Vec::new(),
            frames: 0,
            messages: 0,
            over: false,
            dropped: 0,
        }
    }

    /// Whole frames so far.
    #[must_use]
    pub const fn frames(&self) -> u64 {
        self.frames
    }

    /// Bytes that came after the last event there can be.
    #[must_use]
    pub const fn dropped(&self) -> usize {
        self.dropped
    }

    /// Names what is unfinished: `None` between messages, and the same number as long as it is the same message (or,
    /// outside a message, the same frame). Who sees one number for too long closes the connection.
    #[must_use]
    pub const fn unfinished(&self) -> Option<u64> {
        let in_message = self.fragments > 0
            || matches!(self.frame, Some(Frame { head: Head { opcode: OpCode::Text | OpCode::Binary, .. }, .. }));
        match (in_message, self.frame.is_some() || self.head_len > 0) {
            (true, _) => Some(self.messages.saturating_mul(2).saturating_add(1)),
            (false, true) => Some(self.frames.saturating_mul(2)),
            (false, false) => None,
        }
    }

    /// The next event in `input`, whose read bytes are taken off its front; `None` when all of it is read.
    pub fn next(&mut self, input: &mut Bytes) -> Option<ReaderEvent> {
        let event = loop {
            if self.over {
                self.dropped = self.dropped.saturating_add(input.len());
                input.clear();
                return None;
            }
            let frame = match self.frame {
                Some(frame) => frame,
                None => match self.read_head(input) {
                    Ok(Some(head)) => Frame { head, received: 0 },
                    Ok(None) => return None,
                    Err(violation) => break ReaderEvent::Bad(violation),
                },
            };
            match self.read_payload(frame, input) {
                Ok(Some(event)) => break event,
                Ok(None) if input.is_empty() => return None,
                Ok(None) => {}
                Err(violation) => break ReaderEvent::Bad(violation),
            }
        };
        if matches!(event, ReaderEvent::Bad(_) | ReaderEvent::Close(_)) {
            self.finish();
        }
        Some(event)
    }

    /// Nothing is read any more and nothing is held.
    pub(super) fn finish(&mut self) {
        *self = Self { over: true, frames: self.frames, ..Self::new(self.limits) };
    }

    const fn rules(&self) -> Rules {
        Rules {
            message_open: self.fragments > 0,
            room: self.limits.frame_bytes.saturating_sub(self.message.len()),
            fragments_left: self.limits.fragments.saturating_sub(self.fragments),
            binary_allowed: self.limits.binary_allowed,
        }
    }

    fn read_head(&mut self, input: &mut Bytes) -> Result<Option<Head>, Violation> {
        let rules = self.rules();
        if self.head_len == 0
            && let Some((head, used)) = Head::parse(input, rules)?
        {
            input.advance(used);
            return Ok(Some(head));
        }
        let before = self.head_len;
        for (kept, byte) in self.head.iter_mut().skip(before).zip(input.iter()) {
            *kept = *byte;
            self.head_len = self.head_len.saturating_add(1);
        }
        let kept = self.head.get(..self.head_len).unwrap_or_default();
        match Head::parse(kept, rules)? {
            Some((head, used)) => {
                input.advance(used.saturating_sub(before));
                self.head_len = 0;
                Ok(Some(head))
            }
            None => {
                input.advance(self.head_len.saturating_sub(before));
                Ok(None)
            }
        }
    }

    /// Takes what there is of a frame's payload; the event when the frame completes one.
    fn read_payload(&mut self, mut frame: Frame, input: &mut Bytes) -> Result<Option<ReaderEvent>, Violation> {
        let Head { opcode, mask, length, fin } = frame.head;
        let part = input.get(..length.saturating_sub(frame.received)).unwrap_or(input);
        let taken = part.len();
        let to = if frame.head.is_control() { &mut self.control } else { &mut self.message };
        let start = to.len();
        if taken == length {
            to.reserve_exact(taken);
        }
        to.extend_from_slice(part);
        unmask(to.get_mut(start..).unwrap_or_default(), mask, frame.received);
        input.advance(taken);
        frame.received = frame.received.saturating_add(taken);
        let whole = frame.received == length;
        self.frame = (!whole).then_some(frame);
        self.frames = self.frames.saturating_add(u64::from(whole));

        if frame.head.is_control() {
            return if whole { self.end_control(opcode).map(Some) } else { Ok(None) };
        }
        if frame.received == taken && opcode != OpCode::Continue {
            self.binary = opcode == OpCode::Binary;
        }
        if whole && fin {
            return self.end_message().map(Some);
        }
        self.fragments = self.fragments.saturating_add(u32::from(whole));
        self.check_text()?;
        Ok(None)
    }

    fn end_control(&mut self, opcode: OpCode) -> Result<ReaderEvent, Violation> {
        let payload = std::mem::take(&mut self.control);
        Ok(match opcode {
            OpCode::Close => ReaderEvent::Close(parse_close(&payload)?),
            OpCode::Ping => ReaderEvent::Ping(Bytes::from(payload)),
            _ => ReaderEvent::Pong,
        })
    }

    fn end_message(&mut self) -> Result<ReaderEvent, Violation> {
        let payload = std::mem::take(&mut self.message);
        self.fragments = 0;
        self.checked = 0;
        self.messages = self.messages.saturating_add(1);
        Ok(ReaderEvent::Message(if self.binary {
            Message::Binary(Bytes::from(payload))
        } else {
            Message::Text(ByteString::try_from(payload).map_err(|_| Violation::not_utf8())?)
        }))
    }

    /// Checks what was added to an unfinished text: a wrong byte is told at once, a character cut in two is not wrong.
    fn check_text(&mut self) -> Result<(), Violation> {
        if self.binary {
            return Ok(());
        }
        match std::str::from_utf8(self.message.get(self.checked..).unwrap_or_default()) {
            Ok(added) => self.checked = self.checked.saturating_add(added.len()),
            Err(fault) if fault.error_len().is_none() => {
                self.checked = self.checked.saturating_add(fault.valid_up_to());
            }
            Err(_) => return Err(Violation::not_utf8()),
        }
        Ok(())
    }
}
