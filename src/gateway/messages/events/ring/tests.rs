use super::*;
use crate::gateway::messages::stand_in::message;

const SMALL: Memory = Memory {
    messages: 4,
    bytes: 64 << 10,
};

fn ring(messages: std::ops::RangeInclusive<u64>) -> Arc<Ring> {
    let ring = Ring::new(SMALL);
    for number in messages {
        ring.append(&message("a.b", number.to_string()));
    }
    ring
}

/// What a listener is told after its preamble.
fn read(ring: &Ring, cursor: &mut Cursor) -> String {
    let mut told = Vec::new();
    while let Reading::Piece(piece) = ring.read(cursor) {
        assert!(piece.len() <= PIECE);
        told.extend(piece);
    }
    String::from_utf8(told).unwrap()
}

fn data(told: &str) -> Vec<&str> {
    let lines = told.lines();
    lines
        .filter_map(|line| line.strip_prefix("data: "))
        .collect()
}

fn after(ring: &Ring, sequence: u64) -> Beginning {
    Beginning::After(ring.position(sequence))
}

#[test]
fn who_comes_now_gets_what_comes_from_now_on() {
    let ring = ring(1..=3);
    let (mut cursor, preamble) = ring.begin(Beginning::Now);
    assert_eq!(preamble, encode::preamble(ring.position(3)));
    assert_eq!(ring.read(&mut cursor), Reading::Nothing);
    ring.append(&message("a.b", "4"));
    let told = read(&ring, &mut cursor);
    let id = ring.position(4);
    assert_eq!(told, format!("id: {id}\nevent: a.b\ndata: 4\n\n"));
}

#[test]
fn who_comes_back_misses_nothing_that_is_remembered() {
    let ring = ring(1..=6);
    let (mut cursor, _) = ring.begin(after(&ring, 4));
    assert_eq!(data(&read(&ring, &mut cursor)), ["5", "6"]);
    let (mut cursor, _) = ring.begin(after(&ring, 2));
    assert_eq!(data(&read(&ring, &mut cursor)), ["3", "4", "5", "6"]);
    let (mut cursor, _) = ring.begin(after(&ring, 6));
    assert_eq!(ring.read(&mut cursor), Reading::Nothing);
}

#[test]
fn who_comes_back_too_late_is_told_how_much_is_gone() {
    let ring = ring(1..=9);
    let (mut cursor, _) = ring.begin(after(&ring, 0));
    let told = read(&ring, &mut cursor);
    assert_eq!(data(&told), ["{\"missed\":5}", "6", "7", "8", "9"]);
    let gap = format!("id: {}\nevent: airgate.gap\n", ring.position(5));
    assert!(told.starts_with(&gap), "{told}");
}

#[test]
fn who_comes_from_elsewhere_is_told_of_a_gap_and_hears_what_is_new() {
    let ring = ring(1..=3);
    let other = Position {
        epoch: ring.epoch ^ 1,
        sequence: 2,
    };
    for beginning in [
        Beginning::After(other),
        after(&ring, 4),
        after(&ring, u64::MAX),
        Beginning::Lost,
    ] {
        let (mut cursor, preamble) = ring.begin(beginning);
        let mut expected = encode::preamble(ring.position(3));
        expected.extend(encode::gap(ring.position(3), None));
        assert_eq!(preamble, expected, "{beginning:?}");
        assert_eq!(ring.read(&mut cursor), Reading::Nothing, "{beginning:?}");
    }
}

#[test]
fn who_is_slow_is_told_of_a_gap_and_goes_on() {
    let ring = ring(1..=1);
    let (mut cursor, _) = ring.begin(Beginning::Now);
    for number in 2..=9 {
        ring.append(&message("a.b", number.to_string()));
    }
    let told = read(&ring, &mut cursor);
    assert_eq!(data(&told), ["{\"missed\":4}", "6", "7", "8", "9"]);
    ring.append(&message("a.b", "10"));
    assert_eq!(data(&read(&ring, &mut cursor)), ["10"]);
}

#[test]
fn memory_is_bounded_in_bytes_too() {
    let ring = Ring::new(SMALL);
    for _ in 0..100 {
        ring.append(&message("a.b", vec![b'x'; 30 << 10]));
        let kept = ring.kept();
        let held: usize = kept.events.iter().map(|it| it.len()).sum();
        assert_eq!(held, kept.bytes);
        assert!(held <= SMALL.bytes && kept.events.len() <= 2);
    }
    assert_eq!(ring.kept().next(), 101);
}

#[test]
fn a_message_too_large_to_remember_is_a_gap_and_forgets_nobody_else() {
    let ring = ring(1..=1);
    ring.append(&message("a.b", vec![b'x'; SMALL.bytes]));
    ring.append(&message("a.b", "3"));
    let (mut cursor, _) = ring.begin(after(&ring, 0));
    assert_eq!(
        data(&read(&ring, &mut cursor)),
        ["1", "{\"missed\":1}", "3"]
    );
}

#[test]
fn a_large_event_comes_in_pieces() {
    let ring = Ring::new(SMALL);
    let (mut cursor, _) = ring.begin(Beginning::Now);
    let body = "x".repeat(3 * PIECE - 7);
    ring.append(&message("a.b", "1"));
    ring.append(&message("a.b", body.clone()));
    ring.append(&message("a.b", "3"));
    assert_eq!(data(&read(&ring, &mut cursor)), ["1", &body, "3"]);
}

#[test]
fn an_event_that_is_forgotten_half_read_ends_the_stream() {
    let ring = Ring::new(SMALL);
    let (mut cursor, _) = ring.begin(Beginning::Now);
    ring.append(&message("a.b", "x".repeat(2 * PIECE)));
    assert!(matches!(ring.read(&mut cursor), Reading::Piece(_)));
    for _ in 0..SMALL.messages {
        ring.append(&message("a.b", "y"));
    }
    assert_eq!(ring.read(&mut cursor), Reading::End);
}

#[test]
fn listeners_have_so_many_places_and_no_more() {
    let ring = Ring::new(SMALL);
    let mut places: Vec<_> = (0..LISTENERS).map(|_| ring.place().unwrap()).collect();
    assert!(ring.place().is_none());
    places.pop();
    assert!(ring.place().is_some());
}

#[test]
fn listeners_of_a_closed_ring_go() {
    let ring = ring(1..=1);
    let (mut cursor, _) = ring.begin(after(&ring, 0));
    ring.close();
    assert_eq!(ring.read(&mut cursor), Reading::End);
}

#[test]
fn two_rings_do_not_believe_each_other() {
    assert_ne!(ring(1..=1).epoch, ring(1..=1).epoch);
}
