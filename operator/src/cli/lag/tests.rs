use expect_test::expect;
use millrace_crds::ConsumerGroup;
use serde_json::json;

use super::table::{details, overview};

fn group() -> ConsumerGroup {
    serde_json::from_value(json!({
        "apiVersion": "millrace.dev/v1alpha1",
        "kind": "ConsumerGroup",
        "metadata": { "namespace": "shop", "name": "billing" },
        "spec": { "clusterRef": { "name": "events" }, "topics": [{ "name": "orders" }], "serviceAccountName": "billing" },
        "status": {
            "groupId": "shop.billing", "state": "Stable", "members": 4,
            "conditions": [{
                "type": "WithinObjective", "status": "False", "reason": "ObjectiveMissed",
                "message": "the oldest of 900 unprocessed records waits for 75 s, the objective is 30 s",
                "lastTransitionTime": "2026-11-27T12:00:00Z",
            }],
            "lag": {
                "records": 900, "seconds": 75, "arrivingPerSecond": 120, "committedPerSecond": 80,
                "topics": [{ "topic": "shop.orders", "records": 900, "partitions": [
                    { "partition": 3, "records": 880, "seconds": 75 }, { "partition": 0, "records": 20 },
                ] }],
            },
            "scaling": { "replicas": 4, "desiredReplicas": 6, "reason": "a record would wait 80 s" },
        },
    }))
    .unwrap()
}

#[test]
fn a_group_is_one_line() {
    let mut unknown = group();
    unknown.status = None;
    expect![[r#"
        NAMESPACE  NAME     GROUP         STATE   MEMBERS  LAG  LATE   IN/S  OUT/S  REPLICAS  WITHIN OBJECTIVE
        shop       billing  shop.billing  Stable        4  900  1m15s   120     80     4 → 6  no
        shop       billing  -             -             -    -      -     -      -         -  -
    "#]].assert_eq(&overview(&[group(), unknown], true));
}

#[test]
fn all_that_is_known_of_a_group_is_told() {
    expect![[r#"
        NAME     GROUP         STATE   MEMBERS  LAG  LATE   IN/S  OUT/S  REPLICAS  WITHIN OBJECTIVE
        billing  shop.billing  Stable        4  900  1m15s   120     80     4 → 6  no

        WithinObjective=False ObjectiveMissed: the oldest of 900 unprocessed records waits for 75 s, the objective is 30 s
        Autoscaler: 4 replicas, 6 wanted: a record would wait 80 s

        TOPIC        PARTITION  LAG  LATE
        shop.orders          3  880  1m15s
        shop.orders          0   20      -
    "#]].assert_eq(&details(&group()));
}
