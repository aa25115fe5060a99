//! Everything that can keep a request from a guest's own answer: one closed list.
//!
//! A fault says what happened, not how it is told: status codes and headers live in
//! `gateway/respond.rs` and nowhere else.

use std::time::Duration;

/// Why a request got no answer of the guest's own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("no route matches this host and path")]
    NoRoute,
    /// Carries the value of the `Allow` field (RFC 9110 §10.2.1).
    #[error("the method is not allowed here")]
    MethodNotAllowed { allow: String },
    #[error("malformed request: {0}")]
    Malformed(&'static str),
    #[error("the request body is larger than this route takes")]
    BodyTooLarge,
    #[error("the request target is too long")]
    UriTooLong,
    #[error("the request head is too large")]
    HeadTooLarge,
    #[error("the client stopped sending its request body")]
    RequestTimeout,
    #[error("too many requests")]
    RateLimited { retry_after: Duration },
    #[error("no capacity in time")]
    Overloaded,
    #[error("the server is draining")]
    Draining,
    #[error("the component failed")]
    Trap,
    #[error("the component returned without a response")]
    NoResponse,
    #[error("the component answered with an error")]
    GuestError(ProxyError),
    #[error("the component ran out of fuel")]
    OutOfFuel,
    #[error("the component used up its cpu time")]
    Cpu,
    #[error("the component ran out of memory")]
    Memory,
    #[error("the component did not answer in time")]
    Timeout,
    #[error("no healthy version of the component")]
    Unavailable,
    #[error("internal error")]
    Internal,
}

impl Fault {
    /// Every metric label a fault can have: the closed set of `error_type`.
    pub const LABELS: [&str; 17] = [
        "no_route",
        "method_not_allowed",
        "malformed",
        "too_large",
        "request_timeout",
        "rate_limited",
        "overloaded",
        "draining",
        "trap",
        "no_response",
        "guest_error",
        "out_of_fuel",
        "cpu",
        "memory",
        "timeout",
        "unavailable",
        "internal",
    ];

    /// The metric label: the place in [`Fault::LABELS`].
    pub fn index(&self) -> usize {
        match self {
            Self::NoRoute => 0,
            Self::MethodNotAllowed { .. } => 1,
            Self::Malformed(_) => 2,
            Self::BodyTooLarge | Self::UriTooLong | Self::HeadTooLarge => 3,
            Self::RequestTimeout => 4,
            Self::RateLimited { .. } => 5,
            Self::Overloaded => 6,
            Self::Draining => 7,
            Self::Trap => 8,
            Self::NoResponse => 9,
            Self::GuestError(_) => 10,
            Self::OutOfFuel => 11,
            Self::Cpu => 12,
            Self::Memory => 13,
            Self::Timeout => 14,
            Self::Unavailable => 15,
            Self::Internal => 16,
        }
    }

    /// The metric label as text.
    pub fn label(&self) -> &'static str {
        Self::LABELS[self.index()]
    }
}

/// The error types of `Proxy-Status` that a guest can cause by its `error-code`
/// (RFC 9209 §2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyError {
    DnsTimeout,
    DnsError,
    DestinationNotFound,
    DestinationUnavailable,
    DestinationIpProhibited,
    DestinationIpUnroutable,
    ConnectionRefused,
    ConnectionTerminated,
    ConnectionTimeout,
    ConnectionReadTimeout,
    ConnectionWriteTimeout,
    ConnectionLimitReached,
    TlsProtocolError,
    TlsCertificateError,
    TlsAlertReceived,
    HttpRequestError,
    HttpRequestDenied,
    HttpResponseIncomplete,
    HttpResponseHeaderSectionSize,
    HttpResponseHeaderSize,
    HttpResponseBodySize,
    HttpResponseTrailerSectionSize,
    HttpResponseTrailerSize,
    HttpResponseTransferCoding,
    HttpResponseContentCoding,
    HttpResponseTimeout,
    HttpUpgradeFailed,
    HttpProtocolError,
    ProxyLoopDetected,
    ProxyConfigurationError,
    ProxyInternalError,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_distinct() {
        let mut labels = Fault::LABELS.to_vec();
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), Fault::LABELS.len());
    }

    #[test]
    fn a_fault_knows_its_label() {
        assert_eq!(Fault::Internal.label(), "internal");
        assert_eq!(Fault::UriTooLong.label(), "too_large");
        assert_eq!(Fault::Timeout.label(), "timeout");
    }
}
