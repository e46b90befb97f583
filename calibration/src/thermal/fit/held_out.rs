//! Chooses the number of nodes by how well they predict what they were not fitted to.

use isotherm_core::hardware::{DeviceProfile, MemoryPower};

use super::super::layout::Layout;
use super::problem::Task;
use super::{HeldOut, Order, solve};
use crate::series::Series;

/// Each recording is cut into so many stretches; each is left out once.
const STRETCHES: usize = 5;
/// A smaller network is preferred while it is not worse by more than this factor.
const MARGIN: f64 = 1.02;

/// The errors on held-out stretches of networks with `sources` to `sources + 2` nodes; one of them is chosen.
pub(super) fn orders(
    series: &[Series],
    memory: Option<(&MemoryPower, bool)>,
    from: Option<&DeviceProfile>,
    sources: usize,
    steady: bool,
    proceed: &dyn Fn() -> bool,
) -> Result<Vec<Order>, String> {
    let mut orders = Vec::new();
    for nodes in sources..=sources + 2 {
        orders.push(order(
            Layout::new(nodes, memory, from, series.iter().any(|series| !series.upstream.is_empty())),
            series,
            steady,
            proceed,
        )?);
    }
    let best = orders.iter().map(|order| order.held_out_rmse).fold(f64::INFINITY, f64::min);
    if let Some(order) = orders.iter_mut().find(|order| order.held_out_rmse <= MARGIN * best) {
        order.chosen = true;
    }
    Ok(orders)
}

fn order(layout: Layout, series: &[Series], steady: bool, proceed: &dyn Fn() -> bool) -> Result<Order, String> {
    let nodes = layout.nodes.len();
    let mut task = Task::new(layout, series, steady);
    let mut whole = task.start();
    solve(&mut task, &mut whole, proceed)?;
    let mut total = vec![[(0.0, 0); 2]; series.len()];
    let mut carried = total.clone();
    for stretch in 0..STRETCHES {
        let cut = |series: &Series| {
            let (from, length) = (series.time[0], series.span() / STRETCHES as f64);
            (from + length * stretch as f64, from + length * (stretch + 1) as f64)
        };
        task.hold_out(series.iter().map(cut).collect());
        let mut unknowns = whole.clone();
        solve(&mut task, &mut unknowns, proceed)?;
        add(&mut carried, task.held_out_squares(&unknowns));
        task.refit_ambient(&mut unknowns);
        add(&mut total, task.held_out_squares(&unknowns));
    }
    let rmse = |(square, count): (f64, usize)| (count > 0).then(|| (square / count as f64).sqrt());
    let by_recording = series.iter().zip(total.iter().zip(&carried)).map(|(series, (total, carried))| HeldOut {
        recording: series.label(),
        gpu_rmse: rmse(total[0]),
        hbm_rmse: rmse(total[1]),
        gpu_rmse_ambient_carried: rmse(carried[0]),
        hbm_rmse_ambient_carried: rmse(carried[1]),
    });
    let all = carried.iter().flatten().fold((0.0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
    Ok(Order {
        nodes,
        held_out_rmse: rmse(all).unwrap_or(f64::INFINITY),
        by_recording: by_recording.collect(),
        chosen: false,
    })
}

fn add(total: &mut [[(f64, usize); 2]], part: Vec<[(f64, usize); 2]>) {
    for (sum, part) in total.iter_mut().flatten().zip(part.iter().flatten()) {
        sum.0 += part.0;
        sum.1 += part.1;
    }
}
