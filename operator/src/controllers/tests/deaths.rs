//! Whatever is edited, whatever people do in Kafka, and wherever the operator dies: in the end everything is as the resources say, and
//! no record is lost that nobody asked to lose.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::testing::{House, Operator};
use crate::{
    desire,
    kafka::{ConfigChange, ObservedTopic},
    plan, resolve,
    status::State,
    world::{View, ViewState},
};

/// Resources, and the topic each asks for.
const RESOURCES: [(&str, &str); 3] = [("a", "a"), ("b", "b"), ("rival", "a")];

/// What happens between two rests of the operator.
#[derive(Clone, Debug)]
enum Happening {
    Applied { resource: usize, spec: Spec },
    ResourceDeleted(usize),
    TopicDeleted(&'static str),
    TopicMade(&'static str),
    Configured(&'static str, u32),
    Allowed(&'static str, u8),
}

#[derive(Clone, Debug)]
struct Spec {
    partitions: usize,
    retention: Option<u32>,
    producers: BTreeSet<u8>,
    delete: bool,
    adopt: bool,
    observe: bool,
    paused: bool,
}

#[derive(Clone, Debug)]
struct Chapter {
    happening: Happening,
    /// Whether it happens while the operator runs, or while it is down.
    live: bool,
    /// The points of writes that the operator passes before it dies.
    death: Option<usize>,
}

fn spec() -> impl Strategy<Value = Spec> {
    let rarely = || prop::bool::weighted(0.1);
    (
        1_usize..5,
        prop::option::of(1_u32..4),
        prop::collection::btree_set(0_u8..3, 0..3),
        any::<bool>(),
        any::<bool>(),
        rarely(),
        rarely(),
    )
        .prop_map(
            |(partitions, retention, producers, delete, adopt, observe, paused)| Spec {
                partitions,
                retention,
                producers,
                delete,
                adopt,
                observe,
                paused,
            },
        )
}

fn happening() -> impl Strategy<Value = Happening> {
    let topic = || prop_oneof![Just("a"), Just("b")];
    prop_oneof![
        6 => (0_usize..3, spec()).prop_map(|(resource, spec)| Happening::Applied { resource, spec }),
        4 => (0_usize..3).prop_map(Happening::ResourceDeleted),
        1 => topic().prop_map(Happening::TopicDeleted),
        1 => topic().prop_map(Happening::TopicMade),
        1 => (topic(), 1_u32..4).prop_map(|(topic, ms)| Happening::Configured(topic, ms)),
        1 => (topic(), 0_u8..3).prop_map(|(topic, account)| Happening::Allowed(topic, account)),
    ]
}

/// What is applied before the operator first starts, in this order, and what happens then.
#[derive(Clone, Debug)]
struct Story {
    applied: Vec<(usize, Spec)>,
    chapters: Vec<Chapter>,
}

/// Stories begin with resources, and often with two for one topic: what may be lost has to be there first.
fn story(live: bool) -> impl Strategy<Value = Story> {
    let mostly = || prop::option::weighted(0.8, spec());
    let applied = (mostly(), prop::option::weighted(0.3, spec()), mostly());
    let chapters = prop::collection::vec(chapter(live), 1..4);
    (applied, chapters).prop_map(|((a, b, rival), chapters)| Story {
        applied: (0..)
            .zip([a, b, rival])
            .filter_map(|(resource, spec)| Some((resource, spec?)))
            .collect(),
        chapters,
    })
}

fn chapter(live: bool) -> impl Strategy<Value = Chapter> {
    (happening(), prop::option::weighted(0.7, 0_usize..16)).prop_map(move |(happening, death)| {
        Chapter {
            happening,
            live,
            death,
        }
    })
}

fn happen(house: &House, happening: &Happening) {
    match happening {
        Happening::Applied { resource, spec } => {
            let (name, topic) = RESOURCES[*resource];
            let producers: Vec<_> = spec
                .producers
                .iter()
                .map(|n| json!({ "serviceAccountName": format!("account-{n}") }))
                .collect();
            let mut wanted = json!({
                "topicName": topic, "partitions": spec.partitions, "producers": producers, "adopt": spec.adopt,
                "deletionPolicy": if spec.delete { "Delete" } else { "Retain" },
                "managementPolicy": if spec.observe { "Observe" } else { "Manage" },
            });
            if let Some(ms) = spec.retention {
                wanted["config"] = json!({ "retention.ms": ms });
            }
            let annotations = match spec.paused {
                true => json!({ "millrace.dev/paused": "true" }),
                false => json!({}),
            };
            house.put_annotated("Topic", "kafka", name, annotations, wanted);
        }
        Happening::ResourceDeleted(resource) => {
            house.delete("Topic", "kafka", RESOURCES[*resource].0);
        }
        Happening::TopicDeleted(topic) => drop(house.kafka.delete_topic(topic)),
        Happening::TopicMade(topic) => drop(house.kafka.create_topic(&super::found(topic, 1))),
        Happening::Configured(topic, ms) => drop(house.kafka.alter_config(&ConfigChange {
            topic: (*topic).to_owned(),
            set: [("segment.ms".to_owned(), ms.to_string())].into(),
            reset: BTreeSet::new(),
        })),
        Happening::Allowed(topic, account) => {
            house
                .kafka
                .add_acl(super::write(&format!("account-{account}"), topic));
        }
    }
}

/// The topics that may go, or be others, after something happened.
fn may_go(house: &House, happening: &Happening) -> Option<String> {
    match happening {
        Happening::TopicDeleted(topic) => Some((*topic).to_owned()),
        Happening::ResourceDeleted(resource) => {
            let (name, topic) = RESOURCES[*resource];
            let there = |name: &str| house.get("Topic", "kafka", name);
            there(name)?;
            // One that an operator died over is still going, and may take the topic along once nobody else wants it.
            let (going, staying): (Vec<_>, Vec<_>) = RESOURCES
                .iter()
                .filter(|(_, of)| *of == topic)
                .filter_map(|(other, _)| Some((*other, there(other)?)))
                .partition(|(other, object)| {
                    *other == name || !object["metadata"]["deletionTimestamp"].is_null()
                });
            let asked = |object: &Value| {
                object["spec"]["deletionPolicy"] == "Delete"
                    && object["spec"]["managementPolicy"] == "Manage"
                    && (object["status"]["topicName"] == topic || announced(house, object, topic))
            };
            let asked = going.iter().any(|(_, object)| asked(object));
            (asked && staying.is_empty()).then(|| topic.to_owned())
        }
        _ => None,
    }
}

/// Whether the topic was about to be made for the resource when an operator died.
fn announced(house: &House, object: &Value, topic: &str) -> bool {
    let uid = object["metadata"]["uid"].as_str().unwrap_or_default();
    let journal = house.get("ConfigMap", "kafka", "main-creating");
    let journal = journal.unwrap_or_default()["data"]["topics"].to_string();
    journal.contains(&format!("{uid} {topic}"))
}

fn view(operator: &Operator) -> std::sync::Arc<View> {
    let clusters = &operator.context.world.clusters;
    let handle = clusters.get(&clusters.keys()[0]).unwrap();
    match handle.view() {
        ViewState::Reachable(view) => view,
        other => panic!("Kafka is there: {other:?}"),
    }
}

/// Nothing is left to do, and the conditions say so.
fn assert_settled(house: &House, operator: &Operator) {
    let world = &operator.context.world;
    let view = view(operator);
    for topic in operator.topics() {
        let name = topic.metadata.name.as_deref().unwrap();
        let status = topic.status.clone().unwrap_or_default();
        let Ok(desired) = resolve::topic(&topic, world) else {
            continue;
        };
        let own = status.topic_name.as_deref() == Some(desired.name.as_str());
        let managed = desired.management == millrace_crds::ManagementPolicy::Manage
            && !resolve::paused(topic.as_ref());
        if !managed {
            continue;
        }
        let observed: Option<&ObservedTopic> =
            view.topics.get(desired.name.as_str()).map(AsRef::as_ref);
        let plan = plan::topic(&desired, observed, &view.cluster, own);
        assert_eq!(plan.steps, [], "{name}: nothing is left to do");
        let ready = house.says(name, "Ready");
        let expected = match plan.blocked.is_empty() {
            true => State::True.as_str(),
            false => State::False.as_str(),
        };
        assert!(ready.starts_with(expected), "{name}: {ready}");
        assert_eq!(
            status.observed_generation, topic.metadata.generation,
            "{name}"
        );
    }
    let key = &world.clusters.keys()[0];
    let mut allowed = desire::access::of(key, world);
    allowed.extend(desire::access::kept(key, world, &view.acls));
    assert_eq!(
        plan::access(&allowed, &view.acls),
        [],
        "nothing is left to allow"
    );
}

fn ids(house: &House) -> BTreeMap<String, String> {
    let topics = house.kafka.topics().into_iter();
    topics.map(|(name, topic)| (name, topic.id)).collect()
}

/// One chapter; `goes` gathers the topics that may go since the operator last came to rest.
fn play(chapter: &Chapter, house: &House, goes: &mut BTreeSet<String>) {
    let before = ids(house);
    let fuse = house.kafka.fuse();
    let mut happens = || {
        goes.extend(may_go(house, &chapter.happening));
        happen(house, &chapter.happening);
    };
    if !chapter.live {
        happens();
    }
    fuse.set(chapter.death);
    let rested = house.live_until_dead_or_quiet(async |_| {
        if chapter.live {
            house.quiet().await;
            happens();
        }
    });
    fuse.set(None);
    assert_kept(house, &before, goes);
    if rested {
        goes.clear();
    }
}

fn assert_kept(house: &House, before: &BTreeMap<String, String>, goes: &BTreeSet<String>) {
    let after = ids(house);
    for (name, id) in before.iter().filter(|(name, _)| !goes.contains(*name)) {
        assert_eq!(
            after.get(name),
            Some(id),
            "topic {name} and its records stay"
        );
    }
}

fn tell(story: &Story) {
    let house = House::new();
    for (resource, spec) in story.applied.clone() {
        happen(&house, &Happening::Applied { resource, spec });
    }
    let mut goes = BTreeSet::new();
    for chapter in &story.chapters {
        play(chapter, &house, &mut goes);
    }
    let before = ids(&house);
    house.live(async |operator| {
        house.quiet().await;
        assert_settled(&house, operator);
    });
    assert_kept(&house, &before, &goes);
}

/// At least 1000 cases each, more where `PROPTEST_CASES` says so.
fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig {
        cases: default.cases.max(1_000),
        max_shrink_iters: 100,
        ..default
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn wherever_it_dies_at_what_happens_beside_it_all_is_made_true_and_no_record_is_lost(story in story(true)) {
        tell(&story);
    }

    #[test]
    fn wherever_it_dies_at_what_happened_while_it_was_down_all_is_made_true_and_no_record_is_lost(story in story(false)) {
        tell(&story);
    }
}
