import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freshFolder } from './programs.ts'
import { checkPythonClient } from './python-client.ts'
import { startServiceWithKey } from './service.ts'
import { checkTypeScriptClient } from './typescript-client.ts'

/** Generates clients from the description of a running service, and calls the service with them: `npm run test:clients`. */
const { service, key, ended } = await startServiceWithKey()
try {
  const answer = await fetch(`${service.url}/openapi.json`, { headers: { authorization: `Bearer ${key}` } })
  const description = join(await freshFolder('description'), 'openapi.json')
  await writeFile(description, await answer.text())
  const place = { url: service.url, key, description }
  for (const [name, check] of [
    ['Python, by openapi-python-client', checkPythonClient],
    ['TypeScript, by openapi-typescript', checkTypeScriptClient]
  ] as const) {
    await check(place)
    console.log(`${name}: published, queried, consumed, listed dead letters and was refused.`)
  }
} finally {
  await ended()
}
