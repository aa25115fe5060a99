//! Whatever a host or an address looks like, no policy lets it through to where it must not go.

#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::LazyLock;

use airgate_fuzz::core::{HttpScheme, Transport, is_global};
use airgate_fuzz::security::{CanonicalHost, DenialReason, Egress, SocketVerdict};
use airgate_fuzz::{ADMIN, egress, numeric};
use libfuzzer_sys::fuzz_target;

/// Everything is granted, but for private networks.
static PUBLIC: LazyLock<Egress> = LazyLock::new(|| everything(false));
/// Everything is granted.
static ALL: LazyLock<Egress> = LazyLock::new(|| everything(true));

fn everything(private_networks: bool) -> Egress {
    let sockets = ["tcp://*:*", "udp://*:*"].map(|text| text.parse().unwrap());
    egress(
        &["https://*:*".parse().unwrap()],
        &sockets,
        private_networks,
    )
}

fuzz_target!(|data: &[u8]| {
    if let Ok(host) = std::str::from_utf8(data) {
        judge_host(host);
    }
    if let Some(bytes) = data.first_chunk::<4>() {
        judge_v4(Ipv4Addr::from(*bytes));
    }
    if let Some(bytes) = data.first_chunk::<16>() {
        judge_address(Ipv6Addr::from(*bytes).into());
    }
});

fn judge_host(host: &str) {
    let canonical = CanonicalHost::parse(host);
    if let Some(canonical) = &canonical {
        let text = canonical.to_string();
        assert_eq!(CanonicalHost::parse(&text).as_ref(), Some(canonical));
    }
    let passes = |egress: &Egress| egress.request(HttpScheme::Https, host, 443).is_ok();
    assert_eq!(passes(&ALL), canonical.is_some());
    assert_eq!(ALL.lookup(host), canonical.is_some());
    assert!(passes(&ALL) || !passes(&PUBLIC));
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    if let Some(address) = numeric(bare.unwrap_or(host)) {
        assert!(!matches!(canonical, Some(CanonicalHost::Name(_))));
        assert!(!passes(&PUBLIC) || is_global(address));
        judge_address(address);
    }
}

fn judge_v4(address: Ipv4Addr) {
    judge_address(address.into());
    let [plain, mapped] = [IpAddr::V4(address), address.to_ipv6_mapped().into()];
    assert_eq!(verdicts(&PUBLIC, plain), verdicts(&PUBLIC, mapped));
    assert_eq!(verdicts(&ALL, plain), verdicts(&ALL, mapped));
}

fn judge_address(ip: IpAddr) {
    let expected = match is_global(ip) {
        true => None,
        false => Some(DenialReason::PrivateAddress),
    };
    assert_eq!(verdicts(&PUBLIC, ip), [expected; 4]);
    assert_eq!(verdicts(&ALL, ip), [None; 4]);
    if ip.to_canonical().is_loopback() || ip.to_canonical().is_unspecified() {
        let denied = ALL.address(SocketAddr::new(ip, ADMIN.port()));
        assert!(denied.unwrap_err().reason.is_absolute());
    }
}

/// Why the address is denied: in a host, resolved, to streams and to datagrams.
fn verdicts(egress: &Egress, ip: IpAddr) -> [Option<DenialReason>; 4] {
    let address = SocketAddr::new(ip, 443);
    let host = CanonicalHost::Address(ip.to_canonical()).to_string();
    let in_host = egress.request(HttpScheme::Https, &host, 443);
    let socket = |transport| match egress.socket(transport, address) {
        SocketVerdict::Granted => None,
        SocketVerdict::Denied(denied) => Some(denied.reason),
        SocketVerdict::NeedsLookup(_) => panic!("no grant has a name"),
    };
    [
        in_host.err().map(|denied| denied.reason),
        egress.address(address).err().map(|denied| denied.reason),
        socket(Transport::Tcp),
        socket(Transport::Udp),
    ]
}
