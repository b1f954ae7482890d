//! A small WebSocket server to test the walkers against, written with another library than theirs: it checks that what
//! walkers send is what the protocol says, and can be told to break its promises.
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{Sender, channel};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::friends::Friends;
use crate::meetings::{Sent, metres_between};

/// The promise that this server breaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Breaks {
    /// None.
    #[default]
    Nothing,
    /// It never acknowledges the fixes of person 3.
    Acks,
    /// It tells only the smaller number of a pair.
    OneSide,
    /// It announces nobody.
    Meetings,
    /// It refuses every fix of person 0.
    Fixes,
    /// It closes everyone's first connection with this code after 5 fixes.
    Connections(u16),
    /// It answers the first 3 handshakes with 503.
    Handshakes,
}

/// What a person's phone has told the server.
#[derive(Default)]
struct Phone {
    out: Option<Sender<Message>>,
    free: bool,
    map: bool,
    place: Option<(Sent, i64)>,
    track: Vec<(i32, i32)>,
    connections: u32,
}

/// The server; tokens are the people's numbers.
pub struct Stub {
    pub address: SocketAddr,
    breaks: Breaks,
    radius: f64,
    friends: Friends,
    phones: RefCell<HashMap<u32, Phone>>,
    announced: RefCell<HashSet<(u32, u32)>>,
    handshakes: Cell<u32>,
}

impl Stub {
    /// Starts one on a free port, on this thread's `LocalSet`.
    pub async fn start(breaks: Breaks, radius: f64, friends: Friends) -> Rc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stub = Rc::new(Self {
            address: listener.local_addr().unwrap(),
            breaks,
            radius,
            friends,
            phones: RefCell::default(),
            announced: RefCell::default(),
            handshakes: Cell::new(0),
        });
        let (accepting, pushing) = (stub.clone(), stub.clone());
        tokio::task::spawn_local(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::task::spawn_local(accepting.clone().converse(stream));
            }
        });
        tokio::task::spawn_local(async move {
            loop {
                tokio::time::sleep(Duration::from_millis(50)).await;
                pushing.push_moved();
            }
        });
        stub
    }

    /// Everywhere a person said to have been, in order.
    pub fn track(&self, person: u32) -> Vec<(i32, i32)> {
        self.phones.borrow().get(&person).map(|phone| phone.track.clone()).unwrap_or_default()
    }

    async fn converse(self: Rc<Self>, stream: TcpStream) {
        self.handshakes.set(self.handshakes.get() + 1);
        let busy = self.breaks == Breaks::Handshakes && self.handshakes.get() <= 3;
        #[expect(clippy::result_large_err, reason = "the library's signature")]
        let answer = |request: &Request, response: Response| {
            assert_eq!(request.uri().path(), "/v1/ws");
            if busy {
                let refusal = ErrorResponse::new(None);
                let (mut parts, body) = refusal.into_parts();
                parts.status = 503_u16.try_into().unwrap();
                parts.headers.insert("Retry-After", "0".parse().unwrap());
                return Err(ErrorResponse::from_parts(parts, body));
            }
            Ok(response)
        };
        let Ok(socket) = tokio_tungstenite::accept_hdr_async(stream, answer).await else { return };
        let (mut to_phone, mut from_phone) = socket.split();
        let hello: Value = serde_json::from_str(from_phone.next().await.unwrap().unwrap().to_text().unwrap()).unwrap();
        assert_eq!(hello["type"], "hello");
        assert_eq!(hello["device"], "walkers");
        let person: u32 = hello["token"].as_str().unwrap().parse().unwrap();
        let (out, mut queue) = channel::<Message>(10_000);
        let first = {
            let mut phones = self.phones.borrow_mut();
            let phone = phones.entry(person).or_default();
            phone.out = Some(out.clone());
            phone.connections += 1;
            phone.connections == 1
        };
        let _ = out.try_send(text(&json!({ "type": "presence", "user": "w1_0", "online": true, "free": false })));
        let _ =
            out.try_send(text(&json!({ "type": "welcome", "user": "x", "name": "X", "server_time": 0, "free": false,
            "steps_today": 0, "last_seq": 0, "friends": [],
            "limits": { "frame_bytes": 16384, "fixes_per_frame": 100, "frames_per_second": 1000 } })));
        let _ = out.try_send(Message::Ping("still there?".into()));
        tokio::task::spawn_local(async move {
            while let Some(message) = queue.recv().await {
                if to_phone.send(message).await.is_err() {
                    return;
                }
            }
        });
        let mut fixes = 0;
        while let Some(Ok(message)) = from_phone.next().await {
            if message.is_pong() {
                assert_eq!(message.into_data(), "still there?");
            } else if let Message::Text(words) = message {
                let frame: Value = serde_json::from_str(&words).unwrap();
                fixes += u32::from(frame["type"] == "fix");
                self.hear(person, &frame, &out);
                if let Breaks::Connections(code) = self.breaks
                    && first
                    && fixes == 5
                {
                    let reason = "retry_after_ms=50".into();
                    let _ = out.try_send(Message::Close(Some(CloseFrame { code: code.into(), reason })));
                    return;
                }
            }
        }
    }

    fn hear(&self, person: u32, frame: &Value, out: &Sender<Message>) {
        let mut phones = self.phones.borrow_mut();
        let phone = phones.entry(person).or_default();
        match frame["type"].as_str().unwrap() {
            "availability" => phone.free = frame["free"].as_bool().unwrap(),
            "map" => phone.map = frame["open"].as_bool().unwrap(),
            "fix" => {
                let (lat, lon, t) =
                    (frame["lat"].as_f64().unwrap(), frame["lon"].as_f64().unwrap(), frame["t"].as_i64());
                assert!(frame["acc"].as_f64().unwrap() >= 4.0 && frame["speed"].as_f64().unwrap() <= 2.0);
                #[expect(clippy::cast_possible_truncation, reason = "degrees")]
                let sent = Sent { ms: 0, lat_e7: (lat * 1e7).round() as i32, lon_e7: (lon * 1e7).round() as i32 };
                assert!(phone.place.is_none_or(|(_, before)| before < t.unwrap()), "time only runs forward");
                phone.place = Some((sent, t.unwrap()));
                phone.track.push((sent.lat_e7, sent.lon_e7));
                if self.breaks == Breaks::Fixes && person == 0 {
                    let _ = out.try_send(text(&json!({ "type": "error", "code": "out_of_range", "message": "no" })));
                }
                let acks = self.breaks != Breaks::Acks || person != 3;
                if let Some(seq) = frame["seq"].as_u64().filter(|_| acks) {
                    let _ = out.try_send(text(&json!({ "type": "ack", "seq": seq })));
                }
            }
            other => panic!("walkers do not say {other}"),
        }
        drop(phones);
        self.announce(person);
    }

    fn announce(&self, person: u32) {
        if self.breaks == Breaks::Meetings {
            return;
        }
        let phones = self.phones.borrow();
        let Some((here, _)) = phones.get(&person).filter(|phone| phone.free).and_then(|phone| phone.place) else {
            return;
        };
        for &friend in self.friends.of(person as usize) {
            let Some((there, t)) = phones.get(&friend).filter(|phone| phone.free).and_then(|phone| phone.place) else {
                continue;
            };
            let pair = (person.min(friend), person.max(friend));
            let distance = metres_between(&here, &there);
            if distance <= self.radius && self.announced.borrow_mut().insert(pair) {
                for (listener, other) in [pair, (pair.1, pair.0)] {
                    if self.breaks == Breaks::OneSide && listener > other {
                        continue;
                    }
                    let near = json!({ "type": "near", "user": format!("w1_{other}"), "distance": distance,
                        "free": true, "t": t });
                    let out = phones[&listener].out.as_ref().unwrap();
                    let _ = out.try_send(text(&near));
                }
            }
        }
    }

    fn push_moved(&self) {
        let phones = self.phones.borrow();
        for (&person, phone) in phones.iter().filter(|(_, phone)| phone.map) {
            let friends: Vec<Value> = self
                .friends
                .of(person as usize)
                .iter()
                .filter_map(|friend| {
                    let (place, t) = phones.get(friend)?.place?;
                    Some(json!({ "user": format!("w1_{friend}"), "lat": f64::from(place.lat_e7) / 1e7,
                        "lon": f64::from(place.lon_e7) / 1e7, "t": t }))
                })
                .collect();
            let _ = phone.out.as_ref().unwrap().try_send(text(&json!({ "type": "moved", "friends": friends })));
        }
    }
}

fn text(frame: &Value) -> Message {
    Message::text(frame.to_string())
}
