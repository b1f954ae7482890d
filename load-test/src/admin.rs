//! The administrator's two calls: make everyone, and remove everyone (HTTP).
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::json;

use crate::friends::Friends;

/// Making thousands of users may take a while, and is one call.
const PATIENCE: Duration = Duration::from_secs(300);
/// Tokens of 100,000 people, bytes.
const LONGEST_ANSWER: u64 = 64 << 20;
/// What the demo's people are called.
const FIRST_NAMES: [&str; 48] = [
    "Ada", "Amir", "Anna", "Ben", "Carla", "Chen", "Clara", "Dani", "David", "Elif", "Emma", "Eric", "Fatima", "Felix",
    "Grace", "Hana", "Hugo", "Ines", "Ivan", "Jade", "Jonas", "Julia", "Kofi", "Lara", "Leo", "Lin", "Lucia", "Malik",
    "Maria", "Maya", "Milo", "Nadia", "Noah", "Nora", "Omar", "Paula", "Priya", "Rosa", "Ruben", "Sam", "Sara",
    "Sofia", "Tara", "Theo", "Uma", "Victor", "Yara", "Zoe",
];

/// The administrator of a server.
#[derive(Debug)]
pub struct Admin {
    agent: ureq::Agent,
    /// `http://host:port`, without a slash at the end.
    base: String,
    token: String,
}

#[derive(Deserialize)]
struct Made {
    users: Vec<MadeUser>,
}

#[derive(Deserialize)]
struct MadeUser {
    token: String,
}

#[derive(Deserialize)]
struct Removed {
    removed: u64,
}

/// The ids of a run's people: `w{seed}_{number}`.
#[derive(Clone, Debug)]
pub struct Ids(String);

impl Ids {
    /// Those of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        Self(format!("w{seed}_"))
    }

    /// A person's id.
    #[must_use]
    pub fn id(&self, person: usize) -> String {
        format!("{}{person}", self.0)
    }

    /// The person an id belongs to, if it is one of ours.
    #[must_use]
    pub fn person(&self, id: &str) -> Option<u32> {
        id.strip_prefix(&self.0)?.parse().ok()
    }
}

impl Admin {
    /// The administrator who has this token, at `http://host:port`.
    #[must_use]
    pub fn new(base: String, token: String) -> Self {
        let config = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false);
        Self { agent: config.build().into(), base, token }
    }

    fn post(&self, path: &str, body: &serde_json::Value) -> Result<(u16, String)> {
        let url = format!("{}{path}", self.base);
        let mut answer = self
            .agent
            .post(&url)
            .header("Authorization", format!("Bearer {}", self.token))
            .header("Content-Type", "application/json")
            .send(body.to_string())
            .with_context(|| format!("no answer from {url}"))?;
        let text = answer.body_mut().with_config().limit(LONGEST_ANSWER).read_to_string()?;
        Ok((answer.status().as_u16(), text))
    }

    /// Makes `people` users, friends as in `friends`, in one call; gives their tokens in order. Who is left from a run
    /// that did not end well is removed first.
    ///
    /// # Errors
    /// When the server refuses or does not answer.
    pub fn make(&self, ids: &Ids, people: usize, radius: f64, friends: &Friends) -> Result<Vec<String>> {
        let users: Vec<_> = (0..people)
            .map(|person| json!({ "user": ids.id(person), "name": display_name(person), "radius": radius }))
            .collect();
        let body = json!({ "users": users, "friendships": friends.pairs().collect::<Vec<_>>() });
        let (mut status, mut text) = self.post("/v1/admin/users", &body)?;
        if status == 409 {
            self.remove(ids, people)?;
            (status, text) = self.post("/v1/admin/users", &body)?;
        }
        if !(200..300).contains(&status) {
            bail!("POST /v1/admin/users answered {status}: {}", excerpt(&text));
        }
        let made: Made = serde_json::from_str(&text).context("POST /v1/admin/users: not the answer we know")?;
        if made.users.len() != people {
            bail!("asked for {people} users, got {}", made.users.len());
        }
        Ok(made.users.into_iter().map(|user| user.token).collect())
    }

    /// Removes the users of this run; how many there were.
    ///
    /// # Errors
    /// When the server refuses or does not answer.
    pub fn remove(&self, ids: &Ids, people: usize) -> Result<u64> {
        let users: Vec<_> = (0..people).map(|person| ids.id(person)).collect();
        let (status, text) = self.post("/v1/admin/users/remove", &json!({ "users": users }))?;
        if !(200..300).contains(&status) {
            bail!("POST /v1/admin/users/remove answered {status}: {}", excerpt(&text));
        }
        let removed: Removed = serde_json::from_str(&text).context("POST /v1/admin/users/remove: odd answer")?;
        Ok(removed.removed)
    }
}

fn display_name(person: usize) -> String {
    let first = FIRST_NAMES.get(person * 29 % FIRST_NAMES.len()).copied().unwrap_or("Ada");
    let letter = char::from(b'A' + u8::try_from(person / FIRST_NAMES.len() % 26).unwrap_or(0));
    format!("{first} {letter}.")
}

fn excerpt(text: &str) -> String {
    text.chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_its_person_and_strangers_are_nobody() {
        let ids = Ids::of(42);
        assert_eq!(ids.id(17), "w42_17");
        assert_eq!(ids.person("w42_17"), Some(17));
        for other in ["w4_17", "w42_", "alice", "w42_x"] {
            assert_eq!(ids.person(other), None);
        }
    }

    #[test]
    fn the_first_thousand_people_have_names_of_their_own() {
        let names: std::collections::HashSet<String> = (0..1_000).map(display_name).collect();
        assert_eq!(names.len(), 1_000);
    }

    /// Answers as many requests as there are answers, and hands over their paths and bodies.
    fn server(
        answers: Vec<(u16, &'static str)>,
    ) -> (String, std::thread::JoinHandle<Vec<(String, serde_json::Value)>>) {
        use std::io::{Read, Write};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let serving = std::thread::spawn(move || {
            answers
                .into_iter()
                .map(|(status, answer)| {
                    let (mut stream, _) = listener.accept().unwrap();
                    let (mut bytes, mut part) = (Vec::new(), [0; 4096]);
                    let (head, body) = loop {
                        let length = stream.read(&mut part).unwrap();
                        bytes.extend_from_slice(&part[..length]);
                        let so_far = String::from_utf8(bytes.clone()).unwrap();
                        if let Some((head, body)) = so_far.split_once("\r\n\r\n")
                            && let Ok(body) = serde_json::from_str(body)
                        {
                            break (head.to_owned(), body);
                        }
                    };
                    assert!(head.to_lowercase().contains("authorization: bearer secret"));
                    let length = answer.len();
                    let answer =
                        format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{answer}");
                    stream.write_all(answer.as_bytes()).unwrap();
                    (head.split(' ').nth(1).unwrap().to_owned(), body)
                })
                .collect()
        });
        (base, serving)
    }

    #[test]
    fn everyone_is_made_in_one_call_after_leftovers_are_removed() {
        let made = r#"{"users":[{"user":"w9_0","token":"a"},{"user":"w9_1","token":"b"},{"user":"w9_2","token":"c"}]}"#;
        let (base, serving) = server(vec![(409, "{}"), (200, r#"{"removed":3}"#), (200, made)]);
        let admin = Admin::new(base, "secret".into());
        let tokens = admin.make(&Ids::of(9), 3, 500.0, &Friends::new(9, 3, 2.0, 0.0)).unwrap();
        assert_eq!(tokens, ["a", "b", "c"]);
        let calls = serving.join().unwrap();
        let paths: Vec<&str> = calls.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["/v1/admin/users", "/v1/admin/users/remove", "/v1/admin/users"]);
        assert_eq!(calls[1].1, json!({ "users": ["w9_0", "w9_1", "w9_2"] }));
        assert_eq!(calls[2].1["friendships"], json!([[0, 1], [0, 2], [1, 2]]));
        assert_eq!(calls[2].1["users"][2]["radius"], 500.0);
    }

    #[test]
    fn a_refusal_is_told_with_its_status_and_without_the_token() {
        let (base, serving) = server(vec![(403, r#"{"code":"forbidden","message":"not an administrator"}"#)]);
        let error = Admin::new(base, "secret".into()).remove(&Ids::of(1), 1).unwrap_err().to_string();
        assert!(error.contains("403") && error.contains("not an administrator") && !error.contains("secret"));
        serving.join().unwrap();
    }
}
