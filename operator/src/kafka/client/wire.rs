use std::{future::Future, io, sync::Arc, time::Duration};

use bytes::{Buf, BufMut, BytesMut};
use kafka_protocol::{
    messages::{RequestHeader, ResponseHeader},
    protocol::{Decodable, HeaderVersion, Request, StrBytes, encode_request_header_into_buffer},
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::connection::{CALL_TIMEOUT, CLIENT_ID};
use crate::kafka::{Credentials, KafkaError};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Largest answer that is read, in bytes: 100,000 ACLs are about 10 MB.
const LARGEST_ANSWER: usize = 100 << 20;

/// Sends one request to whichever bootstrap server answers, over a connection of its own, and reads the answer.
/// Brokers pass on to the controller what is the controller's (KIP-590).
pub(super) async fn call<R: Request>(
    credentials: &Credentials,
    request: &R,
    version: i16,
) -> Result<R::Response, KafkaError> {
    let exchange = async {
        let mut stream = connect(credentials).await?;
        exchange(&mut stream, request, version).await
    };
    within(CALL_TIMEOUT, exchange)
        .await
        .map_err(|error| KafkaError::Unreachable(error.to_string()))
}

async fn within<T>(limit: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(limit, work).await.unwrap_or_else(|_| {
        Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("no answer within {} s", limit.as_secs()),
        ))
    })
}

async fn connect(credentials: &Credentials) -> io::Result<TlsStream<TcpStream>> {
    let connector = TlsConnector::from(Arc::new(tls(credentials).map_err(io::Error::other)?));
    let mut failure = io::Error::other("no bootstrap servers are given");
    for server in credentials.bootstrap_servers.split(',').map(str::trim) {
        match within(CONNECT_TIMEOUT, connect_to(server, &connector)).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = io::Error::new(error.kind(), format!("{server}: {error}")),
        }
    }
    Err(failure)
}

async fn connect_to(server: &str, connector: &TlsConnector) -> io::Result<TlsStream<TcpStream>> {
    let host = server.rsplit_once(':').map_or(server, |(host, _)| host);
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let stream = TcpStream::connect(server).await?;
    connector.connect(name, stream).await
}

fn tls(
    credentials: &Credentials,
) -> Result<ClientConfig, Box<dyn std::error::Error + Send + Sync>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(credentials.ca_pem.as_bytes()) {
        roots.add(certificate?)?;
    }
    let chain = CertificateDer::pem_slice_iter(credentials.certificate_pem.as_bytes())
        .collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(credentials.key_pem.as_bytes())?;
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)?;
    Ok(config)
}

async fn exchange<R: Request>(
    stream: &mut TlsStream<TcpStream>,
    request: &R,
    version: i16,
) -> io::Result<R::Response> {
    let frame = frame(request, version).map_err(io::Error::other)?;
    stream.write_all(&frame).await?;
    stream.flush().await?;
    let length = usize::try_from(stream.read_i32().await?).unwrap_or(usize::MAX);
    if length > LARGEST_ANSWER {
        return Err(io::Error::other(format!(
            "an answer of {length} bytes is too large"
        )));
    }
    let mut answer = BytesMut::zeroed(length);
    stream.read_exact(&mut answer).await?;
    let mut answer = answer.freeze();
    ResponseHeader::decode(&mut answer, R::Response::header_version(version))
        .map_err(io::Error::other)?;
    let response = R::Response::decode(&mut answer, version).map_err(io::Error::other)?;
    match answer.remaining() {
        0 => Ok(response),
        more => Err(io::Error::other(format!(
            "{more} bytes more than expected in the answer"
        ))),
    }
}

fn frame<R: Request>(
    request: &R,
    version: i16,
) -> Result<BytesMut, Box<dyn std::error::Error + Send + Sync>> {
    let header = RequestHeader::default()
        .with_request_api_key(R::KEY)
        .with_request_api_version(version)
        .with_client_id(Some(StrBytes::from_static_str(CLIENT_ID)));
    let mut frame = BytesMut::new();
    frame.put_i32(0);
    encode_request_header_into_buffer(&mut frame, &header)?;
    request.encode(&mut frame, version)?;
    let length = i32::try_from(frame.len() - size_of::<i32>())?;
    frame[..size_of::<i32>()].copy_from_slice(&length.to_be_bytes());
    Ok(frame)
}
