import { enableCompileCache } from 'node:module'

// Compiled code is kept from one start to the next: most commands take less time than compiling what they import.
enableCompileCache()
const { runProgram } = await import('./cli/program.ts')
process.exitCode = await runProgram(process.argv.slice(2))
