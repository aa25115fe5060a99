//! Messages in the words of an event stream (WHATWG HTML §9.2.5).
//!
//! An event is the name of the topic and the body as text. A body that is no UTF-8 comes as
//! base64 in one line, and the event is named `TOPIC;base64`, which is no topic. CR, LF and CRLF
//! all end a line there, so that a body cannot begin a field of its own; whoever reads them
//! gets LF for all three.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::position::Position;
use crate::core::Message;

/// What a listener is told first: when to come back, and where it stands, so that it can
/// resume even where no message came.
pub(super) fn preamble(at: Position) -> Vec<u8> {
    format!("retry: 2000\nid: {at}\n\n").into_bytes()
}

/// A line that means nothing, for those between who close what is silent.
pub(super) const KEEP_ALIVE: &[u8] = b":\n\n";

/// Messages up to `at` that a listener does not get; `None`: nobody knows how many.
pub(super) fn gap(at: Position, missed: Option<u64>) -> Vec<u8> {
    let missed = missed.map_or("null".to_owned(), |missed| missed.to_string());
    format!("id: {at}\nevent: airgate.gap\ndata: {{\"missed\":{missed}}}\n\n").into_bytes()
}

/// One message; `None` where it takes more than `most` bytes.
pub(super) fn message(at: Position, message: &Message, most: usize) -> Option<Vec<u8>> {
    let (topic, body) = (&message.topic, &message.body);
    match std::str::from_utf8(body) {
        Ok(text) => {
            let head = format!("id: {at}\nevent: {topic}\n");
            let event = head.len() + text_length(text) + 1;
            (event <= most).then(|| with_text(head, event, text))
        }
        Err(_) => {
            let head = format!("id: {at}\nevent: {topic};base64\ndata: ");
            let event = head.len() + body.len().div_ceil(3) * 4 + 2;
            (event <= most).then(|| {
                let mut event = String::with_capacity(event);
                event.push_str(&head);
                STANDARD.encode_string(body, &mut event);
                event.push_str("\n\n");
                event.into_bytes()
            })
        }
    }
}

const DATA: &str = "data: ";

fn with_text(head: String, length: usize, text: &str) -> Vec<u8> {
    let mut event = String::with_capacity(length);
    event.push_str(&head);
    for line in lines(text) {
        event.push_str(DATA);
        event.push_str(line);
        event.push('\n');
    }
    event.push('\n');
    event.into_bytes()
}

/// At least one, so that a message without a body is an event too.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = text.find(['\r', '\n']) else {
            rest = None;
            return Some(text);
        };
        let after = match text[end..].starts_with("\r\n") {
            true => end + 2,
            false => end + 1,
        };
        rest = Some(&text[after..]);
        Some(&text[..end])
    })
}

fn text_length(text: &str) -> usize {
    lines(text).map(|line| DATA.len() + line.len() + 1).sum()
}

#[cfg(test)]
mod tests;
