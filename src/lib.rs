//! conductor-e
