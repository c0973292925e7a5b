//! The server over TLS on the loopback, while its certificate changes.

use std::time::Instant;

use axum::routing::get;
use jiff::Timestamp;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{super::certificate::Material, *};

const HOST: &str = "millrace-webhook.millrace.svc";

struct Webhook {
    certificates: watch::Sender<Option<Served>>,
    address: SocketAddr,
    server: JoinHandle<Result<(), Error>>,
}

impl Webhook {
    /// Serves with `first` on the loopback.
    async fn start(first: &Material) -> Self {
        let _ = ring::default_provider().install_default();
        let (certificates, receiver) = watch::channel(None);
        certificates.send_replace(first.served());
        let handle = Handle::new();
        let pages = Router::new().route("/", get(async || "judged"));
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = tokio::spawn(listen(address, pages, receiver, handle.clone()));
        let address = handle.listening().await.unwrap();
        Self {
            certificates,
            address,
            server,
        }
    }

    /// A new connection of a client that trusts `bundle`.
    async fn connect(&self, bundle: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let mut trusted = RootCertStore::empty();
        for authority in CertificateDer::pem_slice_iter(bundle.as_bytes()) {
            trusted.add(authority.unwrap()).unwrap();
        }
        let client = ClientConfig::builder()
            .with_root_certificates(trusted)
            .with_no_client_auth();
        let stream = TcpStream::connect(self.address).await?;
        let host = ServerName::try_from(HOST).unwrap();
        TlsConnector::from(Arc::new(client))
            .connect(host, stream)
            .await
    }
}

/// Asks once; the connection stays.
async fn ask(connection: &mut TlsStream<TcpStream>) -> String {
    let request = format!("GET / HTTP/1.1\r\nhost: {HOST}\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"judged") {
        let byte = connection.read_u8().await.unwrap();
        answer.push(byte);
    }
    String::from_utf8(answer).unwrap()
}

fn shown(connection: &TlsStream<TcpStream>) -> CertificateDer<'static> {
    let (_, session) = connection.get_ref();
    session.peer_certificates().unwrap()[0].clone().into_owned()
}

fn certificate(material: &Material) -> CertificateDer<'static> {
    let pem = material.served().unwrap().certificate_pem;
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

fn renewed(stored: Option<&Material>, trusted: &str, now: Timestamp) -> Material {
    let renewed = Material::renewed(stored, trusted, "millrace-webhook", "millrace", now);
    renewed.unwrap().unwrap()
}

/// From an authority to the one after it, as the keeper goes: the bundle has both before the certificate changes.
#[tokio::test]
async fn a_certificate_is_replaced_while_connections_go_on_and_every_new_one_is_trusted() {
    let now = Timestamp::now() - jiff::SignedDuration::from_mins(10);
    let before = renewed(None, "", now);
    let webhook = Webhook::start(&before).await;
    let mut old = webhook.connect(&before.bundle()).await.unwrap();
    assert_eq!(shown(&old), certificate(&before));
    assert!(ask(&mut old).await.starts_with("HTTP/1.1 200"));

    let told = renewed(None, &before.bundle(), now);
    assert_eq!(told.served(), None, "the API server is told first");
    let after = renewed(Some(&told), "", now + jiff::SignedDuration::from_mins(6));
    webhook.certificates.send_replace(after.served());
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let new = webhook.connect(&after.bundle()).await.unwrap();
        if shown(&new) == certificate(&after) {
            break;
        }
        assert!(
            Instant::now() < deadline,
            "the new certificate is never served"
        );
    }
    assert!(
        ask(&mut old).await.starts_with("HTTP/1.1 200"),
        "it goes on"
    );
    assert_eq!(shown(&old), certificate(&before));
    let stranger = webhook.connect(&before.bundle()).await;
    assert!(
        stranger.is_err(),
        "who has not been told of the new authority"
    );
    assert!(!webhook.server.is_finished(), "it was never restarted");
}
