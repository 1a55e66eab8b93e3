import { enableCompileCache } from 'node:module'

// Compiled code is kept from one start to the next: most commands take less time than compiling what they import.
enableCompileCache()
const { runProcess } = await import('./cli/process.ts')
await runProcess()
