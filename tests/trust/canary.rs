//! A canary in the mine: a token, a place, a name and a note that are like no other are looked for in everything the program
//! wrote while it was used well and badly; and, once their owner is erased, in everything it keeps.
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::binary::{Binary, Place};
use crate::client::{Client, Person};
use crate::http::Reply;
use crate::node::{Settings, TestNode};
use crate::raw_ws::Received;
use crate::redis::{RedisServer, Reply as Stored};

const ID: &str = "zz_canary_id";
const NAME: &str = "Zz Canary Name";
const NOTE: &str = "zz canary note";
/// In the address of a calendar, which is a secret, and in what it says, which nobody is to keep.
const FEED: &str = "zzCanaryFeed4711";
const MEETING: &str = "Zz Canary Meeting";
const AT: (f64, f64) = (12.345_678_9, 98.765_432_1);
/// Coordinates as somebody might write or round them.
const PLACES: [&str; 6] = ["12.3456789", "98.7654321", "12.34567", "98.76543", "123456789", "987654321"];

/// Coordinates as a store may keep them.
fn place_bytes() -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for degrees in [AT.0, AT.1] {
        found.extend([degrees.to_le_bytes().to_vec(), degrees.to_be_bytes().to_vec()]);
        #[expect(clippy::cast_possible_truncation, reason = "degrees times 1e7 fit")]
        let e7 = (degrees * 1e7).round() as i32;
        found.extend([e7.to_le_bytes().to_vec(), e7.to_be_bytes().to_vec()]);
    }
    found.extend(PLACES.map(|text| text.as_bytes().to_vec()));
    found
}

fn holds(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

/// Which of these words are in a text.
fn words_in<'a>(text: &[u8], words: &[&'a str]) -> Vec<&'a str> {
    words.iter().copied().filter(|word| holds(text, word.as_bytes())).collect()
}

/// Every file under a folder, with its bytes.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                found.extend(std::fs::read(entry.path()).ok().map(|bytes| (entry.path(), bytes)));
            }
        }
    }
    found
}

/// Which files hold one of these.
fn files_with(folder: &Path, whats: &[Vec<u8>]) -> Vec<(PathBuf, String)> {
    let files = files(folder);
    let hits = files.iter().flat_map(|(path, bytes)| {
        let of_file = whats.iter().filter(move |what| holds(bytes, what));
        of_file.map(move |what| (path.clone(), String::from_utf8_lossy(what).into_owned()))
    });
    hits.collect()
}

/// Every key and every value of a Redis, as text.
fn whole(redis: &RedisServer) -> String {
    let mut text = String::new();
    let Stored::List(keys) = redis.ask(&["KEYS", "*"]) else { panic!("keys are a list") };
    for key in keys {
        let key = key.text();
        let value = match redis.ask(&["TYPE", &key]).text().as_str() {
            "string" => redis.ask(&["GET", &key]),
            "hash" => redis.ask(&["HGETALL", &key]),
            "list" => redis.ask(&["LRANGE", &key, "0", "-1"]),
            "set" => redis.ask(&["SMEMBERS", &key]),
            "zset" => redis.ask(&["ZRANGE", &key, "0", "-1"]),
            _ => redis.ask(&["DUMP", &key]),
        };
        text.push_str(&format!("{key} {value:?} {}\n", flat(&value)));
    }
    text
}

fn flat(value: &Stored) -> String {
    match value {
        Stored::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Stored::List(list) => list.iter().map(|item| flat(item) + " ").collect(),
        other => format!("{other:?}"),
    }
}

/// What a node said to people who have no right to the canary: refusals, and what anybody may read.
#[derive(Default)]
struct Heard {
    refusals: String,
}

impl Heard {
    fn refusal(&mut self, reply: Reply) {
        let headers: String = reply.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        assert!(reply.status >= 400, "{}: {}", reply.status, reply.text());
        self.refusals.push_str(&format!("{headers}{}\n", reply.text()));
    }
}

fn fix(t: i64) -> Value {
    json!({"type": "fix", "lat": AT.0, "lon": AT.1, "t": t, "acc": 5.0})
}

/// Good use, with the canary in everything that takes it.
fn good_use(node: &Binary, canary: &Person, friend: &Person) -> (Client, Client, Vec<String>) {
    let call = |person: &Person, method: &str, path: &str| node.call(method, path).bearer(&person.token);
    let (mut phone, mut watch) = (node.connect(canary), node.connect(friend));
    watch.say(&json!({"type": "map", "open": true}));
    let now = letshang::domain::Clock::System.now().0;
    phone.tell(fix(now));
    phone.tell(json!({"type": "availability", "free": true, "note": NOTE}));
    phone.tell(json!({"type": "fixes", "fixes": [fix(now + 1), fix(now + 2)]}));
    phone.raw.text(&format!("{ID}, 20261121 120000, {}, {}, True", AT.0, AT.1));
    watch.be_at((AT.0 + 0.000_1, AT.1 + 0.000_1));
    watch.be_free(true);
    watch.say(&json!({"type": "nearby", "id": 1}));
    phone.tell(fix(now + 3));
    assert_eq!(call(canary, "POST", "/v1/fixes").json(&fix(now + 4)).send().status, 200);
    for path in [
        "/v1/friends",
        "/v1/nearby",
        "/v1/me/viewers",
        "/v1/export",
        "/v1/steps/leaderboard",
        "/v1/steps/leaderboard?week=2027-03-15",
        "/v1/me/tokens",
    ] {
        assert_eq!(call(friend, "GET", path).send().status, 200, "{path}");
        assert_eq!(call(canary, "GET", path).send().status, 200, "{path}");
    }
    let signed_in = node.call("POST", "/v1/session").json(&json!({"token": canary.token})).send();
    assert_eq!(signed_in.status, 200, "{}", signed_in.text());
    let cookie = signed_in.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    assert_eq!(node.call("GET", "/v1/me").header("Cookie", &cookie).send().status, 200);
    assert_eq!(call(canary, "POST", "/v1/me/tokens").json(&json!({"device": "other"})).send().status / 100, 2);
    assert_eq!(call(canary, "PATCH", "/v1/me").json(&json!({"name": NAME, "radius": 700})).send().status, 200);
    let session = cookie.split_once('=').unwrap().1.to_owned();
    let mut secrets = vec![session];
    secrets.extend(phones(node, canary, friend));
    (phone, watch, secrets)
}

/// Phones with apps of others, whose tokens stand in paths, queries and passwords; good use and bad. Gives what nobody may find.
fn phones(node: &Binary, canary: &Person, friend: &Person) -> Vec<String> {
    let made = |person: &Person, app: &str| {
        let body = json!({"device": app, "kind": "device", "app": app});
        let made = node.call("POST", "/v1/me/tokens").bearer(&person.token).json(&body).ok();
        made["token"].as_str().unwrap().to_owned()
    };
    let [token, password] = ["traccar", "owntracks"].map(|app| made(canary, app));
    let (lat, lon, s) = (AT.0, AT.1, letshang::domain::Clock::System.now().0 / 1_000);
    let encoded = STANDARD.encode(format!("{ID}:{password}"));
    let basic = format!("Basic {encoded}");
    let feature = format!(
        r#"{{"locations":[{{"type":"Feature","geometry":{{"type":"Point","coordinates":[{lon},{lat}]}},"properties":{{"timestamp":{s}}}}}]}}"#
    );
    let message = format!(r#"{{"_type":"location","lat":{lat},"lon":{lon},"tst":{s},"tid":"{NAME}","desc":"{NOTE}"}}"#);
    let form = format!("lat={lat}&lon={lon}&timestamp={s}&id={NOTE}");
    for (method, path, body) in [
        ("GET", format!("/t/{token}?{form}"), String::new()),
        ("GET", format!("/t/{token}/?lat=x&lon={lon}"), String::new()),
        ("POST", format!("/t/{token}"), form.clone()),
        ("GET", format!("/gpslogger/{token}?lat={lat}&lon={lon}&desc={NOTE}").replace(' ', "+"), String::new()),
        ("GET", format!("/p/{token}.properties"), String::new()),
        ("POST", format!("/api/v1/overland/batches?api_key={token}"), feature.clone()),
        ("POST", "/owntracks".to_owned(), message.clone()),
        ("POST", "/overland".to_owned(), feature),
    ] {
        let call = node.call(method, &path.replace(' ', "+")).header("Authorization", &basic);
        let reply = if method == "GET" { call } else { call.body(body) }.send();
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    }
    let wrong = basic.replace("Basic ", "Basic x");
    for (method, path) in [
        ("HEAD", format!("/t/{token}?lat={lat}&lon={lon}")),
        ("PUT", format!("/gpslogger/{token}?lat={lat}")),
        ("GET", format!("/t/{}?lat={lat}&lon={lon}", canary.token)),
        ("GET", format!("/gpslogger/{token}x?lat={lat}")),
        ("POST", format!("/p/{token}.properties")),
        ("POST", format!("/api/v1/overland/batches?api_key={}", canary.token)),
        ("POST", "/owntracks".to_owned()),
    ] {
        let reply = node.call(method, &path).header("Authorization", &wrong).body(message.clone()).send();
        assert!(matches!(reply.status, 401 | 405 | 413), "{method} {path}: {}", reply.status);
        assert!(!reply.text().contains(&token) && !reply.text().contains(&canary.token), "{}", reply.text());
    }
    for path in ["/v1/me/phones", "/v1/me/alerts"] {
        assert_eq!(node.call("GET", path).bearer(&canary.token).send().status, 200);
        assert_eq!(node.call("GET", path).bearer(&friend.token).send().status, 200);
    }
    let with_friend = STANDARD.encode(format!("bob:{}", made(friend, "owntracks")));
    let near = message.replace(&lat.to_string(), "12.3456").replace(&lon.to_string(), "98.7654");
    let call = node.call("POST", "/pub").header("Authorization", &format!("Basic {with_friend}"));
    assert_eq!(call.body(near).send().status, 200);
    vec![token, password, encoded, with_friend]
}

/// Bad use: the canary where it does not belong.
fn bad_use(node: &Binary, canary: &Person, root: &Person, heard: &mut Heard) {
    let token = &canary.token;
    let (lat, lon) = AT;
    let bearer = |method: &str, path: &str| node.call(method, path).bearer(token);
    for path in [
        format!("/v1/ws?token={token}"),
        format!("/v1/me?token={token}"),
        format!("/v1/me?access_token={token}&lat={lat}&lon={lon}"),
        format!("/v1/friends/{token}/view"),
        format!("/v1/nothing/{token}"),
        format!("/v1/invites/{token}"),
        format!("/v1/{lat}/{lon}"),
    ] {
        heard.refusal(node.call("GET", &path).send());
    }
    for path in
        [format!("/v1/nothing/{token}"), format!("/v1/friends/{token}/view"), format!("/v1/nearby?radius={token}")]
    {
        heard.refusal(bearer("GET", &path).send());
    }
    for body in [
        format!("{{\"token\": \"{token}\", \"lat\": {lat}, \"note\": \"{NOTE}\""),
        format!("{{\"lat\": \"{lat}\", \"lon\": {lon}, \"t\": 1, \"name\": \"{NAME}\", \"token\": \"{token}\"}}"),
        format!("{{\"lat\": {lat}1e3, \"lon\": {lon}, \"t\": 99999999999999}}"),
        format!("[{lat}, {lon}, \"{token}\"]"),
        format!("{token} {lat} {lon} {NOTE}"),
    ] {
        for (method, path) in [
            ("POST", "/v1/fixes"),
            ("PATCH", "/v1/me"),
            ("PUT", "/v1/me/availability"),
            ("POST", "/v1/me/tokens"),
            ("PATCH", "/v1/friends/bob"),
            ("POST", "/v1/session"),
        ] {
            let call = bearer(method, path).header("Content-Type", "application/json").body(body.clone());
            let reply = call.send();
            // A profile may pass over what it does not know.
            if reply.status >= 400 {
                heard.refusal(reply);
            }
        }
    }
    heard.refusal(node.call("GET", "/v1/me").header("Authorization", &format!("Bearer {token}x")).send());
    heard.refusal(node.call("GET", "/v1/me").header("Authorization", &format!("Basic {token}")).send());
    heard.refusal(node.call("GET", "/v1/me").header("Cookie", &format!("letshang_session={token}")).send());
    let lines = format!("{ID}, 20261121 120000, {lat}, {lon}, Perhaps\n{ID}, x, {lat}, {lon}, True\n{token}, , ,\n");
    let ingest =
        node.call("POST", "/v1/ingest").bearer(&root.token).header("Content-Type", "text/csv").body(lines).send();
    heard.refusals.push_str(&ingest.text());
    // A connection that says everything wrong that it can.
    let mut phone = Client::hello(node.address, &letshang::domain::Clock::System, token, "spare");
    for frame in [
        json!({"type": token, "lat": lat}).to_string(),
        json!({"type": "fix", "lat": lat * 10.0, "lon": lon, "t": 1, "token": token}).to_string(),
        json!({"type": "fix", "lat": lat, "lon": lon, "t": 1}).to_string(),
        json!({"type": "hello", "token": token}).to_string(),
        json!({"type": "availability", "free": NOTE}).to_string(),
        json!({"type": "nearby", "radius": token}).to_string(),
        format!("{{\"type\": \"fix\", \"lat\": {lat}, \"token\": \"{token}\""),
        format!("bob, 20261121 120000, {lat}, {lon}, True"),
        format!("{token}, {lat}, {lon}"),
    ] {
        phone.raw.text(&frame);
    }
    phone.raw.send(&crate::raw_ws::frame(crate::raw_ws::BINARY, token.as_bytes()));
    loop {
        match phone.raw.read_within(Duration::from_secs(2)) {
            Received::Text(text) => heard.refusals.push_str(&text),
            Received::Close(_, reason) => heard.refusals.push_str(&reason),
            Received::Ping(_) | Received::Pong(_) => {}
            _ => break,
        }
    }
}

/// Serves the canary's calendar; returns its port.
fn calendar_server() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4_096]);
            let text = format!(
                "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:{MEETING}\r\nSUMMARY:{MEETING}\r\nDTSTART:20261121T100000Z\r\n\
                 DTEND;X-NOTE=\"{MEETING}\":20261121T110000Z\r\nRRULE:FREQ=DAILY\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
            );
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", text.len());
            let _ = stream.write_all((head + &text).as_bytes());
        }
    });
    port
}

fn settings(redis: Option<&RedisServer>, calendars: u16) -> Vec<(&'static str, String)> {
    let mut settings = vec![
        ("log.filter", "\"trace\"".to_owned()),
        ("hours.flush", "\"200ms\"".to_owned()),
        ("calendar.allow_networks", "[\"127.0.0.1\"]".to_owned()),
        ("calendar.ports", format!("[{calendars}]")),
    ];
    settings.extend(redis.map(|redis| ("redis.url", format!("\"{}\"", redis.url()))));
    settings
}

fn serve(redis: Option<&RedisServer>) -> (Place, Binary, Person, [Person; 2]) {
    let calendars = calendar_server();
    let settings = settings(redis, calendars);
    let borrowed: Vec<(&str, &str)> = settings.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let borrowed: Settings<'_> = &borrowed;
    let place = Place::new(borrowed);
    let node = place.serve();
    let root = place.administrator("root");
    let users = json!({
        "users": [{"user": ID, "name": NAME}, {"user": "bob", "name": "Bob"}],
        "friendships": [[0, 1]],
    });
    let made = node.call("POST", "/v1/admin/users").bearer(&root.token).json(&users).ok();
    let person = |at: usize, id: &str| Person {
        id: id.to_owned(),
        token: made["users"][at]["token"].as_str().unwrap().to_owned(),
        no: 0,
    };
    let people = [person(0, ID), person(1, "bob")];
    let subscribe = |address: String| {
        node.call("PUT", "/v1/me/calendar").bearer(&people[0].token).json(&json!({"url": address})).send()
    };
    let calendar = subscribe(format!("http://127.0.0.1:{calendars}/{FEED}/me.ics?key={FEED}"));
    assert_eq!((calendar.status, calendar.json()["events"].as_u64()), (200, Some(1)), "{}", calendar.text());
    for elsewhere in ["http://127.0.0.1:1", "https://127.0.0.2", "https://nowhere.invalid", "ftp://127.0.0.1"] {
        let refused = subscribe(format!("{elsewhere}/{FEED}"));
        assert!(refused.status >= 400 && !refused.text().contains(FEED), "{}", refused.text());
    }
    (place, node, root, people)
}

#[test]
fn a_secret_is_nowhere_in_what_the_program_wrote() {
    let redis = RedisServer::start();
    let (place, mut node, root, [canary, friend]) = serve(redis.as_ref());
    let mut heard = Heard::default();
    let (phone, watch, more) = good_use(&node, &canary, &friend);
    bad_use(&node, &canary, &root, &mut heard);
    drop((phone, watch));
    let open: String = ["/metrics", "/ready", "/health", "/"].map(|path| node.call("GET", path).send().text()).concat();
    let of_root = ["/v1/admin/stats", "/v1/admin/audit", "/metrics"]
        .map(|path| node.call("GET", path).bearer(&root.token).send().text())
        .concat();
    std::thread::sleep(Duration::from_millis(500));
    node.terminate();
    node.wait();
    let log = node.log() + &node.printed();
    assert!(log.lines().count() > 20, "the log says a lot: {}", log.lines().count());

    let token = canary.token.as_str();
    let secret_part = token.strip_prefix("lh_").unwrap_or(token);
    let more: Vec<&str> =
        more.iter().flat_map(|text| [text.as_str(), text.strip_prefix("lh_").unwrap_or(text)]).collect();
    let secrets = [&[token, secret_part, NOTE, NAME, FEED, MEETING][..], &more, &PLACES].concat();
    for (what, text) in [("the log", &log), ("what anybody may read", &open), ("refusals", &heard.refusals)] {
        let lines = text.lines().filter(|line| !words_in(line.as_bytes(), &secrets).is_empty());
        let hits: Vec<&str> = lines.take(5).collect();
        assert!(hits.is_empty(), "{what}: {hits:#?}");
    }
    assert_eq!(words_in(of_root.as_bytes(), &secrets), Vec::<&str>::new(), "the administrator's figures: {of_root}");
    if let Some(redis) = &redis {
        let text = whole(redis);
        assert!(text.contains("avail"), "{text}");
        let ids = [&secrets[..], &[ID]].concat();
        assert_eq!(words_in(text.as_bytes(), &ids), Vec::<&str>::new(), "Redis");
    }
    // A store has what it is for, and never a token.
    let tokens = [&[token, secret_part][..], &more].concat().into_iter().map(|token| token.as_bytes().to_vec());
    let tokens: Vec<Vec<u8>> = tokens.collect();
    assert_eq!(files_with(&place.data(), &tokens), []);
    assert_eq!(files_with(&place.data(), &[MEETING.as_bytes().to_vec()]), [], "what a calendar says is kept by nobody");
    let found = [place_bytes(), vec![FEED.as_bytes().to_vec()]].map(|whats| files_with(&place.data(), &whats));
    assert!(found.iter().all(|found| !found.is_empty()), "else this search finds nothing at all");
}

#[test]
fn of_who_was_erased_nothing_is_left_on_disk_in_redis_or_in_what_is_written_from_then_on() {
    let redis = RedisServer::start();
    let (place, node, root, [canary, friend]) = serve(redis.as_ref());
    let (phone, watch, _) = good_use(&node, &canary, &friend);
    drop(phone);
    // Written in several ways: as it came, after a start, and after another change.
    std::thread::sleep(Duration::from_millis(1_200));
    node.kill();
    let node = place.serve();
    let change = json!({"radius": 900});
    assert_eq!(node.call("PATCH", "/v1/me").bearer(&canary.token).json(&change).send().status, 200);
    let mut whats = place_bytes();
    whats.extend([ID, NAME, NOTE, FEED].map(|word| word.as_bytes().to_vec()));
    let found = files_with(&place.data(), &whats);
    assert!(found.iter().any(|(_, what)| what == ID) && found.iter().any(|(_, what)| what == NAME), "{found:?}");
    assert!(!files_with(&place.data(), &place_bytes()).is_empty(), "a place is found while there is one");
    // The friend knows a place near to the canary's, but not the same.
    let log_before = node.log().len();
    let erased = node.call("DELETE", "/v1/me").bearer(&canary.token).send();
    assert_eq!(erased.status, 204, "{}", erased.text());
    assert_eq!(files_with(&place.data(), &whats), [], "on disk, once it is answered");
    assert_eq!(node.call("GET", "/v1/me").bearer(&canary.token).send().status, 401);
    let stats = ["/v1/admin/stats", "/v1/admin/audit?limit=100", "/metrics"]
        .map(|path| node.call("GET", path).bearer(&root.token).send().text())
        .concat();
    let people = node.call("GET", "/v1/friends").bearer(&friend.token).ok().to_string();
    let words = [&[ID, NAME, NOTE][..], &PLACES].concat();
    assert_eq!(words_in((stats + &people).as_bytes(), &words), Vec::<&str>::new());
    assert_eq!(words_in(&node.log().as_bytes()[log_before..], &words), Vec::<&str>::new(), "the log since");
    if let Some(redis) = &redis {
        std::thread::sleep(Duration::from_millis(500));
        assert_eq!(words_in(whole(redis).as_bytes(), &words), Vec::<&str>::new(), "Redis");
    }
    drop(watch);
    // Nor does another start, and life going on, bring anything back.
    node.kill();
    let node = place.serve();
    node.connect(&friend).be_at((1.0, 2.0));
    assert_eq!(files_with(&place.data(), &whats), [], "after another start");
}

#[test]
fn of_who_was_erased_nothing_is_left_in_the_memory_of_a_node() {
    let node = TestNode::start();
    let root = node.administrator("root");
    let users = json!({"users": [{"user": ID, "name": NAME}, {"user": "bob"}], "friendships": [[0, 1]]});
    let made = node.call_as(&root, "POST", "/v1/admin/users").json(&users).ok();
    let token = |at: usize| made["users"][at]["token"].as_str().unwrap().to_owned();
    let person = |at: usize, id: &str| Person { id: id.to_owned(), token: token(at), no: 0 };
    let (canary, friend) = (person(0, ID), person(1, "bob"));
    let (mut phone, mut watch) = (node.connect(&canary), node.connect(&friend));
    watch.say(&json!({"type": "map", "open": true}));
    phone.be_at(AT);
    phone.tell(json!({"type": "availability", "free": true, "note": NOTE}));
    assert!(watch.heard().iter().any(|frame| frame.to_string().contains(NOTE)));
    let state = || format!("{:?}", node.node.user);
    let words = [&[ID, NAME, NOTE][..], &PLACES].concat();
    let before = words_in(state().as_bytes(), &words);
    println!("what a dump of the state names while there is somebody: {before:?}");
    assert!(!before.is_empty(), "else this search finds nothing at all");
    assert_eq!(node.call_as(&canary, "DELETE", "/v1/me").send().status, 204);
    watch.heard();
    assert_eq!(words_in(state().as_bytes(), &words), Vec::<&str>::new());
    assert_eq!(files_with(&node.data(), &words.iter().map(|word| word.as_bytes().to_vec()).collect::<Vec<_>>()), []);
    // The number is not given to the next one who comes.
    let [next] = node.strangers(["next"]);
    let numbers = node.call_as(&root, "GET", &format!("/v1/admin/people?index={}", next.no)).ok();
    assert_eq!(numbers["people"][0]["user"], "next");
    assert!(next.no > 2, "{}", next.no);
    let again = node.call_as(&root, "POST", "/v1/admin/users").json(&json!({"users": [{"user": ID}]})).send();
    println!("the id of an erased person is answered with {}", again.status);
}
