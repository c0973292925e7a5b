//! Which topics are being made. Before a topic is made, that is written down: one ConfigMap for each KafkaCluster, written
//! once for all topics that are wanted at about the same time. So a topic that exists and stands in no status is known as
//! the own work of an operator that died.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use kube::{Client, ResourceExt};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep},
};
use tracing::warn;

use crate::{
    apply::{self, Writes},
    desire::creations::{Entries, config_map, entries, size},
    error::Error,
    resolve::Facts,
    world::{ClusterKey, World},
};

/// How long a first announcement waits for others.
const LINGER: Duration = Duration::from_millis(5);
/// Most notes that are read before the journal is written.
const LARGEST: usize = 1_000;
/// Most bytes of the journal; an object of the API server may have 1 MiB.
const ROOM: usize = 512 * 1024;
/// How long nothing happens before entries that are over are taken out.
const IDLE: Duration = Duration::from_secs(5);
/// How long an entry is kept whose resource no store shows: a store may lag behind.
const STRAY: Duration = Duration::from_secs(60);

/// The journals of all clusters. A journal is read when it is needed first.
pub struct Creations {
    client: Client,
    writes: Writes,
    world: World,
    journals: Mutex<HashMap<ClusterKey, mpsc::UnboundedSender<Note>>>,
}

enum Note {
    /// A topic is about to be made for a resource.
    Announce {
        uid: String,
        topic: String,
        answer: oneshot::Sender<Result<(), Error>>,
    },
    /// Was that announced?
    Ask {
        uid: String,
        topic: String,
        answer: oneshot::Sender<Result<bool, Error>>,
    },
    /// What was announced for a resource is in its status, or was not made.
    Over { uid: String },
}

impl Creations {
    /// No journal is read yet.
    pub fn new(client: Client, writes: Writes, world: World) -> Self {
        Self {
            client,
            writes,
            world,
            journals: Mutex::default(),
        }
    }

    /// Returns once it is written that `topic` is about to be made for the resource of this uid.
    ///
    /// # Errors
    /// When that cannot be written: the topic must not be made then.
    pub async fn announce(
        &self,
        cluster: &ClusterKey,
        uid: &str,
        topic: &str,
    ) -> Result<(), Error> {
        let (answer, answered) = oneshot::channel();
        let (uid, topic) = (uid.to_owned(), topic.to_owned());
        self.tell(cluster, Note::Announce { uid, topic, answer });
        answered.await.unwrap_or_else(|_| Err(stopping()))
    }

    /// Whether `topic` was announced for the resource of this uid, by this operator or one before, and is not over.
    ///
    /// # Errors
    /// When the API server cannot be asked.
    pub async fn announced(
        &self,
        cluster: &ClusterKey,
        uid: &str,
        topic: &str,
    ) -> Result<bool, Error> {
        let (answer, answered) = oneshot::channel();
        let (uid, topic) = (uid.to_owned(), topic.to_owned());
        self.tell(cluster, Note::Ask { uid, topic, answer });
        answered.await.unwrap_or_else(|_| Err(stopping()))
    }

    /// The topic announced for the resource of this uid is in its status by now, or Kafka refused to make it.
    pub fn over(&self, cluster: &ClusterKey, uid: &str) {
        self.tell(
            cluster,
            Note::Over {
                uid: uid.to_owned(),
            },
        );
    }

    fn tell(&self, cluster: &ClusterKey, note: Note) {
        let mut journals = self.journals.lock().unwrap_or_else(PoisonError::into_inner);
        let journal = journals.entry(cluster.clone()).or_insert_with(|| {
            let (sender, notes) = mpsc::unbounded_channel();
            let journal = Journal {
                cluster: cluster.clone(),
                client: self.client.clone(),
                writes: self.writes.clone(),
                world: self.world.clone(),
                open: BTreeMap::new(),
                kept: Entries::new(),
                version: Version::Unread,
                waiting: Vec::new(),
            };
            tokio::spawn(journal.run(notes));
            sender
        });
        // Its task ends when the operator does; whoever waits for an answer hears of it.
        let _ = journal.send(note);
    }
}

fn stopping() -> Error {
    Error::Journal("the operator is stopping".to_owned())
}

struct Announcement {
    uid: String,
    topic: String,
    answer: oneshot::Sender<Result<(), Error>>,
}

struct Journal {
    cluster: ClusterKey,
    client: Client,
    writes: Writes,
    world: World,
    /// Announced and not over: topic and since when, by uid.
    open: BTreeMap<String, (String, Instant)>,
    /// What may stand in the ConfigMap.
    kept: Entries,
    version: Version,
    /// Announcements for which there is no room yet.
    waiting: Vec<Announcement>,
}

enum Version {
    /// The ConfigMap has to be read first.
    Unread,
    /// There is none.
    Absent,
    /// As last read or written.
    Is(String),
}

impl Journal {
    /// Ends when nobody can tell it anything any more.
    async fn run(mut self, mut notes: mpsc::UnboundedReceiver<Note>) {
        loop {
            tokio::select! {
                note = notes.recv() => {
                    let Some(first) = note else { return };
                    let notes = gather(first, &mut notes).await;
                    self.serve(notes).await;
                }
                () = sleep(IDLE), if !self.kept.is_empty() || !self.open.is_empty() => self.tidy().await,
            }
        }
    }

    async fn serve(&mut self, notes: Vec<Note>) {
        let read = match self.version {
            Version::Unread => self.read().await,
            Version::Absent | Version::Is(_) => Ok(()),
        };
        for note in notes {
            match note {
                Note::Over { uid } => {
                    self.open.remove(&uid);
                }
                Note::Ask { uid, topic, answer } => {
                    let known = self.open.get(&uid).is_some_and(|(name, _)| *name == topic);
                    let _ = answer.send(read.as_ref().map(|()| known).map_err(refused));
                }
                Note::Announce { uid, topic, answer } => {
                    self.waiting.push(Announcement { uid, topic, answer });
                }
            }
        }
        if !self.waiting.is_empty() {
            self.enter(read).await;
        }
    }

    /// Writes what waits, as far as there is room, and answers.
    async fn enter(&mut self, read: kube::Result<()>) {
        let mut used: usize = self
            .open
            .iter()
            .map(|(uid, (topic, _))| size(uid, topic))
            .sum();
        let (entering, waiting): (Vec<_>, Vec<_>) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|new| {
                used += size(&new.uid, &new.topic);
                used <= ROOM
            });
        self.waiting = waiting;
        let entered = match read {
            Ok(()) => self.enter_all(&entering).await,
            Err(error) => Err(error),
        };
        for Announcement { answer, .. } in entering {
            let _ = answer.send(entered.as_ref().copied().map_err(refused));
        }
    }

    async fn enter_all(&mut self, entering: &[Announcement]) -> kube::Result<()> {
        let new: Vec<&Announcement> = entering
            .iter()
            .filter(|a| {
                self.open
                    .get(&a.uid)
                    .is_none_or(|(topic, _)| *topic != a.topic)
            })
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        let now = Instant::now();
        let add = new.iter().map(|a| (a.uid.clone(), (a.topic.clone(), now)));
        self.open.extend(add);
        let written = self.write().await;
        if written.is_err() {
            for announcement in new {
                self.open.remove(&announcement.uid);
            }
        }
        written
    }

    /// Reads the ConfigMap. What somebody else has written is taken in; what this one has written is known.
    async fn read(&mut self) -> kube::Result<()> {
        let found = apply::read_journal(&self.client, &self.cluster).await?;
        let there = found.as_ref().map(entries).unwrap_or_default();
        let now = Instant::now();
        for (uid, topic) in &there {
            if self.kept.get(uid) != Some(topic) {
                self.open.insert(uid.clone(), (topic.clone(), now));
            }
        }
        self.kept = there;
        let version = found.and_then(|found| found.resource_version());
        self.version = version.map_or(Version::Absent, Version::Is);
        Ok(())
    }

    /// Writes what is open, in place of what was read. Where another operator has written meanwhile, what it wrote is kept.
    async fn write(&mut self) -> kube::Result<()> {
        match self.try_write().await {
            Err(kube::Error::Api(status)) if status.is_conflict() => {
                self.read().await?;
                self.try_write().await
            }
            other => other,
        }
    }

    async fn try_write(&mut self) -> kube::Result<()> {
        let cluster = self.world.cluster(&self.cluster).ok_or_else(|| {
            let gone = format!("there is no KafkaCluster {} any more", self.cluster);
            kube::Error::Service(gone.into())
        })?;
        let open: Entries = self
            .open
            .iter()
            .map(|(uid, (topic, _))| (uid.clone(), topic.clone()))
            .collect();
        let version = match &self.version {
            Version::Is(version) => Some(version.as_str()),
            Version::Absent | Version::Unread => None,
        };
        let journal = config_map(&cluster, &open, version);
        self.kept.extend(open.clone());
        self.version = Version::Unread;
        let written = apply::write_journal(&self.client, &self.writes, &journal).await?;
        self.kept = open;
        self.version = written
            .resource_version()
            .map_or(Version::Unread, Version::Is);
        Ok(())
    }

    /// Takes out what is over, after a while in which nothing was announced.
    async fn tidy(&mut self) {
        if self.world.cluster(&self.cluster).is_none() {
            // The ConfigMap goes with the KafkaCluster.
            self.open.clear();
            self.kept.clear();
            self.version = Version::Unread;
            return;
        }
        self.forget_settled();
        let same = self.open.len() == self.kept.len() && self.open.keys().eq(self.kept.keys());
        if same {
            return;
        }
        let tidied = match self.version {
            Version::Unread => self.read().await,
            Version::Absent | Version::Is(_) => Ok(()),
        };
        let tidied = match tidied {
            Ok(()) => self.write().await,
            Err(error) => Err(error),
        };
        if let Err(error) = tidied {
            warn!(cluster = %self.cluster, %error, "the list of topics being made is not tidied yet");
        }
    }

    /// Entries whose resource has the name in its status, or is gone: those of an operator that ended before it said so.
    fn forget_settled(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let stores = &self.world.stores;
        let topics = stores.topics.state();
        let dlqs = stores.dlqs.state();
        let topics = topics.iter().map(|topic| {
            let name = topic
                .status
                .as_ref()
                .and_then(|status| status.topic_name.as_ref());
            (topic.uid().unwrap_or_default(), name)
        });
        let dlqs = dlqs.iter().map(|dlq| {
            let name = dlq
                .status
                .as_ref()
                .and_then(|status| status.topic_name.as_ref());
            (dlq.uid().unwrap_or_default(), name)
        });
        let open = &mut self.open;
        let mut strays: BTreeSet<String> = open
            .iter()
            .filter(|(_, (_, since))| since.elapsed() >= STRAY)
            .map(|(uid, _)| uid.clone())
            .collect();
        for (uid, name) in topics.chain(dlqs) {
            strays.remove(&uid);
            if open.get(&uid).is_some_and(|(topic, _)| name == Some(topic)) {
                open.remove(&uid);
            }
        }
        open.retain(|uid, _| !strays.contains(uid));
    }
}

fn refused(error: &kube::Error) -> Error {
    Error::Journal(error.to_string())
}

async fn gather(first: Note, notes: &mut mpsc::UnboundedReceiver<Note>) -> Vec<Note> {
    if matches!(first, Note::Announce { .. }) {
        sleep(LINGER).await;
    }
    let mut gathered = vec![first];
    while gathered.len() < LARGEST
        && let Ok(note) = notes.try_recv()
    {
        gathered.push(note);
    }
    gathered
}
