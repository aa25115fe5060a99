use super::*;
use crate::gateway::messages::stand_in;

const AT: Position = Position {
    epoch: 0xab,
    sequence: 7,
};
const MOST: usize = 1 << 20;

fn told(body: impl Into<bytes::Bytes>) -> String {
    let message = message(AT, &stand_in::message("orders.created", body), MOST);
    String::from_utf8(message.unwrap()).unwrap()
}

/// What a browser makes of a stream: the algorithm of WHATWG HTML §9.2.6. Events as
/// `(id, name, data)`.
fn heard(stream: &str) -> Vec<(String, String, String)> {
    let stream = stream.replace("\r\n", "\n").replace('\r', "\n");
    let (mut id, mut name, mut data) = (String::new(), String::new(), String::new());
    let mut events = Vec::new();
    for line in stream.split_inclusive('\n') {
        let Some(line) = line.strip_suffix('\n') else {
            break;
        };
        if line.is_empty() {
            if let Some(data) = data.strip_suffix('\n') {
                events.push((id.clone(), name.clone(), data.to_owned()));
            }
            (name, data) = (String::new(), String::new());
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => name = value.to_owned(),
            "data" => data += &format!("{value}\n"),
            "id" if !value.contains('\0') => id = value.to_owned(),
            _ => {}
        }
    }
    events
}

#[test]
fn a_message_is_an_event() {
    let told = told("{\"order\":7}");
    let expected = "id: 00000000000000ab-7\nevent: orders.created\ndata: {\"order\":7}\n\n";
    assert_eq!(told, expected);
}

#[test]
fn a_body_is_never_more_than_data() {
    let id = AT.to_string();
    for (body, data) in [
        ("", ""),
        ("\n", "\n"),
        ("a\n", "a\n"),
        ("a\n\nb", "a\n\nb"),
        ("a\r\nb\rc\nd", "a\nb\nc\nd"),
        ("a\n\revent: x", "a\n\nevent: x"),
        (
            "x\n\nid: 1\nevent: admin\ndata: y\n\n",
            "x\n\nid: 1\nevent: admin\ndata: y\n\n",
        ),
        (
            "x\r\rid: 1\revent: admin\rdata: y\r\r",
            "x\n\nid: 1\nevent: admin\ndata: y\n\n",
        ),
        ("x\r\n\r\nretry: 0\r\n", "x\n\nretry: 0\n"),
        (": comment", ": comment"),
        (" two spaces", " two spaces"),
        ("a\0b\u{feff}\u{85}\u{2028}c", "a\0b\u{feff}\u{85}\u{2028}c"),
    ] {
        let expected = (id.clone(), "orders.created".to_owned(), data.to_owned());
        assert_eq!(heard(&told(body)), [expected], "{body:?}");
    }
}

#[test]
fn what_is_no_text_comes_as_base64() {
    let told = told(&b"\xff\n\nid: 1\n\n"[..]);
    let events = heard(&told);
    assert_eq!(events[0].1, "orders.created;base64");
    assert_eq!(STANDARD.decode(&events[0].2).unwrap(), b"\xff\n\nid: 1\n\n");
    assert_eq!(events.len(), 1);
}

#[test]
fn an_event_is_as_long_as_was_reckoned() {
    for body in [
        &b""[..],
        b"a",
        b"a\r\nb\n",
        b"\xff",
        b"\xff\xff",
        b"\xff\xff\xff\xff",
    ] {
        let length = told(body).len();
        let message = stand_in::message("orders.created", body);
        assert!(super::message(AT, &message, length).is_some(), "{body:?}");
        assert!(
            super::message(AT, &message, length - 1).is_none(),
            "{body:?}"
        );
    }
}

#[test]
fn a_body_of_line_ends_is_not_blown_up() {
    let message = stand_in::message("a", vec![b'\n'; MOST / 2]);
    assert!(super::message(AT, &message, MOST).is_none());
}

#[test]
fn gaps_and_comments_leave_the_place_known() {
    let gap = String::from_utf8(gap(AT, Some(3))).unwrap();
    let id = AT.to_string();
    let expected = |data: &str| (id.clone(), "airgate.gap".to_owned(), data.to_owned());
    assert_eq!(heard(&gap), [expected("{\"missed\":3}")]);
    let unknown = String::from_utf8(super::gap(AT, None)).unwrap();
    assert_eq!(heard(&unknown), [expected("{\"missed\":null}")]);
    let preamble = String::from_utf8(preamble(AT)).unwrap();
    assert_eq!(preamble, format!("retry: 2000\nid: {id}\n\n"));
    let comment = std::str::from_utf8(KEEP_ALIVE).unwrap();
    assert!(heard(&(preamble + comment)).is_empty());
}
