//! What a workload is told about its Kafka: a directory with one file for each fact.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use rdkafka::ClientConfig;

/// A directory with `librdkafka.conf`, `ca.crt`, `schema.registry.url` and, as it applies, `topic` or `topics`,
/// `group.id` and `dlq.topic`.
pub struct Binding {
    directory: PathBuf,
}

impl Binding {
    /// The binding in `directory`. Fails if there is no `librdkafka.conf` in it.
    pub fn open(directory: &Path) -> Result<Self> {
        let binding = Self {
            directory: directory.to_owned(),
        };
        binding.read("librdkafka.conf")?;
        Ok(binding)
    }

    /// One entry, without the white space around it.
    pub fn read(&self, name: &str) -> Result<String> {
        let path = self.directory.join(name);
        let text = fs::read_to_string(&path).with_context(|| {
            format!(
                "the binding has no entry {name}: cannot read {}",
                path.display()
            )
        })?;
        let text = text.trim();
        ensure!(
            !text.is_empty(),
            "the binding's entry {name} is empty: {}",
            path.display()
        );
        Ok(text.to_owned())
    }

    /// The names in `topics`, one a line, or else the one in `topic`.
    pub fn topics(&self) -> Result<Vec<String>> {
        let names = self.read("topics").or_else(|_| self.read("topic"))?;
        Ok(names.split_whitespace().map(str::to_owned).collect())
    }

    /// The client settings of `librdkafka.conf`, which are `key=value` lines, trusting the binding's own `ca.crt`.
    pub fn client_config(&self) -> Result<ClientConfig> {
        let mut config = ClientConfig::new();
        for line in self.read("librdkafka.conf")?.lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (key, value) = line.split_once('=').with_context(|| {
                format!("librdkafka.conf of the binding has a line that is not key=value: {line:?}")
            })?;
            config.set(key.trim(), value.trim());
        }
        let ca = self.directory.join("ca.crt");
        if ca.exists() {
            config.set("ssl.ca.location", ca.display().to_string());
        }
        Ok(config)
    }
}
