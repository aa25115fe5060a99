//! `[outbound]`.

use crate::config::raw::RawOutbound;
use crate::config::read::Problems;
use crate::core::Outbound;

use super::Surroundings;
use super::server::{count, timeout, values};

/// More at once is no guest's need, and each holds a connection.
const MOST_PARALLEL: u32 = 1_000;

pub(super) fn outbound(
    raw: &RawOutbound,
    around: &Surroundings<'_>,
    problems: &mut Problems<'_>,
) -> Outbound {
    let default = Outbound::default();
    refuse_port_zero(raw, problems);
    Outbound {
        connect_timeout: timeout(&raw.connect_timeout, default.connect_timeout),
        first_byte_timeout: timeout(&raw.first_byte_timeout, default.first_byte_timeout),
        between_bytes_timeout: timeout(&raw.between_bytes_timeout, default.between_bytes_timeout),
        parallel: count(&raw.parallel, default.parallel, MOST_PARALLEL, problems),
        ca: raw.ca.given().map(|ca| around.existing_file(ca, problems)),
        nameservers: values(&raw.nameservers),
    }
}

fn refuse_port_zero(raw: &RawOutbound, problems: &mut Problems<'_>) {
    let servers = raw.nameservers.value().into_iter().flatten();
    for server in servers.filter(|server| server.port() == 0) {
        problems
            .error(&server.place, "nobody answers on port 0")
            .help("DNS servers listen on port 53");
    }
}
