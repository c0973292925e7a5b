use std::{
    collections::{BTreeMap, HashMap},
    ops::{Add, Sub},
};

use super::{Claimant, Facts, Rejection, grant::limits};
use crate::{status::reasons, world::ClusterKey};

/// Topics, and the partitions of all of them together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// Topics, dead-letter topics among them.
    pub topics: usize,
    /// Partitions.
    pub partitions: usize,
}

impl Add for Amount {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            topics: self.topics + other.topics,
            partitions: self.partitions + other.partitions,
        }
    }
}

impl Sub for Amount {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            topics: self.topics.saturating_sub(other.topics),
            partitions: self.partitions.saturating_sub(other.partitions),
        }
    }
}

/// What one Topic or DLQ has of its namespace's limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// What is there: nothing, or one topic with its partitions. It is never taken away.
    pub held: Amount,
    /// What the spec asks for beyond that.
    pub asked: Amount,
}

impl Share {
    /// The share of a resource that asks for `wanted` partitions, and whose topic was `seen` with some. One that was announced
    /// and never seen has nothing yet, or whatever is written while it cannot be made would count as there.
    pub fn of(wanted: usize, seen: Option<usize>) -> Self {
        match seen {
            None => Self {
                held: Amount::default(),
                asked: Amount {
                    topics: 1,
                    partitions: wanted,
                },
            },
            Some(partitions) => Self {
                held: Amount {
                    topics: 1,
                    partitions,
                },
                asked: Amount {
                    topics: 0,
                    partitions: wanted.saturating_sub(partitions),
                },
            },
        }
    }

    fn whole(self) -> Amount {
        self.held + self.asked
    }

    fn is_waiting(self) -> bool {
        self.asked != Amount::default()
    }
}

/// The most a namespace may have on a cluster; None where nothing is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Most topics.
    pub topics: Option<usize>,
    /// Most partitions.
    pub partitions: Option<usize>,
}

impl Limits {
    fn allow(self, amount: Amount) -> bool {
        self.topics.is_none_or(|most| amount.topics <= most)
            && self.partitions.is_none_or(|most| amount.partitions <= most)
    }

    /// Whether growth to `amount` is allowed: only what grows is held against its limit, since what is there stays.
    fn allow_more(self, amount: Amount, asked: Amount) -> bool {
        (asked.topics == 0 || self.topics.is_none_or(|most| amount.topics <= most))
            && (asked.partitions == 0
                || self.partitions.is_none_or(|most| amount.partitions <= most))
    }
}

/// What the Topics and DLQs of one namespace have and ask for on one cluster. What is there is summed up; only those that
/// still ask for something are looked at one by one, and only where the namespace as a whole is over its limits.
#[derive(Debug, Default)]
pub struct Uses {
    members: HashMap<(String, String), (Claimant, Share)>,
    waiting: BTreeMap<Claimant, Share>,
    held: Amount,
    asked: Amount,
}

impl Uses {
    /// Enters a resource's share. True if others may have room now that had none.
    pub fn put(&mut self, who: &Claimant, share: Share) -> bool {
        let before = self.take_out(&who.kind, &who.name);
        self.held = self.held + share.held;
        self.asked = self.asked + share.asked;
        if share.is_waiting() {
            self.waiting.insert(who.clone(), share);
        }
        self.members.insert(key(who), (who.clone(), share));
        let (before, now) = (before.whole(), share.whole());
        now.topics < before.topics || now.partitions < before.partitions
    }

    /// Takes a resource out. True if others may have room now that had none.
    pub fn remove(&mut self, kind: &str, name: &str) -> bool {
        self.take_out(kind, name) != Share::default()
    }

    fn take_out(&mut self, kind: &str, name: &str) -> Share {
        let Some((who, share)) = self.members.remove(&(kind.to_owned(), name.to_owned())) else {
            return Share::default();
        };
        self.waiting.remove(&who);
        self.held = self.held - share.held;
        self.asked = self.asked - share.asked;
        share
    }

    /// Whether nobody has or asks for anything.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Those that ask for more than they have, the oldest first.
    pub fn waiting(&self) -> impl Iterator<Item = &Claimant> {
        self.waiting.keys()
    }

    /// What comes before `me`, whose share is `mine`: what others have, and what older ones ask for and have room for.
    pub fn before(&self, me: &Claimant, mine: Share, limits: Limits) -> Amount {
        let known = self
            .members
            .get(&key(me))
            .map_or_else(Share::default, |(_, share)| *share);
        let everybody = self.held + self.asked - known.whole();
        if limits.allow(everybody + mine.whole()) {
            return everybody;
        }
        let held = self.held - known.held;
        let older = self
            .waiting
            .range(..me)
            .filter(|(other, _)| !other.is(me))
            .map(|(_, share)| share.asked);
        older.fold(held, |sum, asked| {
            match limits.allow_more(sum + mine.held + asked, asked) {
                true => sum + asked,
                false => sum,
            }
        })
    }
}

fn key(who: &Claimant) -> (String, String) {
    (who.kind.clone(), who.name.clone())
}

/// A limit that keeps a topic from getting more partitions. Everything else about it is still done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capped {
    /// The partitions it may have: those it has.
    pub partitions: usize,
    /// Which limit it is, and who can raise it.
    pub why: Rejection,
}

/// Whether the namespace's limits have room for a share. What is there is never refused; where only partitions cannot be
/// added, the answer says so and the rest goes on.
///
/// # Errors
/// A [`Rejection`] when the topic is not there yet and there is no room for it.
pub(super) fn room(
    me: &Claimant,
    cluster: &ClusterKey,
    text: &str,
    share: Share,
    facts: &dyn Facts,
) -> Result<Option<Capped>, Rejection> {
    if !share.is_waiting() {
        return Ok(None);
    }
    let Some(limits) = limits(cluster, &me.namespace, facts) else {
        return Ok(None);
    };
    let before = facts.used_before(cluster, me, share, limits);
    let whole = before + share.whole();
    let refuse = |what: &str, has: usize, most: usize, asks: String| {
        Rejection::no(
            reasons::LIMIT_EXCEEDED,
            format!(
                "topic `{text}`{asks}: namespace `{}` has {has} of at most {most} {what} on KafkaCluster {cluster}; delete what is not needed, or ask the cluster's owner to raise limits.{what} in spec.namespaces",
                me.namespace
            ),
        )
    };
    if let Some(most) = limits.topics
        && share.asked.topics > 0
        && whole.topics > most
    {
        return Err(refuse("topics", before.topics, most, String::new()));
    }
    let Some(most) = limits.partitions.filter(|most| whole.partitions > *most) else {
        return Ok(None);
    };
    let asks = format!(" asks for {} partitions", share.whole().partitions);
    let asks = match share.held.topics {
        0 => asks,
        _ => format!("{asks} and has {}", share.held.partitions),
    };
    let has = before.partitions + share.held.partitions;
    let why = refuse("partitions", has, most, asks);
    match share.held.topics {
        0 => Err(why),
        _ => Ok(Some(Capped {
            partitions: share.held.partitions,
            why,
        })),
    }
}
