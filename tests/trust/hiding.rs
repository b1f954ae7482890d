//! Who hides is the same bytes as who is gone: one script in two worlds. In one a person hides and goes on walking, being free
//! and saying so, with another device too; in the other that person really is gone since the same moment (disconnected,
//! lapsed, stale). Everything that a friend hears and can ask for afterwards is compared byte for byte; the clock is the same
//! in both, so no time has to be left out.
//!
//! At the moment itself the two differ in how many steps it takes (a connection ends, a promise lapses, a position grows
//! old), so there it is compared what is known when it is over. After the return it is the same again, except for the
//! steps that were walked meanwhile.
use serde_json::{Value, json};

use crate::client::{At, Client, Person, SQUARE, north_of};
use crate::http::Reply;
use crate::node::{NOON, TestNode, until};

/// Until the last position is no longer fresh: a phone may keep quiet for 30 minutes, and be half a minute late.
const MOMENT: i64 = 30 * MINUTE + 30_000;
const MINUTE: i64 = 60_000;

/// How somebody is not there.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Absence {
    Hides,
    /// Shares nothing with the friend who looks; the others see everything. What is counted of everybody together counts such
    /// a person, and their steps are shown to that friend as none.
    SharesNothing,
    Gone,
}

struct World {
    node: TestNode,
    absence: Absence,
    absent: Person,
    friend: Person,
    others: Vec<Client>,
    phones: Vec<Client>,
    watch: Client,
    /// Everything the friend learned since the moment.
    record: Vec<String>,
    step: u32,
    /// What is not the same for somebody who hides from one friend alone is left out.
    is_partial: bool,
}

fn text(reply: &Reply) -> String {
    let is_fixed = |name: &&(String, String)| name.0 != "date";
    let mut head: Vec<_> =
        reply.headers.iter().filter(is_fixed).map(|(name, value)| format!("{name}: {value}\n")).collect();
    // The order of headers is drawn for each answer.
    head.sort();
    format!("{} {}{}", reply.status, head.concat(), reply.text())
}

impl World {
    /// Seven friends. All are near each other and free, so that every count is large enough to be shown.
    fn new(absence: Absence, is_partial: bool) -> Self {
        let quick = [
            ("quiet.enabled", "true"),
            ("presence.linger", "\"0s\""),
            ("push.moved", "\"20ms\""),
            ("privacy.smallest_count", "5"),
        ];
        let node = TestNode::with(&quick);
        let people = node.friends(["absent", "friend", "cem", "dan", "eva", "fay", "gil"]);
        let [absent, friend, others @ ..] = people;
        let mut watch = node.connect(&friend);
        let mut others: Vec<Client> = others.iter().map(|person| node.connect(person)).collect();
        let mut phone = node.connect(&absent);
        for (at, phone) in others.iter_mut().chain([&mut watch]).enumerate() {
            phone.be_free(true);
            #[expect(clippy::cast_precision_loss, reason = "a few metres")]
            phone.be_at(north_of(SQUARE, 10.0 * at as f64));
        }
        let free = json!({"type": "availability", "free": true, "note": "coffee?", "until": NOON.0 + MOMENT + 1});
        phone.tell(free);
        phone.tell(json!({"type": "fix", "lat": SQUARE.0, "lon": SQUARE.1, "t": NOON.0, "acc": 5.0, "steps": 1_000}));
        watch.say(&json!({"type": "map", "open": true}));
        watch.expect("moved");
        let (phones, record) = (vec![phone], Vec::new());
        let mut world = Self { node, absence, absent, friend, others, phones, watch, record, step: 0, is_partial };
        world.settle();
        world
    }

    fn settle(&mut self) {
        std::thread::sleep(std::time::Duration::from_millis(60));
        for phone in &mut self.others {
            phone.heard();
        }
        for phone in &mut self.phones {
            phone.heard();
        }
    }

    /// The moment since which the person is not there.
    fn vanish(&mut self) -> Value {
        self.node.clock.advance(MOMENT);
        self.be_around();
        self.watch.heard();
        let until = NOON.0 + 10 * 3_600_000;
        let change = |path: &str, body: Value| {
            assert_eq!(self.node.call_as(&self.absent, "PATCH", path).json(&body).send().status, 200);
        };
        match self.absence {
            Absence::Hides => change("/v1/me", json!({"hidden_until": until})),
            Absence::SharesNothing => change("/v1/friends/friend", json!({"sharing": "off"})),
            Absence::Gone => self.phones.clear(),
        }
        self.node.pass(1);
        self.settle();
        let frames = self.watch.heard();
        let last = |kind: &str| {
            let mut frames = frames.iter().filter(|frame| frame["type"] == kind && frame["user"] == "absent");
            frames.next_back().cloned().map(|mut frame| {
                frame.as_object_mut().unwrap().remove("t");
                frame
            })
        };
        json!([last("presence"), last("apart"), self.ask("/v1/friends"), self.ask("/v1/nearby")])
    }

    /// Six people are always online; a new hour is counted a moment after it began.
    fn wait_for_the_hour(&self) {
        let hour = self.node.clock.now().0.rem_euclid(24 * 60 * MINUTE) / (60 * MINUTE);
        let hour = usize::try_from(hour).unwrap();
        until("the hour is counted", || {
            let day = self.node.call_as(&self.friend, "GET", "/v1/availability/histogram").ok();
            day["hours"][hour]["online"].as_u64().unwrap() >= 6
        });
        std::thread::sleep(std::time::Duration::from_millis(60));
    }

    fn ask(&self, path: &str) -> String {
        text(&self.node.call_as(&self.friend, "GET", path).send())
    }

    /// The others and the friend go on as they do in both worlds.
    fn be_around(&mut self) {
        self.step += 1;
        let place = north_of(SQUARE, f64::from(self.step % 7));
        for phone in self.others.iter_mut().chain([&mut self.watch]) {
            phone.be_at(place);
        }
        if self.step.is_multiple_of(3) {
            let note = format!("round {}", self.step);
            self.others[0].tell(json!({"type": "availability", "free": true, "note": note}));
        }
    }

    /// What only somebody does who is there all the same.
    fn live_on(&mut self) {
        if self.absence == Absence::Gone {
            return;
        }
        if self.step == 3 {
            self.phones.push(self.node.connect_as(&self.absent, "watch"));
        }
        let (step, now) = (self.step, self.node.clock.now().0);
        let phone = self.phones.last_mut().unwrap();
        for moment in 0..5 {
            let place: At = north_of(SQUARE, f64::from(step * 40 + moment));
            let t = now + i64::from(moment);
            phone.tell(
                json!({"type": "fix", "lat": place.0, "lon": place.1, "t": t, "acc": 5.0, "steps": 1_000 + step * 50}),
            );
        }
        let note = format!("tea {step}");
        phone.tell(json!({"type": "availability", "free": step % 2 == 1, "note": note}));
        phone.say(&json!({"type": "nearby", "id": "me"}));
        let fixes = json!({"lat": SQUARE.0, "lon": SQUARE.1, "t": now + 100, "steps": 1_000 + step * 50});
        assert_eq!(self.node.call_as(&self.absent, "POST", "/v1/fixes").json(&fixes).send().status, 200);
        if self.absence == Absence::Hides {
            let again = json!({"radius": 500 + step});
            assert_eq!(self.node.call_as(&self.absent, "PATCH", "/v1/me").json(&again).send().status, 200);
        }
    }

    /// One round of life, and everything that the friend hears and can ask for.
    fn round(&mut self, ms: i64) {
        self.node.pass(ms);
        self.wait_for_the_hour();
        self.live_on();
        self.be_around();
        self.settle();
        self.watch.say(&json!({"type": "nearby", "id": 7, "radius": 50_000}));
        let mut frames: Vec<String> = self.watch.heard().iter().map(Value::to_string).collect();
        // How many positions go into one frame is a matter of real time.
        frames.retain(|frame| !frame.contains(r#""type":"moved""#) || frame.contains("absent"));
        // So it is when a quiet zone was told, and whether one that was overtaken still was: the latest is not.
        let is_quiet = |frame: &String| frame.contains(r#""type":"quiet""#);
        let latest = frames.iter().rfind(|frame| is_quiet(frame)).cloned();
        frames.retain(|frame| !is_quiet(frame));
        frames.extend(latest);
        self.record.append(&mut frames);
        for path in [
            "/v1/friends",
            "/v1/nearby?radius=50000&limit=100",
            "/v1/steps/leaderboard",
            "/v1/steps/leaderboard?date=2027-03-15",
            "/v1/steps/leaderboard?week=2027-03-15",
            "/v1/availability/histogram",
            "/v1/availability/histogram?from=2027-03-14&to=2027-03-16",
            "/v1/friends/absent/view",
            "/v1/me/viewers",
            "/v1/blocks",
            "/v1/me",
            "/v1/export",
        ] {
            let answer = self.ask(path);
            if self.is_partial && (path.contains("histogram") || path.contains("leaderboard")) {
                continue;
            }
            self.record.push(format!("{path} at {ms}: {answer}"));
        }
        // A new connection of the friend hears the same, too.
        let again = self.node.connect_as(&self.friend, "again");
        self.record.push(again.welcome.to_string());
    }

    /// Is there again, and tells the same in both worlds.
    fn come_back(&mut self) -> Value {
        match self.absence {
            Absence::Hides => {
                let body = json!({"hidden_until": null});
                assert_eq!(self.node.call_as(&self.absent, "PATCH", "/v1/me").json(&body).send().status, 200);
            }
            Absence::SharesNothing => {
                let body = json!({"sharing": "exact"});
                assert_eq!(
                    self.node.call_as(&self.absent, "PATCH", "/v1/friends/friend").json(&body).send().status,
                    200
                );
            }
            Absence::Gone => self.phones.push(self.node.connect(&self.absent)),
        }
        self.node.pass(5 * MINUTE);
        let phone = self.phones.last_mut().unwrap();
        phone.tell(json!({"type": "availability", "free": true, "note": "back"}));
        let place = north_of(SQUARE, 33.0);
        let t = self.node.clock.now().0;
        phone.tell(json!({"type": "fix", "lat": place.0, "lon": place.1, "t": t, "acc": 5.0}));
        self.be_around();
        self.settle();
        let heard = self.watch.heard();
        let presence = heard.iter().rfind(|frame| frame["type"] == "presence" && frame["user"] == "absent");
        assert!(presence.is_some(), "{heard:?}");
        json!([presence, self.ask("/v1/friends"), self.ask("/v1/nearby")])
    }
}

fn same_bytes(absence: Absence) {
    let is_partial = absence == Absence::SharesNothing;
    let [there, gone] = std::thread::scope(|scope| {
        [absence, Absence::Gone]
            .map(|absence| {
                scope.spawn(move || {
                    let mut world = World::new(absence, is_partial);
                    let vanished = world.vanish();
                    // Minutes, then hours in which they might be counted, and a new day.
                    for ms in [1_000, MINUTE, 3 * MINUTE, 61 * MINUTE, MINUTE, 59 * MINUTE, 2 * MINUTE] {
                        world.round(ms);
                    }
                    let back = world.come_back();
                    (vanished, world.record, back)
                })
            })
            .map(|world| world.join().unwrap())
    });
    assert_eq!(there.0, gone.0, "the moment itself");
    for (there, gone) in there.1.iter().zip(&gone.1) {
        assert_eq!(there, gone);
    }
    assert_eq!(there.1.len(), gone.1.len());
    assert_eq!(there.2, gone.2, "the return");
    let shown: usize =
        gone.1.iter().filter(|line| line.contains("online\":6}") || line.contains("\"free\":true")).count();
    assert!(shown > 10, "the others are seen");
}

#[test]
fn who_hides_is_the_same_bytes_as_who_is_gone() {
    same_bytes(Absence::Hides);
}

#[test]
fn who_shares_nothing_is_the_same_bytes_as_who_is_gone() {
    same_bytes(Absence::SharesNothing);
}
