//! A broker on this machine that answers as a test says, over TLS.

use std::{
    future::pending,
    sync::{Arc, Mutex},
};

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::{
    messages::{ApiKey, ResponseHeader},
    protocol::{Decodable, Encodable, decode_request_header_from_buffer},
};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Barrier,
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use crate::kafka::Credentials;

/// A request as the broker received it.
pub(super) struct Received {
    pub(super) api: ApiKey,
    version: i16,
    body: Bytes,
}

impl Received {
    pub(super) fn decode<Request: Decodable>(&self) -> Request {
        Request::decode(&mut self.body.clone(), self.version).unwrap()
    }

    pub(super) fn answer(&self, response: &impl Encodable) -> Reply {
        let mut body = BytesMut::new();
        response.encode(&mut body, self.version).unwrap();
        Reply::Answer(body.freeze())
    }
}

/// What the broker does about a request.
pub(super) enum Reply {
    Answer(Bytes),
    /// Answers once as many requests as the barrier takes are there.
    Together(Arc<Barrier>, Bytes),
    /// Closes the connection.
    Close,
    /// Says nothing.
    Hang,
}

/// The certificate of all brokers of a test, and of who asks them.
pub(super) struct Identity {
    certificate: rcgen::Certificate,
    key: rcgen::KeyPair,
}

impl Identity {
    pub(super) fn new() -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(vec!["localhost".to_owned()])
            .unwrap()
            .self_signed(&key)
            .unwrap();
        Self { certificate, key }
    }

    pub(super) fn credentials(&self, bootstrap_servers: String) -> Credentials {
        Credentials {
            bootstrap_servers,
            ca_pem: self.certificate.pem(),
            certificate_pem: self.certificate.pem(),
            key_pem: self.key.serialize_pem(),
        }
    }

    fn acceptor(&self) -> TlsAcceptor {
        let key = PrivateKeyDer::from_pem_slice(self.key.serialize_pem().as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.der().clone()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

type Script = Arc<dyn Fn(&Received) -> Reply + Send + Sync>;

/// The broker. It ends with the test.
pub(super) struct TestBroker {
    port: u16,
    log: Arc<Mutex<Log>>,
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct Log {
    connections: usize,
    requests: Vec<ApiKey>,
}

/// A place where a broker will be.
pub(super) struct Listening(TcpListener);

impl Listening {
    pub(super) async fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub(super) fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    pub(super) fn serve(
        self,
        identity: &Identity,
        script: impl Fn(&Received) -> Reply + Send + Sync + 'static,
    ) -> TestBroker {
        let port = self.port();
        let (acceptor, script): (_, Script) = (identity.acceptor(), Arc::new(script));
        let log = Arc::new(Mutex::new(Log::default()));
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(self.0, acceptor, script, log.clone()));
        TestBroker {
            port,
            log,
            _tasks: tasks,
        }
    }
}

impl TestBroker {
    pub(super) fn address(&self) -> String {
        format!("localhost:{}", self.port)
    }

    /// How often somebody connected.
    pub(super) fn connections(&self) -> usize {
        self.log.lock().unwrap().connections
    }

    /// What was asked since the last time.
    pub(super) fn take_requests(&self) -> Vec<ApiKey> {
        std::mem::take(&mut self.log.lock().unwrap().requests)
    }
}

async fn accept(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    script: Script,
    log: Arc<Mutex<Log>>,
) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        log.lock().unwrap().connections += 1;
        connections.spawn(converse(
            stream,
            acceptor.clone(),
            script.clone(),
            log.clone(),
        ));
    }
}

async fn converse(stream: TcpStream, acceptor: TlsAcceptor, script: Script, log: Arc<Mutex<Log>>) {
    let Ok(mut stream) = acceptor.accept(stream).await else {
        return;
    };
    while let Ok(length) = stream.read_i32().await {
        let mut frame = BytesMut::zeroed(usize::try_from(length).unwrap());
        if stream.read_exact(&mut frame).await.is_err() {
            return;
        }
        let mut frame = frame.freeze();
        let header = decode_request_header_from_buffer(&mut frame).unwrap();
        let received = Received {
            api: ApiKey::try_from(header.request_api_key).unwrap(),
            version: header.request_api_version,
            body: frame,
        };
        log.lock().unwrap().requests.push(received.api);
        let body = match script(&received) {
            Reply::Answer(body) => body,
            Reply::Together(barrier, body) => {
                barrier.wait().await;
                body
            }
            Reply::Close => return,
            Reply::Hang => pending().await,
        };
        let mut answer = BytesMut::new();
        let version = received.api.response_header_version(received.version);
        ResponseHeader::default()
            .with_correlation_id(header.correlation_id)
            .encode(&mut answer, version)
            .unwrap();
        answer.put(body);
        let length = i32::try_from(answer.len()).unwrap();
        stream.write_all(&length.to_be_bytes()).await.unwrap();
        stream.write_all(&answer).await.unwrap();
        stream.flush().await.unwrap();
    }
}
