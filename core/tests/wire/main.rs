//! The wire, seen from outside: what is read, what is written, and that both forms carry the same messages.

mod any;
mod damage;
mod reading;
mod samples;
mod trips;
mod vectors;
mod writing;
