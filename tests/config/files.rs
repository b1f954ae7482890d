//! The settings file itself, before anything in it is looked at.
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::program::{SECRET, as_nobody, folder, letshang, run, serving, settings};

/// Every command that reads the file refuses it with these words.
#[track_caller]
fn refused_by_all(file: &Path, words: &[&str]) {
    let folder = folder();
    let with_file = |arguments: &[&str]| {
        let mut command = letshang(arguments);
        command.arg(file);
        command
    };
    let mut serve = serving(&folder.path().join("data"), &["--config"]);
    serve.arg(file);
    for command in [with_file(&["check-config"]), with_file(&["print-config", "--config"]), serve] {
        run(command).refused(78, words);
    }
    assert!(!folder.path().join("data").exists(), "a refused start leaves nothing");
}

#[test]
fn a_file_that_is_no_settings_file_is_refused_and_never_falls_back_to_defaults() {
    let folder = folder();
    refused_by_all(&folder.path().join("missing.toml"), &["cannot read", "missing.toml", "No such file"]);
    refused_by_all(folder.path(), &["cannot read", "directory"]);
    refused_by_all(&settings(&folder, ""), &["letshang.toml", "is empty"]);
    refused_by_all(&settings(&folder, " \n\t\n"), &["letshang.toml", "is empty"]);
    refused_by_all(&settings(&folder, b"[server]\n\xFF\xFE"), &["letshang.toml", "is not UTF-8", "byte 10"]);
    refused_by_all(&settings(&folder, [0; 64]), &["letshang.toml", "not TOML"]);
    refused_by_all(&settings(&folder, "[server\nlisten = 5"), &["letshang.toml", "line 1", "not TOML"]);
    refused_by_all(&settings(&folder, "[server]\nworkers = 1\nworkers = 2"), &["letshang.toml", "duplicate"]);
}

#[test]
fn a_file_of_a_gibibyte_is_refused_without_being_read() {
    let folder = folder();
    let file = settings(&folder, "# large\n");
    std::fs::File::options().write(true).open(&file).unwrap().set_len(1 << 30).unwrap();
    let began = std::time::Instant::now();
    refused_by_all(&file, &["letshang.toml", "larger than 1 MiB"]);
    assert!(began.elapsed().as_secs() < 10);
}

#[test]
fn a_file_that_may_not_be_read_is_refused() {
    let folder = folder();
    let file = settings(&folder, "[server]\nworkers = 1");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o000)).unwrap();
    let mut command = letshang(["check-config"]);
    command.arg(&file);
    run(as_nobody(&folder, command)).refused(78, &["cannot read", "letshang.toml", "Permission denied"]);
}

#[test]
fn a_password_is_taken_from_a_private_file_and_from_the_environment_only() {
    let folder = folder();
    let url = format!("redis://:{SECRET}@127.0.0.1:1/0");
    let file = settings(&folder, format!("[redis]\nurl = \"{url}\""));
    let check = || {
        let mut command = letshang(["check-config"]);
        command.arg(&file);
        run(command)
    };
    assert_eq!(check().code, Some(0));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    check().refused(78, &["letshang.toml", "Redis password", "chmod 600"]);

    let mut printed = letshang(["print-config"]);
    printed.env("LETSHANG__REDIS__URL", &url);
    let printed = run(printed);
    assert_eq!(printed.code, Some(0));
    assert!(printed.said.contains("redis://***@127.0.0.1:1/0") && !printed.said.contains(SECRET), "{printed:?}");

    let flag = serving(&folder.path().join("data"), &["--redis", &url]);
    run(flag).refused(78, &["command line", "LETSHANG__REDIS__URL"]);
}

#[test]
fn a_password_is_in_no_complaint_and_in_no_log() {
    let folder = folder();
    for wrong in [
        format!("[redis]\nurl = \"redis://:{SECRET}@127.0.0.1:1/0"),
        format!("[redis]\nurl = [\"redis://:{SECRET}@127.0.0.1:1/0\"]"),
        format!("[redis]\nurl = \"redis://:{SECRET}@127.0.0.1:notaport/0\""),
        format!("[redis]\nurl = \"http://:{SECRET}@127.0.0.1/0\""),
        format!("[redis]\nurl = \"redis://:{SECRET}@127.0.0.1:1/0\"\nprefix = \"\\u0000\""),
    ] {
        let mut command = letshang(["check-config"]);
        command.arg(settings(&folder, &wrong));
        run(command).refused(78, &[]);
    }

    // A Redis that is not there is complained about.
    let mut command = serving(&folder.path().join("data"), &[]);
    command.env("LETSHANG__REDIS__URL", format!("redis://:{SECRET}@127.0.0.1:1/0"));
    command.env("LETSHANG__LOG__FILTER", "debug").env("LETSHANG__HOURS__FLUSH", "100ms");
    let node = crate::program::start(command);
    let ready = || crate::http::call(node.address, "GET", "/ready").send().text();
    let began = std::time::Instant::now();
    while !ready().contains("\"message\"") {
        assert!(began.elapsed().as_secs() < 20, "the failure is not told: {}", ready());
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    for path in ["/ready", "/metrics", "/health"] {
        let reply = crate::http::call(node.address, "GET", path).send();
        assert!(!reply.text().contains(SECRET), "{path}");
    }
    assert!(!node.log().contains(SECRET));
    assert_eq!(node.stop(), Some(0));
}
