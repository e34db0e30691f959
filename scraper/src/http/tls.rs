//! TLS: rustls with ring, and the system's CA certificates.

use rustls::{ClientConfig, RootCertStore, crypto::ring};
use std::sync::Arc;

/// A TLS configuration for HTTP/1.1 and HTTP/2. A machine without CA certificates still fetches
/// plain HTTP; its TLS handshakes fail.
pub(super) fn config() -> Result<ClientConfig, rustls::Error> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        tracing::warn!(
            "no CA certificates found, so every https fetch will fail with tls_failed; \
             install the package ca-certificates or set SSL_CERT_FILE"
        );
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec!["h2".into(), "http/1.1".into()];
    Ok(config)
}
