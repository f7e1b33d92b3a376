use serde_json::{Value, json};

conductor_core::words! {
    /// What a token may stand for.
    pub enum Role {
        /// An agent of the roster.
        Agent = "agent",
        /// A person who acts.
        Operator = "operator",
        /// A person who reads.
        Viewer = "viewer",
    }
}

/// Who may ask for something. The door itself is [`caller::admission`](crate::caller::admission); a test holds the two together.
#[derive(Debug, Clone, Copy)]
pub(super) enum Access {
    /// Everybody.
    Public,
    /// Whoever is near, on this machine or in a trusted network; elsewhere any token.
    Near,
    /// The tokens of these.
    Only(&'static [Role]),
}

impl Access {
    /// As OpenAPI says it: any one of these is enough. The word beside a scheme that knows no scopes is the role that it takes.
    pub(super) fn requirements(self) -> Value {
        let of = |roles: &[Role]| roles.iter().map(|role| json!({ "token": [role.as_str()] })).collect::<Vec<_>>();
        match self {
            Self::Public => json!([]),
            Self::Near => Value::Array([vec![json!({})], of(Role::ALL)].concat()),
            Self::Only(roles) => Value::Array(of(roles)),
        }
    }

    /// The same for people.
    pub(super) fn words(self) -> String {
        match self {
            Self::Public => "Needs no token.".to_owned(),
            Self::Near => {
                "Needs no token from the daemon's own machine and from trusted networks, elsewhere any.".to_owned()
            }
            Self::Only(roles) if roles.len() == Role::ALL.len() => "Needs a token, whosever.".to_owned(),
            Self::Only(roles) => {
                let names: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
                format!("Needs a token of an {}.", names.join(" or an "))
            }
        }
    }
}
