//! The certificate of the process, for TLS over TCP and over QUIC alike, asked for anew at each handshake: so another one can take
//! its place at any time, and nobody is dropped. It is the operator's, from two PEM files, read again at SIGHUP; without these it is a
//! development certificate, made here, kept in the data folder and renewed in time or when this machine is reached at another
//! address, whose hash browsers are told (`serverCertificateHashes`: ECDSA P-256, at most 14 days).

use crate::{clock, secrets};
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, date_time_ymd};
use rustls::client::verify_server_name;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// How long a development certificate is good; browsers take 14 days at most, its first hour lies in the past.
const GOOD_S: u64 = 13 * 86_400;
/// With less than this left there is a new one.
const RENEW_S: u64 = 5 * 86_400;
/// For clocks that are behind.
const BEFORE_S: u64 = 3_600;
/// What a development certificate is for in any case.
const HERE: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
/// The development certificate's file in the data folder: a line with its end, in seconds since 1970, then PEM.
const FILE: &str = "development-certificate.pem";
/// How that line begins.
const UNTIL: &str = "good until ";

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The certificate's file.
    #[error("tls.certificate = {0:?}: {reason}", reason = told(.1, "certificate", "CERTIFICATE"))]
    Certificate(String, pem::Error),
    /// The data folder does not take the development certificate.
    #[error("{0}: {1}")]
    Folder(PathBuf, io::Error),
    /// The key's file.
    #[error("tls.key = {0:?}: {reason}", reason = told(.1, "key", "PRIVATE KEY"))]
    Key(String, pem::Error),
    /// None could be made.
    #[error("a development certificate could not be made: {0}")]
    Made(rcgen::Error),
    /// The two do not fit.
    #[error("tls.certificate and tls.key: {0}")]
    Pair(rustls::Error),
}

fn told(error: &pem::Error, what: &str, label: &str) -> String {
    match error {
        pem::Error::NoItemsFound => format!("it holds no {what} (-----BEGIN {label}-----); are the two files swapped?"),
        other => other.to_string(),
    }
}

/// Where the certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Made here, for these names, kept in this folder.
    Development {
        /// The data folder.
        folder: PathBuf,
        /// What the machine is called and reached at, beside `localhost` and the loopback addresses: host names and addresses.
        names: Vec<String>,
    },
    /// The operator's files.
    Files {
        /// The certificate and its chain.
        certificate: String,
        /// Its key.
        key: String,
    },
}

#[derive(Debug)]
struct Held {
    certified: Arc<CertifiedKey>,
    /// Of a development certificate: its end, in seconds since 1970.
    until: Option<u64>,
}

/// The certificate that holds at this moment.
#[derive(Debug)]
pub struct Certificates {
    source: Source,
    held: RwLock<Held>,
}

impl Certificates {
    /// Reads or makes it.
    ///
    /// # Errors
    /// What is wrong with the files, or with the folder.
    pub fn new(source: Source) -> Result<Arc<Certificates>, CertificateError> {
        let held = RwLock::new(obtain(&source)?);
        Ok(Arc::new(Certificates { source, held }))
    }

    /// Reads the operator's files again, or looks whether the development certificate has to be renewed. Where that fails the
    /// present one stays.
    ///
    /// # Errors
    /// As [`Certificates::new`].
    pub fn renew(&self) -> Result<(), CertificateError> {
        let held = obtain(&self.source)?;
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = held;
        Ok(())
    }

    /// Whether it is a development certificate.
    pub fn is_development(&self) -> bool {
        matches!(self.source, Source::Development { .. })
    }

    /// The SHA-256 of the certificate, where nobody can be asked about it: for `serverCertificateHashes`.
    pub fn hash(&self) -> Option<[u8; 32]> {
        self.is_development().then(|| secrets::sha256(&self.certified().cert[0]))
    }

    fn certified(&self) -> Arc<CertifiedKey> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).certified.clone()
    }

    /// When a development certificate wants to be looked at again.
    pub fn renew_after(&self) -> Option<Duration> {
        let until = self.held.read().unwrap_or_else(PoisonError::into_inner).until?;
        Some(Duration::from_secs((until - RENEW_S).saturating_sub(now_s()).max(60)))
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.certified())
    }
}

fn now_s() -> u64 {
    clock::wall().0 / 1_000
}

fn obtain(source: &Source) -> Result<Held, CertificateError> {
    match source {
        Source::Files { certificate, key } => read(certificate, key),
        Source::Development { folder, names } => {
            let path = folder.join(FILE);
            let names: Vec<String> = HERE.iter().map(ToString::to_string).chain(names.iter().cloned()).collect();
            match kept(&path) {
                Some(held) if held.until > Some(now_s() + RENEW_S) && says(&held, &names) => Ok(held),
                _ => make(&path, names),
            }
        }
    }
}

fn read(certificate: &str, key: &str) -> Result<Held, CertificateError> {
    let chain = CertificateDer::pem_file_iter(Path::new(certificate))
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| CertificateError::Certificate(certificate.into(), error))?;
    if chain.is_empty() {
        return Err(CertificateError::Certificate(certificate.into(), pem::Error::NoItemsFound));
    }
    let key = PrivateKeyDer::from_pem_file(Path::new(key)).map_err(|error| CertificateError::Key(key.into(), error))?;
    certify(chain, key, None)
}

fn certify(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>, until: Option<u64>) -> Result<Held, CertificateError> {
    let certified = CertifiedKey::from_der(chain, key, &rustls::crypto::ring::default_provider()).map_err(CertificateError::Pair)?;
    Ok(Held { certified: Arc::new(certified), until })
}

/// The development certificate of an earlier run, if it is one.
fn kept(path: &Path) -> Option<Held> {
    let text = fs::read_to_string(path).ok()?;
    let until = text.lines().next()?.strip_prefix(UNTIL)?.parse().ok()?;
    let chain = CertificateDer::pem_slice_iter(text.as_bytes()).collect::<Result<Vec<_>, _>>().ok()?;
    let key = PrivateKeyDer::from_pem_slice(text.as_bytes()).ok()?;
    certify(chain, key, Some(until)).ok()
}

/// Whether it is for all of these.
fn says(held: &Held, names: &[String]) -> bool {
    let Ok(parsed) = ParsedCertificate::try_from(&held.certified.cert[0]) else { return false };
    names.iter().all(|name| ServerName::try_from(name.as_str()).is_ok_and(|name| verify_server_name(&parsed, &name).is_ok()))
}

fn make(path: &Path, names: Vec<String>) -> Result<Held, CertificateError> {
    let now = now_s();
    let until = now + GOOD_S;
    let day_of = |seconds: u64| date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds);
    let mut wanted = CertificateParams::new(names).map_err(CertificateError::Made)?;
    (wanted.not_before, wanted.not_after) = (day_of(now - BEFORE_S), day_of(until));
    wanted.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    wanted.distinguished_name = DistinguishedName::new();
    wanted.distinguished_name.push(DnType::CommonName, "Duologue, for development");
    let key = KeyPair::generate().map_err(CertificateError::Made)?;
    let certificate = wanted.self_signed(&key).map_err(CertificateError::Made)?;
    let text = format!("{UNTIL}{until}\n{}{}", pem("CERTIFICATE", certificate.der()), pem("PRIVATE KEY", &key.serialize_der()));
    write_secret(path, text.as_bytes()).map_err(|error| CertificateError::Folder(path.into(), error))?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    certify(vec![certificate.der().clone()], key, Some(until))
}

/// PEM (RFC 7468).
fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::prelude::BASE64_STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("base64 is ASCII")).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// Writes a file that only its owner may read; it is there whole or not at all.
pub(crate) fn write_secret(path: &Path, content: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let unfinished = path.with_extension("new");
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("duologue-certificates-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        folder
    }

    #[test]
    fn a_development_certificate_is_kept_until_it_has_to_be_renewed() {
        let folder = folder("kept");
        let source = Source::Development { folder: folder.clone(), names: vec!["laptop".into(), "192.0.2.1".into()] };
        let first = Certificates::new(source.clone()).expect("made");
        let hash = first.hash().expect("a development certificate");
        assert!(first.renew_after().is_some_and(|after| after > Duration::from_secs(7 * 86_400)));
        assert_eq!(Certificates::new(source.clone()).expect("read").hash(), Some(hash), "another run");
        let path = folder.join(FILE);
        let text = fs::read_to_string(&path).expect("written");
        let (_, pem) = text.split_once('\n').expect("a first line");
        fs::write(&path, format!("{UNTIL}{}\n{pem}", now_s() + RENEW_S - 1)).expect("written");
        first.renew().expect("made");
        assert_ne!(first.hash(), Some(hash), "renewed in time");
        fs::write(&path, "nonsense").expect("written");
        assert!(Certificates::new(source).is_ok(), "what is no certificate is made anew");
        fs::remove_dir_all(folder).expect("there");
    }

    #[test]
    fn a_development_certificate_is_remade_when_this_machine_is_reached_at_another_address() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = folder("names");
        let hash = |names: &[&str]| {
            let names = names.iter().map(ToString::to_string).collect();
            Certificates::new(Source::Development { folder: folder.clone(), names }).expect("a certificate").hash()
        };
        let first = hash(&["laptop", "192.168.1.20", "fd00::2"]);
        assert_eq!(fs::metadata(folder.join(FILE)).expect("written").permissions().mode() & 0o777, 0o600);
        assert_eq!(hash(&["laptop", "192.168.1.20", "fd00::2"]), first, "nothing has changed");
        assert_eq!(hash(&[]), first, "it says more than is needed");
        let second = hash(&["laptop", "192.168.1.21"]);
        assert_ne!(second, first, "another address");
        assert_ne!(hash(&["desk", "192.168.1.21"]), second, "another name");
        fs::remove_dir_all(folder).expect("there");
    }

    #[test]
    fn files_that_are_not_there_are_named_and_a_bad_one_leaves_what_holds() {
        let missing = Source::Files { certificate: "/nowhere/certificate.pem".into(), key: "/nowhere/key.pem".into() };
        let told = Certificates::new(missing).expect_err("no such file").to_string();
        assert!(told.starts_with("tls.certificate = \"/nowhere/certificate.pem\""), "{told}");

        let folder = folder("files");
        let made = |name: &str| {
            let development = Source::Development { folder: folder.clone(), names: Vec::new() };
            Certificates::new(development).expect("made");
            fs::rename(folder.join(FILE), folder.join(name)).expect("there");
            folder.join(name).display().to_string()
        };
        let (first, second) = (made("first.pem"), made("second.pem"));
        let no_certificate = folder.join("empty.pem").display().to_string();
        fs::write(&no_certificate, "").expect("written");
        let swapped = Source::Files { certificate: no_certificate, key: first.clone() };
        let told = Certificates::new(swapped).expect_err("nothing is in it").to_string();
        assert!(told.contains("BEGIN CERTIFICATE") && told.contains("swapped?"), "{told}");
        let path = folder.join("operator.pem").display().to_string();
        fs::copy(&first, &path).expect("copied");
        let certificates = Certificates::new(Source::Files { certificate: path.clone(), key: path.clone() }).expect("read");
        let held = certificates.certified().cert[0].clone();
        assert_eq!((certificates.hash(), certificates.renew_after()), (None, None), "an operator's is not told as a hash");
        fs::write(&path, "nonsense").expect("written");
        assert!(certificates.renew().is_err());
        assert_eq!(certificates.certified().cert[0], held);
        fs::copy(&second, &path).expect("copied");
        certificates.renew().expect("read");
        assert_ne!(certificates.certified().cert[0], held);
        fs::remove_dir_all(folder).expect("there");
    }
}
