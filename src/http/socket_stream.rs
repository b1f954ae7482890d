//! Everything that can happen to a socket, as one stream for its actor: what the client sends, the beat of the clock,
//! and that somebody asked to close.
use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use actix_web::error::PayloadError;
use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::Stream;

use super::frame_reader::{FrameReader, ReaderEvent, ReaderLimits, Violation};
use super::outbox::Outbox;
use super::ticker::Pulse;
use crate::protocol::close::CloseCode;

/// How much is read and dropped, bytes, for the sake of a client that has broken the rules.
const MOST_DROPPED: usize = 256 * 1024;

/// What the actor hears. The end of the stream means that the client is gone.
#[derive(Debug)]
pub(super) enum SocketEvent {
    /// Something came from the client.
    Read(ReaderEvent),
    /// The clock.
    Tick,
    /// The outbox is closing, by whoever asked for it.
    Closing,
}

/// What actor and stream share.
#[derive(Default)]
pub(super) struct Shared {
    /// While this is there nothing is read.
    pub(super) gate: RefCell<Option<LocalBoxFuture<'static, ()>>>,
    /// Whole frames read so far.
    pub(super) frames: Cell<u64>,
}

pub(super) struct SocketStream<P> {
    payload: P,
    chunk: Bytes,
    reader: FrameReader,
    outbox: Arc<Outbox>,
    shared: Rc<Shared>,
    pulse: Rc<Pulse>,
    /// What was unfinished at a beat, and since when.
    unfinished: Option<(u64, Instant)>,
    message_limit: Duration,
    closing_told: bool,
}

impl<P> SocketStream<P> {
    pub(super) fn new(
        payload: P,
        outbox: Arc<Outbox>,
        shared: Rc<Shared>,
        limits: ReaderLimits,
        message_limit: Duration,
        tick: Duration,
    ) -> Self {
        Self {
            payload,
            chunk: Bytes::new(),
            reader: FrameReader::new(limits),
            outbox,
            shared,
            pulse: Pulse::start(tick),
            unfinished: None,
            message_limit,
            closing_told: false,
        }
    }

    /// At a beat: whether one message has been unfinished for too long. Time in which we did not read does not count.
    fn is_dripping(&mut self) -> bool {
        let Some(name) = self.reader.unfinished() else {
            self.unfinished = None;
            return false;
        };
        match self.unfinished {
            Some((known, since)) if known == name && self.shared.gate.borrow().is_none() => {
                since.elapsed() >= self.message_limit
            }
            _ => {
                self.unfinished = Some((name, Instant::now()));
                false
            }
        }
    }

    /// When the client is gone there is nothing to tell: what it sent before is still read, to the end of the stream.
    fn must_tell_closing(&self) -> bool {
        !self.closing_told && self.outbox.is_closing() && !self.outbox.is_gone()
    }

    fn gate_is_shut(&self, cx: &mut Context<'_>) -> bool {
        let mut gate = self.shared.gate.borrow_mut();
        let shut = gate.as_mut().is_some_and(|wait| wait.as_mut().poll(cx).is_pending());
        if !shut {
            *gate = None;
        }
        shut
    }
}

impl<P: Stream<Item = Result<Bytes, PayloadError>> + Unpin> Stream for SocketStream<P> {
    type Item = SocketEvent;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<SocketEvent>> {
        let this = self.get_mut();
        this.pulse.register(cx);
        if this.pulse.take() {
            let event = if this.is_dripping() {
                this.reader.finish();
                let why = "a message took too long";
                SocketEvent::Read(ReaderEvent::Bad(Violation { code: CloseCode::POLICY, why }))
            } else {
                SocketEvent::Tick
            };
            return Poll::Ready(Some(event));
        }
        loop {
            if this.must_tell_closing() {
                this.closing_told = true;
                *this.shared.gate.borrow_mut() = None;
                return Poll::Ready(Some(SocketEvent::Closing));
            }
            if this.gate_is_shut(cx) {
                break;
            }
            if let Some(event) = this.reader.next(&mut this.chunk) {
                this.shared.frames.set(this.reader.frames());
                return Poll::Ready(Some(SocketEvent::Read(event)));
            }
            if this.reader.dropped() > MOST_DROPPED {
                return Poll::Ready(None);
            }
            match Pin::new(&mut this.payload).poll_next(cx) {
                Poll::Ready(Some(Ok(chunk))) => this.chunk = chunk,
                Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(None),
                Poll::Pending => break,
            }
        }
        this.outbox.register_actor(cx);
        if this.must_tell_closing() {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}
