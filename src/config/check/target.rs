//! What answers a route: a component, fixed words, files or whoever listens to a topic. Exactly one.

use http::StatusCode;

use crate::config::model::{Files, Respond, Target};
use crate::config::raw::{RawFiles, RawRespond, RawRoute};
use crate::config::read::{At, Problems, present};

use super::Surroundings;
use super::component::Components;
use super::headers::{self, Message};
use super::messages;

pub(super) fn target(
    raw: &At<RawRoute>,
    components: &mut Components,
    around: &Surroundings<'_>,
    problems: &mut Problems<'_>,
) -> Option<Target> {
    expect_one(raw, problems);
    if let Some(name) = raw.component.given() {
        components.expect(name, &name.place, problems);
    }
    let respond = raw
        .respond
        .given()
        .map(|raw| Target::Respond(respond(raw, problems)));
    let files = raw
        .files
        .given()
        .and_then(|raw| files(raw, around, problems))
        .map(Target::Files);
    let topic = messages::target(raw, problems);
    warn_of_no_effect(raw, problems);
    raw.component
        .value()
        .cloned()
        .map(Target::Component)
        .or(respond)
        .or(files)
        .or(topic)
}

fn expect_one(raw: &At<RawRoute>, problems: &mut Problems<'_>) {
    let named = present([
        ("component", !raw.component.is_absent()),
        ("respond", !raw.respond.is_absent()),
        ("files", !raw.files.is_absent()),
        ("publish", !raw.publish.is_absent()),
        ("request", !raw.request.is_absent()),
        ("events", !raw.events.is_absent()),
    ]);
    match named[..] {
        [_] => {}
        [] => {
            problems
                .error(&raw.place, "nothing answers this route")
                .help("write component, respond, files, publish, request or events");
        }
        _ => {
            let message = format!("only one can answer a route, found {}", named.join(" and "));
            problems.error(&raw.place, message);
        }
    }
}

fn respond(raw: &At<RawRespond>, problems: &mut Problems<'_>) -> Respond {
    let status = raw.status.or(StatusCode::OK);
    let bodiless = matches!(
        status,
        StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED
    );
    if let Some(body) = raw.body.given().filter(|body| bodiless && !body.is_empty()) {
        problems.error(
            &body.place,
            format!("an answer with status {} has no body", status.as_u16()),
        );
    }
    Respond {
        status,
        headers: headers::fields(&raw.headers, Message::Response, problems),
        body: raw.body.or(String::new()),
    }
}

fn files(
    raw: &At<RawFiles>,
    around: &Surroundings<'_>,
    problems: &mut Problems<'_>,
) -> Option<Files> {
    let dir = around.existing_directory(raw.dir.given()?, problems);
    let index = raw.index.value().map_or("index.html", |index| &index.0);
    Some(Files {
        dir,
        index: index.into(),
    })
}

fn warn_of_no_effect(raw: &RawRoute, problems: &mut Problems<'_>) {
    // What is sent to a topic takes path and fields of the request with it.
    let message = match (raw.respond.is_absent(), raw.events.is_absent()) {
        (false, _) => "a fixed answer does not look at the request: this has no effect",
        (true, false) => "who listens to events sends nothing: this has no effect",
        (true, true) => return,
    };
    let strip = raw.strip_prefix.given().map(|at| &at.place);
    let edits = raw.request_headers.given().map(|at| &at.place);
    for place in [strip, edits].into_iter().flatten() {
        problems.warn(place, message);
    }
}
