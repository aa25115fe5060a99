//! Whatever stands beside a secret in routes.toml, no report and no debug print repeats it.

#![no_main]

use std::fs;
use std::path::Path;

use airgate_fuzz::config::load;
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

const SECRET: &str = "hunter2-Zk9qVw";

fuzz_target!(|text: &str| {
    if text.contains(SECRET) {
        return;
    }
    let directory = directory();
    let secret = format!("config = {{ key = \"{SECRET}\", file = {{ file = \"key\" }} }}");
    let variable = format!("[component.x.capabilities.environment]\nKEY = \"{SECRET}\"");
    for capabilities in [
        format!("{text}\n{secret}"),
        format!("{secret}\n{text}"),
        format!("{variable}\n{text}"),
    ] {
        check(directory.path(), &capabilities);
    }
});

/// With what the files of the seeds name. In memory, as a disk is a hundred times slower.
fn directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    let directory = match memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    };
    let directory = directory.unwrap();
    fs::create_dir(directory.path().join("static")).unwrap();
    fs::write(directory.path().join("key"), SECRET).unwrap();
    // Not read, but there: else no configuration is ever whole.
    fs::write(directory.path().join("x.wasm"), "").unwrap();
    directory
}

fn check(directory: &Path, capabilities: &str) {
    let text = format!(
        "version = 1\n[component.x]\nsource = \"x.wasm\"\n\
         [[route]]\nprefix = \"/\"\ncomponent = \"x\"\n\
         [component.x.capabilities]\n{capabilities}\n"
    );
    let file = directory.join("routes.toml");
    fs::write(&file, &text).unwrap();
    let shown = match load(&file) {
        Ok((config, warnings)) => format!(
            "{config:?} {warnings} {warnings:?} {} {}",
            warnings.colored(),
            serde_json::to_string(&warnings).unwrap()
        ),
        Err(error) => format!("{error} {error:?}"),
    };
    assert!(!shown.contains(SECRET), "{text}\n{shown}");
}
