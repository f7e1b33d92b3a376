//! conductor-actors
