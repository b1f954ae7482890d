//! While the server cannot store, phones are told to come again, and nothing else.
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use letshang::domain::Clock;
use serde_json::json;

use crate::binary::Place;
use crate::client::SQUARE;
use crate::node::until;

#[test]
fn when_the_disk_is_full_phones_keep_what_they_have() {
    let place = Place::new(&[]);
    let root = place.administrator("root");
    let program = place.serve();
    let [ann] = program.people(&root, ["ann"], &[]);
    let body = json!({"device": "phone", "kind": "device", "app": "traccar"});
    let made = program.call("POST", "/v1/me/tokens").bearer(&ann.token).json(&body).ok();
    let token = made["token"].as_str().unwrap();
    let basic = format!("Basic {}", STANDARD.encode(format!("ann:{token}")));
    let send = |at: usize| {
        let s = Clock::System.now().0 / 1_000 - 60 + i64::try_from(at).unwrap();
        let feature = json!({"type": "Feature", "geometry": {"type": "Point", "coordinates": [SQUARE.1, SQUARE.0]},
            "properties": {"timestamp": s}});
        let message = json!({"_type": "location", "lat": SQUARE.0, "lon": SQUARE.1, "tst": s});
        let form = format!("lat={}&lon={}&timestamp={s}", SQUARE.0, SQUARE.1);
        match at % 4 {
            0 => program.call("POST", "/owntracks").header("Authorization", &basic).body(message.to_string()),
            1 => program.call("POST", "/overland").bearer(token).body(json!({"locations": [feature]}).to_string()),
            2 => program.call("POST", &format!("/t/{token}")).body(form),
            _ => program.call("GET", &format!("/gpslogger/{token}?{form}")),
        }
        .send()
    };
    assert!((0..4).all(|at| send(at).status == 200));
    program.limit_files(Some(0));
    for at in 4..8 {
        let reply = send(at);
        assert_eq!((reply.status, reply.header("retry-after")), (503, Some("1")), "{at}: {}", reply.text());
        assert!(!reply.text().contains("\"ok\"") && !reply.text().starts_with('['), "{}", reply.text());
    }
    let mine = program.call("GET", "/v1/me/phones").bearer(&ann.token).ok();
    assert_eq!((&mine["phones"][0]["accepted"], &mine["phones"][0]["last_status"]), (&json!(4), &json!(503)));
    program.limit_files(None);
    until("the store writes again", || program.call("GET", "/ready").send().status == 200);
    assert!((8..12).all(|at| send(at).status == 200));
}
