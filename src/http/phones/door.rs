//! The credentials of phones: as many ways to show one token as there are apps.
use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::super::auth::Denied;
use super::super::policy::{Policy, Who};
use super::super::query::Query;
use super::super::state::Node;
use crate::domain::UserId;
use crate::store::accounts::Identity;
use crate::store::rows::TokenKind;
use crate::store::secret;

/// Standard base64, with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What an `Authorization: Basic` header says. No `Debug`: there is a token in it.
struct Basic {
    user: String,
    token: String,
}

/// Whom a phone's credential stands for.
///
/// # Errors
/// [`Denied::Unknown`] when there is none; [`Denied::Wrong`] for every other that does not hold, and for a full token where only
/// a device's may be.
pub fn identity(req: &HttpRequest, node: &Node, who: Who) -> Result<Identity, Denied> {
    let token = match who {
        Who::PhoneInPath => req.match_info().get("token").map(str::to_owned),
        Who::PhoneInQuery => Query::of(req).text("api_key").map(str::to_owned),
        _ => header(req)?,
    };
    let token = token.filter(|token| !token.is_empty()).ok_or(Denied::Unknown)?;
    let known = node.user.accounts.verify(token.trim(), node.user.clock.now()).ok_or(Denied::Wrong)?;
    let is_open = matches!(who, Who::PhoneInPath | Who::PhoneInQuery);
    let may = match known.kind {
        TokenKind::Device => true,
        // What stands in an address is seen by more than the phone: only what can read nothing belongs there.
        TokenKind::Full => !is_open,
        TokenKind::Session => false,
    };
    if may { Ok(known) } else { Err(Denied::Wrong) }
}

fn header(req: &HttpRequest) -> Result<Option<String>, Denied> {
    let mut lines = req.headers().get_all(AUTHORIZATION);
    let Some(line) = lines.next() else { return Ok(None) };
    let line = line.to_str().ok().filter(|_| lines.next().is_none()).ok_or(Denied::Wrong)?;
    let (scheme, said) = line.split_once(' ').ok_or(Denied::Wrong)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Ok(Some(said.trim().to_owned()));
    }
    let basic = basic(scheme, said).ok_or(Denied::Wrong)?;
    Ok(Some(basic.token))
}

/// The password is the token; the user's name is anybody's. Overland sends the token as it is, with a colon behind it, and some put
/// it in the place of the name.
fn basic(scheme: &str, said: &str) -> Option<Basic> {
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let said = said.trim();
    let bare = said.strip_suffix(':').unwrap_or(said);
    if secret::is_token(bare) {
        return Some(Basic { user: String::new(), token: bare.to_owned() });
    }
    let decoded = String::from_utf8(BASE64.decode(said).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    let (user, password) = (user.trim(), password.trim());
    if password.is_empty() && secret::is_token(user) {
        return Some(Basic { user: String::new(), token: user.to_owned() });
    }
    Some(Basic { user: user.to_owned(), token: password.to_owned() })
}

/// A wrong credential may be somebody's who types it in: the person whose name stands beside it is told, and nobody else.
pub fn note_wrong(req: &HttpRequest, node: &Node, policy: &Policy) {
    let line = req.headers().get(AUTHORIZATION).and_then(|line| line.to_str().ok());
    let named = line.and_then(|line| line.split_once(' ')).and_then(|(scheme, said)| basic(scheme, said));
    let Some(id) = named.and_then(|named| UserId::parse(&named.user, "user").ok()) else { return };
    if let Some(account) = node.user.accounts.by_id(&id) {
        node.user.phones.wrong(account.no, super::app_of(policy.path), node.user.clock.now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_wherever_apps_put_it() {
        let token = format!("lh_{}", "x".repeat(43));
        let encoded = |text: &str| BASE64.encode(text);
        for (said, user) in [
            (encoded(&format!("ann:{token}")), "ann"),
            (encoded(&format!("ann: {token} ")), "ann"),
            (encoded(&format!(":{token}")), ""),
            (encoded(&format!("{token}:")), ""),
            (encoded(&format!("ann:{token}")).trim_end_matches('=').to_owned(), "ann"),
            (format!("{token}:"), ""),
            (token.clone(), ""),
        ] {
            let basic = basic("basic", &said).unwrap();
            assert!(basic.token == token && basic.user == user, "{said}");
        }
        for said in ["", "%%%", "YW5u", "/w=="] {
            assert!(basic("Basic", said).is_none(), "{said}");
        }
        assert!(basic("Digest", &encoded("ann:x")).is_none());
    }
}
