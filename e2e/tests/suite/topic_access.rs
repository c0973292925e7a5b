//! Access of a Topic beyond the topic itself: transactional ids, and consent that goes with a namespace's labels.

use std::time::Duration;

use anyhow::Result;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::{
    Api,
    api::{DeleteParams, Patch, PatchParams},
};
use millrace_crds::{ConsumerGroup, Topic};
use millrace_e2e::{Case, probe::Answer, wait};
use serde_json::json;

use crate::access::refused_with;

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_producer_writes_transactions_with_its_prefix_and_is_refused_with_another_id()
-> Result<()> {
    let case = Case::shared("transactions").await?;
    let orders = case.name("orders");
    let writer = case.account("writer").await?;
    let plain = case.account("plain").await?;
    let producers = json!([
        { "serviceAccountName": "writer", "transactionalIdPrefix": case.name("billing-") },
        { "serviceAccountName": "plain" },
    ]);
    let spec = json!({ "topicName": orders, "partitions": 1, "producers": producers });
    case.apply("Topic", "orders", spec).await?;
    case.ready::<Topic>("orders").await?;

    let (mine, other) = (case.name("billing-1"), case.name("shipping-1"));
    let transaction = |id| {
        [
            "produce-transaction",
            "--topic",
            &orders,
            "--transactional-id",
            id,
            "--count",
            "3",
            "--timeout-s",
            "30",
        ]
    };
    case.probe_until(
        &writer,
        &transaction(&mine),
        "a transaction is committed",
        Answer::is_ok,
    )
    .await?;
    assert_eq!(case.probe.count(&orders).await?, 3);

    for (who, id) in [(&writer, &other), (&plain, &mine)] {
        let answer = case.probe.run(who, &transaction(id)).await?;
        assert!(
            refused_with(&answer, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED"),
            "{who:?} used {id}: {answer:?}"
        );
    }
    assert_eq!(case.probe.count(&orders).await?, 3);

    // The prefix is taken back as it was given; the topic may still be written to.
    case.edit_topic("orders", |spec| {
        for producer in &mut spec.producers {
            producer.transactional_id_prefix = None;
        }
    })
    .await?;
    case.ready::<Topic>("orders").await?;
    case.probe_until(
        &writer,
        &transaction(&mine),
        "the transactional id is refused",
        |answer| refused_with(answer, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED"),
    )
    .await?;
    let write = ["produce", "--topic", &orders, "--count", "1"];
    case.probe_until(&writer, &write, "plain records are written", Answer::is_ok)
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_namespace_that_no_longer_matches_the_consent_loses_access_and_its_group_says_why()
-> Result<()> {
    let case = Case::shared("consent-label").await?;
    let visitor = case.other_namespace("visitor", true).await?;
    let reader = case.account_in(&visitor, "reader").await?;
    let label = |value| json!({ "metadata": { "labels": { "reads-orders": value } } });
    let namespaces: Api<Namespace> = Api::all(case.client.clone());
    namespaces
        .patch(
            &visitor,
            &PatchParams::default(),
            &Patch::Merge(label(Some("yes"))),
        )
        .await?;
    let (orders, group) = (case.name("orders"), format!("{visitor}.billing"));
    let spec = json!({
        "topicName": orders,
        "partitions": 1,
        "allowedConsumers": { "from": "Selector", "selector": { "matchLabels": { "reads-orders": "yes" } } },
    });
    case.apply("Topic", "orders", spec).await?;
    case.ready::<Topic>("orders").await?;
    case.probe
        .ask(&["produce", "--topic", &orders, "--count", "5"])
        .await?;
    let spec = json!({
        "groupId": group,
        "topics": [{ "name": "orders", "namespace": case.namespace }],
        "serviceAccountName": "reader",
    });
    case.apply_in(&visitor, "ConsumerGroup", "billing", spec)
        .await?;
    case.ready_in::<ConsumerGroup>(&visitor, "billing").await?;
    let read = [
        "consume", "--topic", &orders, "--group", &group, "--count", "5",
    ];
    case.probe_until(&reader, &read, "the group reads", Answer::is_ok)
        .await?;

    namespaces
        .patch(
            &visitor,
            &PatchParams::default(),
            &Patch::Merge(label(None)),
        )
        .await?;
    let groups: Api<ConsumerGroup> = Api::namespaced(case.client.clone(), &visitor);
    let what = "AccessGranted=False, NotAllowed";
    wait::object(&groups, "billing", what, PATIENCE, |group| {
        wait::condition_of(group, "AccessGranted")
            .is_some_and(|access| access["status"] == "False" && access["reason"] == "NotAllowed")
    })
    .await?;
    case.probe_until(&reader, &read, "the group is refused", Answer::is_err)
        .await?;
    assert_eq!(
        case.probe.allowed_on(&orders).await?,
        Vec::<String>::new(),
        "an ACL is left"
    );
    Ok(())
}

#[tokio::test]
async fn a_binding_that_somebody_deletes_comes_back() -> Result<()> {
    let case = Case::shared("binding-deleted").await?;
    case.account("writer").await?;
    case.topic("orders", &["writer"]).await?;
    let bindings: Api<ConfigMap> = case.api();
    let data = |binding: &ConfigMap| binding.data.clone();
    let before = bindings.get("orders-topic").await?;
    bindings
        .delete("orders-topic", &DeleteParams::default())
        .await?;
    wait::object(
        &bindings,
        "orders-topic",
        "another with the same data",
        PATIENCE,
        |found| found.metadata.uid != before.metadata.uid && data(found) == data(&before),
    )
    .await?;
    Ok(())
}
