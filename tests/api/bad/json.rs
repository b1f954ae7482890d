//! Text frames with JSON that is wrong, or only odd.
use serde_json::Value;

use super::json_rows::Then::{Error, Fine, Rejected};
use super::json_rows::rows;
use super::{Target, answers, timed};
use crate::raw_ws::{TEXT, frame};

/// What came of a frame: errors as code and field, refused items as place and code.
#[derive(Debug)]
struct Outcome {
    errors: Vec<(String, Option<String>)>,
    rejected: Vec<(u64, String)>,
}

fn outcome(frames: &[Value]) -> Outcome {
    let text = |frame: &Value, name: &str| frame[name].as_str().map(str::to_owned);
    let errors = frames.iter().filter(|frame| frame["type"] == "error");
    let errors = errors.map(|error| (text(error, "code").unwrap(), text(error, "field"))).collect();
    let rejected = frames.iter().filter_map(|frame| frame["rejected"].as_array()).flatten();
    let rejected = rejected.map(|item| (item["index"].as_u64().unwrap(), text(item, "code").unwrap())).collect();
    Outcome { errors, rejected }
}

#[test]
fn every_row_of_json_is_answered_as_the_table_says() {
    let mut target = Target::start();
    let mut ann = target.connect();
    let rows = rows();
    target.run(
        &rows,
        |(no, sent, ..)| format!("{no} {sent:.80}"),
        |_, (no, sent, then, why)| {
            let what = format!("{no} ({why}): {sent:.120}");
            ann.raw.send(&frame(TEXT, timed(sent).as_bytes()));
            let mut frames = answers(&mut ann, &what);
            // What is acknowledged is acknowledged when it is stored, which takes a moment longer than a pong.
            let owes_ack = sent.contains("\"seq\"") && !matches!(then, Error(..)) && !sent.contains("\"seq\":null");
            while owes_ack && !frames.iter().any(|frame| frame["type"] == "ack") {
                frames.push(ann.next());
            }
            let Outcome { errors, rejected } = outcome(&frames);
            match then {
                Error(code, field) => {
                    let expected = (code.as_str().to_owned(), field.map(str::to_owned));
                    assert_eq!(errors, [expected], "{what}");
                    assert!(frames.iter().all(|frame| frame["type"] != "ack"), "{what}: {frames:?}");
                }
                Fine => assert!(errors.is_empty() && rejected.is_empty(), "{what}: {frames:?}"),
                Rejected(items) => {
                    let expected = items.iter().map(|(at, code)| (*at as u64, code.as_str().to_owned()));
                    assert_eq!((errors.len(), rejected), (0, expected.collect()), "{what}");
                }
            }
        },
    );
}

#[test]
fn an_error_never_repeats_a_token_or_what_was_sent() {
    let target = Target::start();
    let mut ann = target.connect();
    let secret = &target.root.token;
    for sent in [
        format!(r#"{{"type":"hello","token":"{secret}"}}"#),
        format!(r#"{{"type":"{secret}"}}"#),
        format!(r#"{{"type":"fix","lat":"{secret}","lon":1,"t":1}}"#),
        format!(r#"{{"{secret}":"#),
        secret.clone(),
        format!("{secret}, 20270315 120000, 1, 2, True"),
    ] {
        ann.raw.text(&sent);
        let frames = answers(&mut ann, &sent);
        assert_eq!(frames.len(), 1, "{sent}");
        assert!(!frames[0].to_string().contains(secret.as_str()), "{sent}: {}", frames[0]);
    }
    assert!(!target.program.log().contains(secret.as_str()));
}
