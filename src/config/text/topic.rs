//! Topics, patterns of them, and who shares what comes from them.

use serde_json::{Value, json};

use crate::config::read::{Refusal, Text};
use crate::core::{GroupName, Topic, TopicError, TopicPattern};

impl Text for Topic {
    const NOUN: &'static str = "a topic";

    fn parse(text: &str) -> Result<Self, Refusal> {
        let example = "expected one such as \"orders.created\"";
        let refusal = |error: TopicError| Refusal::saying(error.to_string()).help(example);
        text.parse().map_err(refusal)
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[A-Za-z0-9:/@+=-][A-Za-z0-9_:/@+=.-]{0,254}$" })
    }
}

impl Text for TopicPattern {
    const NOUN: &'static str = "a topic or a pattern of topics";

    fn parse(text: &str) -> Result<Self, Refusal> {
        let example = "expected one such as \"orders.created\", \"orders.*\" or \"orders.>\"";
        let refusal = |error: TopicError| Refusal::saying(error.to_string()).help(example);
        text.parse().map_err(refusal)
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[A-Za-z0-9:/@+=*>-][A-Za-z0-9_:/@+=.*>-]{0,254}$" })
    }
}

impl Text for GroupName {
    const NOUN: &'static str = "the name of a group";

    fn parse(text: &str) -> Result<Self, Refusal> {
        text.parse().map_err(Refusal::expecting)
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": "^[A-Za-z0-9_.-]{1,63}$" })
    }
}
