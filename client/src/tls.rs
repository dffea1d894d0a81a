//! Whom TLS is believed: those whom browsers believe, certificates of one's own beside them, or whatever a configuration of `rustls`
//! says. The same value goes to [`Client::connect_with_tls`](crate::Client::connect_with_tls) and to `Server::with_tls`.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::fmt;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// How TLS is spoken, and whom it is believed.
#[derive(Clone)]
pub struct Tls(Arc<ClientConfig>);

/// Why certificates are none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no certificate: {0}")]
pub struct NoCertificate(String);

impl Tls {
    /// Believes those whom browsers believe.
    pub fn browsers() -> Tls {
        Tls::believing(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })
    }

    /// Believes those, and whoever has or signed one of these certificates (PEM).
    ///
    /// # Errors
    /// `NoCertificate` – it is not PEM, or no certificate stands in it.
    pub fn trusting(pem: &[u8]) -> Result<Tls, NoCertificate> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| NoCertificate(error.to_string()))?;
            roots.add(certificate).map_err(|error| NoCertificate(error.to_string()))?;
        }
        if roots.len() == before {
            return Err(NoCertificate("none stands in it".into()));
        }
        Ok(Tls::believing(roots))
    }

    fn believing(roots: RootCertStore) -> Tls {
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider has what TLS needs")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Tls(Arc::new(config))
    }

    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        self.0.clone()
    }
}

impl Default for Tls {
    fn default() -> Tls {
        Tls::browsers()
    }
}

impl From<Arc<ClientConfig>> for Tls {
    /// As it is; what a carrier wants of it (QUIC: its protocol's name) is added.
    fn from(config: Arc<ClientConfig>) -> Tls {
        Tls(config)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

/// What is wrong with the server's certificate, if that is why a handshake failed.
#[cfg(all(feature = "tls", any(feature = "http", feature = "ws")))]
pub(crate) fn distrust(error: &std::io::Error) -> Option<String> {
    match error.get_ref()?.downcast_ref::<rustls::Error>()? {
        error @ rustls::Error::InvalidCertificate(_) => Some(error.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_said() {
        for pem in ["", "nothing", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert!(Tls::trusting(pem.as_bytes()).is_err(), "{pem}");
        }
    }
}
