//! Writes the API reference where it is checked in: `docs/reference` (`make generate`).

use std::{fs, io, path::Path};

fn main() -> io::Result<()> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(millrace_crds::reference::DIRECTORY);
    fs::create_dir_all(&directory)?;
    for (name, text) in millrace_crds::reference::pages() {
        fs::write(directory.join(name), text)?;
    }
    Ok(())
}
