//! `kubectl millrace lint` as CI runs it: arguments, standard streams, exit codes.

#![allow(clippy::unwrap_used)]

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

struct Ended {
    code: i32,
    out: String,
    err: String,
}

fn lint(arguments: &[&str], stdin: &str) -> Ended {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kubectl-millrace"))
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata"))
        .arg("lint")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(stdin.as_bytes())
        .unwrap();
    let done = child.wait_with_output().unwrap();
    Ended {
        code: done.status.code().unwrap(),
        out: String::from_utf8(done.stdout).unwrap(),
        err: String::from_utf8(done.stderr).unwrap(),
    }
}

#[test]
fn without_errors_it_ends_with_0() {
    let ended = lint(&["-f", "lint/good.yaml"], "");
    assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{}", ended.out);
    assert_eq!(
        ended.out,
        "3 resources, 0 errors, 0 warnings; 1 other document passed over\n"
    );
}

#[test]
fn warnings_alone_end_with_0() {
    let topic = "apiVersion: millrace.dev/v1alpha1\nkind: Topic\nmetadata: {name: a}\nspec: {clusterRef: {name: e}, partitions: 1}\n";
    let ended = lint(&["-f", "-"], topic);
    assert_eq!(ended.code, 0, "{}", ended.out);
    assert!(
        ended
            .out
            .starts_with("-:1: warning Topic a: topic-schema: "),
        "{}",
        ended.out
    );
    assert!(
        ended.out.contains("1 resource, 0 errors, 4 warnings"),
        "{}",
        ended.out
    );
}

#[test]
fn errors_end_with_2_and_json_says_the_same() {
    let text = lint(&["-f", "lint"], "");
    let json = lint(&["-f", "lint", "-o", "json"], "");
    assert_eq!((text.code, json.code), (2, 2));
    let document: Value = serde_json::from_str(&json.out).unwrap();
    let findings = document["findings"].as_array().unwrap();
    assert_eq!(findings.len(), text.out.lines().count() - 1);
    let first = format!(
        "{}:{}: ",
        findings[0]["file"].as_str().unwrap(),
        findings[0]["line"]
    );
    assert!(
        text.out.starts_with(&first),
        "{first} is not where it begins: {}",
        text.out
    );
}

#[test]
fn a_configuration_changes_the_verdict() {
    let strict = lint(
        &["-f", "lint/good.yaml", "-c", "lint-config/strict.yaml"],
        "",
    );
    assert_eq!(strict.code, 2, "{}", strict.out);
    assert!(
        strict
            .out
            .contains("error Topic shop/orders: topic-partitions: `partitions: 12` is more than 6"),
        "{}",
        strict.out
    );
}

#[test]
fn what_cannot_be_run_ends_with_1_and_says_why() {
    let cases = [
        (vec!["-f", "nowhere"], "", "nowhere"),
        (vec!["-f", "-"], "a: [", "is not YAML"),
        (
            vec![
                "-f",
                "lint/good.yaml",
                "-c",
                "lint-config/unknown-rule.yaml",
            ],
            "",
            "unknown rule `topic-ownr`, did you mean `topic-owner`?",
        ),
        (
            vec!["-f", "lint/good.yaml", "-c", "lint-config/missing.yaml"],
            "",
            "lint-config/missing.yaml",
        ),
    ];
    let misused = lint(&[], "");
    assert_eq!(
        misused.code, 1,
        "arguments that mean nothing: {}",
        misused.err
    );
    for (arguments, stdin, words) in cases {
        let ended = lint(&arguments, stdin);
        assert_eq!((ended.code, ended.out.as_str()), (1, ""), "{arguments:?}");
        assert!(
            ended.err.starts_with("error: ") && ended.err.contains(words),
            "{}",
            ended.err
        );
    }
}
