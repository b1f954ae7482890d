//! The command line's grammar, and readers that go away.
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::http::call;
use crate::program::{folder, letshang, run, serving, settings, start_unheard};

#[test]
fn a_command_line_that_is_not_understood_ends_with_64() {
    for arguments in [
        &["--colour"][..],
        &["serve", "--colour"],
        &["serve", "--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0"],
        &["serve", "--listen"],
        &["serve", "surplus"],
        &["--"],
        &["--", "serve", "--", "surplus"],
        &["dance"],
        &["token"],
        &[],
    ] {
        let outcome = run(letshang(arguments));
        assert_eq!(outcome.code, Some(64), "{arguments:?}: {outcome:?}");
        assert!(outcome.said.is_empty() && outcome.complained.contains("--help"), "{arguments:?}: {outcome:?}");
    }
}

#[test]
fn help_and_version_are_printed_whatever_is_wrong_with_the_settings() {
    let folder = folder();
    let broken = settings(&folder, "[server\n");
    for arguments in [&["--help"][..], &["help"], &["help", "serve"], &["serve", "--help"], &["--version"]] {
        let mut command = letshang(arguments);
        command.env("LETSHANG__NO__SUCH", "setting");
        let outcome = run(command);
        assert_eq!((outcome.code, outcome.complained.as_str()), (Some(0), ""), "{arguments:?}");
        assert!(outcome.said.contains("letshang"), "{arguments:?}: {outcome:?}");
    }
    let mut command = letshang(["serve", "--config"]);
    command.arg(broken).arg("--help");
    assert_eq!(run(command).code, Some(0));
}

#[test]
fn no_flag_takes_a_secret() {
    for command in [&["--help"][..], &["serve", "--help"], &["replay", "--help"], &["token", "--help"]] {
        let help = run(letshang(command)).said.to_lowercase();
        for word in ["--token", "--password", "--secret", "--tls-key"] {
            assert!(!help.contains(word), "{command:?} offers {word}");
        }
    }
}

#[test]
fn a_reader_that_has_gone_away_is_no_error() {
    for arguments in [&["print-config"][..], &["--help"], &["--version"], &["dance"]] {
        let mut command = letshang(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Both are closed before anything can be written.
        drop((child.stdout.take(), child.stderr.take()));
        let code = child.wait().unwrap().code();
        assert_eq!(code, Some(if arguments == ["dance"] { 64 } else { 0 }), "{arguments:?}");
    }
}

#[test]
fn a_node_whose_output_nobody_reads_serves_on() {
    let folder = folder();
    let (mut node, log) = start_unheard(serving(&folder.path().join("data"), &[]));
    drop(log);
    node.ignore();
    for _ in 0..3 {
        // Each is logged.
        node.signal(Signal::HUP);
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(node.is_alive());
    assert_eq!(call(node.address, "GET", "/health").send().status, 200);
    let began = Instant::now();
    assert_eq!(node.stop(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(6));
}
