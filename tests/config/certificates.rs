//! When plain HTTP and certificates are refused, and what is warned about.
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use jiff::ToSpan;

use crate::authority::{Authority, Day, LONG_AGO};
use crate::http::call;
use crate::program::{Outcome, folder, letshang, run, serving, settings, start};

fn in_days(days: i64) -> Day {
    let date = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date() + days.days();
    (i32::from(date.year()), date.month().unsigned_abs(), date.day().unsigned_abs())
}

/// A file that names certificate and key.
fn with_files(folder: &tempfile::TempDir, certificate: &Path, key: &Path) -> std::path::PathBuf {
    settings(folder, format!("[server]\ntls_certificate = {certificate:?}\ntls_key = {key:?}"))
}

fn serve_with(folder: &tempfile::TempDir, file: &Path) -> Outcome {
    let mut command = serving(&folder.path().join("data"), &["--config"]);
    command.arg(file);
    run(command)
}

#[test]
fn plain_http_beyond_loopback_needs_to_be_asked_for() {
    let folder = folder();
    let data = folder.path().join("data");
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let outcome = run(serving(&data, &["--listen", listen]));
        outcome.refused(78, &["server.listen", "loopback", "TLS", "proxy", "--insecure-http"]);
    }
    // Trusting a proxy does not make the way from it private.
    let file = settings(&folder, "[server]\ntrusted_proxies = [\"10.0.0.0/8\"]\nlisten = \"0.0.0.0:0\"");
    let mut check = letshang(["check-config"]);
    check.arg(file);
    run(check).refused(78, &["--insecure-http"]);

    let mut node = start(serving(&data, &["--listen", "0.0.0.0:0", "--insecure-http"]));
    node.logs("plain HTTP on an address that is not loopback", 1);
    let (link, line) = (format!(" http://localhost:{}/join#", node.address.port()), node.next_line());
    assert!(line.contains(&link), "a link that a browser opens: {line}");
    assert_eq!(call(([127, 0, 0, 1], node.address.port()).into(), "GET", "/health").send().status, 200);
}

#[test]
fn a_certificate_that_is_not_in_order_is_refused_at_the_start() {
    let (folder, authority) = (folder(), Authority::new());
    let (certificate, key) = authority.pair().write(folder.path());
    let expired_folder = crate::program::folder();
    let (expired, expired_key) = authority.pair_of(LONG_AGO, in_days(-1)).write(expired_folder.path());
    let early_folder = crate::program::folder();
    let (early, early_key) = authority.pair_of(in_days(2), in_days(90)).write(early_folder.path());
    let missing = folder.path().join("missing.pem");
    let none = Path::new("");
    for (certificate, key, words) in [
        (&*certificate, none, &["server.tls_key", "is missing"][..]),
        (none, &*key, &["server.tls_certificate", "is missing"]),
        (&*expired, &*expired_key, &["certificate.pem", "expired on", "renew"]),
        (&*early, &*early_key, &["certificate.pem", "valid only from"]),
        (&*certificate, &*expired_key, &["key.pem", "is not the private key of the certificate in"]),
        (&*missing, &*key, &["cannot read", "missing.pem", "No such file"]),
        (&*certificate, &*missing, &["cannot read", "missing.pem", "No such file"]),
        (&*key, &*certificate, &["key.pem", "holds no certificate"]),
        (folder.path(), &*key, &["cannot read", "directory"]),
    ] {
        let file = with_files(&folder, certificate, key);
        serve_with(&folder, &file).refused(78, words);
        let mut check = letshang(["check-config"]);
        check.arg(&file);
        run(check).refused(78, words);
    }
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    serve_with(&folder, &with_files(&folder, &certificate, &key)).refused(78, &["key.pem", "everybody can read"]);
    assert!(!folder.path().join("data").exists(), "a refused start leaves nothing");
}

#[test]
fn a_certificate_in_its_last_fourteen_days_is_warned_about_and_served() {
    let (folder, authority) = (folder(), Authority::new());
    for (days, warned) in [(10, true), (20, false)] {
        let (certificate, key) = authority.pair_of(LONG_AGO, in_days(days)).write(folder.path());
        let mut command = serving(&folder.path().join("data"), &["--config"]);
        command.arg(with_files(&folder, &certificate, &key));
        let node = start(command);
        assert!(node.url.starts_with("https://"), "{}", node.url);
        let metrics = authority.send(node.address, &call(node.address, "GET", "/metrics")).text();
        let left = metrics.lines().find_map(|line| line.strip_prefix("letshang_tls_certificate_expires "));
        let left: f64 = left.unwrap().parse().unwrap();
        assert!((left / 86_400.0 - days as f64).abs() <= 1.0, "{left}");
        node.logs("ready", 1);
        assert_eq!(node.log().contains("expires soon"), warned, "{}", node.log());
        assert_eq!(node.stop(), Some(0));
    }
}
