//! Did you mean …?

/// The word that was probably meant: the nearest one, at most a third of its letters away.
#[must_use]
pub fn similar<'w>(word: &str, words: &[&'w str]) -> Option<&'w str> {
    let distance =
        |candidate: &str| strsim::damerau_levenshtein(&word.to_ascii_lowercase(), &candidate.to_ascii_lowercase());
    let nearest = words.iter().copied().min_by_key(|candidate| distance(candidate))?;
    (distance(nearest) <= (nearest.len() / 3).max(1)).then_some(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_another_word_finds_none() {
        let words = ["capacity", "logins", "id"];
        assert_eq!(similar("capactiy", &words), Some("capacity"));
        assert_eq!(similar("login", &words), Some("logins"));
        assert_eq!(similar("ID", &words), Some("id"));
        assert_eq!(similar("colour", &words), None);
        assert_eq!(similar("capacity", &[]), None);
    }
}
