use anyhow::{Result, anyhow, ensure};
use millrace_crds::Compatibility;
use serde::Deserialize;

/// The seven levels.
pub const LEVELS: [Compatibility; 7] = [
    Compatibility::None,
    Compatibility::Backward,
    Compatibility::BackwardTransitive,
    Compatibility::Forward,
    Compatibility::ForwardTransitive,
    Compatibility::Full,
    Compatibility::FullTransitive,
];

/// One change of a schema, as a table has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// What is changed.
    pub name: String,
    /// The versions that the subject has, the oldest first.
    pub before: Vec<String>,
    /// The text that is judged.
    pub new: String,
    backward: Vec<bool>,
    forward: Vec<bool>,
    registry: Option<Differently>,
}

/// The verdicts of a registry that judges otherwise than the specification.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Differently {
    backward: Vec<bool>,
    forward: Vec<bool>,
    #[serde(rename = "why")]
    _why: String,
}

impl Pair {
    /// The pairs of a table.
    ///
    /// # Errors
    /// When the table is not as its head says.
    pub fn read(table: &str) -> Result<Vec<Self>> {
        let pairs: Vec<Self> = serde_saphyr::from_str(table).map_err(|error| anyhow!("{error}"))?;
        for pair in &pairs {
            let (backward, forward) = pair.verdicts();
            let versions = pair.before.len();
            ensure!(
                versions > 0 && backward.len() == versions && forward.len() == versions,
                "{}: write a verdict in each direction for each version before",
                pair.name
            );
        }
        Ok(pairs)
    }

    /// Whether the registry lets the new text in at a level.
    pub fn passes(&self, level: Compatibility) -> bool {
        let (backward, forward) = self.verdicts();
        let last = |verdicts: &[bool]| verdicts.last().copied().unwrap_or(true);
        let all = |verdicts: &[bool]| verdicts.iter().all(|verdict| *verdict);
        match level {
            Compatibility::None => true,
            Compatibility::Backward => last(backward),
            Compatibility::BackwardTransitive => all(backward),
            Compatibility::Forward => last(forward),
            Compatibility::ForwardTransitive => all(forward),
            Compatibility::Full => last(backward) && last(forward),
            Compatibility::FullTransitive => all(backward) && all(forward),
        }
    }

    fn verdicts(&self) -> (&[bool], &[bool]) {
        match &self.registry {
            Some(registry) => (&registry.backward, &registry.forward),
            None => (&self.backward, &self.forward),
        }
    }
}
