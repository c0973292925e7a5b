//! Writes the CustomResourceDefinitions where they are checked in: `crds/generated` and the chart (`make generate`).

use std::{error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for directory in millrace_crds::DIRECTORIES {
        let directory = root.join(directory);
        fs::create_dir_all(&directory)?;
        for (name, text) in millrace_crds::files()? {
            fs::write(directory.join(name), text)?;
        }
    }
    Ok(())
}
