//! How many copies each expert gets, for every policy that balances loads.

/// Adds copies one at a time to the expert with the largest load per copy, until there are `total`; ties go to the lowest index.
///
/// Returns the expert of every copy: first one each, in order, then the added ones in the order in which they were added. No
/// expert gets more than `most` copies, which is how many devices there are to hold them.
///
/// Greedy, and optimal for the largest load per copy: it lowers the largest one at every step.
pub(crate) fn replicate(loads: &[f64], total: usize, most: usize) -> Vec<usize> {
    let mut copies = vec![1_usize; loads.len()];
    let mut expert_of_copy: Vec<usize> = (0..loads.len()).collect();
    let mut per_copy = loads.to_vec();
    while expert_of_copy.len() < total {
        let mut most_loaded: Option<usize> = None;
        for (expert, load) in per_copy.iter().enumerate() {
            if copies[expert] < most && most_loaded.is_none_or(|best| *load > per_copy[best]) {
                most_loaded = Some(expert);
            }
        }
        let Some(expert) = most_loaded else { break };
        copies[expert] += 1;
        per_copy[expert] = loads[expert] / copies[expert] as f64;
        expert_of_copy.push(expert);
    }
    expert_of_copy
}

/// Load of every copy of `expert_of_copy`: its expert's, spread evenly over the expert's copies.
pub(crate) fn load_per_copy(loads: &[f64], expert_of_copy: &[usize]) -> Vec<f64> {
    let mut copies = vec![0_u32; loads.len()];
    expert_of_copy.iter().for_each(|expert| copies[*expert] += 1);
    expert_of_copy.iter().map(|expert| loads[*expert] / f64::from(copies[*expert])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_load_per_copy_is_the_smallest_possible() {
        // Every way to give 4 experts 8 copies in all, by brute force.
        for loads in [[9.0, 1.0, 5.0, 5.0], [100.0, 1.0, 1.0, 1.0], [3.0, 3.0, 3.0, 3.0], [0.0, 7.0, 2.0, 6.0]] {
            let largest =
                |expert_of_copy: &[usize]| load_per_copy(&loads, expert_of_copy).into_iter().fold(0.0, f64::max);
            let found = largest(&replicate(&loads, 8, 8));
            let mut best = f64::INFINITY;
            for code in 0..625_usize {
                let copies = [code % 5 + 1, code / 5 % 5 + 1, code / 25 % 5 + 1, code / 125 % 5 + 1];
                if copies.iter().sum::<usize>() == 8 {
                    let all: Vec<usize> = (0..4).flat_map(|e| std::iter::repeat_n(e, copies[e])).collect();
                    best = best.min(largest(&all));
                }
            }
            assert_eq!(found, best, "{loads:?}");
        }
    }

    #[test]
    fn ties_go_to_the_lowest_index_and_no_expert_has_more_copies_than_devices() {
        assert_eq!(replicate(&[1.0, 1.0, 1.0], 5, 4), [0, 1, 2, 0, 1]);
        assert_eq!(replicate(&[9.0, 1.0, 1.0], 6, 2), [0, 1, 2, 0, 1, 2]);
    }
}
