//! The invariants of `docs/architecture.md` that can be read off the source. Tests inside the source are left out.

#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Modules that decide: total and pure.
const PURE: [&str; 6] = [
    "plan/",
    "desire/",
    "resolve/",
    "lag/",
    "skew/",
    "conformance/",
];

struct Source {
    /// From `operator/src`, such as `plan/topic.rs`.
    path: String,
    /// Without comments and without tests.
    code: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    let mut tests = Vec::new();
    let mut directories = vec![root.clone()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(&root).unwrap();
            tests.extend(test_modules(path, &text));
            sources.push(Source {
                path: path.to_string_lossy().into_owned(),
                code: without_tests(&text),
            });
        }
    }
    sources.retain(|source| !tests.contains(&source.path));
    assert!(sources.len() > 100, "the source was not found");
    sources
}

/// The files of modules that are compiled for tests alone.
fn test_modules(path: &Path, text: &str) -> Vec<String> {
    let directory = match path.file_name().and_then(|name| name.to_str()) {
        Some("mod.rs" | "lib.rs" | "main.rs") => path.parent().unwrap().to_owned(),
        _ => path.with_extension(""),
    };
    let declared = text.split("#[cfg(test)]\n").skip(1);
    let names = declared.filter_map(|rest| rest.strip_prefix("mod ")?.split_once(';'));
    names
        .filter(|(name, _)| !name.contains(['{', ' ']))
        .map(|(name, _)| {
            directory
                .join(format!("{name}.rs"))
                .to_string_lossy()
                .into_owned()
        })
        .collect()
}

fn without_tests(text: &str) -> String {
    let end = text.find("\n#[cfg(test)]\nmod ").unwrap_or(text.len());
    let lines = text[..end].lines();
    lines
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(|line| format!("{line}\n"))
        .collect()
}

fn pure() -> Vec<Source> {
    let mut sources = sources();
    sources.retain(|source| PURE.iter().any(|part| source.path.starts_with(part)));
    sources
}

/// Whether `code` has `word` as a whole identifier.
fn names(code: &str, word: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        !code[..at].ends_with(part_of_word) && !code[at + word.len()..].starts_with(part_of_word)
    })
}

/// Files that name one of `words` and are not in one of the `homes`.
fn strays(sources: &[Source], words: &[&str], homes: &[&str]) -> Vec<String> {
    let abroad = sources
        .iter()
        .filter(|source| !homes.iter().any(|home| source.path.starts_with(home)));
    abroad
        .flat_map(|source| {
            let found = words.iter().filter(|word| names(&source.code, word));
            found.map(|word| format!("{} names {word}", source.path))
        })
        .collect()
}

fn none(strays: Vec<String>, rule: &str) {
    assert!(strays.is_empty(), "{rule}:\n{}", strays.join("\n"));
}

/// What is taken from the crate `kube`: `Client` and `runtime` of `use kube::{Client, runtime::watcher};`.
fn taken_from_kube(code: &str) -> Vec<&str> {
    let mut taken = Vec::new();
    for (at, prefix) in code.match_indices("kube::") {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        let rest = &code[at + prefix.len()..];
        match rest.strip_prefix('{') {
            None => taken.push(first_word(rest)),
            Some(list) => taken.extend(top_level(list).into_iter().map(first_word)),
        }
    }
    taken
}

/// The items of a list up to its closing brace, lists within it left as they are.
fn top_level(list: &str) -> Vec<&str> {
    let (mut depth, mut start, mut items) = (0, 0, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '}' => {
                items.push(list[start..at].trim());
                break;
            }
            ',' if depth == 0 => {
                items.push(list[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    items.retain(|item| !item.is_empty());
    items
}

fn first_word(path: &str) -> &str {
    path.split(|c: char| !c.is_alphanumeric() && c != '_')
        .next()
        .unwrap_or_default()
}

#[test]
fn decisions_know_no_client() {
    let clients = [
        "krafka",
        "rdkafka",
        "reqwest",
        "tokio",
        "axum",
        "KafkaAdmin",
        "TailReader",
        "RecordSampler",
        "SchemaRegistry",
        "Context",
    ];
    none(
        strays(&pure(), &clients, &[]),
        "what decides has no client at hand",
    );
    let data = ["Resource", "ResourceExt", "core"];
    for source in pure() {
        for item in taken_from_kube(&source.code) {
            assert!(
                data.contains(&item),
                "{} takes kube::{item}: what decides has no client at hand",
                source.path
            );
        }
    }
}

#[test]
fn decisions_know_no_clock_and_no_chance() {
    let clocks = [
        "Timestamp::now",
        "Zoned::now",
        "Instant",
        "SystemTime",
        "rand",
        "getrandom",
        "new_v4",
    ];
    none(
        strays(&pure(), &clocks, &[]),
        "what decides is told the time, and gives one answer",
    );
}

#[test]
fn the_autoscaler_depends_on_nothing_that_could_ask() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("autoscaler/Cargo.toml");
    let manifest = fs::read_to_string(manifest).unwrap();
    let (_, dependencies) = manifest.split_once("[dependencies]\n").unwrap();
    let dependencies: Vec<&str> = dependencies
        .lines()
        .take_while(|line| !line.is_empty())
        .collect();
    assert_eq!(dependencies, ["jiff.workspace = true"]);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("autoscaler/src");
    let clocks = [
        "now()",
        "Instant",
        "SystemTime",
        "std::env",
        "std::fs",
        "std::net",
        "println",
    ];
    let mut directories = vec![source];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let code = without_tests(&fs::read_to_string(&path).unwrap());
            let named: Vec<&&str> = clocks.iter().filter(|word| code.contains(**word)).collect();
            assert!(named.is_empty(), "{} names {named:?}", path.display());
        }
    }
}

#[test]
fn decisions_log_nothing() {
    none(
        strays(&pure(), &["tracing", "println", "eprintln"], &[]),
        "what is decided is said in a value",
    );
}

#[test]
fn the_kafka_admin_client_stays_in_kafka() {
    none(
        strays(&sources(), &["krafka"], &["kafka/"]),
        "types of the admin client stop in kafka/",
    );
}

#[test]
fn the_record_client_stays_where_records_are_read() {
    let homes = ["kafka/records/", "dead_letters/"];
    none(
        strays(&sources(), &["rdkafka"], &homes),
        "types of the record client stop where records are read",
    );
}

#[test]
fn http_stays_in_registry() {
    none(
        strays(&sources(), &["reqwest"], &["registry/"]),
        "types of the HTTP client stop in registry/",
    );
}

#[test]
fn only_config_reads_the_environment() {
    none(
        strays(
            &sources(),
            &["env::var", "env::vars", "env::args", "std::env", "var_os"],
            &["config.rs"],
        ),
        "how the operator was started is in Config",
    );
}

#[test]
fn controllers_never_ask_kafka() {
    let homes = ["kafka/", "world/", "apply/kafka_cluster/"];
    let clients = [
        "KafkaAdmin",
        "KrafkaAdmin",
        "TailReader",
        "RdkafkaTailReader",
        "RecordSampler",
        "RdkafkaSampler",
    ];
    none(
        strays(&sources(), &clients, &homes),
        "a reconcile reads the shared view and hands steps to the cluster's task",
    );
}

#[test]
fn only_apply_and_status_write_to_the_api_server() {
    let writes = ["Patch", "PatchParams", "PostParams", "DeleteParams"];
    let homes = [
        "apply/",
        "status/patch.rs",
        "admission/keeper.rs",
        "cli/dlq/redrive.rs",
    ];
    none(
        strays(&sources(), &writes, &homes),
        "what writes to the API server is in apply/ and status/",
    );
}

#[test]
fn reconciles_read_as_the_arrow() {
    for source in sources()
        .iter()
        .filter(|source| source.path.starts_with("controllers/"))
    {
        let lines: Vec<&str> = source.code.lines().collect();
        for (start, line) in lines.iter().enumerate() {
            if !line
                .trim_start()
                .trim_start_matches("pub ")
                .starts_with("async fn reconcile")
            {
                continue;
            }
            let indent = line.len() - line.trim_start().len();
            let end = format!("{}}}", " ".repeat(indent));
            let length = lines[start..]
                .iter()
                .position(|line| **line == end)
                .unwrap()
                + 1;
            assert!(
                length <= 40,
                "{}: a reconcile of {length} lines: write steps of their own",
                source.path
            );
        }
    }
}

#[test]
fn known_trouble_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let note = fs::read_to_string(root.join("docs/design/0015-known-trouble.md")).unwrap();
    let rows = note.lines().filter(|line| line.starts_with("| "));
    let tests = rows.filter_map(|row| row.rsplit('|').nth(1));
    let named: Vec<&str> = tests
        .flat_map(|tests| tests.split('`').skip(1).step_by(2))
        .collect();
    assert!(named.len() > 22, "the table was not found");
    let mut code = String::new();
    for directory in ["operator", "e2e/tests"] {
        for file in rust_files(&root.join(directory)) {
            code.push_str(&fs::read_to_string(file).unwrap());
        }
    }
    let missing = named
        .into_iter()
        .filter(|name| !code.contains(&format!("fn {name}(")));
    none(
        missing.map(str::to_owned).collect(),
        "docs/design/0015-known-trouble.md names tests that are not there",
    );
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => rust_files(&path),
            false => vec![path],
        })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}
