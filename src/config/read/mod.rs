//! A typed reader of TOML that goes on after a mistake, so that none hides another.

mod json;
mod list;
mod place;
mod problems;
mod scalar;
mod suggest;
mod table;

pub(super) use json::Json;
pub(super) use list::{Entries, Entry, List};
pub(super) use place::{At, Field, Node, Place};
pub(super) use problems::Problems;
pub(super) use scalar::{Refusal, Text, decimal, describe, whole_number};
pub(super) use suggest::{did_you_mean, listed, present};
pub(super) use table::{Key, Shape, Table, is_required, shape_table, table_schema};
