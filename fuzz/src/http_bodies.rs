//! Bodies of requests. The first byte chooses which; a new body is one line of [`BODIES`].
use letshang::domain::{FixFields, Refusal, UnixMs};
use letshang::protocol::client::{FIXES_PER_POST, parse_availability_body, parse_fixes_body};
use letshang::protocol::http::SharingBody;
use letshang::protocol::{admin, http};

use super::oracle::{NOW, is_believable, is_presentable, is_short, is_sound};

/// Reads a body as what it should be: what it is in words, or why it is refused.
type Body = fn(&[u8]) -> Result<String, Refusal>;

const BODIES: &[(&str, Body)] = &[
    ("fixes", fixes),
    ("availability", availability),
    ("admin line", admin_line),
    ("session", |body| http::parse_session_body(body).map(words)),
    ("new users", |body| http::read::<http::NewUsersBody>(body).map(words)),
    ("remove users", |body| http::read::<http::RemoveUsersBody>(body).map(words)),
    ("sharing", |body| http::parse_sharing_body(body, NOW).map(ends_in_time)),
    ("invite", |body| http::parse_invite_body(body, NOW).map(ends_in_time)),
    ("accept", |body| http::parse_accept_body(body, NOW).map(|accept| ends_in_time(accept.shared) + &words(accept))),
    ("profile", profile),
    ("token", |body| http::parse_token_body(body).map(words)),
    ("phone", |body| http::parse_phone_body(body).map(words)),
    ("calendar", |body| http::parse_calendar_body(body).map(words)),
];

/// A body is refused in few words, or keeps its bounds.
pub fn hold(input: &[u8]) {
    let Some((choice, body)) = input.split_first() else { return };
    let (_, read) = BODIES[usize::from(*choice) % BODIES.len()];
    match read(body) {
        Ok(words) => assert_eq!(read(body), Ok(words)),
        Err(refusal) => is_sound(&refusal, body),
    }
}

fn words(body: impl std::fmt::Debug) -> String {
    format!("{body:?}")
}

/// An end that somebody chose is yet to come, and within a leap year.
fn is_in_time(end: Option<UnixMs>) {
    assert!(end.is_none_or(|end| NOW < end && end.0 <= NOW.0 + http::LONGEST_AHEAD_MS), "{end:?}");
}

fn ends_in_time(sharing: SharingBody) -> String {
    is_in_time(sharing.until);
    words(sharing.choice(NOW))
}

fn profile(body: &[u8]) -> Result<String, Refusal> {
    let profile = http::parse_profile_body(body, NOW)?;
    is_in_time(profile.hidden_until.flatten());
    assert!(profile.radius.is_none_or(|radius| (50.0..=50_000.0).contains(&radius.as_metres())));
    assert!(profile.stride.is_none_or(|metres| (0.199..=2.001).contains(&metres)));
    if let Some(name) = &profile.name {
        let name = name.as_str();
        assert!((1..=64).contains(&name.chars().count()) && !name.chars().any(char::is_control), "{name:?}");
    }
    Ok(words(profile))
}

fn fixes(body: &[u8]) -> Result<String, Refusal> {
    let fixes: Vec<Result<FixFields, Refusal>> = parse_fixes_body(body)?;
    assert!(fixes.len() <= FIXES_PER_POST);
    for fix in &fixes {
        match fix {
            Ok(fields) => is_believable(fields),
            Err(refusal) => is_sound(refusal, body),
        }
    }
    Ok(words(fixes))
}

fn availability(body: &[u8]) -> Result<String, Refusal> {
    let availability = parse_availability_body(body)?;
    is_presentable(&availability);
    Ok(words(availability))
}

/// What the command line says to a running node through its private socket.
fn admin_line(body: &[u8]) -> Result<String, Refusal> {
    let Ok(line) = std::str::from_utf8(body) else { return Ok(String::new()) };
    match admin::read_request(line) {
        Ok(request) => {
            let written = admin::write_request(&request);
            let again = admin::read_request(&written).unwrap();
            assert_eq!(admin::write_request(&again), written);
        }
        Err(message) => is_short(&message, body),
    }
    if let Err(message) = admin::read_reply(line) {
        is_short(&message, body);
    }
    Ok(String::new())
}
