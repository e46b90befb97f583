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
    /// Whether an answer is due.
    busy: bool,
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
        let worker = Self { orders: Some(orders), answers, thread: Some(thread), share: Share::new(), busy: false };
        Ok(Starting { gpu, worker, opened })
    }

    /// Gives the thread a share to work off.
    pub(crate) fn order(&mut self, share: &Share, start: Instant) -> Result<(), String> {
        self.share.clone_from(share);
        let order = Order { share: std::mem::take(&mut self.share), start };
        self.orders.as_ref().and_then(|orders| orders.send(order).ok()).ok_or_else(ended)?;
        self.busy = true;
        Ok(())
    }

    /// Waits until the share is worked off: seconds since the start of the layer, 0 where none was given.
    pub(crate) fn wait(&mut self) -> Result<f64, String> {
        if !std::mem::take(&mut self.busy) {
            return Ok(0.0);
        }
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

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    fn layer() -> Result<(Layer, String), LoadError> {
        let shape = LoadShape { devices: vec![0], experts: 2, top_k: 1, d_model: 8, d_ff: 8, matrices: 2 };
        let layer = Layer::new(&shape, &Device::Cpu, DType::F32, 1).expect("a small layer");
        Ok((layer, "here".to_owned()))
    }

    fn not_opened(open: fn() -> Result<(Layer, String), LoadError>) -> String {
        let starting = Worker::start(3, open).expect("a thread");
        starting.ready().expect_err("it is not opened").to_string()
    }

    #[test]
    fn a_device_that_is_not_opened_says_why_also_by_a_panic() {
        assert_eq!(not_opened(|| Err(LoadError::Unfit("too small".to_owned()))), "GPU 3: too small");
        let said = not_opened(|| panic!("out of {}", "luck"));
        assert_eq!(said, "GPU 3: its thread panicked: out of luck");
    }

    #[test]
    fn what_fails_is_an_answer_and_the_next_share_is_worked_off() {
        let (mut worker, name) = Worker::start(0, layer).expect("a thread").ready().expect("a layer");
        assert_eq!((name.as_str(), worker.wait()), ("here", Ok(0.0)));
        worker.order(&vec![(ExpertId(2), 1)], Instant::now()).expect("it takes a share");
        assert!(worker.wait().expect_err("there is no such expert").contains("there is no expert"));
        worker.order(&vec![(ExpertId(1), 1)], Instant::now()).expect("it takes another");
        assert!(worker.wait().expect("it is done") > 0.0);
    }
}
