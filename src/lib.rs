//! The composition root as a library: settings, the daemon's life, and the stories that demo and tests play.

mod allocator;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod story;
