//! `[server]` and its limits.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::config::model::{Server, ServerLimits};
use crate::config::raw::{RawServer, RawServerLimits};
use crate::config::read::{At, Field, List, Problems};
use crate::config::text::Timeout;
use crate::core::{ByteSize, format_duration};

use super::{Surroundings, tls};

const DRAIN: Duration = Duration::from_secs(30);

pub(super) fn server(
    field: Field<RawServer>,
    around: &Surroundings<'_>,
    problems: &mut Problems<'_>,
) -> Server {
    let raw = field.into_table();
    let tls_wanted = !raw.tls.is_absent();
    Server {
        listen: listen(&raw.listen, tls_wanted, problems),
        max_connections: raw.max_connections.value().map_or(5_000, |many| many.get()),
        max_requests: raw.max_requests.value().map_or(1_000, |many| many.get()),
        drain_timeout: raw.drain_timeout.or(DRAIN),
        trusted_proxies: values(&raw.trusted_proxies),
        tls: tls::tls(raw.tls, around, problems),
        limits: limits(&raw.limits.into_table(), problems),
    }
}

/// What other tables are compared with.
pub(super) fn drain_timeout(field: &Field<RawServer>) -> Duration {
    field
        .value()
        .map_or(DRAIN, |raw| raw.drain_timeout.or(DRAIN))
}

pub(super) fn values<T: Clone>(list: &Field<List<T>>) -> Vec<T> {
    list.value()
        .into_iter()
        .flatten()
        .map(|at| at.value.clone())
        .collect()
}

/// Who asks for TLS only does not get a plain listener on top.
fn listen(
    field: &Field<List<SocketAddr>>,
    tls_wanted: bool,
    problems: &mut Problems<'_>,
) -> Vec<SocketAddr> {
    match field.given() {
        Some(list) if list.is_empty() && !tls_wanted => {
            problems
                .error(&list.place, "nothing to listen on")
                .help("name an address, or leave the key out");
        }
        None if !tls_wanted => return vec![SocketAddr::from(([127, 0, 0, 1], 8080))],
        _ => {}
    }
    values(field)
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
/// RFC 9113 §6.9.1.
const LARGEST_WINDOW: u64 = (1 << 31) - 1;

fn limits(raw: &RawServerLimits, problems: &mut Problems<'_>) -> ServerLimits {
    let default = ServerLimits::default();
    ServerLimits {
        // hyper reads with no smaller buffer.
        head_size: size(
            &raw.head_size,
            default.head_size,
            8 * KIB..=16 * MIB,
            problems,
        ),
        headers: count(&raw.headers, default.headers, 10_000, problems),
        // What `http::Uri` holds.
        uri: size(&raw.uri, default.uri, 64..=65_534, problems),
        detection_timeout: timeout(&raw.detection_timeout, default.detection_timeout),
        head_timeout: timeout(&raw.head_timeout, default.head_timeout),
        body_idle_timeout: timeout(&raw.body_idle_timeout, default.body_idle_timeout),
        write_timeout: timeout(&raw.write_timeout, default.write_timeout),
        keep_alive: timeout(&raw.keep_alive, default.keep_alive),
        h2_streams: count(&raw.h2_streams, default.h2_streams, u32::MAX, problems),
        h2_stream_window: size(
            &raw.h2_stream_window,
            default.h2_stream_window,
            KIB..=LARGEST_WINDOW,
            problems,
        ),
        h2_connection_window: size(
            &raw.h2_connection_window,
            default.h2_connection_window,
            KIB..=LARGEST_WINDOW,
            problems,
        ),
        h2_header_list: size(
            &raw.h2_header_list,
            default.h2_header_list,
            KIB..=16 * MIB,
            problems,
        ),
        h2_pending_resets: count(
            &raw.h2_pending_resets,
            default.h2_pending_resets,
            u32::MAX,
            problems,
        ),
        h2_local_resets: count(
            &raw.h2_local_resets,
            default.h2_local_resets,
            u32::MAX,
            problems,
        ),
    }
}

pub(super) fn timeout(field: &Field<Timeout>, default: Duration) -> Duration {
    field.value().map_or(default, |timeout| timeout.0)
}

pub(super) fn count(
    field: &Field<NonZeroU32>,
    default: u32,
    most: u32,
    problems: &mut Problems<'_>,
) -> u32 {
    let Some(given) = field.given() else {
        return default;
    };
    if given.get() > most {
        problems.error(
            &given.place,
            format!("{} is more than the most that works, {most}", given.value),
        );
    }
    given.get()
}

/// A size within bounds.
pub(super) fn size(
    field: &Field<ByteSize>,
    default: ByteSize,
    bounds: RangeInclusive<u64>,
    problems: &mut Problems<'_>,
) -> ByteSize {
    let Some(given) = field.given() else {
        return default;
    };
    if !bounds.contains(&given.value.0) {
        report_size(given, &bounds, problems);
    }
    given.value
}

fn report_size(given: &At<ByteSize>, bounds: &RangeInclusive<u64>, problems: &mut Problems<'_>) {
    let (least, most) = (ByteSize(*bounds.start()), ByteSize(*bounds.end()));
    let message = format!(
        "expected a size from {least} to {most}, found {}",
        given.value
    );
    problems.error(&given.place, message);
}

/// A duration within bounds.
pub(super) fn duration(
    field: &Field<Duration>,
    default: Duration,
    bounds: &RangeInclusive<Duration>,
    problems: &mut Problems<'_>,
) -> Duration {
    let Some(given) = field.given() else {
        return default;
    };
    if !bounds.contains(&given.value) {
        let [least, most, found] =
            [*bounds.start(), *bounds.end(), given.value].map(format_duration);
        let message = format!("expected a duration from {least} to {most}, found {found}");
        problems.error(&given.place, message);
    }
    given.value
}
