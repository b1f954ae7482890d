//! A certificate authority of our own, clients that trust it, and what stands between client and server: a tunnel that
//! speaks TLS for clients that do not, and a small reverse proxy.
#![allow(dead_code, reason = "each test binary uses its part")]
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::sync::oneshot;

use crate::http::{Call, Reply, parse_reply};

/// A date: year, month, day.
pub type Day = (i32, u8, u8);

/// Long before and long after any test.
pub const LONG_AGO: Day = (2020, 1, 1);
pub const FAR_OFF: Day = (2120, 1, 1);

/// A connection of a client over TLS.
pub type Secured = StreamOwned<ClientConnection, TcpStream>;

/// Whom the test's clients trust.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    root: CertificateDer<'static>,
    /// Its own certificate, for those who are to trust it.
    pub pem: String,
}

/// A certificate for `localhost` and 127.0.0.1, with its key.
pub struct Pair {
    pub certificate: String,
    pub key: String,
    pub der: CertificateDer<'static>,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        hold(&mut params, LONG_AGO, FAR_OFF);
        let key = KeyPair::generate().unwrap();
        let own = params.self_signed(&key).unwrap();
        let (root, pem) = (own.der().clone(), own.pem());
        Self { issuer: Issuer::new(params, key), root, pem }
    }

    /// A certificate that is in order.
    pub fn pair(&self) -> Pair {
        self.pair_of(LONG_AGO, FAR_OFF)
    }

    pub fn pair_of(&self, begins: Day, ends: Day) -> Pair {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names).unwrap();
        hold(&mut params, begins, ends);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Pair { certificate: certificate.pem(), key: key.serialize_pem(), der: certificate.der().clone() }
    }

    /// A client that trusts this authority.
    pub fn client(&self) -> Arc<ClientConfig> {
        self.client_of(rustls::DEFAULT_VERSIONS, &["http/1.1"])
    }

    pub fn client_of(&self, versions: &[&'static SupportedProtocolVersion], protocols: &[&str]) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_protocol_versions(versions).unwrap();
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config)
    }

    /// Shakes hands with a server.
    pub fn connect(&self, address: SocketAddr) -> std::io::Result<Secured> {
        shake(address, self.client())
    }

    /// Sends a request over TLS and reads the answer.
    #[track_caller]
    pub fn send(&self, address: SocketAddr, call: &Call) -> Reply {
        let mut stream = self.connect(address).unwrap();
        stream.write_all(&call.bytes()).unwrap();
        read_reply(&mut stream)
    }
}

/// Shakes hands as this client.
pub fn shake(address: SocketAddr, client: Arc<ClientConfig>) -> std::io::Result<Secured> {
    shake_over(TcpStream::connect(address)?, client)
}

/// The same over a connection that is there.
pub fn shake_over(tcp: TcpStream, client: Arc<ClientConfig>) -> std::io::Result<Secured> {
    tcp.set_read_timeout(Some(Duration::from_secs(15)))?;
    let name = ServerName::try_from("localhost").unwrap();
    let session = ClientConnection::new(client, name).map_err(std::io::Error::other)?;
    let mut stream = StreamOwned::new(session, tcp);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

/// The certificate that a server showed.
pub fn shown(stream: &Secured) -> CertificateDer<'static> {
    stream.conn.peer_certificates().unwrap()[0].clone().into_owned()
}

/// Reads one answer, up to the connection's end.
#[track_caller]
pub fn read_reply(stream: &mut impl Read) -> Reply {
    let mut all = Vec::new();
    // Some close without TLS's own goodbye: what counts is the answer.
    let _ = stream.read_to_end(&mut all);
    parse_reply(&all).unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(&all)))
}

impl Pair {
    /// Writes both files into a folder, the key for its owner alone; their paths.
    pub fn write(&self, folder: &Path) -> (PathBuf, PathBuf) {
        let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
        std::fs::write(&certificate, &self.certificate).unwrap();
        let _ = std::fs::remove_file(&key);
        let mut file = std::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(&key).unwrap();
        file.write_all(self.key.as_bytes()).unwrap();
        (certificate, key)
    }
}

fn hold(params: &mut CertificateParams, begins: Day, ends: Day) {
    params.not_before = date_time_ymd(begins.0, begins.1, begins.2);
    params.not_after = date_time_ymd(ends.0, ends.1, ends.2);
}

/// Something that listens on a port of its own and passes on to the server, until dropped.
pub struct Between {
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Between {
    /// Takes plain connections and speaks TLS to the server for them.
    pub fn tunnel(server: SocketAddr, authority: &Authority) -> Self {
        let connector = tokio_rustls::TlsConnector::from(authority.client());
        Self::start(move |mut client| {
            let connector = connector.clone();
            async move {
                let upstream = tokio::net::TcpStream::connect(server).await?;
                let mut upstream = connector.connect(ServerName::try_from("localhost").unwrap(), upstream).await?;
                copy_bidirectional(&mut client, &mut upstream).await.map(drop)
            }
        })
    }

    /// A reverse proxy: adds these lines to the head of every connection's first request.
    pub fn proxy(server: SocketAddr, lines: &str) -> Self {
        let lines = lines.to_owned();
        Self::start(move |mut client| {
            let lines = lines.clone();
            async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(client.read_u8().await?);
                }
                head.truncate(head.len() - 2);
                head.extend_from_slice(lines.as_bytes());
                head.extend_from_slice(b"\r\n");
                let mut upstream = tokio::net::TcpStream::connect(server).await?;
                upstream.write_all(&head).await?;
                copy_bidirectional(&mut client, &mut upstream).await.map(drop)
            }
        })
    }

    fn start<F>(serve: impl Fn(tokio::net::TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = std::io::Result<()>> + Send + 'static,
    {
        let (started, when_started) = mpsc::channel();
        let (stop, mut stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                started.send(listener.local_addr().unwrap()).unwrap();
                loop {
                    tokio::select! {
                        _ = &mut stopped => break,
                        accepted = listener.accept() => drop(tokio::spawn(serve(accepted.unwrap().0))),
                    }
                }
            });
        });
        Self { address: when_started.recv().unwrap(), stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Between {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
