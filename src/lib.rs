//! The composition root as a library: settings, and whatever the program and its tests share.

pub mod config;
