//! The floating-point control word of the calling thread: rounding and the flushing of subnormal numbers.
//!
//! A library built with `-ffast-math` changes it when it is loaded, and with it the results of everything that runs afterwards. So it is
//! put back after anything of a library has run for the first time.

/// The control word as it was at one instant, of one thread.
///
/// ```
/// use isotherm_plugin_host::FloatControl;
/// let before = FloatControl::read();
/// assert_eq!(before, FloatControl::read());
/// assert!(!before.restore(), "nobody has changed it");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FloatControl {
    /// SSE control bits (x86-64) or FPCR (AArch64).
    vector: u64,
    /// Control word of the x87 unit.
    scalar: u16,
}

/// Bits of MXCSR that record what has happened and steer nothing.
#[cfg(target_arch = "x86_64")]
const STICKY: u32 = 0x3f;

impl FloatControl {
    /// The control word of this thread. On processors other than x86-64 and AArch64 it is not looked at.
    #[must_use]
    pub fn read() -> Self {
        read()
    }

    /// Puts this control word back, and says whether it had been changed.
    #[must_use = "a change is worth a warning"]
    pub fn restore(&self) -> bool {
        let changed = *self != Self::read();
        if changed {
            write(*self);
        }
        changed
    }
}

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "no safe function reads the control words")]
fn read() -> FloatControl {
    let (mut vector, mut scalar) = (0_u32, 0_u16);
    // SAFETY: both instructions store into the variables behind the pointers and do nothing else.
    unsafe {
        std::arch::asm!("stmxcsr [{}]", in(reg) &raw mut vector, options(nostack, preserves_flags));
        std::arch::asm!("fnstcw [{}]", in(reg) &raw mut scalar, options(nostack, preserves_flags));
    }
    FloatControl { vector: u64::from(vector & !STICKY), scalar }
}

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "no safe function writes the control words")]
fn write(FloatControl { vector, scalar }: FloatControl) {
    let vector = vector as u32;
    // SAFETY: both values have been read from the same registers, so no reserved bit is set.
    unsafe {
        std::arch::asm!("ldmxcsr [{}]", in(reg) &raw const vector, options(nostack, preserves_flags, readonly));
        std::arch::asm!("fldcw [{}]", in(reg) &raw const scalar, options(nostack, preserves_flags, readonly));
    }
}

#[cfg(target_arch = "aarch64")]
#[expect(unsafe_code, reason = "no safe function reads the control register")]
fn read() -> FloatControl {
    let vector: u64;
    // SAFETY: reads one register.
    unsafe { std::arch::asm!("mrs {}, fpcr", out(reg) vector, options(nomem, nostack, preserves_flags)) };
    FloatControl { vector, scalar: 0 }
}

#[cfg(target_arch = "aarch64")]
#[expect(unsafe_code, reason = "no safe function writes the control register")]
fn write(FloatControl { vector, .. }: FloatControl) {
    // SAFETY: the value has been read from the same register.
    unsafe { std::arch::asm!("msr fpcr, {}", in(reg) vector, options(nomem, nostack, preserves_flags)) };
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn read() -> FloatControl {
    FloatControl { vector: 0, scalar: 0 }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn write(_: FloatControl) {}
