//! A router in a run: one call a batch, into a sandbox of its own.

use std::cell::RefCell;

use isotherm_core::gate::GateBatch;
use isotherm_core::router::{ClusterView, Feasibility, Feedback, Router, RouterContext, RouterError};
use isotherm_core::routing::{Routing, Selector};
use isotherm_plugin_abi::OK;
use wasmtime::TypedFunc;

use super::arrays;
use super::decision::{Taker, Unusable};
use crate::failure::failure;
use crate::guest::{Block, Functions, Sandbox};
use crate::stop::Stop;

/// A function of an instance with two addresses.
type Call2 = TypedFunc<(u32, u32, u32), i32>;

/// The functions of an instance, found once.
struct Calls {
    route: TypedFunc<(u32, u32, u32, u32), i32>,
    feedback: Option<Call2>,
    save: Option<Call2>,
    restore: Option<TypedFunc<(u32, u32, u32, u32), i32>>,
}

/// A router that a module has made.
///
/// It is never destroyed by the module: with the sandbox all of its memory goes.
pub(super) struct WasmInstance {
    subject: String,
    /// Saving asks the module, and the core saves routers that it may only look at.
    sandbox: RefCell<Sandbox>,
    calls: Calls,
    /// What the module has made; means nothing to the host.
    pointer: u32,
    taker: Taker,
    experts: usize,
    top_k: usize,
    feasibility: Option<Feasibility>,
    operations: f64,
}

/// Begins what stands for a state that could not be saved. Saving has no way to fail in the core, so restoring fails, with the reason.
const NOT_SAVED: &[u8] = b"\0isotherm: not saved\0";

impl WasmInstance {
    pub(super) fn new(
        subject: String,
        mut sandbox: Sandbox,
        functions: Functions,
        pointer: u32,
        context: &RouterContext<'_>,
    ) -> Result<Self, Stop> {
        let route = sandbox.function(functions.route, "route")?;
        let mut optional = |index, what| match index {
            0 => Ok(None),
            index => sandbox.function(index, what).map(Some),
        };
        let (feedback, save) = (optional(functions.feedback, "feedback")?, optional(functions.save, "save")?);
        let restore = match functions.restore {
            0 => None,
            index => Some(sandbox.function(index, "restore")?),
        };
        Ok(Self {
            subject,
            sandbox: RefCell::new(sandbox),
            calls: Calls { route, feedback, save, restore },
            pointer,
            taker: Taker::new(Selector::new(context.options), functions.flags),
            experts: context.experts,
            top_k: context.top_k,
            feasibility: None,
            operations: 0.0,
        })
    }

    #[cold]
    fn stopped(&self, stop: &Stop) -> RouterError {
        RouterError::Failed(format!("{} {stop}", self.subject))
    }

    #[cold]
    fn unusable(&self, fault: Unusable) -> RouterError {
        match fault {
            Unusable::Stopped(stop) => self.stopped(&stop),
            Unusable::Broken(what) => RouterError::Failed(format!("{} broke the interface: {what}", self.subject)),
        }
    }

    fn check(&self, doing: &str, status: i32) -> Result<(), RouterError> {
        if status == OK {
            return Ok(());
        }
        let sandbox = self.sandbox.borrow();
        Err(RouterError::Failed(failure(&self.subject, doing, status, sandbox.reports())))
    }

    /// The module's bytes, or why there are none.
    fn saved(&self, save: &Call2) -> Result<Vec<u8>, String> {
        let mut sandbox = self.sandbox.borrow_mut();
        let callbacks = sandbox.callbacks();
        let status = sandbox
            .call(save, (self.pointer, callbacks.sink, callbacks.errors))
            .map_err(|stop| format!("{} {stop}", self.subject))?;
        if status == OK {
            return Ok(sandbox.written().to_vec());
        }
        Err(failure(&self.subject, "saving its state", status, sandbox.reports()))
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), String> {
        if let Some(why) = state.strip_prefix(NOT_SAVED) {
            return Err(format!("it could not be saved: {}", String::from_utf8_lossy(why)));
        }
        let Some(restore) = &self.calls.restore else {
            return if state.is_empty() { Ok(()) } else { Err(format!("{} keeps no state", self.subject)) };
        };
        let sandbox = self.sandbox.get_mut();
        let stopped = |stop: Stop| format!("{} {stop}", self.subject);
        let (_, at) = sandbox.lay(|block| block.bytes(state)).map_err(stopped)?;
        let errors = sandbox.callbacks().errors;
        let status = sandbox.call(restore, (self.pointer, at, state.len() as u32, errors)).map_err(stopped)?;
        if status == OK {
            return Ok(());
        }
        Err(failure(&self.subject, "restoring its state", status, sandbox.reports()))
    }
}

impl Router for WasmInstance {
    fn route(
        &mut self,
        gate: &GateBatch<'_>,
        view: &ClusterView<'_>,
        out: &mut Routing<'_>,
    ) -> Result<(), RouterError> {
        let made_for = (self.experts, self.top_k, self.top_k, self.experts);
        if (gate.experts(), gate.reference().top_k(), out.top_k(), out.counts.len()) != made_for {
            return Err(RouterError::Failed(format!("{}: the batch is of another layer's shape", self.subject)));
        }
        let adjusts_scores = self.taker.adjusts_scores();
        let sandbox = self.sandbox.get_mut();
        let lay = |block: &mut Block<'_>| arrays::lay(block, gate, view, adjusts_scores);
        let called = sandbox.lay(lay).and_then(|(_, laid)| {
            let arguments = (self.pointer, laid.batch, laid.decision, sandbox.callbacks().errors);
            Ok((laid, sandbox.call(&self.calls.route, arguments)?))
        });
        let (laid, status) = called.map_err(|stop| self.stopped(&stop))?;
        self.check("routing", status)?;
        let taken = self.taker.take(self.sandbox.get_mut(), &laid, gate, out);
        let found = taken.and_then(|decided| Ok((decided.feasibility()?, decided.operations()?)));
        (self.feasibility, self.operations) = found.map_err(|fault| self.unusable(fault))?;
        Ok(())
    }

    fn feedback(&mut self, feedback: &Feedback<'_>) -> Result<(), RouterError> {
        let Some(function) = &self.calls.feedback else { return Ok(()) };
        let lengths = [feedback.assignments.len(), feedback.joules.len(), feedback.seconds.len()];
        if lengths != [self.experts; 3] {
            return Err(RouterError::Failed(format!("{}: the feedback is of another layer's shape", self.subject)));
        }
        let sandbox = self.sandbox.get_mut();
        let called = sandbox.lay(|block| arrays::lay_feedback(block, feedback)).and_then(|(_, told)| {
            let errors = sandbox.callbacks().errors;
            sandbox.call(function, (self.pointer, told, errors))
        });
        let status = called.map_err(|stop| self.stopped(&stop))?;
        self.check("learning from feedback", status)
    }

    fn feasibility(&self) -> Option<Feasibility> {
        self.feasibility
    }

    fn operations_per_token(&self) -> f64 {
        self.operations
    }

    /// The module's bytes and, as a run may be saved between a decision and the end of its batch, the feasibility it has found: what a native
    /// plugin's state is.
    fn save(&self) -> Vec<u8> {
        let mut bytes = match &self.calls.save {
            None => Vec::new(),
            Some(save) => match self.saved(save) {
                Ok(bytes) => bytes,
                Err(why) => [NOT_SAVED, why.as_bytes()].concat(),
            },
        };
        if self.calls.save.is_some() || self.feasibility.is_some() {
            bytes.push(match self.feasibility {
                None => 0,
                Some(Feasibility::Feasible) => 1,
                Some(Feasibility::Infeasible) => 2,
            });
        }
        bytes
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), RouterError> {
        let (feasibility, bytes) = match bytes.split_last() {
            None | Some((0, _)) => (None, &bytes[..bytes.len().saturating_sub(1)]),
            Some((1, bytes)) => (Some(Feasibility::Feasible), bytes),
            Some((2, bytes)) => (Some(Feasibility::Infeasible), bytes),
            Some(_) => return Err(RouterError::State(format!("{} has saved no such bytes", self.subject))),
        };
        self.restore(bytes).map_err(RouterError::State)?;
        self.feasibility = feasibility;
        Ok(())
    }
}
