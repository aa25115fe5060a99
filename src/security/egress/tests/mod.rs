//! Egress policy: requests by host, connections by address, and what holds of all of them.

mod request;
mod rules;
mod socket;
mod support;
