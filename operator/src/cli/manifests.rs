use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::LazyLock,
};

use millrace_crds::GROUP;
use serde_json::Value;
use walkdir::WalkDir;

use super::{outcome::Problem, tree::Tree};

/// Standard input, as an argument.
const STDIN: &str = "-";
/// Files of a directory that are read.
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];

/// Plural of each kind of Millrace, as it stands in URLs.
static PLURALS: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let definitions = millrace_crds::all().into_iter();
    definitions
        .map(|definition| (definition.spec.names.kind, definition.spec.names.plural))
        .collect()
});

/// One resource of Millrace as it is written.
#[derive(Clone, Debug)]
pub(super) struct Document {
    /// Path of the file, or `-`.
    pub(super) file: String,
    pub(super) tree: Tree,
    pub(super) value: Value,
}

impl Document {
    fn text(&self, pointer: &str) -> &str {
        self.value
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    pub(super) fn kind(&self) -> &str {
        self.text("/kind")
    }

    pub(super) fn api_version(&self) -> &str {
        self.text("/apiVersion")
    }

    pub(super) fn name(&self) -> &str {
        self.text("/metadata/name")
    }

    /// The namespace written; empty where none is.
    pub(super) fn namespace(&self) -> &str {
        self.text("/metadata/namespace")
    }

    /// Plural of the kind; None for a kind this version does not know.
    pub(super) fn plural(&self) -> Option<&'static str> {
        PLURALS.get(self.kind()).map(String::as_str)
    }

    /// Line of the document's first field, from 1.
    pub(super) fn line(&self) -> usize {
        self.tree.line("")
    }

    /// `Topic flights/departures`, for messages.
    pub(super) fn title(&self) -> String {
        match self.namespace() {
            "" => format!("{} {}", self.kind(), self.name()),
            namespace => format!("{} {namespace}/{}", self.kind(), self.name()),
        }
    }
}

/// All resources of Millrace in some files.
#[derive(Debug, Default)]
pub(super) struct Manifests {
    /// In the order of the files' names, and within a file as written.
    pub(super) documents: Vec<Document>,
    /// ConfigMaps, which texts of schemas may be taken from.
    pub(super) config_maps: Vec<Document>,
    /// Documents of other kinds, ConfigMaps among them.
    pub(super) others: usize,
}

impl Manifests {
    /// What lies in files, directories (with all below them) and `-`, standard input.
    ///
    /// # Errors
    /// When one cannot be read, is not YAML, or there is no file at all.
    pub(super) fn read(arguments: &[PathBuf]) -> Result<Self, Problem> {
        let mut manifests = Self::default();
        for argument in arguments {
            if argument.as_os_str() == STDIN {
                let mut text = String::new();
                io::stdin().read_to_string(&mut text).map_err(|error| {
                    Problem::new(format!("standard input cannot be read: {error}"))
                })?;
                manifests.add(STDIN, &text)?;
                continue;
            }
            for file in files(argument)? {
                let text = fs::read_to_string(&file)
                    .map_err(|error| Problem::new(format!("{}: {error}", file.display())))?;
                manifests.add(&file.display().to_string(), &text)?;
            }
        }
        Ok(manifests)
    }

    /// The resources of one text.
    ///
    /// # Errors
    /// When it is not YAML.
    pub(super) fn add(&mut self, file: &str, text: &str) -> Result<(), Problem> {
        let trees = Tree::documents(text)
            .map_err(|error| Problem::new(format!("{file} is not YAML: {error}")))?;
        for tree in trees {
            self.sort_in(file, tree);
        }
        Ok(())
    }

    fn sort_in(&mut self, file: &str, tree: Tree) {
        let document = Document {
            file: file.to_owned(),
            value: tree.value(),
            tree,
        };
        if document.kind() == "List" && document.value["items"].is_array() {
            let items = document.tree.items("items");
            items
                .iter()
                .for_each(|item| self.sort_in(file, item.clone()));
            return;
        }
        let group = document.api_version().split('/').next();
        if group == Some(GROUP) {
            self.documents.push(document);
            return;
        }
        self.others += 1;
        if (document.api_version(), document.kind()) == ("v1", "ConfigMap") {
            self.config_maps.push(document);
        }
    }
}

/// Whether a file of a directory is read.
pub(super) fn is_manifest(file: &Path) -> bool {
    let extension = file.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension))
}

fn files(argument: &Path) -> Result<Vec<PathBuf>, Problem> {
    let mut files = Vec::new();
    for entry in WalkDir::new(argument)
        .follow_links(true)
        .sort_by_file_name()
    {
        let entry = entry.map_err(|error| {
            Problem::new(format!(
                "{}: {error}: write -f FILE, DIRECTORY or -",
                argument.display()
            ))
        })?;
        let named = entry.depth() == 0;
        if entry.file_type().is_file() && (named || is_manifest(entry.path())) {
            files.push(entry.into_path());
        }
    }
    match files.is_empty() {
        true => Err(Problem::new(format!(
            "{}: there is no .yaml, .yml or .json file in it",
            argument.display()
        ))),
        false => Ok(files),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_kinds_are_counted_and_lists_are_taken_apart() {
        let mut manifests = Manifests::default();
        let text = "apiVersion: v1\nkind: Service\n---\napiVersion: v1\nkind: List\nitems:\n- apiVersion: millrace.dev/v1alpha1\n  kind: Topic\n  metadata: {name: a, namespace: b}\n- apiVersion: apps/v1\n  kind: Deployment\n";
        manifests.add("x.yaml", text).unwrap();
        assert_eq!(manifests.others, 2);
        let [topic] = manifests.documents.as_slice() else {
            panic!("{manifests:?}")
        };
        assert_eq!(topic.title(), "Topic b/a");
        assert_eq!(topic.plural(), Some("topics"));
        assert_eq!(topic.line(), 7);
    }

    #[test]
    fn a_directory_that_is_not_there_is_told_so() {
        let problem = Manifests::read(&["nowhere".into()])
            .unwrap_err()
            .to_string();
        assert!(problem.contains("nowhere"), "{problem}");
    }
}
