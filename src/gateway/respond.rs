//! From a fault to a response: the only place that knows status codes.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, ALLOW, CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, Version};

use super::body::Body;
use crate::core::{Fault, ProxyError, RequestId};

const PROXY_STATUS: HeaderName = HeaderName::from_static("proxy-status");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// When a client that met a full house should come back.
const RETRY_SOON: Duration = Duration::from_secs(1);

/// The status code of each fault.
pub(crate) fn status(fault: &Fault) -> StatusCode {
    match fault {
        Fault::NoRoute => StatusCode::NOT_FOUND,
        Fault::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
        Fault::Malformed(_) => StatusCode::BAD_REQUEST,
        Fault::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Fault::UriTooLong => StatusCode::URI_TOO_LONG,
        Fault::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        Fault::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
        Fault::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
        Fault::Overloaded | Fault::Draining | Fault::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Fault::Trap
        | Fault::NoResponse
        | Fault::GuestError(_)
        | Fault::OutOfFuel
        | Fault::Memory => StatusCode::BAD_GATEWAY,
        Fault::Cpu | Fault::Timeout => StatusCode::GATEWAY_TIMEOUT,
        Fault::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The `Proxy-Status` field (RFC 9209 §2), where the fault has an error type there.
fn proxy_status(fault: &Fault) -> Option<&'static str> {
    Some(match fault {
        Fault::NoRoute | Fault::MethodNotAllowed { .. } => return None,
        Fault::Malformed(_)
        | Fault::BodyTooLarge
        | Fault::UriTooLong
        | Fault::HeadTooLarge
        | Fault::RequestTimeout => "airgate; error=http_request_error",
        Fault::RateLimited { .. } => "airgate; error=http_request_denied",
        Fault::Overloaded => "airgate; error=connection_limit_reached",
        Fault::Draining => "airgate; error=proxy_internal_response",
        Fault::Trap | Fault::NoResponse => "airgate; error=http_protocol_error",
        Fault::GuestError(error) => guest_error(*error),
        Fault::OutOfFuel => "airgate; error=http_response_incomplete; details=\"fuel\"",
        Fault::Cpu => "airgate; error=http_response_timeout; details=\"cpu\"",
        Fault::Memory => "airgate; error=http_response_incomplete; details=\"memory\"",
        Fault::Timeout => "airgate; error=http_response_timeout",
        Fault::Unavailable => "airgate; error=destination_unavailable",
        Fault::Internal => "airgate; error=proxy_internal_error",
    })
}

/// The error types of RFC 9209 §2.3.
fn guest_error(error: ProxyError) -> &'static str {
    match error {
        ProxyError::DnsTimeout => "airgate; error=dns_timeout",
        ProxyError::DnsError => "airgate; error=dns_error",
        ProxyError::DestinationNotFound => "airgate; error=destination_not_found",
        ProxyError::DestinationUnavailable => "airgate; error=destination_unavailable",
        ProxyError::DestinationIpProhibited => "airgate; error=destination_ip_prohibited",
        ProxyError::DestinationIpUnroutable => "airgate; error=destination_ip_unroutable",
        ProxyError::ConnectionRefused => "airgate; error=connection_refused",
        ProxyError::ConnectionTerminated => "airgate; error=connection_terminated",
        ProxyError::ConnectionTimeout => "airgate; error=connection_timeout",
        ProxyError::ConnectionReadTimeout => "airgate; error=connection_read_timeout",
        ProxyError::ConnectionWriteTimeout => "airgate; error=connection_write_timeout",
        ProxyError::ConnectionLimitReached => "airgate; error=connection_limit_reached",
        ProxyError::TlsProtocolError => "airgate; error=tls_protocol_error",
        ProxyError::TlsCertificateError => "airgate; error=tls_certificate_error",
        ProxyError::TlsAlertReceived => "airgate; error=tls_alert_received",
        ProxyError::HttpRequestError => "airgate; error=http_request_error",
        ProxyError::HttpRequestDenied => "airgate; error=http_request_denied",
        ProxyError::HttpResponseIncomplete => "airgate; error=http_response_incomplete",
        ProxyError::HttpResponseHeaderSectionSize => {
            "airgate; error=http_response_header_section_size"
        }
        ProxyError::HttpResponseHeaderSize => "airgate; error=http_response_header_size",
        ProxyError::HttpResponseBodySize => "airgate; error=http_response_body_size",
        ProxyError::HttpResponseTrailerSectionSize => {
            "airgate; error=http_response_trailer_section_size"
        }
        ProxyError::HttpResponseTrailerSize => "airgate; error=http_response_trailer_size",
        ProxyError::HttpResponseTransferCoding => "airgate; error=http_response_transfer_coding",
        ProxyError::HttpResponseContentCoding => "airgate; error=http_response_content_coding",
        ProxyError::HttpResponseTimeout => "airgate; error=http_response_timeout",
        ProxyError::HttpUpgradeFailed => "airgate; error=http_upgrade_failed",
        ProxyError::HttpProtocolError => "airgate; error=http_protocol_error",
        ProxyError::ProxyLoopDetected => "airgate; error=proxy_loop_detected",
        ProxyError::ProxyConfigurationError => "airgate; error=proxy_configuration_error",
        ProxyError::ProxyInternalError => "airgate; error=proxy_internal_error",
    }
}

/// Tells a client of a fault: a problem document (RFC 9457) where it takes JSON, else one
/// line. Never a path, a backtrace or a guest's message.
pub(crate) fn respond(
    fault: &Fault,
    id: RequestId,
    version: Version,
    json: bool,
) -> Response<Body> {
    let status = status(fault);
    let (content_type, body) = if json {
        ("application/problem+json", problem(fault, status, id))
    } else {
        let title = status.canonical_reason().unwrap_or("Error");
        (
            "text/plain; charset=utf-8",
            format!("{} {title}: {fault} (request {id})\n", status.as_u16()),
        )
    };
    let mut response = Response::new(Body::Bytes(Bytes::from(body)));
    *response.status_mut() = status;
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(id) = HeaderValue::try_from(id.to_string()) {
        fields.insert(REQUEST_ID, id);
    }
    if let Some(value) = proxy_status(fault) {
        fields.insert(PROXY_STATUS, HeaderValue::from_static(value));
    }
    add_advice(fault, version, fields);
    response
}

/// Fields that tell the client what to do.
fn add_advice(fault: &Fault, version: Version, fields: &mut HeaderMap) {
    match fault {
        Fault::MethodNotAllowed { allow } => {
            if let Ok(allow) = HeaderValue::try_from(allow) {
                fields.insert(ALLOW, allow);
            }
        }
        Fault::Overloaded => {
            fields.insert(RETRY_AFTER, seconds(RETRY_SOON));
        }
        Fault::RateLimited { retry_after } => {
            fields.insert(RETRY_AFTER, seconds(*retry_after));
        }
        // What is left of the body would be read as the next request, or for nothing.
        Fault::Draining | Fault::BodyTooLarge | Fault::RequestTimeout
            if version < Version::HTTP_2 =>
        {
            fields.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        _ => {}
    }
}

fn seconds(duration: Duration) -> HeaderValue {
    HeaderValue::from(duration.as_secs_f64().ceil().max(1.0) as u64)
}

fn problem(fault: &Fault, status: StatusCode, id: RequestId) -> String {
    serde_json::json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or("Error"),
        "status": status.as_u16(),
        "detail": fault.to_string(),
        "error": fault.label(),
        "request_id": id.to_string(),
    })
    .to_string()
}

/// Whether the client asks for JSON by name; `*/*` is what people with a terminal send.
pub(crate) fn accepts_json(headers: &HeaderMap) -> bool {
    let accepts = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok());
    accepts.flat_map(|value| value.split(',')).any(|range| {
        let media_type = range
            .split(';')
            .next()
            .unwrap_or("")
            .trim()
            .to_ascii_lowercase();
        media_type == "application/json"
            || media_type == "application/*"
            || media_type
                .strip_prefix("application/")
                .is_some_and(|t| t.ends_with("+json"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json_for(accept: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        accepts_json(&headers)
    }

    #[test]
    fn json_is_for_clients_that_ask_for_it() {
        assert!(json_for("application/json"));
        assert!(json_for("text/html, application/problem+json;q=0.5"));
        assert!(!json_for("*/*") && !json_for("text/html"));
        assert!(!accepts_json(&HeaderMap::new()));
    }

    #[test]
    fn a_full_house_says_when_to_come_back() {
        let response = respond(&Fault::Overloaded, RequestId::NONE, Version::HTTP_11, false);
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()[RETRY_AFTER], "1");
        assert_eq!(
            response.headers()[PROXY_STATUS],
            "airgate; error=connection_limit_reached"
        );
    }
}
