//! What recording costs.

use std::time::Duration;

/// Processor time of this process so far, all threads; `None` where the system does not say.
#[must_use]
pub fn processor_time() -> Option<Duration> {
    #[cfg(unix)]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
    }
    #[cfg(not(unix))]
    None
}

#[cfg(test)]
mod tests {
    #[cfg(unix)]
    #[test]
    fn work_costs_time() {
        let before = super::processor_time().unwrap();
        let mut sum = 0u64;
        while super::processor_time().unwrap() == before {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(super::processor_time().unwrap() > before);
    }
}
