/// Memory for what comes and goes with every message and process: terms, message nodes, coroutine
/// frames, bodies. Each thread keeps free blocks by size; what it has too many of goes to the other
/// threads in batches, so that one thread may allocate what another one frees.
///
/// (malloc's own cache for a thread holds seven blocks of a size: a mailbox with more messages than
/// that pays for its locks.)
#pragma once

#include <cstddef>

namespace erl::detail {

/// Uninitialised memory, aligned as by `operator new`. Throws std::bad_alloc. Any thread.
void* take_block(std::size_t size);
/// Takes back what `take_block(size)` returned, on any thread.
void give_block(void* block, std::size_t size) noexcept;

/// Base of classes whose objects are made and deleted one by one in such blocks.
struct in_blocks {
  static void* operator new(std::size_t size) { return take_block(size); }
  static void operator delete(void* block, std::size_t size) noexcept { give_block(block, size); }
};

} // namespace erl::detail
