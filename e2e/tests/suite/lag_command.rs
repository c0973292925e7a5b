//! `kubectl millrace lag` shows what the operator has seen of a group.

use anyhow::{Context, Result, ensure};
use millrace_crds::{ConsumerGroup, Topic};
use millrace_e2e::{Case, plugin::plugin, wait};
use serde_json::{Value, json};
use tokio::process::Command;

async fn lag(case: &Case, arguments: &[&str]) -> Result<String> {
    let done = Command::new(plugin()?)
        .args(["lag", "--namespace", &case.namespace])
        .args(arguments)
        .output()
        .await?;
    ensure!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    Ok(String::from_utf8(done.stdout)?)
}

#[tokio::test]
async fn the_lag_of_a_group_is_shown_by_partition_and_as_json_and_an_unknown_group_is_named()
-> Result<()> {
    let case = Case::shared("lag-command").await?;
    case.account("reader").await?;
    let topic = case.name("orders");
    case.apply(
        "Topic",
        "orders",
        json!({ "topicName": topic, "partitions": 1 }),
    )
    .await?;
    case.ready::<Topic>("orders").await?;
    let group = json!({ "groupId": case.name("billing"), "topics": [{ "name": "orders" }], "serviceAccountName": "reader" });
    case.apply("ConsumerGroup", "billing", group).await?;
    case.probe
        .ask(&["produce", "--topic", &topic, "--count", "7"])
        .await?;
    let seven = |group: &ConsumerGroup| {
        let lag = group.status.as_ref().and_then(|status| status.lag.as_ref());
        lag.is_some_and(|lag| lag.records == 7)
    };
    wait::object(
        &case.api::<ConsumerGroup>(),
        "billing",
        "a lag of 7",
        std::time::Duration::from_secs(60),
        seven,
    )
    .await?;

    let all = lag(&case, &[]).await?;
    let line = all
        .lines()
        .find(|line| line.trim_start().starts_with("billing"))
        .context("no line for the group")?;
    assert!(
        line.contains(&case.name("billing")) && line.contains(" 7 "),
        "{all}"
    );
    let one = lag(&case, &["billing"]).await?;
    assert!(one.contains("NoMembers=") && one.contains(&topic), "{one}");
    let said: Value = serde_json::from_str(&lag(&case, &["--output", "json"]).await?)?;
    assert_eq!(said[0]["lag"]["records"], 7, "{said}");
    let unknown = lag(&case, &["shipping"]).await;
    let words = unknown
        .err()
        .context("an unknown group was found")?
        .to_string();
    assert!(
        words.contains("there is no ConsumerGroup shipping in namespace"),
        "{words}"
    );
    Ok(())
}
