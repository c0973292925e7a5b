//! Tries to take what is not its own, once for each sentence of "Whose is it" in the design. Each row is one attempt; what it is
//! refused with stands beside it. The attempts in Kafka itself are in `e2e/tests/suite/ownership.rs`.

use super::*;
use crate::resolve::overlapping_prefixes;

/// One resource that somebody writes, and the reason it is refused with; None where it is their right.
struct Attempt {
    what: &'static str,
    outcome: Result<(), Rejection>,
    refused: Option<&'static str>,
}

fn attempt<T>(
    what: &'static str,
    outcome: Result<T, Rejection>,
    refused: impl Into<Option<&'static str>>,
) -> Attempt {
    Attempt {
        what,
        outcome: outcome.map(drop),
        refused: refused.into(),
    }
}

fn judge(attempts: Vec<Attempt>) {
    for Attempt {
        what,
        outcome,
        refused,
    } in attempts
    {
        let reason = outcome.as_ref().err().map(|rejection| rejection.reason);
        assert_eq!(reason, refused, "{what}: {outcome:?}");
    }
}

/// The cluster of [`Manifests`] with other entries under `spec.namespaces`.
fn granting(entries: &str) -> Manifests {
    let mut facts = Manifests::new();
    facts.clusters = vec![Arc::new(cluster(entries))];
    facts
}

fn cluster(entries: &str) -> KafkaCluster {
    parse(&format!(
        "apiVersion: millrace.dev/v1alpha1\nkind: KafkaCluster\nmetadata: {{name: events, namespace: platform}}\nspec: {{namespaces: {entries}}}"
    ))
}

fn reads(topic: &str) -> String {
    format!(", topics: [{topic}]")
}

#[test]
fn in_the_clusters_own_namespace_any_name_goes_and_elsewhere_only_with_a_prefix() {
    let facts = Manifests::new()
        .with_topic(a_topic("team-a", "team-a.orders", 1, ""))
        .with_topic(a_topic("platform", "orders", 1, ""));
    let tx = |id: &str| {
        let producers =
            format!(", producers: [{{serviceAccountName: p, transactionalIdPrefix: {id}}}]");
        a_topic("team-a", "team-a.orders", 1, &producers)
    };
    let reader = |id: &str| {
        a_dlq(
            "team-a",
            "team-a.dead",
            &format!(", readers: [{{serviceAccountName: r, groupId: {id}}}]"),
        )
    };
    let own = &reads("{name: team-a.orders}");
    judge(vec![
        attempt(
            "a topic at home",
            topic(&a_topic("platform", "anything", 2, ""), &facts),
            None,
        ),
        attempt(
            "a topic",
            topic(&a_topic("team-a", "team-b.orders", 2, ""), &facts),
            reasons::NAME_NOT_GRANTED,
        ),
        attempt(
            "the bare prefix",
            topic(&a_topic("team-a", "x", 2, ", topicName: team-a."), &facts),
            reasons::NAME_NOT_GRANTED,
        ),
        attempt(
            "a name that only looks like it",
            topic(&a_topic("team-a", "team-ab.orders", 2, ""), &facts),
            reasons::NAME_NOT_GRANTED,
        ),
        attempt(
            "a group",
            consumer_group(&a_group("team-a", "team-b.g", own), &facts),
            reasons::NAME_NOT_GRANTED,
        ),
        attempt(
            "a subject",
            schema(
                &a_schema("team-a", "s", 2, ", subject: team-b.x-value"),
                &facts,
            ),
            reasons::NAME_NOT_GRANTED,
        ),
        attempt(
            "a dlq",
            dlq(&a_dlq("team-a", "team-b.dead", ""), &facts),
            reasons::NAME_NOT_GRANTED,
        ),
        attempt(
            "a dlq reader's group",
            dlq(&reader("team-b.g"), &facts),
            reasons::NAME_NOT_GRANTED,
        ),
        attempt(
            "transactional ids",
            topic(&tx("team-b.tx"), &facts),
            reasons::NAME_NOT_GRANTED,
        ),
        attempt(
            "all transactional ids",
            topic(&tx("t"), &facts),
            reasons::NAME_NOT_GRANTED,
        ),
        attempt(
            "its own transactional ids",
            topic(&tx("team-a.tx"), &facts),
            None,
        ),
        attempt(
            "every topic by prefix",
            consumer_group(
                &a_group("team-a", "team-a.g", &reads("{prefix: team-}")),
                &facts,
            ),
            reasons::NAME_NOT_GRANTED,
        ),
        attempt(
            "another's topics by prefix",
            consumer_group(
                &a_group("team-a", "team-a.g", &reads("{prefix: team-b.}")),
                &facts,
            ),
            reasons::NAME_NOT_GRANTED,
        ),
        attempt(
            "its own topics by prefix",
            consumer_group(
                &a_group("team-a", "team-a.g", &reads("{prefix: team-a.}")),
                &facts,
            ),
            None,
        ),
        attempt(
            "a prefix without a separator",
            consumer_group(
                &a_group("team-a", "team-a.g", &reads("{prefix: team-a.o}")),
                &facts,
            ),
            reasons::INVALID_SPEC,
        ),
        attempt(
            "others' topics by prefix from the cluster's namespace",
            consumer_group(
                &a_group("platform", "g", &reads("{prefix: team-a.}")),
                &facts,
            ),
            reasons::NOT_ALLOWED,
        ),
    ]);
}

#[test]
fn with_nothing_granted_a_namespace_may_not_use_the_cluster_at_all() {
    let facts = Manifests::new().with_topic(a_topic(
        "platform",
        "open",
        1,
        ", allowedConsumers: {from: All}",
    ));
    let group = a_group(
        "stranger",
        "stranger.g",
        &reads("{name: open, namespace: platform}"),
    );
    judge(vec![
        attempt(
            "a topic",
            topic(&a_topic("stranger", "stranger.x", 2, ""), &facts),
            reasons::NAMESPACE_NOT_GRANTED,
        ),
        attempt(
            "a group, though the topic is open to all",
            consumer_group(&group, &facts),
            reasons::NAMESPACE_NOT_GRANTED,
        ),
        attempt(
            "a subject",
            schema(
                &a_schema("stranger", "s", 2, ", subject: stranger.x"),
                &facts,
            ),
            reasons::NAMESPACE_NOT_GRANTED,
        ),
        attempt(
            "a dlq",
            dlq(&a_dlq("stranger", "stranger.dead", ""), &facts),
            reasons::NAMESPACE_NOT_GRANTED,
        ),
    ]);
}

#[test]
fn no_prefix_is_the_beginning_of_another_entrys() {
    let apart = |entries: &str| overlapping_prefixes(&cluster(entries)).is_none();
    assert!(apart(
        "[{selector: {}, prefixes: [a., b.]}, {selector: {}, prefixes: [c.]}]"
    ));
    assert!(!apart(
        "[{selector: {}, prefixes: [a.]}, {selector: {}, prefixes: [a.b.]}]"
    ));
    assert!(!apart(
        "[{selector: {}, prefixes: [a.b.]}, {selector: {}, prefixes: [a.]}]"
    ));
    assert!(!apart(
        "[{selector: {}, prefixes: [a.]}, {selector: {}, prefixes: [a.]}]"
    ));
    assert!(
        !apart("[{selector: {}, prefixes: [a.]}, {selector: {}, prefixes: [a_b.]}]"),
        "Kafka takes a.b and a_b for one"
    );
    assert!(!apart(
        "[{selector: {matchLabels: {kubernetes.io/metadata.name: a}}}, {selector: {}, prefixes: [a.]}]"
    ));
    assert!(!apart(
        "[{selector: {}, prefixes: [a.]}, {selector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: In, values: [b, a]}]}}]"
    ));
    assert!(apart(
        "[{selector: {matchLabels: {kubernetes.io/metadata.name: a}}}, {selector: {matchLabels: {kubernetes.io/metadata.name: b}}}]"
    ));
}

#[test]
fn a_namespace_made_with_a_clever_name_does_not_get_a_prefix_that_was_granted_to_others() {
    let facts = granting(
        "[{selector: {matchLabels: {team: b}}, prefixes: [team-a.]}, {selector: {matchLabels: {team: a}}}]",
    );
    judge(vec![
        attempt(
            "the namespace's default prefix",
            topic(&a_topic("team-a", "team-a.x", 1, ""), &facts),
            reasons::NAMESPACE_NOT_GRANTED,
        ),
        attempt(
            "the written one",
            topic(&a_topic("team-b", "team-a.x", 2, ""), &facts),
            None,
        ),
    ]);
    let older = a_topic("team-a", "team-a.x", 1, "");
    let facts = facts.with_topic(older);
    judge(vec![attempt(
        "the written one, though the other was first",
        topic(&a_topic("team-b", "team-a.x", 2, ""), &facts),
        None,
    )]);
}

#[test]
fn a_namespace_that_two_entries_match_has_the_prefixes_of_both_and_the_lower_limits() {
    let facts = granting(
        "[{selector: {matchLabels: {kafka: 'yes'}}, limits: {topics: 5, partitions: 3}}, {selector: {matchLabels: {team: a}}, prefixes: [orders.], limits: {topics: 1}}]",
    );
    judge(vec![
        attempt(
            "the default prefix",
            topic(&a_topic("team-a", "team-a.x", 1, ""), &facts),
            None,
        ),
        attempt(
            "the written one",
            topic(&a_topic("team-a", "orders.x", 1, ""), &facts),
            None,
        ),
        attempt(
            "the written one from a namespace only the first matches",
            topic(&a_topic("team-b", "orders.x", 1, ""), &facts),
            reasons::NAME_NOT_GRANTED,
        ),
    ]);
    let facts = facts.with_topic(a_topic("team-a", "team-a.x", 1, ""));
    judge(vec![attempt(
        "a second topic",
        topic(&a_topic("team-a", "orders.x", 2, ""), &facts),
        reasons::LIMIT_EXCEEDED,
    )]);
}

#[test]
fn kafkas_and_millraces_internal_names_are_never_claimable() {
    let facts = Manifests::new();
    let mut attempts = Vec::new();
    for name in [
        "__consumer_offsets",
        "__transaction_state",
        "millrace-registry-journal",
        "millrace.x",
    ] {
        attempts.push(attempt(
            "a topic",
            topic(
                &a_topic("platform", "x", 1, &format!(", topicName: {name}")),
                &facts,
            ),
            reasons::NAME_RESERVED,
        ));
        attempts.push(attempt(
            "a dlq",
            dlq(
                &a_dlq("platform", "x", &format!(", topicName: {name}")),
                &facts,
            ),
            reasons::NAME_RESERVED,
        ));
    }
    for prefix in ["_", "__", "millrace-"] {
        let all = a_group("platform", "g", &reads(&format!("{{prefix: {prefix}}}")));
        attempts.push(attempt(
            "topics by prefix",
            consumer_group(&all, &facts),
            reasons::NAME_RESERVED,
        ));
    }
    let tx = ", producers: [{serviceAccountName: p, transactionalIdPrefix: mill}]";
    attempts.push(attempt(
        "transactional ids by prefix",
        topic(&a_topic("platform", "x", 1, tx), &facts),
        reasons::NAME_RESERVED,
    ));
    judge(attempts);
}

#[test]
fn a_name_belongs_to_one_resource_and_a_claim_that_is_not_granted_does_not_count() {
    let facts = Manifests::new()
        .with_topic(a_topic(
            "stranger",
            "thief",
            1,
            ", topicName: team-a.orders",
        ))
        .with_topic(a_topic(
            "team-b",
            "thief",
            2,
            ", topicName: team-a.orders, adopt: true",
        ))
        .with_topic(a_topic("team-a", "orders", 3, ", topicName: team-a.orders"))
        .with_topic(a_topic(
            "team-a",
            "late",
            4,
            ", topicName: team-a.orders, adopt: true",
        ));
    judge(vec![
        attempt(
            "the owner",
            topic(
                &a_topic("team-a", "orders", 3, ", topicName: team-a.orders"),
                &facts,
            ),
            None,
        ),
        attempt(
            "a later resource of the same namespace",
            topic(
                &a_topic(
                    "team-a",
                    "late",
                    4,
                    ", topicName: team-a.orders, adopt: true",
                ),
                &facts,
            ),
            reasons::CONFLICT,
        ),
        attempt(
            "a thief who adopts",
            topic(
                &a_topic(
                    "team-b",
                    "thief",
                    2,
                    ", topicName: team-a.orders, adopt: true",
                ),
                &facts,
            ),
            reasons::NAME_NOT_GRANTED,
        ),
        attempt(
            "a dlq of that name",
            dlq(
                &a_dlq("team-a", "dead", ", topicName: team-a.orders"),
                &facts,
            ),
            reasons::CONFLICT,
        ),
    ]);
}

#[test]
fn a_group_reads_by_consent_and_its_id_is_its_own() {
    let closed = || a_topic("team-a", "team-a.orders", 1, "");
    let mut facts = Manifests::new().with_topic(closed());
    let dead = a_dlq(
        "team-a",
        "team-a.dead",
        ", readers: [{serviceAccountName: r, groupId: team-a.dead-readers}]",
    );
    facts.claim(
        Name::Group("team-a.dead-readers".into()),
        Claimant::of(&a_topic("team-a", "team-a.dead", 1, "")),
    );
    let facts = facts.with_dlq(dead);
    let theirs = reads("{name: team-a.orders, namespace: team-a}");
    let scaled = |name: &str| {
        format!(
            "{}, scaleTargetRef: {{name: {name}}}",
            reads("{name: team-a.orders}")
        )
    };
    judge(vec![
        attempt(
            "a topic that lets nobody in",
            consumer_group(&a_group("team-b", "team-b.g", &theirs), &facts),
            reasons::NOT_ALLOWED,
        ),
        attempt(
            "the group id of a dlq's reader",
            consumer_group(
                &a_group(
                    "team-a",
                    "team-a.dead-readers",
                    &reads("{name: team-a.orders}"),
                ),
                &facts,
            ),
            reasons::CONFLICT,
        ),
        attempt(
            "a workload by a path to another namespace",
            consumer_group(
                &a_group(
                    "team-a",
                    "team-a.g",
                    &scaled("x/../../team-b/deployments/y"),
                ),
                &facts,
            ),
            reasons::INVALID_SPEC,
        ),
        attempt(
            "a workload of its own",
            consumer_group(&a_group("team-a", "team-a.g", &scaled("billing")), &facts),
            None,
        ),
    ]);
}

#[test]
fn tenants_that_read_one_topic_by_consent_are_each_granted_for_their_own_account_alone() {
    let open = a_topic(
        "team-a",
        "team-a.orders",
        1,
        ", allowedConsumers: {from: All}",
    );
    let facts = Manifests::new().with_topic(open);
    let grants = |team: &str| {
        let theirs = reads("{name: team-a.orders, namespace: team-a}");
        let group = a_group(team, &format!("{team}.readers"), &theirs);
        let grants = consumer_group(&group, &facts)
            .expect("it is accepted")
            .grants;
        let shown: Vec<String> = grants.iter().map(shown).collect();
        let own = format!("User:system:serviceaccount:{team}:reader ");
        assert!(shown.iter().all(|acl| acl.starts_with(&own)), "{shown:?}");
        let names = [" team-a.orders ", &format!(" {team}.readers ")];
        assert!(
            shown
                .iter()
                .all(|acl| names.iter().any(|name| acl.contains(name))),
            "{shown:?}"
        );
        assert!(
            shown
                .iter()
                .all(|acl| acl.contains(" Literal ") && !acl.ends_with("Write")),
            "{shown:?}"
        );
        grants
    };
    let (a, b) = (grants("team-a"), grants("team-b"));
    assert!(
        !a.is_empty() && a.is_disjoint(&b),
        "one that goes takes nothing of the other's"
    );
}

#[test]
fn a_dlq_serves_its_own_namespace_or_those_it_allows_and_reading_it_is_a_grant_of_its_own() {
    let orders = || a_topic("team-b", "team-b.orders", 1, "");
    let group = |dlq: &str| {
        a_group(
            "team-b",
            "team-b.g",
            &format!(
                "{}, dlqRef: {{name: {dlq}, namespace: team-a}}",
                reads("{name: team-b.orders}")
            ),
        )
    };
    let with = |rest: &str| {
        Manifests::new()
            .with_topic(orders())
            .with_dlq(a_dlq("team-a", "team-a.dead", rest))
    };
    let as_topic = a_group(
        "team-b",
        "team-b.g",
        &reads("{name: team-a.dead, namespace: team-a}"),
    );
    judge(vec![
        attempt(
            "a dlq that says nothing",
            consumer_group(&group("team-a.dead"), &with("")),
            reasons::NOT_ALLOWED,
        ),
        attempt(
            "one that allows another",
            consumer_group(
                &group("team-a.dead"),
                &with(", allowedGroups: {from: Selector, selector: {matchLabels: {team: c}}}"),
            ),
            reasons::NOT_ALLOWED,
        ),
        attempt(
            "one that allows it",
            consumer_group(
                &group("team-a.dead"),
                &with(", allowedGroups: {from: Selector, selector: {matchLabels: {team: b}}}"),
            ),
            None,
        ),
        attempt(
            "reading dead letters as a topic",
            consumer_group(&as_topic, &with(", allowedGroups: {from: All}")),
            reasons::REFERENCE_NOT_FOUND,
        ),
    ]);
    let open = with(", allowedGroups: {from: All}");
    let resolved = consumer_group(&group("team-a.dead"), &open).expect("it is accepted");
    let reads_letters = resolved
        .grants
        .iter()
        .any(|acl| acl.name == "team-a.dead" && acl.operation == crate::kafka::AclOperation::Read);
    assert!(!reads_letters, "who writes dead letters may read them");
}

#[test]
fn a_schema_for_a_topic_lives_with_the_topics_owner() {
    let shared = "[{selector: {matchLabels: {kafka: 'yes'}}, prefixes: [shared.]}]";
    let facts = granting(shared).with_topic(a_topic("team-a", "shared.orders", 5, ""));
    judge(vec![
        attempt(
            "another's topic's subject under a shared prefix",
            schema(
                &a_schema("team-b", "s", 1, ", subject: shared.orders-value"),
                &facts,
            ),
            reasons::NOT_ALLOWED,
        ),
        attempt(
            "from the cluster's namespace",
            schema(
                &a_schema("platform", "s", 1, ", subject: shared.orders-key"),
                &facts,
            ),
            reasons::NOT_ALLOWED,
        ),
        attempt(
            "the owner's",
            schema(
                &a_schema("team-a", "s", 9, ", subject: shared.orders-value"),
                &facts,
            ),
            None,
        ),
        attempt(
            "a topicRef to another namespace's topic",
            schema(
                &a_schema("team-b", "s", 1, ", topicRef: {name: shared.orders}"),
                &facts,
            ),
            reasons::REFERENCE_NOT_FOUND,
        ),
        attempt(
            "another's topic by a shared prefix",
            consumer_group(
                &a_group("team-b", "shared.g", &reads("{prefix: shared.}")),
                &facts,
            ),
            reasons::NOT_ALLOWED,
        ),
        attempt(
            "a longer prefix that covers none",
            consumer_group(
                &a_group("team-b", "shared.g", &reads("{prefix: shared.b.}")),
                &facts,
            ),
            None,
        ),
    ]);
}

#[test]
fn a_schema_names_a_subject_of_another_namespace_by_consent() {
    let carrier = |rest: &str| {
        let rest = format!(", subject: team-a.carrier{rest}");
        Manifests::new().with_schema(a_schema("team-a", "carrier", 5, &rest))
    };
    let visitor = |namespace: &str, subject: &str| {
        let rest = format!(
            ", subject: {namespace}.visitor, references: [{{name: dev.X, subject: {subject}, version: 1}}]"
        );
        a_schema(namespace, "visitor", 1, &rest)
    };
    let closed = carrier("");
    let shared = "[{selector: {matchLabels: {kafka: 'yes'}}, prefixes: [shared.]}]";
    let topic = granting(shared).with_topic(a_topic("team-a", "shared.orders", 5, ""));
    let neighbour = a_schema(
        "team-b",
        "visitor",
        1,
        ", subject: shared.visitor, references: [{name: dev.X, subject: shared.orders-value, version: 1}]",
    );
    judge(vec![
        attempt(
            "a subject that a stranger holds",
            schema(&visitor("team-b", "team-a.carrier"), &closed),
            reasons::NOT_ALLOWED,
        ),
        attempt(
            "from the cluster's namespace",
            schema(&visitor("platform", "team-a.carrier"), &closed),
            reasons::NOT_ALLOWED,
        ),
        attempt(
            "by its own namespace",
            schema(&visitor("team-a", "team-a.carrier"), &closed),
            None,
        ),
        attempt(
            "by one that is let in",
            schema(
                &visitor("team-b", "team-a.carrier"),
                &carrier(
                    ", allowedReferences: {from: Selector, selector: {matchLabels: {team: b}}}",
                ),
            ),
            None,
        ),
        attempt(
            "a subject of another's prefix that nobody holds yet",
            schema(&visitor("team-b", "team-a.other"), &closed),
            reasons::NAME_NOT_GRANTED,
        ),
        attempt(
            "a subject of another's topic under a shared prefix",
            schema(&neighbour, &topic),
            reasons::NOT_ALLOWED,
        ),
        attempt(
            "a Schema of another namespace by its resource's name",
            schema(
                &a_schema(
                    "team-b",
                    "s",
                    1,
                    ", subject: team-b.s, references: [{name: dev.X, schemaRef: {name: carrier}}]",
                ),
                &closed,
            ),
            reasons::REFERENCE_NOT_FOUND,
        ),
    ]);
}

/// `team-a` may have two topics and ten partitions.
fn limited() -> Manifests {
    granting("[{selector: {matchLabels: {kafka: 'yes'}}, limits: {topics: 2, partitions: 10}}]")
}

/// A topic that has been made with `partitions`, and asks for `wanted`.
fn made(name: &str, age: u8, partitions: i32, wanted: i32) -> Topic {
    let mut topic = a_topic("team-a", name, age, "");
    topic.spec.partitions = wanted;
    topic.status = Some(millrace_crds::TopicStatus {
        topic_name: Some(name.to_owned()),
        partitions: Some(partitions),
        ..millrace_crds::TopicStatus::default()
    });
    topic
}

#[test]
fn a_namespace_makes_no_more_topics_than_its_limit_and_the_oldest_come_first() {
    let third = a_topic("team-a", "team-a.third", 3, "");
    let facts = limited()
        .with_topic(a_topic("team-a", "team-a.first", 1, ""))
        .with_dlq(a_dlq("team-a", "team-a.dead", ""))
        .with_topic(third.clone());
    judge(vec![
        attempt(
            "the oldest",
            topic(&a_topic("team-a", "team-a.first", 1, ""), &facts),
            None,
        ),
        attempt("the next", topic(&third, &facts), None),
        attempt(
            "a dlq counts, and comes last without an age",
            dlq(&a_dlq("team-a", "team-a.dead", ""), &facts),
            reasons::LIMIT_EXCEEDED,
        ),
        attempt(
            "another namespace has its own",
            topic(&a_topic("team-b", "team-b.x", 9, ""), &facts),
            None,
        ),
        attempt(
            "the cluster's own has none",
            topic(&a_topic("platform", "x", 9, ""), &facts),
            None,
        ),
    ]);
    let rejection = dlq(&a_dlq("team-a", "team-a.dead", ""), &facts).expect_err("it is rejected");
    expect_test::expect!["topic `team-a.dead`: namespace `team-a` has 2 of at most 2 topics on KafkaCluster platform/events; delete what is not needed, or ask the cluster's owner to raise limits.topics in spec.namespaces"]
        .assert_eq(&rejection.message);
}

#[test]
fn what_is_there_stays_whatever_the_limit_and_an_older_claim_does_not_push_it_out() {
    let facts = limited()
        .with_topic(a_topic("team-a", "team-a.older", 1, ""))
        .with_topic(made("team-a.one", 5, 40, 40))
        .with_topic(made("team-a.two", 6, 3, 3))
        .with_topic(made("team-a.three", 7, 3, 3));
    judge(vec![
        attempt(
            "over the limit, but there",
            topic(&made("team-a.one", 5, 40, 40), &facts),
            None,
        ),
        attempt(
            "the third, but there",
            topic(&made("team-a.three", 7, 3, 3), &facts),
            None,
        ),
        attempt(
            "older, but not there",
            topic(&a_topic("team-a", "team-a.older", 1, ""), &facts),
            reasons::LIMIT_EXCEEDED,
        ),
    ]);
}

#[test]
fn partitions_over_the_limit_are_not_added_and_the_topic_keeps_what_it_has() {
    let grown = made("team-a.one", 1, 3, 8);
    let facts = limited()
        .with_topic(grown.clone())
        .with_topic(made("team-a.two", 2, 6, 6));
    let capped = topic(&grown, &facts)
        .expect("it is accepted")
        .capped
        .expect("its growth is not");
    assert_eq!(capped.partitions, 3);
    expect_test::expect!["topic `team-a.one` asks for 8 partitions and has 3: namespace `team-a` has 9 of at most 10 partitions on KafkaCluster platform/events; delete what is not needed, or ask the cluster's owner to raise limits.partitions in spec.namespaces"]
        .assert_eq(&capped.why.message);
    let fits = made("team-a.one", 1, 3, 4);
    assert_eq!(topic(&fits, &facts).map(|t| t.capped), Ok(None));
}

#[test]
fn a_topic_that_was_announced_and_never_made_does_not_grow_past_the_limit_meanwhile() {
    let mut announced = made("team-a.one", 1, 3, 10_000);
    if let Some(status) = &mut announced.status {
        status.partitions = None;
    }
    let facts = limited().with_topic(announced.clone());
    judge(vec![attempt(
        "growing unseen",
        topic(&announced, &facts),
        reasons::LIMIT_EXCEEDED,
    )]);
}

#[test]
fn one_that_is_too_large_does_not_keep_smaller_ones_out() {
    let mut large = a_topic("team-a", "team-a.large", 1, "");
    large.spec.partitions = 50;
    let small = a_topic("team-a", "team-a.small", 2, "");
    let facts = limited()
        .with_topic(large.clone())
        .with_topic(small.clone());
    judge(vec![
        attempt("too large", topic(&large, &facts), reasons::LIMIT_EXCEEDED),
        attempt("small", topic(&small, &facts), None),
    ]);
}

#[test]
fn what_is_only_observed_counts_nothing() {
    let observed = a_topic("team-a", "team-a.seen", 3, ", managementPolicy: Observe");
    let facts = limited()
        .with_topic(made("team-a.one", 1, 3, 3))
        .with_topic(made("team-a.two", 2, 3, 3))
        .with_topic(observed.clone());
    judge(vec![attempt("observing", topic(&observed, &facts), None)]);
}

fn an_application(namespace: &str, id: &str, topic: &str) -> ConsumerGroup {
    let rest = format!("{}, type: Streams", reads(&format!("{{name: {topic}}}")));
    a_group(namespace, id, &rest)
}

/// Both namespaces may use names that begin with `shared.`, and `team-a` also those that begin with `a-`.
fn sharing() -> Manifests {
    granting(
        "[{selector: {matchLabels: {kafka: 'yes'}}, prefixes: [shared.]}, {selector: {matchLabels: {team: a}}, prefixes: [a-]}]",
    )
    .with_topic(a_topic("team-a", "shared.orders", 1, ""))
    .with_topic(a_topic("team-b", "shared.bills", 1, ""))
}

#[test]
fn an_application_of_kafka_streams_has_topics_of_its_own_and_no_others() {
    let at_home = Manifests::new()
        .with_topic(a_topic("platform", "orders", 1, ""))
        .with_topic(a_topic("team-a", "team-a.orders", 1, ""));
    let own = |id: &str| consumer_group(&an_application("team-a", id, "shared.orders"), &sharing());
    let home = |id: &str| consumer_group(&an_application("platform", id, "orders"), &at_home);
    let beside = |name: &str| {
        let facts = sharing().with_topic(a_topic("team-b", name, 2, ""));
        let mine = an_application("team-a", "shared.app", "shared.orders");
        consumer_group(&mine, &facts)
    };
    judge(vec![
        attempt("its own id", own("shared.app"), None),
        attempt(
            "a prefix without its separator",
            own("a"),
            reasons::NAME_NOT_GRANTED,
        ),
        attempt("a prefix itself", own("a-"), reasons::NAME_NOT_GRANTED),
        attempt("what is longer than the prefix", own("a-app"), None),
        attempt("from the cluster's namespace", home("app"), None),
        attempt(
            "all of a namespace from the cluster's",
            home("team"),
            reasons::NOT_ALLOWED,
        ),
        attempt(
            "the cluster's own topics",
            home("millrace"),
            reasons::NAME_RESERVED,
        ),
        attempt("Kafka's own topics", home("_"), None),
        attempt(
            "an id that is no name of a topic",
            home("a/b"),
            reasons::INVALID_SPEC,
        ),
        attempt(
            "another namespace's topic below its id",
            beside("shared.app-out"),
            reasons::NOT_ALLOWED,
        ),
        attempt(
            "another namespace's topic beside it",
            beside("shared.appendix"),
            None,
        ),
    ]);
}

#[test]
fn of_two_applications_of_different_namespaces_none_covers_the_others_topics() {
    let theirs = an_application("team-b", "shared.app-nightly", "shared.bills");
    let mut facts = sharing();
    for name in group_names(&theirs) {
        facts.claim(name, Claimant::of(&theirs));
    }
    let mine = an_application("team-a", "shared.app", "shared.orders");
    let all = a_group("team-a", "shared.all", &reads("{prefix: shared.app-}"));
    let plain = a_group("team-a", "shared.app", &reads("{name: shared.orders}"));
    judge(vec![
        attempt(
            "an id that begins the other's",
            consumer_group(&mine, &facts),
            reasons::NOT_ALLOWED,
        ),
        attempt(
            "reading the other's internal topics",
            consumer_group(&all, &facts),
            reasons::NOT_ALLOWED,
        ),
        attempt(
            "the same id without topics of its own",
            consumer_group(&plain, &facts),
            None,
        ),
        attempt("the longer id", consumer_group(&theirs, &facts), None),
    ]);
}
