//! The actor of one connection. It moves frames: reads for the session, keeps the limits, watches the clock. It holds no
//! state of a person and survives nothing but its own connection.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, StreamHandler, WrapFuture};
use actix_web::web;
use actix_web_actors::ws;
use bytes::Bytes;
use futures_util::StreamExt;

use super::frame_reader::{Message, ReaderEvent, Violation};
use super::socket::{Flow, Link, SETTLE_WITHIN, Session, SocketLimits};
use super::socket_metrics::add;
use super::socket_stream::{Shared, SocketEvent, SocketStream};
use crate::actors::downlink::Downlink;
use crate::protocol::close::CloseCode;

struct Socket<S: Session> {
    session: S,
    link: Link,
    limits: Arc<SocketLimits>,
    shared: Rc<Shared>,
    /// Until the actor has started.
    stream: Option<SocketStream<web::Payload>>,
    /// The session's last call was made.
    over: bool,
    pings: PingBudget,
    silence: Silence,
}

/// Starts a connection's actor on this thread.
pub(super) fn start<S: Session>(session: S, link: Link, payload: web::Payload, limits: Arc<SocketLimits>) {
    let shared = Rc::new(Shared::default());
    let stream = SocketStream::new(
        payload,
        Arc::clone(link.outbox()),
        Rc::clone(&shared),
        limits.reader,
        limits.message,
        limits.tick,
    );
    let socket = Socket {
        session,
        link,
        shared,
        stream: Some(stream),
        over: false,
        pings: PingBudget { milli_pongs: u64::from(limits.pong_burst) * 1000, over: 0 },
        silence: Silence { frames: 0, since: Instant::now(), last_tick: Instant::now(), pinged: false },
        limits,
    };
    // The context's own reader gets nothing to read and ends at once; ours is added when the actor starts. What the
    // context would write is nothing either: frames leave through the outbox.
    let context = ws::WebsocketContext::create(socket, futures_util::stream::empty());
    actix_rt::spawn(context.for_each(|_| std::future::ready(())));
}

impl<S: Session> Actor for Socket<S> {
    type Context = ws::WebsocketContext<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.call(|session, link| session.opened(link));
        if let Some(stream) = self.stream.take() {
            ctx.add_stream(stream);
        }
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.finish();
    }
}

impl<S: Session> Drop for Socket<S> {
    fn drop(&mut self) {
        self.finish();
    }
}

/// The stock reader's messages: there are none.
impl<S: Session> StreamHandler<Result<ws::Message, ws::ProtocolError>> for Socket<S> {
    fn handle(&mut self, _: Result<ws::Message, ws::ProtocolError>, _: &mut Self::Context) {}
    fn finished(&mut self, _: &mut Self::Context) {}
}

impl<S: Session> StreamHandler<SocketEvent> for Socket<S> {
    fn handle(&mut self, event: SocketEvent, ctx: &mut Self::Context) {
        match event {
            SocketEvent::Read(ReaderEvent::Message(message)) => self.message(message),
            SocketEvent::Read(ReaderEvent::Ping(payload)) => self.ping(payload),
            SocketEvent::Read(ReaderEvent::Pong) => {}
            SocketEvent::Read(ReaderEvent::Close(code)) => self.closed_by_client(code, ctx),
            SocketEvent::Read(ReaderEvent::Bad(violation)) => self.violation(violation, ctx),
            SocketEvent::Tick => self.tick(),
            SocketEvent::Closing => self.closing(ctx),
        }
    }

    /// The client is gone, or at least says nothing more.
    fn finished(&mut self, ctx: &mut Self::Context) {
        if !self.over {
            add(&self.link.outbox().metrics().gone, 1);
        }
        self.link.outbox().end_unheard();
        ctx.stop();
    }
}

impl<S: Session> Socket<S> {
    /// Calls the session. A panic there costs its own connection and nothing else.
    fn call<R>(&mut self, call: impl FnOnce(&mut S, &Link) -> R) -> Option<R> {
        let result = catch_unwind(AssertUnwindSafe(|| call(&mut self.session, &self.link)));
        if result.is_err() {
            add(&self.link.outbox().metrics().panics, 1);
            self.link.close(CloseCode::INTERNAL, "internal error");
        }
        result.ok()
    }

    fn finish(&mut self) {
        if !std::mem::replace(&mut self.over, true) {
            self.count_frames(self.shared.frames.get());
            self.call(|session, _| session.closed());
        }
    }

    fn message(&mut self, message: Message) {
        // The stream tells of a close before the next message, and with that the session was over.
        if self.over {
            return;
        }
        if let Some(Flow::Wait(wait)) = self.call(|session, link| session.message(message, link)) {
            *self.shared.gate.borrow_mut() = Some(wait);
        }
    }

    fn ping(&mut self, payload: Bytes) {
        let outbox = self.link.outbox();
        if self.pings.may_answer(&self.limits) {
            outbox.pong(payload);
        } else {
            add(&outbox.metrics().pings_ignored, 1);
            if self.pings.over > self.limits.pings_over {
                outbox.close(CloseCode::FLOOD, "too many pings");
            }
        }
    }

    /// The client's close frame: answered with its own code after what is queued, or the answer to ours.
    fn closed_by_client(&mut self, code: Option<CloseCode>, ctx: &mut ws::WebsocketContext<Self>) {
        let outbox = self.link.outbox();
        if !self.over {
            add(&outbox.metrics().closed_by_client, 1);
            outbox.close_back(code);
        }
        self.end(ctx);
    }

    /// The connection fails (RFC 6455, 7.1.7): the close frame, and no waiting for an answer that could not be read.
    /// What was said before it is answered first.
    fn violation(&mut self, violation: Violation, ctx: &mut ws::WebsocketContext<Self>) {
        let settled = if self.over { None } else { self.call(|session, _| session.settled()).flatten() };
        match settled {
            Some(settled) => {
                // Until then nothing is read: the rest is noise.
                *self.shared.gate.borrow_mut() = Some(Box::pin(std::future::pending()));
                let settled = actix_rt::time::timeout(SETTLE_WITHIN, settled).into_actor(self);
                ctx.spawn(settled.map(move |_, socket, ctx| socket.fail(violation, ctx)));
            }
            None => self.fail(violation, ctx),
        }
    }

    fn fail(&mut self, violation: Violation, ctx: &mut ws::WebsocketContext<Self>) {
        *self.shared.gate.borrow_mut() = None;
        if !self.over {
            self.link.close(violation.code, violation.why);
            self.finish();
        }
        ctx.run_later(self.limits.drain, |socket, ctx| socket.end(ctx));
    }

    /// Somebody asked to close. The session ends now; the client may take a while to answer the close frame.
    fn closing(&mut self, ctx: &mut ws::WebsocketContext<Self>) {
        self.finish();
        ctx.run_later(self.limits.close_wait, |socket, ctx| socket.end(ctx));
    }

    /// The body ends after what is queued, and with it the connection.
    fn end(&mut self, ctx: &mut ws::WebsocketContext<Self>) {
        self.finish();
        self.link.outbox().end();
        ctx.stop();
    }

    fn tick(&mut self) {
        let now = Instant::now();
        let frames = self.shared.frames.get();
        self.count_frames(frames);
        let reading = self.shared.gate.borrow().is_none();
        let since_tick = now.duration_since(self.silence.last_tick);
        self.pings.refill(&self.limits, since_tick.as_millis());
        self.silence.last_tick = now;
        if self.over {
            return;
        }
        if frames != self.silence.frames || !reading {
            self.silence = Silence { frames, since: now, last_tick: now, pinged: false };
        }
        let silent = now.duration_since(self.silence.since);
        if silent >= self.limits.idle {
            self.link.close(CloseCode::IDLE, "nothing was heard for too long");
        } else if silent >= self.limits.ping_after && !self.silence.pinged {
            self.silence.pinged = true;
            self.link.outbox().ping();
        }
        self.call(|session, link| session.tick(link));
    }

    fn count_frames(&self, frames: u64) {
        add(&self.link.outbox().metrics().frames_in, frames.saturating_sub(self.silence.frames));
    }
}

/// When the client was last heard, at the precision of ticks.
struct Silence {
    frames: u64,
    since: Instant,
    last_tick: Instant,
    pinged: bool,
}

/// How many pings are still answered.
struct PingBudget {
    milli_pongs: u64,
    over: u32,
}

impl PingBudget {
    fn may_answer(&mut self, limits: &SocketLimits) -> bool {
        if limits.pongs_per_second == u32::MAX {
            return true;
        }
        match self.milli_pongs.checked_sub(1000) {
            Some(left) => {
                self.milli_pongs = left;
                true
            }
            None => {
                self.over = self.over.saturating_add(1);
                false
            }
        }
    }

    fn refill(&mut self, limits: &SocketLimits, elapsed_ms: u128) {
        let elapsed = u64::try_from(elapsed_ms).unwrap_or(u64::MAX);
        let fresh = elapsed.saturating_mul(u64::from(limits.pongs_per_second));
        self.milli_pongs = self.milli_pongs.saturating_add(fresh).min(u64::from(limits.pong_burst) * 1000);
        self.over = 0;
    }
}
