//! The floors of ARCHITECTURE.md, enforced: who may import whom, who may know which library, how long a file may get.
#![expect(clippy::unwrap_used, reason = "a test that cannot read the sources must fail")]
use std::fs;
use std::path::{Path, PathBuf};

/// Modules by floor; each may import those of its own floor and below.
const FLOORS: &[(&str, u8)] = &[
    ("domain", 0),
    ("config", 0),
    ("spatial", 1),
    ("activity", 1),
    ("protocol", 1),
    ("store", 2),
    ("feeds", 2),
    ("actors", 3),
    ("http", 4),
    ("app", 5),
    ("telemetry", 5),
    ("cli", 6),
    ("main", 6),
];

/// Libraries that only some modules may know.
const LIBRARIES: &[(&str, &[&str])] = &[
    ("actix", &["actors", "http", "app"]),
    ("actix_web", &["http", "app"]),
    ("actix_http", &["http"]),
    ("actix_web_actors", &["http"]),
    ("actix_tls", &["http"]),
    ("rustls", &["http", "feeds"]),
    ("actix_rt", &["actors", "http", "app"]),
    ("tokio", &["actors", "http", "app", "store"]),
    ("redis", &["store"]),
    ("fjall", &["store"]),
    ("rstar", &["spatial"]),
    ("serde", &["protocol", "config"]),
    ("serde_json", &["protocol", "cli"]),
    ("quick_xml", &["protocol"]),
    ("letshang_web", &["http"]),
    ("clap", &["cli"]),
    ("ureq", &["cli", "feeds"]),
    ("toml", &["config"]),
    ("strsim", &["config"]),
    ("ipnet", &["config"]),
    ("calcard", &["activity"]),
    ("url", &["protocol"]),
    ("webpki_root_certs", &["feeds"]),
];

/// Files whose length is a sign to split; tests inside them are not counted.
const LONGEST: usize = 500;

struct Source {
    path: PathBuf,
    module: String,
    /// Without the tests inside, comments and texts that only look like paths.
    code: String,
}

fn sources(root: &str) -> Vec<Source> {
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join(root);
    let mut found = Vec::new();
    let mut folders = vec![base.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let inside = path.strip_prefix(&base).unwrap();
                let first = inside.components().next().unwrap().as_os_str().to_string_lossy();
                let module = first.trim_end_matches(".rs").to_owned();
                let text = fs::read_to_string(&path).unwrap();
                let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
                let is_code = |line: &&str| !line.trim_start().starts_with("//");
                let code = text.lines().filter(is_code).collect::<Vec<_>>().join("\n");
                found.push(Source { path, module, code });
            }
        }
    }
    assert!(!found.is_empty(), "nothing found in {root}");
    found
}

/// Every name that follows `prefix` in `code` as the first part of a path.
fn names_after<'a>(code: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> + 'a {
    code.match_indices(prefix).filter_map(move |(at, _)| {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
            return None;
        }
        let rest = &code[at + prefix.len()..];
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        Some(&rest[..end]).filter(|name| !name.is_empty())
    })
}

fn floor(module: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

#[test]
fn every_module_stands_on_a_floor_and_imports_only_downwards() {
    let mut wrong = Vec::new();
    for source in sources("src").iter().filter(|source| source.module != "lib") {
        let own = floor(&source.module).unwrap_or_else(|| panic!("{} has no floor", source.path.display()));
        for name in names_after(&source.code, "crate::") {
            if floor(name).is_some_and(|other| other > own) {
                wrong.push(format!("{} (floor {own}) imports {name}", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn libraries_are_known_only_where_they_belong() {
    let mut wrong = Vec::new();
    for source in sources("src") {
        for (library, allowed) in LIBRARIES {
            let path = format!("{library}::");
            let uses = names_after(&source.code, &path).next().is_some()
                || source.code.contains(&format!("use {library}::{{"))
                || source.code.contains(&format!("use {library};"));
            if uses && !allowed.contains(&source.module.as_str()) {
                wrong.push(format!("{} uses {library}", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_load_generator_knows_only_the_protocol_and_the_domain() {
    let mut wrong = Vec::new();
    for source in sources("load-test/src") {
        for name in names_after(&source.code, "letshang::") {
            if name != "protocol" && name != "domain" {
                wrong.push(format!("{} imports letshang::{name}", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_file_outgrows_its_subject() {
    let long = |source: &Source| source.code.lines().count() > LONGEST;
    let too_long: Vec<_> =
        sources("src").into_iter().chain(sources("load-test/src")).filter(long).map(|source| source.path).collect();
    assert!(too_long.is_empty(), "split by subject: {too_long:#?}");
}

#[test]
fn nothing_waits_in_a_queue_without_a_bound() {
    let mut wrong = Vec::new();
    for source in sources("src") {
        for banned in ["unbounded_channel", "unbounded(", ".do_send("] {
            if source.code.contains(banned) {
                wrong.push(format!("{} has {banned}", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
