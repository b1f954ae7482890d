//! Every input that fuzzing ever found and those that it starts from, through the functions that it searches
//! (`fuzz/src`), with a stable compiler.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "what does not hold must fail")]
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(path)
}

/// The files of a folder that may be absent, by name.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn replay(kind: &str) -> usize {
    let mut broken = Vec::new();
    let mut replayed = 0;
    for (name, hold) in fuzz::TARGETS {
        for file in files(&folder(kind).join(name)) {
            let input = fs::read(&file).unwrap();
            replayed += 1;
            if catch_unwind(|| hold(&input)).is_err() {
                broken.push(file);
            }
        }
    }
    assert!(broken.is_empty(), "something does not hold for {broken:#?}");
    replayed
}

#[test]
fn what_was_found_once_is_not_found_again() {
    replay("findings");
}

#[test]
fn what_must_hold_holds_for_every_seed() {
    assert!(replay("seeds") > 100);
}

#[test]
fn every_target_is_built_searched_from_seeds_and_replayed() {
    let names: Vec<&str> = fuzz::TARGETS.iter().map(|(name, _)| *name).collect();
    let stem = |path: &PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
    assert_eq!(files(&folder("fuzz_targets")).iter().map(stem).collect::<Vec<_>>(), names);
    let manifest = fs::read_to_string(folder("Cargo.toml")).unwrap();
    for name in &names {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name} is not built");
        assert!(files(&folder("seeds").join(name)).len() >= 5, "{name} has no seeds");
    }
    let known = |path: &PathBuf| names.contains(&stem(path).as_str());
    for kind in ["seeds", "findings", "dictionaries"] {
        let unknown: Vec<_> = files(&folder(kind)).into_iter().filter(|path| !known(path)).collect();
        assert!(unknown.is_empty(), "nothing replays {unknown:?}");
    }
}
