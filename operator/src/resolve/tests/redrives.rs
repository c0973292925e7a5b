use millrace_crds::Redrive;

use super::*;
use crate::resolve::redrive_destinations;

fn a_redrive(rest: &str) -> Redrive {
    parse(&format!(
        "apiVersion: millrace.dev/v1alpha1\nkind: Redrive\nmetadata: {{name: home, namespace: team-a}}\nspec: {{dlqRef: {{name: letters}}{rest}}}"
    ))
}

/// The topics that letters may go to with such a spec; there are three Topics, of which one lets nobody in.
fn open_to(spec: &str) -> Vec<String> {
    let consents = ", allowedRedrives: {from: All}";
    let facts = Manifests::new()
        .with_topic(a_topic("team-a", "team-a.orders", 1, ""))
        .with_topic(a_topic("team-b", "team-b.open", 1, consents))
        .with_topic(a_topic("team-b", "team-b.closed", 1, ""))
        // Its name is another namespace's.
        .with_topic(a_topic("team-a", "team-b.stolen", 1, ""));
    let cluster = ClusterKey {
        namespace: "platform".to_owned(),
        name: "events".to_owned(),
    };
    redrive_destinations(&a_redrive(spec), &cluster, &facts.topics, &facts).unwrap()
}

#[test]
fn letters_go_to_topics_of_the_namespace_and_to_those_that_let_it_in() {
    assert_eq!(open_to(""), ["team-a.orders", "team-b.open"]);
}

#[test]
fn a_filter_or_a_name_leaves_the_others_out_and_opens_nothing() {
    let only = ", filter: {sources: [team-b.open, team-b.closed]}";
    assert_eq!(open_to(only), ["team-b.open"]);
    let parking = format!("{only}, quarantineTopicName: team-a.orders");
    assert_eq!(open_to(&parking), ["team-a.orders", "team-b.open"]);
    let named = ", to: Topic, topicName: team-b.open";
    assert_eq!(open_to(named), ["team-b.open"]);
    let closed = ", to: Topic, topicName: team-b.closed";
    assert!(open_to(closed).is_empty());
}

#[test]
fn more_topics_than_a_status_has_room_for_are_refused() {
    let mut facts = Manifests::new();
    for n in 0..1_001 {
        facts = facts.with_topic(a_topic("team-a", &format!("team-a.{n}"), 1, ""));
    }
    let cluster = ClusterKey {
        namespace: "platform".to_owned(),
        name: "events".to_owned(),
    };
    let open = |spec: &str| redrive_destinations(&a_redrive(spec), &cluster, &facts.topics, &facts);
    assert_eq!(reason(open("")), reasons::INVALID_SPEC);
    assert_eq!(
        open(", filter: {sources: [team-a.7]}").unwrap(),
        ["team-a.7"]
    );
}
