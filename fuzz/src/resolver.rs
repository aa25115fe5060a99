//! What this system's resolver takes for an address: the judge of what may pass for a name.

use std::ffi::CString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ptr::{null, null_mut};

/// The address that a host is read as without asking anybody.
pub fn numeric(host: &str) -> Option<IpAddr> {
    let host = CString::new(host).ok()?;
    // SAFETY: all zeroes is the empty hint.
    let mut hints: libc::addrinfo = unsafe { std::mem::zeroed() };
    hints.ai_flags = libc::AI_NUMERICHOST;
    hints.ai_socktype = libc::SOCK_STREAM;
    let mut found = null_mut();
    // SAFETY: the host ends in a zero, and `found` is written on success only.
    if unsafe { libc::getaddrinfo(host.as_ptr(), null(), &hints, &mut found) } != 0 {
        return None;
    }
    // SAFETY: success means a list of at least one entry, which is ours to free.
    unsafe {
        let address = read((*found).ai_addr);
        libc::freeaddrinfo(found);
        address
    }
}

/// # Safety
/// A whole socket address of the family that it names.
unsafe fn read(address: *const libc::sockaddr) -> Option<IpAddr> {
    // SAFETY: the caller's promise.
    unsafe {
        match i32::from((*address).sa_family) {
            libc::AF_INET => {
                let v4 = &*address.cast::<libc::sockaddr_in>();
                Some(Ipv4Addr::from_bits(u32::from_be(v4.sin_addr.s_addr)).into())
            }
            libc::AF_INET6 => {
                let v6 = &*address.cast::<libc::sockaddr_in6>();
                Some(Ipv6Addr::from(v6.sin6_addr.s6_addr).into())
            }
            _ => None,
        }
    }
}
