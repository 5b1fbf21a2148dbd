//! What a component needs where there is no standard library: memory that is never given back, since an instance lives for one call.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::Cell;

const PAGE: usize = 64 * 1024;

unsafe extern "C" {
    /// Where the linker put nothing more.
    static __heap_base: u8;
}

struct Bump {
    next: Cell<usize>,
    end: Cell<usize>,
}

// SAFETY: a component has one thread.
unsafe impl Sync for Bump {}

// SAFETY: every block is handed out once, inside memory that was grown for it.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if self.end.get() == 0 {
            self.next.set(&raw const __heap_base as usize);
            self.end.set(core::arch::wasm32::memory_size(0) * PAGE);
        }
        let at = self.next.get().next_multiple_of(layout.align());
        let Some(end) = at.checked_add(layout.size()) else { return core::ptr::null_mut() };
        if end > self.end.get() {
            let pages = (layout.size() + layout.align()).div_ceil(PAGE);
            let grown = core::arch::wasm32::memory_grow(0, pages);
            if grown == usize::MAX {
                return core::ptr::null_mut();
            }
            if grown * PAGE != self.end.get() {
                self.next.set(grown * PAGE);
            }
            self.end.set((grown + pages) * PAGE);
            // SAFETY: the caller's own, with enough room now.
            return unsafe { self.alloc(layout) };
        }
        self.next.set(end);
        at as *mut u8
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static MEMORY: Bump = Bump { next: Cell::new(0), end: Cell::new(0) };

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
