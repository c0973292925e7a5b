/// How the members of a group share its topics' partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupType {
    /// Consumers that assign partitions among themselves, by JoinGroup and SyncGroup (KIP-62).
    Classic,
    /// Consumers whose coordinator assigns the partitions (KIP-848). Groups change from [`Self::Classic`] to this and back while
    /// they run, so the two are read alike.
    Consumer,
    /// Consumers that take records of the same partitions and acknowledge them one by one (KIP-932).
    Share,
    /// An application of Kafka Streams, whose coordinator assigns the tasks (KIP-1071), or which assigns them itself as
    /// [`Self::Classic`]: its application decides, so the two are read alike.
    Streams,
}
