//! What a person's actor does with each message.
use actix::prelude::*;

use super::*;
use crate::actors::flips::Flipped;
use crate::domain::UserId;

impl Handler<Attach> for User {
    type Result = ();

    fn handle(&mut self, Attach { conn, link, device, token, exclusive }: Attach, ctx: &mut Self::Context) {
        if !self.revive(ctx) {
            return link.close(CloseCode::RESTARTING, "try again");
        }
        let index = self.person.device(&device);
        let attached = Link { conn, way: link, token, device: index, map_open: false, welcomed: false };
        if self.links.add(attached, exclusive).is_some_and(|older| older.map_open) && !self.links.any_map_open() {
            let _ = self.deps.index.try_send(WatchFriends(self.no, false));
        }
        self.set_online(true);
        if self.deps.index.try_send(RequestSnapshot { no: self.no, conn }).is_err()
            && let Some(link) = self.links.remove(conn)
        {
            link.way.close(CloseCode::AT_CAPACITY, "too many newcomers at once");
        }
    }
}

impl Handler<Detach> for User {
    type Result = ();

    fn handle(&mut self, Detach { conn }: Detach, ctx: &mut Self::Context) {
        let Some(link) = self.links.remove(conn) else { return };
        if link.map_open && !self.links.any_map_open() {
            let _ = self.deps.index.try_send(WatchFriends(self.no, false));
        }
        if self.links.is_empty() {
            self.check_idle_later(ctx);
        }
    }
}

impl Handler<FriendsSnapshot> for User {
    type Result = ();

    fn handle(&mut self, FriendsSnapshot { conn, places }: FriendsSnapshot, _: &mut Self::Context) {
        self.mind_overrun();
        self.welcome(conn, &places);
    }
}

impl Handler<ReportFix> for User {
    type Result = ();

    fn handle(&mut self, ReportFix { conn, fix, seq }: ReportFix, ctx: &mut Self::Context) {
        let Some(device) = self.links.get(conn).map(|link| link.device) else { return };
        self.take(&fix, device, ctx);
        if let Some(seq) = seq {
            self.acknowledge(conn, seq, &[]);
        }
    }
}

impl Handler<ReportFixes> for User {
    type Result = MessageResult<ReportFixes>;

    fn handle(&mut self, ReportFixes { speaker, fixes, seq }: ReportFixes, ctx: &mut Self::Context) -> Self::Result {
        let nothing = FixesAnswer { accepted: 0, rejected: Vec::new(), stored: None };
        if !self.revive(ctx) {
            return MessageResult(nothing);
        }
        let Some(device) = self.device_of(&speaker, ctx) else { return MessageResult(nothing) };
        let mut rejected = Vec::new();
        let mut first = None;
        let mut good = Vec::with_capacity(fixes.len());
        for (index, fix) in fixes.iter().enumerate() {
            match fix {
                Ok(fix) => good.push(fix),
                Err(refusal) => {
                    rejected.push(Rejected { index, code: refusal.code });
                    first = first.or(Some(refusal));
                }
            }
        }
        // A backlog may come newest first; nothing in it is late because of that.
        good.sort_by_key(|fix| fix.t);
        good.iter().for_each(|fix| self.take(fix, device, ctx));
        let accepted = fixes.len() - rejected.len();
        let stored = match (speaker, seq, first) {
            (Speaker::Connection(conn), Some(seq), _) => {
                self.acknowledge(conn, seq, &rejected);
                None
            }
            (Speaker::Connection(conn), None, Some(refusal)) => {
                if let Some(link) = self.links.get(conn) {
                    link.way.state(server::error(refusal, None));
                }
                None
            }
            (Speaker::Connection(_), None, None) => None,
            (Speaker::Request(_), ..) => {
                let (sender, receiver) = tokio::sync::oneshot::channel();
                self.keep(Some(Promise::Reply(sender)));
                Some(receiver)
            }
        };
        MessageResult(FixesAnswer { accepted, rejected, stored })
    }
}

impl Handler<SetAvailability> for User {
    type Result = MessageResult<SetAvailability>;

    fn handle(&mut self, message: SetAvailability, ctx: &mut Self::Context) -> Self::Result {
        let SetAvailability { speaker, availability, seq } = message;
        if !self.revive(ctx) {
            return MessageResult(None);
        }
        self.set_hand(availability, true);
        match (speaker, seq) {
            (Speaker::Connection(conn), Some(seq)) => {
                self.acknowledge(conn, seq, &[]);
                MessageResult(None)
            }
            (Speaker::Connection(_), None) => {
                self.keep(None);
                MessageResult(None)
            }
            (Speaker::Request(_), _) => {
                let (sender, receiver) = tokio::sync::oneshot::channel();
                self.keep(Some(Promise::Reply(sender)));
                MessageResult(Some(receiver))
            }
        }
    }
}

impl Handler<RecordSeed> for User {
    type Result = ();

    fn handle(&mut self, RecordSeed { speaker, fix, free }: RecordSeed, ctx: &mut Self::Context) {
        if !self.revive(ctx) {
            return;
        }
        // The line is a statement about its own moment. An old one says nothing of the present, and a newer word holds.
        let is_recent = self.now().since(fix.t) <= i64::try_from(self.deps.http_linger.as_millis()).unwrap_or(i64::MAX);
        let device = match &speaker {
            Speaker::Request(name) if !is_recent => Some(self.person.device(name)),
            _ => self.device_of(&speaker, ctx),
        };
        let Some(device) = device else { return };
        let is_news = is_recent && fix.t >= self.person.changed_by_hand;
        let was = self.present(self.now()).free;
        self.take(&fix, device, ctx);
        if is_news && was != free {
            self.set_hand(Some(Availability { free, note: None, until: None }), true);
        }
        if is_news {
            self.person.changed_by_hand = fix.t;
        }
        self.keep_soon(ctx);
    }
}

impl Handler<OpenMap> for User {
    type Result = ();

    fn handle(&mut self, OpenMap { conn, open }: OpenMap, _: &mut Self::Context) {
        let Some(link) = self.links.get_mut(conn) else { return };
        link.map_open = open;
        let any = self.links.any_map_open();
        // A full mailbox only costs this map its movements until it is opened again; it is counted by the index.
        let _ = self.deps.index.try_send(WatchFriends(self.no, any));
    }
}

impl Handler<QueryOwnState> for User {
    type Result = MessageResult<QueryOwnState>;

    fn handle(&mut self, _: QueryOwnState, _: &mut Self::Context) -> Self::Result {
        let now = self.now();
        MessageResult(OwnState {
            present: self.present(now),
            steps_today: self.person.steps_today(now),
            today: self.person.today(now),
        })
    }
}

impl Handler<FriendChanged> for User {
    type Result = ();

    fn handle(&mut self, FriendChanged { of, needs, frame }: FriendChanged, _: &mut Self::Context) {
        self.mind_overrun();
        self.links.about(&About { of, needs, mutual: false, frame, otherwise: None });
    }
}

impl Handler<Met> for User {
    type Result = ();

    fn handle(&mut self, Met { friend, distance_m, t, shown }: Met, _: &mut Self::Context) {
        self.mind_overrun();
        let Some(friend_account) = self.deps.accounts.by_no(friend) else { return };
        let user = &friend_account.id;
        let standing = self.deps.board.standing(friend, self.now());
        let frame = ServerFrame::Near {
            user: user.as_str(),
            distance: server::rounded(distance_m),
            free: true,
            note: standing.availability.note.as_ref().map(Note::as_str),
            t: t.0,
        };
        let (needs, frame) = (Sight::from(shown), frame.encode());
        self.links.about(&About { of: friend, needs, mutual: true, frame, otherwise: None });
    }
}

impl Handler<Parted> for User {
    type Result = ();

    fn handle(&mut self, Parted { friend, t, reason, by }: Parted, _: &mut Self::Context) {
        self.mind_overrun();
        let gone = self.gone.iter().find(|gone| gone.no == friend).map(|gone| gone.user.clone());
        let Some(user) = gone.or_else(|| self.deps.accounts.by_no(friend).map(|account| account.id.clone())) else {
            return;
        };
        let apart =
            |reason| ServerFrame::Apart { user: user.as_str(), t: t.0, reason: server::reason(reason) }.encode();
        if reason == Reason::Unfriended {
            return self.links.state(&apart(reason));
        }
        // Of somebody who hides it is heard what is heard of somebody who is gone.
        let reason = if reason == Reason::Hidden && by != Some(self.no) { Reason::Stale } else { reason };
        let needs = if reason == Reason::Stale { Sight::Veiled } else { Sight::Presence };
        let otherwise = Some(apart(Reason::Stale));
        self.links.about(&About { of: friend, needs, mutual: false, frame: apart(reason), otherwise });
    }
}

impl Handler<FriendsMoved> for User {
    type Result = ();

    fn handle(&mut self, FriendsMoved(friends): FriendsMoved, _: &mut Self::Context) {
        self.mind_overrun();
        self.links.moved(&friends);
    }
}

impl Handler<Lapsed> for User {
    type Result = ();

    fn handle(&mut self, _: Lapsed, _: &mut Self::Context) {
        let lapsed = self.person.hand.as_ref().filter(|hand| hand.has_lapsed(self.now())).and_then(|hand| hand.until);
        if let Some(since) = lapsed {
            self.set_hand(None, false);
            // Had it lapsed a while ago, the timetable may have said more than one thing since.
            self.flipped(since);
            self.keep(None);
        }
        self.review();
    }
}

impl Handler<Flipped> for User {
    type Result = ();

    fn handle(&mut self, Flipped { since }: Flipped, _: &mut Self::Context) {
        self.mind_overrun();
        self.flipped(since);
    }
}

impl Handler<ForgetPositions> for User {
    type Result = ();

    fn handle(&mut self, ForgetPositions(before): ForgetPositions, _: &mut Self::Context) {
        if self.person.forget_positions(before) {
            self.dirty = true;
            self.keep(None);
        }
    }
}

impl Handler<KeepNow> for User {
    type Result = ();

    fn handle(&mut self, _: KeepNow, _: &mut Self::Context) {
        self.keep_days();
        self.keep(None);
    }
}

impl Handler<FriendGone> for User {
    type Result = ();

    fn handle(&mut self, friend: FriendGone, _: &mut Self::Context) {
        self.mind_overrun();
        self.friends = self.deps.accounts.friends(self.no);
        self.links.forget(friend.no);
        // The index is about to say that an encounter with them is over.
        if self.gone.len() >= MOST_GONE {
            self.gone.remove(0);
        }
        self.gone.push(friend);
    }
}

impl Handler<Settle> for User {
    type Result = ();

    fn handle(&mut self, Settle(settled): Settle, _: &mut Self::Context) {
        self.keep(Some(Promise::Reply(settled)));
    }
}

impl Handler<FriendshipChanged> for User {
    type Result = ();

    fn handle(&mut self, message: FriendshipChanged, _: &mut Self::Context) {
        let FriendshipChanged { friend, user, change, place } = message;
        self.mind_overrun();
        self.friends = self.deps.accounts.friends(self.no);
        self.veiled = veiled(&self.deps.gate, self.no, &self.friends, self.now());
        if change == FriendshipChange::Ended {
            self.links.forget(friend);
            self.gone.retain(|gone| gone.no != friend);
            return self.links.state(&ended(&user));
        }
        let is_seen = self.veiled.binary_search(&friend).is_err() && self.standing(self.now()) != Standing::default();
        if change == FriendshipChange::Began && is_seen {
            self.tell_friend(friend, Sight::Presence, self.presence(self.now()));
        }
        let Some((sight, friend_object)) = self.friend(friend, place.as_ref(), self.now()) else { return };
        let frame = ServerFrame::Friendship { user: user.as_str(), state: "friends", friend: Some(&friend_object) };
        let otherwise = friend_object.clone().cut_to(Sight::Veiled, sight).map(|friend| {
            ServerFrame::Friendship { user: user.as_str(), state: "friends", friend: Some(&friend) }.encode()
        });
        self.links.about(&About { of: friend, needs: sight, mutual: false, frame: frame.encode(), otherwise });
    }
}

fn ended(user: &UserId) -> ByteString {
    ServerFrame::Friendship { user: user.as_str(), state: "ended", friend: None }.encode()
}

impl Handler<Review> for User {
    type Result = ();

    fn handle(&mut self, _: Review, ctx: &mut Self::Context) {
        let Some(account) = self.deps.accounts.by_no(self.no) else { return };
        if self.person.review(Account::clone(&account), &self.deps.zone) {
            self.steps_changed(self.now(), ctx);
            self.keep_soon(ctx);
        }
        self.friends = self.deps.accounts.friends(self.no);
        self.review();
    }
}

impl Handler<TokenRevoked> for User {
    type Result = ();

    fn handle(&mut self, TokenRevoked(token): TokenRevoked, _: &mut Self::Context) {
        self.links.revoke(token);
    }
}

impl Handler<Expelled> for User {
    type Result = ();

    fn handle(&mut self, _: Expelled, ctx: &mut Self::Context) {
        self.links.close(CloseCode::NOT_AUTHENTICATED, "the account was removed");
        self.dirty = false;
        self.deps.registry.retire(self.no);
        self.deps.board.forget(self.no);
        for presence in [Presence::Free, Presence::Online] {
            self.deps.hours.presence(self.no, presence, false, self.now());
        }
        ctx.stop();
    }
}

impl Handler<TellAll> for User {
    type Result = ();

    fn handle(&mut self, TellAll(frame): TellAll, _: &mut Self::Context) {
        self.links.state(&frame);
    }
}

impl Handler<CloseAll> for User {
    type Result = ();

    fn handle(&mut self, CloseAll { code, reason }: CloseAll, _: &mut Self::Context) {
        self.links.close(code, &reason);
        self.keep(None);
    }
}
