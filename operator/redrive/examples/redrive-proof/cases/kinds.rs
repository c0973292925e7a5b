use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use millrace_redrive::{
    decision::{Destination, EarlierRun, Filter, Rules},
    engine::{Job, Progress, ends},
    letter::{ATTEMPT, FIRST_ORIGIN, REDRIVE},
    tally::Counts,
};
use rdkafka::{
    Message,
    message::{Header, Headers, OwnedHeaders},
    producer::BaseRecord,
};

use crate::{broker, engine::carry_out};

/// Names with values, in their order.
type Pairs = Vec<(String, Option<Vec<u8>>)>;

/// A record as it is written and read.
#[derive(Clone, Debug, Default, PartialEq)]
struct Record {
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Pairs,
}

impl Record {
    fn new(key: Option<&[u8]>, value: Option<&[u8]>) -> Self {
        Self {
            key: key.map(<[u8]>::to_vec),
            value: value.map(<[u8]>::to_vec),
            headers: Pairs::new(),
        }
    }

    fn with(mut self, name: &str, value: &[u8]) -> Self {
        self.headers.push((name.to_owned(), Some(value.to_vec())));
        self
    }

    fn without_value(mut self, name: &str) -> Self {
        self.headers.push((name.to_owned(), None));
        self
    }

    fn home(self, redrive: &str, attempt: &str, origin: &str) -> Self {
        self.with(REDRIVE, redrive.as_bytes())
            .with(ATTEMPT, attempt.as_bytes())
            .with(FIRST_ORIGIN, origin.as_bytes())
    }
}

struct Topics {
    letters: String,
    orders: String,
    parking: String,
}

pub(super) fn each_kind_of_letter_comes_to_what_it_should(bootstrap: &str) -> Result<()> {
    let id = broker::unique()?;
    let topics = Topics {
        letters: format!("{id}.dlq"),
        orders: format!("{id}.orders"),
        parking: format!("{id}.parking"),
    };
    for topic in [&topics.letters, &topics.orders, &topics.parking] {
        broker::make(bootstrap, topic, 1)?;
    }
    let original = Record::new(Some(b"k"), Some(b"original")).with("traceparent", b"2");
    let orders = [Record::new(None, Some(b"expires")), original.clone()];
    write(bootstrap, &topics.orders, &orders)?;
    broker::delete_before(bootstrap, &topics.orders, 1)?;
    write(bootstrap, &topics.letters, &letters(&topics.orders))?;
    let job = job(bootstrap, &id, &topics)?;

    let dry = carry_out(
        Job {
            dry_run: true,
            ..job.clone()
        },
        |_| {},
    )?;
    ensure!(
        read(bootstrap, &topics.orders)?.len() == 1,
        "a dry run wrote something"
    );
    let run = carry_out(job.clone(), |_| {})?;
    ensure!(
        dry.report == run.report,
        "the dry run said {:?}",
        dry.report
    );
    check_counts(&run)?;
    check_home(bootstrap, &topics, &id, original)?;
    let again = Job {
        redrive: format!("{id}-2"),
        earlier: vec![EarlierRun {
            rules: job.rules.clone(),
            processed: job.ends.clone(),
        }],
        ..job
    };
    let counts = carry_out(again, |_| {})?.report.counts;
    ensure!(
        (counts.already_home, counts.moved()) == (6, 0),
        "an earlier run is not heeded: {counts:?}"
    );
    println!("kinds            8 letters came to what they should, and a second run leaves them");
    Ok(())
}

fn job(bootstrap: &str, id: &str, topics: &Topics) -> Result<Job> {
    let connection = broker::connection(bootstrap);
    Ok(Job {
        ends: ends(&connection, &topics.letters, 1)?,
        connection,
        redrive: id.to_owned(),
        topic: topics.letters.clone(),
        published: BTreeMap::new(),
        rules: Rules {
            filter: Filter::default(),
            to: Destination::Origin,
            max_attempts: 3,
            quarantine: Some(topics.parking.clone()),
            allowed: [&topics.orders, &topics.parking]
                .map(|topic| (topic.clone(), 1))
                .into(),
        },
        earlier: Vec::new(),
        per_second: None,
        max: None,
        stop_at_returned_percent: None,
        dry_run: false,
    })
}

fn letters(orders: &str) -> Vec<Record> {
    let orders = orders.as_bytes();
    vec![
        tombstone()
            .with("dlq.source.topic", orders)
            .with("dlq.reason", b"a"),
        empty()
            .with("kafka_dlt-original-topic", orders)
            .with("kafka_dlt-original-partition", &0_i32.to_be_bytes())
            .with("kafka_dlt-original-offset", &77_i64.to_be_bytes())
            .with(
                "kafka_dlt-exception-fqcn",
                b"java.lang.IllegalStateException",
            ),
        without_body(orders, b"1"),
        without_body(orders, b"0"),
        often(orders),
        Record::new(Some(b"stray"), Some(b"v")).with("trace", b"1"),
        Record::new(Some(b"k"), Some(b"v")).with("dlq.source.topic", b"theirs"),
        Record::new(Some(b"k"), Some(b"again"))
            .with(ATTEMPT, b"1")
            .with(FIRST_ORIGIN, b"first/0/5")
            .with("__connect.errors.topic", orders),
    ]
}

fn tombstone() -> Record {
    Record::new(Some(b"gone"), None)
        .with("twice", b"1")
        .without_value("none")
        .with("empty", b"")
        .with("twice", &[0xff, 0x00])
}

fn empty() -> Record {
    Record::new(Some(b""), Some(b"")).with("traceparent", b"1")
}

fn without_body(orders: &[u8], offset: &[u8]) -> Record {
    Record::default()
        .with("__dlq.errors.topic", orders)
        .with("__dlq.errors.partition", b"0")
        .with("__dlq.errors.offset", offset)
        .with("__dlq.errors.message", b"delivery count")
}

fn often(orders: &[u8]) -> Record {
    Record::new(Some(b"often"), Some(b"v"))
        .with("dlq.source.topic", orders)
        .with(ATTEMPT, b"3")
}

fn check_counts(run: &Progress) -> Result<()> {
    let expected = Counts {
        scanned: 8,
        matched: 8,
        redriven: 4,
        quarantined: 1,
        no_origin: 1,
        refused: 1,
        original_expired: 1,
        ..Counts::default()
    };
    ensure!(run.report.counts == expected, "{:?}", run.report.counts);
    Ok(())
}

fn check_home(bootstrap: &str, topics: &Topics, id: &str, original: Record) -> Result<()> {
    let at = |place: &str| format!("{}{place}", topics.orders);
    let expected = [
        original.clone(),
        tombstone().home(id, "1", &at("")),
        empty().home(id, "1", &at("/0/77")),
        original.home(id, "1", &at("/0/1")),
        Record::new(Some(b"k"), Some(b"again")).home(id, "2", "first/0/5"),
    ];
    let found = read(bootstrap, &topics.orders)?;
    ensure!(found == expected, "home are {found:#?}");
    let parked = read(bootstrap, &topics.parking)?;
    ensure!(
        parked == [often(topics.orders.as_bytes())],
        "in quarantine are {parked:#?}"
    );
    Ok(())
}

fn write(bootstrap: &str, topic: &str, records: &[Record]) -> Result<()> {
    let producer = broker::producer(bootstrap)?;
    for record in records {
        let insert = |headers: OwnedHeaders, (name, value): &(String, Option<Vec<u8>>)| {
            headers.insert(Header {
                key: name,
                value: value.as_deref(),
            })
        };
        let headers = record.headers.iter().fold(OwnedHeaders::new(), insert);
        let mut sent = BaseRecord::<[u8], [u8]>::to(topic).headers(headers);
        sent.key = record.key.as_deref();
        sent.payload = record.value.as_deref();
        producer.send(sent).map_err(|(error, _)| error)?;
    }
    broker::flush(&producer).context("the letters could not be written")
}

fn read(bootstrap: &str, topic: &str) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    broker::read_all(bootstrap, topic, 1, |record| {
        let headers = record.headers().map(|headers| {
            headers
                .iter()
                .map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec)))
                .collect()
        });
        records.push(Record {
            key: record.key().map(<[u8]>::to_vec),
            value: record.payload().map(<[u8]>::to_vec),
            headers: headers.unwrap_or_default(),
        });
        Ok(())
    })?;
    Ok(records)
}
