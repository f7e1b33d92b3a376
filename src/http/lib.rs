//! conductor-http
