//! TLS: rustls with ring, the system's CA certificates, and what a job adds to them.

use super::HttpError;
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject as _},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use trawl_shared::model::TlsSettings;

/// Profiles besides the usual one that are remembered; jobs share them.
const MAX_PROFILES: usize = 64;

/// Tells TLS profiles apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ProfileId(u64);

/// One way to speak TLS.
#[derive(Clone, Debug)]
pub(super) struct Profile {
    pub(super) id: ProfileId,
    /// HTTP/2 or HTTP/1.1.
    pub(super) config: Arc<ClientConfig>,
}

/// All ways to speak TLS that jobs have asked for.
#[derive(Debug)]
pub(super) struct Profiles {
    provider: Arc<CryptoProvider>,
    roots: RootCertStore,
    usual: Profile,
    others: Mutex<Others>,
}

#[derive(Debug, Default)]
struct Others {
    by_settings: HashMap<TlsSettings, Profile>,
    last_id: u64,
}

impl Profiles {
    /// Reads the system's CA certificates. A machine without any still fetches plain HTTP; its TLS handshakes fail.
    pub(super) fn new() -> Result<Self, rustls::Error> {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            tracing::warn!(
                "no CA certificates found, so every https fetch will fail with tls_failed; \
                 install the package ca-certificates or set SSL_CERT_FILE"
            );
        }
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        Ok(Self { provider, roots, usual: profile(ProfileId(0), config), others: Mutex::default() })
    }

    /// The profile for a job; `shows_certificate` is whether the host may see who the client is.
    pub(super) fn get(&self, settings: &TlsSettings, shows_certificate: bool) -> Result<Profile, HttpError> {
        let hides = settings.client.is_some() && !shows_certificate;
        if settings.ca.is_empty() && !settings.insecure && (settings.client.is_none() || hides) {
            return Ok(self.usual.clone());
        }
        let mut wanted = settings.clone();
        if hides {
            wanted.client = None;
        }
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = others.by_settings.get(&wanted) {
            return Ok(known.clone());
        }
        let config = self.config(&wanted).map_err(HttpError::TlsSettings)?;
        if others.by_settings.len() >= MAX_PROFILES {
            others.by_settings.clear();
        }
        others.last_id += 1;
        let made = profile(ProfileId(others.last_id), config);
        others.by_settings.insert(wanted, made.clone());
        Ok(made)
    }

    fn config(&self, settings: &TlsSettings) -> Result<ClientConfig, String> {
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let builder = if settings.insecure {
            let trusting = Trusting { provider: Arc::clone(&self.provider) };
            builder.dangerous().with_custom_certificate_verifier(Arc::new(trusting))
        } else {
            let mut roots = self.roots.clone();
            for certificate in
                settings.ca.iter().flat_map(|pem| CertificateDer::pem_slice_iter(pem.as_bytes()))
            {
                let certificate =
                    certificate.map_err(|error| format!("a CA certificate is no PEM: {error}"))?;
                roots.add(certificate).map_err(|error| format!("a CA certificate is of no use: {error}"))?;
            }
            builder.with_root_certificates(roots)
        };
        let Some(client) = &settings.client else { return Ok(builder.with_no_client_auth()) };
        let pem = client.expose().as_bytes();
        let chain = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| format!("the client certificate is no PEM: {error}"))?;
        let key = PrivateKeyDer::from_pem_slice(pem)
            .map_err(|error| format!("the client's private key can't be read: {error}"))?;
        builder.with_client_auth_cert(chain, key).map_err(|error| format!("the client certificate: {error}"))
    }
}

fn profile(id: ProfileId, mut config: ClientConfig) -> Profile {
    config.alpn_protocols = vec!["h2".into(), "http/1.1".into()];
    Profile { id, config: Arc::new(config) }
}

/// Takes every certificate; the signatures of the handshake are still checked, so that it makes sense at all.
#[derive(Debug)]
struct Trusting {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Trusting {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
