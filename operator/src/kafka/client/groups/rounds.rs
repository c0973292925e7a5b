use std::{collections::BTreeMap, future::Future, io, sync::Arc};

use futures::future::join_all;
use kafka_protocol::protocol::Request;
use tokio::time::Instant;

use super::{coordinator::CoordinatorOf, memory::GroupMemory};
use crate::kafka::{
    KafkaError, PerItem,
    client::{connection::CALL_TIMEOUT, wire::Wire},
};

/// Groups in one request. With a thousand a look costs a handful of requests, however many groups there are, while none of
/// them is long in a broker: a thousand ids are some 50 kB, and the answer, with a hundred partitions each, is some 5 MB.
pub(super) const GROUPS_IN_A_REQUEST: usize = 1_000;
/// How often a group is asked about in one call: a second time where its coordinator has changed. The next look is near.
const ROUNDS: usize = 2;
/// Refusals by which a broker says that it does not coordinate the group, or not yet.
const NOT_THE_COORDINATOR: [&str; 3] = [
    "NOT_COORDINATOR",
    "COORDINATOR_NOT_AVAILABLE",
    "COORDINATOR_LOAD_IN_PROGRESS",
];

/// What is asked of brokers about groups.
pub(super) trait Question: Sync {
    /// What is wanted to know of each group.
    type Answer: Send;

    /// Asks one broker about [`GROUPS_IN_A_REQUEST`] groups at most.
    ///
    /// # Errors
    /// No answer. A refusal is an answer, to each group by itself.
    fn ask(
        &self,
        broker: &Broker<'_>,
        groups: &[String],
    ) -> impl Future<Output = io::Result<PerItem<String, Self::Answer>>> + Send;
}

/// Somebody to ask until the deadline of the call.
pub(super) struct Broker<'a> {
    wire: &'a Wire,
    /// `host:port`, or those of the bootstrap servers.
    servers: &'a str,
    deadline: Instant,
}

/// Why there is no answer about a group.
#[derive(Debug)]
enum Failure {
    Refused(KafkaError),
    Unanswered { timed_out: bool, error: KafkaError },
}

impl Failure {
    fn is_of_the_coordinator(&self) -> bool {
        match self {
            Self::Refused(error) => NOT_THE_COORDINATOR.iter().any(|code| error.is(code)),
            Self::Unanswered { .. } => true,
        }
    }

    /// A broker that did not answer in time has cost enough of it already.
    fn is_worth_another_round(&self) -> bool {
        let timed_out = matches!(
            self,
            Self::Unanswered {
                timed_out: true,
                ..
            }
        );
        self.is_of_the_coordinator() && !timed_out
    }

    fn into_error(self) -> KafkaError {
        match self {
            Self::Refused(error) | Self::Unanswered { error, .. } => error,
        }
    }
}

type Answers<Answer> = Vec<(String, Result<Answer, Failure>)>;

/// Asks the coordinators of `groups`, all of them at once. Where a coordinator has changed, it is found again, and asked once
/// more about the groups concerned. No call takes longer than 15 s; what is not answered by then is refused by itself.
pub(super) async fn ask<Q: Question>(
    wire: &Wire,
    memory: &GroupMemory,
    groups: Vec<String>,
    question: &Q,
) -> PerItem<String, Q::Answer> {
    let deadline = Instant::now() + CALL_TIMEOUT;
    let mut answers = BTreeMap::new();
    let mut open = groups;
    for _ in 0..ROUNDS {
        if open.is_empty() {
            break;
        }
        let round = ask_once(wire, memory, open, question, deadline).await;
        open = Vec::new();
        for (group, answer) in round {
            if let Err(failure) = &answer {
                if failure.is_of_the_coordinator() {
                    memory.forget_coordinator(&group);
                }
                if failure.is_worth_another_round() {
                    open.push(group.clone());
                }
            }
            answers.insert(group, answer.map_err(Failure::into_error));
        }
    }
    answers
}

async fn ask_once<Q: Question>(
    wire: &Wire,
    memory: &GroupMemory,
    groups: Vec<String>,
    question: &Q,
    deadline: Instant,
) -> Answers<Q::Answer> {
    let mut answers = Vec::new();
    let mut of_broker: BTreeMap<Arc<str>, Vec<String>> = BTreeMap::new();
    let mut unknown = Vec::new();
    for group in groups {
        match memory.coordinator(&group) {
            Some(coordinator) => of_broker.entry(coordinator).or_default().push(group),
            None => unknown.push(group),
        }
    }
    let anyone = Broker {
        wire,
        servers: wire.bootstrap_servers(),
        deadline,
    };
    for (group, found) in anyone.ask_all(unknown, &CoordinatorOf).await {
        match found {
            Ok(coordinator) => {
                memory.learn(&group, coordinator.clone());
                of_broker.entry(coordinator).or_default().push(group);
            }
            Err(failure) => answers.push((group, Err(failure))),
        }
    }
    let asked = of_broker
        .into_iter()
        .map(|(coordinator, groups)| async move {
            let broker = Broker {
                wire,
                servers: &coordinator,
                deadline,
            };
            broker.ask_all(groups, question).await
        });
    answers.extend(join_all(asked).await.into_iter().flatten());
    answers
}

impl Broker<'_> {
    /// Sends a request and reads the answer.
    ///
    /// # Errors
    /// No answer, [`io::ErrorKind::TimedOut`] by the deadline among others.
    pub(super) async fn ask<R: Request>(
        &self,
        request: &R,
        version: i16,
    ) -> io::Result<R::Response> {
        self.wire
            .ask(self.servers, request, version, self.deadline)
            .await
    }

    /// Asks about any number of groups. After a request without an answer there is no other.
    async fn ask_all<Q: Question>(&self, groups: Vec<String>, question: &Q) -> Answers<Q::Answer> {
        let mut answers = Vec::with_capacity(groups.len());
        for chunk in groups.chunks(GROUPS_IN_A_REQUEST) {
            match question.ask(self, chunk).await {
                Ok(mut said) => answers.extend(chunk.iter().map(|group| {
                    let answer = said
                        .remove(group)
                        .unwrap_or_else(|| Err(left_out(self.servers)));
                    (group.clone(), answer.map_err(Failure::Refused))
                })),
                Err(error) => {
                    let timed_out = error.kind() == io::ErrorKind::TimedOut;
                    let error = KafkaError::Unreachable(error.to_string());
                    let unanswered = groups[answers.len()..].iter().map(|group| {
                        let error = error.clone();
                        (group.clone(), Err(Failure::Unanswered { timed_out, error }))
                    });
                    let unanswered: Vec<_> = unanswered.collect();
                    answers.extend(unanswered);
                    break;
                }
            }
        }
        answers
    }
}

fn left_out(servers: &str) -> KafkaError {
    KafkaError::Unreachable(format!("{servers} answered, but said nothing of the group"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str) -> Failure {
        Failure::Refused(KafkaError::Refused {
            code: code.to_owned(),
            message: String::new(),
        })
    }

    fn unanswered(timed_out: bool) -> Failure {
        let error = KafkaError::Unreachable("a:9092: gone".to_owned());
        Failure::Unanswered { timed_out, error }
    }

    #[test]
    fn only_what_the_coordinator_is_to_blame_for_is_asked_again_and_not_what_took_long() {
        for (failure, of_the_coordinator, again) in [
            (refused("NOT_COORDINATOR"), true, true),
            (refused("COORDINATOR_NOT_AVAILABLE"), true, true),
            (refused("COORDINATOR_LOAD_IN_PROGRESS"), true, true),
            (refused("GROUP_AUTHORIZATION_FAILED"), false, false),
            (unanswered(false), true, true),
            (unanswered(true), true, false),
        ] {
            assert_eq!(
                failure.is_of_the_coordinator(),
                of_the_coordinator,
                "{failure:?}"
            );
            assert_eq!(failure.is_worth_another_round(), again, "{failure:?}");
        }
    }
}
