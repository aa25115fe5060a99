//! The whole trail: in memory, on disk, and when the disk is full.

mod disk;
mod flood;
mod full;
mod query;
mod support;
