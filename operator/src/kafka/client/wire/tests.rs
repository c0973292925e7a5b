use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::future::join;
use kafka_protocol::messages::{
    DescribeAclsRequest, DescribeAclsResponse, FindCoordinatorRequest, FindCoordinatorResponse,
};
use tokio::sync::Barrier;

use super::*;
use crate::{
    kafka::client::test_broker::{Identity, Listening, Received, Reply, TestBroker},
    telemetry::Metrics,
};

const VERSION: i16 = 4;

fn nothing_found(received: &Received) -> Reply {
    received.answer(&FindCoordinatorResponse::default().with_error_message(None))
}

async fn broker(
    identity: &Identity,
    script: impl Fn(&Received) -> Reply + Send + Sync + 'static,
) -> TestBroker {
    Listening::new().await.serve(identity, script)
}

fn wire(identity: &Identity, broker: &TestBroker) -> Wire {
    let credentials = identity.credentials(broker.address());
    Wire::new(&credentials, Family::default()).unwrap()
}

async fn ask(wire: &Wire, server: &str, patience: Duration) -> io::Result<FindCoordinatorResponse> {
    let request = FindCoordinatorRequest::default();
    wire.ask(server, &request, VERSION, Instant::now() + patience)
        .await
}

const LONG: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_connection_is_kept_and_made_anew_after_it_broke() {
    let identity = Identity::new();
    let asked = AtomicUsize::new(0);
    let broker = broker(&identity, move |received| {
        match asked.fetch_add(1, Ordering::Relaxed) {
            3 => Reply::Close,
            _ => nothing_found(received),
        }
    })
    .await;
    let wire = wire(&identity, &broker);
    for _ in 0..3 {
        ask(&wire, &broker.address(), LONG).await.unwrap();
    }
    assert_eq!(broker.connections(), 1);
    let error = ask(&wire, &broker.address(), LONG).await.unwrap_err();
    assert!(error.to_string().starts_with(&broker.address()), "{error}");
    assert_ne!(error.kind(), io::ErrorKind::TimedOut);
    ask(&wire, &broker.address(), LONG).await.unwrap();
    assert_eq!(broker.connections(), 2);
    assert_eq!(broker.take_requests().len(), 5, "nothing is sent twice");
}

#[tokio::test]
async fn a_connection_on_which_an_answer_is_due_is_not_used_again() {
    let identity = Identity::new();
    let asked = AtomicUsize::new(0);
    let broker = broker(&identity, move |received| {
        match asked.fetch_add(1, Ordering::Relaxed) {
            1 => Reply::Hang,
            _ => nothing_found(received),
        }
    })
    .await;
    let wire = wire(&identity, &broker);
    ask(&wire, &broker.address(), LONG).await.unwrap();
    let impatient = Duration::from_millis(500);
    let error = ask(&wire, &broker.address(), impatient).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{error}");
    ask(&wire, &broker.address(), LONG).await.unwrap();
    assert_eq!(broker.connections(), 2);
}

#[tokio::test]
async fn different_brokers_are_asked_at_once_and_the_same_one_in_turn() {
    let identity = Identity::new();
    let both = Arc::new(Barrier::new(2));
    let together = move |received: &Received| match nothing_found(received) {
        Reply::Answer(body) => Reply::Together(both.clone(), body),
        other => other,
    };
    let first = broker(&identity, together.clone()).await;
    let second = broker(&identity, together).await;
    let wire = wire(&identity, &first);
    let (first_address, second_address) = (first.address(), second.address());
    let (one, other) = join(
        ask(&wire, &first_address, LONG),
        ask(&wire, &second_address, LONG),
    )
    .await;
    assert!(one.is_ok() && other.is_ok(), "neither waits for the other");
    let in_turn = async {
        ask(&wire, &second_address, LONG).await?;
        ask(&wire, &second_address, LONG).await
    };
    let (one, other) = join(
        join(
            ask(&wire, &first_address, LONG),
            ask(&wire, &first_address, LONG),
        ),
        in_turn,
    )
    .await;
    assert!(one.0.is_ok() && one.1.is_ok() && other.is_ok());
    assert_eq!((first.connections(), second.connections()), (1, 1));
}

#[tokio::test]
async fn what_may_change_something_has_a_connection_of_its_own() {
    let identity = Identity::new();
    let broker = broker(&identity, |received| {
        received.answer(&DescribeAclsResponse::default().with_error_message(None))
    })
    .await;
    let metrics = Metrics::default();
    let credentials = identity.credentials(broker.address());
    let wire = Wire::new(&credentials, metrics.kafka_wire_requests.clone()).unwrap();
    for _ in 0..2 {
        wire.call(&DescribeAclsRequest::default(), 3).await.unwrap();
    }
    assert_eq!(broker.connections(), 2);
    let api = Api {
        api: "DescribeAcls".to_owned(),
    };
    assert_eq!(metrics.kafka_wire_requests.get_or_create(&api).get(), 2);
}

#[tokio::test]
async fn a_broker_that_is_not_there_is_named() {
    let identity = Identity::new();
    let gone = format!("localhost:{}", Listening::new().await.port());
    let wire = Wire::new(&identity.credentials(gone.clone()), Family::default()).unwrap();
    let error = ask(&wire, &gone, LONG).await.unwrap_err();
    assert!(error.to_string().starts_with(&gone), "{error}");
}
