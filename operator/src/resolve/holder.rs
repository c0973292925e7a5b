use super::{Claimant, Facts, Name, Rejection, grant::may_claim};
use crate::{status::reasons, world::ClusterKey};

/// Whether `me` holds the name: it is the oldest of those that ask for it and may have it. A claim that is not granted
/// does not count, so nobody can take a name away by asking for it first.
///
/// # Errors
/// A [`Rejection`] that names the holder.
pub(super) fn holds(
    me: &Claimant,
    cluster: &ClusterKey,
    what: &str,
    text: &str,
    names: &[Name],
    facts: &dyn Facts,
) -> Result<(), Rejection> {
    let mut claimants: Vec<Claimant> = names
        .iter()
        .flat_map(|name| facts.claimants(cluster, name))
        .collect();
    claimants.sort();
    let holder = claimants
        .into_iter()
        .find(|c| c.is(me) || may_claim(cluster, &c.namespace, text, facts));
    match holder {
        Some(holder) if !holder.is(me) => Err(Rejection::no(
            reasons::CONFLICT,
            format!(
                "{what} `{text}` is held by {holder}, which was there first: choose another name; to hand it over, write `adopt: true` here and delete that resource (with deletionPolicy Retain its data stays)"
            ),
        )),
        _ => Ok(()),
    }
}
