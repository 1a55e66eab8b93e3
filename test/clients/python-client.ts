import { hash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { exists } from '../support/find-program.ts'
import { cache, freshFolder, run } from './programs.ts'
import type { Place } from './service.ts'

const REQUIREMENTS = join(import.meta.dirname, 'requirements.txt')
const CALLS = join(import.meta.dirname, 'calls.py')

/** Generates a client in Python, and calls the service with it. Rejects with what a program complained of. */
export async function checkPythonClient({ url, key, description }: Place): Promise<void> {
  const programs = await pythonWithGenerator()
  const folder = await freshFolder('python')
  const env = { ...process.env, PATH: `${programs}${delimiter}${process.env.PATH}` }
  const target = join(folder, 'event_service')
  const generation = ['generate', '--path', description, '--meta', 'none', '--output-path', target]
  await run(join(programs, 'openapi-python-client'), generation, { env })
  await run(join(programs, 'python'), [CALLS], { env: { ...env, PYTHONPATH: folder, URL: url, KEY: key } })
}

/** The folder of the programs of a virtual environment that has what the requirements pin. It is made once for each version of them. */
async function pythonWithGenerator(): Promise<string> {
  const requirements = await readFile(REQUIREMENTS, 'utf8')
  const name = `venv-${hash('sha256', requirements).slice(0, 12)}`
  const [environment, mark] = [join(cache, name), join(cache, name, 'complete')]
  const programs = join(environment, 'bin')
  if (await exists(mark)) return programs
  await run('python3', ['-m', 'venv', await freshFolder(name)])
  const installation = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--requirement', REQUIREMENTS]
  await run(join(programs, 'python'), installation)
  await writeFile(mark, '')
  return programs
}
