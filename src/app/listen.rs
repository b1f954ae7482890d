//! The address that the node listens on: taken before anything else is done, served with or without TLS.
use std::convert::Infallible;
use std::future::ready;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_rt::net::TcpStream;
use actix_web::dev::{Server, fn_service};
use actix_web::web;
use rustix::io::Errno;
use thiserror::Error;

use crate::config::Config;
use crate::domain::{Clock, UnixMs};
use crate::http::entrance::Entrance;
use crate::http::limits::Porter;
use crate::http::socket::TcpOptions;
use crate::http::state::Node;
use crate::http::tls::Certificates;
use crate::http::{guard, routes};

/// How often the files of certificate and key are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Why an address cannot be listened on.
#[derive(Debug, Error)]
#[error("cannot listen on {address}: {}", why(.source))]
pub struct ListenError {
    address: SocketAddr,
    source: std::io::Error,
}

/// An address that is ours.
pub struct Listening {
    listener: TcpListener,
    /// Where it is.
    pub address: SocketAddr,
    /// What is shown to clients; none: plain HTTP.
    pub certificates: Option<Arc<Certificates>>,
}

impl Listening {
    /// Takes the address of the settings, and reads the certificate.
    ///
    /// # Errors
    /// [`crate::config::ConfigError`] when plain HTTP would be spoken where others listen and nobody asked for it,
    /// [`crate::http::tls::TlsError`] when the certificate is not in order, [`ListenError`] when the address cannot be had.
    pub fn take(config: &Config, now: UnixMs) -> anyhow::Result<Self> {
        let certificates = check(config, now)?;
        let address = config.server.listen;
        let listener = listen(address).map_err(|source| ListenError { address, source })?;
        let address = listener.local_addr()?;
        if certificates.is_none() && !address.ip().to_canonical().is_loopback() {
            tracing::warn!(
                %address,
                "plain HTTP on an address that is not loopback: tokens and positions can be read by everybody on the way"
            );
        }
        Ok(Self { listener, address, certificates })
    }

    /// What a client on this machine writes before a path.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.certificates.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The same as a browser on this machine can open it: browsers refuse the address that means every address.
    #[must_use]
    pub fn page_url(&self) -> String {
        if self.address.ip().to_canonical().is_unspecified() {
            let scheme = if self.certificates.is_some() { "https" } else { "http" };
            return format!("{scheme}://localhost:{}", self.address.port());
        }
        self.url()
    }

    /// Answers there.
    ///
    /// # Errors
    /// When the threads cannot be started.
    pub fn serve(self, node: &Arc<Node>) -> anyhow::Result<Server> {
        let (workers, limits) = (node.config.worker_threads(), &node.config.limits);
        let porter = Porter {
            limits: node.limits.clone(),
            proxies: node.config.server.trusted_proxies.clone(),
            head: limits.head.get(),
            tls: self.certificates.is_some(),
        };
        let tcp = TcpOptions { write_stall: limits.write_stall.get(), ..TcpOptions::default() };
        let entrance = Entrance { porter, address: self.address, tcp };
        // Beyond it nothing is accepted: only for as long as it takes to let go those who are refused.
        let accepted = usize::try_from(node.limits.doors.room().accepted).unwrap_or(usize::MAX);
        let server = Server::build()
            .workers(workers)
            .max_concurrent_connections(accepted.div_euclid(workers).max(1))
            .shutdown_timeout(1)
            .disable_signals();
        let stop = server.graceful_shutdown_signal();
        let stopping = move || {
            let stop = stop.clone();
            async move { stop.notified().await }
        };
        let shared = node.clone();
        let app = move || {
            let node = shared.clone();
            actix_web::App::new()
                .wrap_fn(guard::outermost)
                .configure(move |config: &mut web::ServiceConfig| routes::register(config, node))
        };
        let server = match self.certificates {
            Some(certificates) => {
                let acceptor = certificates.acceptor()?;
                server.listen("https", self.listener, move || {
                    entrance.clone().open(acceptor.clone(), app(), stopping.clone())
                })?
            }
            None => server.listen("http", self.listener, move || {
                let as_it_is = fn_service(|stream: TcpStream| ready(Ok::<_, Infallible>(stream)));
                entrance.clone().open(as_it_is, app(), stopping.clone())
            })?,
        };
        Ok(server.run())
    }
}

/// Whether these settings may be listened with; gives what is shown to TLS clients.
///
/// # Errors
/// [`crate::config::ConfigError`] or [`crate::http::tls::TlsError`], as [`Listening::take`].
pub fn check(config: &Config, now: UnixMs) -> anyhow::Result<Option<Arc<Certificates>>> {
    config.server.refuse_exposure()?;
    match config.server.tls_files() {
        Some((certificate, key)) => Ok(Some(Certificates::open(certificate, key, now)?)),
        None => Ok(None),
    }
}

/// Reads the certificate again at SIGHUP, and when its files have changed. One after the other, never ends. SIGHUP is
/// received from the call on.
pub fn keep_fresh(certificates: Option<Arc<Certificates>>, clock: Clock) -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let hangup = signal(SignalKind::hangup());
    async move {
        let Ok(mut hangup) = hangup else {
            return tracing::error!("SIGHUP cannot be received");
        };
        loop {
            let asked = tokio::select! {
                _ = hangup.recv() => true,
                () = actix_rt::time::sleep(LOOK_EVERY) => false,
            };
            let now = clock.now();
            match certificates.clone() {
                Some(certificates) => look(certificates, asked, now).await,
                None if asked => {
                    tracing::info!("SIGHUP: there is no TLS certificate to read again; other settings need a restart");
                }
                None => {}
            }
        }
    }
}

async fn look(certificates: Arc<Certificates>, asked: bool, now: UnixMs) {
    // What is wrong is logged there.
    let looked = web::block(move || if asked { drop(certificates.reload(now)) } else { certificates.look(now) });
    if looked.await.is_err() {
        tracing::error!("the TLS certificate could not be looked at");
    }
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    use socket2::{Domain, Protocol, Socket, Type};
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(4_096)?;
    Ok(socket.into())
}

/// What to do about it.
fn why(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::AddrInUse => {
            "another program uses this port; stop it, or choose another port with --listen".to_owned()
        }
        ErrorKind::AddrNotAvailable => "this machine does not have this address".to_owned(),
        ErrorKind::PermissionDenied => {
            "the system does not permit it; ports below 1024 need CAP_NET_BIND_SERVICE, or a proxy in front".to_owned()
        }
        _ if error.raw_os_error() == Some(Errno::AFNOSUPPORT.raw_os_error()) => {
            "this machine does not speak this version of IP".to_owned()
        }
        _ => error.to_string(),
    }
}
