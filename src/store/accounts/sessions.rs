//! Browsers' sessions: tokens whose `created` is the sign-in, and whose `expires` moves with their use. A session keeps its id
//! when its token is changed for another one, so that what is open under it stays open and is cut with it.
use super::super::rows::{TokenKind, TokenRow};
use super::plan::Plan;
use super::{AccountError, Accounts, Issued, Person};
use crate::domain::{UnixMs, UserNo};

impl Accounts {
    /// Lets a session go on until `idle_ms` from now, but never longer than `longest_ms` after its sign-in.
    ///
    /// # Errors
    /// When the store cannot write.
    pub fn prolong_session(
        &self,
        no: UserNo,
        id: u64,
        idle_ms: i64,
        longest_ms: i64,
        now: UnixMs,
    ) -> Result<(), AccountError> {
        self.change_session(no, id, now, |session, _| {
            let until = (now + idle_ms).min(session.created + longest_ms);
            let is_later = session.expires.is_none_or(|expires| expires < until);
            Ok(is_later.then(|| vec![TokenRow { expires: Some(until), ..session.clone() }]))
        })
    }

    /// Makes another token for a session, which ends when the session ends. The old one is good for `overlap_ms` more, and
    /// cannot be prolonged. `None` when there is no such session.
    ///
    /// # Errors
    /// When the store cannot write.
    pub fn rotate_session(
        &self,
        no: UserNo,
        id: u64,
        overlap_ms: i64,
        longest_ms: i64,
        now: UnixMs,
    ) -> Result<Option<Issued>, AccountError> {
        let mut issued = None;
        self.change_session(no, id, now, |session, plan| {
            let (secret, row) = plan.new_token(no, TokenKind::Session, &session.device, session.expires, now)?;
            issued = Some(Issued { secret, id });
            let end = now + overlap_ms;
            let end = session.expires.map_or(end, |expires| expires.min(end));
            // Its longest life ends then, too: so it is not prolonged any more.
            let old = TokenRow { expires: Some(end), created: end - longest_ms, ..session.clone() };
            Ok(Some(vec![old, TokenRow { id, created: session.created, ..row }]))
        })?;
        Ok(issued)
    }

    /// Puts others in the place of a session's newest token; `None` leaves it.
    fn change_session(
        &self,
        no: UserNo,
        id: u64,
        now: UnixMs,
        change: impl FnOnce(&TokenRow, &mut Plan) -> Result<Option<Vec<TokenRow>>, AccountError>,
    ) -> Result<(), AccountError> {
        let mut next = self.next.lock();
        let mut plan = Plan::after(&next);
        let Ok(person) = self.person(no) else { return Ok(()) };
        let is_meant =
            |token: &&TokenRow| token.id == id && token.kind == TokenKind::Session && !token.has_expired(now);
        // One that was changed for another counts as older.
        let newest = person.tokens.iter().filter(is_meant).max_by_key(|token| token.created);
        let Some(session) = newest else { return Ok(()) };
        let Some(instead) = change(session, &mut plan)? else { return Ok(()) };
        let stays = |token: &&TokenRow| token.hash != session.hash && !token.has_expired(now);
        let tokens = person.tokens.iter().filter(stays).cloned().chain(instead).collect();
        plan.change(Person { tokens, ..person });
        self.apply(&mut next, plan)
    }
}
