//! `airgate schema`: for editors that complete and check `routes.toml`.

pub(super) fn run() -> u8 {
    super::print::out(&crate::config::schema());
    super::print::out("\n");
    0
}
