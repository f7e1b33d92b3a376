use std::io::IsTerminal;

/// Tells a story while it happens, or keeps quiet.
#[derive(Debug, Clone)]
pub struct Narrator {
    aloud: bool,
    colour: bool,
}

impl Narrator {
    /// On standard output, in colour where that is a terminal and `NO_COLOR` isn't set.
    #[must_use]
    pub fn aloud() -> Self {
        let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { aloud: true, colour }
    }

    /// Says nothing.
    #[must_use]
    pub fn silent() -> Self {
        Self { aloud: false, colour: false }
    }

    fn say(&self, code: &str, text: &str) {
        match (self.aloud, self.colour) {
            (false, _) => {}
            (true, true) => println!("\x1b[{code}m{text}\x1b[0m"),
            (true, false) => println!("{text}"),
        }
    }

    /// A new part of the story.
    pub fn headline(&self, text: &str) {
        self.say("1", &format!("\n{text}"));
    }

    /// Somebody does something: `GitHub`, `dev-e-node`.
    pub fn act(&self, who: &str, what: &str) {
        self.say("0", &format!("  {who:<12} {what}"));
    }

    /// What the log says since, and the state that it makes.
    pub fn state(&self, events: &[String], state: &str) {
        let said = if events.is_empty() { String::new() } else { format!("{} ", events.join(" · ")) };
        self.say("32", &format!("  {:<12} {said}→ {state}", ""));
    }

    /// Something that must not happen didn't.
    pub fn refused(&self, what: &str) {
        self.say("33", &format!("  {:<12} refused: {what}", ""));
    }

    /// A line as it is.
    pub fn line(&self, text: &str) {
        self.say("0", text);
    }
}
