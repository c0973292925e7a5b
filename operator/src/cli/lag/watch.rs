use std::{
    collections::BTreeMap,
    io::{self, IsTerminal, Write},
    time::Duration,
};

use futures::{TryStreamExt, pin_mut};
use kube::{
    Api, ResourceExt,
    runtime::{WatchStreamExt, watcher},
};
use millrace_crds::ConsumerGroup;
use tokio::time::interval;

use super::{
    history::History,
    table::{details, overview},
};
use crate::cli::{
    outcome::Problem,
    table::{empty, text, written},
};

/// Between two samples, and two pictures.
const PERIOD: Duration = Duration::from_secs(2);
/// Clears the screen and goes to its beginning.
const CLEAR: &str = "\x1b[2J\x1b[H";

/// Shows the groups again and again until interrupted. `name`: of the one that is shown with everything that is known of it.
///
/// # Errors
/// When the groups cannot be watched, or nobody reads any more what is shown.
pub(super) async fn run(
    groups: Api<ConsumerGroup>,
    name: Option<&str>,
    namespaces: bool,
) -> Result<(), Problem> {
    let config = match name {
        Some(name) => watcher::Config::default().fields(&format!("metadata.name={name}")),
        None => watcher::Config::default(),
    };
    let changes = watcher(groups, config).default_backoff();
    pin_mut!(changes);
    let mut shown: BTreeMap<String, (ConsumerGroup, History)> = BTreeMap::new();
    let mut ticks = interval(PERIOD);
    loop {
        tokio::select! {
            change = changes.try_next() => match change {
                Ok(Some(change)) => follow(&mut shown, change),
                Ok(None) => return Ok(()),
                Err(error) => return Err(Problem::new(format!("the ConsumerGroups cannot be watched: {error}"))),
            },
            _ = ticks.tick() => {
                for (group, history) in shown.values_mut() {
                    history.take(&group.status.clone().unwrap_or_default());
                }
                if !show(&picture(&shown, name.is_some(), namespaces)) {
                    return Ok(());
                }
            }
            _ = tokio::signal::ctrl_c() => return Ok(()),
        }
    }
}

fn follow(
    shown: &mut BTreeMap<String, (ConsumerGroup, History)>,
    change: watcher::Event<ConsumerGroup>,
) {
    let key = |group: &ConsumerGroup| {
        format!(
            "{}/{}",
            group.namespace().unwrap_or_default(),
            group.name_any()
        )
    };
    match change {
        watcher::Event::Apply(group) | watcher::Event::InitApply(group) => {
            let (_, history) = shown
                .remove(&key(&group))
                .unwrap_or_else(|| (group.clone(), History::default()));
            shown.insert(key(&group), (group, history));
        }
        watcher::Event::Delete(group) => {
            shown.remove(&key(&group));
        }
        watcher::Event::Init | watcher::Event::InitDone => {}
    }
}

fn picture(
    shown: &BTreeMap<String, (ConsumerGroup, History)>,
    alone: bool,
    namespaces: bool,
) -> String {
    if shown.is_empty() {
        return "There is no such ConsumerGroup yet.\n".to_owned();
    }
    let groups: Vec<ConsumerGroup> = shown.values().map(|(group, _)| group.clone()).collect();
    let mut picture = match alone {
        true => groups.iter().map(details).collect(),
        false => overview(&groups, namespaces),
    };
    let mut curves = empty(["GROUP", "LAG", "OUT/S", "REPLICAS"]);
    for (key, (_, history)) in shown {
        let drawn =
            [&history.lag, &history.rate, &history.replicas].map(|curve| text(Some(curve.drawn())));
        curves.add_row([text(Some(key.clone()))].into_iter().chain(drawn));
    }
    picture.push('\n');
    picture.push_str(&written(&curves));
    picture
}

/// False where nobody reads it any more.
fn show(picture: &str) -> bool {
    let mut out = io::stdout();
    let clear = if out.is_terminal() { CLEAR } else { "" };
    write!(out, "{clear}{picture}")
        .and_then(|()| out.flush())
        .is_ok()
}
