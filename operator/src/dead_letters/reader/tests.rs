//! Letters that no program writes by mistake, on brokers of the library: their records lie there as they came over the wire.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::{
    messages::{
        ProduceRequest, RequestHeader, TopicName,
        produce_request::{PartitionProduceData, TopicProduceData},
    },
    protocol::{Encodable, Request, StrBytes, encode_request_header_into_buffer},
    records::{
        Compression, NO_PARTITION_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE,
        Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType,
    },
};
use millrace_redrive::{
    decision::{Destination, Filter, Rules},
    engine::{End, Job, Phase, Run, Wish},
    letter::UNKNOWN,
};
use rdkafka::{mocking::MockCluster, producer::DefaultProducerContext};

use super::*;

/// Far more than it takes, for a machine that has much to do.
const PATIENCE: Duration = Duration::from_secs(120);
/// What stands for bytes that are no text while the batch is written.
const PLACE: &str = "QZXJQZXJ";

fn record(headers: &[(&'static str, &'static str)]) -> Record {
    let header = |(name, value): &(&'static str, &'static str)| {
        (
            StrBytes::from_static_str(name),
            Some(Bytes::from_static(value.as_bytes())),
        )
    };
    Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
        producer_id: NO_PRODUCER_ID,
        producer_epoch: NO_PRODUCER_EPOCH,
        timestamp_type: TimestampType::Creation,
        offset: 0,
        sequence: NO_SEQUENCE,
        timestamp: 1_700_000_000_000,
        key: None,
        value: Some(Bytes::from_static(b"v")),
        headers: headers.iter().map(header).collect(),
    }
}

/// Writes a record to partition 0, in which [`PLACE`] stands for bytes that are no text.
fn produce(cluster: &MockCluster<'_, DefaultProducerContext>, topic: &'static str, record: Record) {
    const VERSION: i16 = 3;
    let mut batch = BytesMut::new();
    let options = RecordEncodeOptions {
        version: 2,
        compression: Compression::None,
    };
    RecordBatchEncoder::encode(&mut batch, [&record], &options).unwrap();
    let mut bytes = batch.to_vec();
    while let Some(at) = bytes
        .windows(PLACE.len())
        .position(|part| part == PLACE.as_bytes())
    {
        bytes[at..at + PLACE.len()].fill(0xff);
    }
    // The checksum is no longer right, which the library's brokers do not look at, nor its consumers without `check.crcs`.
    let partition = PartitionProduceData::default().with_records(Some(bytes.into()));
    let topic = TopicProduceData::default()
        .with_name(TopicName(StrBytes::from_static_str(topic)))
        .with_partition_data(vec![partition]);
    let request = ProduceRequest::default()
        .with_acks(1)
        .with_timeout_ms(10_000)
        .with_topic_data(vec![topic]);
    let header = RequestHeader::default()
        .with_request_api_key(ProduceRequest::KEY)
        .with_request_api_version(VERSION);
    let mut frame = BytesMut::new();
    encode_request_header_into_buffer(&mut frame, &header).unwrap();
    request.encode(&mut frame, VERSION).unwrap();
    let mut stream = TcpStream::connect(cluster.bootstrap_servers()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut sent = BytesMut::new();
    sent.put_i32(i32::try_from(frame.len()).unwrap());
    sent.extend_from_slice(&frame);
    stream.write_all(&sent).unwrap();
    let mut length = [0; 4];
    stream.read_exact(&mut length).unwrap();
    let mut answer = vec![0; usize::try_from(i32::from_be_bytes(length)).unwrap()];
    stream.read_exact(&mut answer).unwrap();
    // Correlation id, one topic, its name, one partition, its number: then the error code.
    let mut answer = Bytes::from(answer);
    answer.advance(8);
    let name = usize::try_from(answer.get_i16()).unwrap();
    answer.advance(name + 8);
    assert_eq!(answer.get_i16(), 0, "it was not taken");
}

/// A broker with two dead-letter topics: in the first, a letter the name of one of whose headers is no text, between two that are
/// as they should be.
fn cluster() -> MockCluster<'static, DefaultProducerContext> {
    let cluster = MockCluster::new(1).unwrap();
    for topic in ["orders.dlq", "bills.dlq"] {
        cluster.create_topic(topic, 1, 1).unwrap();
    }
    let good = [("dlq.reason", "NoPrice"), ("dlq.source.topic", "orders")];
    let odd = [
        ("dlq.reason", "NoPrice"),
        (PLACE, "1"),
        ("dlq.source.topic", "orders"),
    ];
    produce(&cluster, "orders.dlq", record(&good));
    produce(&cluster, "orders.dlq", record(&odd));
    produce(&cluster, "orders.dlq", record(&good));
    produce(
        &cluster,
        "bills.dlq",
        record(&[("dlq.reason", "NoCustomer")]),
    );
    cluster
}

fn credentials(cluster: &MockCluster<'_, DefaultProducerContext>) -> Credentials {
    Credentials {
        bootstrap_servers: cluster.bootstrap_servers(),
        ca_pem: String::new(),
        certificate_pem: String::new(),
        key_pem: String::new(),
    }
}

fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "{what}");
        thread::yield_now();
    }
}

fn from(reason: &str, source: &str) -> Origin {
    Origin {
        reason: reason.to_owned(),
        source: source.to_owned(),
    }
}

#[test]
fn a_header_whose_name_is_no_text_ends_the_counting_of_no_letter() {
    let cluster = cluster();
    let credentials = credentials(&cluster);
    let mut settings = client::settings(&credentials);
    // The library's brokers speak no TLS.
    settings.set("security.protocol", "plaintext");
    let key = ClusterKey {
        namespace: "kafka".to_owned(),
        name: "events".to_owned(),
    };
    let reader = Reader::with(settings, key, credentials, Waker::default());
    for topic in ["orders.dlq", "bills.dlq"] {
        reader.want(
            topic,
            Some(Topic {
                id: topic.to_owned(),
                partitions: 1,
            }),
        );
    }
    let counted = |topic: &str, count: u64| {
        eventually(topic, || {
            reader
                .letters(topic)
                .filter(|letters| letters.count == count)
        })
    };
    let orders = counted("orders.dlq", 3).by_origin;
    assert_eq!(
        orders,
        [(from("NoPrice", "orders"), 2), (from(UNKNOWN, UNKNOWN), 1)]
    );
    let bills = counted("bills.dlq", 1).by_origin;
    assert_eq!(bills, [(from("NoCustomer", UNKNOWN), 1)]);
    produce(
        &cluster,
        "bills.dlq",
        record(&[("dlq.reason", "NoCustomer")]),
    );
    counted("bills.dlq", 2);
}

#[test]
fn a_redrive_leaves_a_letter_with_a_header_whose_name_is_no_text_and_goes_on() {
    let cluster = cluster();
    let connection =
        BTreeMap::from([("bootstrap.servers".to_owned(), cluster.bootstrap_servers())]);
    let job = Job {
        connection,
        redrive: "0f8b1e62".to_owned(),
        topic: "orders.dlq".to_owned(),
        ends: BTreeMap::from([(0, 3)]),
        published: BTreeMap::new(),
        rules: Rules {
            filter: Filter::default(),
            to: Destination::Origin,
            max_attempts: 3,
            quarantine: None,
            allowed: BTreeMap::from([("orders".to_owned(), 1)]),
        },
        earlier: Vec::new(),
        per_second: None,
        max: None,
        stop_at_returned_percent: None,
        dry_run: true,
    };
    let run = Run::start(job, Wish::Run, || {}).unwrap();
    let done = eventually("the redrive ends", || {
        let progress = run.progress();
        matches!(progress.phase, Phase::Ended(_)).then_some(progress)
    });
    assert_eq!(done.phase, Phase::Ended(End::Completed));
    let counts = done.report.counts;
    assert_eq!(
        (counts.scanned, counts.redriven, counts.unreadable),
        (3, 2, 1)
    );
}
