mod damage;
mod full;
mod reopened;
mod rotated;
mod support;
mod torn;
