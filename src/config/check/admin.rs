//! `[admin]`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use crate::config::model::{Admin, AdminListen, Token};
use crate::config::raw::RawAdmin;
use crate::config::read::{At, Field, Place, Problems};
use crate::config::text::{AdminAddress, Elsewhere, VariableName};

use super::{Surroundings, elsewhere, tokens};

pub(super) const DEFAULT_ADDRESS: SocketAddr =
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9901);

/// `sun_path` of unix(7), without the zero at its end.
const LONGEST_SOCKET_PATH: usize = 107;

pub(super) fn admin(
    raw: RawAdmin,
    around: &Surroundings<'_>,
    problems: &mut Problems<'_>,
) -> Admin {
    let own = match raw.token.value().map(|source| &source.0) {
        Some(Elsewhere::Variable(name)) => from_variable(name, around, problems),
        Some(Elsewhere::File(path)) => elsewhere::from_file(path, around, problems)
            .and_then(|text| token(&text, &path.place, problems)),
        None => None,
    };
    Admin {
        listen: listen(&raw.listen, around, problems),
        tokens: tokens::tokens(&raw, own.as_ref(), around, problems),
        token: own,
        hosts: hosts(&raw),
        allow_version_override: raw.allow_version_override.or(false),
    }
}

/// Each once.
fn hosts(raw: &RawAdmin) -> Vec<String> {
    let mut hosts: Vec<String> = Vec::new();
    for host in raw.hosts.value().into_iter().flatten() {
        if !hosts.contains(&host.0) {
            hosts.push(host.0.clone());
        }
    }
    hosts
}

fn listen(
    field: &Field<AdminAddress>,
    around: &Surroundings<'_>,
    problems: &mut Problems<'_>,
) -> Option<AdminListen> {
    let Some(given) = field.given() else {
        return Some(AdminListen::Tcp(DEFAULT_ADDRESS));
    };
    match &given.value {
        AdminAddress::Off => None,
        AdminAddress::Tcp(address) => Some(tcp(*address, &given.place, problems)),
        AdminAddress::Unix(path) => Some(unix(around.resolve(path), &given.place, problems)),
    }
}

fn tcp(address: SocketAddr, place: &Place, problems: &mut Problems<'_>) -> AdminListen {
    if !address.ip().is_loopback() {
        problems
            .warn(
                place,
                format!(
                    "the admin API is reachable from other machines at {address}, in plain HTTP"
                ),
            )
            .help("use a loopback address or a unix socket, or keep others away by a firewall");
    }
    AdminListen::Tcp(address)
}

fn unix(path: PathBuf, place: &Place, problems: &mut Problems<'_>) -> AdminListen {
    let length = path.as_os_str().len();
    if length > LONGEST_SOCKET_PATH {
        problems
            .error(place, format!("the path of a unix socket has at most {LONGEST_SOCKET_PATH} bytes, this one {length}"))
            .help(format!("it would be {}", path.display()));
    }
    AdminListen::Unix(path)
}

/// An unset variable is no error: the same file serves where the token is given and where it is not.
fn from_variable(
    name: &At<VariableName>,
    around: &Surroundings<'_>,
    problems: &mut Problems<'_>,
) -> Option<Token> {
    let value = (around.variable)(&name.0).filter(|value| !value.is_empty());
    let Some(value) = value else {
        problems
            .warn(&name.place, format!("the variable {} is not set", name.0))
            .help("a random token is made and kept in the state directory");
        return None;
    };
    let text = value.to_str().unwrap_or("\0");
    token(text, &name.place, problems)
}

/// A token travels in a header field (RFC 6750 §2.1).
pub(super) fn token(text: &str, place: &Place, problems: &mut Problems<'_>) -> Option<Token> {
    if text.is_empty() {
        problems.error(place, "the token is empty");
        return None;
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        problems
            .error(
                place,
                "the token has characters that cannot travel in a header",
            )
            .help("use letters, digits and punctuation");
        return None;
    }
    Some(Token::new(text.into()))
}
