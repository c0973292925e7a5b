//! A consumer group as its scaler meets it: pods that take their time to start, rebalances that stop consumption, commits every
//! few seconds.

mod assignment;
mod member;
mod pods;

use rand::{Rng, SeedableRng, rngs::SmallRng};

use self::{member::share_out, pods::Pods};
use crate::trace::Trace;

/// Seconds between two commits of a consumer: the clients' default.
const COMMIT_PERIOD: usize = 5;

/// How the group hands partitions over, and for how long that stops consumption (docs/design/0012).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Everybody stops for some 8 seconds.
    Eager,
    /// Partitions that move stop for some 3 seconds.
    Cooperative,
    /// KIP-848: partitions that move stop until their old and new member have sent a heartbeat, up to 10 seconds.
    Consumer,
}

/// What the group runs under, beside its load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conditions {
    pub protocol: Protocol,
    /// Seconds from asking for a pod to its joining the group, on average.
    pub boot: f64,
    pub seed: u64,
}

/// The group at one second.
pub struct Group<'a> {
    pub trace: &'a Trace,
    pub second: usize,
    protocol: Protocol,
    rng: SmallRng,
    pods: Pods,
    /// Pods that are members, with their partitions.
    members: Vec<(u32, Vec<usize>)>,
    rebalance: Option<Rebalance>,
    /// From which second on a partition is read by its member.
    readable: Vec<usize>,
    position: Vec<f64>,
    committed: Vec<f64>,
    /// The second in which the oldest unprocessed record of a partition came.
    oldest: Vec<usize>,
    late_records: f64,
    objective: usize,
    /// Whether the members may be others than the pods that are ready.
    unsettled: bool,
    /// What a member has before it, kept for the sake of speed.
    waiting: Vec<(usize, f64)>,
}

/// A rebalance under way.
struct Rebalance {
    ends: usize,
    /// What is assigned at its end; nothing where that is decided then.
    target: Option<Vec<(u32, Vec<usize>)>>,
}

impl<'a> Group<'a> {
    /// A group that has so many replicas and works. `objective`: seconds after which a record is late.
    pub fn new(trace: &'a Trace, conditions: Conditions, replicas: i32, objective: usize) -> Self {
        let partitions = trace.partitions;
        let mut rng = SmallRng::seed_from_u64(conditions.seed ^ 0x5eed);
        let pods = Pods::running(conditions.boot, replicas, &mut rng);
        let ids: Vec<u32> = pods.ready(0).collect();
        Self {
            trace,
            second: 0,
            protocol: conditions.protocol,
            rng,
            pods,
            members: assignment::range(&ids, partitions),
            rebalance: None,
            readable: vec![0; partitions],
            position: vec![0.0; partitions],
            committed: vec![0.0; partitions],
            oldest: vec![1; partitions],
            late_records: 0.0,
            objective,
            unsettled: true,
            waiting: Vec::with_capacity(partitions),
        }
    }

    /// Replicas that the workload asks for.
    pub fn wanted(&self) -> i32 {
        self.pods.wanted
    }

    /// Pods there are, ready or not.
    pub fn pods(&self) -> usize {
        self.pods.count()
    }

    /// The members and their partitions.
    pub fn members(&self) -> &[(u32, Vec<usize>)] {
        &self.members
    }

    /// State of the group as its coordinator has it.
    pub fn state(&self) -> &'static str {
        match (&self.rebalance, self.protocol) {
            (Some(_), _) => "PreparingRebalance",
            (None, Protocol::Consumer) if self.readable.iter().any(|from| *from > self.second) => {
                "Reconciling"
            }
            _ if self.members.is_empty() => "Empty",
            _ => "Stable",
        }
    }

    /// Committed and end offset of a partition; None where it has no leader to ask.
    pub fn offsets(&self, partition: usize) -> Option<(f64, f64)> {
        self.trace.is_led(partition, self.second).then(|| {
            (
                self.committed[partition],
                self.trace.arrived(self.second)[partition],
            )
        })
    }

    /// Records that were processed later than the objective allows.
    pub fn late_records(&self) -> f64 {
        self.late_records
    }

    /// Seconds the oldest unprocessed record of all partitions has been waiting.
    pub fn lateness(&self) -> usize {
        let longest = self
            .oldest
            .iter()
            .map(|came| (self.second + 1).saturating_sub(*came));
        longest.max().unwrap_or(0).saturating_sub(1)
    }

    /// Asks for so many replicas.
    pub fn scale(&mut self, replicas: i32) {
        let gone = self.pods.scale(replicas, self.second, &mut self.rng);
        gone.into_iter().for_each(|pod| self.leave(pod));
    }

    /// Lets a second pass.
    pub fn step(&mut self) {
        self.second += 1;
        if self.trace.rollout() == Some(self.second) {
            self.pods.replace();
        }
        let gone = self.pods.roll(self.second, &mut self.rng);
        gone.into_iter().for_each(|pod| self.leave(pod));
        if self.unsettled || self.pods.becomes_ready(self.second) {
            self.follow_membership();
        }
        self.consume();
        self.commit();
        self.age();
    }

    /// A pod commits, leaves, and is no more.
    fn leave(&mut self, pod: u32) {
        self.unsettled = true;
        if let Some(at) = self.members.iter().position(|(member, _)| *member == pod) {
            let (_, partitions) = self.members.remove(at);
            partitions
                .into_iter()
                .for_each(|partition| self.revoke(partition));
        }
        if let Some(Rebalance {
            target: Some(target),
            ..
        }) = &mut self.rebalance
        {
            target.retain(|(member, _)| *member != pod);
        }
    }

    fn revoke(&mut self, partition: usize) {
        self.committed[partition] = self.position[partition];
    }

    fn follow_membership(&mut self) {
        self.unsettled = true;
        if let Some(rebalance) = self
            .rebalance
            .take_if(|rebalance| rebalance.ends <= self.second)
        {
            let ready: Vec<u32> = self.pods.ready(self.second).collect();
            self.members = rebalance
                .target
                .unwrap_or_else(|| assignment::range(&ready, self.trace.partitions));
        }
        if self.rebalance.is_some() {
            return;
        }
        let ready: Vec<u32> = self.pods.ready(self.second).collect();
        let assigned: usize = self
            .members
            .iter()
            .map(|(_, partitions)| partitions.len())
            .sum();
        let complete = assigned == self.trace.partitions || ready.is_empty();
        if complete
            && self
                .members
                .iter()
                .map(|(member, _)| *member)
                .eq(ready.iter().copied())
        {
            self.unsettled = false;
            return;
        }
        match self.protocol {
            Protocol::Eager => {
                (0..self.trace.partitions).for_each(|partition| self.revoke(partition));
                self.members.clear();
                self.begin(8.0, None);
            }
            Protocol::Cooperative => {
                let target = assignment::sticky(&self.members, &ready, self.trace.partitions);
                self.keep_common(&target);
                self.begin(3.0, Some(target));
            }
            Protocol::Consumer => {
                let target = assignment::sticky(&self.members, &ready, self.trace.partitions);
                let moved = self.keep_common(&target);
                for partition in moved {
                    self.readable[partition] = self.second + self.rng.random_range(1..=10);
                }
                self.members = target;
            }
        }
    }

    fn begin(&mut self, seconds: f64, target: Option<Vec<(u32, Vec<usize>)>>) {
        let takes = seconds * self.rng.random_range(0.8..1.2);
        self.rebalance = Some(Rebalance {
            ends: self.second + takes.round() as usize,
            target,
        });
    }

    /// Takes from the members what they do not keep; all partitions that move.
    fn keep_common(&mut self, target: &[(u32, Vec<usize>)]) -> Vec<usize> {
        let mut kept = vec![false; self.trace.partitions];
        for (member, partitions) in &mut self.members {
            let theirs = target.iter().find(|(other, _)| other == member);
            partitions
                .retain(|partition| theirs.is_some_and(|(_, theirs)| theirs.contains(partition)));
            partitions
                .iter()
                .for_each(|&partition| kept[partition] = true);
        }
        let moved: Vec<usize> = (0..self.trace.partitions)
            .filter(|&partition| !kept[partition])
            .collect();
        moved.iter().for_each(|&partition| self.revoke(partition));
        moved
    }

    fn consume(&mut self) {
        let (second, trace) = (self.second, self.trace);
        let arrived = trace.arrived(second);
        let overdue = trace.arrived(second.saturating_sub(self.objective));
        let each = trace.capacity(second, self.members.len());
        let mut waiting = std::mem::take(&mut self.waiting);
        for (_, partitions) in &self.members {
            let speed = self.rng.random_range(0.9..1.1);
            waiting.clear();
            for &partition in partitions {
                let left = arrived[partition] - self.position[partition];
                let readable = self.readable[partition] <= second
                    && trace.is_led(partition, second)
                    && !trace.is_stuck(partition, second);
                if left > 0.0 && readable {
                    waiting.push((partition, left));
                }
            }
            share_out(&mut waiting, each * speed);
            for &(partition, done) in &waiting {
                let before = self.position[partition];
                self.late_records += (overdue[partition].min(before + done) - before).max(0.0);
                self.position[partition] = before + done;
            }
        }
        self.waiting = waiting;
    }

    fn commit(&mut self) {
        for (member, partitions) in &self.members {
            if (self.second + *member as usize).is_multiple_of(COMMIT_PERIOD) {
                for &partition in partitions {
                    if self.readable[partition] <= self.second
                        && self.trace.is_led(partition, self.second)
                    {
                        self.committed[partition] = self.position[partition];
                    }
                }
            }
        }
    }

    fn age(&mut self) {
        for (partition, came) in self.oldest.iter_mut().enumerate() {
            let done = self.position[partition] + 1e-6;
            while *came <= self.second && self.trace.arrived(*came)[partition] <= done {
                *came += 1;
            }
        }
    }
}
