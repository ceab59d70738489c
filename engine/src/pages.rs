//! Large pages for large tables, and pages that are populated before they are needed.
//!
//! Look-ups in a market of millions of orders spread over hundreds of megabytes, and with 4 KiB
//! pages each one walks the page tables first. Books reserve their tables and touch them
//! later; in between, the system is asked here to back them with pages of 2 MiB. It does so
//! where transparent huge pages are `madvise` or `always`; where they are `never`, or on a
//! system other than Linux, nothing changes.

use std::io;
use std::ops::Range;

/// A large page. Nothing is asked for that holds no whole one.
pub const LARGE_BYTES: usize = 2 << 20;

/// Asks for large pages at these addresses, which the caller has reserved, and tells for how many
/// bytes: whole large pages only. The memory holds what it held before.
///
/// # Errors
/// What the system answers: most of all that its kernel knows no such pages.
pub fn ask_large(table: Range<usize>) -> io::Result<usize> {
    let start = table.start.next_multiple_of(LARGE_BYTES);
    let end = table.end / LARGE_BYTES * LARGE_BYTES;
    if start >= end {
        return Ok(0);
    }
    advise(start, end - start, What::Large)?;
    Ok(end - start)
}

/// Has pages made writable at these addresses, which the caller has reserved, and tells for how
/// many bytes: of all pages that hold one of them. Their first store does not trap any more. The
/// memory holds what it held before.
///
/// # Errors
/// What the system answers: most of all that its kernel is too old, before Linux 5.14.
pub fn make_ready(table: Range<usize>) -> io::Result<usize> {
    let bytes = rustix::param::page_size();
    if table.is_empty() {
        return Ok(0);
    }
    let start = table.start / bytes * bytes;
    let end = table.end.next_multiple_of(bytes);
    advise(start, end - start, What::Ready)?;
    Ok(end - start)
}

/// Bytes of a thread's stack that [`make_stack_ready`] touches: more than any lane has needed.
const STACK_BYTES: usize = 64 << 10;

/// Touches the next pages of the calling thread's stack: it grows page by page, and what a lane
/// calls seldom shall not wait for one.
#[inline(never)]
pub fn make_stack_ready() {
    std::hint::black_box([1_u8; STACK_BYTES]);
}

#[derive(Clone, Copy)]
enum What {
    Large,
    Ready,
}

#[cfg(target_os = "linux")]
fn advise(start: usize, bytes: usize, what: What) -> io::Result<()> {
    use rustix::mm::{Advice, madvise};
    let advice = match what {
        What::Large => Advice::LinuxHugepage,
        What::Ready => Advice::LinuxPopulateWrite,
    };
    let at = std::ptr::with_exposed_provenance_mut(start);
    // SAFETY: both kinds of advice change neither what the memory holds nor who may use it,
    // whosever it is; the system refuses addresses where nothing is mapped.
    unsafe { madvise(at, bytes, advice) }?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn advise(_: usize, _: usize, _: What) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(table: &[u64]) -> Range<usize> {
        let range = table.as_ptr_range();
        range.start as usize..range.end as usize
    }

    #[test]
    fn whole_large_pages_are_asked_for_and_what_stands_there_stays() {
        let mut table = vec![0_u64; 5 * LARGE_BYTES / size_of::<u64>()];
        table[LARGE_BYTES / 4] = 7;
        match ask_large(addresses(&table)) {
            Ok(bytes) => assert!([4, 5].contains(&(bytes / LARGE_BYTES)), "{bytes}"),
            // A kernel without such pages.
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::InvalidInput),
        }
        table[0] = 1;
        assert_eq!(table.iter().sum::<u64>(), 8);
    }

    #[test]
    fn what_is_made_ready_stays_as_it_was() {
        let mut table = vec![0_u64; LARGE_BYTES / size_of::<u64>()];
        table[1_000] = 7;
        match make_ready(addresses(&table)) {
            Ok(bytes) => assert!(bytes >= LARGE_BYTES, "{bytes}"),
            // An old kernel.
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::InvalidInput),
        }
        assert_eq!(
            (table.iter().sum::<u64>(), make_ready(0..0).unwrap()),
            (7, 0)
        );
    }

    #[test]
    fn what_holds_no_whole_one_is_left_alone() {
        let table = vec![0_u64; LARGE_BYTES / size_of::<u64>() - 1];
        assert_eq!(ask_large(addresses(&table)).unwrap(), 0);
        assert_eq!(ask_large(0..0).unwrap(), 0);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn where_nothing_is_mapped_the_system_says_so() {
        let page = usize::MAX / 4 / LARGE_BYTES * LARGE_BYTES;
        assert!(ask_large(page..page + LARGE_BYTES).is_err());
    }
}
