use std::{sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep_until, timeout_at},
};
use tracing::{debug, warn};

use super::{
    batch,
    board::Board,
    expectation::{Expectation, Late},
    handle::{Request, StepResults},
    look::{self, Since},
    settle::settle,
};
use crate::{
    kafka::{KafkaAdmin, KafkaError, NewTopic, ObservedTopic},
    plan::KafkaStep,
    world::View,
};

/// How long a request waits for others to go with, while there are few.
const LINGER: Duration = Duration::from_millis(5);
/// Requests of a batch from which on there are many. The next batch then begins so many times later as the last one took, so that a
/// burst is made in a few large requests: a small one costs brokers about as much beside its topics as they cost.
const MANY: usize = 16;
const REST_BETWEEN_BATCHES: u32 = 3;
/// The most that a request waits for others.
const LONGEST_LINGER: Duration = Duration::from_secs(1);
/// Partitions, or other items, beyond which a batch takes no further request. A busy broker makes a few hundred logs a second
/// and shows nothing new until it is done with them; larger batches would look as if it had stopped.
const LARGE_BATCH: usize = 1_000;
/// Looks at the whole cluster leave out so many times the time that one took: they are no more than a tenth of what is asked.
const REST_BETWEEN_LOOKS: u32 = 10;
/// The most that a look costs a busy cluster for each of its partitions. What it takes beyond, it waited for a broker that was silent.
const LOOK_AT_A_PARTITION: Duration = Duration::from_millis(1);
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(10);

/// Keeps the view of one cluster fresh, and carries steps out, one batch after the other. No batch waits for a look at the
/// whole cluster, but for the first.
pub(super) struct Keeper {
    admin: Arc<dyn KafkaAdmin>,
    board: Board,
    period: Duration,
    retry: Duration,
    /// How long the first request of the next batch waits for others.
    linger: Duration,
    next_look: Instant,
    /// The look under way, if there is one.
    looks: JoinSet<Looked>,
    since: Since,
}

struct Looked {
    found: Result<View, KafkaError>,
    took: Duration,
}

impl Keeper {
    pub(super) fn new(admin: Arc<dyn KafkaAdmin>, board: Board, period: Duration) -> Self {
        Self {
            admin,
            board,
            period,
            retry: FIRST_RETRY,
            linger: LINGER,
            next_look: Instant::now(),
            looks: JoinSet::new(),
            since: Since::default(),
        }
    }

    /// Runs until nobody can ask any more.
    pub(super) async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        loop {
            tokio::select! {
                Some(looked) = self.looks.join_next() => match looked {
                    Ok(looked) => self.see(looked),
                    Err(panic) => self.lose(&KafkaError::Unreachable(panic.to_string())),
                },
                request = requests.recv(), if !self.board.is_pending() => match request {
                    Some(first) => {
                        let batch = gather(first, &mut requests, self.linger).await;
                        let (many, start) = (batch.len() >= MANY, Instant::now());
                        self.serve(batch).await;
                        self.linger = match many {
                            true => (start.elapsed() * REST_BETWEEN_BATCHES).clamp(LINGER, LONGEST_LINGER),
                            false => LINGER,
                        };
                    }
                    None => return,
                },
                () = sleep_until(self.next_look), if self.looks.is_empty() => self.look(),
            }
        }
    }

    /// Begins to look at the whole cluster.
    fn look(&mut self) {
        self.since = Since::default();
        let (admin, before) = (self.admin.clone(), self.board.last());
        self.looks.spawn(async move {
            let start = Instant::now();
            let found = look::whole(admin.as_ref(), before.as_deref()).await;
            let took = start.elapsed();
            Looked { found, took }
        });
    }

    fn see(&mut self, Looked { found, took }: Looked) {
        match found {
            // It may have answered before it was lost.
            Ok(_) if self.since.lost => {}
            Ok(view) => {
                let view = look::merged(view, self.board.last().as_deref(), &self.since);
                let rest = cost(&view, took) * REST_BETWEEN_LOOKS;
                self.board.show(view);
                self.retry = FIRST_RETRY;
                self.next_look = Instant::now() + self.period.max(rest);
            }
            Err(error) => self.lose(&error),
        }
    }

    fn lose(&mut self, error: &KafkaError) {
        let message = words(error);
        warn!(message, "Kafka does not answer");
        self.board.show_away(message);
        self.since.lost = true;
        self.next_look = Instant::now() + self.retry;
        self.retry = (self.retry * 2).min(LONGEST_RETRY);
    }

    async fn serve(&mut self, requests: Vec<Request>) {
        let (steps, waiting): (Vec<_>, Vec<_>) = requests
            .into_iter()
            .map(|request| {
                let count = request.steps.len();
                (request.steps, (request.answer, count))
            })
            .unzip();
        let steps: Vec<KafkaStep> = steps.into_iter().flatten().collect();
        debug!(
            requests = waiting.len(),
            steps = steps.len(),
            "carrying out steps"
        );
        let mut results = self.apply(&steps).await.into_iter();
        for (answer, count) in waiting {
            // Whoever asked may have gone.
            drop(answer.send(results.by_ref().take(count).collect()));
        }
    }

    async fn apply(&mut self, steps: &[KafkaStep]) -> StepResults {
        let (None, Some(before)) = (self.board.away(), self.board.last()) else {
            let message = self.board.away().unwrap_or_default();
            return vec![Err(KafkaError::Unreachable(message)); steps.len()];
        };
        let mut results = batch::carry_out(self.admin.as_ref(), steps).await;
        excuse_deleted(steps, &mut results);
        let expectation = Expectation::new(steps, &results, &before);
        match settle(self.admin.as_ref(), &expectation).await {
            Ok(settled) => {
                blame_late(steps, &settled.late, &mut results);
                let touched = expectation.topics();
                self.since.note(&settled.found);
                let view = look::updated(&before, &touched, settled.found);
                self.since.topics.extend(touched);
                excuse_created(steps, &view, &mut results);
                self.board.show(view);
            }
            Err(error) => self.lose(&error),
        }
        results
    }
}

/// What of the time that a look took is due to the size of the cluster: to leave out ten times a wait for a broker that has gone
/// would be minutes of blindness.
fn cost(view: &View, took: Duration) -> Duration {
    let partitions: usize = view
        .topics
        .values()
        .map(|topic| topic.partitions.len())
        .sum();
    took.min(LOOK_AT_A_PARTITION * u32::try_from(partitions).unwrap_or(u32::MAX))
}

/// The requests that have come meanwhile. A batch that is large enough is not made to wait for more.
async fn gather(
    first: Request,
    requests: &mut mpsc::Receiver<Request>,
    linger: Duration,
) -> Vec<Request> {
    let deadline = Instant::now() + linger;
    let mut size = self::size(&first);
    let mut batch = vec![first];
    while size < LARGE_BATCH
        && let Ok(Some(request)) = timeout_at(deadline, requests.recv()).await
    {
        size += self::size(&request);
        batch.push(request);
    }
    batch
}

/// Partitions to make, and other steps.
fn size(request: &Request) -> usize {
    let size = |step: &KafkaStep| match step {
        KafkaStep::CreateTopic(topic) => topic.assignment.len(),
        KafkaStep::CreatePartitions(change) => change.assignment.len(),
        _ => 1,
    };
    request.steps.iter().map(size).sum()
}

/// The client's words alone: that there was no answer is what the state says.
fn words(error: &KafkaError) -> String {
    match error {
        KafkaError::Unreachable(message) => message.clone(),
        refused @ KafkaError::Refused { .. } => refused.to_string(),
    }
}

fn excuse_deleted(steps: &[KafkaStep], results: &mut StepResults) {
    for (step, result) in steps.iter().zip(results) {
        let unknown = |error: &KafkaError| error.is("UNKNOWN_TOPIC_OR_PARTITION");
        if matches!(step, KafkaStep::DeleteTopic(_)) && result.as_ref().is_err_and(unknown) {
            *result = Ok(());
        }
    }
}

/// A topic that was there already, exactly as wanted, was made by an earlier attempt whose answer was lost. Any other is
/// somebody else's, and stays refused.
fn excuse_created(steps: &[KafkaStep], view: &View, results: &mut StepResults) {
    for (step, result) in steps.iter().zip(results) {
        let exists = |error: &KafkaError| error.is("TOPIC_ALREADY_EXISTS");
        if let KafkaStep::CreateTopic(wanted) = step
            && result.as_ref().is_err_and(exists)
            && view
                .topics
                .get(&wanted.name)
                .is_some_and(|topic| is_as_wanted(topic, wanted))
        {
            *result = Ok(());
        }
    }
}

fn is_as_wanted(topic: &ObservedTopic, wanted: &NewTopic) -> bool {
    let replicas = topic.partitions.iter().map(|partition| &partition.replicas);
    replicas.eq(wanted.assignment.iter()) && topic.config == wanted.config
}

fn blame_late(steps: &[KafkaStep], late: &Late, results: &mut StepResults) {
    for (step, result) in steps.iter().zip(results) {
        if late.concerns(step) && result.is_ok() {
            *result = Err(KafkaError::Refused {
                code: "REQUEST_TIMED_OUT".to_owned(),
                message:
                    "Kafka accepted the change, but does not show it yet; it is looked at again"
                        .to_owned(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::ObservedPartition;

    fn view(partitions: usize) -> View {
        let topic = ObservedTopic {
            partitions: vec![ObservedPartition::default(); partitions],
            ..ObservedTopic::default()
        };
        View {
            topics: [("orders".to_owned(), Arc::new(topic))].into(),
            ..View::default()
        }
    }

    #[test]
    fn a_look_costs_no_more_than_its_partitions_can() {
        let seconds = Duration::from_secs;
        assert_eq!(cost(&view(10_000), seconds(2)), seconds(2), "all of it");
        assert_eq!(cost(&view(100), seconds(15)), Duration::from_millis(100));
        assert_eq!(cost(&view(0), seconds(15)), Duration::ZERO);
    }
}
