//! What frames on a WebSocket mean: authentication, limits, and the way to the person's actor and back.
use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use actix::prelude::*;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::future::LocalBoxFuture;

use super::audit::Often;
use super::auth::{self, Credential};
use super::error::ApiError;
use super::guard::wrong_credential;
use super::limits::{Frames, Limit, Way};
use super::outbox::{Outbox, OutboxLimits};
use super::peer::Peer;
use super::socket::{Flow, Link, Message, ReaderLimits, SETTLE_WITHIN, Session, SocketLimits, serve};
use super::state::Node;
use crate::actors::downlink::{Downlink, FriendList};
use crate::actors::spatial_index::{QueryNearby, WatchCrowd};
use crate::actors::user::{
    Attach, Detach, OpenMap, RecordSeed, ReportFix, ReportFixes, SetAvailability, Settle, Speaker, User,
};
use crate::domain::{Code, DeviceName, Fix, Precision, Refusal, Sight, UserNo};
use crate::protocol::client::{self, ClientFrame, NearbyQuery, RefusedFrame, RequestId, Secret};
use crate::protocol::close::CloseCode;
use crate::protocol::seed_line::SeedLine;
use crate::protocol::server::{self, NearbyFriend, ServerFrame};
use crate::spatial::world::Nearby;
use crate::store::accounts::Identity;
use crate::store::rows::TokenKind;

/// After this many refusals for speed within a minute the connection is closed with 4429.
const FLOOD: u32 = 200;

/// `GET /v1/ws`.
///
/// # Errors
/// 401 for a wrong bearer token; 503 beyond the connection limit or while stopping; 429 for too many from one address; 400
/// for a bad handshake.
pub async fn websocket(
    req: HttpRequest,
    payload: web::Payload,
    node: web::Data<Arc<Node>>,
) -> Result<HttpResponse, actix_web::Error> {
    let room = node.limits.doors.room().sockets;
    if node.stopping.is_under_way() || node.sockets.open.load(Ordering::Relaxed) >= room {
        node.limits.refused.count(Limit::Connections);
        return Err(ApiError::unavailable("this node has no room for another connection now").into());
    }
    // The guard has refused a wrong token; a wrong cookie and a page elsewhere are told by close codes.
    let caller = match auth::credential(&req, &node) {
        Credential::Bearer(Some(identity)) => Entry::Known(identity),
        Credential::Bearer(None) => return Err(ApiError::unauthenticated().into()),
        Credential::Cookie(_) if !auth::is_own_origin(&req) || auth::is_cross_site(&req) => Entry::WrongOrigin,
        Credential::Cookie(Some(identity)) => Entry::Known(identity),
        Credential::Cookie(None) => {
            wrong_credential(&node, Peer::of(&req).address)?;
            Entry::Void
        }
        Credential::None => Entry::Unknown,
    };
    let way = forwarded_way(&req, &node)?;
    let limits = &node.config.limits;
    let outbox_limits = OutboxLimits { frames: limits.outbox_frames, bytes: limits.outbox_bytes };
    let outbox = Outbox::gated(outbox_limits, node.sockets.clone(), node.user.gate.clone());
    let socket_limits = Arc::new(SocketLimits {
        reader: ReaderLimits { frame_bytes: limits.frame_bytes, ..ReaderLimits::default() },
        message: limits.message.get(),
        ping_after: limits.idle.get() * 5 / 12,
        idle: limits.idle.get(),
        ..SocketLimits::default()
    });
    let visit = SocketVisit { from: Peer::of(&req).address, _way: way };
    let session = PersonSession::new(node.get_ref().clone(), caller, visit);
    serve(&req, payload, session, outbox, socket_limits)
}

/// Where a socket comes from, and its place among those from there.
struct SocketVisit {
    from: IpAddr,
    _way: Option<Way>,
}

/// Whom a proxy forwards is counted here: the connection itself is the proxy's.
fn forwarded_way(req: &HttpRequest, node: &Node) -> Result<Option<Way>, ApiError> {
    let address = Peer::of(req).address;
    if req.peer_addr().is_some_and(|direct| direct.ip().to_canonical() == address.to_canonical()) {
        return Ok(None);
    }
    let way = Way::from(&node.limits, address);
    way.map_err(|(_, wait)| ApiError::too_often("too many connections from this address", wait))
}

enum Entry {
    Known(Identity),
    Unknown,
    WrongOrigin,
    Void,
}

/// Someone who has said who they are.
struct Known {
    identity: Identity,
    addr: Addr<User>,
    user_id: crate::domain::UserId,
}

struct PersonSession {
    node: Arc<Node>,
    conn: u64,
    entry: Option<Entry>,
    known: Option<Known>,
    opened: Instant,
    frames: Frames,
    visit: SocketVisit,
    refusals: Window,
    floods: Window,
    watches_crowd: bool,
}

impl PersonSession {
    fn new(node: Arc<Node>, entry: Entry, visit: SocketVisit) -> Self {
        let limits = &node.config.limits;
        Self {
            conn: node.next_conn.fetch_add(1, Ordering::Relaxed),
            frames: Frames::new(node.limits.clone(), limits),
            visit,
            refusals: Window::new(limits.errors_per_minute),
            floods: Window::new(FLOOD),
            entry: Some(entry),
            known: None,
            opened: Instant::now(),
            watches_crowd: false,
            node,
        }
    }

    fn attach(&mut self, identity: Identity, device: Option<DeviceName>, link: &Link) {
        if identity.kind == TokenKind::Device {
            return link.close(CloseCode::NOT_AUTHENTICATED, "a device token can only write over HTTP");
        }
        let accounts = &self.node.user.accounts;
        let (Some(addr), Some(account)) = (self.node.user.registry.wake(identity.no), accounts.by_no(identity.no))
        else {
            return link.close(CloseCode::NOT_AUTHENTICATED, "the account was removed");
        };
        let Ok(seat) = self.node.limits.seat(identity.no) else {
            return link.close(CloseCode::AT_CAPACITY, "this person has too many connections");
        };
        self.frames.belong_to(seat);
        let exclusive = identity.kind != TokenKind::Session || device.is_some();
        let device = device.unwrap_or_else(|| identity.device.clone());
        link.outbox().belongs_to(identity.no);
        let token = identity.token_id;
        let attach = Attach { conn: self.conn, link: link.outbox().clone(), device, token, exclusive };
        if addr.try_send(attach).is_err() {
            return link.close(CloseCode::AT_CAPACITY, "too much at once");
        }
        self.known = Some(Known { identity, addr, user_id: account.id.clone() });
    }

    fn hello(&mut self, token: &Secret, device: Option<DeviceName>, link: &Link) {
        let now = self.node.user.clock.now();
        match self.node.user.accounts.verify(token.reveal(), now) {
            Some(identity) => self.attach(identity, device, link),
            None => match self.node.limits.wrong_credential(self.visit.from) {
                Ok(()) => link.close(CloseCode::NOT_AUTHENTICATED, "the token is not valid"),
                Err(_) => link.close(CloseCode::FLOOD, "too many wrong credentials from this address"),
            },
        }
    }

    /// Answers a refused frame; too many of them close the connection.
    fn refuse(&mut self, refused: &RefusedFrame, link: &Link) -> Flow {
        link.outbox().state(server::error(&refused.refusal, refused.seq));
        if self.refusals.is_full_after_one_more() {
            return self.close_settled(CloseCode::TOO_MANY_ERRORS, "too many errors within a minute", link);
        }
        Flow::Continue
    }

    /// Closes once everything said before is answered; until then nothing more is read.
    fn close_settled(&mut self, code: CloseCode, reason: &'static str, link: &Link) -> Flow {
        let Some(settled) = self.settled() else {
            link.close(code, reason);
            return Flow::Continue;
        };
        let outbox = link.outbox().clone();
        Flow::Wait(Box::pin(async move {
            let _ = actix_rt::time::timeout(SETTLE_WITHIN, settled).await;
            outbox.close(code, reason);
        }))
    }

    fn refuse_speed(&mut self, limit: Limit, link: &Link) -> Flow {
        if self.floods.times.len().is_multiple_of(50) {
            let limits = &self.node.config.limits;
            let message = match limit {
                Limit::UserFrames => {
                    format!("at most {} frames a second from all your devices together", limits.user_frames_per_second)
                }
                Limit::UserBytes => {
                    format!("at most {} bytes a second from all your devices together", limits.user_bytes_per_second)
                }
                _ => format!("at most {} frames a second", limits.frames_per_second),
            };
            link.outbox().state(server::error(&Refusal::new(Code::RateLimited, message), None));
        }
        if self.floods.is_full_after_one_more() {
            return self.close_settled(CloseCode::FLOOD, "far over the limits", link);
        }
        Flow::Continue
    }

    fn frame(&mut self, frame: ClientFrame, link: &Link) -> Result<Flow, RefusedFrame> {
        let now = self.node.user.clock.now();
        let conn = self.conn;
        let Some(known) = &self.known else {
            match frame {
                ClientFrame::Hello { token, device } => self.hello(&token, device, link),
                _ => link.close(CloseCode::NOT_AUTHENTICATED, "say hello first"),
            }
            return Ok(Flow::Continue);
        };
        let speaker = Speaker::Connection(conn);
        Ok(match frame {
            ClientFrame::Fix { fields, seq } => {
                let fix = Fix::new(&fields, now).map_err(|refusal| RefusedFrame { refusal, seq })?;
                pass(&known.addr, ReportFix { conn, fix, seq })
            }
            ClientFrame::Fixes { fixes, seq } => {
                let fixes = fixes.into_iter().map(|fields| fields.and_then(|fields| Fix::new(&fields, now))).collect();
                pass(&known.addr, ReportFixes { speaker, fixes, seq })
            }
            ClientFrame::Availability { availability, seq } => {
                pass(&known.addr, SetAvailability { speaker, availability: Some(availability), seq })
            }
            ClientFrame::Seed(line) => self.seed(&line)?,
            ClientFrame::Map { open } => pass(&known.addr, OpenMap { conn, open }),
            ClientFrame::Nearby { id, query } => self.nearby(id, &query, link),
            ClientFrame::View(view) => {
                if !known.identity.admin {
                    return Err(Refusal::new(Code::Forbidden, "view is the administrator's").into());
                }
                if !std::mem::replace(&mut self.watches_crowd, true) {
                    Often::crowd_opened(&self.node, known.identity.no);
                }
                let way: Arc<dyn Downlink> = link.outbox().clone();
                pass(&self.node.index, WatchCrowd { conn, view: Some((view, way)) })
            }
            ClientFrame::Ping { id } => {
                let frame = ServerFrame::Pong { id: id.as_ref(), server_time: now.0 };
                link.outbox().state(frame.encode());
                Flow::Continue
            }
            ClientFrame::Hello { .. } => {
                return Err(Refusal::new(Code::Conflict, "hello was said already").into());
            }
        })
    }

    fn seed(&self, line: &SeedLine) -> Result<Flow, RefusedFrame> {
        let Some(known) = &self.known else { return Ok(Flow::Continue) };
        if line.user != known.user_id {
            return Err(Refusal::of_field(Code::Forbidden, "user", "user must be the caller").into());
        }
        let fix = Fix::new(&line.fields(), self.node.user.clock.now())?;
        super::ingest::mark_hours(&self.node, known.identity.no, line.t, line.free);
        let record = RecordSeed { speaker: Speaker::Connection(self.conn), fix, free: line.free };
        Ok(pass(&known.addr, record))
    }

    fn nearby(&self, id: Option<RequestId>, query: &NearbyQuery, link: &Link) -> Flow {
        let Some(known) = &self.known else { return Flow::Continue };
        let (node, no, query, outbox) = (self.node.clone(), known.identity.no, query.clone(), link.outbox().clone());
        Flow::Wait(Box::pin(async move {
            match nearby(&node, no, &query).await {
                Ok(friends) => outbox.friends(FriendList::Nearby(id, friends)),
                Err(refusal) => outbox.state(server::error(&refusal, None)),
            }
        }))
    }
}

impl Session for PersonSession {
    fn opened(&mut self, link: &Link) {
        match self.entry.take() {
            Some(Entry::Known(identity)) => self.attach(identity, None, link),
            Some(Entry::WrongOrigin) => link.close(CloseCode::ORIGIN, "this origin is not allowed"),
            Some(Entry::Void) => link.close(CloseCode::NOT_AUTHENTICATED, "the session is over: sign in again"),
            Some(Entry::Unknown) | None => {}
        }
    }

    fn message(&mut self, message: Message, link: &Link) -> Flow {
        let Message::Text(text) = message else {
            return self.close_settled(CloseCode::UNSUPPORTED, "binary is not understood", link);
        };
        if let Err(limit) = self.frames.take(text.len()) {
            return self.refuse_speed(limit, link);
        }
        match client::parse(&text).and_then(|frame| self.frame(frame, link)) {
            Ok(flow) => flow,
            Err(refused) => self.refuse(&refused, link),
        }
    }

    fn settled(&mut self) -> Option<LocalBoxFuture<'static, ()>> {
        let addr = self.known.as_ref()?.addr.clone();
        Some(Box::pin(async move {
            let (sender, receiver) = tokio::sync::oneshot::channel();
            if addr.send(Settle(sender)).await.is_ok() {
                // Whether it could be stored or not: what there was to say has been said.
                let _ = receiver.await;
            }
        }))
    }

    fn tick(&mut self, link: &Link) {
        if self.node.stopping.is_under_way() {
            // Whoever has an actor is told by it; this is for those who have not said hello.
            return link.close(CloseCode::RESTARTING, "restarting: come back in a moment");
        }
        let Some(known) = &self.known else {
            if self.opened.elapsed() >= self.node.config.limits.hello.get() {
                link.close(CloseCode::NO_HELLO, "no hello in time");
            }
            return;
        };
        if !self.node.user.accounts.is_valid(&known.identity, self.node.user.clock.now()) {
            link.close(CloseCode::NOT_AUTHENTICATED, "the token was revoked");
        }
        self.node.browsers.used(&self.node, &known.identity);
    }

    fn closed(&mut self) {
        if self.watches_crowd {
            send(&self.node.index, WatchCrowd { conn: self.conn, view: None });
        }
        if let Some(known) = self.known.take() {
            send(&known.addr, Detach { conn: self.conn });
        }
    }
}

/// Hands a message to an actor. When its mailbox is full nothing more is read from this client until it has been taken:
/// nothing is lost and nothing is reordered.
fn pass<A, M>(addr: &Addr<A>, message: M) -> Flow
where
    A: Actor<Context = Context<A>> + Handler<M>,
    M: actix::Message + Send + 'static,
    M::Result: Send,
{
    match addr.try_send(message) {
        Ok(()) | Err(SendError::Closed(_)) => Flow::Continue,
        Err(SendError::Full(message)) => {
            let addr = addr.clone();
            Flow::Wait(Box::pin(async move { drop(addr.send(message).await) }))
        }
    }
}

/// Sends what must arrive, though the session is over.
fn send<A, M>(addr: &Addr<A>, message: M)
where
    A: Actor<Context = Context<A>> + Handler<M>,
    M: actix::Message + Send + 'static,
    M::Result: Send,
{
    if let Flow::Wait(sent) = pass(addr, message) {
        actix_rt::spawn(sent);
    }
}

/// Friends around a person, nearest first, with names and states, and what one must be allowed to know to be shown each.
///
/// # Errors
/// `unavailable` when the index is overloaded.
pub async fn nearby(
    node: &Node,
    no: UserNo,
    query: &NearbyQuery,
) -> Result<Vec<(UserNo, Sight, NearbyFriend)>, Refusal> {
    let own = node.user.accounts.by_no(no).map(|account| account.radius).unwrap_or_default();
    let radius_m = query.radius.unwrap_or(own).as_metres();
    let question = QueryNearby(no, Nearby { radius_m, limit: query.limit, free_only: query.free_only });
    let found = node.index.send(question).await.map_err(|_| Refusal::new(Code::Unavailable, "try again"))?;
    let now = node.user.clock.now();
    let shown = found.into_iter().filter_map(|neighbour| {
        let account = node.user.accounts.by_no(neighbour.user)?;
        let standing = node.user.board.standing(neighbour.user, now);
        let needs = Sight::from(neighbour.precision);
        let friend = NearbyFriend {
            user: account.id.as_str().to_owned(),
            name: account.name.as_str().to_owned(),
            distance: server::rounded(neighbour.distance_m),
            free: neighbour.free,
            note: standing.availability.note.as_ref().map(|note| note.as_str().to_owned()),
            t: neighbour.live.t.0,
            lat: neighbour.live.position.lat(),
            lon: neighbour.live.position.lon(),
            approximate: neighbour.precision != Precision::Exact,
        };
        Some((neighbour.user, needs, friend))
    });
    Ok(shown.collect())
}

/// Counts what happens within a minute.
struct Window {
    limit: usize,
    times: VecDeque<Instant>,
}

impl Window {
    fn new(limit: u32) -> Self {
        Self { limit: limit as usize, times: VecDeque::new() }
    }

    fn is_full_after_one_more(&mut self) -> bool {
        while self.times.front().is_some_and(|first| first.elapsed() >= Duration::from_secs(60)) {
            self.times.pop_front();
        }
        self.times.push_back(Instant::now());
        self.times.len() >= self.limit
    }
}
