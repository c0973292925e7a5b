//! The reasons of all conditions: one word each, the same in conditions, events and metrics.

/// All conditions hold.
pub const READY: &str = "Ready";
/// Kafka or the registry is as the spec says.
pub const SYNCED: &str = "Synced";
/// Work is under way.
pub const PROGRESSING: &str = "Progressing";
/// The ACLs asked for are in place.
pub const GRANTED: &str = "Granted";
/// The KafkaCluster does not exist.
pub const CLUSTER_NOT_FOUND: &str = "ClusterNotFound";
/// The KafkaCluster is not up yet.
pub const CLUSTER_NOT_READY: &str = "ClusterNotReady";
/// Kafka does not answer.
pub const KAFKA_UNREACHABLE: &str = "KafkaUnreachable";
/// Kafka refused a request.
pub const KAFKA_REFUSED: &str = "KafkaRefused";
/// The namespace may not use the cluster.
pub const NAMESPACE_NOT_GRANTED: &str = "NamespaceNotGranted";
/// The name does not begin with a prefix of the namespace.
pub const NAME_NOT_GRANTED: &str = "NameNotGranted";
/// The name is Kafka's or Millrace's own.
pub const NAME_RESERVED: &str = "NameReserved";
/// The namespace has as many topics or partitions as it may have.
pub const LIMIT_EXCEEDED: &str = "LimitExceeded";
/// Another resource has the same name in Kafka and was there first.
pub const CONFLICT: &str = "Conflict";
/// It exists already and `adopt` is not set.
pub const NOT_ADOPTED: &str = "NotAdopted";
/// Kafka or the registry differs from the spec, and is only observed or was changed by somebody else.
pub const DRIFTED: &str = "Drifted";
/// The annotation `millrace.dev/paused` is set.
pub const PAUSED: &str = "Paused";
/// The topic was deleted and made again, and groups' offsets may not fit it.
pub const TOPIC_RECREATED: &str = "TopicRecreated";
/// No group's offset lies beyond the end of the log.
pub const OFFSETS_WITHIN_LOG: &str = "OffsetsWithinLog";
/// Fewer partitions were asked for; Kafka cannot do that.
pub const PARTITIONS_CANNOT_SHRINK: &str = "PartitionsCannotShrink";
/// Replicas are being moved, or wait for their turn.
pub const REASSIGNING: &str = "Reassigning";
/// Replicas lie in different racks, and brokers hold and lead as much as one another.
pub const BALANCED: &str = "Balanced";
/// Replicas lie badly.
pub const UNBALANCED: &str = "Unbalanced";
/// More replicas were asked for than there are brokers.
pub const TOO_FEW_BROKERS: &str = "TooFewBrokers";
/// A Topic, DLQ or other resource referred to does not exist.
pub const REFERENCE_NOT_FOUND: &str = "ReferenceNotFound";
/// A Schema referred to is not registered yet.
pub const REFERENCE_NOT_READY: &str = "ReferenceNotReady";
/// Others refer to what is to be deleted.
pub const REFERRED_TO: &str = "ReferredTo";
/// The Topic or DLQ of another namespace does not allow this one.
pub const NOT_ALLOWED: &str = "NotAllowed";
/// The schema would break readers or writers.
pub const INCOMPATIBLE: &str = "Incompatible";
/// The schema does not break anybody.
pub const COMPATIBLE: &str = "Compatible";
/// The text is not a schema.
pub const INVALID_SCHEMA: &str = "InvalidSchema";
/// The cluster has no schema registry.
pub const NO_REGISTRY: &str = "NoRegistry";
/// The schema registry does not answer.
pub const REGISTRY_UNREACHABLE: &str = "RegistryUnreachable";
/// The schema registry refused a request.
pub const REGISTRY_REFUSED: &str = "RegistryRefused";
/// The spec contradicts itself.
pub const INVALID_SPEC: &str = "InvalidSpec";
/// The resource is being deleted.
pub const DELETING: &str = "Deleting";
/// No record waits longer than the objective.
pub const WITHIN_OBJECTIVE: &str = "WithinObjective";
/// A record waits longer than the objective.
pub const OBJECTIVE_MISSED: &str = "ObjectiveMissed";
/// The lag is not known, or not for long enough.
pub const LAG_UNKNOWN: &str = "LagUnknown";
/// There is lag, there are consumers, and nothing is committed.
pub const NO_PROGRESS: &str = "NoProgress";
/// The consumers make progress, or have nothing to do.
pub const PROGRESS: &str = "Progress";
/// There is lag and no consumer.
pub const NO_CONSUMER: &str = "NoConsumer";
/// There are consumers, or they have nothing to do.
pub const CONSUMERS: &str = "Consumers";
/// One partition holds most of the lag, or of the topic.
pub const HOT_PARTITION: &str = "HotPartition";
/// The lag, or the topic, is spread over the partitions.
pub const EVEN: &str = "Even";
/// Kafka has lost offsets that the group had committed.
pub const OFFSETS_GONE: &str = "OffsetsGone";
/// Kafka has the offsets that the group committed.
pub const OFFSETS_KEPT: &str = "OffsetsKept";
/// The offsets were reset, and read back.
pub const RESET: &str = "Reset";
/// A reset was only worked out.
pub const DRY_RUN: &str = "DryRun";
/// The group has members, and Kafka takes offsets for one without only.
pub const GROUP_NOT_EMPTY: &str = "GroupNotEmpty";
/// A reset was given up.
pub const RESET_FAILED: &str = "ResetFailed";
/// The workload to scale exists and may be scaled.
pub const FOUND: &str = "Found";
/// The workload to scale does not exist.
pub const TARGET_NOT_FOUND: &str = "TargetNotFound";
/// The kind of the workload may not be scaled, or has no `scale` subresource.
pub const KIND_NOT_SCALABLE: &str = "KindNotScalable";
/// Somebody else keeps changing the replicas back.
pub const CONTESTED: &str = "Contested";
/// Nobody else changes the replicas.
pub const UNCONTESTED: &str = "Uncontested";
/// There are dead letters.
pub const LETTERS: &str = "Letters";
/// There is no dead letter.
pub const NO_LETTERS: &str = "NoLetters";
/// Letters are being moved.
pub const REDRIVING: &str = "Redriving";
/// Another Redrive of the same DLQ is before this one.
pub const WAITING_FOR_TURN: &str = "WaitingForTurn";
/// Something stands in the way; it is tried again.
pub const RETRYING: &str = "Retrying";
/// It rests, as was asked for.
pub const SUSPENDED: &str = "Suspended";
/// It has done what was asked for.
pub const COMPLETED: &str = "Completed";
/// It was ended, as was asked for.
pub const CANCELLED: &str = "Cancelled";
/// It was given up.
pub const FAILED: &str = "Failed";
/// Too many of its letters came back.
pub const TOO_MANY_RETURNED: &str = "TooManyReturned";
/// The dead letters stay within what is set.
pub const HEALTHY: &str = "Healthy";
/// There are more dead letters than is set.
pub const TOO_MANY_LETTERS: &str = "TooManyLetters";
/// More dead letters come than is set.
pub const LETTERS_GROW: &str = "LettersGrow";
/// The oldest dead letter is older than is set.
pub const LETTERS_TOO_OLD: &str = "LettersTooOld";
/// The spec can be made true.
pub const ACCEPTED: &str = "Accepted";
/// All brokers are up.
pub const BROKERS_UP: &str = "BrokersUp";
/// Some brokers are not up.
pub const BROKERS_MISSING: &str = "BrokersMissing";
/// The schema registry answers.
pub const REGISTRY_UP: &str = "RegistryUp";
/// Losing one node loses nothing.
pub const REDUNDANT: &str = "Redundant";
/// There is one node, so nothing is kept twice.
pub const SINGLE_NODE: &str = "SingleNode";
/// Every pod is as the spec says.
pub const UP_TO_DATE: &str = "UpToDate";
/// The records sampled conform.
pub const CONFORMING: &str = "Conforming";
/// A record was found in a sample that does not conform.
pub const VIOLATIONS: &str = "NonConformingRecords";
/// There was no record to sample.
pub const NO_RECORDS: &str = "NoRecords";
/// The schema ids of the records sampled were not looked up.
pub const UNCHECKED: &str = "Unchecked";
