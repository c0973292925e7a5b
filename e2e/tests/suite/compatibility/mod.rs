//! What each change of a schema breaks at each of the seven levels: the tables beside this file, held against the registry of the
//! cluster by way of Schema resources. The webhook asks the registry, so a dry run tells the verdict and leaves nothing behind.

mod pair;

use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use millrace_crds::{Compatibility, Schema};
use millrace_e2e::{Case, resources};
use serde_json::{Value, json};

use self::pair::{LEVELS, Pair};

/// Pairs that are judged at the same time.
const AT_ONCE: usize = 8;
/// What the webhook says of a text that breaks somebody.
const BREAKS: &str = "is incompatible with version";

#[tokio::test]
async fn every_change_of_an_avro_schema_is_judged_as_the_table_says() -> Result<()> {
    holds("Avro", include_str!("avro.yaml")).await
}

#[tokio::test]
async fn every_change_of_a_json_schema_is_judged_as_the_table_says() -> Result<()> {
    holds("Json", include_str!("json.yaml")).await
}

#[tokio::test]
async fn every_change_of_a_protobuf_schema_is_judged_as_the_table_says() -> Result<()> {
    holds("Protobuf", include_str!("protobuf.yaml")).await
}

/// Judges all pairs of a table, and tells all verdicts that are not as it says at once.
async fn holds(language: &str, table: &str) -> Result<()> {
    let pairs = Pair::read(table)?;
    let case = Case::shared(&format!("compat-{}", language.to_lowercase())).await?;
    let case = &case;
    let judged = pairs.iter().enumerate().map(|(number, pair)| async move {
        let subject = Subject {
            case,
            language,
            name: format!("pair-{number}"),
        };
        subject.judge(pair).await.context(pair.name.clone())
    });
    let wrong: Vec<Vec<String>> = stream::iter(judged)
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    let wrong = wrong.concat();
    ensure!(
        wrong.is_empty(),
        "{} verdicts are not those of the table:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    Ok(())
}

/// The subject of one pair, and the Schema that holds it.
struct Subject<'a> {
    case: &'a Case,
    language: &'a str,
    name: String,
}

impl Subject<'_> {
    /// The verdicts that are not those of the table.
    async fn judge(&self, pair: &Pair) -> Result<Vec<String>> {
        for text in &pair.before {
            self.registered(text, Compatibility::None).await?;
        }
        let latest = pair.before.last().context("no version before")?;
        let mut wrong = Vec::new();
        for level in LEVELS {
            self.registered(latest, level).await?;
            let (passes, expected) = (self.passes(&pair.new, level).await?, pair.passes(level));
            if passes != expected {
                wrong.push(format!(
                    "{} at {level:?}: {}, the table says {}",
                    pair.name,
                    word(passes),
                    word(expected)
                ));
            }
        }
        Ok(wrong)
    }

    fn spec(&self, text: &str, level: Compatibility) -> Value {
        json!({
            "subject": self.case.name(&self.name),
            "type": self.language,
            "schema": text,
            "compatibility": level,
        })
    }

    /// Lets the subject have this text and level.
    async fn registered(&self, text: &str, level: Compatibility) -> Result<()> {
        let spec = self.spec(text, level);
        self.case.apply("Schema", &self.name, spec).await?;
        self.case.ready::<Schema>(&self.name).await.map(drop)
    }

    /// Whether the text would be let in.
    async fn passes(&self, text: &str, level: Compatibility) -> Result<bool> {
        let spec = self.spec(text, level);
        match self.case.dry_run("Schema", &self.name, spec).await {
            Ok(()) => Ok(true),
            Err(error) => match resources::refusal(&error) {
                Some(words) if words.contains(BREAKS) => Ok(false),
                _ => Err(error),
            },
        }
    }
}

fn word(passes: bool) -> &'static str {
    match passes {
        true => "compatible",
        false => "incompatible",
    }
}
