//! A text frame → a checked frame, or a refusal.
use letshang::domain::{FixFields, Radius};
use letshang::protocol::client::{ClientFrame, FIXES_PER_FRAME, NEARBY_LIMIT, RequestId, parse};
use letshang::protocol::server::{self, ServerFrame};
use serde_json::{Value, json};

use super::oracle::{is_believable, is_presentable, is_sound};

/// A frame is refused in few words, or says something that keeps its bounds and can be said again.
pub fn hold(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let frame = match parse(text) {
        Ok(frame) => frame,
        Err(refused) => {
            is_sound(&refused.refusal, input);
            let answer: Value = serde_json::from_str(&server::error(&refused.refusal, refused.seq)).unwrap();
            assert_eq!(answer["seq"].as_u64(), refused.seq);
            return;
        }
    };
    keeps_its_bounds(&frame);
    if let Some(rest) = text.strip_prefix('{') {
        // Clients of tomorrow say more, and say it first.
        let longer = format!("{{ \"tomorrow\": [{{\"type\": \"x\", \"lat\": null}}], {rest} ");
        assert_eq!(parse(&longer), Ok(frame.clone()));
    }
    let again = said_again(&frame);
    let heard = parse(&again).unwrap_or_else(|refused| panic!("{again}: {refused:?}"));
    assert!(is_same(&frame, &heard), "{frame:?} became {heard:?}");
}

fn keeps_its_bounds(frame: &ClientFrame) {
    match frame {
        ClientFrame::Hello { token, device } => {
            assert!(!format!("{frame:?}").contains(token.reveal()) || token.reveal().len() < 12);
            assert!(device.as_ref().is_none_or(|device| (1..=64).contains(&device.as_str().len())));
        }
        ClientFrame::Fix { fields, .. } => is_believable(fields),
        ClientFrame::Fixes { fixes, .. } => {
            assert!(fixes.len() <= FIXES_PER_FRAME);
            fixes.iter().for_each(|fix| match fix {
                Ok(fields) => is_believable(fields),
                Err(refusal) => is_sound(refusal, &[]),
            });
        }
        ClientFrame::Availability { availability, .. } => is_presentable(availability),
        ClientFrame::Nearby { id, query } => {
            assert!((1..=NEARBY_LIMIT).contains(&query.limit));
            assert!(query.radius.is_none_or(|radius| (50.0..=50_000.0).contains(&radius.as_metres())));
            echoes(id.as_ref());
        }
        ClientFrame::Map { .. } => {}
        ClientFrame::View(view) => {
            let [west, south, east, north] = view.bbox;
            assert!((-90.0..=north).contains(&south) && north <= 90.0);
            assert!((-180.0..=180.0).contains(&west) && (-180.0..=180.0).contains(&east));
            assert!((0.0..=24.0).contains(&view.zoom));
        }
        ClientFrame::Ping { id } => echoes(id.as_ref()),
        ClientFrame::Seed(line) => is_believable(&line.fields()),
    }
}

/// A request's own name comes back as it was.
fn echoes(id: Option<&RequestId>) {
    let pong = ServerFrame::Pong { id, server_time: 1 }.encode();
    let pong: Value = serde_json::from_str(&pong).unwrap();
    assert_eq!(pong.get("id").cloned(), id.map(value_of));
}

fn value_of(id: &RequestId) -> Value {
    match id {
        RequestId::Number(number) => json!(number),
        RequestId::Text(text) => json!(text),
    }
}

fn said_again(frame: &ClientFrame) -> String {
    let said = match frame {
        ClientFrame::Hello { token, device } => {
            json!({"type": "hello", "token": token.reveal(), "device": device.as_ref().map(|device| device.as_str())})
        }
        ClientFrame::Fix { fields, seq } => {
            let mut fix = fix(fields);
            fix["type"] = json!("fix");
            fix["seq"] = json!(seq);
            fix
        }
        ClientFrame::Fixes { fixes, seq } => {
            let fixes: Vec<Value> = fixes.iter().map(|one| one.as_ref().map_or(json!({"lat": 1}), fix)).collect();
            json!({"type": "fixes", "fixes": fixes, "seq": seq})
        }
        ClientFrame::Availability { availability, seq } => {
            let note = availability.note.as_ref().map(|note| note.as_str());
            let until = availability.until.map(|until| until.0);
            json!({"type": "availability", "free": availability.free, "note": note, "until": until, "seq": seq})
        }
        ClientFrame::Nearby { id, query } => {
            let (id, radius) = (id.as_ref().map(value_of), query.radius.map(Radius::as_metres));
            json!({"type": "nearby", "id": id, "radius": radius, "limit": query.limit, "free_only": query.free_only})
        }
        ClientFrame::Map { open } => json!({"type": "map", "open": open}),
        ClientFrame::View(view) => json!({"type": "view", "bbox": view.bbox, "zoom": view.zoom}),
        ClientFrame::Ping { id } => json!({"type": "ping", "id": id.as_ref().map(value_of)}),
        ClientFrame::Seed(line) => return line.to_string(),
    };
    said.to_string()
}

fn fix(fields: &FixFields) -> Value {
    let FixFields { lat, lon, t, acc, speed, heading, alt, battery, steps } = fields;
    json!({
        "lat": lat, "lon": lon, "t": t, "acc": acc, "speed": speed, "heading": heading, "alt": alt,
        "battery": battery, "steps": steps,
    })
}

/// Equal, but for the last digit of a number: it is read fast, not to half a unit in the last place.
fn is_same(a: &ClientFrame, b: &ClientFrame) -> bool {
    let alike = |a: f64, b: f64| a == b || (a - b).abs() <= 4.0 * f64::EPSILON * a.abs().max(b.abs());
    let alike_or_none = |a: Option<f64>, b: Option<f64>| match (a, b) {
        (Some(a), Some(b)) => alike(a, b),
        (a, b) => a.is_none() && b.is_none(),
    };
    let same_fix = |a: &FixFields, b: &FixFields| {
        a.t == b.t
            && alike(a.lat, b.lat)
            && alike(a.lon, b.lon)
            && [(a.acc, b.acc), (a.speed, b.speed), (a.heading, b.heading), (a.alt, b.alt)]
                .iter()
                .chain(&[(a.battery, b.battery), (a.steps, b.steps)])
                .all(|(a, b)| alike_or_none(*a, *b))
    };
    match (a, b) {
        (ClientFrame::Fix { fields, seq }, ClientFrame::Fix { fields: other, seq: other_seq }) => {
            seq == other_seq && same_fix(fields, other)
        }
        (ClientFrame::Fixes { fixes, seq }, ClientFrame::Fixes { fixes: others, seq: other_seq }) => {
            seq == other_seq
                && fixes.len() == others.len()
                && fixes.iter().zip(others).all(|pair| match pair {
                    (Ok(a), Ok(b)) => same_fix(a, b),
                    (a, b) => a.is_err() && b.is_err(),
                })
        }
        (ClientFrame::Nearby { id, query }, ClientFrame::Nearby { id: other_id, query: other }) => {
            let radius = |radius: Option<Radius>| radius.map(Radius::as_metres);
            id == other_id
                && (query.limit, query.free_only) == (other.limit, other.free_only)
                && alike_or_none(radius(query.radius), radius(other.radius))
        }
        (ClientFrame::View(a), ClientFrame::View(b)) => {
            alike(a.zoom, b.zoom) && a.bbox.iter().zip(&b.bbox).all(|(a, b)| alike(*a, *b))
        }
        _ => a == b,
    }
}
