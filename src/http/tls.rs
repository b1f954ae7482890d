//! TLS in this process: the certificate that is shown, and how it is replaced while connections live.
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use actix_tls::accept::rustls_0_23::Acceptor;
use parking_lot::{Mutex, RwLock};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, ServerConfig};
use thiserror::Error;

use super::certificate_dates::{self, Dates};
use crate::domain::UnixMs;

/// How long a client may take for the TLS handshake.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// From so long before its end on, milliseconds, a certificate is warned about, once a day.
const WARN_BEFORE: i64 = 14 * DAY;
const DAY: i64 = 24 * 3_600_000;
/// No certificate chain and no key is this long.
const LONGEST: u64 = 1024 * 1024;

/// Why a certificate cannot be used. The sentences are for the person who runs the server.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file holds something else.
    #[error("{path} {what}")]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The provider does not work.
    #[error("TLS cannot be set up: {0}")]
    Setup(rustls::Error),
}

/// What is shown to clients.
#[derive(Debug)]
struct Shown {
    key: Arc<CertifiedKey>,
    dates: Dates,
}

/// Tells whether a file is the one that was looked at.
type Stamp = (u64, u64, u64, i64, i64, i64, i64);

/// The certificate in use. Connections keep the one that they began with.
#[derive(Debug)]
pub struct Certificates {
    certificate: PathBuf,
    key: PathBuf,
    provider: Arc<CryptoProvider>,
    shown: RwLock<Arc<Shown>>,
    /// The files as they were when they were last read with success. One reload at a time holds it.
    stamps: Mutex<Option<[Stamp; 2]>>,
    reload_failures: AtomicU64,
    /// The day since 1970 on which the end was last warned about.
    warned: AtomicI64,
}

impl Certificates {
    /// Reads certificate and key.
    ///
    /// # Errors
    /// What is wrong with them: not readable, not PEM, expired, not a pair, or a key that everybody can read.
    pub fn open(certificate: &Path, key: &Path, now: UnixMs) -> Result<Arc<Self>, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let stamps = stamps(certificate, key);
        let shown = read(certificate, key, &provider, now)?;
        let certificates = Arc::new(Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            provider,
            shown: RwLock::new(Arc::new(shown)),
            stamps: Mutex::new(stamps),
            reload_failures: AtomicU64::new(0),
            warned: AtomicI64::new(0),
        });
        certificates.warn_of_the_end(now);
        Ok(certificates)
    }

    /// For the listener: TLS 1.2 and 1.3, HTTP/1.1, and always the newest certificate.
    ///
    /// # Errors
    /// When the provider knows none of these.
    pub fn server_config(self: &Arc<Self>) -> Result<ServerConfig, TlsError> {
        let builder = ServerConfig::builder_with_provider(self.provider.clone());
        let builder = builder.with_safe_default_protocol_versions().map_err(TlsError::Setup)?;
        let resolver: Arc<dyn ResolvesServerCert> = self.clone();
        let mut config = builder.with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    /// The same, as the service that shakes hands. It gives up after [`HANDSHAKE_TIMEOUT`].
    ///
    /// # Errors
    /// As [`Self::server_config`].
    pub fn acceptor(self: &Arc<Self>) -> Result<Acceptor, TlsError> {
        let mut acceptor = Acceptor::new(self.server_config()?);
        acceptor.set_handshake_timeout(HANDSHAKE_TIMEOUT);
        Ok(acceptor)
    }

    /// Reads the files again. All or nothing: what is wrong is logged and counted, and the certificate stays. Blocks.
    ///
    /// # Errors
    /// What is wrong.
    pub fn reload(&self, now: UnixMs) -> Result<(), TlsError> {
        let mut held = self.stamps.lock();
        let stamps = stamps(&self.certificate, &self.key);
        match read(&self.certificate, &self.key, &self.provider, now) {
            Ok(shown) => {
                let until = until(shown.dates);
                *self.shown.write() = Arc::new(shown);
                *held = stamps;
                tracing::info!(%until, "the TLS certificate was read again");
                drop(held);
                self.warned.store(0, Ordering::Relaxed);
                self.warn_of_the_end(now);
                Ok(())
            }
            Err(error) => {
                *held = None;
                self.reload_failures.fetch_add(1, Ordering::Relaxed);
                tracing::error!(%error, "the TLS certificate could not be read again: the one before stays");
                Err(error)
            }
        }
    }

    /// Reads the files again if they are not the ones that were read last, or could not be read. Blocks.
    pub fn look(&self, now: UnixMs) {
        let same = {
            let held = self.stamps.lock();
            held.is_some() && *held == stamps(&self.certificate, &self.key)
        };
        if !same {
            // What is wrong is logged.
            let _ = self.reload(now);
        }
        self.warn_of_the_end(now);
    }

    /// How often the files could not be read again.
    #[must_use]
    pub fn reload_failures(&self) -> u64 {
        self.reload_failures.load(Ordering::Relaxed)
    }

    /// Seconds until the certificate expires; negative afterwards.
    #[must_use]
    pub fn expires_in(&self, now: UnixMs) -> i64 {
        self.shown.read().dates.ends.since(now) / 1_000
    }

    fn warn_of_the_end(&self, now: UnixMs) {
        let dates = self.shown.read().dates;
        let today = now.0.div_euclid(DAY);
        if dates.ends.since(now) <= WARN_BEFORE && self.warned.swap(today, Ordering::Relaxed) != today {
            let (until, certificate) = (until(dates), self.certificate.display());
            tracing::warn!(%until, %certificate, "the TLS certificate expires soon, or has: renew it");
        }
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.shown.read().key.clone())
    }
}

fn read(certificate: &Path, key: &Path, provider: &CryptoProvider, now: UnixMs) -> Result<Shown, TlsError> {
    let wrong = |path: &Path, what: &str| TlsError::Wrong { path: path.to_owned(), what: what.to_owned() };
    let (bytes, _) = contents(certificate)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let chain = chain.map_err(|error| wrong(certificate, &format!("is not in order as PEM: {}", said(&error))))?;
    let first = chain.first().ok_or_else(|| wrong(certificate, "holds no certificate in PEM"))?;
    let dates = certificate_dates::read(first).ok_or_else(|| wrong(certificate, "holds no X.509 certificate"))?;
    if dates.ends <= now {
        return Err(wrong(certificate, &format!("holds a certificate that expired on {}: renew it", until(dates))));
    }
    if dates.begins > now {
        let from = date(dates.begins);
        return Err(wrong(certificate, &format!("holds a certificate that is valid only from {from} on")));
    }

    let (bytes, mode) = contents(key)?;
    if mode & 0o006 != 0 {
        return Err(wrong(key, "is a private key that everybody can read: chmod 600 it"));
    }
    let private = PrivateKeyDer::from_pem_slice(&bytes)
        .map_err(|error| wrong(key, &format!("holds no private key in PEM: {}", said(&error))))?;
    let pair = CertifiedKey::from_der(chain, private, provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            wrong(key, &format!("is not the private key of the certificate in {}", certificate.display()))
        }
        rustls::Error::InvalidCertificate(_) => wrong(certificate, "holds no usable certificate"),
        other => wrong(key, &format!("holds no usable private key: {other}")),
    })?;
    Ok(Shown { key: Arc::new(pair), dates })
}

/// What the reader of PEM complains about, without the file's content.
const fn said(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::MissingSectionEnd { .. } => "a section has no end",
        pem::Error::IllegalSectionStart { .. } => "a section has no proper beginning",
        pem::Error::Base64Decode(_) => "it is not Base64",
        pem::Error::NoItemsFound => "there is none",
        _ => "it cannot be read",
    }
}

fn contents(path: &Path) -> Result<(Vec<u8>, u32), TlsError> {
    let unreadable = |source| TlsError::Unreadable { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.permissions().mode();
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LONGEST {
        return Err(TlsError::Wrong { path: path.to_owned(), what: "is larger than 1 MiB".to_owned() });
    }
    Ok((bytes, mode))
}

fn stamps(certificate: &Path, key: &Path) -> Option<[Stamp; 2]> {
    Some([stamp(certificate)?, stamp(key)?])
}

/// Of the file itself, however many links lead to it: renewing tools change the links.
fn stamp(path: &Path) -> Option<Stamp> {
    let file = std::fs::metadata(path).ok()?;
    Some((file.dev(), file.ino(), file.len(), file.mtime(), file.mtime_nsec(), file.ctime(), file.ctime_nsec()))
}

fn until(dates: Dates) -> String {
    date(dates.ends)
}

fn date(at: UnixMs) -> String {
    jiff::Timestamp::from_millisecond(at.0).map_or_else(|_| "another age".to_owned(), |at| at.to_string())
}
