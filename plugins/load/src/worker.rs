//! One GPU: a thread that owns its device and works off one share at a time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Instant;

use isotherm_plugin::prelude::*;

use crate::layer::Layer;

/// A share to work off, and when its layer has begun.
struct Order {
    share: Share,
    start: Instant,
}

/// The share back, so that its memory is used again; and the time until it was done (s), or why it was not.
type Answer = (Share, Result<f64, String>);

/// A GPU's thread. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Worker {
    orders: Option<SyncSender<Order>>,
    answers: Receiver<Answer>,
    thread: Option<JoinHandle<()>>,
    /// Lent to the thread while it works.
    share: Share,
}

impl Worker {
    /// Starts a thread for GPU `gpu`. `open` runs in it and makes the layer, with the name of the device; [`Worker::ready`] has what came of it.
    pub(crate) fn start(
        gpu: usize,
        open: impl FnOnce() -> Result<(Layer, String), LoadError> + Send + 'static,
    ) -> Result<Starting, LoadError> {
        // Of one place each: one share at a time, and none of them allocates.
        let ((orders, inbox), (outbox, answers)) = (sync_channel(1), sync_channel(1));
        let (tell, opened) = sync_channel(1);
        let work = move || {
            let (opened, layer) = match caught(open) {
                Ok(Ok((layer, name))) => (Ok(name), Some(layer)),
                Ok(Err(error)) => (Err(error), None),
                Err(panic) => (Err(LoadError::Unfit(panic)), None),
            };
            let told = tell.send(opened);
            if let (Some(layer), Ok(())) = (layer, told) {
                serve(&layer, &inbox, &outbox);
            }
        };
        let thread = std::thread::Builder::new().name(format!("load of GPU {gpu}")).spawn(work);
        let thread = thread.map_err(|error| LoadError::Unfit(format!("no thread for GPU {gpu}: {error}")))?;
        let worker = Self { orders: Some(orders), answers, thread: Some(thread), share: Share::new() };
        Ok(Starting { gpu, worker, opened })
    }

    /// Gives the thread a share to work off.
    pub(crate) fn order(&mut self, share: &Share, start: Instant) -> Result<(), String> {
        self.share.clone_from(share);
        let order = Order { share: std::mem::take(&mut self.share), start };
        self.orders.as_ref().and_then(|orders| orders.send(order).ok()).ok_or_else(ended)
    }

    /// Waits until the share is worked off: seconds since the start of the layer.
    pub(crate) fn wait(&mut self) -> Result<f64, String> {
        let (share, seconds) = self.answers.recv().map_err(|_| ended())?;
        self.share = share;
        seconds
    }
}

/// A worker that is opening its device.
pub(crate) struct Starting {
    gpu: usize,
    worker: Worker,
    opened: Receiver<Result<String, LoadError>>,
}

impl Starting {
    /// Waits until the device is open: the worker, and the device's name.
    pub(crate) fn ready(self) -> Result<(Worker, String), LoadError> {
        let opened = self.opened.recv().map_err(|_| LoadError::Unfit(ended()))?;
        let name = opened.map_err(|error| LoadError::Unfit(format!("GPU {}: {error}", self.gpu)))?;
        Ok((self.worker, name))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // What it had to say was an answer.
            let _ = thread.join();
        }
    }
}

fn serve(layer: &Layer, orders: &Receiver<Order>, answers: &SyncSender<Answer>) {
    while let Ok(Order { share, start }) = orders.recv() {
        let done = match caught(|| layer.execute(&share)) {
            Ok(Ok(())) => Ok(start.elapsed().as_secs_f64()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(panic) => Err(panic),
        };
        if answers.send((share, done)).is_err() {
            return;
        }
    }
}

/// Runs `work`; of a panic, what it said.
fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| {
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        format!("its thread panicked: {}", text.unwrap_or("without a message"))
    })
}

fn ended() -> String {
    "its thread has ended".to_owned()
}
