//! The clock at which a device just keeps its power cap under the heaviest load there is.

use isotherm_core::hardware::DeviceProfile;
use isotherm_core::hardware::kernel::{Batch, Implementation, LayerShape, NumberType, capped_step};

/// Temperature of the die at the cap (degC): where an air-cooled device of this class settles. Ten kelvin more cost some 9 W of
/// leakage, or 20 MHz.
const DIE_DEGC: f64 = 62.0;

/// SM clock at the power cap under dense bf16 products, one after another (MHz); `None` where the profile has no kernels, clocks, power
/// law or cap, or where the load does not reach the cap.
///
/// What a recording shows while reason `SwPowerCap` holds, if its load was of this kind; memory-bound loads reach a higher clock.
#[must_use]
pub fn clock_at_cap(profile: &DeviceProfile) -> Option<f64> {
    let (kernels, clock) = (profile.kernel.as_ref()?, profile.clock.as_ref()?);
    let (power, limits) = (profile.power.as_ref()?, profile.limits.as_ref()?);
    let shape = LayerShape {
        d_model: 8192,
        d_ff: 8192,
        matrices: 2,
        dtype: NumberType::Bf16,
        tensor_parallel: 1,
        implementation: Implementation::Sequential,
    };
    let work = kernels.of(shape.implementation).work(&shape, Batch::exchanged(&[8192], 1));
    let step = capped_step(power, clock, limits.power_cap.get(), DIE_DEGC, &work);
    (step + 1 < clock.steps()).then(|| clock.mhz(step))
}
