//! The definitions and the API reference that are checked in are those the types give.

#![allow(clippy::expect_used)]

use std::{fs, path::Path};

#[test]
fn checked_in_definitions_are_up_to_date() {
    let files = millrace_crds::files().expect("the definitions serialise");
    for directory in millrace_crds::DIRECTORIES {
        holds(directory, &files);
    }
}

#[test]
fn checked_in_reference_is_up_to_date() {
    holds(
        millrace_crds::reference::DIRECTORY,
        &millrace_crds::reference::pages(),
    );
}

/// The directory, named from the root of the repository, holds these files, as they are, and no other.
fn holds(directory: &str, files: &[(String, String)]) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(directory);
    for (name, text) in files {
        let path = directory.join(name);
        let found = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == *text,
            "{} is out of date: run `make generate`",
            path.display()
        );
    }
    let count = fs::read_dir(&directory)
        .expect("the directory is there")
        .count();
    assert_eq!(
        count,
        files.len(),
        "{} holds files of kinds that are no more",
        directory.display()
    );
}
