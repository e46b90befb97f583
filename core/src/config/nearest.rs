//! "Did you mean ...?"

/// Longer names than any key or kind; the distance below costs memory in the product of the lengths.
const MAX_LENGTH: usize = 64;

/// The candidate that a misspelt name most likely means, if any is close.
///
/// A third of the letters may be wrong, dropped, added or swapped with their neighbour. A name that begins
/// like a candidate is also taken (`energy` for `energy-penalty`). Case and `_` against `-` are free.
///
/// ```
/// use isotherm_core::config::nearest;
/// assert_eq!(nearest("lamda", ["scale", "lambda"]), Some("lambda"));
/// assert_eq!(nearest("frobnicate", ["scale", "lambda"]), None);
/// ```
pub fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let name = folded(name)?;
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let folded = folded(candidate)?;
            let distance = strsim::damerau_levenshtein(&name, &folded);
            let longer = name.chars().count().max(folded.chars().count());
            let close = distance <= (longer / 3).max(1) && distance < longer;
            let begins = name.len() >= 3 && folded.starts_with(&name);
            (close || begins).then_some((distance, candidate))
        })
        // The first of several equals: the order of the candidates is the order of the documentation.
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn folded(name: &str) -> Option<String> {
    (name.len() <= MAX_LENGTH).then(|| name.to_lowercase().replace('_', "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_names_are_found_and_far_ones_are_not() {
        let kinds = ["energy-penalty", "top-k", "ttt", "oracle"];
        assert_eq!(nearest("energy-penaly", kinds), Some("energy-penalty"));
        assert_eq!(nearest("energy", kinds), Some("energy-penalty"));
        assert_eq!(nearest("Top_K", kinds), Some("top-k"));
        assert_eq!(nearest("oarcle", kinds), Some("oracle"));
        assert_eq!(nearest("", kinds), None);
        assert_eq!(nearest("x", ["y", "z"]), None);
        assert_eq!(nearest(&"a".repeat(1_000_000), kinds), None);
    }
}
