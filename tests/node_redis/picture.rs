//! One day of the histogram as three witnesses tell it: HTTP, the command line, and Redis; and Redis by its hash, by its
//! bitmaps, and by the set of its keys.
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use jiff::civil::Date;
use serde_json::Value;

use crate::http::call;
use crate::place::{Place, ROOT, eventually};
use crate::redis_server::{RedisServer, Reply};

type Names = BTreeSet<String>;

/// What a test expects of a day: `(hour, who was free, who was online)`; nobody in the other hours.
pub type Hours<'a> = &'a [(u8, &'a [&'a str], &'a [&'a str])];

/// Where to look.
pub struct Eyes<'a> {
    pub place: &'a Place,
    pub address: SocketAddr,
    pub redis: Option<&'a RedisServer>,
}

impl Eyes<'_> {
    /// Waits until all witnesses say the same and only this of a day.
    #[track_caller]
    pub fn see(&self, date: Date, hours: Hours<'_>) {
        eventually(|| self.look(date, hours));
    }

    fn look(&self, date: Date, hours: Hours<'_>) -> Result<(), String> {
        let expected = counts(hours);
        let reply = self.get(&format!("/v1/availability/histogram?date={date}"));
        same("HTTP", &read_hours(&reply, date), &expected)?;
        if let Some(redis) = self.redis {
            self.look_at_redis(redis, date, hours, &expected)?;
        }
        let printed = self.place.run_ok(&["histogram", "--date", &date.to_string()]);
        same("letshang histogram", &serde_json::from_str::<Value>(&printed).unwrap(), &reply)
    }

    fn look_at_redis(
        &self,
        redis: &RedisServer,
        date: Date,
        hours: Hours<'_>,
        expected: &Counts,
    ) -> Result<(), String> {
        let day = format!("letshang:avail:{date}");
        let mut fields = BTreeMap::new();
        let mut bitmaps = BTreeMap::new();
        for (hour, (free, online)) in (0..).zip(expected) {
            fields.insert(format!("{hour:02}"), free.to_string());
            fields.insert(format!("{hour:02}:online"), online.to_string());
        }
        for (hour, free, online) in hours {
            for (presence, people) in [("free", free), ("online", online)] {
                if !people.is_empty() {
                    bitmaps.insert(format!("{day}:{hour:02}:{presence}"), names(people));
                }
            }
        }
        if bitmaps.is_empty() {
            fields.clear();
        }
        let pairs = list(redis.ask(&["HGETALL", &day]));
        let found: BTreeMap<_, _> = pairs.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
        same("the hash in Redis", &found, &fields)?;
        let keys: Names = list(redis.ask(&["KEYS", &format!("{day}:*")])).into_iter().collect();
        same("the bitmaps in Redis", &keys, &bitmaps.keys().cloned().collect())?;
        for (key, people) in bitmaps {
            let Reply::Text(bits) = redis.ask(&["GET", &key]) else { return Err(format!("{key} is gone")) };
            same(&key, &self.people(&bits), &people)?;
        }
        Ok(())
    }

    /// Whose bits are set: user 0 is the highest bit of the first byte. Who was removed is `gone`.
    fn people(&self, bits: &[u8]) -> Names {
        let is_set = |at: &usize| bits[at / 8] & (0x80 >> (at % 8)) != 0;
        let numbers: Vec<usize> = (0..bits.len() * 8).filter(is_set).collect();
        let list: Vec<String> = numbers.iter().map(usize::to_string).collect();
        let reply = self.get(&format!("/v1/admin/people?index={}", list.join(",")));
        let people = reply["people"].as_array().unwrap();
        let name = |no: &usize| {
            let person = people.iter().find(|person| person["index"] == *no);
            person.map_or("gone", |person| person["user"].as_str().unwrap()).to_owned()
        };
        numbers.iter().map(name).collect()
    }

    /// What the administrator is answered.
    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        call(self.address, "GET", path).bearer(&self.place.token(ROOT)).ok()
    }
}

/// Free and online, by hour.
type Counts = Vec<(u64, u64)>;

fn counts(hours: Hours<'_>) -> Counts {
    let mut counts = vec![(0, 0); 24];
    for (hour, free, online) in hours {
        counts[usize::from(*hour)] = (free.len() as u64, online.len() as u64);
    }
    counts
}

fn read_hours(reply: &Value, date: Date) -> Counts {
    assert_eq!(reply["date"], date.to_string(), "{reply}");
    let hours = reply["hours"].as_array().unwrap();
    let number = |hour: &Value, name: &str| hour[name].as_u64().unwrap();
    assert!((0..).zip(hours).all(|(at, hour)| number(hour, "hour") == at), "{reply}");
    hours.iter().map(|hour| (number(hour, "free"), number(hour, "online"))).collect()
}

fn names(people: &[&str]) -> Names {
    people.iter().map(|name| (*name).to_owned()).collect()
}

fn list(reply: Reply) -> Vec<String> {
    let Reply::List(items) = reply else { panic!("no list: {reply:?}") };
    items.iter().map(Reply::text).collect()
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, expected: &T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: found {found:?}, expected {expected:?}")) }
}
