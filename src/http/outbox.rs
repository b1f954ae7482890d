//! One connection's way out: everything that waits for the socket, within bounds.
//!
//! Order: what is half sent, answers to pings, state frames, the acknowledgement, what is said of keeping quiet, friends' positions, the crowd, the
//! close frame. State is a queue and never dropped; the rest are slots in which the latest wins. The response body
//! ([`OutboxBody`]) asks for the next chunk only when the socket took the earlier ones, so what waits here is fresh.
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use actix_http::ws::OpCode;
use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;
use bytestring::ByteString;
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;

use super::moved_slots::MovedSlots;
use super::outbox_queue::{Close, Queue, Waiting};
use super::socket_metrics::{SocketMetrics, add};
use super::told::TakenBack;
use crate::actors::downlink::{About, Downlink, FriendList, Gate, MovedFriend};
use crate::domain::UserNo;
use crate::protocol::close::CloseCode;

/// For `HttpServer::h1_write_buffer_size`: the body is asked for more only while less than this waits for the socket.
pub const WRITE_BUFFER: usize = 1024;
/// Pings that wait for their answer; of more, the latest are answered.
const PONGS: usize = 32;
/// A close frame's reason, bytes.
const LONGEST_REASON: usize = 123;

/// The phases of a connection; changed only under the queue's lock.
const OPEN: u8 = 0;
const CLOSING: u8 = 1;
const GONE: u8 = 2;

/// How much a slow reader may leave unsent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboxLimits {
    /// State frames.
    pub frames: usize,
    /// Bytes of state frames, the foremost not counted: a large one may always be sent, alone.
    pub bytes: usize,
}

impl Default for OutboxLimits {
    fn default() -> Self {
        Self { frames: 256, bytes: 65_536 }
    }
}

/// One connection's way out; see [`Downlink`]. Made before the handshake, shared by everyone who speaks to the client.
#[derive(Debug)]
pub struct Outbox {
    queue: Mutex<Queue>,
    phase: AtomicU8,
    body: AtomicWaker,
    actor: AtomicWaker,
    limits: OutboxLimits,
    metrics: Arc<SocketMetrics>,
}

impl Outbox {
    /// An empty outbox.
    #[must_use]
    pub fn new(limits: OutboxLimits, metrics: Arc<SocketMetrics>) -> Arc<Self> {
        Arc::new(Self {
            queue: Mutex::default(),
            phase: AtomicU8::new(OPEN),
            body: AtomicWaker::new(),
            actor: AtomicWaker::new(),
            limits,
            metrics,
        })
    }

    /// An empty outbox that asks `gate` before anything about a person leaves. Without one nothing about people does.
    #[must_use]
    pub fn gated(limits: OutboxLimits, metrics: Arc<SocketMetrics>, gate: Arc<dyn Gate>) -> Arc<Self> {
        let outbox = Self::new(limits, metrics);
        outbox.queue.lock().reader.gate = Some(gate);
        outbox
    }

    /// Says who reads; before that nothing about people leaves.
    pub fn belongs_to(&self, reader: UserNo) {
        self.queue.lock().reader.no = Some(reader);
    }

    /// The counters this outbox adds to.
    #[must_use]
    pub const fn metrics(&self) -> &Arc<SocketMetrics> {
        &self.metrics
    }

    /// Queues a binary frame, in order with the state frames and under the same bound.
    pub fn binary(&self, frame: Bytes) {
        self.push(Waiting::Frame(OpCode::Binary, frame));
    }

    /// True once a close frame is queued or the socket is gone: nothing more is taken.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.phase.load(Ordering::Acquire) != OPEN
    }

    /// True once nothing can reach the client any more.
    pub(super) fn is_gone(&self) -> bool {
        self.phase.load(Ordering::Acquire) == GONE
    }

    /// True when at least half of what may wait is free. One who produces an answer for each message and must not lose
    /// one asks this first and waits for [`Self::room`].
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.queue.lock().has_room(self.limits)
    }

    /// Ends when [`Self::has_room`], or when nothing more is taken. Only the session of this connection may wait so.
    pub fn room(self: &Arc<Self>) -> impl Future<Output = ()> + 'static {
        let outbox = Arc::clone(self);
        std::future::poll_fn(move |cx| {
            outbox.actor.register(cx.waker());
            let mut queue = outbox.queue.lock();
            queue.room_wanted = !queue.has_room(outbox.limits) && !outbox.is_closing();
            if queue.room_wanted { Poll::Pending } else { Poll::Ready(()) }
        })
    }

    fn push(&self, waiting: Waiting) {
        let mut queue = self.queue.lock();
        if self.is_closing() {
            return;
        }
        let foremost = queue.state.front().map_or(0, Waiting::len);
        let length = waiting.len();
        let bytes = queue.state_bytes - foremost + length;
        if queue.state.len() >= self.limits.frames || (!queue.state.is_empty() && bytes > self.limits.bytes) {
            add(&self.metrics.slow, 1);
            // What waited is given up with the connection: the client starts anew, and its memory returns now.
            let Queue { begun, told, reader, ended, .. } = std::mem::take(&mut *queue);
            *queue = Queue { begun, told, reader, ended, ..Queue::default() };
            self.close_ourselves(&mut queue, CloseCode::SLOW, "this client reads too slowly");
        } else {
            queue.state_bytes += length;
            queue.state.push_back(waiting);
        }
        drop(queue);
        self.body.wake();
    }

    /// Queues the one close frame; false when there was one already or the socket is gone.
    fn begin_close(&self, queue: &mut Queue, code: Option<CloseCode>, reason: &str) -> bool {
        let first = !self.is_closing();
        if first {
            self.phase.store(CLOSING, Ordering::Release);
            let end = reason.floor_char_boundary(LONGEST_REASON);
            queue.close = Close::Queued(code, ByteString::from(reason.get(..end).unwrap_or_default()));
            self.actor.wake();
        }
        first
    }

    fn close_ourselves(&self, queue: &mut Queue, code: CloseCode, reason: &str) {
        if self.begin_close(queue, Some(code), reason) {
            self.metrics.count_close(code);
        }
    }

    /// Answers the client's close frame with its own code, after what is queued.
    pub(super) fn close_back(&self, code: Option<CloseCode>) {
        self.begin_close(&mut self.queue.lock(), code, "");
        self.body.wake();
    }

    pub(super) fn pong(&self, payload: Bytes) {
        self.slot(|queue| {
            if queue.pongs.len() >= PONGS {
                queue.pongs.pop_front();
            }
            queue.pongs.push_back(payload);
        });
    }

    pub(super) fn ping(&self) {
        self.slot(|queue| queue.ping = true);
    }

    /// After what is queued the body ends.
    pub(super) fn end(&self) {
        self.queue.lock().ended = true;
        self.body.wake();
    }

    /// The client says nothing more, but it may still listen: what must not be dropped is still sent, nothing is added.
    pub(super) fn end_unheard(&self) {
        let mut queue = self.queue.lock();
        self.phase.store(GONE, Ordering::Release);
        (queue.ended, queue.ping, queue.crowd) = (true, false, None);
        queue.moved = MovedSlots::default();
        drop(queue);
        self.body.wake();
    }

    /// The socket is gone and with it everything queued.
    fn abandon(&self) {
        let mut queue = self.queue.lock();
        self.phase.store(GONE, Ordering::Release);
        *queue = Queue { ended: true, close: Close::Sent, ..Queue::default() };
        drop(queue);
        self.body.wake();
        self.actor.wake();
    }

    pub(super) fn register_actor(&self, cx: &Context<'_>) {
        self.actor.register(cx.waker());
    }

    fn slot(&self, put: impl FnOnce(&mut Queue)) {
        let mut queue = self.queue.lock();
        if !self.is_closing() {
            put(&mut queue);
            drop(queue);
            self.body.wake();
        }
    }

    fn poll_chunk(&self, cx: &Context<'_>) -> Poll<Option<Result<Bytes, TakenBack>>> {
        self.body.register(cx.waker());
        let mut queue = self.queue.lock();
        let (chunk, frames) = queue.next_chunk();
        if queue.room_wanted && queue.has_room(self.limits) {
            queue.room_wanted = false;
            self.actor.wake();
        }
        let done = queue.ended && chunk.is_empty();
        if queue.taken_back {
            return Poll::Ready(Some(Err(TakenBack)));
        }
        drop(queue);
        add(&self.metrics.frames_out, frames);
        add(&self.metrics.bytes_out, chunk.len() as u64);
        match chunk.is_empty() {
            false => Poll::Ready(Some(Ok(chunk))),
            true if done => Poll::Ready(None),
            true => Poll::Pending,
        }
    }
}

impl Downlink for Outbox {
    fn state(&self, frame: ByteString) {
        self.push(Waiting::Frame(OpCode::Text, frame.into_bytes()));
    }

    fn about(&self, about: About) {
        self.push(Waiting::About(Box::new(about)));
    }

    fn friends(&self, list: FriendList) {
        self.push(Waiting::Friends(Box::new(list)));
    }

    fn moved(&self, friends: &[MovedFriend]) {
        let mut coalesced = 0;
        self.slot(|queue| {
            for friend in friends {
                coalesced += u64::from(queue.moved.put(friend));
            }
        });
        add(&self.metrics.moved_coalesced, coalesced);
    }

    fn forget(&self, friend: UserNo) {
        self.queue.lock().forget(friend);
    }

    fn ack(&self, seq: u64) {
        self.slot(|queue| queue.ack = queue.ack.max(Some(seq)));
    }

    fn quiet(&self, frame: ByteString) {
        self.slot(|queue| queue.quiet = Some(frame));
    }

    fn crowd(&self, frame: Bytes) {
        self.slot(|queue| queue.crowd = Some(frame));
    }

    fn close(&self, code: CloseCode, reason: &str) {
        self.close_ourselves(&mut self.queue.lock(), code, reason);
        self.body.wake();
    }
}

/// The response body that carries an outbox to the socket.
#[derive(Debug)]
pub(super) struct OutboxBody(Arc<Outbox>);

impl OutboxBody {
    pub(super) fn new(outbox: Arc<Outbox>) -> Self {
        add(&outbox.metrics.open, 1);
        add(&outbox.metrics.opened, 1);
        Self(outbox)
    }
}

impl MessageBody for OutboxBody {
    type Error = TakenBack;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.0.poll_chunk(cx)
    }
}

impl Drop for OutboxBody {
    fn drop(&mut self) {
        self.0.metrics.open.fetch_sub(1, Ordering::Relaxed);
        self.0.abandon();
    }
}
