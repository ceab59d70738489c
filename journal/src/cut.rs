//! A store into a page that its file no longer has, because another process made the file shorter.
//!
//! The system answers with `SIGBUS`, which would kill the whole program and leave its orders
//! unattended. So whoever maps a file registers its mapping here: the handler puts a page of plain
//! memory under the store, which then completes to no effect, and marks the mapping as cut; whoever
//! stored checks the mark before anything counts. (systemd's journal does the same.) A `SIGBUS`
//! anywhere else goes to the handler that was there before.
//!
//! This is the price of storing into a mapping; `bench journal` compares it with a `write(2)` for
//! each frame. The handler touches nothing but atomics and makes one system call.

use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const PAGE_BYTES: usize = 4_096;

/// A place for a watched mapping. There are as many as ever were watched at a time; none is given
/// back, for the handler may walk past it at any moment.
#[derive(Debug, Default)]
struct Place {
    taken: AtomicBool,
    /// Addresses; the end is 0 while nothing is watched here.
    start: AtomicUsize,
    end: AtomicUsize,
    cut: AtomicBool,
    next: OnceLock<&'static Place>,
}

static FIRST: Place = Place {
    taken: AtomicBool::new(false),
    start: AtomicUsize::new(0),
    end: AtomicUsize::new(0),
    cut: AtomicBool::new(false),
    next: OnceLock::new(),
};

/// A mapping that is watched until this is dropped; before the mapping itself.
#[derive(Debug)]
pub(crate) struct Watched {
    place: &'static Place,
}

/// Watches the mapping at these addresses.
pub(crate) fn watch(addresses: Range<usize>) -> Watched {
    handler::install();
    let place = free_place();
    place.cut.store(false, Ordering::Relaxed);
    place.start.store(addresses.start, Ordering::Relaxed);
    // SYNC POINT cut-place: whoever sees the end sees the start.
    place.end.store(addresses.end, Ordering::Release);
    Watched { place }
}

/// Takes a place that is free, or makes one at the end.
fn free_place() -> &'static Place {
    let mut place = &FIRST;
    loop {
        if !place.taken.swap(true, Ordering::Acquire) {
            return place;
        }
        place = place.next.get_or_init(|| Box::leak(Box::default()));
    }
}

impl Watched {
    /// Becomes true when a store met a page that is gone.
    pub(crate) fn mark(&self) -> &'static AtomicBool {
        &self.place.cut
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.place.end.store(0, Ordering::Release);
        self.place.taken.store(false, Ordering::Release);
    }
}

/// The place of the mapping that holds an address.
fn place_of(address: usize) -> Option<&'static Place> {
    let mut place = Some(&FIRST);
    while let Some(here) = place {
        // SYNC POINT cut-place: pairs with `watch`.
        let end = here.end.load(Ordering::Acquire);
        if (here.start.load(Ordering::Relaxed)..end).contains(&address) {
            return Some(here);
        }
        place = here.next.get().copied();
    }
    None
}

#[allow(
    unsafe_code,
    reason = "a signal's handler and a page at a fixed address; see each SAFETY line"
)]
mod handler {
    use super::{PAGE_BYTES, place_of};
    use std::mem::MaybeUninit;
    use std::ptr;
    use std::sync::OnceLock;
    use std::sync::atomic::Ordering;

    /// Who had the signal before.
    static BEFORE: OnceLock<libc::sigaction> = OnceLock::new();

    /// Takes the signal, once.
    pub(super) fn install() {
        BEFORE.get_or_init(|| {
            let mut before = MaybeUninit::<libc::sigaction>::zeroed();
            // SAFETY: all zeros is a valid `sigaction`: the default action, no flags, no mask.
            let mut ours = unsafe { MaybeUninit::<libc::sigaction>::zeroed().assume_init() };
            let on_bus: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) = on_bus;
            ours.sa_sigaction = on_bus as libc::sighandler_t;
            // On the stack for signals, where the thread has one, as the standard library's own.
            ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            // SAFETY: both point to a `sigaction` of ours; the handler has the signature that
            // `SA_SIGINFO` asks for and does only what a handler may: see there.
            unsafe {
                libc::sigaction(libc::SIGBUS, &raw const ours, before.as_mut_ptr());
                before.assume_init()
            }
        });
    }

    extern "C" fn on_bus(_: i32, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
        // SAFETY: the system hands over a valid `siginfo_t`, of a SIGBUS, whose union begins with
        // an address; what another process sent has some other number there, and is not looked up.
        let (code, address) = unsafe { ((*info).si_code, (*info).si_addr() as usize) };
        let is_fault = code == libc::BUS_ADRERR;
        if let Some(place) = place_of(address).filter(|_| is_fault) {
            let page = address & !(PAGE_BYTES - 1);
            // SAFETY: the page lies in a mapping that is watched, hence still mapped, of whose
            // content no reference exists; nothing else lies in it. The system call touches no
            // memory of ours but `errno`, and that only when it fails.
            let mapped = unsafe {
                libc::mmap(
                    ptr::without_provenance_mut(page),
                    PAGE_BYTES,
                    libc::PROT_READ | libc::PROT_WRITE,
                    libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED,
                    -1,
                    0,
                )
            };
            if mapped != libc::MAP_FAILED {
                // SYNC POINT cut: the store that is made again is this thread's own.
                place.cut.store(true, Ordering::Release);
                return;
            }
        }
        // A fault's instruction is tried again, and what was sent is sent again: whoever had the
        // signal before gets it.
        if let Some(before) = BEFORE.get() {
            // SAFETY: it is what the system told us when we took the signal; `raise` is one of the
            // calls that a handler may make.
            unsafe {
                libc::sigaction(libc::SIGBUS, before, ptr::null_mut());
                if !is_fault {
                    libc::raise(libc::SIGBUS);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    /// What the test's own second process does.
    const CHILD: &str = "JOURNAL_BUS_CHILD";

    #[test]
    #[allow(
        unsafe_code,
        reason = "a store that nobody watches, in a process made for it"
    )]
    fn a_bus_error_that_is_not_ours_ends_the_program_as_before() {
        if let Some(how) = std::env::var_os(CHILD) {
            let _watched = watch(1 << 40..2 << 40);
            if how == "sent" {
                let id = std::process::id().to_string();
                let _ = Command::new("kill").args(["-BUS", &id]).status();
            }
            let file = tempfile::tempfile().expect("a file");
            file.set_len(4_096).expect("made");
            let map = memmap2::MmapOptions::new().len(4_096).map_raw(&file);
            let map = map.expect("mapped");
            file.set_len(0).expect("cut");
            // SAFETY: inside the mapping, which nothing else uses.
            unsafe { map.as_mut_ptr().write_volatile(1) };
            return;
        }
        for how in ["sent", "fault"] {
            let this = std::env::current_exe().expect("a path");
            let name = "cut::tests::a_bus_error_that_is_not_ours_ends_the_program_as_before";
            let child = Command::new(this)
                .args(["--exact", name])
                .env(CHILD, how)
                .output()
                .expect("it starts");
            assert_eq!(
                child.status.signal(),
                Some(libc::SIGBUS),
                "{how}: {child:?}"
            );
        }
    }

    #[test]
    fn places_are_found_by_address_and_used_again() {
        let watched: Vec<Watched> = (1..=5_usize)
            .map(|at| watch(at << 40..(at << 40) + 8_192))
            .collect();
        for (index, one) in watched.iter().enumerate() {
            let start = (index + 1) << 40;
            for address in [start, start + 8_191] {
                assert!(std::ptr::eq(place_of(address).expect("watched"), one.place));
            }
            assert!(place_of(start - 1).is_none() && place_of(start + 8_192).is_none());
        }
        drop(watched);
        assert!(place_of(1 << 40).is_none());
        let again = watch(7 << 40..(7 << 40) + 1);
        assert!(!again.mark().load(Ordering::Relaxed));
    }
}
