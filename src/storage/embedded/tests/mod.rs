//! What a store in a file promises beyond what every store does: it lasts.

mod damage;
mod disk;
mod haste;
mod help;
mod kill;
mod life;
