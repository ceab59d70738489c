//! How much memory a thread holds at most while it does something.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

#[global_allocator]
static ALLOCATOR: Watching = Watching;

struct Watching;

thread_local! {
    /// Bytes that this thread holds, from where it began to be watched.
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn change(bytes: isize) {
    // A thread that is ending has no cell any more.
    let _ = HELD.try_with(|held| {
        held.set(held.get() + bytes);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(held.get())));
    });
}

#[allow(unsafe_code, reason = "the only way to watch allocations")]
// SAFETY: every call goes on to the system's allocator unchanged; counting touches only
// thread-local cells, which never allocate.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        change(layout.size() as isize);
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        change(-(layout.size() as isize));
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // The old and the new may be there at the same time.
        change(size as isize);
        change(-(layout.size() as isize));
        // SAFETY: the caller's promises are the system allocator's.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// The most bytes that this thread held at a time in doing it.
pub fn peak_of(what: impl FnOnce()) -> usize {
    HELD.with(|held| held.set(0));
    PEAK.with(|peak| peak.set(0));
    what();
    PEAK.with(Cell::get).unsigned_abs()
}

#[test]
fn what_is_held_is_seen() {
    let peak = peak_of(|| drop(std::hint::black_box(vec![1_u8; 1_000_000])));
    assert!((1_000_000..1_100_000).contains(&peak), "{peak}");
}
