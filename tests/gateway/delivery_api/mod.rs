//! The admin API where it changes versions and traffic: who may, what is refused and how, and
//! what watchers are told.

mod access;
mod changes;
mod events;
mod shop;
mod uploads;
