//! EPLB against the golden vectors and the published example of DeepSeek's own program.

use isotherm_core::id::{ExpertId, GpuId};
use isotherm_core::placement::{Placement, PlacementContext, PlacementSpec};
use isotherm_placements::{Eplb, ThermalEplb};

use crate::golden::{Checker, flat, folder, numbers, read};
use crate::lab::announce;

#[test]
fn placement_vectors() {
    let golden = read("placement.json");
    let mut check = Checker { compared: 0 };
    for (index, case) in golden["cases"].as_array().unwrap().iter().enumerate() {
        let what = format!("placement case {index}");
        let number = |key: &str| case[key].as_u64().unwrap() as u32;
        let (loads, gpus) = (numbers(&case["weights"]), number("gpus") as usize);
        let eplb = Eplb { replicas: Some(number("replicas")), loads: Some(loads.clone()), ..Eplb::default() };
        let start = PlacementContext::at_start(loads.len(), gpus);
        let placement = eplb.place(&start).unwrap();

        let copies: Vec<u32> = homes(&placement).iter().map(|gpus| gpus.len() as u32).collect();
        check.same(&format!("{what}: copies"), &copies, &case["copies"]);
        // Copies of one expert are alike, so what can be compared is which GPUs hold one.
        let mut expected = vec![Vec::new(); loads.len()];
        for (expert, gpu) in flat(&case["expert_of_replica"]).iter().zip(flat(&case["gpu_of_replica"])) {
            expected[expert.as_u64().unwrap() as usize].push(GpuId(gpu.as_u64().unwrap() as u32));
        }
        expected.iter_mut().for_each(|gpus| gpus.sort_unstable());
        assert_eq!(homes(&placement), expected, "{what}: GPUs");
        let of_gpus = placement.loads_of_gpus(&loads, gpus);
        check.all_close(&format!("{what}: load"), of_gpus.iter().copied(), flat(&case["gpu_load"]));
        let (mean, most) = (of_gpus.iter().sum::<f64>() / gpus as f64, of_gpus.iter().copied().fold(0.0, f64::max));
        check.close(&format!("{what}: balancedness"), mean / most, &case["balancedness"]);

        // The same loads measured instead of expected, and the thermal policy before it knows of any difference.
        let measured = start.measured(&loads, &[], &[], &placement, &[]);
        assert_eq!(Eplb { loads: None, ..eplb.clone() }.place(&measured).unwrap(), placement, "{what}: measured");
        let thermal = ThermalEplb { replicas: eplb.replicas, ..ThermalEplb::default() };
        assert_eq!(thermal.place(&measured).unwrap(), placement, "{what}: thermal");
        check.compared += 1;
    }
    announce(&format!("golden: {} placement vectors compared in {}", check.compared, folder().display()));
}

/// The example in the README of github.com/deepseek-ai/EPLB: two layers, 12 experts in 4 groups, 16 copies, 2 nodes of 4 GPUs.
/// The expected result is theirs: the experts of the 16 slots, two slots a GPU.
#[test]
fn the_published_eplb_example() {
    let layers = [
        (
            [90.0, 132.0, 40.0, 61.0, 104.0, 165.0, 39.0, 4.0, 73.0, 56.0, 183.0, 86.0],
            [5, 6, 5, 7, 8, 4, 3, 4, 10, 9, 10, 2, 0, 1, 11, 1],
        ),
        (
            [20.0, 107.0, 104.0, 64.0, 19.0, 197.0, 187.0, 157.0, 172.0, 86.0, 16.0, 27.0],
            [7, 10, 6, 8, 6, 11, 8, 9, 2, 4, 5, 1, 5, 0, 3, 1],
        ),
    ];
    for (loads, slots) in layers {
        let eplb = Eplb { replicas: Some(16), groups: Some(4), loads: Some(loads.to_vec()), ..Eplb::default() };
        let placement = eplb.place(&PlacementContext::at_start(12, 8).with_nodes_of(4)).unwrap();
        let mut expected = vec![Vec::new(); 12];
        slots
            .iter()
            .enumerate()
            .for_each(|(slot, expert): (usize, &usize)| expected[*expert].push(GpuId(slot as u32 / 2)));
        assert_eq!(homes(&placement), expected, "{loads:?}");
    }
}

fn homes(placement: &Placement) -> Vec<Vec<GpuId>> {
    (0..placement.experts() as u32).map(|e| placement.copies(ExpertId(e)).to_vec()).collect()
}
