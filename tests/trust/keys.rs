//! Which fields each kind of object may have, by frame and by call: a field that is not declared here does not leave the server.
use serde_json::Value;

/// The fields of a friend.
const FRIEND: &[&str] =
    &["user", "name", "online", "free", "note", "until", "near", "lat", "lon", "t", "acc", "approximate"];
const LISTED: &[&str] = &[
    "user",
    "name",
    "online",
    "free",
    "note",
    "until",
    "near",
    "lat",
    "lon",
    "t",
    "acc",
    "approximate",
    "sharing",
    "sharing_until",
];
const AROUND: &[&str] = &["user", "name", "distance", "free", "note", "until", "t", "lat", "lon", "acc", "approximate"];
const MOVED: &[&str] = &["user", "lat", "lon", "t", "acc", "speed", "heading", "approximate"];
const PERSON: &[&str] = &["user", "name"];
const LIMITS: &[&str] = &["frame_bytes", "fixes_per_frame", "frames_per_second"];
const ERROR: &[&str] = &["code", "message", "field"];

/// An object's own fields, and what each list or object within may have.
pub struct Shape {
    own: &'static [&'static str],
    within: &'static [(&'static str, &'static [&'static str])],
}

const fn shape(own: &'static [&'static str], within: &'static [(&'static str, &'static [&'static str])]) -> Shape {
    Shape { own, within }
}

/// The shape of a frame of this type.
pub fn of_frame(kind: &str) -> Option<Shape> {
    Some(match kind {
        "welcome" => shape(
            &["type", "user", "name", "server_time", "free", "steps_today", "last_seq", "limits", "friends"],
            &[("limits", LIMITS), ("friends", FRIEND)],
        ),
        "ack" => shape(&["type", "seq", "rejected"], &[("rejected", &["index", "code"])]),
        "moved" => shape(&["type", "friends"], &[("friends", MOVED)]),
        "presence" => shape(&["type", "user", "online", "free", "note", "until"], &[]),
        "near" => shape(&["type", "user", "distance", "free", "note", "t"], &[]),
        "apart" => shape(&["type", "user", "t", "reason"], &[]),
        "nearby" => shape(&["type", "id", "friends"], &[("friends", AROUND)]),
        "quiet" => shape(&["type", "radius", "until"], &[]),
        "steps" => shape(&["type", "today"], &[]),
        "friendship" => shape(&["type", "user", "state", "friend"], &[("friend", FRIEND)]),
        "pong" => shape(&["type", "id", "server_time"], &[]),
        "degraded" => shape(&["type", "what", "since"], &[]),
        "error" => shape(&["type", "code", "message", "seq", "field"], &[]),
        "close" => shape(&["type", "reason"], &[]),
        _ => return None,
    })
}

/// The shape of the answer to a call, by method and path without what is particular in it.
pub fn of_answer(call: &str) -> Option<Shape> {
    Some(match call {
        "GET /v1/friends" => shape(&["friends"], &[("friends", LISTED)]),
        "PATCH /v1/friends/_" => shape(&["sharing", "sharing_until"], &[]),
        "GET /v1/friends/_/view" => shape(&["sight", "friend"], &[("friend", FRIEND)]),
        "GET /v1/me/viewers" => shape(&["viewers"], &[("viewers", &["user", "name", "sight", "until"])]),
        "GET /v1/nearby" => shape(&["friends"], &[("friends", AROUND)]),
        "GET /v1/blocks" => shape(&["blocked"], &[("blocked", PERSON)]),
        "GET /v1/me" | "PATCH /v1/me" => shape(
            &[
                "user",
                "name",
                "admin",
                "radius",
                "time_zone",
                "stride",
                "free",
                "note",
                "until",
                "source",
                "hidden_until",
                "only_free",
                "free_hours",
                "on_board",
            ],
            &[("free_hours", &["days", "from", "to"])],
        ),
        "GET /v1/me/availability" | "PUT /v1/me/availability" => {
            shape(&["free", "note", "until", "source", "next"], &[("next", &["free", "source"])])
        }
        "GET /v1/me/calendar" | "PUT /v1/me/calendar" => shape(
            &["source", "url_host", "events", "busy", "fetched", "next_fetch", "error", "notes"],
            &[("busy", &["from", "to"]), ("error", &["code", "message"])],
        ),
        "GET /v1/me/tokens" => {
            shape(&["tokens"], &[("tokens", &["id", "device", "kind", "created", "expires", "current"])])
        }
        "POST /v1/me/tokens" => shape(&["id", "token", "device", "kind"], &[]),
        "GET /v1/me/alerts" => shape(&["friends"], &[("friends", &["user", "name", "state", "message", "distance"])]),
        "POST /v1/invites" => shape(&["code", "url", "expires"], &[]),
        "GET /v1/invites" => {
            shape(&["invites"], &[("invites", &["id", "created", "expires", "sharing", "sharing_until"])])
        }
        "GET /v1/invites/_" => {
            shape(&["administrator", "inviter", "sharing", "sharing_until", "expires"], &[("inviter", PERSON)])
        }
        "POST /v1/invites/_/accept" => shape(&["user", "friend", "token"], &[]),
        "POST /v1/fixes" => shape(&["accepted", "rejected"], &[("rejected", &["index", "code"])]),
        "GET /v1/availability/histogram" => {
            shape(&["date", "time_zone", "complete", "smallest", "hours"], &[("hours", &["hour", "free", "online"])])
        }
        "GET /v1/steps" => shape(&["today", "days", "week"], &[("days", &["date", "steps"])]),
        "GET /v1/steps/leaderboard" => {
            shape(&["date", "from", "to", "people"], &[("people", &["user", "name", "steps", "me"])])
        }
        _ => return None,
    })
}

/// The fields of an element of what OwnTracks is answered.
pub fn of_item(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "card" => &["_type", "tid", "name", "face"],
        "location" => &["_type", "tid", "lat", "lon", "tst", "acc"],
        "transition" => &["_type", "tid", "event", "desc", "t", "tst", "wtst", "lat", "lon", "acc"],
        _ => return None,
    })
}

/// The shape of every refusal.
pub fn of_error() -> Shape {
    shape(ERROR, &[])
}

impl Shape {
    /// The fields of an object that are not declared.
    pub fn undeclared(&self, object: &Value) -> Vec<String> {
        let mut wrong = Vec::new();
        for (name, value) in object.as_object().into_iter().flatten() {
            if !self.own.contains(&name.as_str()) {
                wrong.push(name.clone());
            }
            let Some((_, inner)) = self.within.iter().find(|(field, _)| field == name) else { continue };
            let items = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
            for field in items.iter().filter_map(Value::as_object).flat_map(|item| item.keys()) {
                if !inner.contains(&field.as_str()) {
                    wrong.push(format!("{name}.{field}"));
                }
            }
        }
        wrong
    }
}

#[test]
fn an_undeclared_field_is_named() {
    let frame = serde_json::json!({"type": "moved", "friends": [{"user": "a", "stride": 1}], "radius": 3});
    assert_eq!(of_frame("moved").unwrap().undeclared(&frame), ["friends.stride", "radius"]);
    assert!(of_frame("gossip").is_none());
}
