use std::{sync::Arc, time::Duration};

use axum::{
    body::{self, Body, Bytes, HttpBody},
    http::StatusCode,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// Longest body, in bytes, and most of all bodies at a time: the API server takes objects of up to 3 MiB, and a review has two. What a
/// body is read into takes many times its length.
const MOST: u32 = 8 << 20;
/// Longest time in which a body gets its turn and comes, as long as the API server waits for the whole answer by default.
const PATIENCE: Duration = Duration::from_secs(3);

/// Reads what is sent to the webhook. Whoever reaches its port may send, so the memory for all of it is bounded: a body says how long it
/// is and waits until there is room.
#[derive(Clone, Debug)]
pub struct Intake {
    room: Arc<Semaphore>,
    patience: Duration,
}

/// A body, which takes up room until it is dropped.
#[derive(Debug)]
pub struct Taken {
    /// All of it.
    pub bytes: Bytes,
    _room: OwnedSemaphorePermit,
}

impl Intake {
    /// With nothing in it.
    pub fn new() -> Self {
        Self {
            room: Arc::new(Semaphore::new(MOST as usize)),
            patience: PATIENCE,
        }
    }

    /// Reads a body.
    ///
    /// # Errors
    /// Why not: 411 where it does not say how long it is, 413 where it is too long, 503 where there is no room for it in time, 408 where
    /// it does not come in time, 400 where the connection breaks.
    pub async fn take(&self, body: Body) -> Result<Taken, (StatusCode, &'static str)> {
        let Some(length) = body.size_hint().exact() else {
            return Err((
                StatusCode::LENGTH_REQUIRED,
                "the body needs a Content-Length",
            ));
        };
        let Some(length) = u32::try_from(length).ok().filter(|length| *length <= MOST) else {
            return Err((
                StatusCode::PAYLOAD_TOO_LARGE,
                "the body is longer than 8 MiB",
            ));
        };
        let room = timeout(self.patience, self.room.clone().acquire_many_owned(length)).await;
        let Ok(Ok(room)) = room else {
            return Err((
                StatusCode::SERVICE_UNAVAILABLE,
                "too much is asked at a time; ask again later",
            ));
        };
        match timeout(self.patience, body::to_bytes(body, length as usize)).await {
            Err(_) => Err((
                StatusCode::REQUEST_TIMEOUT,
                "the body did not come within 3 s",
            )),
            Ok(Err(_)) => Err((
                StatusCode::BAD_REQUEST,
                "the connection broke before the body had come",
            )),
            Ok(Ok(bytes)) => Ok(Taken { bytes, _room: room }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        pin::Pin,
        task::{Context, Poll},
    };

    use axum::body::HttpBody;
    use futures::stream;
    use http_body::{Frame, SizeHint};

    use super::*;

    /// A body that says how long it is, and does not come.
    struct Awaited(u64);

    impl HttpBody for Awaited {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(self.0)
        }
    }

    fn intake() -> Intake {
        Intake {
            patience: Duration::from_millis(50),
            ..Intake::new()
        }
    }

    async fn status(intake: &Intake, body: Body) -> Result<usize, StatusCode> {
        let taken = intake.take(body).await;
        taken
            .map(|taken| taken.bytes.len())
            .map_err(|(status, _)| status)
    }

    fn zeros(length: usize) -> Body {
        Body::from(vec![0; length])
    }

    #[tokio::test]
    async fn a_body_is_taken_up_to_its_longest() {
        let (intake, most) = (intake(), MOST as usize);
        assert_eq!(status(&intake, zeros(0)).await, Ok(0));
        assert_eq!(status(&intake, zeros(most)).await, Ok(most));
        assert_eq!(
            status(&intake, zeros(most + 1)).await,
            Err(StatusCode::PAYLOAD_TOO_LARGE)
        );
    }

    #[tokio::test]
    async fn a_body_that_does_not_say_how_long_it_is_is_refused() {
        let endless = Body::from_stream(stream::repeat_with(|| Ok::<_, std::io::Error>("0")));
        assert_eq!(
            status(&intake(), endless).await,
            Err(StatusCode::LENGTH_REQUIRED)
        );
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_gives_up_its_room() {
        let intake = intake();
        let all = Body::new(Awaited(MOST.into()));
        assert_eq!(status(&intake, all).await, Err(StatusCode::REQUEST_TIMEOUT));
        assert_eq!(status(&intake, zeros(1)).await, Ok(1));
    }

    #[tokio::test]
    async fn bodies_wait_until_those_before_them_are_answered() {
        let intake = intake();
        let first = intake.take(zeros(MOST as usize)).await.unwrap();
        assert_eq!(
            status(&intake, zeros(1)).await,
            Err(StatusCode::SERVICE_UNAVAILABLE)
        );
        drop(first);
        assert_eq!(status(&intake, zeros(1)).await, Ok(1));
    }
}
