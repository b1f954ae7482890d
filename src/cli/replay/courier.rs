//! Carries a replay's events to a server over HTTP.
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Map, Value, json};
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

use super::ReplayTarget;
use crate::domain::FixFields;
use crate::protocol::seed_line::SeedLine;

/// How often a request is tried when the server is busy or away.
const TRIES: u32 = 6;
/// How long a request may take as a whole: an import of thousands of lines is decided durably.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the server said of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Events taken.
    pub accepted: u64,
    /// Events refused, by code.
    pub rejected: BTreeMap<String, u64>,
}

/// Takes batches to a server.
pub trait Courier {
    /// Sends seed lines of anybody, with an administrator's rights.
    ///
    /// # Errors
    /// When the server refuses the request as a whole, or does not answer.
    fn seeds(&mut self, lines: &[SeedLine]) -> anyhow::Result<Outcome>;

    /// Sends fixes of the caller.
    ///
    /// # Errors
    /// As [`Courier::seeds`].
    fn fixes(&mut self, fixes: &[FixFields]) -> anyhow::Result<Outcome>;
}

/// A courier over `POST /v1/ingest` and `POST /v1/fixes`. Every request may be repeated: an event that is stored already is
/// only acknowledged.
pub struct HttpCourier {
    agent: Agent,
    base_url: String,
    authorization: String,
}

impl HttpCourier {
    /// A courier to a server.
    ///
    /// # Errors
    /// When the address is not `http://…` (this program speaks no TLS: put the replay on the server's own machine) or there is no token.
    pub fn new(target: &ReplayTarget) -> anyhow::Result<Self> {
        let base_url = target.base_url.trim_end_matches('/').to_owned();
        if !base_url.starts_with("http://") {
            bail!(
                "the server's address must begin with http://: replay speaks no TLS, run it on the server's own machine"
            );
        }
        let token = target.token.trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            bail!("there is no usable token: set the environment variable LETSHANG_TOKEN");
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(PATIENCE))
            .build();
        Ok(Self { agent: config.new_agent(), base_url, authorization: format!("Bearer {token}") })
    }

    /// The user that the token belongs to.
    ///
    /// # Errors
    /// When the token is refused or the server does not answer.
    pub fn whoami(&mut self) -> anyhow::Result<String> {
        let url = format!("{}/v1/me", self.base_url);
        let call = || self.agent.get(&url).header("authorization", &self.authorization).call();
        let answer = decided(call, &self.base_url)?;
        let user = answer.get("user").and_then(Value::as_str);
        user.map(str::to_owned).context("the server's answer to GET /v1/me names no user")
    }

    fn post(&self, path: &str, content_type: &str, body: &str, sent: u64) -> anyhow::Result<Outcome> {
        let url = format!("{}{path}", self.base_url);
        let call = || {
            let request = self.agent.post(&url).header("authorization", &self.authorization);
            request.header("content-type", content_type).send(body)
        };
        Ok(outcome(&decided(call, &self.base_url)?, sent))
    }
}

impl Courier for HttpCourier {
    fn seeds(&mut self, lines: &[SeedLine]) -> anyhow::Result<Outcome> {
        let mut body = String::with_capacity(lines.len() * 72);
        for line in lines {
            writeln!(body, "{line}")?;
        }
        self.post("/v1/ingest", "text/csv", &body, lines.len() as u64)
    }

    fn fixes(&mut self, fixes: &[FixFields]) -> anyhow::Result<Outcome> {
        let fixes: Vec<Value> = fixes.iter().map(encode).collect();
        let sent = fixes.len() as u64;
        self.post("/v1/fixes", "application/json", &json!({ "fixes": fixes }).to_string(), sent)
    }
}

fn encode(fix: &FixFields) -> Value {
    let mut object = Map::new();
    object.insert("lat".to_owned(), json!(fix.lat));
    object.insert("lon".to_owned(), json!(fix.lon));
    object.insert("t".to_owned(), json!(fix.t));
    let optional = [("acc", fix.acc), ("speed", fix.speed), ("heading", fix.heading), ("alt", fix.alt)];
    for (name, value) in optional {
        if let Some(value) = value {
            object.insert(name.to_owned(), json!(value));
        }
    }
    Value::Object(object)
}

type Answer = Result<Response<Body>, ureq::Error>;

/// Calls until the server decides: a busy or absent server is asked again, up to [`TRIES`] times.
fn decided(call: impl Fn() -> Answer, base_url: &str) -> anyhow::Result<Value> {
    let mut pause = Duration::from_millis(250);
    for attempt in 1..=TRIES {
        let last = attempt == TRIES;
        match call() {
            Ok(mut response) => {
                let status = response.status();
                let busy = status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE;
                if busy && !last {
                    std::thread::sleep(retry_after(&response).unwrap_or(pause));
                } else {
                    let body: Value = response
                        .body_mut()
                        .read_to_vec()
                        .ok()
                        .and_then(|b| serde_json::from_slice(&b).ok())
                        .unwrap_or_default();
                    return judge(status, body, base_url);
                }
            }
            Err(error) if last => return Err(error).with_context(|| format!("no answer from {base_url}")),
            Err(_) => std::thread::sleep(pause),
        }
        pause *= 2;
    }
    bail!("no answer from {base_url}")
}

fn retry_after(response: &Response<Body>) -> Option<Duration> {
    let seconds: u64 = response.headers().get("retry-after")?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(30)))
}

fn judge(status: StatusCode, body: Value, base_url: &str) -> anyhow::Result<Value> {
    if status.is_success() {
        return Ok(body);
    }
    let message = body.get("message").and_then(Value::as_str).unwrap_or("without a reason");
    match status {
        StatusCode::UNAUTHORIZED => bail!("{base_url} does not know the token in LETSHANG_TOKEN"),
        StatusCode::FORBIDDEN => bail!("the token in LETSHANG_TOKEN may not do this: {message}"),
        _ => bail!("{base_url} answered {status}: {message}"),
    }
}

/// Reads `{accepted, rejected}`, where `rejected` is a list of `{…, code}`, counts by code, or one count. What the server
/// names in neither is counted as `unlisted`.
fn outcome(answer: &Value, sent: u64) -> Outcome {
    let mut rejected: BTreeMap<String, u64> = BTreeMap::new();
    let mut count = |code: &str, by: u64| {
        if by > 0 {
            *rejected.entry(code.to_owned()).or_default() += by;
        }
    };
    match answer.get("rejected") {
        Some(Value::Array(list)) => {
            for item in list {
                count(item.get("code").and_then(Value::as_str).unwrap_or("unknown"), 1);
            }
        }
        Some(Value::Object(by_code)) => {
            for (code, number) in by_code {
                count(code, number.as_u64().unwrap_or(0));
            }
        }
        Some(number) => count("unlisted", number.as_u64().unwrap_or(0)),
        None => {}
    }
    let listed: u64 = rejected.values().sum();
    let accepted = answer.get("accepted").and_then(Value::as_u64).unwrap_or(sent.saturating_sub(listed));
    let unlisted = sent.saturating_sub(accepted + listed);
    if unlisted > 0 {
        *rejected.entry("unlisted".to_owned()).or_default() += unlisted;
    }
    Outcome { accepted, rejected }
}
