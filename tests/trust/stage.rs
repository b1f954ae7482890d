//! Carries out acts on a real server, keeps the model beside it, and judges everything that anybody hears.
use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use letshang::domain::Clock;
use serde_json::{Value, json};

use super::grid;
use super::host::Host;
use super::judge::{Besides, Window};
use super::marks::{self, Coordinates, Mark};
use super::model::{Fix, Level, Model, Sees, Share};
use super::script::{Act, DEVICES, Way};
use super::tap::Tap;
use crate::client::At;
use crate::http::{Call, Reply, call};

/// A cell's hold and the longest that a position is shown: no cell is older than this.
const HOLD_MS: i64 = 26 * 60_000;
/// How long a position is shown.
const FRESH_MS: i64 = 600_000;

/// One person's things.
#[derive(Default)]
struct Pockets {
    tokens: [Option<(u64, String)>; DEVICES],
    taps: [Option<Tap>; DEVICES],
    notes: u32,
    last_t: i64,
    /// Something was said for whose effect nobody has waited.
    is_open: bool,
}

/// A link somebody made.
struct Link {
    inviter: usize,
    share: Share,
    code: String,
    id: u64,
    is_used: bool,
}

/// What was received over HTTP and is not judged yet.
struct Answer {
    viewer: usize,
    call: &'static str,
    reply: Reply,
    besides: Besides,
}

/// How much was looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    pub acts: usize,
    pub frames: usize,
    pub answers: usize,
    pub moved: usize,
    pub near: usize,
    pub crashes: usize,
}

impl Figures {
    pub fn add(&mut self, other: &Self) {
        self.acts += other.acts;
        self.frames += other.frames;
        self.answers += other.answers;
        self.moved += other.moved;
        self.near += other.near;
        self.crashes += other.crashes;
    }
}

pub struct Stage {
    host: Option<Host>,
    clock: Clock,
    pub model: Model,
    coordinates: Coordinates,
    pockets: Vec<Pockets>,
    links: Vec<Link>,
    answers: Vec<Answer>,
    fixes: u32,
    /// Until when the alarm clock has surely looked at every end.
    rested: i64,
    pub figures: Figures,
    /// What was done, for whoever reads a failure.
    pub acts: Vec<Act>,
    complaints: Vec<String>,
}

/// The corner at which everybody is: where two rows meet, and two cells of the upper one.
fn corner() -> At {
    let (lat, lon) = (52.52, 13.4);
    let centre = grid::centre((lat + 0.005, lon));
    let next = grid::centre((lat + 0.005, lon + 0.02));
    (lat, f64::midpoint(centre.1, next.1))
}

impl Stage {
    /// So many people who know nobody, each with a token for each device and the first of them connected.
    pub fn new(host: Host, people: usize) -> Self {
        let clock = host.clock();
        let made = host.people(people);
        let mut stage = Self {
            model: Model::new(people, clock.now().0, HOLD_MS),
            clock,
            host: Some(host),
            coordinates: Coordinates::default(),
            pockets: made.iter().map(|_| Pockets::default()).collect(),
            links: Vec::new(),
            answers: Vec::new(),
            fixes: 0,
            rested: 0,
            figures: Figures::default(),
            acts: Vec::new(),
            complaints: Vec::new(),
        };
        for (who, person) in made.into_iter().enumerate() {
            let of_person = |call: Call| call.bearer(&person.token);
            let tokens = of_person(stage.call("GET", "/v1/me/tokens")).ok();
            let first = tokens["tokens"][0]["id"].as_u64().unwrap();
            stage.pockets[who].tokens[0] = Some((first, person.token.clone()));
            stage.act(Act::Issue { who, device: 1 });
            stage.act(Act::Connect { who, device: 0 });
        }
        stage
    }

    /// How many links have been made.
    pub fn links(&self) -> usize {
        self.links.len()
    }

    fn call(&self, method: &str, path: &str) -> Call {
        call(self.host.as_ref().unwrap().address(), method, path)
    }

    fn token(&self, who: usize) -> &str {
        let tokens = self.pockets[who].tokens.iter().flatten();
        &tokens.last().unwrap().1
    }

    /// Asks something over HTTP; the answer is judged when the act is over.
    fn ask(&mut self, who: usize, name: &'static str, what: &str, body: Option<&Value>) -> Reply {
        let besides = Besides::default();
        self.ask_besides(who, name, what, body, besides)
    }

    fn ask_besides(
        &mut self,
        viewer: usize,
        name: &'static str,
        what: &str,
        body: Option<&Value>,
        besides: Besides,
    ) -> Reply {
        let (method, path) = name.split_once(' ').unwrap();
        let path = path.replace('_', what);
        let request = self.call(method, &path).bearer(self.token(viewer));
        let reply = body.map_or_else(|| request.clone(), |body| request.clone().json(body)).send();
        self.figures.answers += 1;
        self.answers.push(Answer { viewer, call: name, reply: reply.clone(), besides });
        reply
    }

    /// The same, where the answer's status is known.
    #[track_caller]
    fn expect(&mut self, status: u16, who: usize, name: &'static str, what: &str, body: Option<&Value>) -> Reply {
        let reply = self.ask(who, name, what, body);
        if reply.status != status {
            self.complain(format!("{name} {what} by {who}: {} instead of {status}: {}", reply.status, reply.text()));
        }
        reply
    }

    fn complain(&mut self, complaint: String) {
        self.complaints.push(complaint);
    }

    /// Carries out an act and judges everything that was heard until it was over.
    pub fn act(&mut self, act: Act) {
        self.acts.push(act);
        self.figures.acts += 1;
        let before = self.model.clone();
        self.carry_out(act);
        self.model.now = self.clock.now().0;
        self.model.learn();
        let is_calm = !matches!(act, Act::Fire { .. });
        if is_calm {
            self.settle();
        }
        self.judge(&before, is_calm);
        let acts = || self.acts.iter().map(|act| format!("{act:?}\n")).collect::<String>();
        assert!(self.complaints.is_empty(), "after\n{}{:#?}", acts(), self.complaints);
    }

    /// Waits until the index and everybody's actor have dealt with what was acknowledged.
    fn settle(&mut self) {
        for (at, who) in self.model.alive().into_iter().enumerate() {
            if at == 0 {
                self.ask(who, "GET /v1/nearby", "", None);
                self.ask(who, "GET /v1/me/alerts", "", None);
            }
            if self.pockets[who].taps.iter().any(Option::is_some) {
                self.ask(who, "GET /v1/me", "", None);
            }
        }
    }

    fn judge(&mut self, before: &Model, is_calm: bool) {
        let mut near = self.hear(before);
        if is_calm {
            self.pockets.iter_mut().for_each(|pockets| pockets.is_open = false);
        }
        let is_settled = is_calm && self.acts.len() > 1 && !matches!(self.acts[self.acts.len() - 2], Act::Fire { .. });
        let is_entrance = matches!(self.acts.last(), Some(Act::Connect { .. } | Act::Crash | Act::Restart));
        if !is_settled || is_entrance {
            return;
        }
        if unequal(&near).is_some() {
            // What a clock brings about comes when it comes, between two barriers too: the rest of it is on its way.
            std::thread::sleep(Duration::from_millis(150));
            self.settle();
            let now = self.model.clone();
            for (one, more) in near.iter_mut().flatten().zip(self.hear(&now).into_iter().flatten()) {
                one.extend(more);
            }
        }
        self.figures.near += near.iter().flatten().map(BTreeSet::len).sum::<usize>();
        if let Some((a, b)) = unequal(&near) {
            self.complain(format!("{a} and {b} did not hear of each other alike: {near:?}"));
        }
    }

    /// Judges all that was received; gives whom each device of each person heard to be near.
    fn hear(&mut self, before: &Model) -> Vec<Vec<BTreeSet<usize>>> {
        let mut near = vec![vec![]; self.pockets.len()];
        let window = Window { before, after: &self.model, coordinates: &self.coordinates };
        for answer in self.answers.drain(..) {
            let Answer { viewer, call, reply, besides } = answer;
            let head: String = reply.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            let text = format!("{head}\r\n{}", reply.text());
            let wrong = window.answer(viewer, call, reply.status, &text, &besides);
            self.complaints.extend(wrong.into_iter().map(|wrong| format!("{wrong}: {call}: {}", reply.text())));
        }
        for (viewer, pockets) in self.pockets.iter_mut().enumerate() {
            for tap in pockets.taps.iter_mut().flatten() {
                let frames = tap.barrier();
                self.figures.frames += frames.len();
                for frame in &frames {
                    let wrong = window.frame(viewer, frame);
                    self.complaints.extend(wrong.into_iter().map(|wrong| format!("{wrong}: {frame}")));
                    self.figures.moved += usize::from(frame.contains(r#""moved""#));
                }
                let heard = frames.iter().filter(|frame| frame.contains(r#""near","#)).filter_map(|frame| {
                    let frame: Value = serde_json::from_str(frame).unwrap();
                    marks::person_of(frame["user"].as_str()?)
                });
                near[viewer].push(heard.collect::<BTreeSet<usize>>());
            }
        }
        near
    }

    fn end_of(&self, ms: Option<i64>) -> Option<i64> {
        ms.map(|ms| self.clock.now().0 + ms)
    }

    fn carry_out(&mut self, act: Act) {
        match act {
            Act::Move { who, spot, way } => self.report(who, spot, 1, way),
            Act::Walk { who, spot, fixes, way } => self.report(who, spot, fixes, way),
            Act::Fire { who, spot, device } => self.fire(who, spot, device),
            Act::Free { who, note, ms, way } => {
                let until = self.end_of(ms);
                let pockets = &mut self.pockets[who];
                pockets.notes += 1;
                let note = note.then_some(pockets.notes);
                let mut body = json!({"free": true});
                if let Some(note) = note {
                    body["note"] = marks::note(who, note).into();
                }
                if let Some(until) = until {
                    body["until"] = until.into();
                }
                self.be(who, body, way);
                let person = &mut self.model.people[who];
                (person.free, person.note, person.until) = (true, note, until);
            }
            Act::Busy { who, way } => {
                self.be(who, json!({"free": false}), way);
                let person = &mut self.model.people[who];
                (person.free, person.note, person.until) = (false, None, None);
            }
            Act::Befriend { who, whom, gives, takes } => {
                if let Some(code) = self.invite(who, gives) {
                    self.accept(whom, code, takes);
                }
            }
            Act::Invite { who, gives } => drop(self.invite(who, gives)),
            Act::Accept { who, code, gives } => self.accept(who, code, gives),
            Act::Withdraw { code } => self.withdraw(code),
            Act::Part { who, whom } => {
                let status = if self.model.are_friends(who, whom) { 204 } else { 404 };
                self.expect(status, who, "DELETE /v1/friends/_", &marks::id(whom), None);
                self.model.part(who, whom);
            }
            Act::Block { who, whom } => self.block(who, whom),
            Act::Unblock { who, whom } => {
                let status = if self.model.blocks[who][whom] { 204 } else { 404 };
                self.expect(status, who, "DELETE /v1/blocks/_", &marks::id(whom), None);
                self.model.blocks[who][whom] = false;
            }
            Act::Share { who, whom, level, ms } => self.share(who, whom, level, ms),
            Act::Hide { who, ms } => {
                let until = self.end_of(Some(ms));
                self.profile(who, &json!({"hidden_until": until}));
                self.model.people[who].hidden_until = until;
            }
            Act::Show { who } => {
                self.profile(who, &json!({"hidden_until": null}));
                self.model.people[who].hidden_until = None;
            }
            Act::OnlyFree { who, on } => {
                self.profile(who, &json!({"only_free": on}));
                self.model.people[who].only_free = on;
            }
            Act::Rename { who } => {
                let version = self.model.people[who].name + 1;
                self.profile(who, &json!({"name": marks::name(who, version)}));
                self.model.people[who].name = version;
            }
            Act::Connect { who, device } => self.connect(who, device),
            Act::Drop { who, device } => drop(self.pockets[who].taps[device].take()),
            Act::Map { who, device, open } => {
                if let Some(tap) = &mut self.pockets[who].taps[device] {
                    tap.say(&json!({"type": "map", "open": open}));
                    tap.map_open = open;
                }
            }
            Act::Around { who, device } => {
                if let Some(tap) = &mut self.pockets[who].taps[device] {
                    tap.say(&json!({"type": "nearby", "id": "around", "radius": 50_000}));
                }
            }
            Act::Ask { who, whom } => self.ask_everything(who, whom),
            Act::Revoke { who, device } => self.revoke(who, device),
            Act::Issue { who, device } => self.issue(who, device),
            Act::Erase { who } => self.erase(who),
            Act::Wait => std::thread::sleep(Duration::from_millis(60)),
            Act::Pass { ms } => {
                self.clock.advance(ms);
                std::thread::sleep(Duration::from_millis(130));
            }
            Act::Crash | Act::Restart => self.begin_anew(act),
        }
    }

    /// The next place of somebody around a spot, reached at a speed that is no jump. No coordinate is ever used twice.
    fn next_fix(&mut self, who: usize, spot: usize) -> Fix {
        let is_program = self.host.as_ref().unwrap().is_program();
        let steps =
            if is_program { [-0.000_2, -0.000_2, 0.000_2, 0.000_2] } else { [-0.004, -0.000_4, 0.000_4, 0.004] };
        self.fixes += 1;
        let own = f64::from(self.fixes) * 2e-7;
        let exact = |degrees: f64| format!("{degrees:.7}").parse().unwrap();
        let corner = corner();
        let at: At = (exact(corner.0 + steps[spot / 4] + own), exact(corner.1 + 1.5 * steps[spot % 4] + own));
        let before = self.model.people[who].newest().map_or(at, |(_, fix)| fix.at);
        #[expect(clippy::cast_possible_truncation, reason = "a few kilometres")]
        self.clock.advance(1_000 + (grid::metres(before, at) / 80.0 * 1e3) as i64);
        let pockets = &mut self.pockets[who];
        pockets.last_t = (pockets.last_t + 1).max(self.clock.now().0);
        let fix = Fix { at, t: pockets.last_t };
        let number = u32::try_from(self.model.people[who].fixes.len()).unwrap();
        self.coordinates.note(who, number, at);
        self.model.people[who].fixes.push(fix);
        fix
    }

    fn report(&mut self, who: usize, spot: usize, fixes: usize, way: Way) {
        let mut list = Vec::new();
        for _ in 0..fixes {
            let Fix { at, t } = self.next_fix(who, spot);
            list.push(json!({"lat": at.0, "lon": at.1, "t": t, "acc": 4.0, "speed": 1.5, "heading": 90.0}));
            // Each of them is the newest for a moment, and may be told in it.
            self.model.now = self.clock.now().0;
            self.model.learn();
        }
        let frame = match &list[..] {
            [one] => {
                let mut frame = one.clone();
                frame["type"] = "fix".into();
                frame
            }
            _ => json!({"type": "fixes", "fixes": list}),
        };
        if way == Way::Phone {
            return list.iter().for_each(|fix| self.phone(who, fix));
        }
        if !self.tell(who, frame, way) {
            let reply = self.expect(200, who, "POST /v1/fixes", "", Some(&json!({"fixes": list})));
            assert_eq!(reply.json()["accepted"], fixes, "{}", reply.text());
        }
    }

    /// Reports a fix with OwnTracks; what it is answered about friends is judged when the act is over.
    fn phone(&mut self, viewer: usize, fix: &Value) {
        let t = fix["t"].as_i64().unwrap();
        // The app's seconds, to the millisecond.
        let tst: Value = serde_json::from_str(&format!("{}.{:03}", t / 1_000, t % 1_000)).unwrap();
        let message = json!({"_type": "location", "lat": fix["lat"], "lon": fix["lon"], "tst": tst, "acc": 4});
        let basic = STANDARD.encode(format!("{}:{}", marks::id(viewer), self.token(viewer)));
        let call = self.call("POST", "/owntracks").header("Authorization", &format!("Basic {basic}"));
        let reply = call.header("User-Agent", "OwnTracks CFNetwork Darwin").body(message.to_string()).send();
        if reply.status != 200 || !reply.json().is_array() {
            self.complain(format!("POST /owntracks by {viewer}: {}: {}", reply.status, reply.text()));
        }
        self.figures.answers += 1;
        self.answers.push(Answer { viewer, call: "POST /owntracks", reply, besides: Besides::default() });
    }

    fn fire(&mut self, who: usize, spot: usize, device: usize) {
        if self.pockets[who].taps[device].is_none() {
            return;
        }
        let Fix { at, t } = self.next_fix(who, spot);
        let tap = self.pockets[who].taps[device].as_mut().unwrap();
        tap.say(&json!({"type": "fix", "lat": at.0, "lon": at.1, "t": t, "acc": 4.0}));
        self.pockets[who].is_open = true;
    }

    /// Says something over a device's connection; false when there is none.
    fn tell(&mut self, who: usize, frame: Value, way: Way) -> bool {
        let Way::Socket(device) = way else { return false };
        self.pockets[who].taps[device].as_mut().is_some_and(|tap| tap.tell(frame))
    }

    fn be(&mut self, who: usize, body: Value, way: Way) {
        let mut frame = body.clone();
        frame["type"] = "availability".into();
        if !self.tell(who, frame, way) {
            let reply = self.ask(who, "PUT /v1/me/availability", "", Some(&body));
            assert!(matches!(reply.status, 200 | 204), "{}", reply.text());
        }
    }

    fn profile(&mut self, who: usize, change: &Value) {
        self.expect(200, who, "PATCH /v1/me", "", Some(change));
    }
}

/// Two people of whom not every device heard of the other, when one did: of an encounter both hear or neither.
fn unequal(near: &[Vec<BTreeSet<usize>>]) -> Option<(usize, usize)> {
    for (a, by_a) in near.iter().enumerate() {
        for (b, by_b) in near.iter().enumerate().skip(a + 1) {
            let of_a = by_a.iter().map(|heard| heard.contains(&b));
            let heard: Vec<bool> = of_a.chain(by_b.iter().map(|heard| heard.contains(&a))).collect();
            if !by_a.is_empty() && !by_b.is_empty() && heard.iter().any(|it| *it != heard[0]) {
                return Some((a, b));
            }
        }
    }
    None
}

#[path = "stage_people.rs"]
mod people;
