//! The data folder and the address, as they are found at the start.
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::http::call;
use crate::program::{PROGRAM, as_nobody, folder, letshang, run, serving, start};

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_missing_data_folder_is_made_for_its_owner_alone_whatever_the_umask() {
    let folder = folder();
    let data = folder.path().join("deep/data");
    let mut command = Command::new("sh");
    command.args(["-c", "umask 000; exec \"$0\" serve --listen 127.0.0.1:0 --data \"$1\"", PROGRAM]).arg(&data);
    let node = start(command);
    assert_eq!(mode(&data), 0o700);
    let mut files = 0;
    let mut folders = vec![data];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            assert_eq!(mode(&entry.path()) & 0o077, 0, "{}", entry.path().display());
            files += 1;
            if entry.path().is_dir() {
                folders.push(entry.path());
            }
        }
    }
    assert!(files >= 4, "{files}");
    assert_eq!(node.stop(), Some(0));
}

#[test]
fn a_data_folder_that_cannot_be_used_is_refused() {
    let folder = folder();
    let file = folder.path().join("a-file");
    std::fs::write(&file, "").unwrap();
    run(serving(&file, &[])).refused(1, &["a-file", "cannot use"]);
    run(serving(&file.join("data"), &[])).refused(1, &["a-file", "cannot use"]);

    let closed = folder.path().join("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o555)).unwrap();
    let outcome = run(as_nobody(&folder, serving(&closed.join("data"), &[])));
    outcome.refused(1, &["closed", "Permission denied"]);
    run(as_nobody(&folder, serving(&closed, &[]))).refused(1, &["closed", "Permission denied"]);
}

#[test]
fn a_data_folder_of_another_process_is_refused_naming_it() {
    let folder = folder();
    let data = folder.path().join("data");
    let first = start(serving(&data, &[]));
    run(serving(&data, &[])).refused(1, &["in use by process", &first.pid().to_string(), "data"]);
    assert_eq!(call(first.address, "GET", "/health").send().status, 200);
}

#[test]
fn a_data_folder_of_a_newer_version_is_refused_and_left_alone() {
    let folder = folder();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("format"), "letshang store 99\n").unwrap();
    run(serving(&data, &[])).refused(1, &["newer version of LetsHang", "99"]);
    assert_eq!(std::fs::read_to_string(data.join("format")).unwrap(), "letshang store 99\n");
}

#[test]
fn an_address_that_cannot_be_had_is_told_with_the_reason() {
    let folder = folder();
    let data = folder.path().join("data");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let outcome = run(serving(&data, &["--listen", &address]));
    outcome.refused(71, &["cannot listen on", &address, "another program uses this port", "--listen"]);
    // An address of nobody (RFC 5737).
    let outcome = run(serving(&data, &["--listen", "192.0.2.1:8080", "--insecure-http"]));
    outcome.refused(71, &["cannot listen on 192.0.2.1:8080", "does not have this address"]);
    assert!(!data.exists(), "a refused start leaves nothing");
}

#[test]
fn a_port_for_the_privileged_is_told_as_such() {
    let lowest = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap_or_default();
    if lowest.trim() == "0" {
        println!("skipped: this system lets everybody have every port");
        return;
    }
    let folder = folder();
    let outcome = run(as_nobody(&folder, serving(&folder.path().join("data"), &["--listen", "127.0.0.1:79"])));
    outcome.refused(71, &["cannot listen on 127.0.0.1:79", "below 1024"]);
}

#[test]
fn both_versions_of_ip_are_served_where_there_are_both() {
    let folder = folder();
    if TcpListener::bind("[::1]:0").is_err() {
        let outcome = run(serving(&folder.path().join("data"), &["--listen", "[::1]:0"]));
        outcome.refused(71, &["cannot listen on [::1]:0"]);
        return;
    }
    let node = start(serving(&folder.path().join("data"), &["--listen", "[::]:0", "--insecure-http"]));
    for address in [format!("[::1]:{}", node.address.port()), format!("127.0.0.1:{}", node.address.port())] {
        let address: std::net::SocketAddr = address.parse().unwrap();
        if TcpStream::connect(address).is_ok() {
            assert_eq!(call(address, "GET", "/health").send().status, 200);
        } else {
            assert!(address.is_ipv4(), "a system may keep the two apart, but {address} was asked for");
        }
    }
}

#[test]
fn commands_find_the_running_node_by_its_folder() {
    let folder = folder();
    let data = folder.path().join("data");
    let node = start(serving(&data, &[]));
    let mut command = letshang(["user", "add", "ann", "--data"]);
    command.arg(&data);
    let outcome = run(command);
    assert_eq!((outcome.code, outcome.said.trim()), (Some(0), "ann"), "{outcome:?}");
    assert_eq!(node.stop(), Some(0));
}
