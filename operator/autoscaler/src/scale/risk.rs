use super::{history::Now, load::Load, need::Sizing};

/// What becomes of the records if the replicas stay as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Risk {
    /// Seconds that a record will wait, at the worst, when more replicas have come.
    pub(super) wait: f64,
    /// A consumer has more to do than it can, and more replicas would take some of it away.
    pub(super) overloaded: bool,
    /// One of its partitions alone is as much as it can do: only a replica for that partition alone helps.
    pub(super) alone: bool,
}

/// The risk within `horizon` seconds, consumer by consumer; of an average consumer where the group is just forming and nobody knows yet who has what.
///
/// Partitions that are blocked or hot do not count, and neither does a consumer with one partition: more replicas help neither.
pub(super) fn risk(now: &Now, sizing: &Sizing, horizon: f64, steady: bool) -> Risk {
    if !steady || now.members.is_empty() {
        let replicas = f64::from(now.replicas.max(1));
        let share = |load: &Load| Load {
            arrivals: load.arrivals / replicas,
            backlog: load.backlog / replicas,
            late: 0.0,
            ..*load
        };
        let average: Vec<Load> = now.partitions.iter().map(share).collect();
        return of_member(&average, sizing, horizon);
    }
    now.members.iter().fold(Risk::default(), |worst, member| {
        let loads: Vec<Load> = member.iter().map(|&index| now.partitions[index]).collect();
        let risk = of_member(&loads, sizing, horizon);
        Risk {
            wait: worst.wait.max(risk.wait),
            overloaded: worst.overloaded || risk.overloaded,
            alone: worst.alone || risk.alone,
        }
    })
}

fn of_member(loads: &[Load], sizing: &Sizing, horizon: f64) -> Risk {
    let helped = |load: &&Load| !load.blocked && !sizing.is_hot(load);
    let count = loads.iter().filter(helped).count();
    if loads.len() < 2 || count == 0 {
        return Risk::default();
    }
    let service = sizing.capacity * count as f64 / loads.len() as f64;
    let (mut arrivals, mut backlog, mut late) = (0.0, 0.0, 0.0_f64);
    let (mut effort, mut heaviest) = (0.0, 0.0_f64);
    for load in loads.iter().filter(helped) {
        arrivals += load.arrivals;
        backlog += load.backlog;
        late = late.max(load.late_between_commits());
        effort += sizing.effort(load);
        heaviest = heaviest.max(sizing.effort(load));
    }
    let grows = (arrivals - service).max(0.0) * horizon;
    Risk {
        wait: ((backlog + grows) / service).max(late) + sizing.standstill,
        overloaded: effort > service,
        alone: heaviest >= sizing.capacity,
    }
}
