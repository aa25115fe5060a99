//! Events, and waiting for what the writer does.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::security::audit::{Event, Kind, Query, Trail};

pub fn denial(component: &str, target: impl std::fmt::Display) -> Event {
    Event::new(Kind::Denied)
        .of(component.parse().unwrap(), "1.0.0".parse().unwrap())
        .capability("http")
        .target(target)
        .detail("no grant covers it")
}

/// Is recorded however often it happens.
pub fn deploy(number: usize) -> Event {
    Event::new(Kind::Deployed).target(number)
}

pub fn targets(trail: &Trail, query: &Query) -> Vec<String> {
    let events = trail.query(query).into_iter();
    events.map(|event| event.target).collect()
}

/// Every event of one file.
pub fn on_disk(path: &Path) -> Vec<Event> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines = text.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().unwrap()
}

pub fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
