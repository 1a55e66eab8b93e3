import { EventSystem } from '../../src/index.ts'

/** Encrypts a log anew in a process of its own, for tests that kill it: `rekeying-child.ts <log> <keys>`. Says when it begins, and when it is done. */
const [logPath = '', keysFile = ''] = process.argv.slice(2)
await using system = new EventSystem({ environment: {}, logPath, encryption: { keysFile } })
await system.initialize()
process.stdout.write('begins\n')
await system.rekey()
process.stdout.write('done\n')
