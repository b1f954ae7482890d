//! SIGHUP: the certificate is read again, all or nothing; nothing else changes.
use std::time::Duration;

use rustix::process::{Resource, Rlimit, Signal, getrlimit, prlimit};

use crate::authority::{Authority, shown};
use crate::http::call;
use crate::program::{Running, folder, serving, settings, start};

const READ_AGAIN: &str = "certificate was read again";
const KEPT: &str = "could not be read again: the one before stays";

fn secure(folder: &tempfile::TempDir, authority: &Authority) -> Running {
    let (certificate, key) = authority.pair().write(folder.path());
    let file = settings(folder, format!("[server]\ntls_certificate = {certificate:?}\ntls_key = {key:?}"));
    let mut command = serving(&folder.path().join("data"), &["--config"]);
    command.arg(file);
    start(command)
}

#[test]
fn sighup_shows_the_new_certificate_and_a_broken_one_changes_nothing() {
    let (folder, authority) = (folder(), Authority::new());
    let node = secure(&folder, &authority);
    let second = authority.pair();
    second.write(folder.path());
    node.signal(Signal::HUP);
    node.logs(READ_AGAIN, 1);
    assert_eq!(shown(&authority.connect(node.address).unwrap()), second.der);

    std::fs::write(folder.path().join("key.pem"), authority.pair().key).unwrap();
    node.signal(Signal::HUP);
    node.logs(KEPT, 1);
    node.logs("is not the private key of", 1);
    assert_eq!(shown(&authority.connect(node.address).unwrap()), second.der);
    let metrics = authority.send(node.address, &call(node.address, "GET", "/metrics")).text();
    assert!(metrics.contains("letshang_tls_reload_failures_total 1"), "{metrics}");
    assert_eq!(node.stop(), Some(0));
}

#[test]
fn sighup_without_a_free_file_descriptor_changes_nothing() {
    let (folder, authority) = (folder(), Authority::new());
    let node = secure(&folder, &authority);
    let first = shown(&authority.connect(node.address).unwrap());
    let second = authority.pair();
    second.write(folder.path());
    let limit = getrlimit(Resource::Nofile);
    let none = Rlimit { current: Some(3), maximum: limit.maximum };
    prlimit(Some(node.process()), Resource::Nofile, none).unwrap();
    node.signal(Signal::HUP);
    node.logs(KEPT, 1);
    prlimit(Some(node.process()), Resource::Nofile, limit).unwrap();
    assert_eq!(shown(&authority.connect(node.address).unwrap()), first);
    node.signal(Signal::HUP);
    node.logs(READ_AGAIN, 1);
    assert_eq!(shown(&authority.connect(node.address).unwrap()), second.der);
}

#[test]
fn many_sighups_at_once_end_with_the_newest_certificate() {
    let (folder, authority) = (folder(), Authority::new());
    let node = secure(&folder, &authority);
    let second = authority.pair();
    second.write(folder.path());
    for _ in 0..20 {
        node.signal(Signal::HUP);
    }
    // The system merges what comes at once.
    node.logs(READ_AGAIN, 1);
    assert_eq!(shown(&authority.connect(node.address).unwrap()), second.der);
    assert!(!node.log().contains(KEPT), "{}", node.log());
}

#[test]
fn sighup_without_tls_says_that_there_is_nothing_to_read_again() {
    let folder = folder();
    let file = settings(&folder, "[server]\nworkers = 1");
    let mut command = serving(&folder.path().join("data"), &["--config"]);
    command.arg(&file);
    let mut node = start(command);
    node.logs("ready", 1);
    // A broken file does not matter to a node that runs.
    std::fs::write(&file, "[server\n").unwrap();
    node.signal(Signal::HUP);
    node.logs("other settings need a restart", 1);
    std::thread::sleep(Duration::from_millis(50));
    assert!(node.is_alive());
    assert_eq!(call(node.address, "GET", "/health").send().status, 200);
}
