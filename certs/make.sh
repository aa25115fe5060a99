#!/usr/bin/env bash
# Makes development certificates: ca.crt, localhost.crt and localhost.key, beside this script.
#
# The authority's own key is made in a temporary directory and destroyed with it, so nobody can
# sign anything further in the name of a ca.crt that you chose to trust.
set -euo pipefail

readonly LEAF_DAYS=397          # longer ones are refused by browsers
readonly CA_DAYS=398            # outlives the leaf, so that the leaf is what expires
readonly RENEW_BEFORE=604800    # seconds; a leaf with less than a week left is made anew

usage() {
  cat <<'TEXT'
usage: certs/make.sh [--force]

Makes ca.crt, localhost.crt and localhost.key (ECDSA P-256) in the script's own folder.
The leaf is for localhost, *.localhost, 127.0.0.1 and ::1. Files that are still good are kept.

  --force   make all of them anew
TEXT
}

fail() { printf 'certs/make.sh: %s\n' "$1" >&2; exit 1; }

# Quiet on success; on failure its own words are what the reader needs.
run_openssl() {
  local said
  said=$(openssl "$@" 2>&1) || fail "openssl $1 failed: $said"
}

still_good() {
  [[ -s ca.crt && -s localhost.crt && -s localhost.key ]] || return 1
  openssl x509 -in localhost.crt -noout -checkend "$RENEW_BEFORE" >/dev/null 2>&1 || return 1
  openssl verify -CAfile ca.crt localhost.crt >/dev/null 2>&1 || return 1
  local of_certificate of_key
  of_certificate=$(openssl x509 -in localhost.crt -noout -pubkey 2>/dev/null) || return 1
  of_key=$(openssl pkey -in localhost.key -pubout 2>/dev/null) || return 1
  [[ $of_certificate == "$of_key" ]]
}

new_key() { run_openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }

make_ca() {
  cat >"$work/ca.cnf" <<'CONF'
[req]
prompt = no
distinguished_name = name
x509_extensions = authority
[name]
CN = Airgate development CA
[authority]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
CONF
  new_key "$work/ca.key"
  run_openssl req -x509 -new -sha256 -days "$CA_DAYS" -config "$work/ca.cnf" \
    -key "$work/ca.key" -out "$work/ca.crt"
}

make_leaf() {
  cat >"$work/leaf.cnf" <<'CONF'
[req]
prompt = no
distinguished_name = name
[name]
CN = localhost
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:localhost, DNS:*.localhost, IP:127.0.0.1, IP:::1
CONF
  new_key "$work/localhost.key"
  run_openssl req -new -sha256 -config "$work/leaf.cnf" \
    -key "$work/localhost.key" -out "$work/localhost.csr"
  run_openssl x509 -req -sha256 -days "$LEAF_DAYS" -in "$work/localhost.csr" \
    -CA "$work/ca.crt" -CAkey "$work/ca.key" -set_serial "0x$(openssl rand -hex 16)" \
    -extfile "$work/leaf.cnf" -extensions leaf -out "$work/localhost.crt"
}

# A rename each: a gateway that watches these files never reads half of one.
install_files() {
  chmod 644 "$work/ca.crt" "$work/localhost.crt"
  chmod 600 "$work/localhost.key"
  mv -f "$work/localhost.key" "$work/localhost.crt" "$work/ca.crt" .
}

force=no
for argument in "$@"; do
  case $argument in
    --force) force=yes ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done

command -v openssl >/dev/null ||
  fail 'openssl is not installed (Debian: apt-get install openssl; macOS: brew install openssl)'

cd "$(dirname "${BASH_SOURCE[0]}")"
if [[ $force == no ]] && still_good; then
  echo 'certs: localhost.crt is still good; --force makes it anew'
  exit 0
fi

umask 077
work=$(mktemp -d ./.make.XXXXXX)
trap 'rm -rf "$work"' EXIT
make_ca
make_leaf
install_files
echo 'certs: made ca.crt, localhost.crt and localhost.key'
openssl x509 -in localhost.crt -noout -enddate
