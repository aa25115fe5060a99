//! Limits of components: `[defaults.limits]` under `[component.NAME.limits]`.

use crate::config::raw::RawLimits;
use crate::config::read::{At, Field, Problems};
use crate::core::{Limits, format_duration};

use super::server::{size, timeout};

/// One page of linear memory to all that 32 bits address.
const MEMORY: std::ops::RangeInclusive<u64> = 64 << 10..=4 << 30;

/// What the table sets, over the defaults.
pub(super) fn limits(
    field: &Field<RawLimits>,
    default: &Limits,
    problems: &mut Problems<'_>,
) -> Limits {
    let Some(raw) = field.given() else {
        return default.clone();
    };
    let limits = Limits {
        timeout: timeout(&raw.timeout, default.timeout),
        stream_timeout: unlimited_at_zero(&raw.stream_timeout, default.stream_timeout),
        cpu: timeout(&raw.cpu, default.cpu),
        fuel: raw.fuel.value().map(|fuel| fuel.get()).or(default.fuel),
        memory: size(&raw.memory, default.memory, MEMORY, problems),
        max_request_body: unlimited_at_zero(&raw.max_request_body, default.max_request_body),
        max_response_body: unlimited_at_zero(&raw.max_response_body, default.max_response_body),
        outbound_requests: raw.outbound_requests.or(default.outbound_requests),
    };
    check_order(raw, &limits, problems);
    limits
}

/// Zero is "no limit", not "nothing at all".
fn unlimited_at_zero<T: Copy + Default + PartialEq>(
    field: &Field<T>,
    default: Option<T>,
) -> Option<T> {
    match field.value() {
        Some(value) => Some(*value).filter(|value| *value != T::default()),
        None => default,
    }
}

/// The caret goes to the key that this table sets; where it sets neither, the defaults were checked.
fn check_order(raw: &At<RawLimits>, limits: &Limits, problems: &mut Problems<'_>) {
    let timeout = limits.timeout;
    let timeout_place = raw.timeout.given().map(|at| &at.place);
    let stream_place = raw.stream_timeout.given().map(|at| &at.place);
    if let (Some(stream), Some(place)) = (limits.stream_timeout, timeout_place.or(stream_place))
        && timeout > stream
    {
        let message = format!(
            "timeout {} is longer than stream_timeout {}",
            format_duration(timeout),
            format_duration(stream)
        );
        problems
            .error(place, message)
            .help("the head comes before the end: raise stream_timeout, or \"0s\" for no limit");
    }
    let cpu_place = raw.cpu.given().map(|at| &at.place);
    if let Some(place) = cpu_place.or(timeout_place)
        && limits.cpu > timeout
    {
        let message = format!(
            "cpu {} is never used up within timeout {}",
            format_duration(limits.cpu),
            format_duration(timeout)
        );
        problems.warn(place, message);
    }
}
