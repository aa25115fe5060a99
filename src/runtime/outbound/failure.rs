//! What went wrong with an outbound request, as the guest is told (`wasi:http` error-code)
//! and as it is counted (`error_type`).

use std::error::Error as StdError;

use hyper_util::client::legacy;
use wasmtime_wasi_http::Error;

use super::connect::ConnectError;
use crate::core::{Fault, ProxyError};
use crate::monitoring::ClientFailure;
use crate::runtime::InvokeError;
use crate::security::Denied;

/// The client's error as `wasi:http` names it.
pub(super) fn of_client(error: &legacy::Error) -> Error {
    if let Some(error) = cause::<ConnectError>(error) {
        return of_connect(error);
    }
    // The guest's own body broke off.
    if cause::<Error>(error).is_some() {
        return Error::ConnectionTerminated;
    }
    match cause::<hyper::Error>(error) {
        Some(error) if error.is_timeout() => Error::HttpResponseTimeout,
        Some(error) if error.is_parse_too_large() => Error::HttpResponseHeaderSectionSize(None),
        Some(error) if error.is_parse() => Error::HttpProtocolError,
        Some(error) if error.is_incomplete_message() => Error::HttpResponseIncomplete,
        Some(error) if is_lost(error) => Error::ConnectionTerminated,
        Some(error) if error.is_canceled() || error.is_closed() => Error::ConnectionTerminated,
        _ => Error::HttpProtocolError,
    }
}

/// The denial among the causes, if that is what it was.
pub(super) fn denial(error: &legacy::Error) -> Option<&Denied> {
    match cause::<ConnectError>(error)? {
        ConnectError::Denied(denied) => Some(denied),
        _ => None,
    }
}

fn cause<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// The server has closed the connection before it said anything of this request.
pub(super) fn was_dropped(error: &legacy::Error) -> bool {
    let dropped = |error: &hyper::Error| {
        error.is_incomplete_message() || error.is_closed() || error.is_canceled() || is_lost(error)
    };
    !error.is_connect() && cause(error).is_some_and(dropped)
}

/// The connection has ended, in the middle of what it carried. To hyper a malformed body is
/// an error of the socket, too, but of another kind.
pub(super) fn is_lost(error: &hyper::Error) -> bool {
    use std::io::ErrorKind;
    cause::<std::io::Error>(error).is_some_and(|error| {
        matches!(
            error.kind(),
            ErrorKind::UnexpectedEof
                | ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::BrokenPipe
        )
    })
}

fn of_connect(error: &ConnectError) -> Error {
    match error {
        ConnectError::Name(_) => Error::DnsError {
            rcode: None,
            info_code: None,
        },
        ConnectError::Denied(_) => Error::DestinationIpProhibited,
        ConnectError::Timeout => Error::ConnectionTimeout,
        ConnectError::Io(error) => match error.kind() {
            std::io::ErrorKind::ConnectionRefused => Error::ConnectionRefused,
            std::io::ErrorKind::TimedOut => Error::ConnectionTimeout,
            std::io::ErrorKind::HostUnreachable | std::io::ErrorKind::NetworkUnreachable => {
                Error::DestinationIpUnroutable
            }
            _ => Error::ConnectionTerminated,
        },
        ConnectError::Tls(error) => {
            let tls = error.get_ref().and_then(|error| error.downcast_ref());
            match tls {
                Some(rustls::Error::InvalidCertificate(_)) => Error::TlsCertificateError,
                Some(rustls::Error::AlertReceived(alert)) => Error::TlsAlertReceived {
                    alert_id: Some(u8::from(*alert)),
                    alert_message: None,
                },
                _ => Error::TlsProtocolError,
            }
        }
    }
}

/// How a call of another component failed. A caller learns no more of it than a client.
pub(super) fn of_peer(error: &InvokeError) -> Error {
    match error.fault() {
        Fault::GuestError(error) => of_proxy(error),
        Fault::Timeout | Fault::Cpu => Error::HttpResponseTimeout,
        Fault::Overloaded | Fault::Draining => Error::ConnectionLimitReached,
        Fault::Unavailable => Error::DestinationUnavailable,
        Fault::BodyTooLarge => Error::HttpRequestBodySize(None),
        Fault::RequestTimeout => Error::ConnectionReadTimeout,
        Fault::OutOfFuel | Fault::Memory => Error::HttpResponseIncomplete,
        _ => Error::HttpProtocolError,
    }
}

fn of_proxy(error: ProxyError) -> Error {
    match error {
        ProxyError::ProxyLoopDetected => Error::LoopDetected,
        ProxyError::HttpRequestDenied => Error::HttpRequestDenied,
        ProxyError::HttpResponseTimeout => Error::HttpResponseTimeout,
        ProxyError::ConnectionLimitReached => Error::ConnectionLimitReached,
        ProxyError::HttpResponseIncomplete => Error::HttpResponseIncomplete,
        _ => Error::HttpProtocolError,
    }
}

/// The label of a failure.
pub(crate) fn label(error: &Error) -> ClientFailure {
    match error {
        Error::DnsError { .. } | Error::DnsTimeout => ClientFailure::Name,
        Error::DestinationIpProhibited | Error::HttpRequestDenied => ClientFailure::Denied,
        Error::ConnectionTimeout | Error::ConnectionReadTimeout | Error::HttpResponseTimeout => {
            ClientFailure::Timeout
        }
        Error::ConnectionRefused
        | Error::ConnectionTerminated
        | Error::DestinationIpUnroutable
        | Error::DestinationUnavailable => ClientFailure::Connection,
        Error::TlsCertificateError | Error::TlsProtocolError | Error::TlsAlertReceived { .. } => {
            ClientFailure::Tls
        }
        Error::ConnectionLimitReached => ClientFailure::Overloaded,
        Error::LoopDetected => ClientFailure::Loop,
        _ => ClientFailure::Protocol,
    }
}
