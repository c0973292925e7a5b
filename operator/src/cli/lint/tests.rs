#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{fs, path::Path};

use expect_test::expect_file;

use super::{
    super::{Output, manifests::Manifests},
    finding::Findings,
    settings::Settings,
};

fn lint(file: &str, text: &str, settings: &Settings) -> String {
    let mut manifests = Manifests::default();
    manifests.add(file, text).unwrap();
    let findings = Findings::of(&manifests, settings).unwrap();
    findings.report(Output::Text).unwrap().text
}

/// The manifests of `testdata/lint`, each with what is found in it beside it.
#[test]
fn every_manifest_has_its_findings() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/lint");
    let settings = Settings::parse("lint", "").unwrap();
    let mut seen = 0;
    for entry in fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let found = lint(&name, &fs::read_to_string(&path).unwrap(), &settings);
        expect_file![path.with_extension("txt")].assert_eq(&found);
        seen += 1;
    }
    assert!(seen >= 5, "only {seen} manifests");
}

/// Malformed resources that only the cluster can tell: they compare with what is stored, or with what is granted.
const NEEDS_THE_CLUSTER: [&str; 4] = ["-changed", "-taken-out", "-not-granted", "-adopt-"];

#[test]
fn what_the_api_server_refuses_is_found_without_it() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crds/testdata/malformed");
    let settings = Settings::parse("lint", "").unwrap();
    let mut missed = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if NEEDS_THE_CLUSTER.iter().any(|part| name.contains(part)) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let expected = text
            .lines()
            .filter_map(|line| line.strip_prefix("# expect: "));
        let found = lint(&name, &text, &settings);
        let errors: Vec<&str> = found
            .lines()
            .filter(|line| line.contains(": definition: "))
            .collect();
        for words in expected {
            if !errors.iter().any(|error| error.contains(words.trim())) {
                missed.push(format!("{words}\n    {found}"));
            }
        }
    }
    assert!(
        missed.is_empty(),
        "{} missed:\n{}",
        missed.len(),
        missed.join("\n")
    );
}

#[test]
fn the_example_has_no_errors() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples/flights");
    let settings = Settings::parse("lint", "").unwrap();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            let found = lint("example", &fs::read_to_string(&path).unwrap(), &settings);
            assert!(found.contains(" 0 errors,"), "{}: {found}", path.display());
        }
    }
}
