//! conductor-adapters
