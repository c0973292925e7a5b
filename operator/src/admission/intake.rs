use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::StatusCode,
};
use futures::StreamExt;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// Longest body, in bytes, and most of all bodies at a time: the API server takes objects of up to 3 MiB, and a review has two. What a
/// body is read into takes many times its length.
const MOST: usize = 8 << 20;
/// Longest time in which a body comes: as long as the API server waits for the whole answer by the chart's default.
const PATIENCE: Duration = Duration::from_secs(3);

type Refusal = (StatusCode, &'static str);

/// Reads what is sent to the webhook. Whoever reaches its port may send, so what all bodies take at a time is bounded. A body takes room as
/// it comes, so what is announced and not sent keeps nobody out; where there is none it is refused and not kept waiting, for its connection
/// would stand still with it.
#[derive(Clone, Debug)]
pub struct Intake {
    room: Arc<Semaphore>,
    patience: Duration,
}

/// A body, which takes up room until it is dropped.
#[derive(Debug)]
pub struct Taken {
    /// All of it.
    pub bytes: Vec<u8>,
    _room: Option<OwnedSemaphorePermit>,
}

impl Intake {
    /// With nothing in it.
    pub fn new() -> Self {
        Self {
            room: Arc::new(Semaphore::new(MOST)),
            patience: PATIENCE,
        }
    }

    /// Reads a body.
    ///
    /// # Errors
    /// Why not: 413 where it is too long, 503 where there is no room for it, 408 where it does not come in time, 400 where the connection
    /// breaks.
    pub async fn take(&self, body: Body) -> Result<Taken, Refusal> {
        let read = timeout(self.patience, self.read(body)).await;
        read.unwrap_or(Err((
            StatusCode::REQUEST_TIMEOUT,
            "the body did not come within 3 s",
        )))
    }

    async fn read(&self, body: Body) -> Result<Taken, Refusal> {
        let mut taken = Taken {
            bytes: Vec::new(),
            _room: None,
        };
        let mut frames = body.into_data_stream();
        while let Some(frame) = frames.next().await {
            let frame = frame.map_err(|_| {
                let why = "the connection broke before the body had come";
                (StatusCode::BAD_REQUEST, why)
            })?;
            self.add(&mut taken, &frame)?;
        }
        Ok(taken)
    }

    fn add(&self, taken: &mut Taken, frame: &Bytes) -> Result<(), Refusal> {
        let longer = u32::try_from(frame.len()).ok();
        let Some(length) = longer.filter(|_| taken.bytes.len() + frame.len() <= MOST) else {
            let why = "the body is longer than 8 MiB";
            return Err((StatusCode::PAYLOAD_TOO_LARGE, why));
        };
        let Ok(room) = self.room.clone().try_acquire_many_owned(length) else {
            let why = "too much is asked at a time; ask again later";
            return Err((StatusCode::SERVICE_UNAVAILABLE, why));
        };
        match &mut taken._room {
            Some(all) => all.merge(room),
            none => *none = Some(room),
        }
        taken.bytes.extend_from_slice(frame);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use futures::{join, stream};

    use super::*;

    fn intake() -> Intake {
        Intake {
            patience: Duration::from_millis(50),
            ..Intake::new()
        }
    }

    async fn length(intake: &Intake, body: Body) -> Result<usize, StatusCode> {
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
        let intake = intake();
        assert_eq!(length(&intake, zeros(0)).await, Ok(0));
        assert_eq!(length(&intake, zeros(MOST)).await, Ok(MOST));
        let longer = length(&intake, zeros(MOST + 1)).await;
        assert_eq!(longer, Err(StatusCode::PAYLOAD_TOO_LARGE));
        let piece = || Ok::<_, io::Error>(vec![0; 1 << 20]);
        let endless = Body::from_stream(stream::repeat_with(piece));
        let endless = length(&intake, endless).await;
        assert_eq!(endless, Err(StatusCode::PAYLOAD_TOO_LARGE));
        assert_eq!(length(&intake, zeros(MOST)).await, Ok(MOST), "none is left");
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_keeps_nobody_out() {
        let intake = intake();
        let never = Body::from_stream(stream::pending::<Result<Bytes, io::Error>>());
        let (never, all) = join!(length(&intake, never), length(&intake, zeros(MOST)));
        assert_eq!(never, Err(StatusCode::REQUEST_TIMEOUT));
        assert_eq!(all, Ok(MOST));
    }

    #[tokio::test]
    async fn a_connection_that_breaks_is_told_from_a_body_that_ends() {
        let pieces = [
            Ok(vec![0; 8]),
            Err(io::Error::from(io::ErrorKind::BrokenPipe)),
        ];
        let broken = Body::from_stream(stream::iter(pieces));
        let broken = length(&intake(), broken).await;
        assert_eq!(broken, Err(StatusCode::BAD_REQUEST));
    }

    #[tokio::test]
    async fn bodies_are_refused_until_those_before_them_are_dropped() {
        let intake = intake();
        let first = intake.take(zeros(MOST)).await.unwrap();
        let second = length(&intake, zeros(1)).await;
        assert_eq!(second, Err(StatusCode::SERVICE_UNAVAILABLE));
        drop(first);
        assert_eq!(length(&intake, zeros(1)).await, Ok(1));
    }
}
