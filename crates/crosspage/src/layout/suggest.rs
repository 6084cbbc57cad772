//! "Did you mean …?"

/// The candidate that `name` is most likely a misspelling of, where one is close enough.
///
/// Case and `_` count for nothing; beyond that about one mistake in three characters is forgiven.
pub fn did_you_mean<I>(name: &str, candidates: I) -> Option<I::Item>
where
    I: IntoIterator,
    I::Item: AsRef<str>,
{
    let wanted: Vec<char> = super::canonical::fold(name).chars().collect();
    let allowed = (wanted.len() / 3).max(1);
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let other: Vec<char> = super::canonical::fold(candidate.as_ref()).chars().collect();
            let distance = edit_distance(&wanted, &other);
            // Replacing every letter of a short name is no misspelling of it.
            (distance <= allowed && distance < wanted.len()).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be added, dropped, replaced or swapped with their neighbour to turn `a`
/// into `b` (optimal string alignment).
fn edit_distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut next = vec![i + 1];
        for j in 0..b.len() {
            let replace = row[j] + usize::from(a[i] != b[j]);
            let mut best = replace.min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                best = best.min(before[j - 1] + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_misspellings() {
        let names = ["temperature", "timestamp", "counter", "x"];
        assert_eq!(did_you_mean("temprature", names), Some("temperature"));
        assert_eq!(did_you_mean("temperatuer", names), Some("temperature"));
        assert_eq!(did_you_mean("time_Stamp", names), Some("timestamp"));
        assert_eq!(did_you_mean("cuonter", names), Some("counter"));
        assert_eq!(did_you_mean("pressure", names), None);
        assert_eq!(did_you_mean("y", names), None);
        assert_eq!(did_you_mean("", names), None);
    }
}
