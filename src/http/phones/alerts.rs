//! Why there was no alert: what people may know of it, in words.
use std::sync::Arc;

use actix_web::{HttpResponse, web};

use crate::actors::spatial_index::{AlertView, QueryAlerts};
use crate::domain::{Precision, Sight, UnixMs, UserNo};
use crate::http::auth::Reader;
use crate::http::error::ApiError;
use crate::http::state::Node;
use crate::http::told::json_about;
use crate::protocol::http::{AlertReply, AlertsReply, write};
use crate::protocol::phones::words::Distance;
use crate::protocol::server::{Friend, rounded};
use crate::spatial::world::Why;

/// `GET /v1/me/alerts`.
///
/// # Errors
/// 401; 503 when the index is overloaded.
pub async fn list(caller: Reader, node: web::Data<Arc<Node>>) -> Result<HttpResponse, ApiError> {
    let no = caller.0.no;
    let view = node.index.send(QueryAlerts(no)).await.map_err(|_| ApiError::unavailable("try again"))?;
    // From here on nothing waits: the gate is asked with what holds now.
    let now = node.user.clock.now();
    let friends = node.user.accounts.friends(no);
    let explained = friends.iter().filter_map(|friend| explained(&node, no, *friend, &view, now));
    let (told, friends) = explained.unzip();
    Ok(json_about(write(&AlertsReply { friends }), no, told, node.user.gate.clone()))
}

/// What is said of a friend follows from what is shown of them, and from the asker's own.
fn explained(
    node: &Node,
    no: UserNo,
    other: UserNo,
    view: &AlertView,
    now: UnixMs,
) -> Option<((UserNo, Sight), AlertReply)> {
    let user = &node.user;
    let (sight, friend) = user.friend_object(other, no, view.places.get(&other), now)?;
    let why = view.why.get(&other).filter(|why| friend.place.is_some() && why.shown <= sight.precision());
    let is_hidden = user.accounts.by_no(no)?.is_hidden(now)
        || user.accounts.sharing(no, other).is_none_or(|sharing| sharing.at(now) == Precision::Off);
    let facts = Facts {
        you_hidden: is_hidden,
        you_free: user.board.is_free(no, now),
        you_fresh: view.is_fresh,
        // Who shows nothing and who is not there are the same here, too.
        shown: sight >= Sight::Presence && (friend.online || friend.free || friend.place.is_some()),
        radius_m: user.accounts.by_no(no)?.radius.as_metres(),
    };
    let (state, message) = facts.judge(&friend, why);
    let distance = why.map(|why| rounded(why.distance_m));
    Some(((other, sight), AlertReply { user: friend.user, name: friend.name, state, message, distance }))
}

struct Facts {
    you_hidden: bool,
    you_free: bool,
    you_fresh: bool,
    shown: bool,
    radius_m: f64,
}

impl Facts {
    fn judge(&self, friend: &Friend, why: Option<&Why>) -> (&'static str, String) {
        let name = &friend.name;
        let about = |why: &Why| why.shown != Precision::Exact || why.given != Precision::Exact;
        let away = why.map(|why| Distance { metres: why.distance_m, about: about(why) }.words());
        let but = away.as_ref().map_or_else(|| format!("{name} is"), |away| format!("{name} is {away} away, but"));
        if self.you_hidden {
            return ("you_hidden", format!("You show {name} nothing now, so neither of you is told of the other."));
        }
        if !self.shown {
            return ("not_shown", format!("{name} shows nothing now, or is not there."));
        }
        if !self.you_free {
            return (
                "you_busy",
                match &away {
                    Some(away) => format!("{name} is {away} away, but you are busy."),
                    None => "You are busy.".to_owned(),
                },
            );
        }
        if !friend.free {
            return ("busy", format!("{but} busy."));
        }
        if !self.you_fresh {
            return ("you_stale", "Nothing has been heard of your own phone for a while.".to_owned());
        }
        let Some((why, away)) = why.zip(away) else {
            return ("stale", format!("{name} is free, but nothing has been heard of their phone for a while."));
        };
        if why.near {
            return ("near", format!("{name} is {away} away, and you both were told."));
        }
        if !why.within {
            let radius = Distance { metres: self.radius_m, about: false }.words();
            return (
                "far",
                format!(
                    "{name} is {away} away. You hear of each other within your {radius}, or {name}'s where that is less."
                ),
            );
        }
        if why.coarse {
            return (
                "coarse",
                format!("{name} is about {away} away, but where the two of you are is not known well enough."),
            );
        }
        if why.recently {
            return ("recently", format!("{name} is {away} away, and you were told of each other a short while ago."));
        }
        ("near", format!("{name} is {away} away."))
    }
}
