/// How large a JSON document and its parts may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Lists and objects within each other.
    pub depth: usize,
    /// Bytes of one text.
    pub text: usize,
    /// Bytes of a text under the name `body`: an issue's or a review's words.
    pub body_text: usize,
    /// Bytes of one property name.
    pub name: usize,
    /// Items of one list, properties of one object.
    pub items: usize,
}

impl Limits {
    /// What the API takes. GitHub's own limit for a body is 65,536 characters, which are at most 256 KiB.
    pub const API: Self = Self { depth: 32, text: 64 << 10, body_text: 256 << 10, name: 256, items: 1_000 };
}
