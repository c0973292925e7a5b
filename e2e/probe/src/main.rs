//! The end-to-end suite's hands inside the cluster: one subcommand for each thing a Kafka client does.
//!
//! What it sees it sees without the operator's code, so that a mistake there is not repeated here. What it does as an
//! administrator goes through the operator's client: had that a mistake, what is seen afterwards would not be what was done.
//! Each command prints one JSON object to standard output. When Kafka refuses, the object is `{"error": CODE, "message": ...}`, CODE as Kafka's protocol
//! names it (`TOPIC_AUTHORIZATION_FAILED`), and the exit code is 1.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod acls;
mod by_hand;
mod chance;
mod conformance;
mod connection;
mod consume;
mod copy;
mod count;
mod failure;
mod groups;
mod lag;
mod many;
mod many_groups;
mod numbers;
mod pace;
mod produce;
mod quotas;
mod records;
mod share;
mod silence;
mod throttle;
mod topics;
mod transaction;
mod work;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};

use connection::Access;
use failure::Failure;

#[derive(Parser)]
#[command(version, about = "Does what a Kafka client does, and prints JSON")]
struct Arguments {
    #[command(flatten)]
    access: Access,
    /// How long the command may take, in seconds.
    #[arg(long, global = true, default_value_t = 20)]
    timeout_s: u64,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Do nothing until told to stop: what the pod runs, so that the others can be run in it.
    Idle,
    /// Take connections and say nothing on them, until told to stop; prints how many there are with each.
    Silence(silence::Arguments),
    /// Write records; prints how many arrived, by partition, and when the last did.
    Produce(produce::Arguments),
    /// Read as a member of a group; prints how many came and how many of them were different.
    Consume(consume::Arguments),
    /// Count the committed records of a whole topic, without a group.
    Count(count::Arguments),
    /// Copy the records of a topic to another in transactions, with nothing besides; prints how many and the seconds it took.
    Copy(copy::Arguments),
    /// Print partitions, replicas, leaders, racks and what is configured on the topic.
    DescribeTopic(topics::Named),
    /// Print the names of all topics that the caller may see, but Kafka's own.
    ListTopics,
    /// Create a topic.
    CreateTopic(topics::Create),
    /// Create many topics with few requests; prints how many and the seconds the requests took.
    CreateMany(many::Create),
    /// Delete all topics whose names begin so; prints how many and the seconds the requests took.
    DeleteMany(many::Prefixed),
    /// Count the topics whose names begin so.
    CountTopics(many::Prefixed),
    /// Print all ACLs.
    Acls,
    /// Print the quotas of all users that have one by their name.
    Quotas,
    /// Print all groups with their states and numbers of members.
    Groups,
    /// Print a group's committed offsets, end offsets and lag.
    Offsets(groups::Named),
    /// Print committed offsets, end offsets and lag of a group in every partition of a topic.
    Lag(lag::Arguments),
    /// Take records as a member of a share group, and accept them; prints how many.
    ShareConsume(share::Arguments),
    /// Take records as a member of a share group, slowly, and accept them, until told to stop.
    ShareWork(share::Work),
    /// Read as a member of a group, slowly, until told to stop or for some seconds.
    Work(work::Arguments),
    /// Run the operator's scenario against this Kafka and against the one in memory that its tests use.
    Conformance,
    /// Run the operator's scenario against a schema registry and against the one in memory that its tests use.
    RegistryConformance(conformance::Registry),
    /// Print which moves of replicas are under way.
    Reassignments,
    /// Move the replicas of a partition, as an administrator does by hand.
    Reassign(by_hand::Reassign),
    /// Make the preferred replica the leader of a partition.
    Elect(by_hand::Elect),
    /// Change a topic's configuration by hand.
    AlterConfig(by_hand::AlterConfig),
    /// Delete a topic by hand.
    DeleteTopic(topics::Named),
    /// Delete the records of a partition below an offset.
    DeleteRecords(records::Delete),
    /// Allow something by hand.
    AddAcl(by_hand::OneAcl),
    /// No longer allow something.
    DeleteAcl(by_hand::OneAcl),
    /// Print what is set on single brokers at run time.
    BrokerConfigs,
    /// Limit how fast all brokers copy the replicas of a topic.
    SetThrottle(throttle::Set),
    /// Take such a limit away again.
    ClearThrottle(topics::Named),
    /// Write records in one transaction.
    ProduceTransaction(transaction::Arguments),
    /// Set a group's committed offset of one partition; the group must be empty.
    CommitOffset(groups::Commit),
    /// Set the committed offsets of many groups; they must be empty.
    CommitMany(many_groups::Commit),
    /// Delete all groups whose ids begin so; they must be empty.
    DeleteGroups(many::Prefixed),
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments {
        access,
        timeout_s,
        command,
    } = Arguments::parse();
    let limit = Duration::from_secs(timeout_s);
    match run(access, limit, command).await {
        Ok(answer) => {
            println!("{answer}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            println!("{}", failure.json());
            ExitCode::FAILURE
        }
    }
}

async fn run(access: Access, limit: Duration, command: Command) -> Result<Value, Failure> {
    match command {
        Command::Idle => idle().await,
        Command::Silence(arguments) => tokio::select! {
            stopped = idle() => stopped,
            failed = silence::run(arguments) => failed,
        },
        Command::Produce(arguments) => produce::run(&access, limit, arguments).await,
        Command::Consume(arguments) => {
            blocking(move || consume::run(&access, limit, &arguments)).await
        }
        Command::Count(arguments) => blocking(move || count::run(&access, limit, &arguments)).await,
        Command::Copy(arguments) => blocking(move || copy::run(&access, arguments)).await,
        Command::DescribeTopic(topic) => within(limit, topics::describe(&access, topic)).await,
        Command::ListTopics => within(limit, topics::list(&access)).await,
        Command::CreateTopic(topic) => within(limit, topics::create(&access, topic)).await,
        Command::CreateMany(topics) => within(limit, many::create(&access, topics)).await,
        Command::DeleteMany(topics) => within(limit, many::delete(&access, &topics)).await,
        Command::CountTopics(topics) => within(limit, many::count(&access, &topics)).await,
        Command::Acls => within(limit, acls::list(&access)).await,
        Command::Quotas => within(limit, quotas::list(&access)).await,
        Command::Groups => within(limit, groups::list(&access)).await,
        Command::Offsets(group) => within(limit, groups::offsets(&access, group)).await,
        Command::ShareConsume(arguments) => within(limit, share::consume(&access, arguments)).await,
        Command::ShareWork(arguments) => share::work(&access, arguments).await,
        Command::Lag(arguments) => within(limit, lag::run(&access, &arguments)).await,
        Command::Work(arguments) => work::run(access, arguments).await,
        Command::Conformance => within(limit, conformance::run(&access)).await,
        Command::RegistryConformance(registry) => {
            within(limit, conformance::run_registry(&registry)).await
        }
        Command::Reassignments => within(limit, by_hand::reassignments(&access)).await,
        Command::Reassign(arguments) => within(limit, by_hand::reassign(&access, arguments)).await,
        Command::Elect(arguments) => within(limit, by_hand::elect(&access, arguments)).await,
        Command::AlterConfig(arguments) => {
            within(limit, by_hand::alter_config(&access, arguments)).await
        }
        Command::DeleteTopic(topic) => within(limit, by_hand::delete_topic(&access, topic)).await,
        Command::DeleteRecords(records) => within(limit, records::delete(&access, records)).await,
        Command::AddAcl(acl) => within(limit, by_hand::add_acl(&access, acl)).await,
        Command::DeleteAcl(acl) => within(limit, by_hand::delete_acl(&access, acl)).await,
        Command::BrokerConfigs => within(limit, throttle::broker_configs(&access)).await,
        Command::SetThrottle(arguments) => within(limit, throttle::set(&access, arguments)).await,
        Command::ClearThrottle(topic) => within(limit, throttle::clear(&access, topic)).await,
        Command::ProduceTransaction(arguments) => transaction::run(&access, limit, arguments).await,
        Command::CommitOffset(commit) => within(limit, groups::commit(&access, commit)).await,
        Command::CommitMany(commit) => within(limit, many_groups::commit(&access, commit)).await,
        Command::DeleteGroups(groups) => within(limit, many_groups::delete(&access, &groups)).await,
    }
}

async fn within(
    limit: Duration,
    answer: impl Future<Output = Result<Value, Failure>>,
) -> Result<Value, Failure> {
    tokio::time::timeout(limit, answer)
        .await
        .map_err(|_| Failure::timed_out(limit))?
}

async fn blocking(
    answer: impl FnOnce() -> Result<Value, Failure> + Send + 'static,
) -> Result<Value, Failure> {
    tokio::task::spawn_blocking(answer)
        .await
        .map_err(|panic| Failure::local(panic.to_string()))?
}

async fn idle() -> Result<Value, Failure> {
    let mut terminate =
        signal(SignalKind::terminate()).map_err(|error| Failure::local(error.to_string()))?;
    terminate.recv().await;
    Ok(Value::Null)
}
