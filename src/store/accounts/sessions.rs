//! Browsers' sessions: tokens whose `created` is the sign-in, and whose `expires` moves with their use.
use super::{AccountError, Accounts, Changes, Issued, Person, TokenKind, TokenRow, WriteBatch, new_token};
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
        let until = |session: &TokenRow| (now + idle_ms).min(session.created + longest_ms);
        let later = |session: &TokenRow| session.expires.is_none_or(|expires| expires < until(session));
        self.change_session(no, id, now, |session, _| {
            Ok(later(session).then(|| vec![TokenRow { expires: Some(until(session)), ..session.clone() }]))
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
        self.change_session(no, id, now, |session, next| {
            let (secret, row) = new_token(next, no, TokenKind::Session, &session.device, session.expires, now)?;
            issued = Some(Issued { secret, id: row.id });
            let end = now + overlap_ms;
            let end = session.expires.map_or(end, |expires| expires.min(end));
            // Its longest life ends then, too: so it is not prolonged any more.
            let old = TokenRow { expires: Some(end), created: end - longest_ms, ..session.clone() };
            Ok(Some(vec![old, TokenRow { created: session.created, ..row }]))
        })?;
        Ok(issued)
    }

    /// Puts others in a session's place; `None` leaves it.
    fn change_session(
        &self,
        no: UserNo,
        id: u64,
        now: UnixMs,
        change: impl FnOnce(&TokenRow, &mut super::Next) -> Result<Option<Vec<TokenRow>>, AccountError>,
    ) -> Result<(), AccountError> {
        let mut next = self.next.lock();
        let mut after = *next;
        let Ok(person) = self.person(no) else { return Ok(()) };
        let is_meant =
            |token: &&TokenRow| token.id == id && token.kind == TokenKind::Session && !token.has_expired(now);
        let Some(session) = person.tokens.iter().find(is_meant) else { return Ok(()) };
        let Some(instead) = change(session, &mut after)? else { return Ok(()) };
        let others = person.tokens.iter().filter(|token| token.id != id && !token.has_expired(now)).cloned();
        let tokens = others.chain(instead).collect();
        let person = Person { tokens, ..person };
        self.apply(&mut next, after, Changes::from([(no, Some(person))]), WriteBatch::new())
    }
}
