// What `npm test` prints first.
import { availableParallelism } from 'node:os'

const cores = availableParallelism()
const measured = 'about nine minutes on two idle cores, less on more'
console.log(`Tests the library, the service, the command line and the documentation on ${cores} ${cores === 1 ? 'core' : 'cores'}: ${measured}.
They start what they need (Redis servers, browsers, services) on free ports, and stop it. One file: npx vitest run <path>.
`)
