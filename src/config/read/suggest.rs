//! "did you mean …?"

/// Less alike than this is another word, not a slip of the finger.
const ALIKE: f64 = 0.8;

/// With thousands of names and of mistakes, comparing all with all would take minutes.
const MOST: usize = 1_000;

/// The end of a message: the known word that the unknown one is most like, if any is.
pub(in crate::config) fn did_you_mean<'a>(
    unknown: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> String {
    let alike = |word: &'a str| (strsim::jaro_winkler(unknown, word), word);
    let best = known
        .into_iter()
        .take(MOST)
        .map(alike)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match best {
        Some((likeness, word)) if likeness >= ALIKE => format!(", did you mean {word:?}?"),
        _ => String::new(),
    }
}

/// "a, b, c": as many as fit into a line.
pub(in crate::config) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names = names.into_iter();
    let first: Vec<_> = names.by_ref().take(20).collect();
    let more = match names.count() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", first.join(", "))
}

/// The names of those that are there.
pub fn present<const N: usize>(wanted: [(&'static str, bool); N]) -> Vec<&'static str> {
    let there = wanted.into_iter().filter(|(_, is_there)| *is_there);
    there.map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::{did_you_mean, listed};

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        assert_eq!(
            did_you_mean("lisen", ["path", "listen"]),
            ", did you mean \"listen\"?"
        );
        assert_eq!(
            did_you_mean("1.5", ["1.4.2", "1.5.0"]),
            ", did you mean \"1.5.0\"?"
        );
        assert_eq!(did_you_mean("colour", ["path", "listen"]), "");
        assert_eq!(did_you_mean("x", []), "");
    }

    #[test]
    fn long_lists_are_cut() {
        assert_eq!(listed(["a", "b"]), "a, b");
        assert!(listed(vec!["a"; 25]).ends_with(", a and 5 more"));
    }
}
