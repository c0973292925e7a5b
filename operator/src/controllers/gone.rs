use futures::{Stream, StreamExt, stream};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use crate::world::{Wake, Waker};

/// Namespace and name of a resource.
pub(super) type Name = (String, String);

/// The resources of a kind that may be gone, until `shutdown`: each that `named` finds in a wake, and all that are `known` where wakes
/// were missed.
pub(super) fn perhaps_gone(
    waker: &Waker,
    shutdown: CancellationToken,
    named: fn(Wake) -> Option<Name>,
    known: impl Fn() -> Vec<Name>,
) -> impl Stream<Item = Name> {
    let heard = stream::unfold(
        (waker.subscribe(), known),
        move |(mut wakes, known)| async move {
            let names = match wakes.recv().await {
                Ok(wake) => named(wake).into_iter().collect(),
                Err(RecvError::Lagged(_)) => known(),
                Err(RecvError::Closed) => return None,
            };
            Some((stream::iter(names), (wakes, known)))
        },
    );
    heard.flatten().take_until(shutdown.cancelled_owned())
}
