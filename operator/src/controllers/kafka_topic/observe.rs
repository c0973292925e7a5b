use super::{Converged, unmoved};
use crate::{
    plan::{self, KafkaStep, Plan},
    resolve::ResolvedTopic,
    status::{Draft, reasons},
    world::View,
};

/// Sentences of a plan that are written to status.
const PLAN_SHOWN: usize = 32;

/// Compares Kafka with what is desired, and changes nothing. A topic somebody else made is compared as if it were adopted.
pub fn observe(desired: &ResolvedTopic, view: &View, owned: bool) -> Converged {
    let name = desired.name.as_str();
    let observed = view.topics.get(name);
    let mut to_do = plan::topic(desired, observed.map(AsRef::as_ref), &view.cluster, true);
    let moves = observed.map_or_else(Vec::new, |observed| unmoved(desired, observed, view));
    to_do
        .steps
        .extend((!moves.is_empty()).then_some(KafkaStep::Reassign(moves)));
    let to_allow = Plan {
        steps: plan::producers(desired, &view.acls),
        blocked: Vec::new(),
    };
    let foreign = observed.is_some() && !owned && !desired.adopt;
    let (to_do, to_allow) = (plan::sentences(&to_do), plan::sentences(&to_allow));
    Converged {
        observed: observed.cloned(),
        mine: owned,
        synced: compared("Synced", name, &to_do, foreign),
        balanced: None,
        reassignment: None,
        access: compared("AccessGranted", name, &to_allow, false),
        plan: shortened(to_do.into_iter().chain(to_allow).collect()),
        failure: None,
    }
}

fn compared(kind: &'static str, name: &str, to_do: &[String], foreign: bool) -> Draft {
    let (what, reason) = match kind {
        "Synced" => ("topic", reasons::SYNCED),
        _ => ("access to topic", reasons::GRANTED),
    };
    let adopt = match foreign {
        true => "; it was not made by this resource, which also needs `adopt: true` to manage it",
        false => "",
    };
    match to_do.len() {
        0 => Draft::yes(
            kind,
            reason,
            format!("{what} `{name}` in Kafka is as the spec says; it is only observed{adopt}"),
        ),
        count => Draft::no(
            kind,
            reasons::DRIFTED,
            format!(
                "{what} `{name}` in Kafka differs from the spec in {count} of the things that status.plan lists; it is only observed, write `managementPolicy: Manage` to have them done{adopt}"
            ),
        ),
    }
}

fn shortened(mut sentences: Vec<String>) -> Vec<String> {
    if sentences.len() > PLAN_SHOWN {
        let more = sentences.split_off(PLAN_SHOWN - 1).len();
        sentences.push(format!("and {more} more"));
    }
    sentences
}
