//! From costs to prices: what every strategy that subtracts something from the scores does last.

/// `price_e = factor (cost_e - least)`: only differences of costs route, and taking the smallest off keeps the bytes when a constant is
/// added to all.
pub(crate) fn set_prices(price: &mut [f32], costs: &[f64], factor: f64) {
    let least = costs.iter().copied().fold(f64::INFINITY, f64::min);
    for (price, cost) in price.iter_mut().zip(costs) {
        *price = (factor * (cost - least)) as f32;
    }
}
