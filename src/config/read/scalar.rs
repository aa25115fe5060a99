//! Single values: text with a meaning, whole numbers, true and false.

use std::num::{NonZeroU32, NonZeroU64};

use serde_json::{Value, json};
use toml::de::{DeInteger, DeValue};

use super::{Node, Place, Problems, Shape};

/// Why a text does not mean anything.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::config) struct Refusal {
    /// `None`: that it is not what it should be.
    pub message: Option<String>,
    pub help: Option<String>,
    /// What was written may hold a secret.
    pub secret: bool,
}

impl Refusal {
    /// With a message of its own.
    pub fn saying(message: impl Into<String>) -> Self {
        Self {
            message: Some(message.into()),
            help: None,
            secret: false,
        }
    }

    /// With what would be right.
    pub fn expecting(help: impl ToString) -> Self {
        Self {
            message: None,
            help: Some(help.to_string()),
            secret: false,
        }
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// What was written may hold a secret, and no excerpt repeats it.
    pub fn secret(mut self) -> Self {
        self.secret = true;
        self
    }
}

/// A value that is written as a string.
pub(in crate::config) trait Text: Sized {
    /// With its article: "a duration".
    const NOUN: &'static str;

    fn parse(text: &str) -> Result<Self, Refusal>;

    /// No excerpt repeats it, whether it is taken or not.
    fn may_hold_secret(_text: &str) -> bool {
        false
    }

    fn schema() -> Value {
        json!({ "type": "string" })
    }
}

impl<T: Text> Shape for T {
    fn read(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        match node.value {
            DeValue::String(text) => parse(text, &node.place, problems),
            other => {
                hide_table(node, problems);
                let (noun, found) = (T::NOUN, describe(other));
                problems.error(
                    &node.place,
                    format!("expected {noun} in quotes, found {found}"),
                );
                None
            }
        }
    }

    fn schema() -> Value {
        <T as Text>::schema()
    }
}

/// A table where there should be none may be one of secrets, below the wrong header.
pub(super) fn hide_table(node: &Node<'_>, problems: &mut Problems<'_>) {
    if node.value.is_table() {
        problems.hide_values(node);
    }
}

/// Reads a text and reports why it cannot be.
pub(super) fn parse<T: Text>(text: &str, place: &Place, problems: &mut Problems<'_>) -> Option<T> {
    if T::may_hold_secret(text) {
        problems.hide(place.span.clone());
    }
    let refusal = match T::parse(text) {
        Ok(value) => return Some(value),
        Err(refusal) => refusal,
    };
    if refusal.secret {
        problems.hide(place.span.clone());
    }
    let message = refusal
        .message
        .unwrap_or_else(|| format!("{text:?} is not {}", T::NOUN));
    problems.error(place, message).help = refusal.help;
    None
}

/// What somebody wrote, for a message.
pub(in crate::config) fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) if text.chars().count() <= 40 => format!("the string {text:?}"),
        DeValue::String(_) => "a string".into(),
        DeValue::Integer(number) => format!("the number {number}"),
        DeValue::Float(number) => format!("the number {number}"),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(_) => "a date".into(),
        DeValue::Array(_) => "an array".into(),
        DeValue::Table(_) => "a table".into(),
    }
}

impl Shape for bool {
    fn read(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        let value = node.value.as_bool();
        if value.is_none() {
            hide_table(node, problems);
            let found = describe(node.value);
            problems.error(
                &node.place,
                format!("expected true or false, found {found}"),
            );
        }
        value
    }

    fn schema() -> Value {
        json!({ "type": "boolean" })
    }
}

/// A whole number within bounds, or a report of what was found instead.
pub(in crate::config) fn whole_number(
    node: &Node<'_>,
    least: u64,
    most: u64,
    problems: &mut Problems<'_>,
) -> Option<u64> {
    let digits = node.value.as_integer();
    let number = digits.and_then(|it| u64::from_str_radix(it.as_str(), it.radix()).ok());
    if let Some(number) = number.filter(|number| (least..=most).contains(number)) {
        return Some(number);
    }
    hide_table(node, problems);
    let message = format!(
        "expected a whole number from {least} to {most}, found {}",
        describe(node.value)
    );
    let wrong = problems.error(&node.place, message);
    match node.value {
        DeValue::Table(_) => {
            wrong.help("a name with dots in it is written in quotes: \"1.4.2\" = 95")
        }
        DeValue::String(_) => wrong.help("a number is written without quotes"),
        _ => wrong,
    };
    None
}

/// A finite number within bounds, or a report of what was found instead. A whole number is one too.
pub(in crate::config) fn decimal(
    node: &Node<'_>,
    least: f64,
    most: f64,
    problems: &mut Problems<'_>,
) -> Option<f64> {
    let number = match node.value {
        DeValue::Float(number) => number.as_str().parse().ok(),
        DeValue::Integer(number) => whole(number).map(f64::from),
        _ => None,
    };
    // Neither infinity nor "not a number" is between two numbers.
    if let Some(number) = number.filter(|number| (least..=most).contains(number)) {
        return Some(number);
    }
    hide_table(node, problems);
    let found = describe(node.value);
    let message = format!("expected a number from {least} to {most}, found {found}");
    let wrong = problems.error(&node.place, message);
    if node.value.is_str() {
        wrong.help("a number is written without quotes");
    }
    None
}

/// What is larger is beyond every bound.
fn whole(number: &DeInteger<'_>) -> Option<i32> {
    i32::from_str_radix(number.as_str(), number.radix()).ok()
}

macro_rules! whole_number {
    ($type:ty, $least:literal, $most:expr, $from:expr) => {
        impl Shape for $type {
            fn read(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<Self> {
                whole_number(node, $least, $most, problems).and_then($from)
            }

            fn schema() -> Value {
                json!({ "type": "integer", "minimum": $least, "maximum": $most })
            }
        }
    };
}

whole_number!(u32, 0, u64::from(u32::MAX), |number| number.try_into().ok());
whole_number!(NonZeroU32, 1, u64::from(u32::MAX), |number| {
    u32::try_from(number).ok().and_then(Self::new)
});
// TOML promises 63 bits (TOML 1.0, "Integer").
whole_number!(NonZeroU64, 1, i64::MAX as u64, Self::new);
