use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::{Measure, Skew};
use crate::status::{Draft, reasons};

const KIND: &str = "Skewed";

/// The condition `Skewed` of a topic. None where there is no verdict. While nothing is known yet (`known` is false) it stays as
/// it was.
pub fn draft(skew: Option<&Skew>, known: bool, old: &[Condition]) -> Option<Draft> {
    match skew {
        Some(skew) => Some(verdict(skew)),
        None if known => None,
        None => old
            .iter()
            .find(|condition| condition.type_ == KIND)
            .map(carried),
    }
}

fn verdict(skew: &Skew) -> Draft {
    if !skew.skewed {
        let message = "no partition holds much more than the others";
        return Draft::no(KIND, reasons::EVEN, message);
    }
    let of = match skew.measure {
        Measure::Bytes => "bytes",
        Measure::Records => "records",
    };
    let Skew {
        partition,
        share,
        partitions,
        ..
    } = skew;
    let even = (100.0 / *partitions as f64).round();
    Draft::yes(
        KIND,
        reasons::HOT_PARTITION,
        format!(
            "partition {partition} holds {share} % of the topic's {of}, where {even} % would be its even share of {partitions} partitions. Records go there by their key: \
             choose a key with more values that are used alike, or add something to the key that is used most. More partitions do not help: one key stays in one partition"
        ),
    )
}

fn carried(condition: &Condition) -> Draft {
    match condition.status.as_str() {
        "True" => Draft::yes(KIND, reasons::HOT_PARTITION, &condition.message),
        _ => Draft::no(KIND, reasons::EVEN, &condition.message),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::status::merge;

    fn skew(skewed: bool) -> Skew {
        Skew {
            skewed,
            partition: 3,
            share: 61,
            partitions: 12,
            measure: Measure::Bytes,
            ratio: 7.3,
        }
    }

    #[test]
    fn the_words_name_the_partition_its_share_and_what_to_do() {
        let told = draft(Some(&skew(true)), true, &[]).unwrap();
        for words in ["partition 3", "61 %", "8 %", "12 partitions", "key"] {
            assert!(told.message.contains(words), "{}", told.message);
        }
        assert_eq!(told.reason, "HotPartition");
        assert_eq!(draft(Some(&skew(false)), true, &[]).unwrap().reason, "Even");
    }

    #[test]
    fn what_was_said_stays_until_something_is_known() {
        let said = draft(Some(&skew(true)), true, &[]).unwrap();
        let old = merge(
            &[],
            std::slice::from_ref(&said),
            None,
            Timestamp::UNIX_EPOCH,
        );
        assert_eq!(draft(None, false, &old), Some(said));
        assert_eq!(draft(None, false, &[]), None);
        assert_eq!(draft(None, true, &old), None, "it is known to be too small");
    }
}
