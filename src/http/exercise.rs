//! Steps: a person's own, and the leaderboard among friends.
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use jiff::civil::{Date, Weekday};

use super::auth::Caller;
use super::error::{ApiError, json};
use super::query::{Query, days};
use super::state::Node;
use super::told::json_about;
use crate::activity::steps::StepCounter;
use crate::actors::downlink::Gate;
use crate::actors::user::{OwnSteps, QuerySteps};
use crate::domain::{Code, Precision, Refusal, Sight, UserNo};
use crate::protocol::http::{LeaderReply, LeaderboardReply, StepsDay, StepsReply, write};
use crate::store::StoreError;
use crate::store::rows::{LiveRow, StepsRow};

/// The most days of one steps call.
const DAYS: i32 = 400;

/// `GET /v1/steps?from=&to=`; without both: today.
///
/// # Errors
/// 400 and 422 for a bad parameter; 503 when the store cannot be read.
pub async fn steps(caller: Caller, req: HttpRequest, node: web::Data<Arc<Node>>) -> Result<HttpResponse, ApiError> {
    let query = Query::of(&req);
    let no = caller.0.no;
    let own = own_steps(&node, no).await?;
    let asked = query.text("from").is_some() || query.text("to").is_some();
    let (from, to) = if asked { query.span(DAYS)? } else { (own.today, own.today) };
    let newest = Newest::from(own.days);
    let mut rows = Vec::new();
    for date in days(from, to) {
        let steps = newest.on(&node, no, date)?.or((date == own.today).then_some(0));
        if let Some(steps) = steps {
            rows.push(StepsDay { date: date.to_string(), steps });
        }
    }
    let (monday, _) = week_of(own.today)?;
    let today = newest.on(&node, no, own.today)?.unwrap_or(0);
    let week = newest.sum(&node, no, monday, own.today)?;
    Ok(json(write(&StepsReply { today, week, days: rows })))
}

/// `GET /v1/steps/leaderboard?date=` or `?week=` (any day of it); without both: today.
///
/// # Errors
/// 400 for a bad date, or for both; 503 when the store cannot be read.
pub async fn leaderboard(
    caller: Caller,
    req: HttpRequest,
    node: web::Data<Arc<Node>>,
) -> Result<HttpResponse, ApiError> {
    let me = caller.0.no;
    let own = own_steps(&node, me).await?;
    let query = Query::of(&req);
    let (date, week) = (query.date("date")?, query.date("week")?);
    let (from, to) = match (date, week) {
        (Some(_), Some(_)) => {
            let message = "give date for a day or week for a week, not both";
            return Err(Refusal::of_field(Code::BadField, "week", message).into());
        }
        (_, Some(day)) => week_of(day)?,
        (date, None) => (date.unwrap_or(own.today), date.unwrap_or(own.today)),
    };
    // What friends' actors know is gathered first; what may be shown of it is decided after the last wait.
    let mut known = Vec::new();
    for no in node.user.accounts.friends(me).iter() {
        let days = match node.user.registry.get(*no) {
            Some(addr) => addr.send(QuerySteps).await.ok().map(|steps| steps.days),
            None => None,
        };
        known.push((*no, days));
    }
    let (mut people, mut told) = (Vec::new(), Vec::new());
    let mut add = |no: UserNo, steps: u32, needs: Sight| {
        if let Some(account) = node.user.accounts.by_no(no) {
            let (user, name) = (account.id.as_str().to_owned(), account.name.as_str().to_owned());
            people.push(LeaderReply { user, name, steps, me: no == me });
            told.extend((no != me).then_some((no, needs)));
        }
    };
    add(me, Newest::from(own.days).sum(&node, me, from, to)?, Sight::Exact);
    for (no, newest) in known {
        if on_board(&node, me) && on_board(&node, no) && node.user.accounts.are_friends(me, no) {
            let (steps, needs) = shown_steps(&node, no, me, newest, from, to)?;
            add(no, steps, needs);
        }
    }
    people.sort_by_key(|person| Reverse(person.steps));
    let reply = if week.is_some() {
        LeaderboardReply { from: Some(from.to_string()), to: Some(to.to_string()), people, ..Default::default() }
    } else {
        LeaderboardReply { date: Some(from.to_string()), people, ..Default::default() }
    };
    Ok(json_about(write(&reply), me, told, node.user.gate.clone()))
}

/// Whether a person compares steps with friends at all: who does not sees only their own, and nobody sees theirs.
fn on_board(node: &Node, no: UserNo) -> bool {
    node.user.accounts.by_no(no).is_some_and(|account| account.on_board)
}

/// A friend's steps as the asker may see them now: none unless the position is shown exactly. Of somebody who hides, those of
/// the moment at which they hid: what is seen of somebody who is not there. With it how much the asker must be allowed to know for
/// that. Waits for nothing.
fn shown_steps(
    node: &Node,
    no: UserNo,
    asker: UserNo,
    newest: Option<Vec<(Date, u32)>>,
    from: Date,
    to: Date,
) -> Result<(u32, Sight), ApiError> {
    let relation = node.user.accounts.relation(no, asker, node.user.clock.now());
    // Who shows a place only while free is busy once gone, and then shows none.
    if relation.hidden && relation.sharing == Precision::Exact && !relation.only_free {
        return Ok((Newest::default().sum(node, no, from, to)?, Sight::Veiled));
    }
    // Steps are counted from positions: whoever is not shown those is not shown how far they lie apart.
    if node.user.gate.sight(no, asker) < Sight::Exact {
        return Ok((0, Sight::Veiled));
    }
    let newest = match newest {
        Some(days) => Newest::from(days),
        None => Newest::kept(node, no)?,
    };
    Ok((newest.sum(node, no, from, to)?, Sight::Exact))
}

/// A person's newest days, which the person's actor or own row knows better than the rows of days.
#[derive(Debug, Default)]
struct Newest(BTreeMap<Date, u32>);

impl From<Vec<(Date, u32)>> for Newest {
    fn from(days: Vec<(Date, u32)>) -> Self {
        Self(days.into_iter().collect())
    }
}

impl Newest {
    /// From the person's row, of somebody whose actor sleeps.
    fn kept(node: &Node, no: UserNo) -> Result<Self, ApiError> {
        let live = match node.user.journal.pending(no) {
            Some(row) => Some(row),
            None => node.user.store.get::<LiveRow>(&no).map_err(|error| unreadable(&error))?,
        };
        let counter = live.and_then(|row| StepCounter::from_bytes(&row.steps));
        Ok(Self(counter.iter().flat_map(StepCounter::days).collect()))
    }

    /// A day's steps; `None` when nothing is known of it.
    fn on(&self, node: &Node, no: UserNo, date: Date) -> Result<Option<u32>, ApiError> {
        if let Some(steps) = self.0.get(&date) {
            return Ok(Some(*steps));
        }
        let row = node.user.store.get::<StepsRow>(&(no, date)).map_err(|error| unreadable(&error))?;
        Ok(row.map(|row| row.steps))
    }

    /// The steps of some days, both included.
    fn sum(&self, node: &Node, no: UserNo, from: Date, to: Date) -> Result<u32, ApiError> {
        days(from, to).try_fold(0_u32, |sum, date| Ok(sum.saturating_add(self.on(node, no, date)?.unwrap_or(0))))
    }
}

fn unreadable(error: &StoreError) -> ApiError {
    tracing::error!(%error, "steps cannot be read");
    ApiError::unavailable("the server cannot read its store now")
}

/// The Monday and the Sunday of the week that a day lies in.
fn week_of(day: Date) -> Result<(Date, Date), ApiError> {
    let out_of_range = |_| Refusal::of_field(Code::OutOfRange, "week", "week must lie in the years -9999 to 9999");
    let monday = day.tomorrow().and_then(|next| next.nth_weekday(-1, Weekday::Monday)).map_err(out_of_range)?;
    Ok((monday, monday.nth_weekday(1, Weekday::Sunday).map_err(out_of_range)?))
}

async fn own_steps(node: &Node, no: UserNo) -> Result<OwnSteps, ApiError> {
    let addr = node.user.registry.wake(no).ok_or_else(ApiError::unauthenticated)?;
    addr.send(QuerySteps).await.map_err(|_| ApiError::unavailable("try again"))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::week_of;

    #[test]
    fn a_week_is_monday_to_sunday_whichever_day_of_it_is_named() {
        for day in 15..=21 {
            let (monday, sunday) = week_of(date(2027, 3, day)).ok().unwrap();
            assert_eq!((monday, sunday), (date(2027, 3, 15), date(2027, 3, 21)));
        }
        assert!(week_of(jiff::civil::Date::MAX).is_err());
    }
}
