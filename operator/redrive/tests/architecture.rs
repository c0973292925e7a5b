//! The invariants of this crate that can be read off its source.

#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// What only the engine may name: a client, a clock, a thread, a log.
const IMPURE: [&str; 8] = [
    "rdkafka",
    "Instant",
    "SystemTime",
    "thread",
    "Mutex",
    "env",
    "println",
    "engine",
];

/// All files of the crate outside of the engine, tests and the list of modules left out.
fn decisions() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    let mut directories = vec![root.clone()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("engine") {
                directories.push(path);
            } else if path.is_file() && !path.ends_with("lib.rs") {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod ").next().unwrap().to_owned();
                files.push((path.strip_prefix(&root).unwrap().to_owned(), code));
            }
        }
    }
    files
}

#[test]
fn decisions_know_no_client_no_clock_and_no_log() {
    let files = decisions();
    assert!(files.len() > 15, "the source was not found");
    for (path, code) in files {
        for word in IMPURE {
            let named = code
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_'))
                .any(|found| found == word);
            assert!(!named, "{} names {word}", path.display());
        }
    }
}
