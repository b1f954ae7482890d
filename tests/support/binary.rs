//! The compiled program as a process of its own: for signals, kills, exit codes, memory and open files.
#![allow(dead_code, reason = "each test binary uses its part")]
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use letshang::domain::Clock;
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Client, Person};
use crate::http::{Call, call};
use crate::node::{Settings, settings_file};

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_letshang");

/// A folder with a configuration, on which nodes can be started one after the other.
pub struct Place {
    folder: TempDir,
}

/// A running `letshang serve`. Killed when dropped.
pub struct Binary {
    pub address: SocketAddr,
    child: Child,
    log: Arc<Mutex<String>>,
    printed: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

impl Place {
    /// An empty folder with these settings.
    pub fn new(settings: Settings<'_>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("letshang.toml"), settings_file(settings)).unwrap();
        Self { folder }
    }

    /// Where the node keeps its data.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn arguments(&self) -> [std::ffi::OsString; 4] {
        let config = self.folder.path().join("letshang.toml");
        ["--config".into(), config.into(), "--data".into(), self.data().into()]
    }

    /// Runs another command of the program on this folder.
    pub fn run(&self, command: &[&str]) -> Output {
        Command::new(PROGRAM).args(command).args(self.arguments()).output().unwrap()
    }

    /// The same, and gives what it printed.
    #[track_caller]
    pub fn run_ok(&self, command: &[&str]) -> String {
        let output = self.run(command);
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Makes an administrator on the stopped or running node.
    pub fn administrator(&self, id: &str) -> Person {
        self.run_ok(&["user", "add", id, "--admin"]);
        let token = self.run_ok(&["token", id]);
        Person { id: id.to_owned(), token: last_word(&token), no: 0 }
    }

    /// Starts a node and waits until it listens.
    #[track_caller]
    pub fn serve(&self) -> Binary {
        self.serve_after("")
    }

    /// The same with a limit of open files.
    #[track_caller]
    pub fn serve_with_files(&self, most: u64) -> Binary {
        self.serve_after(&format!("ulimit -n {most}; "))
    }

    #[track_caller]
    fn serve_after(&self, before: &str) -> Binary {
        // A write beyond a limit of file size is to be an error, not a signal.
        let script = format!("{before}trap '' XFSZ; exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        command.args(["-c", &script, PROGRAM, "serve", "--listen", "127.0.0.1:0"]);
        command.args(self.arguments());
        Binary::spawn(command)
    }
}

fn last_word(text: &str) -> String {
    text.split_whitespace().last().unwrap_or_default().to_owned()
}

impl Binary {
    #[track_caller]
    fn spawn(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (said, when_said) = mpsc::channel();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let printed = Arc::new(Mutex::new(String::new()));
        let (for_errors, for_lines) = (log.clone(), printed.clone());
        let readers = vec![
            std::thread::spawn(move || {
                let mut lines = BufReader::new(out).lines();
                while let Some(Ok(line)) = lines.next() {
                    for_lines.lock().unwrap().push_str(&format!("{line}\n"));
                    let _ = said.send(line);
                }
            }),
            std::thread::spawn(move || {
                let mut err = err;
                let mut chunk = [0; 4096];
                while let Ok(n @ 1..) = err.read(&mut chunk) {
                    for_errors.lock().unwrap().push_str(&String::from_utf8_lossy(&chunk[..n]));
                }
            }),
        ];
        let line = when_said.recv_timeout(Duration::from_secs(20));
        let address = line.ok().and_then(|line| line.strip_prefix("listening on ")?.split("://").nth(1)?.parse().ok());
        let Some(address) = address else {
            let _ = child.kill();
            panic!("the program does not listen: {:?} {}", child.wait(), log.lock().unwrap());
        };
        Self { address, child, log, printed, readers }
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// What it wrote to standard error so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// What it wrote to standard output so far.
    pub fn printed(&self) -> String {
        self.printed.lock().unwrap().clone()
    }

    /// Whether the process runs.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// kill -9.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        kill_process(self.pid(), Signal::TERM).unwrap();
    }

    /// Waits for the end: the exit code, and how long it took.
    #[track_caller]
    pub fn wait(&mut self) -> (Option<i32>, Duration) {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status.code(), begin.elapsed());
            }
            assert!(begin.elapsed() < Duration::from_secs(20), "the process does not end: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// From now on no file may grow beyond so many bytes: a full disk.
    pub fn limit_files(&self, bytes: Option<u64>) {
        prlimit(Some(self.pid()), Resource::Fsize, Rlimit { current: bytes, maximum: None }).unwrap();
    }

    fn status_kib(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().unwrap_or(0)
    }

    /// Resident memory, KiB.
    pub fn rss_kib(&self) -> u64 {
        self.status_kib("VmRSS")
    }

    /// Open files.
    pub fn open_files(&self) -> usize {
        std::fs::read_dir(Path::new("/proc").join(self.child.id().to_string()).join("fd")).unwrap().count()
    }

    /// A request.
    pub fn call(&self, method: &str, path: &str) -> Call {
        call(self.address, method, path)
    }

    /// Makes people through the administrator's call.
    #[track_caller]
    pub fn people<const N: usize>(&self, root: &Person, ids: [&str; N], friendships: &[(usize, usize)]) -> [Person; N] {
        let users: Vec<Value> = ids.iter().map(|id| json!({"user": id})).collect();
        let body = json!({"users": users, "friendships": friendships});
        let made = self.call("POST", "/v1/admin/users").bearer(&root.token).json(&body).ok();
        let token = |at: usize| made["users"][at]["token"].as_str().unwrap().to_owned();
        std::array::from_fn(|at| Person { id: ids[at].to_owned(), token: token(at), no: 0 })
    }

    /// Connects a person's phone.
    #[track_caller]
    pub fn connect(&self, person: &Person) -> Client {
        Client::connect(self.address, &Clock::System, &person.token)
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the program's log ---\n{}", self.log());
        }
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
    }
}
