//! A node and Redis meet: with Redis there, absent, silent, behind a password, and with an address that is none.
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jiff::civil::date;

use crate::http::call;
use crate::picture::Hours;
use crate::place::{Now, PROGRAM, Place, ROOT};
use crate::redis_server::{RedisServer, Reply};

/// An answer that had to wait for Redis would take longer (`redis.timeout` is 2 s where this is asked).
const AT_ONCE: Duration = Duration::from_secs(1);

#[test]
fn keys_fields_and_bits_are_those_of_the_protocol_and_say_what_http_and_the_command_line_say() {
    let Some(redis) = RedisServer::start() else { return };
    let now = Now::read();
    let place = Place::in_zone(now.zone);
    let node = place.serve(Some(&redis.url()));
    place.add(&["ann", "ben", "cleo", "dan"]);
    node.say("ann", true);
    node.say("ben", true);
    node.report("ben");
    node.report("cleo");
    node.eyes(Some(&redis)).see(now.date, &[(now.hour, &["ann", "ben"], &["ben", "cleo"])]);
    assert_eq!(redis.ask(&["TYPE", &format!("letshang:avail:{}", now.date)]).text(), "hash");
    let bitmap = format!("letshang:avail:{}:{:02}:free", now.date, now.hour);
    // Numbers are given in order: root 0, ann 1, ben 2; number 0 is the highest bit.
    assert_eq!(redis.ask(&["GET", &bitmap]), Reply::Text(vec![0b0110_0000]));
    assert!(node.says_of_redis(true).ready["redis"]["message"].is_null());
}

#[test]
fn free_and_busy_many_times_in_an_hour_is_one_person_free_in_that_hour() {
    let Some(redis) = RedisServer::start() else { return };
    let now = Now::read();
    let place = Place::in_zone(now.zone);
    let node = place.serve(Some(&redis.url()));
    place.add(&["ann", "ben"]);
    for _ in 0..3 {
        for free in [true, false] {
            node.say("ann", free);
            node.say("ben", free);
            node.report("ben");
            // More than one flush between the flips.
            std::thread::sleep(Duration::from_millis(300));
        }
    }
    node.eyes(Some(&redis)).see(now.date, &[(now.hour, &["ann", "ben"], &["ben"])]);
}

#[test]
fn recorded_lines_of_any_age_count_in_their_own_hours_and_dates_and_live_people_beside_them() {
    let Some(redis) = RedisServer::start() else { return };
    let place = Place::in_zone("America/New_York");
    let node = place.serve(Some(&redis.url()));
    place.add(&[]);
    node.ingest(&[
        "ann, 20151002 185127, 40.7643503305, -73.9694356385, True",
        "ann, 20151002 185900, 40.7643503305, -73.9694356385, False",
        "ben, 20151002 185127, 40.7643503305, -73.9694356385, False",
        // Late in the evening of the 2nd where the node is.
        "ben, 20151003 035959, 40.7643503305, -73.9694356385, True",
        "ben, 20151003 040000, 40.7643503305, -73.9694356385, True",
        // The hour that is there twice, both times; and the hours around the one that is missing.
        "ann, 20151101 053000, 40.7643503305, -73.9694356385, True",
        "ann, 20151101 063000, 40.7643503305, -73.9694356385, True",
        "ben, 20151101 063000, 40.7643503305, -73.9694356385, True",
        "ann, 20150308 065959, 40.7643503305, -73.9694356385, True",
        "ann, 20150308 070000, 40.7643503305, -73.9694356385, True",
    ]);
    let eyes = node.eyes(Some(&redis));
    eyes.see(date(2015, 10, 2), &[(14, &["ann"], &["ann", "ben"]), (23, &["ben"], &["ben"])]);
    eyes.see(date(2015, 10, 3), &[(0, &["ben"], &["ben"])]);
    eyes.see(date(2015, 11, 1), &[(1, &["ann", "ben"], &["ann", "ben"])]);
    eyes.see(date(2015, 3, 8), &[(1, &["ann"], &["ann"]), (3, &["ann"], &["ann"])]);
    // A recording is not the present.
    eyes.see(jiff::Timestamp::now().in_tz("America/New_York").unwrap().date(), &[]);
    node.kill();
    let node = place.serve(Some(&redis.url()));
    redis.ask(&["FLUSHALL"]);
    node.eyes(Some(&redis)).see(date(2015, 10, 2), &[(14, &["ann"], &["ann", "ben"]), (23, &["ben"], &["ben"])]);
}

#[test]
fn with_redis_absent_the_node_serves_at_once_says_so_and_redis_is_exact_when_it_comes() {
    let Some(mut redis) = RedisServer::not_yet(None) else { return };
    let now = Now::read();
    let place = Place::new(&format!("hours.time_zone = \"{}\"\nredis.timeout = \"2s\"", now.zone));
    let began = Instant::now();
    let node = place.serve(Some(&redis.url()));
    let health = node.says_of_redis(false);
    assert!(began.elapsed() < Duration::from_secs(8), "started and told after {:?}", began.elapsed());
    assert!(health.ready["redis"]["since"].is_i64(), "{health:?}");
    assert!(health.ready["redis"]["message"].as_str().is_some_and(|why| why.contains("127.0.0.1")), "{health:?}");
    place.add(&["ann", "ben"]);
    for name in ["ann", "ben", "ann"] {
        let took = node.say(name, true);
        assert!(took < AT_ONCE, "{name} waited {took:?}");
    }
    node.report("ben");
    let hours: Hours<'_> = &[(now.hour, &["ann", "ben"], &["ben"])];
    node.eyes(None).see(now.date, hours);
    redis.come_up();
    node.says_of_redis(true);
    node.eyes(Some(&redis)).see(now.date, hours);
}

#[test]
fn with_a_redis_that_accepts_and_never_answers_the_node_serves_at_once() {
    let Some(redis) = RedisServer::start() else { return };
    let now = Now::read();
    let place = Place::new(&format!("hours.time_zone = \"{}\"\nredis.timeout = \"2s\"", now.zone));
    redis.pause();
    let began = Instant::now();
    let node = place.serve(Some(&redis.url()));
    assert!(began.elapsed() < Duration::from_secs(4), "listened after {:?}", began.elapsed());
    place.add(&["ann"]);
    assert!(node.say("ann", true) < AT_ONCE);
    node.says_of_redis(false);
    assert!(node.say("ann", true) < AT_ONCE);
    redis.resume();
    node.eyes(Some(&redis)).see(now.date, &[(now.hour, &["ann"], &[])]);
    node.says_of_redis(true);
}

#[test]
fn without_redis_the_embedded_store_has_it_all_and_ready_does_not_speak_of_redis() {
    let now = Now::read();
    let place = Place::in_zone(now.zone);
    let node = place.serve(None);
    place.add(&["ann"]);
    node.say("ann", true);
    node.eyes(None).see(now.date, &[(now.hour, &["ann"], &[])]);
    assert!(node.health().ready.get("redis").is_none());
    let (status, _) = node.stop();
    assert!(status.success(), "{status}");
    let printed = place.run_ok(&["histogram"]);
    let day: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(day["hours"][usize::from(now.hour)]["free"], 1, "on the folder of a stopped node: {day}");
}

#[test]
fn behind_a_password_it_is_exact_and_the_password_is_written_nowhere() {
    const PASSWORD: &str = "hunter2-is-no-password";
    let Some(mut redis) = RedisServer::start_with_password(Some(PASSWORD)) else { return };
    let now = Now::read();
    let place = Place::new(&format!("hours.time_zone = \"{}\"\nlog.filter = \"trace\"", now.zone));
    let node = place.serve(Some(&redis.url()));
    place.add(&["ann"]);
    node.say("ann", true);
    let hours: Hours<'_> = &[(now.hour, &["ann"], &[])];
    node.eyes(Some(&redis)).see(now.date, hours);
    redis.go_down();
    node.says_of_redis(false);
    let mut told = call(node.address, "GET", "/ready").send().text();
    redis.come_up();
    node.eyes(Some(&redis)).see(now.date, hours);
    told += &call(node.address, "GET", "/ready").send().text();
    told += &call(node.address, "GET", "/metrics").send().text();
    told += &node.call(ROOT, "GET", "/v1/admin/stats").send().text();
    told += &node.log();
    assert!(told.contains("127.0.0.1") && told.contains("TRACE"), "it was told much");
    assert!(!told.contains("hunter2"), "{told}");
}

#[test]
fn with_a_wrong_password_it_serves_and_says_that_redis_refuses_without_the_password() {
    let Some(redis) = RedisServer::start_with_password(Some("right-password")) else { return };
    let now = Now::read();
    let place = Place::in_zone(now.zone);
    for url in [redis.url_without_password(), redis.url().replace("right", "wrong")] {
        let node = place.serve(Some(&url));
        let health = node.says_of_redis(false);
        let told = format!("{health:?}{}", node.log());
        assert!(!told.contains("wrong-password"), "{told}");
    }
}

#[test]
fn an_address_of_redis_that_is_none_is_refused_in_words_and_not_repeated() {
    let place = Place::new("");
    for bad in ["hunter2", "http://ann:hunter2@host:6379", "redis://:hunter2@host:port", "rediss://:hunter2@host:6379"]
    {
        let output = place.serving(Some(bad)).stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(78), "{bad}: {said}");
        assert!(said.contains("redis.url") && said.contains("redis://"), "{bad}: {said}");
        assert!(!said.contains("hunter2"), "{said}");
        assert!(output.stdout.is_empty(), "{bad}: it must not listen");
        let file = place.config().with_file_name("bad.toml");
        std::fs::write(&file, format!("redis.url = \"{bad}\"\n")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let checked = Command::new(PROGRAM).arg("check-config").arg(&file).output().unwrap();
        let said = String::from_utf8_lossy(&checked.stderr);
        assert!(!checked.status.success() && said.contains("redis.url") && !said.contains("hunter2"), "{bad}: {said}");
    }
}
