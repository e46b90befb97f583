//! What can be behind a router's table: a type with the author's trait, or a spec of the core's own.

use std::marker::PhantomData;

use isotherm_core::gate::GateBatch;
use isotherm_core::router::{ClusterView, Feasibility, Feedback, RouterContext, RouterError, RouterSpec};
use isotherm_plugin_abi::{ADJUSTS_SCORES, IS_REFERENCE, USES_ORACLE};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::author::{Decision, Router};

/// Options, and the instances they make.
pub(crate) trait RouterKind: 'static {
    type Options: Serialize + DeserializeOwned;
    type Instance: Send;
    /// Flags of the table.
    const FLAGS: u32;

    /// Flags of the traits that options make.
    fn flags(options: &Self::Options) -> u32;
    fn start(options: &Self::Options, context: &RouterContext<'_>) -> Result<Self::Instance, RouterError>;
    fn route(
        instance: &mut Self::Instance,
        gate: &GateBatch<'_>,
        view: &ClusterView<'_>,
        out: &mut Decision<'_>,
    ) -> Result<(), RouterError>;
    fn feedback(instance: &mut Self::Instance, feedback: &Feedback<'_>) -> Result<(), RouterError>;
    fn feasibility(instance: &Self::Instance) -> Option<Feasibility>;
    fn operations_per_token(instance: &Self::Instance) -> f64;
    fn save(instance: &Self::Instance) -> Vec<u8>;
    fn load(instance: &mut Self::Instance, state: &[u8]) -> Result<(), RouterError>;
}

fn flags(uses_oracle: bool, is_reference: bool) -> u32 {
    (if uses_oracle { USES_ORACLE } else { 0 }) | (if is_reference { IS_REFERENCE } else { 0 })
}

/// A router with the author's trait.
pub(crate) struct Authored<R>(PhantomData<R>);

impl<R: Router> RouterKind for Authored<R> {
    type Options = R;
    type Instance = R;
    const FLAGS: u32 = if R::ADJUSTS_SCORES { ADJUSTS_SCORES } else { 0 };

    fn flags(options: &R) -> u32 {
        flags(options.uses_oracle(), options.is_reference())
    }

    fn start(options: &R, context: &RouterContext<'_>) -> Result<R, RouterError> {
        let mut router = options.clone();
        router.start(context)?;
        Ok(router)
    }

    #[inline]
    fn route(
        instance: &mut Self::Instance,
        gate: &GateBatch<'_>,
        view: &ClusterView<'_>,
        out: &mut Decision<'_>,
    ) -> Result<(), RouterError> {
        instance.route(gate, view, out)
    }

    fn feedback(instance: &mut Self::Instance, feedback: &Feedback<'_>) -> Result<(), RouterError> {
        instance.feedback(feedback)
    }

    fn feasibility(instance: &Self::Instance) -> Option<Feasibility> {
        instance.feasibility()
    }

    fn operations_per_token(instance: &Self::Instance) -> f64 {
        instance.operations_per_token()
    }

    fn save(instance: &Self::Instance) -> Vec<u8> {
        instance.save()
    }

    fn load(instance: &mut Self::Instance, state: &[u8]) -> Result<(), RouterError> {
        instance.load(state)
    }
}

/// A spec that builds the core's routers.
pub(crate) struct Spec<S>(PhantomData<S>);

impl<S: RouterSpec + Serialize + DeserializeOwned + 'static> RouterKind for Spec<S> {
    type Options = S;
    type Instance = Box<dyn isotherm_core::router::Router>;
    const FLAGS: u32 = 0;

    fn flags(options: &S) -> u32 {
        flags(options.uses_oracle(), options.is_reference())
    }

    fn start(options: &S, context: &RouterContext<'_>) -> Result<Self::Instance, RouterError> {
        options.build(context)
    }

    fn route(
        instance: &mut Self::Instance,
        gate: &GateBatch<'_>,
        view: &ClusterView<'_>,
        out: &mut Decision<'_>,
    ) -> Result<(), RouterError> {
        instance.route(gate, view, out.routing())
    }

    fn feedback(instance: &mut Self::Instance, feedback: &Feedback<'_>) -> Result<(), RouterError> {
        instance.feedback(feedback)
    }

    fn feasibility(instance: &Self::Instance) -> Option<Feasibility> {
        instance.feasibility()
    }

    fn operations_per_token(instance: &Self::Instance) -> f64 {
        instance.operations_per_token()
    }

    fn save(instance: &Self::Instance) -> Vec<u8> {
        instance.save()
    }

    fn load(instance: &mut Self::Instance, state: &[u8]) -> Result<(), RouterError> {
        instance.load(state)
    }
}
