//! The contract of the read models: reports through `POST /api/events`, rows and streams out. The rig has no GitHub, so agents'
//! own reports are the facts.

mod every_type;
mod reading;
mod repeats;
mod rows;
