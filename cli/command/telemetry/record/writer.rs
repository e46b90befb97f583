//! Writing beside polling: a disk that stops for a while must not cost a poll.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use isotherm_recording::{Reading, RecordError, Recorder};

/// Polls that wait for the disk at most: 20 s at 50 Hz. Their buffers go round, so that memory does not grow.
const WAITING: usize = 1024;

/// A recorder in a thread of its own.
pub(super) struct Writer {
    polls: SyncSender<Vec<Reading>>,
    used: Receiver<Vec<Reading>>,
    thread: JoinHandle<(Recorder, Result<(), RecordError>)>,
    place: Arc<Mutex<PathBuf>>,
    unwritten: u64,
}

impl Writer {
    pub(super) fn start(recorder: Recorder) -> Self {
        let (polls, waiting) = sync_channel(WAITING);
        let (give_back, used) = channel();
        let place = Arc::new(Mutex::new(recorder.writing_to().to_owned()));
        let shown = Arc::clone(&place);
        let thread = std::thread::spawn(move || write_all(recorder, &waiting, &give_back, &shown));
        Self { polls, used, thread, place, unwritten: 0 }
    }

    /// A buffer for the next poll.
    pub(super) fn buffer(&self) -> Vec<Reading> {
        self.used.try_recv().unwrap_or_default()
    }

    /// Takes a poll; says whether writing goes on. A poll for which there is no room is counted, and lost.
    pub(super) fn write(&mut self, readings: Vec<Reading>) -> bool {
        match self.polls.try_send(readings) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                self.unwritten += 1;
                true
            }
            Err(TrySendError::Disconnected(_)) => false,
        }
    }

    /// Polls that were lost because the disk was too slow.
    pub(super) const fn unwritten(&self) -> u64 {
        self.unwritten
    }

    /// Size of the file that is being written (bytes).
    pub(super) fn size(&self) -> u64 {
        let place = self.place.lock().unwrap_or_else(PoisonError::into_inner).clone();
        std::fs::metadata(place).map_or(0, |data| data.len())
    }

    /// Writes what waits and closes the files; returns them in order, or what there is of them and why there is no more.
    pub(super) fn finish(self) -> Result<Vec<PathBuf>, (Vec<PathBuf>, Option<RecordError>)> {
        drop(self.polls);
        // A thread that panicked has nothing to close; what it wrote is on the disk.
        let Ok((recorder, outcome)) = self.thread.join() else { return Err((Vec::new(), None)) };
        let last = recorder.writing_to().to_owned();
        match (outcome, recorder.finish()) {
            (Ok(()), Ok(files)) => Ok(files),
            (Err(first), Ok(files)) => Err((files, Some(first))),
            (Err(error), Err(_)) | (Ok(()), Err(error)) => Err((vec![last], Some(error))),
        }
    }
}

fn write_all(
    mut recorder: Recorder,
    waiting: &Receiver<Vec<Reading>>,
    give_back: &Sender<Vec<Reading>>,
    shown: &Mutex<PathBuf>,
) -> (Recorder, Result<(), RecordError>) {
    for readings in waiting {
        if let Err(error) = recorder.write(&readings) {
            return (recorder, Err(error));
        }
        let mut place = shown.lock().unwrap_or_else(PoisonError::into_inner);
        if place.as_path() != recorder.writing_to() {
            recorder.writing_to().clone_into(&mut place);
        }
        drop(place);
        // Nobody takes it at the very end.
        let _ = give_back.send(readings);
    }
    (recorder, Ok(()))
}

#[cfg(test)]
mod tests {
    use isotherm_recording::{DeviceFacts, Entry, Header, RecorderOptions, Recording, Signal};

    use super::*;

    #[test]
    fn everything_that_was_taken_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let header = Header::new("test", 1.0, &[DeviceFacts::default()]);
        let mut writer = Writer::start(Recorder::create(&path, header, RecorderOptions::default()).unwrap());
        for now in 0..500 {
            let mut readings = writer.buffer();
            readings.clear();
            let mut reading = Reading { begun: now, ended: now, ..Reading::default() };
            reading.set(Signal::Temperature, Entry::Value { value: now, changed: now });
            readings.push(reading);
            assert!(writer.write(readings));
        }
        let lost = writer.unwritten();
        assert_eq!(writer.finish().unwrap(), std::slice::from_ref(&path));
        let recording = Recording::open(path.to_str().unwrap()).unwrap();
        assert_eq!(recording.tracks[0].times.len() as u64 + lost, 500);
    }
}
