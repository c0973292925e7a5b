use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::Mutex as Turn, time::Instant};

use super::connection::BrokerConnection;

/// How long a connection is kept unused: less than the 10 min after which a broker closes it (`connections.max.idle.ms`).
const IDLE: Duration = Duration::from_secs(5 * 60);

/// Where the connection to some servers is between two requests. Who holds the lock has it to itself.
pub(super) type Place = Arc<Turn<Option<BrokerConnection>>>;

/// Connections that are kept from call to call: one to each broker, and one to the bootstrap servers.
#[derive(Default)]
pub(super) struct Pool(Mutex<BTreeMap<String, Kept>>);

struct Kept {
    place: Place,
    used: Instant,
}

impl Pool {
    /// The place of the connection to `servers`. Connections that were not used for long are closed.
    pub(super) fn place(&self, servers: &str) -> Place {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        kept.retain(|_, kept| now.duration_since(kept.used) < IDLE);
        let kept = kept.entry(servers.to_owned()).or_insert_with(|| Kept {
            place: Place::default(),
            used: now,
        });
        kept.used = now;
        kept.place.clone()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_broker_has_one_place_until_it_is_not_used_for_long() {
        let pool = Pool::default();
        let first = pool.place("a:9092");
        assert!(Arc::ptr_eq(&first, &pool.place("a:9092")));
        assert!(!Arc::ptr_eq(&first, &pool.place("b:9092")));
        advance(IDLE - Duration::from_secs(1)).await;
        assert!(Arc::ptr_eq(&first, &pool.place("a:9092")), "still in use");
        advance(Duration::from_secs(2)).await;
        pool.place("a:9092");
        assert_eq!(pool.0.lock().unwrap().len(), 1, "b was idle");
        advance(IDLE).await;
        assert!(!Arc::ptr_eq(&first, &pool.place("a:9092")));
    }
}
