//! The routers of isotherm itself as a library: `isotherm/baseline` is `baseline`, byte for byte.
//!
//! What isotherm does not need to be part of itself, a plugin can do as well: this crate is how the tests know that. It is also how a comparison can
//! go on with the routers of an older release.
//!
//! ```text
//! [[router]]
//! kind = "isotherm/energy-penalty"
//! lambda = 0.1
//! ```
//!
//! `prescribed` is left out: it repeats counts for checking published numbers, and is no strategy.

use isotherm_plugin::export_plugin;

macro_rules! export {
    ($($spec:ident = $name:literal $(=> $example:literal)?,)*) => {
        export_plugin! { router_specs: [$(isotherm_routers::$spec = $name $(=> $example)?),*] }

        /// What scenarios can name.
        pub const NAMES: &[&str] = &[$($name),*];
    };
}

export! {
    Baseline = "isotherm/baseline",
    NoisyTopK = "isotherm/noisy-top-k" => r#"{"noise": 0.0}"#,
    ExpertChoice = "isotherm/expert-choice" => r#"{"capacity": 1.0}"#,
    Sinkhorn = "isotherm/sinkhorn" => r#"{"targets": "uniform"}"#,
    SelectionBias = "isotherm/selection-bias" => r#"{"gamma": 0.01}"#,
    EnergyPenalty = "isotherm/energy-penalty" => r#"{"lambda": 0.1}"#,
    DualAscent = "isotherm/dual-ascent" => r#"{"cap": 0.7}"#,
    TestTimeTrained = "isotherm/ttt" => r#"{"lambda": 0.1}"#,
    Tent = "isotherm/tent" => r#"{"eta": 0.5}"#,
    PrimalDual = "isotherm/primal-dual" => r#"{"cap": "70 degC"}"#,
    Pid = "isotherm/pid" => r#"{"cap": "70 degC"}"#,
    MpcShare = "isotherm/mpc-share" => r#"{"cap": "70 degC"}"#,
    Ucb = "isotherm/ucb" => r#"{"lambda": 0.5}"#,
    Thompson = "isotherm/thompson" => r#"{"lambda": 0.5}"#,
    Opportunistic = "isotherm/opportunistic" => r#"{"keep": 1}"#,
}

#[cfg(test)]
mod tests {
    use super::NAMES;

    #[test]
    fn every_built_in_router_but_the_prescribed_one_is_here() {
        let kinds = isotherm_routers::KINDS.iter().map(|kind| kind.name).filter(|name| *name != "prescribed");
        assert!(kinds.map(|name| format!("isotherm/{name}")).eq(NAMES.iter().copied()), "{NAMES:?}");
    }
}
