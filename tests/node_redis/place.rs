//! A node's folder with its configuration, and the people on it. A node runs there or not: the command line works on both.
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use jiff::civil::Date;
use tempfile::TempDir;

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_letshang");

/// How long a test waits for what must come.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The administrator that every place has.
pub const ROOT: &str = "root";

/// A folder.
pub struct Place {
    folder: TempDir,
    tokens: RefCell<BTreeMap<String, String>>,
}

impl Place {
    /// An empty folder with a configuration: quick, and `settings` (TOML lines of dotted keys) besides.
    pub fn new(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut lines: BTreeMap<&str, &str> = BTreeMap::from([
            ("server.workers", "1"),
            ("store.durability", "\"process\""),
            ("hours.flush", "\"200ms\""),
        ]);
        lines
            .extend(settings.lines().filter_map(|line| line.split_once(" = ")).map(|(key, value)| (key.trim(), value)));
        let text: String = lines.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        std::fs::write(folder.path().join("letshang.toml"), text).unwrap();
        Self { folder, tokens: RefCell::default() }
    }

    /// A place in a time zone.
    pub fn in_zone(zone: &str) -> Self {
        Self::new(&format!("hours.time_zone = \"{zone}\""))
    }

    pub fn config(&self) -> PathBuf {
        self.folder.path().join("letshang.toml")
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// `--config FILE --data DIR`.
    pub fn arguments(&self) -> [OsString; 4] {
        ["--config".into(), self.config().into(), "--data".into(), self.data().into()]
    }

    /// Runs another command of the program on this folder.
    pub fn run(&self, words: &[&str]) -> Output {
        Command::new(PROGRAM).args(words).args(self.arguments()).output().unwrap()
    }

    /// The same, and gives what it printed.
    #[track_caller]
    pub fn run_ok(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Makes the administrator and other people, with their tokens.
    #[track_caller]
    pub fn add(&self, names: &[&str]) {
        let is_first = !self.tokens.borrow().contains_key(ROOT);
        let root = is_first.then_some(ROOT);
        for name in root.iter().chain(names) {
            let flag: &[&str] = if *name == ROOT { &["--admin"] } else { &[] };
            self.run_ok(&[&["user", "add", name][..], flag].concat());
            let token = self.run_ok(&["token", name]);
            self.tokens.borrow_mut().insert((*name).to_owned(), token);
        }
    }

    /// Somebody's token.
    #[track_caller]
    pub fn token(&self, name: &str) -> String {
        self.tokens.borrow().get(name).unwrap_or_else(|| panic!("{name} has no token")).clone()
    }
}

/// Now, in a zone whose hour does not end during a test.
pub struct Now {
    pub zone: &'static str,
    pub date: Date,
    pub hour: u8,
}

impl Now {
    pub fn read() -> Self {
        let now = jiff::Timestamp::now();
        let is_late = now.as_second().rem_euclid(3_600) > 57 * 60;
        let zone = if is_late { "Asia/Kolkata" } else { "UTC" };
        let here = now.in_tz(zone).unwrap();
        Self { zone, date: here.date(), hour: here.hour().cast_unsigned() }
    }
}

/// Waits until something is as it must be.
#[track_caller]
pub fn eventually(mut look: impl FnMut() -> Result<(), String>) {
    let deadline = Instant::now() + PATIENCE;
    while let Err(wrong) = look() {
        assert!(Instant::now() < deadline, "waited in vain: {wrong}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
