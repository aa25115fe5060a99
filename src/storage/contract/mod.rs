//! What both backends promise, tried on both.

mod alike;
mod help;
mod time;
mod values;
mod whole;
