//! The API reference as Markdown, made from the definitions: one page for each kind, and an index.

mod field;
mod page;

use std::fmt::Write;

use crate::all;

/// Where the pages are checked in, from the root of the repository.
pub const DIRECTORY: &str = "docs/reference";

/// The pages: name of the file and its text, as they are checked in.
pub fn pages() -> Vec<(String, String)> {
    let crds = all();
    let mut index = String::from(
        "# API reference\n\n<!-- Generated from crds/src by `make generate`. -->\n\n`millrace.dev/v1alpha1`. `kubectl get millrace` shows all kinds; `kubectl explain` tells what these pages tell.\n\n| kind | short | what it is |\n|---|---|---|\n",
    );
    let mut pages = Vec::new();
    for crd in &crds {
        let names = &crd.spec.names;
        let file = format!("{}.md", names.kind.to_lowercase());
        let _ = writeln!(
            index,
            "| [{}]({file}) | {} | {} |",
            names.kind,
            page::short_names(crd),
            page::description(crd)
        );
        pages.push((file, page::of(crd)));
    }
    pages.push(("README.md".to_owned(), index));
    pages
}
