//! Whose certificates are believed where TLS is spoken: those that browsers trust, or a few that one names.

use alloc::sync::Arc;
use alloc::vec::Vec;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use rustls::{ClientConfig, RootCertStore};

/// Whose certificates are believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roots(Option<Arc<[CertificateDer<'static>]>>);

/// Why there is nobody to believe.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// A certificate in it is none.
    #[error("not a certificate: {0}")]
    Certificate(rustls::Error),
    /// There is no certificate in it.
    #[error("no certificate in it")]
    Empty,
    /// Not PEM.
    #[error("not PEM: {0}")]
    Pem(pem::Error),
}

impl Roots {
    /// The certificates in this text (PEM, RFC 7468), and no others: that of a server, or of whoever signed it. What else stands in
    /// it is left out. The names in a server's certificate count as always.
    ///
    /// ```
    /// # fn read(path: &str) -> Result<(), Box<dyn std::error::Error>> {
    /// let roots = duologue_client::Roots::pem(&std::fs::read(path)?)?;
    /// # drop(roots);
    /// # Ok(())
    /// # }
    /// assert!(duologue_client::Roots::pem(b"nothing").is_err());
    /// ```
    ///
    /// # Errors
    /// `Pem`, `Certificate` – it cannot be read. `Empty` – there is none.
    pub fn pem(text: &[u8]) -> Result<Roots, RootsError> {
        let named = CertificateDer::pem_slice_iter(text).collect::<Result<Vec<_>, _>>().map_err(RootsError::Pem)?;
        if named.is_empty() {
            return Err(RootsError::Empty);
        }
        let mut store = RootCertStore::empty();
        named.iter().try_for_each(|one| store.add(one.clone())).map_err(RootsError::Certificate)?;
        Ok(Roots(Some(named.into())))
    }

    /// Those that browsers trust.
    pub fn web() -> Roots {
        Roots::default()
    }

    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        let mut store = RootCertStore { roots: Vec::new() };
        match &self.0 {
            Some(named) => named.iter().for_each(|one| store.add(one.clone()).expect("it was tried")),
            None => store.roots = webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has what TLS needs")
            .with_root_certificates(store)
            .with_no_client_auth();
        Arc::new(config)
    }
}
