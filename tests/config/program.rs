//! The compiled program, run with any arguments, environment and rights.
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_letshang");
const PATIENCE: Duration = Duration::from_secs(20);
/// Whom nothing belongs to.
const NOBODY: u32 = 65_534;

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub said: String,
    pub complained: String,
}

impl Outcome {
    /// Ended with this code, after a single line on standard error that has all these words and no secret.
    #[track_caller]
    pub fn refused(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(self.said.is_empty(), "{self:?}");
        assert_eq!(self.complained.trim_end().lines().count(), 1, "{self:?}");
        assert!(self.complained.starts_with("letshang: "), "{self:?}");
        for word in words {
            assert!(self.complained.contains(word), "no {word:?} in {}", self.complained);
        }
        assert!(!self.complained.contains(SECRET), "{self:?}");
    }
}

/// The password in every test that has one.
pub const SECRET: &str = "hunter2canary";

/// The program with these arguments, in an empty environment.
pub fn letshang<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).env_clear();
    command
}

/// Runs it to its end.
#[track_caller]
pub fn run(mut command: Command) -> Outcome {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let readers = (std::thread::spawn(|| text(out)), std::thread::spawn(|| text(err)));
    let code = ended(&mut child);
    Outcome { code, said: readers.0.join().unwrap(), complained: readers.1.join().unwrap() }
}

fn text(mut from: impl Read) -> String {
    let mut bytes = Vec::new();
    let _ = from.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[track_caller]
fn ended(child: &mut Child) -> Option<i32> {
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if begin.elapsed() > PATIENCE {
            let _ = child.kill();
            panic!("the program does not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A folder for one test.
pub fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// A settings file in a folder, for its owner alone.
pub fn settings(folder: &TempDir, text: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join("letshang.toml");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// `serve` on a free loopback port and a folder of its own, with these arguments besides.
pub fn serving(data: &Path, more: &[&str]) -> Command {
    let mut command = letshang(["serve", "--data"]);
    command.arg(data);
    if !more.contains(&"--listen") {
        command.args(["--listen", "127.0.0.1:0"]);
    }
    command.args(more);
    command
}

/// The program as somebody without rights: file modes mean nothing to root. The program is copied to where nobody can
/// reach it; the copy lives as long as the folder.
pub fn as_nobody(folder: &TempDir, mut command: Command) -> Command {
    if !rustix::process::getuid().is_root() {
        return command;
    }
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let copy = folder.path().join("letshang");
    if !copy.exists() {
        std::fs::copy(PROGRAM, &copy).unwrap();
    }
    let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
    command = Command::new(copy);
    command.args(arguments).env_clear().uid(NOBODY).gid(NOBODY);
    command
}

/// A running `letshang serve`. Killed when dropped.
pub struct Running {
    pub address: SocketAddr,
    pub url: String,
    child: Child,
    log: Arc<Mutex<String>>,
    /// Held so that the program is not told that its reader has gone.
    out: Option<BufReader<ChildStdout>>,
}

/// Starts it and waits until it listens.
#[track_caller]
pub fn start(command: Command) -> Running {
    let (running, err) = start_unheard(command);
    let log = running.log.clone();
    std::thread::spawn(move || {
        let mut lines = BufReader::new(err).lines();
        while let Some(Ok(line)) = lines.next() {
            log.lock().unwrap().push_str(&(line + "\n"));
        }
    });
    running
}

/// The same; nobody reads its log yet.
#[track_caller]
pub fn start_unheard(mut command: Command) -> (Running, ChildStderr) {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut err = child.stderr.take().unwrap();
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let Some(url) = line.trim_end().strip_prefix("listening on ") else {
        let _ = child.kill();
        let mut log = String::new();
        let _ = err.read_to_string(&mut log);
        panic!("the program does not listen: {line:?} {log}");
    };
    let address = url.split("://").nth(1).unwrap().parse().unwrap();
    let log = Arc::new(Mutex::new(String::new()));
    (Running { address, url: url.to_owned(), child, log, out: Some(out) }, err)
}

impl Running {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn process(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(self.process(), signal).unwrap();
    }

    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until the log holds this so often.
    #[track_caller]
    pub fn logs(&self, words: &str, times: usize) {
        let begin = Instant::now();
        while self.log().matches(words).count() < times {
            assert!(begin.elapsed() < PATIENCE, "{words:?} is not logged {times} times: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What it prints next.
    #[track_caller]
    pub fn next_line(&mut self) -> String {
        let mut line = String::new();
        self.out.as_mut().unwrap().read_line(&mut line).unwrap();
        line
    }

    /// From now on nobody reads what it prints.
    pub fn ignore(&mut self) {
        drop(self.out.take());
    }

    /// Ends it in an orderly way.
    #[track_caller]
    pub fn stop(mut self) -> Option<i32> {
        self.signal(Signal::TERM);
        ended(&mut self.child)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
