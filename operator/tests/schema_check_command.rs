//! `kubectl millrace schema check --against` as CI runs it: in a git repository, with its exit codes.

#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

struct Ended {
    code: i32,
    out: String,
    err: String,
}

/// A git repository with one commit, in a directory of its own that is made anew.
struct Repository(PathBuf);

impl Repository {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("manifests")).unwrap();
        let repository = Self(path);
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository.write("schema.yaml", &schema("int"));
        repository.commit();
        repository
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.0.join("manifests").join(file), text).unwrap();
    }

    fn commit(&self) {
        self.git(&["add", "--all"]);
        let author = ["-c", "user.name=x", "-c", "user.email=x@example.org"];
        let commit = ["commit", "--quiet", "--message=x", "--no-gpg-sign"];
        self.git(&[&author[..], &commit[..]].concat());
    }

    fn git(&self, arguments: &[&str]) {
        let done = Command::new("git")
            .arg("-C")
            .arg(&self.0)
            .args(arguments)
            .output()
            .unwrap();
        assert!(done.status.success(), "git {arguments:?}: {done:?}");
    }

    fn check(&self, arguments: &[&str]) -> Ended {
        let done = Command::new(env!("CARGO_BIN_EXE_kubectl-millrace"))
            .current_dir(&self.0)
            .args(["schema", "check", "-f", "manifests"])
            .args(arguments)
            .output()
            .unwrap();
        Ended {
            code: done.status.code().unwrap(),
            out: String::from_utf8(done.stdout).unwrap(),
            err: String::from_utf8(done.stderr).unwrap(),
        }
    }
}

/// A Schema whose one field has this type, and a group that reads its topic.
fn schema(kind: &str) -> String {
    format!(
        r#"
apiVersion: millrace.dev/v1alpha1
kind: Schema
metadata: {{ name: orders, namespace: shop }}
spec:
  clusterRef: {{ name: events }}
  topicRef: {{ name: orders }}
  schema: |
    {{"type": "record", "name": "Order", "fields": [{{"name": "amount", "type": "{kind}"}}]}}
---
apiVersion: millrace.dev/v1alpha1
kind: ConsumerGroup
metadata: {{ name: billing, namespace: shop }}
spec:
  clusterRef: {{ name: events }}
  serviceAccountName: billing
  topics: [{{ name: orders }}]
"#
    )
}

#[test]
fn what_breaks_ends_with_2_and_names_the_readers() {
    let repository = Repository::new("breaks");
    repository.write("schema.yaml", &schema("string"));
    let ended = repository.check(&["--against", "main"]);
    assert_eq!((ended.code, ended.err.as_str()), (2, ""), "{}", ended.out);
    for words in [
        "Schema shop/orders (manifests/schema.yaml:2): breaks its readers\n",
        "-       \"type\": \"int\"\n",
        "+       \"type\": \"string\"\n",
        "read by ConsumerGroup shop/billing\n",
        "1 schema: 1 break readers",
    ] {
        assert!(ended.out.contains(words), "{words:?}: {}", ended.out);
    }
    let json = repository.check(&["--against", "main", "-o", "json"]);
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["summary"]["breaks"], 1);
}

#[test]
fn what_breaks_nobody_ends_with_0() {
    let repository = Repository::new("compatible");
    let unchanged = repository.check(&["--against", "HEAD"]);
    assert_eq!(unchanged.code, 0, "{}", unchanged.err);
    assert!(unchanged.out.contains("1 unchanged"), "{}", unchanged.out);
    repository.write("schema.yaml", &schema("long"));
    let promoted = repository.check(&["--against", "main"]);
    assert_eq!(promoted.code, 0, "{}{}", promoted.out, promoted.err);
    assert!(promoted.out.contains("1 compatible"), "{}", promoted.out);
    repository.commit();
    let named = repository.check(&["--against", "HEAD~1"]);
    assert!(named.out.contains("1 compatible"), "{}", named.out);
    let stricter = schema("int").replace("schema: |", "compatibility: Full\n  schema: |");
    repository.write("schema.yaml", &stricter);
    let demoted = repository.check(&["--against", "HEAD"]);
    assert_eq!(demoted.code, 2, "{}{}", demoted.out, demoted.err);
}

#[test]
fn a_schema_that_was_not_there_is_new() {
    let repository = Repository::new("new");
    let other = schema("int").replace("name: orders, namespace", "name: other, namespace");
    repository.write("other.yaml", &other);
    let ended = repository.check(&["--against", "main"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(ended.out.contains("1 new, 1 unchanged"), "{}", ended.out);
}

#[test]
fn what_is_not_judged_offline_ends_with_0_unless_strict() {
    let repository = Repository::new("json");
    let json = |text: &str| {
        schema("int").replace(
            "  schema: |",
            &format!("  type: Json\n  schema: '{text}'\n  #"),
        )
    };
    let json = |text: &str| {
        let lines: Vec<String> = json(text)
            .lines()
            .filter(|line| !line.contains("\"record\"") && line.trim() != "#")
            .map(str::to_owned)
            .collect();
        lines.join("\n")
    };
    repository.write("schema.yaml", &json("{}"));
    repository.commit();
    repository.write("schema.yaml", &json("true"));
    let ended = repository.check(&["--against", "main"]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert!(ended.out.contains("not judged offline"), "{}", ended.out);
    let strict = repository.check(&["--against", "main", "--strict"]);
    assert_eq!(strict.code, 1, "{}", strict.out);
}

#[test]
fn a_revision_that_is_not_there_ends_with_1_and_says_so() {
    let repository = Repository::new("revision");
    for (revision, words) in [
        ("nowhere", "is the revision fetched?"),
        ("--output=x", "write a revision of git"),
    ] {
        let ended = repository.check(&[&format!("--against={revision}")]);
        assert_eq!((ended.code, ended.out.as_str()), (1, ""), "{revision}");
        assert!(
            ended.err.starts_with("error: ") && ended.err.contains(words),
            "{}",
            ended.err
        );
    }
}
