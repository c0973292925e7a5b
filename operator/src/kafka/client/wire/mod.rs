//! Requests that Millrace encodes itself; docs/design/0002-kafka-client.md says which, and why.

mod connection;
mod frame;
mod pool;
#[cfg(test)]
mod tests;
mod tls;

use std::{fmt, future::Future, io, time::Duration};

use kafka_protocol::protocol::Request;
use prometheus_client::metrics::{counter::Counter, family::Family};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use self::{connection::BrokerConnection, pool::Pool};
use super::connection::CALL_TIMEOUT;
use crate::{
    kafka::{Credentials, KafkaError},
    telemetry::Api,
};

/// Speaks to the brokers of one cluster, by mutual TLS.
pub(super) struct Wire {
    bootstrap_servers: String,
    connector: TlsConnector,
    pool: Pool,
    requests: Family<Api, Counter>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire")
            .field("bootstrap_servers", &self.bootstrap_servers)
            .finish_non_exhaustive()
    }
}

impl Wire {
    /// Connects to nobody yet. Each request that is sent is counted in `requests`.
    ///
    /// # Errors
    /// The certificates or the key are none, or do not belong together.
    pub(super) fn new(
        credentials: &Credentials,
        requests: Family<Api, Counter>,
    ) -> Result<Self, KafkaError> {
        Ok(Self {
            bootstrap_servers: credentials.bootstrap_servers.clone(),
            connector: tls::connector(credentials)?,
            pool: Pool::default(),
            requests,
        })
    }

    /// `host:port` of the bootstrap servers, separated by commas.
    pub(super) fn bootstrap_servers(&self) -> &str {
        &self.bootstrap_servers
    }

    /// Sends one request to whichever bootstrap server answers, over a connection of its own, and reads the answer.
    /// Brokers pass on to the controller what is the controller's (KIP-590).
    ///
    /// # Errors
    /// [`KafkaError::Unreachable`] without an answer within 15 s.
    pub(super) async fn call<R: Request>(
        &self,
        request: &R,
        version: i16,
    ) -> Result<R::Response, KafkaError> {
        let exchange = async {
            let mut connection =
                BrokerConnection::open(&self.connector, &self.bootstrap_servers).await?;
            self.send(&mut connection, request, version).await
        };
        within(CALL_TIMEOUT, exchange)
            .await
            .map_err(|error| KafkaError::Unreachable(error.to_string()))
    }

    /// Sends one request to the first of `servers` (`host:port`, separated by commas) that answers, over the connection that
    /// is kept to them, and reads the answer. Requests to the same servers go one after the other. For what changes nothing:
    /// whether a request had an effect cannot be told where the connection breaks.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] at the deadline, or where connecting takes 5 s. After any error the connection is made anew.
    pub(super) async fn ask<R: Request>(
        &self,
        servers: &str,
        request: &R,
        version: i16,
        deadline: Instant,
    ) -> io::Result<R::Response> {
        let exchange = async {
            let place = self.pool.place(servers);
            let mut kept = place.lock().await;
            // Taken out, so that nobody finds a connection on which somebody has given up halfway.
            let mut connection = match kept.take() {
                Some(connection) => connection,
                None => BrokerConnection::open(&self.connector, servers).await?,
            };
            let response = self.send(&mut connection, request, version).await?;
            *kept = Some(connection);
            Ok(response)
        };
        let late = |_| {
            let words = format!("{servers}: no answer in time");
            Err(io::Error::new(io::ErrorKind::TimedOut, words))
        };
        timeout_at(deadline, exchange).await.unwrap_or_else(late)
    }

    async fn send<R: Request>(
        &self,
        connection: &mut BrokerConnection,
        request: &R,
        version: i16,
    ) -> io::Result<R::Response> {
        let api = Api {
            api: frame::api::<R>(),
        };
        self.requests.get_or_create(&api).inc();
        connection.exchange(request, version).await
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(limit, work).await.unwrap_or_else(|_| {
        Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("no answer within {} s", limit.as_secs()),
        ))
    })
}
