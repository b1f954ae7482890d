//! Phones with apps that were not made for this server: what each sends, and what it is answered.
mod answers;
mod backlog;
mod clients;
mod mine;
mod notices;
mod rows;
mod storage;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use letshang::actors::spatial_index::{PhoneView, QueryPhone};
use letshang::domain::UserNo;
use serde_json::{Value, json};

use crate::client::{At, Person};
use crate::http::{Call, Reply};
use crate::node::TestNode;

/// What OwnTracks calls itself.
const IOS: &str = "OwnTracks/26.2.3 CFNetwork/3826.500.111 Darwin/24.5.0";
const ANDROID: &str = "Owntracks-Android/gms/420506000";

/// A person's phone with a device token of its own.
#[derive(Clone, Debug)]
struct Phone {
    owner: Person,
    id: u64,
    token: String,
    agent: &'static str,
    made: Value,
}

fn phone(node: &TestNode, owner: &Person, app: &str, agent: &'static str) -> Phone {
    let body = json!({"device": format!("{app} phone"), "kind": "device", "app": app});
    let made = node.call_as(owner, "POST", "/v1/me/tokens").json(&body).ok();
    let token = made["token"].as_str().unwrap().to_owned();
    Phone { owner: owner.clone(), id: made["id"].as_u64().unwrap(), token, agent, made }
}

fn basic(user: &str, token: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{token}")))
}

impl Phone {
    /// A message of OwnTracks.
    fn owntracks(&self, node: &TestNode, body: impl Into<Vec<u8>>) -> Reply {
        self.post(node, "/owntracks").header("Content-Type", "application/json").body(body).send()
    }

    fn post(&self, node: &TestNode, path: &str) -> Call {
        let authorization = basic(&self.owner.id, &self.token);
        node.call("POST", path).header("Authorization", &authorization).header("User-Agent", self.agent)
    }

    /// Reports a place of so many seconds ago with OwnTracks, and gives the array that comes back.
    #[track_caller]
    fn is_at(&self, node: &TestNode, place: At, seconds_ago: i64) -> Vec<Value> {
        let reply = self.owntracks(node, location(node, place, seconds_ago).to_string());
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.header("content-type"), Some("application/json"));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        reply.json().as_array().expect("an array").clone()
    }

    /// How its owner sees it.
    fn status(&self, node: &TestNode) -> Value {
        let all = node.call_as(&self.owner, "GET", "/v1/me/phones").ok();
        let phones = all["phones"].as_array().unwrap();
        phones.iter().find(|phone| phone["id"] == self.id).cloned().unwrap_or(Value::Null)
    }
}

fn location(node: &TestNode, place: At, seconds_ago: i64) -> Value {
    let tst = node.clock.now().0.div_euclid(1_000) - seconds_ago;
    json!({"_type": "location", "tid": "zz", "lat": place.0, "lon": place.1, "tst": tst, "acc": 10})
}

/// What the index knows for a person's phone.
fn view(node: &TestNode, person: &Person) -> PhoneView {
    node.ask(&node.node.index, QueryPhone(UserNo(person.no)))
}

/// Of the array, the elements of one kind.
fn of_kind<'a>(array: &'a [Value], kind: &str) -> Vec<&'a Value> {
    array.iter().filter(|item| item["_type"] == kind).collect()
}

/// The element of a kind with this `tid`.
#[track_caller]
fn item<'a>(array: &'a [Value], kind: &str, tid: &str) -> &'a Value {
    let found: Vec<_> = of_kind(array, kind).into_iter().filter(|item| item["tid"] == tid).collect();
    assert_eq!(found.len(), 1, "{kind} of {tid} in {array:#?}");
    found[0]
}
