//! "Did you mean …?"

/// The known name nearest to what was written, if it is near enough to be meant.
///
/// Near is a Damerau–Levenshtein distance (optimal string alignment) of at most a third of the longer name, compared
/// without case and with `-` and blanks as `_`.
pub fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let found = folded(found)?;
    known
        .into_iter()
        .filter_map(|name| {
            let meant = folded(name)?;
            let distance = distance(&found, &meant);
            (distance * 3 <= found.len().max(meant.len())).then_some((distance, name))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Longer texts are not misspelt keys, and comparing them would cost.
const LONGEST: usize = 64;

fn folded(name: &str) -> Option<Vec<char>> {
    let fold = |character: char| if matches!(character, '-' | ' ') { '_' } else { character };
    (name.len() <= LONGEST).then(|| name.chars().flat_map(char::to_lowercase).map(fold).collect())
}

fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let replaced = above[j] + usize::from(x != y);
            let mut least = replaced.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_near_names_are_meant() {
        let known = ["samples", "round", "temperature", "target_ess", "target_kl", "wall_secs"];
        let check = |found: &str, expected: Option<&str>| assert_eq!(nearest(found, known), expected, "{found}");
        check("sampels", Some("samples"));
        check("Samples", Some("samples"));
        check("sample", Some("samples"));
        check("rounds", Some("round"));
        check("target-ess", Some("target_ess"));
        check("wallsecs", Some("wall_secs"));
        check("tempreature", Some("temperature"));
        check("n", None);
        check("width", None);
        check("", None);
        check(&"x".repeat(100_000), None);
    }
}
