//! The Kafka in memory, on which the operator's own tests stand, answers as the real one does.

use anyhow::{Context, Result};
use millrace_e2e::Case;

#[tokio::test]
async fn the_fake_kafka_answers_as_the_real_one() -> Result<()> {
    let case = Case::shared("conformance").await?;
    let answer = case
        .probe
        .ask(&["conformance", "--timeout-s", "120"])
        .await?;
    let outcomes = |of: &str| {
        answer[of]
            .as_array()
            .cloned()
            .with_context(|| format!("no outcomes of {of}"))
    };
    let (kafka, fake) = (outcomes("kafka")?, outcomes("fake")?);
    for (kafka, fake) in kafka.iter().zip(&fake) {
        assert_eq!(kafka, fake, "Kafka on the left, the fake on the right");
    }
    assert_eq!(kafka.len(), fake.len());
    Ok(())
}
