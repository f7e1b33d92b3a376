//! What agents' runtimes tell beside their events, in the shapes that they can't change.

mod runs;
