//! Writes the CustomResourceDefinitions into the directories named as arguments (`make generate`).

use std::{error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    for directory in std::env::args().skip(1) {
        fs::create_dir_all(&directory)?;
        for (name, text) in millrace_crds::files()? {
            fs::write(Path::new(&directory).join(name), text)?;
        }
    }
    Ok(())
}
