//! Every error code of the protocol, provoked through a real socket or request.
use letshang::domain::Code;
use serde_json::{Value, json};

use crate::binary::Place;
use crate::client::SQUARE;
use crate::node::TestNode;

fn code_of(reply: &crate::http::Reply) -> String {
    reply.refusal().0
}

fn too_fast() -> String {
    let node = TestNode::with(&[("limits.frames_per_second", "1"), ("limits.frame_burst", "5")]);
    let [ann] = node.strangers(["ann"]);
    let mut ann = node.connect(&ann);
    for _ in 0..6 {
        ann.say(&json!({"type": "ping"}));
    }
    let error = ann.expect("error");
    assert!(error["message"].as_str().unwrap().contains("1 frames a second"), "{error}");
    error["code"].as_str().unwrap().to_owned()
}

fn nothing_there() -> String {
    let node = TestNode::start();
    code_of(&node.call("GET", "/v1/nothing").send())
}

fn cannot_store() -> String {
    let place = Place::new(&[]);
    let root = place.administrator("root");
    let program = place.serve();
    program.limit_files(Some(0));
    let fix = json!({"lat": SQUARE.0, "lon": SQUARE.1, "t": letshang::domain::Clock::System.now().0});
    code_of(&program.call("POST", "/v1/fixes").bearer(&root.token).json(&fix).send())
}

/// One test a code that `bad/json_rows.rs` has no row for, and the list of them.
macro_rules! provoked {
    ($($name:ident: $code:ident => $how:expr;)*) => {
        $(#[test]
        fn $name() {
            let code: String = $how;
            assert_eq!(code, Code::$code.as_str());
        })*
        const PROVOKED: &[Code] = &[$(Code::$code),*];
    };
}

provoked! {
    who_is_too_fast_is_told_so_and_stays: RateLimited => too_fast();
    a_call_that_does_not_exist_is_not_found: NotFound => nothing_there();
    what_cannot_be_stored_is_refused_for_now: Unavailable => cannot_store();
}

#[test]
fn every_error_code_of_the_protocol_is_provoked() {
    let rows = super::bad::json_rows::codes();
    for code in Code::ALL {
        assert!(PROVOKED.contains(&code) || rows.contains(&code), "{code:?} has no test");
    }
}

#[test]
fn a_message_is_a_sentence_that_names_the_field() {
    let node = TestNode::start();
    let [ann] = node.strangers(["ann"]);
    let mut ann = node.connect(&ann);
    for sent in [
        json!({"type": "fix", "lat": 91, "lon": 1, "t": 1}),
        json!({"type": "fix", "lat": 1, "lon": 181, "t": 1}),
        json!({"type": "fix", "lat": 1, "lon": 1, "t": 1}),
        json!({"type": "nearby", "radius": 1}),
        json!({"type": "nearby", "limit": 0}),
        json!({"type": "availability", "free": true, "note": "x".repeat(141)}),
    ] {
        ann.say(&sent);
        let error = ann.expect("error");
        let (message, field) = (error["message"].as_str().unwrap(), error["field"].as_str().unwrap());
        assert!(message.contains(field) && message.contains(|c: char| c.is_ascii_digit()), "{error}");
        assert_ne!(error["seq"], Value::from(0));
    }
}
