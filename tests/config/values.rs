//! Keys and values, from every source.
use crate::program::{folder, letshang, run, serving, settings};

#[test]
fn what_a_file_says_wrongly_is_told_with_key_bounds_and_file() {
    let folder = folder();
    for (text, words) in [
        ("[server]\nlissten = \"127.0.0.1:1\"", &["server.lissten", "did you mean server.listen?"][..]),
        ("[server]\nframe_bytes = 4096", &["server.frame_bytes", "did you mean limits.frame_bytes?"]),
        ("[colours]\nsky = \"blue\"", &["there is no setting \"colours.sky\""]),
        ("[server]\nworkers = \"many\"", &["server.workers", "0 to 256", "\"many\""]),
        ("[server]\nworkers = -1", &["server.workers", "0 to 256", "not -1"]),
        ("[server]\nworkers = 257", &["server.workers", "0 to 256", "not 257"]),
        ("[server]\nworkers = 18446744073709551616", &["line 2", "letshang.toml"]),
        ("[server]\nmax_connections = 0", &["server.max_connections", "1 to 1000000", "not 0"]),
        ("[server]\nlisten = \"127.0.0.1:70000\"", &["server.listen", "IP address and a port", "70000"]),
        ("[server]\nlisten = \"localhost\"", &["server.listen", "IP address and a port", "localhost"]),
        ("[limits]\nidle = \"5\"", &["limits.idle", "with its unit", "1s to 1h", "\"5\""]),
        ("[limits]\nidle = \"-5s\"", &["limits.idle", "1s to 1h", "\"-5s\""]),
        ("[limits]\nidle = \"99999999999999999999s\"", &["limits.idle", "1s to 1h"]),
        ("[limits]\nframe_bytes = \"64KB\"", &["limits.frame_bytes", "KiB", "1024 to 16777216", "\"64KB\""]),
        ("[proximity]\nradius = inf", &["proximity.radius", "50 to 50000", "not inf"]),
        ("[hours]\ntime_zone = \"Mars/Base\"", &["hours.time_zone", "Europe/Berlin", "Mars/Base"]),
        ("[store]\ndurability = \"hope\"", &["store.durability", "\"power\" or \"process\""]),
        ("[dashboard]\nguest = \"ann\"\n[server]\nlisten = \"0.0.0.0:1\"", &["dashboard.guest", "loopback"]),
        ("[redis]\nurl = \"ftp://x\"", &["redis.url", "redis://"]),
    ] {
        let file = settings(&folder, text);
        let mut command = letshang(["check-config"]);
        command.arg(&file);
        run(command).refused(78, words);
    }
}

#[test]
fn a_size_may_have_its_unit() {
    let folder = folder();
    let file = settings(&folder, "[limits]\nframe_bytes = \"64KiB\"");
    let mut command = letshang(["print-config", "--config"]);
    command.arg(file);
    let printed = run(command);
    assert!(printed.said.contains("frame_bytes = 65536"), "{printed:?}");
}

#[test]
fn what_the_environment_says_wrongly_is_told_too() {
    for (name, value, words) in [
        (
            "LETSHANG__SERVER__LISSTEN",
            "127.0.0.1:1",
            &["server.lissten", "environment", "did you mean server.listen?"][..],
        ),
        ("LETSHANG__SERVER__WORKERS", "many", &["server.workers", "0 to 256", "environment"]),
        ("LETSHANG__LIMITS__IDLE", "5", &["limits.idle", "with its unit", "environment"]),
    ] {
        let mut command = letshang(["print-config"]);
        command.env(name, value);
        run(command).refused(78, words);
    }
}

#[test]
fn what_a_flag_says_wrongly_is_told_too() {
    let folder = folder();
    let listen = serving(&folder.path().join("data"), &["--listen", "127.0.0.1"]);
    run(listen).refused(78, &["server.listen", "IP address and a port", "flag"]);
}
