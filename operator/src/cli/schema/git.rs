use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::cli::{
    manifests::{Manifests, is_manifest},
    outcome::Problem,
};

/// The manifests that lay in these files and directories at a revision. What was not there then is no error.
///
/// # Errors
/// When git does not know the revision, cannot be run, or a file was not YAML then.
pub(super) fn manifests(arguments: &[PathBuf], revision: &str) -> Result<Manifests, Problem> {
    if revision.starts_with('-') {
        return Err(Problem::new(format!(
            "--against {revision}: write a revision of git, such as origin/main"
        )));
    }
    let mut manifests = Manifests::default();
    for argument in arguments {
        let (directory, listed) = match argument.is_dir() {
            true => (argument.as_path(), ".".into()),
            false => place(argument)?,
        };
        for file in files(directory, &listed, revision)? {
            if argument.is_dir() && !is_manifest(Path::new(&file)) {
                continue;
            }
            let object = format!("{revision}:{file}");
            let text = git(directory, &["show", &object])?;
            manifests.add(&object, &text)?;
        }
    }
    Ok(manifests)
}

/// Directory and name of a file.
fn place(file: &Path) -> Result<(&Path, String), Problem> {
    let name = file.file_name().and_then(|name| name.to_str());
    let Some(name) = name.filter(|name| *name != "-") else {
        return Err(Problem::new(format!(
            "{}: --against compares files that lie in a git repository, write a file or directory of it",
            file.display()
        )));
    };
    let directory = file.parent().filter(|parent| *parent != Path::new(""));
    Ok((directory.unwrap_or(Path::new(".")), name.to_owned()))
}

/// The files below a path at a revision, from the root of the repository.
fn files(directory: &Path, path: &str, revision: &str) -> Result<Vec<String>, Problem> {
    let arguments = [
        "ls-tree",
        "-r",
        "-z",
        "--name-only",
        "--full-name",
        revision,
        path,
    ];
    let listed = git(directory, &arguments)?;
    let files = listed.split('\0').filter(|file| !file.is_empty());
    Ok(files.map(str::to_owned).collect())
}

fn git(directory: &Path, arguments: &[&str]) -> Result<String, Problem> {
    let done = Command::new("git")
        .arg("-C")
        .arg(directory)
        .args(arguments)
        .output()
        .map_err(|error| Problem::new(format!("git cannot be run: {error}: install it")))?;
    if !done.status.success() {
        return Err(Problem::new(format!(
            "git {}: {}: is the revision fetched? A shallow clone has none but its own",
            arguments.join(" "),
            String::from_utf8_lossy(&done.stderr).trim()
        )));
    }
    String::from_utf8(done.stdout).map_err(|_| {
        Problem::new(format!(
            "git {}: the file is not text (UTF-8)",
            arguments.join(" ")
        ))
    })
}
