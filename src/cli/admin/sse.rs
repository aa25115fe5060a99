//! Server-sent events, as the HTML standard (§9.2.6) has them parsed.

/// An event may carry the whole state of a component.
const LONGEST: usize = 4 << 20;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Message {
    /// The last id that was sent, with this event or before it.
    pub id: String,
    /// Its kind; empty where none was sent.
    pub event: String,
    pub data: String,
}

/// More than an event may have.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// Takes bytes as they come, and gives whole events.
#[derive(Default)]
pub(super) struct Parser {
    line: Vec<u8>,
    after_return: bool,
    id: String,
    event: String,
    data: String,
}

impl Parser {
    /// # Errors
    /// An event without end.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Message>, TooLong> {
        let mut messages = Vec::new();
        for byte in bytes {
            let ends = matches!(byte, b'\r' | b'\n');
            // A line ends in `\r`, `\n` or both.
            let is_second = *byte == b'\n' && self.after_return;
            self.after_return = *byte == b'\r';
            if !ends {
                self.line.push(*byte);
            } else if !is_second {
                messages.extend(self.end_line());
            }
            if self.line.len() + self.data.len() > LONGEST {
                return Err(TooLong);
            }
        }
        Ok(messages)
    }

    fn end_line(&mut self) -> Option<Message> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            return self.dispatch();
        }
        let line = String::from_utf8_lossy(&line);
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" if !value.contains('\0') => value.clone_into(&mut self.id),
            "event" => value.clone_into(&mut self.event),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            // A line that starts with a colon is there to keep the connection.
            _ => {}
        }
        None
    }

    fn dispatch(&mut self) -> Option<Message> {
        let (event, mut data) = (
            std::mem::take(&mut self.event),
            std::mem::take(&mut self.data),
        );
        data.pop()?;
        Some(Message {
            id: self.id.clone(),
            event,
            data,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pieces: &[&str]) -> Vec<(String, String)> {
        let mut parser = Parser::default();
        let each = pieces.iter().map(|piece| parser.push(piece.as_bytes()));
        let messages: Vec<_> = each.flat_map(Result::unwrap).collect();
        messages.into_iter().map(|it| (it.id, it.data)).collect()
    }

    fn pair(id: &str, data: &str) -> (String, String) {
        (id.into(), data.into())
    }

    #[test]
    fn events_have_an_id_and_data() {
        let text = "id: 7\nevent: step\ndata: {\"a\":1}\n\n: keep\n\ndata:x\ndata: y\nretry: 5\n\n";
        assert_eq!(parse(&[text]), [pair("7", "{\"a\":1}"), pair("7", "x\ny")]);
    }

    #[test]
    fn every_cut_and_every_line_ending_gives_the_same() {
        for ending in ["\n", "\r", "\r\n"] {
            let text = ["id: 1", "data: ü", "", "id: 2", "data: b", "", ""].join(ending);
            for cut in (0..text.len()).filter(|cut| text.is_char_boundary(*cut)) {
                let pieces = [&text[..cut], &text[cut..]];
                assert_eq!(
                    parse(&pieces),
                    [pair("1", "ü"), pair("2", "b")],
                    "{pieces:?}"
                );
            }
        }
    }

    #[test]
    fn the_kind_of_one_event_is_not_that_of_the_next() {
        let mut parser = Parser::default();
        let text = b"event: step\ndata: a\n\nevent: x\n\ndata: b\n\n";
        let kinds = parser.push(text).unwrap().into_iter().map(|it| it.event);
        assert_eq!(kinds.collect::<Vec<_>>(), ["step", ""]);
    }

    #[test]
    fn an_event_that_is_cut_off_is_none() {
        assert_eq!(parse(&["id: 1\ndata: a\n"]), []);
    }

    #[test]
    fn an_event_without_end_is_refused() {
        let mut parser = Parser::default();
        let piece = vec![b'x'; 1 << 20];
        assert_eq!(parser.push(b"data: "), Ok(vec![]));
        let pushed: Vec<_> = (0..5).map(|_| parser.push(&piece).is_ok()).collect();
        assert_eq!(pushed, [true, true, true, false, false]);
    }
}
