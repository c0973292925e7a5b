//! The definitions that are checked in are those the types give.

use std::{fs, path::Path};

#[test]
fn checked_in_definitions_are_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for directory in millrace_crds::DIRECTORIES {
        let directory = root.join(directory);
        let files = millrace_crds::files().expect("the definitions serialise");
        for (name, text) in &files {
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
}
