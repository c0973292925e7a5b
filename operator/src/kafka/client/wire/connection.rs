use std::{io, time::Duration};

use bytes::BytesMut;
use kafka_protocol::protocol::Request;
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{frame, within};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Largest answer that is read, in bytes: 100,000 ACLs are about 10 MB, a thousand groups with a hundred partitions each 5 MB.
const LARGEST_ANSWER: usize = 100 << 20;

/// A connection to one broker, for one request at a time.
pub(super) struct BrokerConnection {
    server: String,
    stream: TlsStream<TcpStream>,
    correlation: i32,
}

impl BrokerConnection {
    /// Connects to the first of `servers` (`host:port`, separated by commas) that answers, each within 5 s.
    pub(super) async fn open(connector: &TlsConnector, servers: &str) -> io::Result<Self> {
        let mut failure = io::Error::other("no servers are given");
        for server in servers.split(',').map(str::trim) {
            match within(CONNECT_TIMEOUT, connect(connector, server)).await {
                Ok(stream) => {
                    return Ok(Self {
                        server: server.to_owned(),
                        stream,
                        correlation: 0,
                    });
                }
                Err(error) => failure = of_server(server, &error),
            }
        }
        Err(failure)
    }

    /// Sends a request and reads the answer to it. After an error the connection is of no use any more.
    pub(super) async fn exchange<R: Request>(
        &mut self,
        request: &R,
        version: i16,
    ) -> io::Result<R::Response> {
        self.correlation = self.correlation.wrapping_add(1);
        let answered = self.exchange_frames(request, version).await;
        answered.map_err(|error| of_server(&self.server, &error))
    }

    async fn exchange_frames<R: Request>(
        &mut self,
        request: &R,
        version: i16,
    ) -> io::Result<R::Response> {
        let frame = frame::request(request, version, self.correlation).map_err(io::Error::other)?;
        self.stream.write_all(&frame).await?;
        self.stream.flush().await?;
        let length = usize::try_from(self.stream.read_i32().await?).unwrap_or(usize::MAX);
        if length > LARGEST_ANSWER {
            return Err(io::Error::other(format!(
                "an answer of {length} bytes is too large"
            )));
        }
        let mut answer = BytesMut::zeroed(length);
        self.stream.read_exact(&mut answer).await?;
        frame::response::<R>(answer.freeze(), version, self.correlation).map_err(io::Error::other)
    }
}

async fn connect(connector: &TlsConnector, server: &str) -> io::Result<TlsStream<TcpStream>> {
    let host = server.rsplit_once(':').map_or(server, |(host, _)| host);
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let stream = TcpStream::connect(server).await?;
    // The end of a long request must not wait until its beginning is acknowledged.
    stream.set_nodelay(true)?;
    connector.connect(name, stream).await
}

fn of_server(server: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{server}: {error}"))
}
