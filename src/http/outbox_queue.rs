//! What waits in an outbox, and how it becomes bytes.
use std::collections::VecDeque;

use actix_http::ws::OpCode;
use bytes::Bytes;
use bytestring::ByteString;

use super::moved_slots::MovedSlots;
use super::outbox::OutboxLimits;
use crate::protocol::close::CloseCode;
use crate::protocol::moved;

/// What the body hands over at once. With [`super::outbox::WRITE_BUFFER`] it stays within the 8 KiB that actix-http gives every
/// connection, which therefore never grow.
const CHUNK: usize = 7 * 1024;
/// Friends in one `moved` frame, about 12 KiB; more make several frames.
const FRIENDS_PER_FRAME: usize = 100;
/// A queue that emptied keeps room for this many frames.
const IDLE_CAPACITY: usize = 8;

#[derive(Debug, Default)]
pub(super) struct Queue {
    /// The rest of a large frame that has begun.
    pub(super) begun: Bytes,
    pub(super) ping: bool,
    pub(super) pongs: VecDeque<Bytes>,
    pub(super) state: VecDeque<(OpCode, Bytes)>,
    pub(super) state_bytes: usize,
    pub(super) ack: Option<u64>,
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

    /// Up to [`CHUNK`] bytes of what waits, and how many frames begin in them.
    pub(super) fn next_chunk(&mut self) -> (Bytes, u64) {
        if self.begun.len() >= CHUNK {
            return (self.begun.split_to(CHUNK), 0);
        }
        let mut out = Vec::new();
        out.extend_from_slice(&std::mem::take(&mut self.begun));
        let mut frames = 0;
        while out.len() < CHUNK && self.begun.is_empty() {
            let Some((opcode, payload)) = self.next_frame() else { break };
            frames += 1;
            self.write(opcode, payload, &mut out);
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

    fn next_frame(&mut self) -> Option<(OpCode, Bytes)> {
        if let Some(payload) = self.pongs.pop_front() {
            return Some((OpCode::Pong, payload));
        }
        if std::mem::take(&mut self.ping) {
            return Some((OpCode::Ping, Bytes::new()));
        }
        if let Some((opcode, payload)) = self.state.pop_front() {
            self.state_bytes -= payload.len();
            if self.state.is_empty() && self.state.capacity() > IDLE_CAPACITY {
                self.state = VecDeque::new();
            }
            return Some((opcode, payload));
        }
        if let Some(seq) = self.ack.take() {
            let mut text = Vec::with_capacity(42);
            moved::encode_ack(seq, &mut text);
            return Some((OpCode::Text, Bytes::from(text)));
        }
        if !self.moved.is_empty() {
            let friends = self.moved.take(FRIENDS_PER_FRAME);
            let mut text = Vec::with_capacity(32 + friends.len() * 128);
            moved::encode(friends.iter().map(|friend| (&friend.user, &friend.live)), &mut text);
            return Some((OpCode::Text, Bytes::from(text)));
        }
        if let Some(crowd) = self.crowd.take() {
            return Some((OpCode::Binary, crowd));
        }
        let Close::Queued(code, reason) = &self.close else { return None };
        let payload = code.map_or_else(Vec::new, |code| [&code.0.to_be_bytes()[..], reason.as_ref()].concat());
        self.close = Close::Sent;
        Some((OpCode::Close, Bytes::from(payload)))
    }
}
