//! An allocator that counts, and a mapped file.

use memmap2::MmapMut;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs::File;
use std::sync::atomic::{AtomicU64, Ordering};

static ALL: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static OWN: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, with every allocation counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counting;

fn count() {
    ALL.fetch_add(1, Ordering::Relaxed);
    // A thread that is ending has no cell any more; its last allocations count in `ALL` only.
    let _ = OWN.try_with(|own| own.set(own.get() + 1));
}

#[allow(unsafe_code, reason = "an allocator is an unsafe trait")]
// SAFETY: every call goes to the system's allocator unchanged; counting touches no memory that is
// allocated (a constant-initialised cell without a destructor, and a static).
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promise is handed on.
        unsafe { System.realloc(place, layout, size) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is handed on.
        unsafe { System.dealloc(place, layout) }
    }
}

/// Allocations so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Of the calling thread.
    pub own: u64,
    /// Of all threads.
    pub all: u64,
}

/// Allocations so far, reallocations included.
#[must_use]
pub fn so_far() -> Count {
    Count {
        own: OWN.try_with(Cell::get).unwrap_or(0),
        all: ALL.load(Ordering::Relaxed),
    }
}

/// True when this program's allocator is [`Counting`].
#[must_use]
pub fn is_counting() -> bool {
    let before = so_far().own;
    drop(std::hint::black_box(Box::new(0_u64)));
    so_far().own > before
}

/// Maps a whole file for writing.
///
/// # Errors
/// When the system refuses.
#[allow(unsafe_code, reason = "a mapping of a file that others could change")]
pub(crate) fn map(file: &File) -> std::io::Result<MmapMut> {
    // SAFETY: the only caller maps an unnamed temporary file that it has just made, so nothing
    // else can change or shorten it while the mapping lives.
    unsafe { MmapMut::map_mut(file) }
}
