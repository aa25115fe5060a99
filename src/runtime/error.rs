//! Why a call of a guest gave no response, or not all of it, classified once.

use std::fmt;
use std::sync::Arc;

use wasmtime::{PoolConcurrencyLimitError, Trap};
use wasmtime_wasi::I32Exit;
use wasmtime_wasi_http::{p2::bindings::http::types as p2, p3::bindings::http::types as p3};

use super::cpu::OverCpu;
use crate::core::{ByteSize, Fault, ProxyError};

/// Why a call failed. Cheap to clone: one failure can end several requests.
#[derive(Debug, Clone, thiserror::Error)]
pub enum InvokeError {
    #[error("guest trapped")]
    Trap(#[source] Cause),
    #[error("guest exited with status {0}")]
    Exit(i32),
    #[error("guest returned without a response")]
    NoResponse,
    #[error("guest answered with an error: {detail}")]
    GuestError { error: ProxyError, detail: String },
    #[error("guest's response cannot be sent: {0}")]
    BadResponse(&'static str),
    #[error("guest ran out of fuel")]
    OutOfFuel,
    #[error("guest used up its cpu time")]
    OverCpu,
    #[error("guest was refused memory and died")]
    OverMemory(#[source] Cause),
    #[error("guest did not answer in time")]
    Timeout,
    #[error("no instance in time")]
    Overloaded,
    #[error("the request body is larger than its limit")]
    BodyTooLarge,
    #[error("the client stopped sending its request body")]
    BodyStalled,
    #[error("the instance ended before it took the request")]
    Interrupted,
    #[error("it exports no handler for this")]
    NoHandler,
    /// Its own word, or what became of it.
    #[error("the component could not be initialized: {0}")]
    NotInitialized(String),
    #[error("the component is stopped")]
    Stopped,
}

/// The component has not the handler that is called.
#[derive(Debug, thiserror::Error)]
#[error("it exports no handler for this")]
pub(crate) struct NoHandler;

/// The component says that it cannot be initialized.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotInitialized(pub String);

/// The guest returned and cannot answer any more.
#[derive(Debug, thiserror::Error)]
#[error("guest returned without a response")]
pub(crate) struct Unanswered;

/// A wasmtime error as the source of ours: the whole chain, for logs.
#[derive(Clone)]
pub struct Cause(Arc<wasmtime::Error>);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl std::error::Error for Cause {}

impl InvokeError {
    /// Classifies what wasmtime says. `memory_refused`: the guest was denied memory
    /// before it failed.
    pub(crate) fn classify(error: wasmtime::Error, memory_refused: bool) -> Self {
        if error.is::<OverCpu>() {
            return Self::OverCpu;
        }
        if error.is::<Unanswered>() {
            return Self::NoResponse;
        }
        if error.is::<NoHandler>() {
            return Self::NoHandler;
        }
        if let Some(NotInitialized(reason)) = error.downcast_ref() {
            return Self::NotInitialized(reason.clone());
        }
        if error.is::<PoolConcurrencyLimitError>() {
            return Self::Overloaded;
        }
        if let Some(exit) = error.downcast_ref::<I32Exit>() {
            return Self::Exit(exit.0);
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::OutOfFuel) => Self::OutOfFuel,
            Some(Trap::Interrupt) => Self::OverCpu,
            _ if memory_refused => Self::OverMemory(Cause(Arc::new(error))),
            _ => Self::Trap(Cause(Arc::new(error))),
        }
    }

    pub(crate) fn from_p2(code: p2::ErrorCode) -> Self {
        let detail = format!("{code:?}");
        Self::GuestError {
            error: p2_error(&code),
            detail,
        }
    }

    pub(crate) fn from_p3(code: p3::ErrorCode) -> Self {
        let detail = format!("{code:?}");
        Self::GuestError {
            error: p3_error(&code),
            detail,
        }
    }

    /// What the client is told.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Trap(_) | Self::Exit(_) | Self::Interrupted => Fault::Trap,
            Self::NoResponse => Fault::NoResponse,
            Self::GuestError { error, .. } => Fault::GuestError(*error),
            Self::BadResponse(_) => Fault::GuestError(ProxyError::HttpProtocolError),
            Self::OutOfFuel => Fault::OutOfFuel,
            Self::OverCpu => Fault::Cpu,
            Self::OverMemory(_) => Fault::Memory,
            Self::Timeout => Fault::Timeout,
            Self::Overloaded => Fault::Overloaded,
            Self::BodyTooLarge => Fault::BodyTooLarge,
            Self::BodyStalled => Fault::RequestTimeout,
            Self::NoHandler | Self::NotInitialized(_) | Self::Stopped => Fault::Unavailable,
        }
    }
}

/// Why a response body broke off.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BodyError {
    #[error("the response body is larger than its limit of {0}")]
    TooLarge(ByteSize),
    #[error("the guest broke its response off")]
    Guest(#[source] InvokeError),
    #[error("the guest's response body failed: {0}")]
    Broken(String),
}

impl BodyError {
    /// What is recorded; the client sees only that the response broke off.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Guest(error) => error.fault(),
            Self::TooLarge(_) => Fault::GuestError(ProxyError::HttpResponseBodySize),
            Self::Broken(_) => Fault::GuestError(ProxyError::HttpResponseIncomplete),
        }
    }
}

/// The two versions of WASI name the same error codes; so does RFC 9209 §2.3.
macro_rules! proxy_error {
    ($function:ident, $wasi:ident) => {
        fn $function(code: &$wasi::ErrorCode) -> ProxyError {
            use $wasi::ErrorCode as Code;
            match code {
                Code::DnsTimeout => ProxyError::DnsTimeout,
                Code::DnsError(_) => ProxyError::DnsError,
                Code::DestinationNotFound => ProxyError::DestinationNotFound,
                Code::DestinationUnavailable => ProxyError::DestinationUnavailable,
                Code::DestinationIpProhibited => ProxyError::DestinationIpProhibited,
                Code::DestinationIpUnroutable => ProxyError::DestinationIpUnroutable,
                Code::ConnectionRefused => ProxyError::ConnectionRefused,
                Code::ConnectionTerminated => ProxyError::ConnectionTerminated,
                Code::ConnectionTimeout => ProxyError::ConnectionTimeout,
                Code::ConnectionReadTimeout => ProxyError::ConnectionReadTimeout,
                Code::ConnectionWriteTimeout => ProxyError::ConnectionWriteTimeout,
                Code::ConnectionLimitReached => ProxyError::ConnectionLimitReached,
                Code::TlsProtocolError => ProxyError::TlsProtocolError,
                Code::TlsCertificateError => ProxyError::TlsCertificateError,
                Code::TlsAlertReceived(_) => ProxyError::TlsAlertReceived,
                Code::HttpRequestDenied => ProxyError::HttpRequestDenied,
                Code::HttpRequestLengthRequired
                | Code::HttpRequestBodySize(_)
                | Code::HttpRequestMethodInvalid
                | Code::HttpRequestUriInvalid
                | Code::HttpRequestUriTooLong
                | Code::HttpRequestHeaderSectionSize(_)
                | Code::HttpRequestHeaderSize(_)
                | Code::HttpRequestTrailerSectionSize(_)
                | Code::HttpRequestTrailerSize(_) => ProxyError::HttpRequestError,
                Code::HttpResponseIncomplete => ProxyError::HttpResponseIncomplete,
                Code::HttpResponseHeaderSectionSize(_) => ProxyError::HttpResponseHeaderSectionSize,
                Code::HttpResponseHeaderSize(_) => ProxyError::HttpResponseHeaderSize,
                Code::HttpResponseBodySize(_) => ProxyError::HttpResponseBodySize,
                Code::HttpResponseTrailerSectionSize(_) => {
                    ProxyError::HttpResponseTrailerSectionSize
                }
                Code::HttpResponseTrailerSize(_) => ProxyError::HttpResponseTrailerSize,
                Code::HttpResponseTransferCoding(_) => ProxyError::HttpResponseTransferCoding,
                Code::HttpResponseContentCoding(_) => ProxyError::HttpResponseContentCoding,
                Code::HttpResponseTimeout => ProxyError::HttpResponseTimeout,
                Code::HttpUpgradeFailed => ProxyError::HttpUpgradeFailed,
                Code::HttpProtocolError => ProxyError::HttpProtocolError,
                Code::LoopDetected => ProxyError::ProxyLoopDetected,
                Code::ConfigurationError => ProxyError::ProxyConfigurationError,
                Code::InternalError(_) => ProxyError::ProxyInternalError,
            }
        }
    };
}

proxy_error!(p2_error, p2);
proxy_error!(p3_error, p3);
