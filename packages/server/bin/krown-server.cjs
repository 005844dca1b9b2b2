#!/usr/bin/env node
// CommonJS on purpose: the thread pool gets its size when it is first used, and loading an ES module uses it.
// Password hashing, file writes and name look-ups share these threads.
process.env.UV_THREADPOOL_SIZE ??= '16'
void import('../dist/main.js')
