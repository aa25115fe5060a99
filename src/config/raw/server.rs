//! `[server]`.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use crate::config::read::{List, shape_table};
use crate::config::text::{CertificateName, FilePath, Timeout};
use crate::core::ByteSize;

shape_table! {
    struct RawServer {
        /// Addresses for HTTP/1.1 and h2c. Default: "127.0.0.1:8080", or none beside [server.tls].
        optional listen: List<SocketAddr>,
        /// Connections at once. Default: 5000.
        optional max_connections: NonZeroU32,
        /// Requests in flight; beyond it 503 with Retry-After. Default: 1000.
        optional max_requests: NonZeroU32,
        /// How long a stopping server waits for its requests. Default: "30s".
        optional drain_timeout: Duration,
        /// CIDRs whose Forwarded and X-Forwarded-* fields are believed. Default: none.
        optional trusted_proxies: List<ipnet::IpNet>,
        /// HTTPS.
        optional tls: RawTls,
        /// What one client can make the server hold.
        optional limits: RawServerLimits,
    }

    struct RawTls {
        /// Addresses for HTTP/1.1 and HTTP/2 over TLS 1.2 and 1.3.
        required listen: List<SocketAddr>,
        /// Chosen by SNI; the first serves clients that name no host.
        required certificate: List<RawCertificate>,
        /// PEM file of the authorities that sign client certificates.
        optional client_ca: FilePath,
        /// Refuse clients without a certificate. Default: true.
        optional require: bool,
    }

    struct RawCertificate {
        /// PEM file of the certificate chain.
        optional cert: FilePath,
        /// PEM file of the private key.
        optional key: FilePath,
        /// Names to make a certificate for at start, instead of cert and key: for development.
        optional self_signed: List<CertificateName>,
    }

    struct RawServerLimits {
        /// Bytes of request line and headers. Default: "32KiB".
        optional head_size: ByteSize,
        /// Number of header fields. Default: 100.
        optional headers: NonZeroU32,
        /// Bytes of the request target. Default: "8KiB".
        optional uri: ByteSize,
        /// TLS handshake and protocol detection, each. Default: "10s".
        optional detection_timeout: Timeout,
        /// From the first byte of a request head to its end. Default: "10s".
        optional head_timeout: Timeout,
        /// Between two pieces of a request body. Default: "20s".
        optional body_idle_timeout: Timeout,
        /// While the client takes no byte of a response. Default: "30s".
        optional write_timeout: Timeout,
        /// A connection without a request. Default: "60s".
        optional keep_alive: Timeout,
        /// Streams at once in one HTTP/2 connection. Default: 100.
        optional h2_streams: NonZeroU32,
        /// Flow-control window of one stream. Default: "64KiB".
        optional h2_stream_window: ByteSize,
        /// Flow-control window of one connection. Default: "1MiB".
        optional h2_connection_window: ByteSize,
        /// Bytes of a decoded header list. Default: "16KiB".
        optional h2_header_list: ByteSize,
        /// Streams reset by the peer and not yet processed. Default: 20.
        optional h2_pending_resets: NonZeroU32,
        /// Streams reset by the server because of the peer's errors. Default: 256.
        optional h2_local_resets: NonZeroU32,
    }
}
