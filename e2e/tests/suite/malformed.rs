//! Malformed resources are refused with a message that names the field and says what to write.
//! The resources lie in `crds/testdata/malformed`: `# expect: WORDS` on top, and where there are two documents
//! the first is accepted and the second, an update of it, is refused.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use millrace_e2e::{Case, resources};
use serde_json::Value;

async fn refused_as_expected(case: &Case, file: &Path) -> Result<()> {
    let text = fs::read_to_string(file)?;
    let expected: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# expect: "))
        .map(str::trim)
        .collect();
    ensure!(!expected.is_empty(), "no `# expect:` line");
    let mut documents = resources::parse(&text)?;
    for document in &mut documents {
        document["metadata"]["namespace"] = Value::from(case.namespace.clone());
    }
    let (refused, accepted) = documents.split_last().context("no document")?;
    for document in accepted {
        resources::apply(&case.client, document)
            .await
            .context("the first document")?;
    }
    let error = resources::apply(&case.client, refused)
        .await
        .err()
        .context("it was accepted")?;
    let words = resources::refusal(&error)
        .with_context(|| format!("not refused, but failed: {error:#}"))?;
    for expected in expected {
        ensure!(
            words.contains(expected),
            "expected the words {expected:?}, but it says: {words}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn every_malformed_resource_is_refused_with_its_message() -> Result<()> {
    let case = Case::shared("malformed").await?;
    let mut files: Vec<_> = fs::read_dir(resources::repository("crds/testdata/malformed"))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.retain(|file| {
        file.extension()
            .is_some_and(|extension| extension == "yaml")
    });
    files.sort();
    assert!(
        files.len() >= 25,
        "only {} malformed resources",
        files.len()
    );
    let mut failures = Vec::new();
    for file in &files {
        if let Err(error) = refused_as_expected(&case, file).await {
            failures.push(format!(
                "{}: {error:#}",
                file.file_name().unwrap_or_default().to_string_lossy()
            ));
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {}:\n{}",
        failures.len(),
        files.len(),
        failures.join("\n")
    );
    Ok(())
}
