//! Who gets an issue when many want it: exactly one.

mod claimants;
mod races;
