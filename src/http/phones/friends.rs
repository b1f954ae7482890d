//! What a phone is answered about its owner's friends. Everything is asked of the gate when the answer is written, after the last
//! wait.
use std::sync::Arc;

use actix_web::HttpResponse;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Phone;
use crate::actors::downlink::Gate;
use crate::actors::spatial_index::{PhoneView, QueryPhone, QueryQuiet};
use crate::domain::{LatLon, Platform, Precision, Sight, UnixMs, UserNo};
use crate::http::error::json;
use crate::http::state::Node;
use crate::http::told::json_about;
use crate::protocol::http::write;
use crate::protocol::phones::face::Face;
use crate::protocol::phones::reply::{Geocode, Item, OverlandReply, Set, send_interval};
use crate::protocol::phones::words::{self, Distance};
use crate::protocol::server::{Friend, Place};
use crate::spatial::sphere::metres_between;
use crate::store::rows::Account;

/// The most friends of one answer: the nearest ones, then those of whom no place is known.
pub const MOST: usize = 100;
/// The most notices of one answer.
const MOST_NOTICES: usize = 10;

/// The answer when there is nothing to say. Never an object and never nothing: OwnTracks on Android would send it all again.
pub const NOTHING: &str = "[]";

/// A friend as the phone's owner may see them at this moment.
struct Seen {
    no: UserNo,
    sight: Sight,
    friend: Friend,
    distance: Option<Distance>,
}

/// What an answer is made of: when, for whom, in which time zone.
struct Reader<'a> {
    node: &'a Node,
    phone: &'a Phone,
    account: &'a Account,
    zone: TimeZone,
    now: UnixMs,
}

/// OwnTracks' array: a card and a place for each friend and for the owner; who came near; a question for steps. `tid`: what the
/// phone calls itself.
pub async fn array(node: &Node, phone: &Phone, tid: Option<&str>, is_answer: bool) -> HttpResponse {
    // Whose index is overloaded is shown nothing this time; what was sent is stored nevertheless.
    let Ok(view) = node.index.send(QueryPhone(phone.identity.no)).await else { return json(NOTHING.to_owned()) };
    // From here on nothing waits.
    let Some(account) = valid(node, phone) else { return json(NOTHING.to_owned()) };
    let reader = Reader::new(node, phone, &account);
    let seen = reader.seen(&view);
    let text = write(&reader.items(&view, &seen, tid, is_answer));
    json_about(text, account.no, told(&seen), node.user.gate.clone())
}

/// Overland's answer: who is nearest, and how often it should send.
pub async fn overland(node: &Node, phone: &Phone) -> HttpResponse {
    let ok = OverlandReply { result: "ok", geocode: None, set: None };
    let quiet = node.index.send(QueryQuiet(phone.identity.no)).await.ok().flatten();
    let Ok(view) = node.index.send(QueryPhone(phone.identity.no)).await else { return json(write(&ok)) };
    // From here on nothing waits.
    let Some(account) = valid(node, phone) else { return json(write(&ok)) };
    let reader = Reader::new(node, phone, &account);
    let seen = reader.seen(&view);
    let full_name = reader.line(&seen);
    let quiet = quiet.filter(|quiet| quiet.radius_m > 0.0 && quiet.until > reader.now);
    let interval = send_interval(quiet.map_or_else(|| reader.room(&seen), |quiet| quiet.radius_m));
    let set = node.user.phones.sets_interval(phone.identity.token_id, interval);
    let set = set.then_some(Set { send_interval: interval });
    node.user.phones.sends_friends(phone.identity.token_id, u32::from(full_name.is_some()), reader.now);
    let full_name = full_name.unwrap_or_else(|| "No friend in sight".to_owned());
    let text = write(&OverlandReply { geocode: Some(Geocode { full_name }), set, ..ok });
    json_about(text, account.no, told(&seen), node.user.gate.clone())
}

/// The phone's owner, if the token still holds.
fn valid(node: &Node, phone: &Phone) -> Option<Arc<Account>> {
    let holds = node.user.accounts.is_valid(&phone.identity, node.user.clock.now());
    node.user.accounts.by_no(phone.identity.no).filter(|_| holds)
}

fn told(seen: &[Seen]) -> Vec<(UserNo, Sight)> {
    seen.iter().map(|seen| (seen.no, seen.sight)).collect()
}

impl<'a> Reader<'a> {
    fn new(node: &'a Node, phone: &'a Phone, account: &'a Account) -> Self {
        let zone = account.time_zone.as_deref().and_then(|name| TimeZone::get(name).ok());
        let zone = zone.unwrap_or_else(|| node.zone.clone());
        Self { node, phone, account, zone, now: node.user.clock.now() }
    }

    fn token(&self) -> u64 {
        self.phone.identity.token_id
    }

    /// The friends who are shown, nearest first. Left out is who shows nothing, and likewise who is not there: the two cannot be told
    /// apart.
    fn seen(&self, view: &PhoneView) -> Vec<Seen> {
        let (user, no) = (&self.node.user, self.account.no);
        let friends = user.accounts.friends(no);
        let mut seen: Vec<Seen> = friends
            .iter()
            .filter_map(|other| {
                let (sight, friend) = user.friend_object(*other, no, view.places.get(other), self.now)?;
                let is_there = friend.online || friend.free || friend.place.is_some();
                let distance = view.own.as_ref().zip(friend.place).and_then(|(own, place)| {
                    let there = LatLon::new(place.lat, place.lon).ok()?;
                    Some(Distance { metres: metres_between(own.position, there), about: place.approximate })
                });
                (sight >= Sight::Presence && is_there).then_some(Seen { no: *other, sight, friend, distance })
            })
            .collect();
        let away = |seen: &Seen| match (seen.distance, seen.friend.place) {
            (Some(distance), _) => distance.metres,
            (None, Some(_)) => f64::MAX,
            (None, None) => f64::INFINITY,
        };
        seen.sort_by(|one, other| away(one).total_cmp(&away(other)));
        seen.truncate(MOST);
        seen
    }

    fn items(&self, view: &PhoneView, seen: &[Seen], tid: Option<&str>, is_answer: bool) -> Vec<Item> {
        let mut items = Vec::with_capacity(seen.len() * 2 + 4);
        let mut shown = Vec::with_capacity(seen.len() + 1);
        for Seen { no, friend, distance, .. } in seen {
            let name = words::card(friend, *distance, self.now, &self.zone);
            let face = self.face(*no, friend);
            items.push(Item::Card { tid: friend.user.clone(), name, face });
            items.extend(friend.place.and_then(|place| Item::location(&friend.user, &place)));
            shown.push(*no);
        }
        self.own(view, tid, &mut items);
        shown.push(self.account.no);
        self.notices(view, seen, &mut items);
        let near: Vec<UserNo> = view.met.iter().map(|(friend, _)| *friend).collect();
        self.node.user.phones.shows_only(self.token(), &shown, &near);
        if self.phone.platform == Platform::Ios
            && self.phone.identity.phone.ask_steps
            && !is_answer
            && let Some(midnight) = self.midnight()
            && self.node.user.phones.asks_steps(self.token(), self.now)
        {
            items.push(Item::ask_steps(midnight, self.now.0));
        }
        self.node.user.phones.sends_friends(self.token(), u32::try_from(seen.len()).unwrap_or(u32::MAX), self.now);
        items
    }

    /// The owner's own card and place, under the name by which the phone keeps itself, unless a friend is called that.
    fn own(&self, view: &PhoneView, tid: Option<&str>, items: &mut Vec<Item>) {
        let (user, no) = (&self.node.user, self.account.no);
        let is_a_friend = |tid: &str| {
            let friends = user.accounts.friends(no);
            friends.iter().any(|friend| user.accounts.by_no(*friend).is_some_and(|friend| friend.id.as_str() == tid))
        };
        let id = self.account.id.as_str();
        let tid = tid.filter(|tid| *tid != id && !is_a_friend(tid)).unwrap_or(id);
        let Some((_, own)) = user.friend_object(no, no, None, self.now) else { return };
        let name = words::card(&own, None, self.now, &self.zone);
        items.push(Item::Card { tid: tid.to_owned(), name, face: self.face(no, &own) });
        let place = view.own.as_ref().map(|live| Place::of(live, Precision::Exact));
        items.extend(place.and_then(|place| Item::location(tid, &place)));
    }

    /// Notices of friends who came near, each once for this phone. Both of a pair are told or neither: so not of a friend who is not
    /// shown the owner.
    fn notices(&self, view: &PhoneView, seen: &[Seen], items: &mut Vec<Item>) {
        let choice = self.phone.identity.phone.near_notices;
        if !choice.unwrap_or(self.phone.platform == Platform::Ios) {
            return;
        }
        let mut told = 0;
        for Seen { no, friend, distance, .. } in seen {
            let announced = view.met.iter().find(|(met, _)| met == no).map(|(_, announced)| *announced);
            let (Some(announced), Some(place)) = (announced.filter(|_| friend.near && friend.free), friend.place)
            else {
                continue;
            };
            let is_mutual = self.node.user.gate.sight(self.account.no, *no) >= Sight::Presence;
            if told < MOST_NOTICES && is_mutual && self.node.user.phones.tells(self.token(), *no, announced) {
                told += 1;
                let named = self.phone.platform != Platform::Ios;
                let desc = words::notice(friend, *distance, named, self.now, &self.zone);
                items.push(Item::near(&friend.name, desc, self.now.0, announced.0, &place));
            }
        }
    }

    /// The picture of somebody, if the phone has not got it.
    fn face(&self, no: UserNo, friend: &Friend) -> Option<String> {
        let face = Face::of(&friend.user, &friend.name, friend.free);
        let needed = self.node.user.phones.needs_face(self.token(), no, face);
        if needed { face.png().map(|png| STANDARD.encode(png)) } else { None }
    }

    /// When the owner's day began, Unix milliseconds.
    fn midnight(&self) -> Option<i64> {
        let today = Timestamp::from_millisecond(self.now.0).ok()?.to_zoned(self.zone.clone());
        Some(today.start_of_day().ok()?.timestamp().as_millisecond())
    }

    /// The nearest friend who is free, else the nearest, on one line.
    fn line(&self, seen: &[Seen]) -> Option<String> {
        let nearest = seen.iter().find(|seen| seen.friend.free).or_else(|| seen.first())?;
        Some(words::line(&nearest.friend, nearest.distance, self.now, &self.zone))
    }

    /// How far the nearest free friend is from being near, metres; endless when nobody is free: for who has no quiet zone.
    fn room(&self, seen: &[Seen]) -> f64 {
        let is_free = |seen: &&Seen| seen.friend.free && seen.distance.is_some();
        let nearest = seen.iter().filter(is_free).filter_map(|seen| seen.distance).next();
        nearest.map_or(f64::INFINITY, |distance| (distance.metres - self.account.radius.as_metres()).max(0.0))
    }
}
