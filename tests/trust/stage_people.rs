//! Acts between people, doors, and questions.
use super::*;

fn choice((level, until): (Level, Option<i64>)) -> Value {
    let mut body = json!({"sharing": level.word()});
    if let Some(until) = until {
        body["until"] = until.into();
    }
    body
}

impl Stage {
    pub(super) fn invite(&mut self, who: usize, (level, ms): (Level, Option<i64>)) -> Option<usize> {
        let until = self.end_of(ms);
        let reply = self.ask(who, "POST /v1/invites", "", Some(&choice((level, until))));
        if reply.status == 429 {
            return None;
        }
        assert!(matches!(reply.status, 200 | 201), "{}", reply.text());
        let code = reply.json()["code"].as_str().unwrap().to_owned();
        let list = self.expect(200, who, "GET /v1/invites", "", None).json();
        let id = list["invites"].as_array().unwrap().iter().map(|invite| invite["id"].as_u64().unwrap()).max().unwrap();
        self.links.push(Link { inviter: who, share: Share::new(level, until), code, id, is_used: false });
        Some(self.links.len() - 1)
    }

    pub(super) fn accept(&mut self, who: usize, link: usize, (level, ms): (Level, Option<i64>)) {
        if !self.model.people[who].alive {
            return;
        }
        let until = self.end_of(ms);
        let Link { inviter, share, ref code, is_used, .. } = self.links[link];
        let code = code.clone();
        let blocked = self.model.blocks[who][inviter] || self.model.blocks[inviter][who];
        let is_good = !is_used && self.model.people[inviter].alive;
        // Who has the link may know who made it.
        let besides = || Besides([Mark::Id(inviter), Mark::Name(inviter, self.model.people[inviter].name)].into());
        let preview = besides();
        let shown = self.ask_besides(who, "GET /v1/invites/_", &code, None, preview);
        if (shown.status == 200) != is_good && !blocked {
            self.complain(format!("a link that is {is_good} was shown with {}", shown.status));
        }
        let reply = self.ask(who, "POST /v1/invites/_/accept", &code, Some(&choice((level, until))));
        let may = is_good && !blocked && who != inviter;
        if (reply.status < 300) != may {
            self.complain(format!("{who} accepts {inviter}'s link, allowed {may}: {} {}", reply.status, reply.text()));
        }
        if may && !self.model.are_friends(who, inviter) {
            self.links[link].is_used = true;
            self.model.befriend(inviter, who, share, Share::new(level, until));
        }
    }

    pub(super) fn withdraw(&mut self, link: usize) {
        let Link { inviter, id, is_used, .. } = self.links[link];
        if !self.model.people[inviter].alive {
            return;
        }
        let status = if is_used { 404 } else { 204 };
        self.expect(status, inviter, "DELETE /v1/invites/_", &id.to_string(), None);
        self.links[link].is_used = true;
    }

    pub(super) fn block(&mut self, who: usize, whom: usize) {
        let (are_friends, is_blocked) = (self.model.are_friends(who, whom), self.model.blocks[who][whom]);
        let reply = self.ask(who, "PUT /v1/blocks/_", &marks::id(whom), None);
        // Who is no friend cannot be told from who does not exist.
        let expected = if are_friends { 204 } else { 404 };
        if reply.status != expected && !is_blocked {
            self.complain(format!("{who} blocks {whom}: {}", reply.status));
        }
        if are_friends {
            self.model.block(who, whom);
        }
    }

    pub(super) fn share(&mut self, who: usize, whom: usize, level: Level, ms: Option<i64>) {
        let until = self.end_of(ms);
        let body = choice((level, until));
        let status = if self.model.are_friends(who, whom) { 200 } else { 404 };
        self.expect(status, who, "PATCH /v1/friends/_", &marks::id(whom), Some(&body));
        if let Some(share) = &mut self.model.shares[who][whom] {
            share.expire(self.clock.now().0);
            share.change(level, until);
        }
    }

    pub(super) fn connect(&mut self, who: usize, device: usize) {
        let Some((_, token)) = &self.pockets[who].tokens[device] else { return };
        let tap = Tap::connect(self.host.as_ref().unwrap().address(), token);
        let older = self.pockets[who].taps[device].take();
        match tap {
            Ok(tap) => self.pockets[who].taps[device] = Some(tap),
            Err(code) => self.complain(format!("{who} cannot connect: {code}")),
        }
        if let Some(mut older) = older {
            older.read_to_the_end(Duration::from_secs(5));
            if older.closed != Some(4409) {
                self.complain(format!(
                    "the same device came twice, and the older connection ended with {:?}",
                    older.closed
                ));
            }
        }
    }

    pub(super) fn issue(&mut self, who: usize, device: usize) {
        if self.pockets[who].tokens[device].is_some() {
            return;
        }
        let body = json!({"device": format!("device-{device}")});
        let reply = self.ask(who, "POST /v1/me/tokens", "", Some(&body));
        assert!(matches!(reply.status, 200 | 201), "{}", reply.text());
        let reply = reply.json();
        let token = (reply["id"].as_u64().unwrap(), reply["token"].as_str().unwrap().to_owned());
        self.pockets[who].tokens[device] = Some(token);
    }

    /// The connections of a token that is void are closed within a second, and it opens nothing any more.
    pub(super) fn revoke(&mut self, who: usize, device: usize) {
        if self.pockets[who].tokens.iter().flatten().count() < DEVICES {
            return;
        }
        let (id, token) = self.pockets[who].tokens[device].take().unwrap();
        self.expect(204, who, "DELETE /v1/me/tokens/_", &id.to_string(), None);
        self.ends(who, device, &token);
    }

    fn ends(&mut self, who: usize, device: usize, token: &str) {
        if let Some(mut tap) = self.pockets[who].taps[device].take() {
            let code = tap.read_to_the_end(Duration::from_secs(1));
            if code != Some(4401) {
                self.complain(format!("the connection of a void token ended with {code:?}"));
            }
        }
        let reply = self.call("GET", "/v1/friends").bearer(token).send();
        if reply.status != 401 {
            self.complain(format!("a void token opens: {} {}", reply.status, reply.text()));
        }
        if Tap::connect(self.host.as_ref().unwrap().address(), token).is_ok() {
            self.complain("a void token connects".to_owned());
        }
    }

    pub(super) fn erase(&mut self, who: usize) {
        self.expect(204, who, "DELETE /v1/me", "", None);
        self.model.erase(who);
        for device in 0..DEVICES {
            if let Some((_, token)) = self.pockets[who].tokens[device].take() {
                self.ends(who, device, &token);
            }
        }
    }

    pub(super) fn begin_anew(&mut self, act: Act) {
        self.figures.crashes += 1;
        let host = self.host.take().unwrap();
        self.host = Some(if act == Act::Crash { host.crash() } else { host.restart() });
        let window = Window { before: &self.model, after: &self.model, coordinates: &self.coordinates };
        let mut lost = Vec::new();
        for (who, pockets) in self.pockets.iter_mut().enumerate() {
            for (device, place) in pockets.taps.iter_mut().enumerate() {
                let Some(mut tap) = place.take() else { continue };
                tap.read_to_the_end(Duration::from_secs(5));
                let wrong = tap.barrier().into_iter().flat_map(|frame| window.frame(who, &frame));
                self.complaints.extend(wrong);
                lost.push((who, device, tap.map_open));
            }
        }
        for (who, device, map_open) in lost {
            self.connect(who, device);
            self.carry_out(Act::Map { who, device, open: map_open });
        }
    }

    /// Every question, and what the answers must hold: not less than was agreed either.
    pub(super) fn ask_everything(&mut self, who: usize, whom: usize) {
        // What ends by itself is closed at once, and what opens by itself when the alarm clock has looked.
        let now = self.clock.now().0;
        if self.model.ended_between(self.rested, now) {
            std::thread::sleep(Duration::from_millis(220));
        }
        self.rested = now;
        self.model.now = self.clock.now().0;
        self.model.learn();
        let before = self.model.clone();
        let friends = self.expect(200, who, "GET /v1/friends", "", None).json();
        let view = self.ask(who, "GET /v1/friends/_/view", &marks::id(whom), None);
        let viewers = self.expect(200, who, "GET /v1/me/viewers", "", None).json();
        // The program's clock goes on by itself: where something ended meanwhile there is nothing to compare.
        self.model.now = self.clock.now().0;
        let is_still = |stage: &Self, one: usize, other: usize| before.sees(one, other) == stage.model.sees(one, other);
        self.check_friends(who, &friends, &before);
        if is_still(self, whom, who) {
            self.check_view(who, whom, &view);
        }
        let seen_by = viewers["viewers"].as_array().unwrap().iter().filter_map(|row| {
            let viewer = marks::person_of(row["user"].as_str()?)?;
            let sees = before.sees(viewer, who);
            (is_still(self, viewer, who) && row["sight"] != sees.word()).then(|| format!("{row} but {sees:?}"))
        });
        let wrong: Vec<String> = seen_by.collect();
        self.complaints.extend(wrong);
        let listed: BTreeSet<usize> = people_in(&viewers["viewers"]);
        let expected = self.model.friends(who).into_iter().filter(|it| before.sees(*it, who) >= Sees::State);
        let missing: Vec<usize> = expected.filter(|it| is_still(self, *it, who) && !listed.contains(it)).collect();
        if !missing.is_empty() {
            self.complain(format!("{who} is seen by {missing:?}, and is not told: {viewers}"));
        }
        self.ask_the_rest(who);
    }

    fn check_friends(&mut self, who: usize, friends: &Value, before: &Model) {
        if people_in(&friends["friends"]) != self.model.friends(who) {
            self.complain(format!("{who}'s friends are {:?}: {friends}", self.model.friends(who)));
        }
        for row in friends["friends"].as_array().unwrap() {
            let Some(friend) = row["user"].as_str().and_then(marks::person_of) else { continue };
            let sees = before.sees(who, friend);
            let given = self.model.shares[who][friend].unwrap();
            let is_steady = sees == self.model.sees(who, friend) && given.at(before.now) == given.at(self.model.now);
            if !is_steady || self.pockets[friend].is_open {
                continue;
            }
            let person = &before.people[friend];
            let place =
                person.newest().filter(|(_, fix)| before.now - fix.t <= FRESH_MS - 2_000).map(|(_, fix)| fix.at);
            let is_shown = match (sees, place) {
                (Sees::Place, Some(place)) => row["lat"] == place.0 && row["lon"] == place.1,
                (Sees::Cell, Some(_)) => row["approximate"] == true && row["lat"].is_number(),
                (_, None) => true,
                (Sees::Nothing | Sees::Name | Sees::State, _) => row.get("lat").is_none(),
            };
            let is_free = sees < Sees::State || row["free"] == person.is_free(before.now);
            let is_said =
                row["name"] == marks::name(friend, person.name) && row["sharing"] == given.at(before.now).word();
            if !is_shown || !is_free || !is_said {
                self.complain(format!("{who} sees {sees:?} of {person:?}: {row}"));
            }
        }
    }

    fn check_view(&mut self, who: usize, whom: usize, view: &Reply) {
        let sees = self.model.sees(whom, who);
        if sees == Sees::Nothing {
            if view.status != 404 {
                self.complain(format!("a view for a stranger: {}", view.text()));
            }
            return;
        }
        let body = view.json();
        let window = Window { before: &self.model, after: &self.model, coordinates: &self.coordinates };
        let mut wrong = window.object(whom, &body["friend"]);
        if body["sight"] != sees.word() || body["friend"]["user"] != marks::id(who) {
            wrong.push(format!("{whom} sees {sees:?} of {who}"));
        }
        self.complaints.extend(wrong.into_iter().map(|wrong| format!("{wrong}: the view is {body}")));
    }

    fn ask_the_rest(&mut self, who: usize) {
        let blocked = self.model.everyone().filter(|whom| self.model.blocks[who][*whom]).collect::<BTreeSet<_>>();
        // The one exception: whom one has blocked is listed by id and by the name they have.
        let marks = |whom: &usize| [Mark::Id(*whom), Mark::Name(*whom, self.model.people[*whom].name)];
        let known: BTreeSet<Mark> = blocked.iter().flat_map(marks).collect();
        let blocks = self.ask_besides(who, "GET /v1/blocks", "", None, Besides(known.clone())).json();
        if people_in(&blocks["blocked"]) != blocked {
            self.complain(format!("{who} blocks {blocked:?}: {blocks}"));
        }
        let board = self.expect(200, who, "GET /v1/steps/leaderboard", "", None).json();
        let mut expected = self.model.friends(who);
        expected.insert(who);
        if !people_in(&board["people"]).is_subset(&expected) {
            self.complain(format!("{who}'s leaderboard: {board}"));
        }
        let hours = self.expect(200, who, "GET /v1/availability/histogram", "", None).json();
        for hour in hours["hours"].as_array().unwrap() {
            if [&hour["free"], &hour["online"]].iter().any(|count| matches!(count.as_u64(), Some(1..5))) {
                self.complain(format!("a count of less than five: {hour}"));
            }
        }
        for question in ["GET /v1/me/tokens", "GET /v1/me/availability", "GET /v1/steps"] {
            self.expect(200, who, question, "", None);
        }
        self.ask_besides(who, "GET /v1/export", "", None, Besides(known));
    }
}

fn people_in(list: &Value) -> BTreeSet<usize> {
    let rows = list.as_array().unwrap().iter();
    rows.filter_map(|row| marks::person_of(row["user"].as_str()?)).collect()
}
