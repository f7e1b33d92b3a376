//! What agents' runtimes tell beside their events, in the shapes that they can't change.

mod costs;
mod lines;
mod merge;
mod notes;
mod presence;
mod runs;
