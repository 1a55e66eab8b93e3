import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type Plugin, rolldown } from 'rolldown'
import type { TestProject } from 'vitest/node'

const HOUSE = fileURLToPath(new URL('../..', import.meta.url))
const SOURCE = join(HOUSE, 'packages/service/src/main.ts')
const FOLDER = join(HOUSE, 'node_modules/.cache/command')
/** What has hundreds of files, and none that it looks for at run time. */
const BUNDLED = /^(@tradpal\/|typebox|@redis\/|cockatiel|commander|rate-limiter-flexible)/

/**
 * `tradpal-events`, from its sources as they were when the run began, in a few files: a process that has to find and read some 600
 * takes two to three times as long to start, and the tests start hundreds.
 */
export const COMMAND = join(FOLDER, 'main.js')

/** Vitest calls it before the first test. */
export default async function bundleCommand(project: TestProject): Promise<void> {
  await bundle()
  project.onTestsRerun(bundle)
}

async function bundle(): Promise<void> {
  const command = await rolldown({
    input: { main: SOURCE },
    platform: 'node',
    resolve: { conditionNames: ['tradpal-source', 'node', 'import'] },
    external: (id) => /^[^./]/.test(id) && !BUNDLED.test(id),
    plugins: [whereItWas]
  })
  await command.write({ dir: FOLDER, cleanDir: true })
  await command.close()
}

/** What a file looks for beside itself stands beside its source. */
const whereItWas: Plugin = {
  name: 'where-it-was',
  transform: (code, id) =>
    code.includes('import.meta.url') ? code.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(id).href)) : null
}
