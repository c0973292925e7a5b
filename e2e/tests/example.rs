//! The files of `docs/examples/flights` agree with each other.

use anyhow::{Context, Result};
use millrace_e2e::{flights, resources};
use serde_json::Value;

#[test]
fn the_schema_resource_holds_the_text_of_the_workload() -> Result<()> {
    let text = std::fs::read_to_string(resources::repository("docs/examples/flights/flight.avsc"))?;
    let workload: Value = serde_json::from_str(&text)?;
    for (file, same) in [
        ("docs/examples/flights/4-schema.yaml", true),
        (flights::BREAKING_SCHEMA, false),
    ] {
        let resource = resources::documents(file)?.remove(0);
        let schema: Value =
            serde_json::from_str(resource["spec"]["schema"].as_str().context("no schema")?)?;
        assert_eq!(schema == workload, same, "{file}");
    }
    Ok(())
}
