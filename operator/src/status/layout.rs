use millrace_crds::ReassignmentStatus;

use super::{Draft, reasons};
use crate::world::TopicMoves;

/// Whether the replicas lie well; `flaw` says what is wrong with that.
pub fn balanced(flaw: Option<String>) -> Draft {
    const KIND: &str = "Balanced";
    match flaw {
        Some(flaw) => Draft::no(KIND, reasons::UNBALANCED, flaw),
        None => Draft::yes(
            KIND,
            reasons::BALANCED,
            "replicas lie in different racks, and brokers hold and lead as much as one another, as far as racks allow",
        ),
    }
}

/// A topic whose replicas are moved, or wait for that. `moves` is what the last pass over the cluster said of it.
pub fn reassigning(topic: &str, partitions: usize, moves: Option<&TopicMoves>) -> Draft {
    let text = match moves {
        None => format!("{partitions} partitions wait to have their replicas moved"),
        Some(moves) => {
            let waiting = moves.waiting.iter().map(|why| format!("; {why}"));
            format!(
                "{}{}",
                numbers(&moves.progress),
                waiting.collect::<String>()
            )
        }
    };
    Draft::no(
        "Synced",
        reasons::REASSIGNING,
        format!("topic `{topic}`: {text}"),
    )
}

fn numbers(progress: &ReassignmentStatus) -> String {
    let bytes = progress.bytes_left.map(|bytes| format!(", {bytes} bytes"));
    let rate = progress
        .bytes_per_second
        .map(|rate| format!(" at {rate} bytes/s"));
    let time = progress
        .seconds_left
        .map(|seconds| format!(", {seconds} s left"));
    let parts: String = [bytes, rate, time].into_iter().flatten().collect();
    format!(
        "replicas of {} partitions are still to be moved{parts}",
        progress.partitions_left
    )
}
