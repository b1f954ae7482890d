//! What a viewer received, against what they may know.
//!
//! Everything a connection hears between two barriers (`ping` and its `pong`) was written after the first one was answered and
//! before the second. When one act happens between the two, it must be allowed by the model before the act or after it;
//! from the barrier after the act's answer on, only by the model after it. That is what "acknowledged" promises, and no
//! more: the clocks of different connections are never compared.
use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::grid;
use super::keys;
use super::marks::{Coordinates, Mark, id, person_of};
use super::model::{Model, Sees};
use crate::client::At;

/// The time in which something was received: what was so when it began, and when it ended.
pub struct Window<'a> {
    pub before: &'a Model,
    pub after: &'a Model,
    pub coordinates: &'a Coordinates,
}

/// What besides the rules may be in one particular answer: who asked for it knows it otherwise.
#[derive(Default)]
pub struct Besides(pub BTreeSet<Mark>);

impl Window<'_> {
    fn models(&self) -> [&Model; 2] {
        [self.before, self.after]
    }

    /// The most that `viewer` may know of `owner` in this window.
    fn most(&self, viewer: usize, owner: usize) -> Sees {
        self.before.sees(viewer, owner).max(self.after.sees(viewer, owner))
    }

    /// Everything wrong with bytes that `viewer` received.
    fn marks(&self, viewer: usize, text: &str, besides: &Besides) -> Vec<String> {
        let known = |mark: &Mark| besides.0.contains(mark) || self.models().iter().any(|it| it.may_know(viewer, *mark));
        let unknown = self.coordinates.marks(text).into_iter().filter(|mark| !known(mark));
        unknown.map(|mark| format!("{viewer} must not know {mark:?}")).collect()
    }

    /// A frame from the server to a device of `viewer`.
    pub fn frame(&self, viewer: usize, text: &str) -> Vec<String> {
        let mut wrong = self.marks(viewer, text, &Besides::default());
        let frame: Value = serde_json::from_str(text).unwrap();
        let kind = frame["type"].as_str().unwrap_or_default();
        match keys::of_frame(kind) {
            Some(shape) => {
                wrong.extend(shape.undeclared(&frame).iter().map(|field| format!("undeclared field {field}")))
            }
            None => wrong.push("undeclared frame".to_owned()),
        }
        if kind == "friendship" {
            let is_ended = frame["state"] == "ended";
            if is_ended == frame.get("friend").is_some() {
                wrong.push("a friend object in a friendship that ended, or none in one that began".to_owned());
            }
        } else if kind != "welcome" {
            self.person(viewer, &frame, &mut wrong);
        }
        self.people_within(viewer, &frame, &mut wrong);
        if kind == "near" {
            self.near(viewer, &frame, &mut wrong);
        }
        if kind == "apart" {
            self.apart(viewer, &frame, &mut wrong);
        }
        wrong
    }

    /// An answer over HTTP to `viewer`: its whole text, and the JSON in it if it is that.
    pub fn answer(&self, viewer: usize, call: &str, status: u16, text: &str, besides: &Besides) -> Vec<String> {
        let mut wrong = self.marks(viewer, text, besides);
        let Some(body) = text.split_once("\r\n\r\n").and_then(|(_, body)| serde_json::from_str::<Value>(body).ok())
        else {
            return wrong;
        };
        if call == "POST /owntracks" && status < 400 {
            let items = body.as_array().cloned().unwrap_or_default();
            items.iter().for_each(|item| self.item(viewer, item, &mut wrong));
            return wrong;
        }
        let shape = if status < 400 { keys::of_answer(call) } else { Some(keys::of_error()) };
        match shape {
            Some(shape) => {
                wrong.extend(shape.undeclared(&body).iter().map(|field| format!("undeclared field {field}")))
            }
            None => wrong.push("an answer without a declared shape".to_owned()),
        }
        // A view is of oneself, as another sees one: judged where it is asked for.
        if call != "GET /v1/friends/_/view" {
            self.people_within(viewer, &body, &mut wrong);
        }
        wrong
    }

    /// An object about one person, as `viewer` is shown it.
    pub fn object(&self, viewer: usize, object: &Value) -> Vec<String> {
        let mut wrong = self.marks(viewer, &object.to_string(), &Besides::default());
        self.person(viewer, object, &mut wrong);
        wrong
    }

    /// An element of what OwnTracks is answered: a friend's card, place, or that they came near.
    fn item(&self, viewer: usize, item: &Value, wrong: &mut Vec<String>) {
        let kind = item["_type"].as_str().unwrap_or_default();
        let fields = keys::of_item(kind).unwrap_or_default();
        let names = item.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
        wrong.extend(names.filter(|name| !fields.contains(name)).map(|name| format!("undeclared {kind}.{name}")));
        let tid = item["tid"].as_str().unwrap_or_default();
        let named = self.coordinates.marks(tid).into_iter().find_map(|mark| match mark {
            Mark::Name(owner, _) => Some(owner),
            _ => None,
        });
        let Some(owner) = person_of(tid).or(named).filter(|owner| *owner != viewer) else { return };
        // Nobody is shown who is seen as somebody who is not there.
        let shown = json!({"user": id(owner), "online": true, "lat": item["lat"], "lon": item["lon"],
            "approximate": item["acc"] == 800});
        self.person(viewer, &shown, wrong);
        let is_mutual = |model: &&Model| model.sees(viewer, owner).min(model.sees(owner, viewer)) >= Sees::Cell;
        if kind == "transition" && !self.models().iter().any(is_mutual) {
            wrong.push(format!("{viewer} is told that {owner} is near: not both shown"));
        }
    }

    fn people_within(&self, viewer: usize, object: &Value, wrong: &mut Vec<String>) {
        for list in ["friends", "friend"] {
            let Some(value) = object.get(list) else { continue };
            let items = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
            items.iter().for_each(|item| self.person(viewer, item, wrong));
        }
    }

    /// An object about one person: `user` and what is said of them.
    fn person(&self, viewer: usize, object: &Value, wrong: &mut Vec<String>) {
        let Some(owner) = object["user"].as_str().and_then(person_of).filter(|owner| *owner != viewer) else { return };
        let most = self.most(viewer, owner);
        let mut must = |holds: bool, what: &str| {
            if !holds {
                wrong.push(format!("{viewer} sees {most:?} of {owner}, but: {what}"));
            }
        };
        if most <= Sees::Name {
            let says = |name: &str| !matches!(object.get(name), None | Some(Value::Null | Value::Bool(false)));
            for name in
                ["online", "free", "near", "note", "until", "lat", "lon", "t", "acc", "speed", "heading", "distance"]
            {
                // The end of an encounter has its own time, and is judged elsewhere.
                must(!says(name) || object["type"] == "apart", name);
            }
            return;
        }
        let (Some(lat), Some(lon)) = (object["lat"].as_f64(), object["lon"].as_f64()) else { return };
        if object["approximate"] == true {
            let shown = self.models().iter().any(|model| model.may_show_cell(viewer, owner, (lat, lon)));
            must(shown, "a cell in which they were not");
            must(object.get("speed").is_none() && object.get("heading").is_none(), "a motion");
        } else {
            let fixes = [lat, lon].map(|degrees| self.coordinates.of(degrees));
            let is_theirs =
                matches!(fixes, [Some(Mark::Fix(a, x)), Some(Mark::Fix(b, y))] if (a, x) == (b, y) && a == owner);
            must(is_theirs, "a position that is not one of theirs");
            must(most >= Sees::Place, "an exact position");
        }
        if let Some(distance) = object["distance"].as_f64() {
            let own = self.models().map(|model| model.shown_points(viewer, viewer)).concat();
            must(own.iter().any(|own| grid::is_rounded(distance, grid::metres(*own, (lat, lon)))), "another distance");
        }
    }

    /// Both sides of an encounter are shown to each other, and the distance is that of what is shown.
    fn near(&self, viewer: usize, frame: &Value, wrong: &mut Vec<String>) {
        let Some(other) = frame["user"].as_str().and_then(person_of) else { return };
        let allowed = |model: &&Model| {
            let both = model.sees(viewer, other).min(model.sees(other, viewer));
            let free = [viewer, other].iter().all(|person| model.people[*person].is_free(model.now));
            both >= Sees::Cell && free
        };
        if !self.models().iter().any(allowed) {
            wrong.push(format!("{viewer} near {other}: not both shown and free"));
        }
        let distance = frame["distance"].as_f64().unwrap_or(-1.0);
        let points = |of: usize, to: usize| -> Vec<At> { self.models().map(|it| it.shown_points(to, of)).concat() };
        let (theirs, own) = (points(other, viewer), points(viewer, other));
        let mut pairs = own.iter().flat_map(|own| theirs.iter().map(move |other| grid::metres(*own, *other)));
        if !pairs.any(|metres| grid::is_rounded(distance, metres)) {
            wrong.push(format!("{viewer} near {other}: {distance} m is no distance between what is shown"));
        }
    }

    /// An encounter's end tells nobody that the other one hides.
    fn apart(&self, viewer: usize, frame: &Value, wrong: &mut Vec<String>) {
        let Some(other) = frame["user"].as_str().and_then(person_of) else { return };
        let reason = frame["reason"].as_str().unwrap_or_default();
        let hides = |model: &Model| model.sees(other, viewer) <= Sees::Name;
        let fine = match reason {
            "hidden" => self.models().iter().any(|model| hides(model)),
            "stale" => true,
            "unfriended" => !self.after.are_friends(viewer, other),
            _ => self.most(viewer, other) >= Sees::State,
        };
        if !fine {
            wrong.push(format!("{viewer} apart from {other}: {reason}"));
        }
    }
}
