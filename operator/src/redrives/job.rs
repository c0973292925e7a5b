use std::collections::BTreeMap;

use kube::ResourceExt;
use millrace_crds::{Redrive, RedriveFilter, RedriveTo};
use millrace_redrive::{
    decision::{Destination, EarlierRun, Filter, OffsetRange, Rules},
    engine::Job,
};

use crate::world::View;

/// What the run of a Redrive that has begun has to do: its spec, with what its status fixed at the beginning.
pub fn job(
    redrive: &Redrive,
    letters: &str,
    connection: BTreeMap<String, String>,
    view: &View,
    earlier: Vec<EarlierRun>,
) -> Job {
    let spec = &redrive.spec;
    let status = redrive.status.clone().unwrap_or_default();
    let partitions = status.partitions.iter();
    Job {
        connection,
        redrive: redrive.uid().unwrap_or_default(),
        topic: letters.to_owned(),
        ends: partitions.clone().map(|p| (p.partition, p.end)).collect(),
        published: partitions
            .filter(|partition| partition.next > 0)
            .map(|partition| (partition.partition, partition.next))
            .collect(),
        rules: rules(redrive, |topic| {
            let known = view.topics.get(topic)?;
            i32::try_from(known.partitions.len()).ok()
        }),
        earlier: if spec.again { Vec::new() } else { earlier },
        per_second: spec.letters_per_second.map(i32::unsigned_abs),
        max: spec.max.map(i64::unsigned_abs),
        stop_at_returned_percent: spec
            .stop_at_returned_percent
            .and_then(|percent| u8::try_from(percent).ok()),
        dry_run: spec.dry_run,
    }
}

/// What a Redrive that has ended had done.
pub fn earlier(redrive: &Redrive) -> EarlierRun {
    let status = redrive.status.as_ref();
    let partitions = status.into_iter().flat_map(|status| &status.partitions);
    EarlierRun {
        // Which of its partitions a letter went to makes no difference to whether it went.
        rules: rules(redrive, |_| Some(1)),
        processed: partitions.map(|p| (p.partition, p.next)).collect(),
    }
}

/// The rules of a Redrive. `partitions`: how many a topic has; None where there is none.
fn rules(redrive: &Redrive, partitions: impl Fn(&str) -> Option<i32>) -> Rules {
    let spec = &redrive.spec;
    let destinations = redrive
        .status
        .iter()
        .flat_map(|status| &status.destinations);
    Rules {
        filter: spec.filter.as_ref().map(filter).unwrap_or_default(),
        to: match (spec.to, &spec.topic_name) {
            (RedriveTo::Topic, Some(topic)) => Destination::Topic(topic.clone()),
            _ => Destination::Origin,
        },
        max_attempts: spec.max_attempts.unsigned_abs(),
        quarantine: spec.quarantine_topic_name.clone(),
        allowed: destinations
            .filter_map(|topic| Some((topic.clone(), partitions(topic)?)))
            .collect(),
    }
}

fn filter(filter: &RedriveFilter) -> Filter {
    let offsets = filter.offsets.iter().map(|range| OffsetRange {
        partition: range.partition,
        from: range.from,
        until: range.until,
    });
    let headers = filter.headers.iter();
    Filter {
        reasons: filter.reasons.clone(),
        sources: filter.sources.clone(),
        from: filter.from.as_ref().map(|time| time.0.as_millisecond()),
        until: filter.until.as_ref().map(|time| time.0.as_millisecond()),
        offsets: offsets.collect(),
        key_prefix: filter
            .key_prefix
            .as_ref()
            .map(|prefix| prefix.clone().into_bytes())
            .unwrap_or_default(),
        headers: headers
            .map(|header| (header.name.clone(), header.value.clone().into_bytes()))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kafka::{ObservedPartition, ObservedTopic};

    #[test]
    fn a_job_is_the_spec_with_what_was_fixed_at_the_beginning() {
        let redrive: Redrive = serde_json::from_value(json!({
            "metadata": { "namespace": "shop", "name": "home", "uid": "u1" },
            "spec": {
                "dlqRef": { "name": "letters" }, "lettersPerSecond": 50, "max": 7, "stopAtReturnedPercent": 10,
                "quarantineTopicName": "shop.parking",
                "filter": {
                    "reasons": ["NoPrice"], "from": "1970-01-01T00:00:01Z", "keyPrefix": "k",
                    "offsets": [{ "partition": 1, "from": 5 }], "headers": [{ "name": "tenant", "value": "a" }],
                },
            },
            "status": {
                "destinations": ["shop.orders", "shop.gone"],
                "partitions": [
                    { "partition": 0, "next": 0, "end": 10 }, { "partition": 1, "next": 4, "end": 8 },
                ],
            },
        }))
        .unwrap();
        let topic = ObservedTopic {
            partitions: vec![ObservedPartition::default(); 3],
            ..ObservedTopic::default()
        };
        let view = View {
            topics: [("shop.orders".to_owned(), topic.into())].into(),
            ..View::default()
        };
        let job = job(&redrive, "shop.letters", BTreeMap::new(), &view, Vec::new());
        assert_eq!(
            (job.redrive.as_str(), job.topic.as_str()),
            ("u1", "shop.letters")
        );
        assert_eq!(job.ends, [(0, 10), (1, 8)].into());
        assert_eq!(
            job.published,
            [(1, 4)].into(),
            "what nobody has moved is not published"
        );
        assert_eq!(job.rules.allowed, [("shop.orders".to_owned(), 3)].into());
        assert_eq!(job.rules.to, Destination::Origin);
        assert_eq!(job.rules.max_attempts, 3);
        assert_eq!(job.rules.filter.from, Some(1_000));
        assert_eq!(job.rules.filter.key_prefix, b"k");
        assert_eq!(
            (job.per_second, job.max, job.stop_at_returned_percent),
            (Some(50), Some(7), Some(10))
        );

        let earlier = earlier(&redrive);
        assert_eq!(earlier.processed, [(0, 0), (1, 4)].into());
        assert!(
            earlier.rules.allowed.contains_key("shop.gone"),
            "it may have written there"
        );
    }
}
