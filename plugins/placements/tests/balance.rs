//! What the balancing policies promise, on random loads: against their definition and against brute force.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests fail by panicking")]

use isotherm_core::id::GpuId;
use isotherm_core::placement::{Placement, PlacementContext, PlacementError, PlacementSpec};
use isotherm_placements::{Contiguous, Eplb, RoundRobin, ThermalEplb};
use proptest::prelude::*;

fn eplb(replicas: usize, loads: &[f64]) -> Eplb {
    Eplb { replicas: Some(replicas as u32), loads: Some(loads.to_vec()), ..Eplb::default() }
}

fn slots(placement: &Placement, gpus: usize) -> Vec<usize> {
    let mut slots = vec![0; gpus];
    placement.iter().for_each(|(_, gpu)| slots[gpu.index()] += 1);
    slots
}

fn largest(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

/// Loads of 1 to 24 experts, GPUs, and copies a GPU that fit; loads from even to dominated by one expert.
fn cases() -> impl Strategy<Value = (Vec<f64>, usize, usize)> {
    (prop::collection::vec(0.0_f64..1.0, 1..25), 1_usize..9, 0.1_f64..8.0, 0_usize..4).prop_map(
        |(uniform, gpus, skew, more)| {
            let loads: Vec<f64> = uniform.iter().map(|u| 1.0 + 1000.0 * u.powf(skew)).collect();
            let slots = (loads.len().div_ceil(gpus) + more).min(loads.len());
            (loads, gpus, slots)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Every expert has a home, every GPU holds the same number of different experts, and twice is the same as once.
    #[test]
    fn every_expert_has_a_home_and_every_gpu_equally_many((loads, gpus, each) in cases()) {
        let policy = eplb(each * gpus, &loads);
        let start = PlacementContext::at_start(loads.len(), gpus);
        // `Placement::new` refuses homeless experts and two copies on one GPU.
        let placement = policy.place(&start).unwrap();
        prop_assert_eq!(slots(&placement, gpus), vec![each; gpus]);
        prop_assert_eq!(policy.place(&start).unwrap(), placement);
    }

    /// No GPU has more than the mean and the heaviest copy. Contiguous blocks can be better, but by no more than that copy.
    #[test]
    fn no_gpu_is_further_above_the_mean_than_the_heaviest_copy((loads, gpus, each) in cases()) {
        let placement = eplb(each * gpus, &loads).place(&PlacementContext::at_start(loads.len(), gpus)).unwrap();
        let copies = |e: usize| placement.copies(isotherm_core::id::ExpertId(e as u32)).len() as f64;
        let heaviest = largest(&(0..loads.len()).map(|e| loads[e] / copies(e)).collect::<Vec<_>>());
        let mean = loads.iter().sum::<f64>() / gpus as f64;
        let most = largest(&placement.loads_of_gpus(&loads, gpus));
        prop_assert!(most <= (mean + heaviest) * (1.0 + 1e-12), "{most} > {mean} + {heaviest}");
        let blocks = largest(&Placement::contiguous(loads.len(), gpus).loads_of_gpus(&loads, gpus));
        prop_assert!(most <= (blocks + heaviest) * (1.0 + 1e-12));
    }

    /// Keeping changes which GPU has which pack, and nothing else; with the same loads nothing moves at all.
    #[test]
    fn keeping_moves_less_and_balances_the_same((loads, gpus, each) in cases(), other in prop::collection::vec(0.5_f64..2.0, 24)) {
        let policy = eplb(each * gpus, &loads);
        let keeping = Eplb { keep: true, ..policy.clone() };
        let start = PlacementContext::at_start(loads.len(), gpus);
        let current = policy.place(&start).unwrap();
        let measured: Vec<f64> = loads.iter().zip(&other).map(|(load, factor)| load * factor).collect();
        let context = start.measured(&measured, &[], &[], &current, &[]);
        let (free, kept) = (policy.place(&context).unwrap(), keeping.place(&context).unwrap());
        let sorted = |placement: &Placement| {
            let mut of_gpus = placement.loads_of_gpus(&measured, gpus);
            of_gpus.sort_by(f64::total_cmp);
            of_gpus
        };
        prop_assert_eq!(sorted(&free), sorted(&kept));
        prop_assert_eq!(slots(&kept, gpus), vec![each; gpus]);
        let again = start.measured(&loads, &[], &[], &current, &[]);
        prop_assert_eq!(keeping.place(&again).unwrap(), current);
    }

    /// GPUs that are lost hold nothing; the others hold everything, and as many copies as before where there is room.
    #[test]
    fn lost_gpus_hold_nothing((loads, gpus, each) in cases(), lost in prop::collection::btree_set(0_u32..8, 0..8)) {
        let lost: Vec<GpuId> = lost.into_iter().filter(|gpu| (*gpu as usize) < gpus).map(GpuId).collect();
        let policy = eplb(each * gpus, &loads);
        let start = PlacementContext::at_start(loads.len(), gpus);
        let before = policy.place(&start).unwrap();
        let placed = policy.place(&start.measured(&loads, &[], &[], &before, &lost));
        let left = gpus - lost.len();
        if left == 0 {
            prop_assert!(matches!(placed, Err(PlacementError::Unusable(_))));
            return Ok(());
        }
        let placement = placed.unwrap();
        prop_assert_eq!(placement.slots(), (each * left).max(loads.len()));
        let counts = slots(&placement, gpus);
        prop_assert!(lost.iter().all(|gpu| counts[gpu.index()] == 0));
        let held: Vec<usize> = counts.into_iter().filter(|count| *count > 0).collect();
        prop_assert!(held.iter().max().unwrap() - held.iter().min().unwrap() <= 1);
    }

    /// Within its node every group keeps all its copies.
    #[test]
    fn groups_stay_in_their_node(
        uniform in prop::collection::vec(0.0_f64..1.0, 24),
        (nodes, groups) in prop::sample::select(vec![(2_usize, 2_usize), (2, 4), (2, 8), (3, 3), (3, 6), (4, 4), (4, 12)]),
        more in 0_usize..3,
    ) {
        let gpus = nodes * 2;
        let loads: Vec<f64> = uniform.iter().map(|u| 1.0 + 99.0 * u * u).collect();
        let per_gpu = (24 / gpus + more).min(24 / nodes);
        let policy = Eplb { groups: Some(groups as u32), ..eplb(per_gpu * gpus, &loads) };
        let placement = policy.place(&PlacementContext::at_start(24, gpus).with_nodes_of(2)).unwrap();
        prop_assert_eq!(slots(&placement, gpus), vec![per_gpu; gpus]);
        let size = 24 / groups;
        let mut node_of = vec![None; groups];
        for (expert, gpu) in placement.iter() {
            let (group, node) = (expert.index() / size, gpu.index() / 2);
            prop_assert_eq!(*node_of[group].get_or_insert(node), node);
        }
    }

    /// GPUs of different speed: every GPU still holds equally many, and the slowest time is near the best of all placements.
    #[test]
    fn speeds_decide_who_gets_more(
        loads in prop::collection::vec(1.0_f64..100.0, 6),
        speeds in prop::collection::vec(0.5_f64..1.5, 2),
    ) {
        let start = PlacementContext::at_start(6, 2);
        let current = Placement::contiguous(6, 2);
        let context = start.measured(&loads, &speeds, &[], &current, &[]);
        let placement = ThermalEplb::default().place(&context).unwrap();
        prop_assert_eq!(slots(&placement, 2), vec![3, 3]);
        let slowest = |of_gpus: &[f64]| largest(&of_gpus.iter().zip(&speeds).map(|(w, v)| w / v).collect::<Vec<_>>());
        let found = slowest(&placement.loads_of_gpus(&loads, 2));
        let best = (0..64_u32).filter(|set| set.count_ones() == 3).map(|set| {
            let on_first: f64 = (0..6).filter(|e| set >> e & 1 == 1).map(|e| loads[e as usize]).sum();
            slowest(&[on_first, loads.iter().sum::<f64>() - on_first])
        }).fold(f64::INFINITY, f64::min);
        prop_assert!(found >= best * (1.0 - 1e-12));
        // Greedy, and forced to fill the slow GPU too. Measured over 100,000 such cases by another program: 1.48 at worst.
        prop_assert!(found <= 2.0 * best, "{found} against {best}");
    }
}

/// On what EPLB is for, loads that differ a lot, it is better than blocks nearly always and by a lot on the mean.
#[test]
fn balancing_pays_on_uneven_loads() {
    let (experts, gpus, mut better, mut ratio) = (64, 8, 0, 0.0);
    for case in 0..200_u32 {
        // Zipf-like popularity in an order that differs per case.
        let rank = |e: u32| e.wrapping_mul(2 * case + 1).wrapping_add(7 * case) % experts;
        let loads: Vec<f64> = (0..experts).map(|e| 1000.0 / f64::from(rank(e) + 1)).collect();
        let start = PlacementContext::at_start(experts as usize, gpus);
        let balanced = largest(&eplb(72, &loads).place(&start).unwrap().loads_of_gpus(&loads, gpus));
        let blocks = largest(&Placement::contiguous(experts as usize, gpus).loads_of_gpus(&loads, gpus));
        better += u32::from(balanced < blocks);
        ratio += balanced / blocks / 200.0;
    }
    assert_eq!(better, 200);
    assert!(ratio < 0.6, "{ratio}");
}

fn refused(policy: &dyn PlacementSpec, context: PlacementContext<'_>, option: &str, says: &str) {
    match policy.place(&context) {
        Err(PlacementError::Option { option: named, message }) => {
            assert_eq!(named, option);
            assert!(message.contains(says) && message.contains("for example `"), "{message}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn options_that_do_not_fit_are_refused_with_an_example() {
    let start = PlacementContext::at_start(8, 4);
    let with = |text: &str| -> Eplb { toml::from_str(text).unwrap() };
    refused(&with("replicas = 7"), start, "replicas", "7 copies in all for 8 experts");
    refused(&with("replicas = 10"), start, "replicas", "equally over 4 GPUs");
    refused(&with("replicas = 36"), start, "replicas", "at most 32");
    refused(&with("groups = 3"), start, "groups", "8 experts cannot be divided into 3");
    refused(&with("groups = 0"), start, "groups", "8 experts cannot be divided into 0");
    refused(&with("groups = 2"), PlacementContext::at_start(8, 4).with_nodes_of(1), "groups", "over 4 nodes");
    refused(&with("groups = 2"), PlacementContext::at_start(8, 4).with_nodes_of(3), "groups", "nodes of 3 and a rest");
    refused(&with("loads = [1.0]"), start, "loads", "1 loads for 8 experts");
    refused(&with("loads = [0, 0, 0, 0, 0, 0, 0, 0]"), start, "loads", "not all zero");
    refused(&with("loads = [1, 1, 1, 1, 1, 1, 1, nan]"), start, "loads", "must not be negative");
    refused(&with("rebalance = { every_batches = 0 }"), start, "rebalance", "every 0 batches");
    let cold: ThermalEplb = toml::from_str("limit = \"20 degC\"").unwrap();
    refused(&cold, start, "limit", "no headroom");
    refused(&Contiguous { replicate: vec![8] }, start, "replicate", "no expert 8");
    refused(&RoundRobin { replicate: vec![1; 4] }, start, "replicate", "a copy on each of the 4 GPUs");
}

#[test]
fn a_warm_gpu_gets_less_and_one_that_is_cheap_gets_more() {
    use isotherm_core::telemetry::Sample;
    use isotherm_core::units::Celsius;
    let (loads, current) = ([8.0, 4.0, 2.0, 1.0], Placement::contiguous(4, 2));
    let at = |t: f64| Sample { temperature: Some(Celsius::new(t)), ..Sample::default() };
    let samples = [at(84.0), at(40.0)];
    let start = PlacementContext::at_start(4, 2);
    let headroom: ThermalEplb = toml::from_str("objective = \"headroom\"").unwrap();
    let warm = headroom.place(&start.measured(&loads, &[], &samples, &current, &[])).unwrap();
    assert_eq!(warm.loads_of_gpus(&loads, 2), [3.0, 12.0]);
    let energy: ThermalEplb = toml::from_str("objective = \"energy\"").unwrap();
    let cheap = energy.place(&start.measured(&loads, &[], &[], &current, &[]).with_joules(&[0.2, 1.8])).unwrap();
    assert_eq!(cheap.loads_of_gpus(&loads, 2), [12.0, 3.0]);
}
