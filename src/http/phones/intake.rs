//! The one way from readings to the person's actor.
use super::Phone;
use crate::actors::phones::{Outcome, Tally};
use crate::actors::user::{PhoneAnswer, PhoneFix, ReportPhone, ReportSteps, Speaker};
use crate::domain::{Code, Fix, UnixMs};
use crate::http::error::ApiError;
use crate::http::ingest::until_stored;
use crate::http::state::Node;
use crate::protocol::phones::Reading;

/// What became of a request's readings.
#[derive(Debug, Default)]
pub struct Taken {
    /// It says where the phone is now: not only what it had kept from earlier.
    pub is_present: bool,
}

/// Takes readings in. Returns once what was accepted is durable.
///
/// # Errors
/// 503 when it cannot be stored; then nothing is counted, since it comes again.
pub async fn take(node: &Node, phone: &Phone, readings: &[Reading]) -> Result<Taken, ApiError> {
    let now = node.user.clock.now();
    let mut tally = Tally::default();
    let (mut fixes, mut steps, mut alive) = (Vec::new(), Vec::new(), false);
    for reading in readings {
        match *reading {
            _ if phone.too_often => tally.add(Outcome::TooOften, 1),
            Reading::Fix(fields) | Reading::Present(fields) => match Fix::new(&fields, now) {
                Ok(fix) => fixes.push(PhoneFix { fix, present: matches!(reading, Reading::Present(_)) }),
                Err(refusal) => tally.add(
                    match refusal.code {
                        Code::FromFuture => Outcome::Future,
                        Code::TooOld => Outcome::TooOld,
                        _ => Outcome::Odd,
                    },
                    1,
                ),
            },
            Reading::Steps { from, to, steps: count } => {
                tally.add(Outcome::Heartbeat, 1);
                steps.push((from, to, count));
            }
            Reading::Heartbeat => {
                tally.add(Outcome::Heartbeat, 1);
                alive = true;
            }
            Reading::Ignored => tally.add(Outcome::Ignored, 1),
            Reading::Odd => tally.add(Outcome::Odd, 1),
        }
    }
    let newest = fixes.iter().map(|fix| fix.fix.t).max();
    let answer = if fixes.is_empty() && !alive { None } else { Some(report(node, phone, fixes).await?) };
    for (from, to, count) in steps {
        report_steps(node, phone, from, to, count).await?;
    }
    let mut taken = Taken::default();
    let mut accepted = None;
    if let Some(PhoneAnswer { tally: fates, newest: last, before, .. }) = answer {
        for outcome in Outcome::ALL {
            tally.add(outcome, fates.get(outcome));
        }
        accepted = last;
        node.user.phones.told_until(phone.identity.token_id, before);
        let is_known = fates.get(Outcome::Accepted) + fates.get(Outcome::Duplicate) > 0;
        let is_fresh = |t: UnixMs| now.since(t) <= node.config.proximity.fresh.as_ms();
        taken.is_present = is_known && newest.is_some_and(is_fresh);
    }
    node.user.phones.took(phone.identity.token_id, phone.app, &tally, accepted);
    Ok(taken)
}

async fn report(node: &Node, phone: &Phone, mut fixes: Vec<PhoneFix>) -> Result<PhoneAnswer, ApiError> {
    // In the order in which they were taken: a batch may be in any.
    fixes.sort_by_key(|fix| (fix.fix.t, fix.present));
    let is_sign_of_life = fixes.is_empty();
    let addr = node.user.registry.wake(phone.identity.no).ok_or_else(ApiError::unauthenticated)?;
    let message = ReportPhone { device: phone.identity.device.clone(), fixes };
    let mut answer = addr.send(message).await.map_err(|_| ApiError::unavailable("try again"))?;
    if !is_sign_of_life {
        until_stored(answer.stored.take()).await?;
    }
    Ok(answer)
}

async fn report_steps(node: &Node, phone: &Phone, from: UnixMs, to: UnixMs, steps: u32) -> Result<(), ApiError> {
    let addr = node.user.registry.wake(phone.identity.no).ok_or_else(ApiError::unauthenticated)?;
    let speaker = Speaker::Request(phone.identity.device.clone());
    let stored = addr.send(ReportSteps { speaker, from, to, steps }).await;
    until_stored(stored.map_err(|_| ApiError::unavailable("try again"))?).await
}
