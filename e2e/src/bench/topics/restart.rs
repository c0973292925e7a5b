use std::{collections::BTreeMap, time::Duration};

use anyhow::Result;
use tokio::time::{Instant, sleep};

use super::{
    super::Figure,
    ground::{Ground, progress},
};
use crate::{api_server, bulk, metrics::growth, operator, topic_watch::TopicWatch, wait};

const DEADLINE: Duration = Duration::from_secs(120);
/// What was promised for the first deed after a restart, in seconds.
const GOAL_S: f64 = 10.0;
/// By then whatever a restart causes has happened.
const SETTLED: Duration = Duration::from_secs(60);
const NEW: &str = "after-restart";

/// The operator asked to stop, as a rollout does; a Topic applied once the old one is gone; what was written until all was quiet.
///
/// # Errors
/// When no replica leads again, or the new Topic is not Ready, within two minutes.
pub async fn measure(ground: &Ground) -> Result<Vec<Figure>> {
    progress("the operator restarted");
    let (client, namespace) = (&ground.client, &ground.namespace);
    let writes_before = api_server::counters(client).await?.writes();
    let mut watch = TopicWatch::start(client, namespace).await?;

    let started = Instant::now();
    operator::restart(client, DEADLINE).await?;
    bulk::create(client, namespace, &[NEW.to_owned()]).await?;
    let ready = async {
        wait::answer(
            "a pod of the operator answers /readyz",
            DEADLINE,
            || async {
                let names = operator::pods(client).await.unwrap_or_default();
                for pod in names.iter().filter_map(|pod| pod.metadata.name.as_deref()) {
                    if operator::is_ready(client, pod).await {
                        return Ok(Ok(()));
                    }
                }
                Ok(Err("none does".to_owned()))
            },
        )
        .await?;
        anyhow::Ok(started.elapsed())
    };
    let acts = watch.settled(NEW, 1, DEADLINE);
    let (ready, acted) = tokio::try_join!(ready, acts)?;
    progress(&format!("it acted after {:.1?}", acted - started));

    sleep(SETTLED).await;
    let own = operator::leader(client).await?.kubernetes_writes();
    let writes = growth(
        &writes_before,
        &api_server::counters(client).await?.writes(),
    );
    let among = format!("among {} Topics", ground.count);
    Ok(vec![
        Figure::new(
            format!("restart {among} until /readyz"),
            ready.as_secs_f64(),
            "s",
        ),
        Figure::new(
            format!("restart {among} until a new Topic was Ready"),
            (acted - started).as_secs_f64(),
            "s",
        )
        .with_goal(GOAL_S),
        // One is the status of the new Topic.
        Figure::new(
            "writes to Topics and their status after the restart",
            of_topics(&own),
            "",
        )
        .with_goal(1.0),
        Figure::new(
            "the same as the API server counts them, besides the new Topic's creation",
            of_topics(&writes) - 1.0,
            "",
        )
        .with_goal(1.0),
        Figure::new(
            "the operator's writes of all kinds after the restart",
            own.values().sum(),
            "",
        ),
    ])
}

fn of_topics(writes: &BTreeMap<String, f64>) -> f64 {
    let topics = ["Topic", "topics", "topics/status"];
    let of_topics = writes
        .iter()
        .filter(|(kind, _)| topics.contains(&kind.as_str()));
    of_topics.map(|(_, number)| number).sum()
}
