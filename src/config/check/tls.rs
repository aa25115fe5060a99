//! `[server.tls]`.

use crate::config::model::{Certificate, ClientCa, Tls};
use crate::config::raw::{RawCertificate, RawTls};
use crate::config::read::{At, Field, List, Problems};

use super::Surroundings;
use super::server::values;

pub(super) fn tls(
    field: Field<RawTls>,
    around: &Surroundings<'_>,
    problems: &mut Problems<'_>,
) -> Option<Tls> {
    let raw = field.given()?;
    if let Some(empty) = raw.listen.given().filter(|list| list.is_empty()) {
        problems
            .error(&empty.place, "nothing to listen on")
            .help("name an address, or leave [server.tls] out");
    }
    Some(Tls {
        listen: values(&raw.listen),
        certificates: certificates(&raw.certificate, around, problems),
        client_ca: client_ca(raw, around, problems),
    })
}

fn certificates(
    field: &Field<List<RawCertificate>>,
    around: &Surroundings<'_>,
    problems: &mut Problems<'_>,
) -> Vec<Certificate> {
    if let Some(empty) = field.given().filter(|list| list.is_empty()) {
        problems.error(&empty.place, "TLS needs at least one certificate");
    }
    let list = field.value().into_iter().flatten();
    list.filter_map(|raw| certificate(raw, around, problems))
        .collect()
}

fn certificate(
    raw: &At<RawCertificate>,
    around: &Surroundings<'_>,
    problems: &mut Problems<'_>,
) -> Option<Certificate> {
    let (files, made) = (
        !raw.cert.is_absent() || !raw.key.is_absent(),
        !raw.self_signed.is_absent(),
    );
    match (files, made) {
        (true, true) => {
            problems.error(
                &raw.place,
                "a certificate is either cert and key, or self_signed",
            );
            None
        }
        (false, false) => {
            problems
                .error(&raw.place, "`cert` and `key` are missing")
                .help("for development write self_signed = [\"localhost\"] instead");
            None
        }
        (true, false) => from_files(raw, around, problems),
        (false, true) => self_signed(raw, problems),
    }
}

fn from_files(
    raw: &At<RawCertificate>,
    around: &Surroundings<'_>,
    problems: &mut Problems<'_>,
) -> Option<Certificate> {
    for (name, field, other) in [("key", &raw.key, "cert"), ("cert", &raw.cert, "key")] {
        if field.is_absent() {
            problems.error(&raw.place, format!("`{name}` is missing beside `{other}`"));
        }
    }
    let cert = raw
        .cert
        .given()
        .map(|cert| around.existing_file(cert, problems));
    let key = raw
        .key
        .given()
        .map(|key| around.existing_file(key, problems));
    Some(Certificate::Files {
        cert: cert?,
        key: key?,
    })
}

fn self_signed(raw: &At<RawCertificate>, problems: &mut Problems<'_>) -> Option<Certificate> {
    let names = raw.self_signed.given()?;
    if names.is_empty() {
        problems
            .error(&names.place, "a certificate needs at least one name")
            .help("write [\"localhost\"]");
    }
    let names = names.iter().map(|name| name.0.clone()).collect();
    Some(Certificate::SelfSigned { names })
}

fn client_ca(
    raw: &RawTls,
    around: &Surroundings<'_>,
    problems: &mut Problems<'_>,
) -> Option<ClientCa> {
    if let (true, Some(require)) = (raw.client_ca.is_absent(), raw.require.given()) {
        problems
            .error(
                &require.place,
                "`require` means nothing without `client_ca`",
            )
            .help("name the PEM file of the authorities that sign client certificates");
    }
    let file = around.existing_file(raw.client_ca.given()?, problems);
    Some(ClientCa {
        file,
        require: raw.require.or(true),
    })
}
