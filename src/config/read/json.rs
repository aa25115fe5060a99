//! Values whose meaning somebody else knows.

use serde_json::{Map, Number, Value, json};
use toml::de::{DeFloat, DeInteger, DeValue};

use super::{Node, Problems, Shape, describe};

/// Any value, as JSON has it; dates become text.
#[derive(Debug, Clone)]
pub(in crate::config) struct Json(pub Value);

impl Shape for Json {
    fn read(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<Self> {
        // Nobody here knows which of it is secret.
        problems.hide_values(node);
        value(node, problems).map(Self)
    }

    fn schema() -> Value {
        json!({})
    }
}

fn value(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<Value> {
    match node.value {
        DeValue::String(text) => Some(Value::String(text.to_string())),
        DeValue::Boolean(value) => Some(Value::Bool(*value)),
        DeValue::Datetime(date) => Some(Value::String(date.to_string())),
        DeValue::Integer(number) => integer(number).or_else(|| refuse(node, problems)),
        DeValue::Float(number) => float(number).or_else(|| refuse(node, problems)),
        DeValue::Array(_) => array(node, problems),
        DeValue::Table(_) => table(node, problems),
    }
}

/// TOML promises 63 bits (TOML 1.0, "Integer").
fn integer(number: &DeInteger<'_>) -> Option<Value> {
    let number = i64::from_str_radix(number.as_str(), number.radix());
    number.ok().map(Value::from)
}

/// JSON has neither infinity nor "not a number".
fn float(number: &DeFloat<'_>) -> Option<Value> {
    Number::from_f64(number.as_str().parse().ok()?).map(Value::Number)
}

fn refuse(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<Value> {
    let message = format!("{} cannot be passed on", describe(node.value));
    problems
        .error(&node.place, message)
        .help("expected a finite number of at most 64 bits");
    None
}

fn array(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<Value> {
    let elements = node.value.as_array()?.iter().enumerate();
    let each = elements.map(|(index, element)| {
        let place = node.place.element(index, element.span());
        let value = element.get_ref();
        self::value(&Node { value, place }, problems)
    });
    let each: Vec<_> = each.collect();
    each.into_iter().collect::<Option<_>>().map(Value::Array)
}

fn table(node: &Node<'_>, problems: &mut Problems<'_>) -> Option<Value> {
    let members = node.value.as_table()?.iter().map(|(key, member)| {
        let place = node.place.key(key.get_ref(), member.span());
        let value = member.get_ref();
        let member = self::value(&Node { value, place }, problems)?;
        Some((key.get_ref().to_string(), member))
    });
    let members: Vec<_> = members.collect();
    let members = members.into_iter().collect::<Option<Map<_, _>>>();
    members.map(Value::Object)
}
